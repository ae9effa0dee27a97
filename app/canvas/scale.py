"""The bar in the corner of a view that shows how long some millimetres are. It exists only where the spacing does."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPen

_LONGEST_PX, _SHARE = 160, 0.28
"""A bar takes at most this many pixels, and at most this part of the width: it must not reach the letter below."""
_SHORTEST_PX = 24
"""Shorter than its own words, a bar says little."""
_TICK_PX = 4
_STEPS = (5, 2, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """`mm`: what it stands for, 1, 2 or 5 times a power of ten. `pixels`: how long it is drawn."""

    mm: float
    pixels: float

    @property
    def words(self) -> str:
        """`20 mm`, `0.5 mm`; below a tenth of a millimetre in micrometres."""
        return f"{self.mm:g} mm" if self.mm >= 0.1 else f"{1000 * self.mm:g} \N{MICRO SIGN}m"


def bar_of(mm_per_pixel: float, width: float) -> Bar | None:
    """The longest round bar that a view of `width` screen pixels has room for; None where it would be too short."""
    room = min(_LONGEST_PX, _SHARE * width)
    if not (math.isfinite(mm_per_pixel) and mm_per_pixel > 0 and room >= _SHORTEST_PX):
        return None
    most = room * mm_per_pixel
    decade = 10.0 ** math.floor(math.log10(most))
    mm = next((step * decade for step in _STEPS if step * decade <= most), decade)
    return Bar(mm=mm, pixels=mm / mm_per_pixel)


def paint_bar(painter: QPainter, bar: Bar, room: QRect, colour: QColor) -> None:
    """Paint it along the bottom right of `room`: light with a dark rim, as the letters are."""
    right, y = room.right() + 0.5, room.bottom() - 0.5
    left = right - bar.pixels
    lines = (
        QLineF(left, y, right, y),
        QLineF(left, y - _TICK_PX, left, y),
        QLineF(right, y - _TICK_PX, right, y),
    )
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    for pen in (QPen(QColor(0, 0, 0, 200), 4), QPen(colour, 2)):
        pen.setCapStyle(Qt.PenCapStyle.SquareCap)
        painter.setPen(pen)
        painter.drawLines(lines)
