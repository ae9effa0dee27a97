"""The training objective of each demo checkpoint: linear flow matching with the dialect's target range, or binary flow.

A window batch is image (B, 1, S, S) in [-1, 1], hard label 0 or 1, soft label in [0, 1], same shape; t is uniform.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """`feature` (B, V) is what the stand-in for the vision-language model says; only the FiLM network reads it."""

    image: Tensor
    hard: Tensor
    soft: Tensor
    feature: Tensor | None = None


Loss = Callable[[nn.Module, Batch, torch.Generator], Tensor]


def cfm_loss(network: nn.Module, batch: Batch, random: torch.Generator) -> Tensor:
    """sofl-seg continuous flow: the target is the mask in [-1, 1]."""
    target = 2 * batch.hard - 1
    velocity_error, end = _continuous(network, batch.image, target, random)
    return velocity_error.mean() + 0.3 * dice_loss((end + 1) / 2, batch.hard)


def soft2hard_loss(network: nn.Module, batch: Batch, random: torch.Generator) -> Tensor:
    """soft-seg: hard and soft label flow together, both in [0, 1]; channel 0 is the hard one."""
    target = torch.cat((batch.hard, batch.soft), dim=1)  # (B, 2, S, S)
    velocity_error, end = _continuous(network, batch.image, target, random)
    # The target's range is half as wide as sofl-seg's, so its error counts four times as much against the noise's.
    return 2 * velocity_error.mean() + 0.3 * dice_loss(end[:, :1], batch.hard)


def dfm_loss(network: nn.Module, batch: Batch, random: torch.Generator) -> Tensor:
    """sofl-seg binary flow: x_t is drawn pixel by pixel between a coin and the mask; the output is logits."""
    t = torch.rand(len(batch.image), generator=random)
    p = 0.5 * (1 - _spread(t)) + _spread(t) * batch.hard
    state = torch.bernoulli(p, generator=random)
    if batch.feature is None:
        logits = network(state, t, batch.image)
    else:
        logits = network.flow(state, t, batch.image, network.vlm_film_conditioner(batch.feature))
    return F.binary_cross_entropy_with_logits(logits, batch.hard) + 0.5 * dice_loss(logits.sigmoid(), batch.hard)


def _continuous(network: nn.Module, image: Tensor, target: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Squared velocity error, and where a straight step to t = 1 would end, both like `target`."""
    noise = torch.randn(target.shape, generator=random)
    t = torch.rand(len(target), generator=random)
    state = (1 - _spread(t)) * noise + _spread(t) * target
    velocity = network(state, t, image)
    return (velocity - (target - noise)) ** 2, state + (1 - _spread(t)) * velocity


def _spread(t: Tensor) -> Tensor:
    return t[:, None, None, None]


def dice_loss(probability: Tensor, hard: Tensor) -> Tensor:
    """1 - soft Dice over the whole batch; `probability` may leave [0, 1] and is clipped."""
    p = probability.clamp(0, 1)
    return 1 - (2 * (p * hard).sum() + 1) / (p.sum() + hard.sum() + 1)


LOSSES: dict[str, Loss] = {"cfm": cfm_loss, "soft2hard": soft2hard_loss, "dfm": dfm_loss, "vlm": dfm_loss}
