"""One point of a trajectory, as samplers yield it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

Field = Callable[[Tensor, Tensor], Tensor]
"""(state (B, K, H, W), t (B,)) -> velocity or logits (B, C, H, W): a network with its image and condition bound."""


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """`state` x_t and `estimate`, the clean mask as believed at `t`, both (B, K, H, W) in the sampler's own range."""

    index: int
    t: float
    state: Tensor
    estimate: Tensor
