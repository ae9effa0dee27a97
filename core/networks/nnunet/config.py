"""Sizes of an nnunet, read from the shapes of its weights. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.networks.architecture import Architecture, Shapes, shape_of
from core.networks.supervised import SupervisedConfig, supervised_problem, supervised_witnesses

if TYPE_CHECKING:
    from torch import nn

NET = "model.model."
FIRST, LAST = NET + "inc.block.0.weight", NET + "outc.conv.weight"
MOST_STAGES = 12
"""A 4096-pixel window halves twelve times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NnunetConfig(SupervisedConfig):
    """`widths`: channels of each stage, the highest resolution first."""

    widths: tuple[int, ...]

    @property
    def stages(self) -> int:
        return len(self.widths)

    @property
    def divisor(self) -> int:
        return 1  # what pooling rounds off is padded again on the way up

    @property
    def smallest_window(self) -> int:
        """Instance normalisation needs more than one pixel at the lowest resolution."""
        return 1 << self.stages

    def to_dict(self) -> dict[str, Any]:
        return {"in_channels": self.in_channels, "num_classes": self.classes, "widths": list(self.widths)}

    def witnesses(self) -> Mapping[str, str]:
        return supervised_witnesses(self, FIRST, LAST, f"shapes of {FIRST} and {NET}down_blocks.*.conv.block.0.weight")

    def problem(self) -> str:
        if self.stages > MOST_STAGES:
            return f"it has {self.stages} stages, where {MOST_STAGES} are the most"
        return supervised_problem(self, self.widths)


def infer_config(shapes: Shapes) -> NnunetConfig:
    """Sizes from shapes alone. Raises `SizesUnclear` where a deciding key is missing or impossible."""
    first = shape_of(shapes, FIRST, 4)
    keys = (_down(block) for block in range(_count_downs(shapes)))
    return NnunetConfig(
        in_channels=first[1],
        classes=shape_of(shapes, LAST, 4)[0],
        widths=(first[0], *(shape_of(shapes, key, 4)[0] for key in keys)),
    )


def _count_downs(shapes: Shapes) -> int:
    block = 0
    while _down(block) in shapes:
        block += 1
    return block


def _down(block: int) -> str:
    return f"{NET}down_blocks.{block}.conv.block.0.weight"


def _build(config: NnunetConfig) -> nn.Module:
    from core.networks.nnunet.network import build_nnunet

    return build_nnunet(config)


NNUNET = Architecture(
    names=("nnunet",),
    family="supervised",
    signature=(FIRST, _down(0), NET + "up_blocks.0.up.weight", NET + "up_blocks.0.conv.block.0.weight", LAST),
    absent=(),
    infer_config=infer_config,
    build=_build,
)
