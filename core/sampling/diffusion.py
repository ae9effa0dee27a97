"""The three diffusion samplers: Gaussian, Bernoulli and cold (diffusion spec 5.2). All steps of the schedule are run.

Each yields T points from the noisiest (t = T-1) to the cleanest (t = 0); the result is the estimate of the last. The
estimate is the predicted clean mask in [0, 1], the state is what the network saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from core.sampling.discrete import bernoulli
from core.sampling.draws import Draws, as_tensor
from core.sampling.point import Field, Point

Tables = Mapping[str, Tensor]
"""The schedule: name -> (T,) float32 on the device of the network."""
CLOSE_TO_ZERO = 1e-6


def sample_gaussian(
    network: Field, shape: tuple[int, ...], draws: Draws, device: torch.device, tables: Tables
) -> Iterator[Point]:
    """Ancestral sampling in [-1, 1]: draws a normal start, then one normal after each network call but the last."""
    x = as_tensor(draws.normal(shape), shape, device)
    for t in _timesteps(tables):
        clean = network(x, _steps(t, shape, device)).clamp(-1, 1)
        yield _point(t, tables, x, (clean + 1) / 2, noise_level(tables, t))
        if t > 0:
            z = as_tensor(draws.normal(shape), shape, device)
            mean = tables["posterior_mean_coef1"][t] * clean + tables["posterior_mean_coef2"][t] * x
            x = mean + tables["posterior_variance"][t].sqrt() * z


def sample_bernoulli(
    network: Field, shape: tuple[int, ...], draws: Draws, device: torch.device, tables: Tables
) -> Iterator[Point]:
    """States of 0 and 1: draws the start at p = 0.5, then one uniform after each network call but the last."""
    x = bernoulli(torch.full(shape, 0.5, device=device), draws)
    for t in _timesteps(tables):
        p = network(x, _steps(t, shape, device))
        yield _point(t, tables, x, p, 1 - float(tables["alphas_cumprod"][t]))
        if t > 0:
            x = bernoulli(_posterior(x, p, tables["alphas"][t], tables["alphas_cumprod_prev"][t]), draws)


def _posterior(x: Tensor, p: Tensor, alpha: Tensor, total_before: Tensor) -> Tensor:
    """Probability that the next state is 1, given this one and the predicted mask."""
    zero = (alpha * (1 - x) + (1 - alpha) / 2) * (total_before * (1 - p) + (1 - total_before) / 2)
    one = (alpha * x + (1 - alpha) / 2) * (total_before * p + (1 - total_before) / 2)
    return (one / (zero + one + CLOSE_TO_ZERO)).clamp(CLOSE_TO_ZERO, 1 - CLOSE_TO_ZERO)


def sample_cold(network: Field, image: Tensor, tables: Tables) -> Iterator[Point]:
    """Deterministic: the "noise" is the image itself, (B, 1, H, W) in [-1, 1], from which the mask is uncovered."""
    x = image
    for t in _timesteps(tables):
        clean = network(x, _steps(t, tuple(x.shape), x.device)).clamp(-1, 1)
        yield _point(t, tables, x, (clean + 1) / 2, noise_level(tables, t))
        if t > 0:
            signal, rest = tables["sqrt_alphas_cumprod"][t - 1], tables["sqrt_one_minus_alphas_cumprod"][t - 1]
            x = signal * clean + rest * image


def noise_level(tables: Tables, t: int) -> float:
    """Share of noise (cold: of the image) in the state at step t: the square root of 1 - alpha-bar."""
    return float(tables["sqrt_one_minus_alphas_cumprod"][t])


def _point(t: int, tables: Tables, state: Tensor, estimate: Tensor, level: float) -> Point:
    last = len(tables["betas"]) - 1
    done = (last - t) / last if last else 1.0
    return Point(last - t, done, state, estimate, timestep=t, noise_level=level)


def _timesteps(tables: Tables) -> range:
    return range(len(tables["betas"]) - 1, -1, -1)


def _steps(t: int, shape: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.full((shape[0],), t, device=device)
