"""What stands where a picture would be: the invitation to drop files, and the reason why there is no result."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QGuiApplication,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
    QTextOption,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QTextEdit, QVBoxLayout, QWidget

from app.panels.widgets.text import PlainLabel, printable
from app.theme import Theme

_DETAIL = "Flowglass says what the checkpoint is, runs it as it was trained, and shows every step."


class HintPage(QFrame):
    """The empty window: what to do first."""

    open_requested = Signal()
    demo_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("hint")
        self.headline = _centred("Drop a checkpoint and an image here")
        self.detail = _centred(
            "Flowglass says what the checkpoint is, runs it as it was trained, and shows every step."
        )
        self.open_button, self.demo_button = (
            QPushButton("Open files\N{HORIZONTAL ELLIPSIS}"),
            QPushButton("Try the demo"),
        )
        self.open_button.clicked.connect(lambda: self.open_requested.emit())
        self.demo_button.clicked.connect(lambda: self.demo_requested.emit())
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.open_button)
        buttons.addWidget(self.demo_button)
        buttons.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setSpacing(12)
        whole.addStretch(1)
        whole.addWidget(self.headline)
        whole.addWidget(self.detail)
        whole.addLayout(buttons)
        whole.addStretch(1)

    def set_theme(self, theme: Theme, *, inviting: bool = False) -> None:
        """`inviting`: files hover over the window."""
        border = theme.accent if inviting else theme.border
        self.setStyleSheet(
            f"#hint {{ border: 2px dashed {border}; border-radius: 12px; margin: 16px; background: {theme.surface}; }}"
        )
        self.headline.setStyleSheet(f"font-size: 18px; font-weight: 600; color: {theme.text};")
        self.detail.setStyleSheet(f"color: {theme.muted};")


def _centred(text: str) -> PlainLabel:
    label = PlainLabel(text, wrap=True)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    return label


class MessagePage(QWidget):
    """Why there is no result, what to do about it, and a button that copies both.

    The text is inserted as plain text (no markup is read), breaks anywhere (a path has no spaces) and scrolls.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._parts: tuple[str, ...] = ("", "", "")
        self.body = QTextEdit()
        self.body.setReadOnly(True)
        self.body.setAcceptDrops(False)  # the columns take drops, wherever they fall
        self.body.setFrameShape(QFrame.Shape.NoFrame)
        self.body.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.body.document().setDocumentMargin(16)
        self.copy_button = QPushButton("Copy")
        self.copy_button.setToolTip("Copy this message as text")
        self.copy_button.clicked.connect(self._on_copy)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.body, 1)
        below = QHBoxLayout()
        below.setContentsMargins(16, 0, 16, 12)
        below.addWidget(self.copy_button)
        below.addStretch(1)
        whole.addLayout(below)

    def explain(self, headline: str, reason: str, remedy: str) -> None:
        """Show a message; an empty remedy takes its heading along."""
        self._parts = tuple(printable(part, lines=True) for part in (headline, reason, remedy))
        self._write()

    def text(self) -> str:
        """Headline, reason and remedy as they are copied."""
        return "\n\n".join(part for part in self._parts if part)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._write()

    def _write(self) -> None:
        headline, reason, remedy = self._parts
        self.body.setStyleSheet(f"QTextEdit {{ background: {self._theme.surface}; color: {self._theme.text}; }}")
        self.body.clear()
        cursor = self.body.textCursor()
        text = _words(self._theme.text, 13)
        parts = [(headline, _words(self._theme.error, 15, bold=True), 0), (reason, text, 12)]
        if remedy:
            parts += [("What to do", _words(self._theme.muted, 13, bold=True), 14), (remedy, text, 3)]
        for number, (words, style, space) in enumerate(parts):
            if number:
                cursor.insertBlock(_space_above(space))
            cursor.insertText(words, style)
        self.body.moveCursor(QTextCursor.MoveOperation.Start)

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text())


def _words(colour: str, pixels: int, *, bold: bool = False) -> QTextCharFormat:
    style = QTextCharFormat()
    style.setForeground(QColor(colour))
    style.setProperty(QTextFormat.Property.FontPixelSize, pixels)
    style.setFontWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return style


def _space_above(pixels: int) -> QTextBlockFormat:
    block = QTextBlockFormat()
    block.setTopMargin(pixels)
    return block
