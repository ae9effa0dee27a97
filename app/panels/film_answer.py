"""Other words in the place of the model's answer: edited here, embedded by the model, and run."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QTextEdit, QVBoxLayout, QWidget

from app.panels.film_remedies import FilmRemedies
from app.panels.widgets.flow_layout import FlowLayout
from app.panels.widgets.text import PlainLabel, printable

BOX_HEIGHT = 84


class AnswerEditor(QWidget):
    """`text_requested` carries the words, or None for the model's own answer."""

    text_requested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._answer, self._used, self._reason = "", None, ""
        self.title, self.reason = PlainLabel("Your own words", role="heading"), PlainLabel(role="muted", wrap=True)
        self.box = QTextEdit(acceptRichText=False)
        self.box.setAccessibleName("Words to condition the network on")
        self.box.setFixedHeight(BOX_HEIGHT)
        self.box.setTabChangesFocus(True)
        self.run_button, self.back_button = QPushButton("Embed and run"), QPushButton("Back to the model's answer")
        self.remedies = FilmRemedies(without_film=False)
        buttons = QWidget()
        row = FlowLayout(buttons, spacing=6)
        for button in (self.run_button, self.back_button):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for part in (self.title, self.box, self.reason, self.remedies, buttons):
            column.addWidget(part)
        self._buttons = buttons
        self.box.textChanged.connect(self._show_buttons)
        self.run_button.clicked.connect(lambda: self.text_requested.emit(self.box.toPlainText().strip()))
        self.back_button.clicked.connect(lambda: self.text_requested.emit(None))
        self.offer("", None)

    def offer(self, reason: str, used: str | None, *, pointless: bool = False) -> None:
        """`reason` why nothing can be embedded ("" = it can); `used`: the words that the settings hold.

        `pointless`: no words could ever do for this checkpoint, so there is no box for them.
        """
        changed = used != self._used
        self._reason, self._used = reason, used
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))
        for part in (self.box, self._buttons):
            part.setVisible(not pointless)
        self.remedies.hide()
        self.box.setEnabled(not reason)
        if changed:
            self._fill()
        self._show_buttons()

    def offer_model(self, name: str | None, *, wanted: bool) -> None:
        """What can be done when the model is not at hand; `name` of the one that could be downloaded."""
        self.remedies.show_model(name)
        self.remedies.setVisible(wanted)

    def forget(self) -> None:
        """Another column: what was written for the last one does not belong to it."""
        self._answer, self._used = "", None
        self.box.clear()

    def show_answer(self, answer: str) -> None:
        """The answer that the run used; words that a person is writing stay."""
        untouched = self.box.toPlainText().strip() in ("", self._shown())
        self._answer = answer
        if untouched:
            self._fill()
        self._show_buttons()

    def _shown(self) -> str:
        return printable(self._answer if self._used is None else self._used, lines=True).strip()

    def _fill(self) -> None:
        self.box.setPlainText(self._shown())

    def _show_buttons(self) -> None:
        words = self.box.toPlainText().strip()
        self.run_button.setEnabled(not self._reason and bool(words) and words != self._shown())
        self.back_button.setEnabled(self._used is not None)
