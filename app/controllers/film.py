"""The FiLM panel in line with the store, and what people do in it back to the settings of the column."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QTimer

from app.controllers.film_effects import EffectController
from app.controllers.film_models import ModelController
from app.controllers.running import RunController
from app.items import Column, FilmVariant
from app.panels.film import FilmPanel
from app.store import Store
from core import pipeline
from core.records import FilmReport, FilmSettings, FilmSummary, Prediction

TICK_MS = 60
NO_COLUMN = "Open a checkpoint with FiLM heads to look into what conditions it."
NO_HEADS = "{title} has no FiLM heads: nothing but the image decides its result."
NO_NETWORK = "{title} is a mask that no checkpoint made: nothing conditioned it."
UNKNOWN = "{title} is being read."
NO_WORDS = {
    "image": "No words to edit: this checkpoint is conditioned on the image's feature.",
    "logits": "No words to edit: this checkpoint is conditioned on how likely each level is, not on a sentence.",
}


class FilmController(QObject):
    """Settings of the column are the single truth: the Run panel and this one both read and change those."""

    def __init__(
        self, store: Store, panel: FilmPanel, runs: RunController, effects: EffectController, models: ModelController
    ) -> None:
        super().__init__(runs)
        self._store, self._panel, self._runs = store, panel, runs
        self._effects, self._models = effects, models
        self._summary: tuple[Prediction, FilmSummary] | None = None
        self._soon = QTimer(self, interval=TICK_MS, singleShot=True)
        self._soon.timeout.connect(self.show)
        self._listen()
        self._connect_panel()
        self.show()

    def _listen(self) -> None:
        store = self._store
        for signal in (
            store.column_activated,
            store.column_changed,
            store.checkpoint_changed,
            store.run_changed,
            store.threshold_changed,
            store.case_changed,
            store.case_activated,
            self._models.looked,
            self._effects.changed,
        ):
            signal.connect(self._later)

    def _connect_panel(self) -> None:
        panel = self._panel
        panel.film_requested.connect(self.apply)
        panel.told.text_requested.connect(self._on_text)
        panel.without_film_requested.connect(self._on_without_film)
        panel.download.cancel_requested.connect(self._models.cancel)
        panel.effects.measure_requested.connect(self._on_measure)
        panel.effects.cancel_requested.connect(self._effects.cancel)
        panel.effects.open_requested.connect(self._on_open)

    def _later(self, _: object = None) -> None:
        """Many changes in a row are shown once."""
        if not self._soon.isActive():
            self._soon.start()

    # ---- what people do ----------------------------------------------------------------------------------------------

    def apply(self, film: FilmSettings) -> None:
        """Other settings start a run by themselves; the same ones are run again."""
        column = self._column()
        if column is None:
            return
        if column.settings.film == film:
            self._runs.rerun(column.key)
        else:
            self._store.change_column(column.key, settings=replace(column.settings, film=film))

    def _on_text(self, text: str | None) -> None:
        column = self._column()
        if column is not None:
            self.apply(replace(column.settings.film, text=text))

    def _on_without_film(self) -> None:
        column = self._column()
        if column is not None:
            self._runs.run_without_film(column.key)

    def _on_measure(self) -> None:
        column = self._column()
        if column is not None:
            self._effects.measure(column.key)

    def _on_open(self, variant: FilmVariant) -> None:
        """The variant beside the column it was measured with: same checkpoint, same way of loading it."""
        column = self._column()
        if column is not None:
            threshold = column.threshold
            key = self._store.add_column(column.checkpoint, variant.settings, column.options)
            self._store.set_threshold(key, threshold)

    # ---- what is shown -----------------------------------------------------------------------------------------------

    def show(self) -> None:
        column, film = self._column(), self._film()
        if column is None or film is None:
            self._panel.show_message(self._why_nothing(column))
            return
        self._panel.show_column(column.key, self._store.title(column.checkpoint), film, column.settings.film)
        run = self._store.run_state(column.key)
        self._panel.show_run(run, self._summary_of(run.prediction), self._models.to_download(column.key))
        self._show_editor(column, film)
        self._panel.download.show_download(*self._models.downloading())
        self._panel.show_lines(self._effects.lines(column.key), ready=run.prediction is not None)
        self._panel.effects.show_work(*self._effects.work(column.key))

    def _why_nothing(self, column: Column | None) -> str:
        if column is None:
            return NO_COLUMN
        if column.kind != "checkpoint":
            return NO_NETWORK.format(title=self._store.column_title(column.key))
        item = self._store.checkpoints.get(column.checkpoint)
        known = item is not None and item.report is not None
        return (NO_HEADS if known else UNKNOWN).format(title=self._store.title(column.checkpoint))

    def _show_editor(self, column: Column, film: FilmReport) -> None:
        editor, words = self._panel.told.editor, column.settings.film.text
        if film.condition != "text":
            editor.offer(NO_WORDS[film.condition], words, pointless=True)
            return
        missing = self._models.missing(column.key)
        editor.offer(missing, words)
        editor.offer_model(self._models.to_download(column.key) if missing else None, wanted=bool(missing))

    def _summary_of(self, prediction: Prediction | None) -> FilmSummary | None:
        if prediction is None:
            self._summary = None
            return None
        if self._summary is None or self._summary[0] is not prediction:
            self._summary = prediction, pipeline.film_summary(prediction)
        return self._summary[1]

    def _column(self) -> Column | None:
        return self._store.columns.get(self._store.active_column or "")

    def _film(self) -> FilmReport | None:
        column = self._column()
        item = self._store.checkpoints.get(column.checkpoint) if column else None
        return item.report.film if item and item.report else None
