"""Columns are put in another order by dragging their heads."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.canvas.zones import ZoneOverlay, insertion_place

_LEAVE = 40
"""Pixels beside the columns from which letting go changes nothing."""


class HeadDrag(QObject):
    """Follows a press on the head of a column: `watch` each column under its key.

    `places`: the rectangles of all columns from left to right, in the coordinates of `area`.
    """

    dropped = Signal(str, int)  # key, place among the other columns

    def __init__(self, area: QWidget, places: Callable[[], Mapping[str, QRect]], overlay: ZoneOverlay) -> None:
        super().__init__(area)
        self._area, self._places, self._overlay = area, places, overlay
        self._keys: dict[QObject, str] = {}
        self._from: QPoint | None = None
        self._moved: str | None = None

    def watch(self, key: str, head: QWidget) -> None:
        self._keys[head] = key
        head.setCursor(Qt.CursorShape.OpenHandCursor)
        head.installEventFilter(self)
        head.destroyed.connect(lambda: self._keys.pop(head, None))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        key = self._keys.get(watched)
        if key is None or not isinstance(event, QMouseEvent):
            return False
        at = self._area.mapFromGlobal(event.globalPosition().toPoint())
        if event.type() == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
            self._from = at
        elif event.type() == QEvent.Type.MouseMove and event.buttons() & Qt.MouseButton.LeftButton:
            self._follow(key, at)
        elif event.type() == QEvent.Type.MouseButtonRelease:
            self._let_go(at)
        return False

    def _follow(self, key: str, at: QPoint) -> None:
        if self._from is None or len(self._places()) < 2:
            return
        if self._moved is None and (at - self._from).manhattanLength() < QApplication.startDragDistance():
            return
        self._moved = key
        if self._is_beside(at):
            self._overlay.clear()
        else:
            self._overlay.show_mark(insertion_place(self._places(), key, at)[1])

    def _let_go(self, at: QPoint) -> None:
        moved, self._moved, self._from = self._moved, None, None
        self._overlay.clear()
        if moved is not None and moved in self._places() and not self._is_beside(at):
            self.dropped.emit(moved, insertion_place(self._places(), moved, at)[0])

    def _is_beside(self, at: QPoint) -> bool:
        return not self._area.rect().adjusted(-_LEAVE, -_LEAVE, _LEAVE, _LEAVE).contains(at)
