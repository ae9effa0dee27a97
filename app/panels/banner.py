"""A line over the pictures for what must not be missed: a file that could not be opened, and what to do about it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.items import Note
from app.panels.passport import set_severity
from app.panels.passport_parts import BreakingLabel

WITHOUT_FILM = "Run with FiLM off (labelled)"


class Banner(QFrame):
    """Shows one note until it is closed or another one comes. Plain text."""

    without_film_requested = Signal(object)  # column key

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.text, self.remedy = BreakingLabel(wrap=True), BreakingLabel(role="muted", wrap=True)
        for label in (self.text, self.remedy):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.action_button = QPushButton(WITHOUT_FILM)
        self.action_button.clicked.connect(lambda: self.without_film_requested.emit(self._column))
        self._column = ""
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
        row.addWidget(self.action_button, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    def offer_without_film(self, column: str, title: str) -> None:
        """A FiLM checkpoint has nothing to be conditioned on: running it without is a choice, never the default."""
        text = f"{title} has no condition for this image"
        self.show_note(Note(severity="warning", text=text, remedy="Drop its profile cache here, or:"))
        self._column = column
        self.action_button.show()

    def withdraw(self, column: str) -> None:
        """The offer for a column does not stand any more."""
        if self._column == column:
            self._column = ""
            self.hide()

    def show_note(self, note: Note) -> None:
        self._column = ""
        self.action_button.hide()
        self.text.setText(note.text)
        for part in (self, self.text):
            set_severity(part, note.severity)
        self.remedy.setText(note.remedy)
        self.remedy.setVisible(bool(note.remedy))
        self.show()
