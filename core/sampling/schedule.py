"""The cosine noise schedule of the diffusion models and its tables (diffusion spec 5.1)."""

from __future__ import annotations

import math

import numpy as np

from core.records import Array

OFFSET = 0.008
MOST_BETA = 0.999
LEAST_VARIANCE = 1e-20


def cosine_tables(timesteps: int, *, alphas: bool = False) -> dict[str, Array]:
    """Name -> (T,) float32, computed in float64. `alphas`: berdiff's table of single steps too.

    Source: Nichol and Dhariwal, Improved Denoising Diffusion Probabilistic Models, 2021, equation 17.
    """
    u = np.arange(timesteps + 1, dtype=np.float64) / timesteps
    signal = np.cos((u + OFFSET) / (1 + OFFSET) * math.pi / 2) ** 2
    signal /= signal[0]
    beta = np.clip(1 - signal[1:] / signal[:-1], 0, MOST_BETA)
    tables = {name: table.astype(np.float32) for name, table in _tables(beta).items()}
    return tables | ({"alphas": np.float32(1) - tables["betas"]} if alphas else {})


def _tables(beta: Array) -> dict[str, Array]:
    alpha = 1 - beta
    total = np.cumprod(alpha)
    before = np.concatenate(([1.0], total[:-1]))
    variance = beta * (1 - before) / (1 - total)
    return {
        "betas": beta,
        "alphas_cumprod": total,
        "alphas_cumprod_prev": before,
        "sqrt_alphas_cumprod": np.sqrt(total),
        "sqrt_one_minus_alphas_cumprod": np.sqrt(1 - total),
        "sqrt_recip_alphas_cumprod": np.sqrt(1 / total),
        "sqrt_recipm1_alphas_cumprod": np.sqrt(1 / total - 1),
        "posterior_variance": variance,
        "posterior_log_variance_clipped": np.log(np.clip(variance, LEAST_VARIANCE, None)),
        "posterior_mean_coef1": beta * np.sqrt(before) / (1 - total),
        "posterior_mean_coef2": (1 - before) * np.sqrt(alpha) / (1 - total),
    }
