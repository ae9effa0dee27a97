"""What a person does with mouse and keys, as the events that Qt sends for it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

LEFT, RIGHT, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.NoButton
PRESS, MOVE, RELEASE = QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.MouseButtonRelease
NO_KEY = Qt.KeyboardModifier.NoModifier


def mouse(widget: QWidget, kind: QEvent.Type, at: QPoint, button: Qt.MouseButton, held: Qt.MouseButton) -> None:
    """One mouse event for `widget`, at a point of it."""
    anywhere = QPointF(widget.mapToGlobal(at))
    QApplication.sendEvent(widget, QMouseEvent(kind, QPointF(at), anywhere, button, held, NO_KEY))


def drag(widget: QWidget, by: QPoint, button: Qt.MouseButton = LEFT, start: QPoint | None = None) -> None:
    """Press on `widget` (in its middle, or at `start`), move in two turns, let go."""
    begin_drag(widget, by, button, start)
    at = (widget.rect().center() if start is None else start) + by
    mouse(widget, RELEASE, at, button, NONE)


def begin_drag(widget: QWidget, by: QPoint, button: Qt.MouseButton = LEFT, start: QPoint | None = None) -> None:
    """The same without letting go."""
    at = widget.rect().center() if start is None else start
    mouse(widget, PRESS, at, button, button)
    mouse(widget, MOVE, at + by / 2, NONE, button)
    mouse(widget, MOVE, at + by, NONE, button)


def wheel(widget: QWidget, notches: int, keys: Qt.KeyboardModifier = NO_KEY) -> None:
    """Turn the wheel over the middle of `widget`."""
    where, phase = QPointF(widget.rect().center()), Qt.ScrollPhase.NoScrollPhase
    QApplication.sendEvent(
        widget, QWheelEvent(where, where, QPoint(), QPoint(0, 120 * notches), NONE, keys, phase, False)
    )


def hold(widget: QWidget, key: Qt.Key) -> None:
    """Press a key and keep it down."""
    QApplication.sendEvent(widget, QKeyEvent(QEvent.Type.KeyPress, key, NO_KEY))


def let_go(widget: QWidget, key: Qt.Key) -> None:
    QApplication.sendEvent(widget, QKeyEvent(QEvent.Type.KeyRelease, key, NO_KEY))
