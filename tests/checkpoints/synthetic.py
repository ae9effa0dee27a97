"""Checkpoints without numbers: only the keys and shapes that decide, as the reader would hand them over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.checkpoints.contents import Contents, StorageInfo, TensorInfo

BASE = "unet.base_unet."
Shapes = dict[str, tuple[int, ...]]

SOFT_SEG = {"loss_type": "l2", "v_activation": "tanh", "v_clamp_value": 1.0, "use_pcgrad": False}
SOFT2HARD = {
    "soft2hard_weight": 0.1,
    "soft_sharpness": 10.0,
    "hard_weight": 1.0,
    "soft_weight": 0.1,
    "flow_weight": 1.0,
}
SOFL_DFM = {
    "loss_type": "l2",
    "mode": "dfm_binary",
    "dfm_sampler": "heun",
    "dfm_eps": "1e-6",
    "use_sliding_infer": True,
}
SOFL_CFM = {"loss_type": "l2", "mode": "cfm_continuous", "dfm_sampler": "euler", "dfm_eps": 1e-6}
VLM = SOFL_DFM | {
    "use_vlm_film": True,
    "vlm_film_decoder_stages": None,
    "junction_gating_config": None,
    "vlm_film_config": {"model_name": "Qwen", "batch_strategy": "per_sample", "pred_warmup_epochs": 0},
}


def tensor(shape: tuple[int, ...], dtype: str = "float32") -> TensorInfo:
    storage = StorageInfo(key="0", dtype=dtype, numel=1, offset=0, nbytes=4)
    return TensorInfo(dtype=dtype, shape=shape, strides=(0,) * len(shape), offset=0, storage=storage)


def network(mult: Sequence[int] = (1, 2, 3), width: int = 8, size: int = 32, full: Sequence[int] = (1,)) -> Shapes:
    """The keys of a `medsegdiff_flow` that say what it is; `full`: levels with full attention."""
    widths = [width, *(width * m for m in mult)]
    shapes: Shapes = {
        BASE + "init_conv.weight": (width, 1, 7, 7),
        BASE + "cond_init_conv.weight": (width, 1, 7, 7),
        BASE + "conditioners.0.ff_parser_attn_map": (width, size, size),
        BASE + "final_conv.weight": (1, width, 1, 1),
    }
    for level in range(len(mult)):
        last = level == len(mult) - 1
        shapes[BASE + f"downs.{level}.0.block1.proj.weight"] = (widths[level], widths[level], 3, 3)
        shapes[BASE + f"downs.{level}.3.{'' if last else '0.'}weight"] = (widths[level + 1], widths[level], 4, 4)
        attention = "to_out.weight" if level in full else "to_out.0.weight"
        shapes[BASE + f"downs.{level}.2.fn.{attention}"] = (widths[level], 128, 1, 1)
    return shapes


def two_channels(shapes: Shapes, *, soft2hard: bool = False) -> Shapes:
    """The same network with a hard and a soft head."""
    width = shapes[BASE + "init_conv.weight"][0]
    heads: Shapes = {"unet.hard_head.weight": (1, width, 1, 1), "unet.soft_head.weight": (1, width, 1, 1)}
    if soft2hard:
        heads |= {"unet.soft_feat.0.weight": (width, 1, 3, 3), "unet.gate_conv.weight": (width, width, 1, 1)}
    return shapes | heads | {BASE + "init_conv.weight": (width, 2, 7, 7)}


def film(channels: Sequence[int], *, text: bool = False) -> Shapes:
    """FiLM heads of these widths and their conditioner: condition 24 wide, hidden 32."""
    shapes: Shapes = {
        "vlm_film_conditioner.image_to_cond.proj.weight": (24, 40),
        "vlm_film_conditioner.image_to_cond.ln.weight": (24,),
    }
    if text:
        shapes["vlm_film_conditioner.text_to_cond.mlp.0.weight"] = (32, 48)
        shapes["vlm_film_conditioner.text_to_cond.mlp.2.weight"] = (24, 32)
    for head, width in enumerate(channels):
        shapes[f"vlm_film_heads.{head}.ln.weight"] = (24,)
        shapes[f"vlm_film_heads.{head}.mlp.0.weight"] = (32, 24)
        shapes[f"vlm_film_heads.{head}.mlp.2.weight"] = (2 * width, 32)
    return shapes


def hyper_parameters(**more: Any) -> dict[str, Any]:
    """Settings of `network()`, without a trace of the writer."""
    common: dict[str, Any] = {
        "arch_name": "medsegdiff_flow",
        "image_size": 32,
        "timesteps": 5,
        "num_ensemble": 1,
        "data_name": "xca",
        "model_channels": 8,
        "channel_mult": [1, 2, 3],
        "attn_resolutions": [16],
    }
    return common | more


def contents(
    shapes: Mapping[str, tuple[int, ...]],
    settings: Mapping[str, Any] | None,
    path: Path = Path("nowhere/best.ckpt"),
    **top: Any,
) -> Contents:
    """An opened Lightning file; `top` are further top-level entries."""
    root: dict[str, Any] = {"epoch": 3, "global_step": 9, "pytorch-lightning_version": "2.6.6", **top}
    root["state_dict"] = {key: tensor(shape) for key, shape in shapes.items()}
    if settings is not None:
        root["hyper_parameters"] = dict(settings)
    return Contents(path=path, container="lightning", size_bytes=1000, root=root)
