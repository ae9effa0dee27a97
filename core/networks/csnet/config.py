"""Sizes of a CS-Net, read from the shapes of its weights. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.networks.architecture import Architecture, Shapes, shape_of
from core.networks.supervised import SupervisedConfig, supervised_problem, supervised_witnesses

if TYPE_CHECKING:
    from torch import nn

NET = "model.model."
FIRST, LAST = NET + "enc_input.conv1.weight", NET + "final.weight"
QUERY = NET + "affinity_attention.sab.query.0.weight"
ENCODERS = ("enc_input", "encoder1", "encoder2", "encoder3", "encoder4")
"""Five resolutions: the names of the modules fix their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsnetConfig(SupervisedConfig):
    """`widths`: channels of the five encoders; `attention_width`: channels of queries and keys."""

    widths: tuple[int, ...]
    attention_width: int

    @property
    def divisor(self) -> int:
        return 16

    def to_dict(self) -> dict[str, Any]:
        return {
            "in_channels": self.in_channels,
            "num_classes": self.classes,
            "widths": list(self.widths),
            "attention_width": self.attention_width,
        }

    def witnesses(self) -> Mapping[str, str]:
        return supervised_witnesses(
            self, FIRST, LAST, f"shapes of {NET}enc_input.conv1, encoder*.conv1 and affinity_attention.sab.query.0"
        )

    def problem(self) -> str:
        return supervised_problem(self, (*self.widths, self.attention_width))


def infer_config(shapes: Shapes) -> CsnetConfig:
    """Sizes from shapes alone. Raises `SizesUnclear` where a deciding key is missing or impossible."""
    return CsnetConfig(
        in_channels=shape_of(shapes, FIRST, 4)[1],
        classes=shape_of(shapes, LAST, 4)[0],
        widths=tuple(shape_of(shapes, f"{NET}{name}.conv1.weight", 4)[0] for name in ENCODERS),
        attention_width=shape_of(shapes, QUERY, 4)[0],
    )


def _build(config: CsnetConfig) -> nn.Module:
    from core.networks.csnet.network import build_csnet

    return build_csnet(config)


CSNET = Architecture(
    names=("csnet",),
    family="supervised",
    signature=(FIRST, QUERY, NET + "affinity_attention.cab.gamma", NET + "deconv4.weight", LAST),
    absent=(),
    infer_config=infer_config,
    build=_build,
)
