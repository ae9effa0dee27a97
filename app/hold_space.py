"""Space, or the key chosen for it, held anywhere in the window shows the bare image, and B the other column's result,
except where it is typed or presses a button."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QApplication, QComboBox, QLineEdit, QTextEdit, QWidget

from app.canvas.columns import ColumnsView

OWN_SPACE = (QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QTextEdit)


class HoldSpace(QObject):
    """Listens to the one widget that has the focus: a filter on the application would see every event there is."""

    def __init__(self, window: QWidget, view: ColumnsView, application: QApplication) -> None:
        super().__init__(window)
        self._window, self._view = window, view
        application.focusChanged.connect(self._on_focus)

    def _on_focus(self, before: QWidget | None, now: QWidget | None) -> None:
        if before is not None:
            before.removeEventFilter(self)
            self._view.let_go()
        if now is not None and now.window() is self._window and not isinstance(now, OWN_SPACE):
            now.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        pressed = event.type() == QEvent.Type.KeyPress
        if not isinstance(event, QKeyEvent) or event.key() not in (self._view.bare_key, self._view.other_key):
            return False
        if event.modifiers() != Qt.KeyboardModifier.NoModifier:
            return False
        if pressed or not event.isAutoRepeat():  # a held key repeats as release and press
            self._view.hold(event.key(), pressed)
        return True


def clicks_leave_the_focus(root: QWidget) -> None:
    """Buttons and boxes below `root` are reached with Tab: one that was clicked would take Space for itself."""
    for button in root.findChildren(QAbstractButton):
        if button.focusPolicy() & Qt.FocusPolicy.ClickFocus:
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
