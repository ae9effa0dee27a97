"""Discrete (binary) flow matching: a Bernoulli state whose probability follows an ODE (spec 9.2)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from core.sampling.draws import Draws, as_tensor
from core.sampling.point import Field, Point


def sample_discrete(
    logits: Field, shape: tuple[int, ...], draws: Draws, device: torch.device, *, steps: int, eps: float, heun: bool
) -> Iterator[Point]:
    """Yield `steps` points at t = k / steps: the {0, 1} state the network sees, and p1 = sigma(logits) as the estimate.

    The result is the estimate of the last point: the integrated probability and the last draws are discarded, as in the
    producer's code. Euler makes steps + 1 draws and `steps` network calls, Heun 2 steps + 1 and 2 steps.
    """
    p = torch.full(shape, 0.5, device=device)
    x = bernoulli(p, draws)
    for k in range(steps):
        t = k / steps
        p1 = torch.sigmoid(logits(x, _time(t, shape, device)))
        yield Point(k, t, x, p1)
        v = (p1 - p) / (1 - t + eps)
        if heun:
            p, x = _heun_step(logits, draws, p, v, k, steps, eps)
        else:
            p = (p + v / steps).clamp(0, 1)
            x = bernoulli(p, draws)


def _heun_step(
    logits: Field, draws: Draws, p: Tensor, v: Tensor, k: int, steps: int, eps: float
) -> tuple[Tensor, Tensor]:
    t_next = (k + 1) / steps
    p_trial = (p + v / steps).clamp(0, 1)
    x_trial = bernoulli(p_trial, draws)
    p1_next = torch.sigmoid(logits(x_trial, _time(t_next, tuple(p.shape), p.device)))
    v_next = (p1_next - p_trial) / (1 - t_next + eps)
    p = (p + (v + v_next) / (2 * steps)).clamp(0, 1)
    return p, bernoulli(p, draws)


def bernoulli(p: Tensor, draws: Draws) -> Tensor:
    """{0, 1} as float32, 1 where a uniform draw is below `p`."""
    shape = tuple(p.shape)
    return (as_tensor(draws.uniform(shape), shape, p.device) < p).to(torch.float32)


def draw_count(steps: int, heun: bool) -> int:
    """How many draws one run makes: needed to skip a run whose draws must be consumed all the same."""
    return 2 * steps + 1 if heun else steps + 1


def _time(t: float, shape: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.full((shape[0],), t, device=device)
