"""What the model was told about one window: by whom, the question and the answer, and what the answer was read as."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.panels.film_answer import AnswerEditor
from app.panels.film_fields import FieldTable
from app.panels.film_windows import WindowChoice
from app.panels.passport_parts import BreakingLabel
from app.panels.widgets.text import PlainLabel
from core.records import Condition, FilmReport, FilmSummary, Prediction

KINDS = {
    "image": "The language model was asked nothing: the condition is its feature of the window's image alone.",
    "text": "The condition is the language model's answer, embedded as text.",
    "logits": "The condition is how likely the language model finds each level of each answer.",
}
NOT_YET = "Nothing is known yet: there is no finished run."
WITHOUT = "This run was made with FiLM off: the network was told nothing."
UNRECORDED = "Where it came from is not recorded in this run."


class FilmTold(QWidget):
    """`window_chosen` carries the window that is looked at, `text_requested` words to embed (None: the model's own)."""

    window_chosen, text_requested = Signal(int), Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._film: FilmReport | None = None
        self._prediction: Prediction | None = None
        self._summary: FilmSummary | None = None
        self.kind, self.state = PlainLabel(role="muted", wrap=True), PlainLabel(wrap=True)
        self.windows, self.fields, self.editor = WindowChoice(), FieldTable(), AnswerEditor()
        self.origin, self.vector = BreakingLabel(wrap=True), BreakingLabel(role="muted", wrap=True)
        self.words = QWidget()
        for label in (self.origin, self.vector):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._words = QVBoxLayout(self.words)
        self._words.setContentsMargins(0, 0, 0, 0)
        self._words.setSpacing(2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self.kind, self.state, self.windows, self.origin, self.words, self.fields, self.vector):
            column.addWidget(part)
        column.addWidget(self.editor)
        self.windows.window_chosen.connect(self._on_window)
        self.editor.text_requested.connect(self.text_requested)

    def show_film(self, film: FilmReport) -> None:
        """The heads of a checkpoint; what its run was told comes with `show_told`."""
        self._film = film
        self.kind.setText(KINDS[film.condition])

    def show_told(self, prediction: Prediction | None, summary: FilmSummary | None) -> None:
        """A finished run, or None while there is none."""
        self._prediction, self._summary = prediction, summary
        count = summary.windows if summary else 0
        self.state.setText(NOT_YET if prediction is None else "" if count else WITHOUT)
        self.state.setVisible(not count)
        self.windows.set_windows(count, shared=bool(summary and summary.shared))
        self._show_window()

    @property
    def window(self) -> int:
        return self.windows.window

    def texts(self) -> list[str]:
        """Everything that is said about the window, for tests and for the clipboard."""
        labels = (self.kind, self.state, self.windows.shared, self.origin, self.vector)
        said = [label.text() for label in self.words.findChildren(PlainLabel)]
        return [*(label.text() for label in labels if not label.isHidden()), *said]

    def _on_window(self, window: int) -> None:
        self._show_window()
        self.window_chosen.emit(window)

    def _show_window(self) -> None:
        told, known = self._told(), bool(self._summary and self._summary.windows)
        self.origin.setText(origin_words(told))
        self.vector.setText(self._vector_words())
        for part in (self.origin, self.vector):
            part.setVisible(known)
        self._show_words(told)
        self.fields.set_fields(told.fields if told else ())
        self.editor.show_answer(told.answers[0] if told and told.answers else "")

    def _told(self) -> Condition | None:
        """The condition of the window that is looked at; where all share one, only the first may be recorded."""
        conditions = self._prediction.conditions if self._prediction and self._summary else ()
        exact = next((item for item in conditions if item.window == self.window), None)
        return exact or (conditions[0] if conditions and self._summary and self._summary.shared else None)

    def _vector_words(self) -> str:
        summary = self._summary
        if summary is None or not self.window < len(summary.norms):
            return ""
        return f"Condition: {summary.size} numbers, norm {summary.norms[self.window]:.3g}"

    def _show_words(self, told: Condition | None) -> None:
        while (item := self._words.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.setParent(None)
                widget.deleteLater()
        for title, text in conversation(told):
            label = BreakingLabel(text, wrap=True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._words.addWidget(PlainLabel(title, role="muted"))
            self._words.addWidget(label)
        self.words.setVisible(self._words.count() > 0)


def origin_words(told: Condition | None) -> str:
    """Who told the network."""
    if told is None:
        return UNRECORDED
    source = f" {told.source}" if told.source else ""
    return {
        "cache": f"From the cache{source}",
        "model": f"Computed now by{source or ' the language model'}",
        "text": "Your text" + (f", embedded by{source}" if source else ""),
        "given": "Given as numbers",
    }[told.origin]


def conversation(told: Condition | None) -> list[tuple[str, str]]:
    """Prompts and answers in turn, each under its title; nothing where nothing was asked."""
    if told is None:
        return []
    said = []
    for number in range(max(len(told.prompts), len(told.answers))):
        if number < len(told.prompts):
            said.append(("Asked", told.prompts[number]))
        if number < len(told.answers):
            said.append(("Your text" if told.origin == "text" else "Answered", told.answers[number]))
    return said
