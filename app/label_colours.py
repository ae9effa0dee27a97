"""The colour registry of labels: what has one code or name has one colour, in every file and in every session."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtGui import QColor

from app.settings import Settings
from core.records import LabelInfo

PALETTE = ("#E69F00", "#56B4E9", "#CC79A7", "#009E73", "#0072B2", "#D55E00", "#F0E442")
"""Okabe and Ito, "Color universal design", 2008, without black: any two are told apart with any colour vision, so no
two of them are a red and a green that only some people can tell apart. After these come lighter and darker ones."""
SHADES = (100, 150, 65)
"""Lightness in percent of the palette's own, one round after the other."""
MOST_KEPT = 4000


class LabelColours:
    """Gives colours to labels and remembers them in the settings. A person may choose others."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known = settings.label_colours()

    def colours_of(self, labels: Sequence[LabelInfo]) -> dict[int, str]:
        """`#rrggbb` by number: as known from before, else as the file has it, else the next of the palette that no
        other label of these has. What is new is remembered."""
        keys = {label.number: key_of(label) for label in labels}
        given = {number: self._known[key] for number, key in keys.items() if key in self._known}
        given |= {
            label.number: QColor(*label.colour).name()
            for label in labels
            if label.number not in given and label.colour is not None
        }
        for label in labels:
            if label.number not in given:
                given[label.number] = _next_colour(given.values())
        fresh = {keys[number]: colour for number, colour in given.items() if self._known.get(keys[number]) != colour}
        if fresh and len(self._known) < MOST_KEPT:
            self._known |= fresh
            self._settings.store_label_colours(self._known)
        return given

    def choose(self, key: str, colour: str) -> None:
        """A person's choice, from now on."""
        self._known[key] = colour
        self._settings.store_label_colours(self._known)


def key_of(label: LabelInfo) -> str:
    """What a label is known by: its code (`SCT:10200004`), else its name, else its number."""
    if label.code:
        return f"code {label.code.strip()}"
    name = " ".join(label.name.split()).casefold()
    return f"name {name}" if name else f"number {label.number}"


def _next_colour(taken: Iterable[str]) -> str:
    used = list(taken)
    wheel = [_shade(colour, shade) for shade in SHADES for colour in PALETTE]
    return min(wheel, key=used.count)


def _shade(colour: str, percent: int) -> str:
    return colour if percent == 100 else QColor(colour).lighter(percent).name()
