"""Places that are pointed out on the pictures: a ring for each, and around the chosen one a box with words. They differ
in shape and words, not in colour: light with a dark rim, they are seen over any picture and by everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen

from app.canvas.camera import Lens
from app.items import Marker

if TYPE_CHECKING:
    from core.pipeline import Section

MOST_WORDS = 12
"""Rings in sight that get words of their own; more of them would write over one another."""
_RADIUS, _CHOSEN_RADIUS = 7.0, 11.0
_AWAY = 4.0
_TEXT_PX = 12
_RIM = QColor(0, 0, 0, 190)
_AROUND = ((-1, 0), (1, 0), (0, -1), (0, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """A marker in a picture. `place` (x, y) and the sides of `box` (left, top, right, bottom) in its voxels."""

    place: tuple[float, float]
    box: tuple[float, float, float, float]
    label: str
    chosen: bool


def rings_of(markers: Sequence[Marker], section: Section) -> tuple[Ring, ...]:
    """Those that reach into the slices of a section, the chosen one last, so that it is painted on top."""
    axis = section.cut.axis
    seen = [marker for marker in markers if marker.box[axis][0] <= section.last and section.first < marker.box[axis][1]]
    return tuple(_ring(marker, section) for marker in sorted(seen, key=lambda marker: marker.chosen))


def box_on(section: Section, box: Sequence[tuple[int, int]]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom side in voxels of the picture, of a box (first, past the last) along each axis."""
    (first, past), (top, below), (left, beside) = box
    corners = section.on_screen((first, top, left)), section.on_screen((past - 1, below - 1, beside - 1))
    downs, acrosses = zip(*corners, strict=True)
    return min(acrosses) - 0.5, min(downs) - 0.5, max(acrosses) + 0.5, max(downs) + 0.5


def _ring(marker: Marker, section: Section) -> Ring:
    down, across = section.on_screen(marker.position)
    return Ring(place=(across, down), box=box_on(section, marker.box), label=marker.label, chosen=marker.chosen)


def paint_rings(painter: QPainter, rings: Sequence[Ring], lens: Lens, room: QRectF, colour: QColor) -> None:
    """Paint rings where a lens sees them."""
    placed = [(ring, QPointF(*lens.to_screen(*ring.place))) for ring in rings]
    seen = [(ring, at) for ring, at in placed if room.adjusted(-_RADIUS, -_RADIUS, _RADIUS, _RADIUS).contains(at)]
    worded = len(seen) <= MOST_WORDS
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setFont(_font(painter))
    labels: list[tuple[Ring, QRectF]] = []
    for ring, at in seen:
        radius = _CHOSEN_RADIUS if ring.chosen else _RADIUS
        around = QRectF(at.x() - radius, at.y() - radius, 2 * radius, 2 * radius)
        _outlined(painter, around, colour, 2.0 if ring.chosen else 1.5, round_=True)
        if ring.chosen:
            box = _box_of(ring, lens)
            _outlined(painter, box, colour, 1.5, round_=False)
            around = around.united(box)
        if ring.label:
            labels.append((ring, _text_place(painter, ring.label, around, room)))
    _write_all(painter, labels if worded else [pair for pair in labels if pair[0].chosen], colour)


def _box_of(ring: Ring, lens: Lens) -> QRectF:
    left, top, right, bottom = ring.box
    corners = QPointF(*lens.to_screen(left, top)), QPointF(*lens.to_screen(right, bottom))
    return QRectF(*corners).normalized().adjusted(-_AWAY, -_AWAY, _AWAY, _AWAY)


def _outlined(painter: QPainter, shape: QRectF, colour: QColor, width: float, *, round_: bool) -> None:
    for pen in (QPen(_RIM, width + 2.5), QPen(colour, width)):
        painter.setPen(pen)
        if round_:
            painter.drawEllipse(shape)
        else:
            painter.drawRect(shape)


def _text_place(painter: QPainter, text: str, around: QRectF, room: QRectF) -> QRectF:
    """Above what it names, or below where there is no room; never beyond the sides of the view."""
    metrics = painter.fontMetrics()
    width, height = metrics.horizontalAdvance(text) + 2, metrics.height()
    x = min(max(around.center().x() - width / 2, room.left() + 2), max(room.right() - width - 2, room.left() + 2))
    above = around.top() - height - 3
    y = above if above > room.top() else min(around.bottom() + 3, room.bottom() - height - 2)
    return QRectF(x, y, width, height)


def _write_all(painter: QPainter, labels: Sequence[tuple[Ring, QRectF]], colour: QColor) -> None:
    """The chosen one, which is the last, first; none over another."""
    written: list[QRectF] = []
    for ring, place in reversed(labels):
        if not any(place.intersects(other) for other in written):
            written.append(place)
            _write(painter, ring.label, place, colour)


def _write(painter: QPainter, text: str, place: QRectF, colour: QColor) -> None:
    painter.setPen(_RIM)
    for dx, dy in _AROUND:
        painter.drawText(place.translated(dx, dy), Qt.AlignmentFlag.AlignCenter, text)
    painter.setPen(colour)
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)


def _font(painter: QPainter) -> QFont:
    font = QFont(painter.font())
    font.setPixelSize(_TEXT_PX)
    font.setBold(True)
    return font
