"""Text from files and file systems, made safe to show: never markup, nothing invisible, nothing that turns the line."""

from __future__ import annotations

import html
import unicodedata

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

# Cc control, Cf format (bidi overrides among them), Cs lone surrogates of undecodable file names, Co private use.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_WISH_PX, _LEAST_PX = 240, 64
"""An elided label asks for no more than the first and gives way down to the second, however long its text."""


def printable(text: str, *, lines: bool = False) -> str:
    """`text` with every invisible or direction-changing character written as its code; `lines` keeps line breaks."""
    return "".join(
        character
        if (lines and character == "\n") or unicodedata.category(character) not in _HIDDEN
        else f"\\u{ord(character):04x}"
        for character in text
    )


def plain_tooltip(text: str) -> str:
    """A tooltip that shows `text` as it is: Qt takes any tooltip that looks like markup for markup."""
    return f"<p style='white-space:pre-wrap'>{html.escape(printable(text, lines=True))}</p>" if text else ""


class PlainLabel(QLabel):
    """A label that shows any text as plain text. `role` is read by the style sheet (`heading`, `muted`)."""

    def __init__(self, text: str = "", *, role: str = "", wrap: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(wrap)
        if role:
            self.setProperty("role", role)
        self.setText(text)

    def setText(self, text: str) -> None:  # noqa: N802
        super().setText(printable(text, lines=True))


class ElidedLabel(PlainLabel):
    """One line that gives way in the middle when there is no room; the tooltip always holds the whole text."""

    def __init__(
        self, text: str = "", *, role: str = "", least: int = _LEAST_PX, parent: QWidget | None = None
    ) -> None:
        self._whole, self._least = "", least
        super().__init__(text, role=role, parent=parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def setText(self, text: str) -> None:  # noqa: N802
        self._whole = printable(text)
        super().setText(self._whole)
        self.setToolTip(plain_tooltip(text))

    def sizeHint(self) -> QSize:
        return QSize(min(super().sizeHint().width(), _WISH_PX), super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(min(super().sizeHint().width(), self._least), super().sizeHint().height())

    def shown_text(self) -> str:
        """What fits in the present width; the end of a file name tells more than its middle."""
        return self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideMiddle, self.contentsRect().width())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        where = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(self.contentsRect(), where | Qt.TextFlag.TextSingleLine, self.shown_text())
        painter.end()
