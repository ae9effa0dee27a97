"""One point of a trajectory, as samplers yield it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

Field = Callable[[Tensor, Tensor], Tensor]
"""(state (B, K, H, W), t (B,)) -> velocity, logits or clean mask (B, C, H, W): a network with its image and condition
bound."""


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """`state` x_t and `estimate`, the clean mask as believed at `t`, both (B, K, H, W) in the sampler's own range.

    `t` from 0 (noise) to 1 (mask). Diffusion also has its own step number, T-1 down to 0, and the share of noise in
    `state`, in [0, 1].
    """

    index: int
    t: float
    state: Tensor
    estimate: Tensor
    timestep: int | None = None
    noise_level: float | None = None
