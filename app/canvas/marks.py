"""What is written over a view of a volume: the letters at its edges, what it is, where it lies, and the crosshair."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen

from app.canvas.markers import Ring
from app.canvas.scale import Bar, paint_bar

_MARGIN = 6
_TEXT_PX, _SMALL_PX, _LETTER_PX = 12, 11, 15
_NARROW = 240
"""Pixels of width below which the words are small."""
_GAP = 9
"""Half the opening of the crosshair: what it points at stays in sight."""
_OVER_BAR = 7
_CORNER = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom
_AROUND = ((-1, 0), (1, 0), (0, -1), (0, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """`edges`: letters at (left, right, top, bottom). `cross` (x, y) in voxels of the picture. `above`, `below`: lines
    of text from the top and from the bottom of the left side. `across_mm`: width of a voxel of the picture, for the
    scale bar; None = no bar. `rings`: places that are pointed out."""

    edges: tuple[str, str, str, str] = ("", "", "", "")
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    cross: tuple[float, float] | None = None
    across_mm: float | None = None
    rings: tuple[Ring, ...] = ()


def paint_marks(
    painter: QPainter,
    marks: Marks,
    cross: tuple[float, float] | None,
    room: QRect,
    colour: QColor,
    bar: Bar | None = None,
) -> None:
    """Paint `marks` into `room`; `cross` is where the crosshair lies there, `bar` the scale at which it is seen."""
    painter.setRenderHint(QPainter.RenderHint.TextAntialiasing, True)
    if cross is not None:
        _paint_cross(painter, cross, room, colour)
    inner = room.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
    painter.setFont(_font(painter, _TEXT_PX if room.width() >= _NARROW else _SMALL_PX, bold=False))
    metrics = painter.fontMetrics()
    left, centre = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignHCenter
    for lines, letters, side in (
        (marks.above, marks.edges[2], Qt.AlignmentFlag.AlignTop),
        (marks.below, marks.edges[3], Qt.AlignmentFlag.AlignBottom),
    ):
        away = _aside(lines, letters, inner.width(), metrics)
        place = inner.adjusted(0, away, 0, -away)
        _write(painter, place, left | side, "\n".join(fitting(lines, place, metrics)), colour)
    if bar is not None:
        paint_bar(painter, bar, inner, colour)
        _write(painter, inner.adjusted(0, 0, 0, -_OVER_BAR), _CORNER, bar.words, colour)
    painter.setFont(_font(painter, _LETTER_PX, bold=True))
    middle = Qt.AlignmentFlag.AlignVCenter
    sides = (left | middle, Qt.AlignmentFlag.AlignRight | middle)
    ends = (centre | Qt.AlignmentFlag.AlignTop, centre | Qt.AlignmentFlag.AlignBottom)
    for letters, where in zip(marks.edges, (*sides, *ends), strict=True):
        _write(painter, inner, where, letters, colour)


def paint_box(painter: QPainter, box: QRectF, colour: QColor) -> None:
    """A frame that is being drawn: light with a dark rim, as the letters are."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(QColor(0, 0, 0, 160), 3), QPen(colour, 1, Qt.PenStyle.DashLine)):
        painter.setPen(pen)
        painter.drawRect(box)


def _aside(lines: tuple[str, ...], letters: str, width: int, metrics: QFontMetrics) -> int:
    """How far words go from the edge to make room for the letter in its middle: only words that reach it."""
    widest = max((metrics.horizontalAdvance(line) for line in lines), default=0)
    return _LETTER_PX + 4 if letters and widest > width / 2 - _LETTER_PX else 0


def fitting(lines: tuple[str, ...], room: QRect, metrics: QFontMetrics) -> list[str]:
    """The first lines, as wide and as many as there is room for beside the letters in the middle of the sides: these
    say where left and right are, and no word lies over them, nor over the words from the other end."""
    most = max((room.height() - _LETTER_PX - 4) // (2 * metrics.lineSpacing()), 0)
    return [metrics.elidedText(line, Qt.TextElideMode.ElideRight, room.width()) for line in lines[:most]]


def _write(painter: QPainter, room: QRect, where: Qt.AlignmentFlag, text: str, colour: QColor) -> None:
    """Light letters with a dark rim, which can be read over bone and over air."""
    if not text:
        return
    painter.setPen(QColor(0, 0, 0, 200))
    for dx, dy in _AROUND:
        painter.drawText(room.translated(dx, dy), where, text)
    painter.setPen(colour)
    painter.drawText(room, where, text)


def _font(painter: QPainter, pixels: int, *, bold: bool) -> QFont:
    font = QFont(painter.font())
    font.setPixelSize(pixels)
    font.setBold(bold)
    return font


def _paint_cross(painter: QPainter, cross: tuple[float, float], room: QRect, colour: QColor) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    x, y = cross
    lines = (
        (QPointF(room.left(), y), QPointF(x - _GAP, y)),
        (QPointF(x + _GAP, y), QPointF(room.right() + 1, y)),
        (QPointF(x, room.top()), QPointF(x, y - _GAP)),
        (QPointF(x, y + _GAP), QPointF(x, room.bottom() + 1)),
    )
    line = QColor(colour)
    line.setAlpha(190)
    for pen in (QPen(QColor(0, 0, 0, 120), 3), QPen(line, 1)):
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        for start, end in lines:
            if start.x() <= end.x() and start.y() <= end.y():
                painter.drawLine(start, end)
