"""Looking into the condition: how FiLM is applied, what each part of it does, what it was told and made of it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from app.item_models.film_effects import Line
from app.items import RunState
from app.panels.film_controls import FilmControls
from app.panels.film_effects import FilmEffects
from app.panels.film_plots import FilmPlots
from app.panels.film_remedies import DownloadBar, FilmRemedies
from app.panels.film_told import FilmTold
from app.panels.passport import set_severity
from app.panels.passport_parts import BreakingLabel
from app.panels.section import Section
from app.panels.widgets.text import ElidedLabel, PlainLabel
from app.theme import Theme
from core.records import Deviation, FilmReport, FilmSettings, FilmSummary, Prediction

AS_TRAINED = "FiLM is as it was trained in this run."
NO_RESULT = "There is no result."
RUNNING = "A run with these settings is on its way."


class FilmPanel(QStackedWidget):
    """One line for a checkpoint without FiLM heads; else everything about them, of the active column."""

    film_requested = Signal(object)  # FilmSettings
    without_film_requested, model_folder_requested, model_download_requested = Signal(), Signal(), Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column: tuple[str, FilmReport, FilmSettings] | None = None
        self._drawn: tuple[Prediction | None, bool] = (None, False)
        self.message = PlainLabel(role="muted", wrap=True)
        self.message.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.message.setContentsMargins(10, 10, 10, 10)
        self.title, self.status = ElidedLabel(role="heading"), BreakingLabel(wrap=True)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.details, self.download = BreakingLabel(wrap=True), DownloadBar()
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.remedies, self.controls, self.effects = FilmRemedies(), FilmControls(), FilmEffects()
        self.told, self.plots = FilmTold(), FilmPlots()
        self._lay_out()
        self._connect()
        self.show_message("")

    def _lay_out(self) -> None:
        self.content, inside = QScrollArea(), QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(8, 6, 8, 8)
        column.setSpacing(8)
        for part in (self.title, self.status, self.details, self.remedies, self.download):
            column.addWidget(part)
        sections = (
            ("How FiLM is applied", self.controls),
            ("What each part does", self.effects),
            ("What the network was told", self.told),
            ("Gain and offset of each stage", self.plots),
        )
        for title, content in sections:
            column.addWidget(Section(title, content, opened=True))
        column.addStretch(1)
        self.content.setWidget(inside)
        self.content.setWidgetResizable(True)
        self.content.setFrameShape(QFrame.Shape.NoFrame)
        self.content.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.addWidget(self.message)
        self.addWidget(self.content)

    def _connect(self) -> None:
        self.controls.film_requested.connect(self.film_requested)
        self.told.window_chosen.connect(self.plots.show_window)
        self.remedies.without_film_requested.connect(self.without_film_requested)
        for remedies in (self.remedies, self.told.editor.remedies):
            remedies.folder_requested.connect(self.model_folder_requested)
            remedies.download_requested.connect(self.model_download_requested)

    # ---- what is shown -----------------------------------------------------------------------------------------------

    def show_message(self, text: str) -> None:
        """There is nothing to look into, and why. Nothing of an older column stays."""
        self._column = None
        self.message.setText(text)
        self._show_prediction(None, None)
        self.effects.show_lines((), ready=False)
        self.setCurrentWidget(self.message)

    def show_column(self, key: str, title: str, film: FilmReport, settings: FilmSettings) -> None:
        """The active column; edits stay unless its settings are others."""
        self.title.setText(title)
        if self._column is None or self._column[0] != key:
            self.told.editor.forget()
        if self._column != (key, film, settings):
            self._column = (key, film, settings)
            self.controls.show_settings(film, settings)
            self.told.show_film(film)
        self.setCurrentWidget(self.content)

    def show_run(self, run: RunState, summary: FilmSummary | None, model: str | None) -> None:
        """What the run of the column came to. `model`: the language model that the file names."""
        severity, text = run_words(run)
        self.status.setText(text)
        self.details.setText(run.failure.text() if run.failure else "")
        self.details.setVisible(run.failure is not None)
        set_severity(self.status, severity)
        self.remedies.show_model(model)
        self.remedies.setVisible(lacks_condition(run))
        self._show_prediction(run.prediction, summary)

    def show_lines(self, lines: Sequence[Line], *, ready: bool) -> None:
        self.effects.show_lines(lines, ready=ready)

    def set_theme(self, theme: Theme) -> None:
        self.plots.set_theme(theme)

    def _show_prediction(self, prediction: Prediction | None, summary: FilmSummary | None) -> None:
        if self._drawn == (prediction, summary is not None):
            return
        self._drawn = (prediction, summary is not None)
        self.told.show_told(prediction, summary)
        self.plots.show_modulation(prediction, summary, self.told.window)


def run_words(run: RunState) -> tuple[str, str]:
    """Severity, and in words what a run came to as far as FiLM is concerned."""
    if run.failure is not None:
        return "error", NO_RESULT
    if run.prediction is not None:
        return deviation_words(run.prediction.deviations)
    return "note", RUNNING if run.state in {"waiting", "running"} else run.message


def deviation_words(deviations: Sequence[Deviation]) -> tuple[str, str]:
    """The labels that the view and every export carry."""
    labels = [item.label for item in deviations if item.code.startswith("film.")]
    return ("warning", f"Not as trained: {', '.join(labels)}.") if labels else ("ok", AS_TRAINED)


def lacks_condition(run: RunState) -> bool:
    """The run failed for want of a condition, or of a model that could make one."""
    return run.failure is not None and run.failure.kind in {"ConditionMissing", "ModelRefused"}
