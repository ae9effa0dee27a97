"""A line over the pictures for what must not be missed: a file that could not be opened, and what to do about it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.items import Note
from app.panels.passport import set_severity
from app.panels.passport_parts import BreakingLabel


class Banner(QFrame):
    """Shows one note until it is closed or another one comes. Plain text."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.text, self.remedy = BreakingLabel(wrap=True), BreakingLabel(role="muted", wrap=True)
        for label in (self.text, self.remedy):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.close_button = QToolButton(text="\N{MULTIPLICATION SIGN}", autoRaise=True)
        self.close_button.setAccessibleName("Close the message")
        self.close_button.clicked.connect(self.hide)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.text)
        words.addWidget(self.remedy)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 6, 6)
        row.addLayout(words, 1)
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    def show_note(self, note: Note) -> None:
        self.text.setText(note.text)
        set_severity(self.text, note.severity)
        self.remedy.setText(note.remedy)
        self.remedy.setVisible(bool(note.remedy))
        self.show()
