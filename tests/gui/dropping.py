"""Drop files on a window as the system does: events go to the native window, and Qt finds the widget under them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget

COPY = Qt.DropAction.CopyAction
LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def beside(view: QWidget) -> QPoint:
    """At the right edge of the columns, where a checkpoint or a mask gets a column of its own."""
    return QPoint(view.width() - 12, view.height() // 2)


def drop(target: QWidget, paths: Sequence[Path | str], at: QPoint | None = None) -> bool:
    """Drag `paths` to the point `at` of `target` (its middle) and let go; whether the drop was accepted.

    `target` is a widget of a shown window. Whether it takes the drop itself or leaves it to a parent is Qt's decision.
    """
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return drop_mime(target, mime, at)


def drop_mime(target: QWidget, mime: QMimeData, at: QPoint | None = None) -> bool:
    """The same with any content."""
    window = target.window()
    where = target.mapTo(window, at if at is not None else target.rect().center())
    handle = window.windowHandle()
    assert handle is not None, "the window must be shown"
    enter = QDragEnterEvent(where, COPY, mime, LEFT, NO_KEY)
    QApplication.sendEvent(handle, enter)
    move = QDragMoveEvent(where, COPY, mime, LEFT, NO_KEY)
    QApplication.sendEvent(handle, move)
    if not move.isAccepted():
        return False
    released = QDropEvent(QPointF(where), COPY, mime, LEFT, NO_KEY)
    QApplication.sendEvent(handle, released)
    return released.isAccepted()
