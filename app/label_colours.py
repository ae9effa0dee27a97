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
    """Gives colours to labels and remembers them in the settings. A person may choose others, or those of the file."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known = settings.label_colours()

    @property
    def of_file(self) -> bool:
        """Whether the colours that a file carries come before those of the registry."""
        return self._settings.label_colours_of_file

    @of_file.setter
    def of_file(self, wanted: bool) -> None:
        self._settings.label_colours_of_file = wanted

    def colours_of(self, labels: Sequence[LabelInfo]) -> dict[int, str]:
        """`#rrggbb` by number: as known from before, else the next of the palette that no other label of these has.
        What is new is remembered. With `of_file`, what the file says comes first, and nothing is remembered of it."""
        from_file = {label.number: QColor(*label.colour).name() for label in labels if self.of_file and label.colour}
        keys = {label.number: key_of(label) for label in labels if label.number not in from_file}
        given = {number: self._known[key] for number, key in keys.items() if key in self._known}
        fresh: dict[str, str] = {}
        for number, key in keys.items():
            if number not in given:
                given[number] = fresh[key] = _next_colour((*given.values(), *from_file.values()))
        if fresh and len(self._known) < MOST_KEPT:
            self._known |= fresh
            self._settings.store_label_colours(self._known)
        return given | from_file

    def choose(self, key: str, colour: str) -> None:
        """A person's choice, from now on."""
        self._known[key] = colour
        self._settings.store_label_colours(self._known)


def key_of(label: LabelInfo) -> str:
    """What a label is known by: its code and its name (left and right lung share a code), else its number."""
    name, code = " ".join(label.name.split()).casefold(), label.code.strip()
    return " ".join(filter(None, (code, name))) or f"number {label.number}"


def _next_colour(taken: Iterable[str]) -> str:
    used = list(taken)
    wheel = [_shade(colour, shade) for shade in SHADES for colour in PALETTE]
    return min(wheel, key=used.count)


def _shade(colour: str, percent: int) -> str:
    return colour if percent == 100 else QColor(colour).lighter(percent).name()
