"""Which decoder stages the FiLM heads belong to, and where they act: what the file says, or what a person chooses."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QWidget

from app.items import LoadOptions
from app.panels.widgets.text import PlainLabel
from core.records import FilmReport

Stages = tuple[int, ...]


class FilmChoice(QWidget):
    """Announces other load options; the run that follows is labelled as chosen by the user."""

    options_requested = Signal(object)  # LoadOptions

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._options = LoadOptions()
        self.note = PlainLabel("Two stages have the same width: which one a head belongs to is ambiguous.", wrap=True)
        self.stages, self.point = QComboBox(), QComboBox()
        self.note.setProperty("severity", "warning")
        self.stages.setAccessibleName("FiLM stages")
        self.point.setAccessibleName("FiLM point")
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow(self.note)
        form.addRow("FiLM stages", self.stages)
        form.addRow("FiLM point", self.point)
        self.stages.activated.connect(lambda _: self._announce(film_stages=self.stages.currentData()))
        self.point.activated.connect(lambda _: self._announce(film_point=self.point.currentData()))

    def show_film(self, film: FilmReport | None, options: LoadOptions | None) -> None:
        """Offer what the widths allow. Without FiLM there is nothing to choose; without a column nothing to run."""
        self.setVisible(film is not None)
        self.setEnabled(options is not None)
        self._options = options or LoadOptions()
        if film is not None:
            self._show_stages(film)
            self._show_point(film)

    def _show_stages(self, film: FilmReport) -> None:
        several = len(film.stage_choices) > 1
        self.note.setVisible(several)
        self.stages.clear()
        found = "" if film.stages_from == "user" else f": {stages_text(film.stages)}"
        self.stages.addItem(f"As found{found}", None)
        for stages in dict.fromkeys((*film.stage_choices, film.stages)):
            self.stages.addItem(stages_text(stages), tuple(stages))
        self.stages.setCurrentIndex(max(_row_of(self.stages, self._options.film_stages), 0))

    def _show_point(self, film: FilmReport) -> None:
        self.point.clear()
        found = "" if self._options.film_point else f": {film.point}"
        for text, value in ((f"As found{found}", None), ("A", "A"), ("B", "B")):
            self.point.addItem(text, value)
        self.point.setCurrentIndex(max(_row_of(self.point, self._options.film_point), 0))

    def _announce(self, **changes: object) -> None:
        wanted = replace(self._options, **changes)  # type: ignore[arg-type]
        if wanted != self._options:
            self.options_requested.emit(wanted)


def stages_text(stages: Stages) -> str:
    return ", ".join(map(str, stages)) or "none"


def _row_of(combo: QComboBox, value: object) -> int:
    """The row that holds `value`; `findData` compares tuples by identity, so it is not used."""
    return next((row for row in range(combo.count()) if combo.itemData(row) == value), -1)
