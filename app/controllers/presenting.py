"""Keeps the panels beside the view in line with the store: passport, run settings, measurements, bar, status."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.deviations import deviation_labels
from app.item_models.measurements import MeasuredColumn, outcome_column
from app.items import LoadOptions
from app.jobs import JobQueue
from app.pace import SAMPLING, Pace, left_words
from app.store import Store
from core.progress import Progress
from core.records import CheckpointReport, RunSettings

if TYPE_CHECKING:
    from app.parts import Parts

TICK_MS = 60


class PanelController(QObject):
    """Store to panels, and what people do in them back to the store."""

    def __init__(self, store: Store, queue: JobQueue, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._queue, self._parts = store, queue, parts
        self._pace = Pace()
        self.also_busy: Callable[[], bool] = lambda: False  # whatever else can be cancelled, besides runs
        self.also_progress: Callable[[], Progress | None] = lambda: None  # of what is no run
        self._passport = self._later(self._show_passport)
        self._numbers = self._later(self._show_numbers)
        self._work = self._later(self._show_work)
        self._listen(store)
        self._connect_panels()
        self._show_run_panel()
        self._show_threshold()
        self._show_case()
        self._parts.bar.show_overlay(store.overlay)
        for show in (self._show_passport, self._show_numbers, self._show_work):
            show()

    def _later(self, show: Callable[[], None]) -> Callable[..., None]:
        """Many changes in a row are shown once."""
        timer = QTimer(self, interval=TICK_MS, singleShot=True)
        timer.timeout.connect(show)

        def soon(_: object = None) -> None:
            if not timer.isActive():
                timer.start()

        return soon

    def _listen(self, store: Store) -> None:
        for signal in (store.checkpoint_selected, store.checkpoint_changed, store.column_changed):
            signal.connect(self._passport)
        changes = (store.run_changed, store.measured, store.threshold_changed, store.column_removed)
        store.columns_reordered.connect(self._numbers)
        for signal in (*changes, store.case_activated, store.case_changed):
            signal.connect(self._numbers)
        for signal in (store.run_changed, store.run_progressed, self._queue.changed):
            signal.connect(self._work)
        for signal in (store.column_activated, store.column_changed, store.checkpoint_changed):
            signal.connect(self._on_active_column_changed)
        store.run_changed.connect(self._on_run_changed)
        store.run_progressed.connect(self._on_run_progressed)
        store.threshold_changed.connect(lambda _: self._show_threshold())
        store.overlay_changed.connect(self._parts.bar.show_overlay)
        store.volume_changed.connect(lambda _: self._show_volume())
        for signal in (store.case_activated, store.case_changed):
            signal.connect(lambda _: self._show_case())

    def _connect_panels(self) -> None:
        parts, store = self._parts, self._store
        parts.bar.threshold_changed.connect(self._on_threshold)
        parts.bar.overlay_changed.connect(lambda changes: store.set_overlay(**changes))
        parts.bar.volume.changed.connect(lambda changes: store.set_volume(**changes))
        store.playing_changed.connect(parts.bar.time.show_playing)
        parts.bar.preset_chosen.connect(lambda preset: parts.view.set_window_level(preset.low, preset.high))
        parts.view.window_level_changed.connect(parts.bar.show_window)
        parts.view.hovered.connect(self._on_hovered)
        parts.view.slice_changed.connect(parts.steps.set_slice)
        parts.run.new_column_requested.connect(self._on_new_column)
        parts.passport.options_requested.connect(self._on_options)

    # ---- what people do ----------------------------------------------------------------------------------------------

    def _on_threshold(self, value: float | None) -> None:
        if self._store.active_column is not None:
            self._store.set_threshold(self._store.active_column, value)

    def _on_new_column(self, settings: RunSettings, options: LoadOptions) -> None:
        column = self._store.columns.get(self._store.active_column or "")
        if column is not None:
            self._store.add_column(column.checkpoint, settings, options)

    def _on_options(self, options: LoadOptions) -> None:
        if self._store.active_column is not None:
            self._store.change_column(self._store.active_column, options=options)

    def _on_hovered(self, info: object) -> None:
        names = {key: self._store.column_title(key) for key in self._store.columns}
        case = self._store.case
        slices = int(case.image.voxels.shape[0]) if case is not None else 0
        labels = {entry.number: f"{entry.number} ({entry.name})" for entry in self._store.labels}
        self._parts.status.show_hover(info, names, slices, labels)  # type: ignore[arg-type]

    # ---- what is shown -----------------------------------------------------------------------------------------------

    def _on_active_column_changed(self, _: object) -> None:
        self._show_run_panel()
        self._show_threshold()

    def _on_run_changed(self, column: str) -> None:
        if column == self._store.active_column:
            if self._store.columns[column].kind == "checkpoint":
                self._parts.run.show_run(self._store.run_state(column))
            self._show_threshold()

    def _on_run_progressed(self, _: object) -> None:
        progress = self._progress()
        if progress is not None and progress.stage == SAMPLING:
            self._pace.note(progress.done, progress.total)

    def _show_passport(self) -> None:
        item = self._store.checkpoints.get(self._store.selected_checkpoint or "")
        column = self._store.columns.get(self._store.active_column or "")
        mine = column is not None and item is not None and column.checkpoint == item.id
        self._parts.passport.show_item(item, column.options if column and mine else None)
        if item is not None:
            self._parts.passport.title.setText(self._store.title(item.id))

    def _show_run_panel(self) -> None:
        column = self._store.columns.get(self._store.active_column or "")
        column = column if column and column.kind == "checkpoint" else None  # labels are not run
        run = self._store.run_state(column.key) if column else None
        self._parts.run.show_column(column, self._active_report(), run)

    def _show_threshold(self) -> None:
        column, report = self._store.columns.get(self._store.active_column or ""), self._active_report()
        prediction = self._store.run_state(column.key).prediction if column else None
        limits = prediction.value_range if prediction else (report.value_range if report else None)
        own = prediction.threshold if prediction else (report.threshold if report else None)
        of_model = column is not None and column.kind == "checkpoint"  # labels are what they are at any threshold
        known = of_model and limits is not None and own is not None
        threshold, colour = (column.threshold, column.colour) if column and known else (None, "")
        self._parts.bar.show_threshold(threshold, limits or (0.0, 1.0), 0.5 if own is None else own, colour)

    def _show_case(self) -> None:
        view, bar = self._parts.view, self._parts.bar
        bar.show_presets(view.presets())
        bar.show_window(*view.window_level())
        image = self._store.case.image if self._store.case is not None else None
        bar.time.show_frames(
            image.frame if image else 0, image.frames if image else 1, slices=len(image.voxels) if image else 1
        )
        self._show_volume()

    def _show_volume(self) -> None:
        """The planes of a volume; nothing to choose for a single picture."""
        view, controls = self._parts.view, self._parts.bar.volume
        controls.set_visible(view.is_volume())
        controls.show_volume(self._store.volume)
        if view.is_volume():
            controls.show_names(view.plane_names())
            controls.show_spacing(view.slice_spacing_mm())
        case = self._store.case
        self._parts.run.show_volume(case is not None and len(case.image.voxels) > 1)

    def _show_numbers(self) -> None:
        columns = [self._measured(key) for key in self._store.columns]
        self._parts.measurements.show_columns(columns)

    def _measured(self, key: str) -> MeasuredColumn:
        column = self._store.columns[key]
        name = self._store.column_title(key)
        outcome, reason = self._store.measurement(key), self._why_no_numbers(key)
        return outcome_column(name, column.colour, outcome, reason, self._labels(key))

    def _labels(self, key: str) -> list[str]:
        return deviation_labels(self._store, key)

    def _why_no_numbers(self, key: str) -> str:
        case, run = self._store.case, self._store.run_state(key)
        if self._store.columns[key].kind == "reference":
            return "the others are measured against it"
        if case is None:
            failed = run.state == "error" and self._store.active_case is not None
            return "the image could not be read" if failed else "there is no image"
        if case.reference is None:
            return "the case has no reference mask"
        if case.reference.placed == "shown":
            return "the reference lies on another grid than the image: resample it to measure"
        reasons = {
            "error": "there is no result",
            "cancelled": "the run was cancelled",
            "result": "being measured",
            "running": "the run goes on",
        }
        return reasons.get(run.state, "not run yet")

    def _show_work(self) -> None:
        titles = [job.title for job in self._queue.jobs if job.title]  # what has none, nobody waits for
        title = titles[0] if titles else ""
        more = f" (and {len(titles) - 1} more)" if len(titles) > 1 else ""
        progress = self._progress()
        words = ", ".join(filter(None, (f"{title}{more}", self._time_left(progress))))
        self._parts.status.show_work(words, progress, cancellable=self._store.outcomes.busy or self.also_busy())
        shown = (self._store.run_state(key).prediction for key in self._store.columns)
        devices = dict.fromkeys(
            prediction.device for prediction in shown if prediction is not None and prediction.device
        )
        self._parts.status.show_device(", ".join(devices))

    def show_work_soon(self) -> None:
        """Something that is not a run of a column got further, began or ended."""
        self._work()

    def _time_left(self, progress: Progress | None) -> str:
        return left_words(self._pace.left_s()) if progress is not None and progress.stage == SAMPLING else ""

    def _progress(self) -> Progress | None:
        running = (self._store.run_state(key).progress for key in self._store.columns)
        return next((progress for progress in running if progress is not None), self.also_progress())

    def _active_report(self) -> CheckpointReport | None:
        column = self._store.columns.get(self._store.active_column or "")
        item = self._store.checkpoints.get(column.checkpoint) if column else None
        return item.report if item else None
