"""What the configs of the supervised networks share: two-class logits of an image, no state, no time. No torch here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.networks.architecture import plain_contradictions

MOST_CHANNELS = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisedConfig:
    """`classes`: output channels, background first. Weights do not show the training window: `img_size` says it."""

    in_channels: int = 1
    classes: int = 2

    @property
    def state_channels(self) -> int:
        return 0

    @property
    def out_channels(self) -> int:
        return self.classes

    @property
    def image_size(self) -> None:
        return None

    def contradictions(self, stored: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        decided = (
            ("in_channels", self.in_channels, f"the first convolution has {self.in_channels} input channels"),
            ("num_classes", self.classes, f"the last convolution has {self.classes} output channels"),
        )
        yield from plain_contradictions(stored, decided)


def supervised_witnesses(config: SupervisedConfig, first: str, last: str, network: str) -> Mapping[str, str]:
    """`first` and `last`: keys of the outermost convolutions; `network`: where the widths are seen."""
    return {
        "in_channels": f"{first} has {config.in_channels} input channels",
        "state_channels": "a supervised network takes the image alone",
        "out_channels": f"{last} has {config.classes} output channels",
        "image_size": "no key shows it",
        "network": network,
    }


def supervised_problem(config: SupervisedConfig, widths: tuple[int, ...]) -> str:
    """Why such a network cannot be run, as far as widths and classes say."""
    if max(widths) > MOST_CHANNELS:
        return f"its widths {list(widths)} exceed {MOST_CHANNELS}"
    if config.classes != 2:
        return f"it tells {config.classes} classes apart, where this version shows one foreground class"
    return ""
