"""A progress bar that shows words as they are."""

from __future__ import annotations

from PySide6.QtWidgets import QProgressBar, QWidget

from app.panels.widgets.text import printable


class PlainProgressBar(QProgressBar):
    """Qt's own replaces %p, %v and %m in its text and knows no way to write a plain per cent sign before a letter."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = ""
        self.setTextVisible(True)

    def show_progress(self, done: int, total: int, words: str) -> None:
        """`done` of `total` with `words`; an empty bar with words alone when `total` is 0."""
        self._words = printable(words) + (f"  {done} / {total}" if total > 0 else "")
        # Not Qt's busy bar (a range of 0): it fills the whole bar, and the words on it cannot be read.
        set_quietly(self, max(total, 1), done if total > 0 else 0)

    def text(self) -> str:
        return self._words.strip()


def set_quietly(bar: QProgressBar, most: int, value: int) -> None:
    """Range and value of `bar`, drawn at the next turn: Qt's setters draw the whole window at once, each time."""
    bar.setUpdatesEnabled(False)
    bar.setRange(0, most)
    bar.setValue(value)
    bar.setUpdatesEnabled(True)
