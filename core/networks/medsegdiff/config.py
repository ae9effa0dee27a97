"""Sizes of a MedSegDiff flow network, read from the shapes of its weights. No torch here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from core.networks.architecture import Architecture, Shapes, SizesUnclear, plain_contradictions, shape_of

if TYPE_CHECKING:
    from torch import nn

BASE = "unet.base_unet."
SIGNATURE = tuple(
    BASE + key
    for key in ("init_conv.weight", "cond_init_conv.weight", "conditioners.0.ff_parser_attn_map", "final_conv.weight")
)
HARD, SOFT, SOFT_FEATURES, GATE = (
    "unet.hard_head.weight",
    "unet.soft_head.weight",
    "unet.soft_feat.0.weight",
    "unet.gate_conv.weight",
)
MOST_LEVELS = 12
"""A 4096-pixel window halves twelve times."""
GROUPS = 8
"""Group normalisation splits every width of the network into eight."""
Head = Literal["single", "multitask", "soft2hard"]
FilmPoint = Literal["A", "B"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmConfig:
    """FiLM heads: head h modulates decoder stage `stages[h]`, which has `channels[h]` channels.

    `point` A: after the first residual block of the stage, before the second skip; B: after the second block, before
    attention.
    """

    stages: tuple[int, ...]
    channels: tuple[int, ...]
    point: FilmPoint
    cond_dim: int
    hidden: int
    layer_norm: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MedSegDiffConfig:
    """`widths`: channels D_0..D_L, level i works at D_i; `full_attention[i]`: quadratic attention at level i.

    `image_size`: side of the frequency map of level 0, in flows that of the window. `time_scale`: see `time_mlp`.
    """

    widths: tuple[int, ...]
    full_attention: tuple[bool, ...]
    image_size: int
    state_channels: int
    in_channels: int = 1
    head: Head = "single"
    refine_depth: int = 0
    film: FilmConfig | None = None
    mid_depth: int = 1
    time_scale: float = 1000.0

    @property
    def levels(self) -> int:
        return len(self.full_attention)

    @property
    def out_channels(self) -> int:
        return 1 if self.head == "single" else 2

    @property
    def divisor(self) -> int:
        return 1 << (self.levels - 1)

    @property
    def stage_channels(self) -> tuple[int, ...]:
        """Channels of decoder stage j, j = 0 the lowest resolution."""
        return tuple(reversed(self.widths[1:]))

    def to_dict(self) -> dict[str, Any]:
        """As the producers would write it: `model_channels`, `channel_mult`, ..."""
        return {
            "model_channels": self.widths[0],
            "channel_mult": [width // self.widths[0] for width in self.widths[1:]],
            "full_attention": list(self.full_attention),
            "image_size": self.image_size,
            "state_channels": self.state_channels,
            "head": self.head,
            "refine_depth": self.refine_depth,
        }

    def witnesses(self) -> Mapping[str, str]:
        return {
            "state_channels": f"{BASE}init_conv.weight has {self.state_channels} input channels",
            "in_channels": f"{BASE}cond_init_conv.weight has {self.in_channels} input channels",
            "out_channels": f"the network ends in a {self.head} head",
            "image_size": f"last size of {BASE}conditioners.0.ff_parser_attn_map",
            "network": f"shapes of {BASE}init_conv, downs.*.3 and downs.*.2.fn.to_out",
        }

    def problem(self) -> str:
        if not 2 ** (self.levels - 1) <= self.image_size <= 4096:
            return f"its window of {self.image_size} pixels cannot be halved {self.levels - 1} times"
        return width_problem(self.widths) or channel_problem(self.state_channels, self.out_channels)

    def contradictions(self, stored: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        size = (("image_size", self.image_size, f"the frequency map of level 0 is {self.image_size} wide"),)
        yield from plain_contradictions(stored, (*size, *decided_widths(self.widths)))
        yield from attention_contradictions(stored, self.image_size, self.full_attention)


def decided_widths(widths: tuple[int, ...]) -> tuple[tuple[str, Any, str], ...]:
    """What the widths D_0..D_L say of the hyper-parameters that name them."""
    base, *others = widths
    mult = [width // base if width % base == 0 else width / base for width in others]
    return (
        ("model_channels", base, f"the first convolution has {base} output channels"),
        ("channel_mult", mult, f"the levels end in {others} channels"),
    )


def attention_contradictions(
    stored: Mapping[str, Any], image_size: int, full_attention: tuple[bool, ...]
) -> Iterator[tuple[str, str]]:
    """`attn_resolutions` against the kind of attention at each level (spec section 2, attention flag rule)."""
    resolutions = stored.get("attn_resolutions")
    if not isinstance(resolutions, (list, tuple)):
        return
    expected = tuple(max(1, image_size >> level) in resolutions for level in range(len(full_attention)))
    if expected != full_attention:
        kinds = ["full" if full else "linear" for full in full_attention]
        yield "attn_resolutions", f"the levels have {', '.join(kinds)} attention by their to_out keys"


def width_problem(widths: tuple[int, ...]) -> str:
    """Why a U-Net with these widths cannot be built, or nothing."""
    if len(widths) - 1 > MOST_LEVELS:
        return f"it has {len(widths) - 1} levels, where {MOST_LEVELS} are the most"
    if any(width % GROUPS or width > 8192 for width in widths):
        return f"its widths {list(widths)} are not all multiples of {GROUPS} up to 8192"
    return ""


def channel_problem(state_channels: int, out_channels: int) -> str:
    if state_channels != out_channels:
        return f"it takes {state_channels} state channels and gives {out_channels}"
    return ""


def infer_config(shapes: Shapes, base: str = BASE, time_scale: float = 1000.0) -> MedSegDiffConfig:
    """Sizes of the network whose keys start with `base`, from shapes alone (spec 1.3), without FiLM heads: those are
    found by the report, which knows the stages.

    Raises `SizesUnclear` where a deciding key is missing or impossible.
    """
    first = shape_of(shapes, base + "init_conv.weight", 4)
    return MedSegDiffConfig(
        widths=(first[0], *level_outputs(shapes, base)),
        full_attention=attention_flags(shapes, base),
        image_size=shape_of(shapes, base + "conditioners.0.ff_parser_attn_map", 3)[-1],
        state_channels=first[1],
        in_channels=shape_of(shapes, base + "cond_init_conv.weight", 4)[1],
        head=_head(shapes),
        refine_depth=_refine_depth(shapes),
        mid_depth=_count(shapes, base + "mid_transformer.layers.{}.0.fn.to_out.weight"),
        time_scale=time_scale,
    )


def level_outputs(shapes: Shapes, base: str) -> tuple[int, ...]:
    """D_1..D_L of the U-Net whose keys start with `base`."""
    levels = _count_levels(shapes, base)
    # The last level ends in a plain convolution, the others in a strided one inside a Sequential.
    ends = [*("3.0.weight",) * (levels - 1), "3.weight"]
    return tuple(shape_of(shapes, base + f"downs.{level}.{end}", 4)[0] for level, end in enumerate(ends))


def attention_flags(shapes: Shapes, base: str) -> tuple[bool, ...]:
    """Per level: is its attention full? Linear attention ends in a Sequential, so its key is another."""
    return tuple(base + f"downs.{level}.2.fn.to_out.weight" in shapes for level in range(_count_levels(shapes, base)))


def _count_levels(shapes: Shapes, base: str) -> int:
    levels = _count(shapes, base + "downs.{}.0.block1.proj.weight")
    if levels == 0:
        raise SizesUnclear(f"{base}downs.0 is missing, so the number of levels is unknown")
    return levels


def _count(shapes: Shapes, key: str) -> int:
    """How many of the keys `key` with 0, 1, 2, ... in its braces are there."""
    number = 0
    while key.format(number) in shapes:
        number += 1
    return number


def _head(shapes: Shapes) -> Head:
    if SOFT_FEATURES in shapes:
        return "soft2hard"
    return "multitask" if HARD in shapes else "single"


def _refine_depth(shapes: Shapes) -> int:
    return next(depth for depth in count() if f"unet.hard_refine.net.{3 * depth}.weight" not in shapes)


def _build(config: MedSegDiffConfig) -> nn.Module:
    from core.networks.medsegdiff.network import MedSegDiffFlow

    return MedSegDiffFlow(config)


MEDSEGDIFF_FLOW = Architecture(
    names=("medsegdiff_flow", "medsegdiff_flow_vlm_film"),
    family="flow",
    signature=SIGNATURE,
    absent=(HARD, SOFT, SOFT_FEATURES, GATE),
    infer_config=infer_config,
    build=_build,
)
MEDSEGDIFF_MULTITASK = Architecture(
    names=("medsegdiff_flow_multitask", "medsegdiff_flow_multitask_vlm_film"),
    family="flow",
    signature=(*SIGNATURE, HARD, SOFT),
    absent=(SOFT_FEATURES, GATE),
    infer_config=infer_config,
    build=_build,
)
MEDSEGDIFF_SOFT2HARD = Architecture(
    names=("medsegdiff_flow_soft2hard",),
    family="flow",
    signature=(*SIGNATURE, HARD, SOFT, SOFT_FEATURES, GATE),
    absent=(),
    infer_config=infer_config,
    build=_build,
)
