"""Networks of the same code bases that are recognised by their keys or their name, and cannot be run yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.networks import Shapes

BASE = "unet.base_unet."
OUT_OF_SCOPE = {
    "dhariwal_unet_4channel": "flow",
    "cenet": "supervised",
    "aacaunet": "supervised",
    "unet3plus": "supervised",
    "vesselnet": "supervised",
    "transunet": "supervised",
}
"""Architectures of older states of the code bases: named in the refusal, never guessed at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """An architecture that is known by sight. `key`: what its weights were recognised by."""

    name: str
    family: Literal["flow", "diffusion", "supervised"]
    module_class: str
    key: str


def recognise(shapes: Shapes, hyper_parameters: Mapping[str, Any]) -> Recognised | None:
    """The architecture that the keys belong to; hyper-parameters only choose between names with equal keys."""
    stored = hyper_parameters.get("arch_name")
    for key, family, name_of in _BY_KEY:
        if key in shapes:
            module_class = {"flow": "FlowModel", "diffusion": "DiffusionModel", "supervised": "SupervisedModel"}[family]
            return Recognised(name=name_of(shapes, stored), family=family, module_class=module_class, key=key)
    return None


def diffusion_producer(name: str, hyper_parameters: Mapping[str, Any]) -> tuple[str, str]:
    """Producer of a DiffusionModel file and why (supervised-diffusion-models 1.2)."""
    if name == "colddiff":
        return "sofl-seg", "only sofl-seg has colddiff"
    traces = [key for key in ("loss_type", "conditioning_fmap_size") if key in hyper_parameters]
    if len(traces) == 2:
        return "sofl-seg", "only sofl-seg's DiffusionModel has loss_type and conditioning_fmap_size"
    return "soft-seg", "sofl-seg's DiffusionModel would have loss_type and conditioning_fmap_size"


def _always(name: str) -> Callable[[Shapes, Any], str]:
    return lambda shapes, stored: name


def _dhariwal(shapes: Shapes, stored: Any) -> str:
    if stored in ("dhariwal_concat_unet", "dhariwal_concat_unet_multihead", "dhariwal_unet_4channel"):
        return str(stored)
    outputs = shapes.get(BASE + "out_conv.weight", (1,))[:1]
    return "dhariwal_concat_unet_multihead" if outputs == (2,) else "dhariwal_concat_unet"


def _rows(shapes: Shapes, key: str) -> int:
    return (shapes.get(key) or (0,))[0]


def _medsegdiff_or_colddiff(shapes: Shapes, stored: Any) -> str:
    if stored in ("medsegdiff", "colddiff"):
        return str(stored)
    first = _rows(shapes, "diffusion_model.model.init_conv.weight")
    deepest = _rows(shapes, "diffusion_model.model.downs.3.3.weight")
    return "colddiff" if first and deepest == 4 * first else "medsegdiff"


_Family = Literal["flow", "diffusion", "supervised"]
_BY_KEY: tuple[tuple[str, _Family, Callable[[Shapes, Any], str]], ...] = (
    (BASE + "map_layer0.weight", "flow", _dhariwal),
    (BASE + "F_model.weight", "flow", _always("segdiff_flow")),
    ("diffusion_model.model.F_model.weight", "diffusion", _always("segdiff")),
    ("diffusion_model.model.conditioners.0.ff_parser_attn_map", "diffusion", _medsegdiff_or_colddiff),
    ("diffusion_model.alphas", "diffusion", _always("berdiff")),
    ("model.model.enc_input.conv1.weight", "supervised", _always("csnet")),
    ("model.model.model.conv00.conv.weight", "supervised", _always("dscnet")),
    ("model.model.inc.block.0.weight", "supervised", _always("nnunet")),
)
