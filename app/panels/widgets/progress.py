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
        """`done` of `total` with `words`; busy, without numbers, when `total` is 0."""
        self._words = printable(words) + (f"  {done} / {total}" if total > 0 else "")
        self.setRange(0, max(total, 0))
        self.setValue(done)
        self.update()

    def text(self) -> str:
        return self._words.strip()
