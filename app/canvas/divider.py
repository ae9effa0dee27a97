"""The line between two results in one view: left of it the column's own, right of it another column's."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen

GRIP_PX = 9
"""How far beside the line it can still be taken hold of."""
_TAG_PX, _TAG_TOP, _PAD, _GAP = 11, 30, 5, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Divider:
    """`at`: from 0 (left edge of the view) to 1. `left`, `right`: colour and name of whose result is seen there."""

    at: float
    left: tuple[str, str]
    right: tuple[str, str]

    def x(self, width: float) -> float:
        return self.at * width


def paint_divider(painter: QPainter, divider: Divider, room: QRect) -> None:
    """The line, its handle, and a tag on each side that says whose result it is."""
    x = divider.x(room.width())
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for pen in (QPen(QColor(0, 0, 0, 170), 4), QPen(QColor("#ffffff"), 2)):
        painter.setPen(pen)
        painter.drawLine(QPointF(x, room.top()), QPointF(x, room.bottom() + 1))
    painter.setPen(QPen(QColor(0, 0, 0, 170), 1))
    painter.setBrush(QColor("#ffffff"))
    painter.drawRoundedRect(QRectF(x - 5, room.center().y() - 14, 10, 28), 4, 4)
    font = QFont(painter.font())
    font.setPixelSize(_TAG_PX)
    font.setBold(True)
    painter.setFont(font)
    _paint_tag(painter, divider.left, room, x, left=True)
    _paint_tag(painter, divider.right, room, x, left=False)


def _paint_tag(painter: QPainter, whose: tuple[str, str], room: QRect, x: float, *, left: bool) -> None:
    """The name beside the line, as far as there is room for it on that side."""
    colour, name = whose
    space = (x if left else room.width() - x) - 2 * _GAP - 2 * _PAD - 10
    metrics = painter.fontMetrics()
    words = metrics.elidedText(name, Qt.TextElideMode.ElideLeft, int(space))  # ends of names tell them apart
    if space < 3 * _TAG_PX or not words:
        return
    width = metrics.horizontalAdvance(words) + 2 * _PAD + 12
    box = QRectF(x - _GAP - width if left else x + _GAP, _TAG_TOP, width, metrics.height() + 4)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 190))
    painter.drawRoundedRect(box, 4, 4)
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(QRectF(box.left() + _PAD, box.center().y() - 4, 8, 8), 2, 2)
    painter.setPen(QColor("#ffffff"))
    painter.drawText(box.adjusted(_PAD + 12, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, words)
