"""Sizes of the one-path U-Nets (segdiff_flow, segdiff, berdiff), read from the shapes of their weights. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from core.networks.architecture import Architecture, Shapes, SizesUnclear, plain_contradictions, shape_of
from core.networks.medsegdiff.config import (
    attention_contradictions,
    attention_flags,
    channel_problem,
    decided_widths,
    level_outputs,
    width_problem,
)

if TYPE_CHECKING:
    from torch import nn

BASE = "unet.base_unet."
Stem = Literal["sum", "concat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegDiffConfig:
    """`widths`: channels D_0..D_L; `full_attention[i]`: quadratic attention at level i.

    `stem`: state and image enter through networks of their own whose outputs are summed (segdiff), or side by side
    through one convolution (berdiff). `time_scale`: see `time_mlp`; `sigmoid`: the output is a probability.
    """

    widths: tuple[int, ...]
    full_attention: tuple[bool, ...]
    state_channels: int = 1
    in_channels: int = 1
    out_channels: int = 1
    stem: Stem = "sum"
    sigmoid: bool = False
    time_scale: float = 1000.0
    base: str = BASE

    @property
    def image_size(self) -> None:
        """Nothing in this network depends on the size of its window."""

    @property
    def divisor(self) -> int:
        return 1 << (len(self.full_attention) - 1)

    def to_dict(self) -> dict[str, Any]:
        return {
            "model_channels": self.widths[0],
            "channel_mult": [width // self.widths[0] for width in self.widths[1:]],
            "full_attention": list(self.full_attention),
            "state_channels": self.state_channels,
            "stem": self.stem,
        }

    def witnesses(self) -> Mapping[str, str]:
        state, image = ("F_model", "G_model.0") if self.stem == "sum" else ("init_conv", "init_conv")
        return {
            "state_channels": f"{self.base}{state}.weight takes the state",
            "in_channels": f"{self.base}{image}.weight takes the image",
            "out_channels": f"{self.base}final_conv.weight has {self.out_channels} output channels",
            "network": f"shapes of {self.base}{state}, downs.*.3 and downs.*.2.fn.to_out",
        }

    def problem(self) -> str:
        return width_problem(self.widths) or channel_problem(self.state_channels, self.out_channels)

    def contradictions(self, stored: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from plain_contradictions(stored, decided_widths(self.widths))
        if isinstance(size := stored.get("image_size"), int):
            yield from attention_contradictions(stored, size, self.full_attention)


def infer_config(shapes: Shapes, base: str = BASE, time_scale: float = 1000.0) -> SegDiffConfig:
    """Sizes of the network whose keys start with `base`. Raises `SizesUnclear`."""
    concat = base + "init_conv.weight" in shapes
    first = shape_of(shapes, base + ("init_conv.weight" if concat else "F_model.weight"), 4)
    if concat and first[1] != 2:
        raise SizesUnclear(f"{base}init_conv.weight takes {first[1]} channels, where state and image are two")
    return SegDiffConfig(
        widths=(first[0], *level_outputs(shapes, base)),
        full_attention=attention_flags(shapes, base),
        state_channels=1 if concat else first[1],
        in_channels=1 if concat else shape_of(shapes, base + "G_model.0.weight", 4)[1],
        out_channels=shape_of(shapes, base + "final_conv.weight", 4)[0],
        stem="concat" if concat else "sum",
        sigmoid=concat,
        time_scale=time_scale,
        base=base,
    )


def _build(config: SegDiffConfig) -> nn.Module:
    from core.networks.segdiff.network import SegDiffFlow

    return SegDiffFlow(config)


MARKS = ("F_model.weight", "G_model.0.weight", "G_model.1.0.RDB1.conv1.weight", "mid_attn.fn.to_qkv.weight")
SEGDIFF_FLOW = Architecture(
    names=("segdiff_flow",),
    family="flow",
    signature=tuple(BASE + key for key in (*MARKS, "final_conv.weight")),
    absent=(),
    infer_config=infer_config,
    build=_build,
)
