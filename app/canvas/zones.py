"""Where something that is dragged over the columns would land: on a column, or between two of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.items import DropPlace

_EDGE_SHARE, _EDGE_LEAST, _EDGE_MOST = 0.15, 24, 90
"""How much of a column's width at each side counts as between the columns, in pixels at least and at most."""
_LINE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A place for a drop, the rectangle that lights up, and what happens there in words."""

    place: DropPlace
    lit: QRect
    words: str


def drop_zone(columns: Mapping[str, QRect], order: tuple[str, ...], titles: Mapping[str, str], at: QPoint) -> Zone:
    """The zone under `at`. `columns`: the rectangles of those that are seen, from left to right; `order`: all of them.

    The middle of a column replaces it; its sides and the gap between two add one there.
    """
    for key, rect in columns.items():
        edge = min(max(round(_EDGE_SHARE * rect.width()), _EDGE_LEAST), _EDGE_MOST)
        if at.x() < rect.left() + edge:
            return _between(order.index(key), QRect(rect.left(), rect.top(), edge, rect.height()))
        if at.x() <= rect.right() - edge:
            words = f"Checkpoint: replace {titles[key]}"
            return Zone(place=DropPlace(column=key, index=order.index(key)), lit=rect, words=words)
        if at.x() <= rect.right():
            return _between(order.index(key) + 1, QRect(rect.right() - edge + 1, rect.top(), edge, rect.height()))
    last = list(columns.values())[-1]
    return _between(len(order), QRect(last.right() - _EDGE_LEAST, last.top(), _EDGE_LEAST, last.height()))


def _between(index: int, lit: QRect) -> Zone:
    return Zone(place=DropPlace(index=index), lit=lit, words="Checkpoint or mask: add a column here")


def insertion_place(columns: Mapping[str, QRect], moved: str, at: QPoint) -> tuple[int, int]:
    """Where a column that is dragged to `at` would go: its place among the others, and x of the mark.

    `columns`: the rectangles of all columns from left to right.
    """
    others = [rect for key, rect in columns.items() if key != moved]
    place = sum(at.x() > rect.center().x() for rect in others)
    if not others:
        return 0, next(iter(columns.values())).left()
    # The mark stands in the gap that the column would take, counted with the column where it still is.
    every, was = list(columns.values()), list(columns).index(moved)
    gap = place if place <= was else place + 1
    return place, every[gap].left() if gap < len(every) else every[-1].right()


class ZoneOverlay(QWidget):
    """Lies over the columns while something is dragged, and takes no events."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.zone: Zone | None = None
        self.mark: int | None = None
        self._accent, self._text = QColor("#62b0f2"), QColor("#10151a")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def set_colours(self, accent: str, text: str) -> None:
        self._accent, self._text = QColor(accent), QColor(text)

    def show_zone(self, zone: Zone) -> None:
        """Light up where a drop would land."""
        self._show(zone, None)

    def show_mark(self, x: int) -> None:
        """The line where a column would be put in."""
        self._show(None, x)

    def clear(self) -> None:
        self.zone = self.mark = None
        self.hide()

    def _show(self, zone: Zone | None, mark: int | None) -> None:
        self.zone, self.mark = zone, mark
        self.setGeometry(self.parentWidget().rect())
        self.raise_()
        self.show()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self.zone is not None:
            self._paint_zone(painter, self.zone)
        if self.mark is not None:
            x = min(max(self.mark, _LINE // 2), self.width() - _LINE // 2)
            painter.fillRect(QRect(x - _LINE // 2, 0, _LINE, self.height()), self._accent)
        painter.end()

    def _paint_zone(self, painter: QPainter, zone: Zone) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = QColor(self._accent)
        veil.setAlphaF(0.28)
        painter.setPen(QPen(self._accent, 3))
        painter.setBrush(veil)
        painter.drawRoundedRect(QRectF(zone.lit).adjusted(2, 2, -2, -2), 6, 6)
        font = QFont(self.font())
        font.setBold(True)
        painter.setFont(font)
        words = painter.fontMetrics().elidedText(zone.words, Qt.TextElideMode.ElideMiddle, self.width() - 40)
        size = painter.fontMetrics().size(0, words)
        box = QRect(0, 0, size.width() + 20, size.height() + 10)
        box.moveCenter(zone.lit.center())
        box.moveLeft(min(max(box.left(), 6), max(self.width() - box.width() - 6, 6)))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._accent)
        painter.drawRoundedRect(box, 5, 5)
        painter.setPen(self._text)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
