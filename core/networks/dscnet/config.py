"""Sizes of a DSCNet, read from the shapes of its weights. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.networks.architecture import Architecture, Shapes, SizesUnclear, shape_of
from core.networks.supervised import SupervisedConfig, supervised_problem, supervised_witnesses

if TYPE_CHECKING:
    from torch import nn

NET = "model.model.model."
FIRST, LAST = NET + "conv00.conv.weight", NET + "out_conv.weight"
OFFSETS = NET + "conv0x.offset_conv.weight"
MOST_TAPS = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class DscnetConfig(SupervisedConfig):
    """`base_channels`: n, the width of the first stage; `kernel_size`: K, taps of each snake convolution."""

    base_channels: int
    kernel_size: int

    @property
    def divisor(self) -> int:
        return 8

    @property
    def smallest_window(self) -> int:
        # Sampling positions are divided by side - 1, and at the lowest resolution a window of 8 is one pixel.
        return 16

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the four resolutions."""
        return tuple(self.base_channels << level for level in range(4))

    def to_dict(self) -> dict[str, Any]:
        return {
            "in_channels": self.in_channels,
            "num_classes": self.classes,
            "base_channels": self.base_channels,
            "kernel_size": self.kernel_size,
        }

    def witnesses(self) -> Mapping[str, str]:
        return supervised_witnesses(self, FIRST, LAST, f"shapes of {FIRST} and {OFFSETS}")

    def problem(self) -> str:
        if any(width < 4 or width % (width // 4) for width in self.widths):
            return f"its widths {list(self.widths)} cannot be normalised in groups of four channels"
        if self.kernel_size % 2 == 0 or self.kernel_size > MOST_TAPS:
            return f"its snake kernels have {self.kernel_size} taps, where an odd number up to {MOST_TAPS} is needed"
        return supervised_problem(self, self.widths)


def infer_config(shapes: Shapes) -> DscnetConfig:
    """Sizes from shapes alone. Raises `SizesUnclear` where a deciding key is missing or impossible."""
    first, offsets = shape_of(shapes, FIRST, 4), shape_of(shapes, OFFSETS, 4)
    if offsets[0] % 2:
        raise SizesUnclear(f"{OFFSETS} has {offsets[0]} rows, where two for each tap are expected")
    return DscnetConfig(
        in_channels=first[1],
        classes=shape_of(shapes, LAST, 4)[0],
        base_channels=first[0],
        kernel_size=offsets[0] // 2,
    )


def _build(config: DscnetConfig) -> nn.Module:
    from core.networks.dscnet.network import build_dscnet

    return build_dscnet(config)


DSCNET = Architecture(
    names=("dscnet",),
    family="supervised",
    signature=(FIRST, OFFSETS, NET + "conv0y.dsc_conv_y.weight", NET + "conv17.conv.weight", LAST),
    absent=(),
    infer_config=infer_config,
    build=_build,
)
