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
        self.setRange(0, max(total, 1))
        self.setValue(done if total > 0 else 0)
        self.update()

    def text(self) -> str:
        return self._words.strip()
