"""Small checkpoints in the producers' layout, with random weights, for tests that need no shared fixtures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.networks.film import Conditioner
from core.networks.medsegdiff.config import FilmConfig, Head, MedSegDiffConfig
from core.networks.medsegdiff.network import MedSegDiffFlow

SOFT = {"v_activation": "none", "v_clamp_value": 1.0, "use_pcgrad": False}
CFM = {"mode": "cfm_continuous", "use_sliding_infer": True}
DFM = {"mode": "dfm_binary", "dfm_sampler": "euler", "dfm_eps": "1e-6", "use_sliding_infer": True}
FILM_CONFIG = {
    "model_name": "Qwen/Qwen2.5-VL-3B-Instruct",
    "cond_dim": 12,
    "batch_strategy": "per_sample",
    "text_mlp_hidden_dim": 16,
    "pred_warmup_epochs": 0,
}
FILM = {
    "use_vlm_film": True,
    "vlm_film_config": FILM_CONFIG,
    "vlm_film_decoder_stages": [0, 1],
    "junction_gating_config": None,
}
FEATURE_WIDTH = 10


def small_config(head: Head = "single", film: FilmConfig | None = None) -> MedSegDiffConfig:
    return MedSegDiffConfig(
        widths=(8, 8, 16),
        full_attention=(False, True),
        image_size=16,
        state_channels=1 if head == "single" else 2,
        head=head,
        film=film,
    )


def small_film() -> FilmConfig:
    return FilmConfig(stages=(0, 1), channels=(16, 8), point="A", cond_dim=12, hidden=16, layer_norm=True)


def weights(config: MedSegDiffConfig, seed: int = 0) -> dict[str, Tensor]:
    """Random weights under the producers' keys, conditioner included."""
    torch.manual_seed(seed)
    state = dict(MedSegDiffFlow(config).state_dict())
    if config.film is not None:
        conditioner = Conditioner(FEATURE_WIDTH, config.film.cond_dim)
        state |= {f"vlm_film_conditioner.{key}": value for key, value in conditioner.state_dict().items()}
    return state


def hyper_parameters(config: MedSegDiffConfig, arch: str, dialect: dict[str, Any]) -> dict[str, Any]:
    common = {
        "arch_name": arch,
        "image_size": config.image_size,
        "model_channels": config.widths[0],
        "channel_mult": [width // config.widths[0] for width in config.widths[1:]],
        "attn_resolutions": [8],
        "timesteps": 4,
        "num_ensemble": 1,
        "data_name": "xca",
        "loss_type": "l2",
    }
    return common | dialect


def write_checkpoint(
    path: Path,
    dialect: dict[str, Any],
    *,
    head: Head = "single",
    arch: str = "medsegdiff_flow",
    film: bool = False,
    change: dict[str, Tensor | None] | None = None,
    **top: Any,
) -> Path:
    """Write a Lightning-like file; `change` replaces weights (None removes one), `top` adds top-level keys."""
    config = small_config(head, small_film() if film else None)
    state: dict[str, Tensor | None] = {**weights(config), **(change or {})}
    stored = {
        "state_dict": {key: value for key, value in state.items() if value is not None},
        "hyper_parameters": hyper_parameters(config, arch, dialect),
        "hparams_name": "kwargs",
        "pytorch-lightning_version": "2.5.0",
        "epoch": 30,
        "global_step": 1000,
        "loops": {},
        "callbacks": {},
        "optimizer_states": [],
        "lr_schedulers": [],
        **top,
    }
    torch.save(stored, path)
    return path
