"""Runs: each visible column gets the prediction of its checkpoint for the case at hand, one after another."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer

from app.items import RunKey
from app.jobs import Failure, Job, JobQueue, Lane, Work
from app.store import Store
from core import pipeline
from core.errors import FlowglassError
from core.progress import Progress, Report
from core.records import Case, CheckpointReport, FilmSettings, Image, Prediction

REST_MS = 400  # a frame that is only passed on the way to another is not run
SEGMENTERS_KEPT = 4  # as many as columns; a network of this kind takes 50 to 500 MB


if TYPE_CHECKING:
    from core.pipeline import ResultCache


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunResult:
    """A prediction, and the report as loading completed it; None of labels, which no checkpoint made."""

    prediction: Prediction
    report: CheckpointReport | None = None


class Segmenters:
    """Loaded segmenters, opaque here. Used on the model thread only, where they are made, run and freed."""

    def __init__(self, kept: int = SEGMENTERS_KEPT) -> None:
        self._kept = kept
        self._loaded: OrderedDict[tuple[object, ...], Any] = OrderedDict()

    def get(self, key: RunKey, report: Report) -> Any:
        """The segmenter for a run; loaded if it is not at hand, or if the file is another one by now."""
        options = key.options
        name = (key.checkpoint, file_stamp(key.checkpoint), options, key.settings.weights, key.checkpoint_revision)
        if name not in self._loaded:
            self._make_room()
            self._loaded[name] = pipeline.load(
                key.checkpoint,
                device=options.device,
                weights=key.settings.weights,
                film_stages=options.film_stages,
                film_point=options.film_point,
                profiles=options.profiles,
                vlm=options.vlm,
                report=report,
            )
        self._loaded.move_to_end(name)
        return self._loaded[name]

    def clear(self) -> None:
        self._loaded.clear()

    def _make_room(self) -> None:
        """Before loading, not after: the new one may need the memory."""
        while len(self._loaded) >= self._kept:
            self._loaded.popitem(last=False)


class RunController(QObject):
    """Starts runs by itself when a case, a checkpoint or a column's settings are new; `rerun` starts one again."""

    def __init__(self, store: Store, queue: JobQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._queue = queue
        self.segmenters = Segmenters()
        self._kept: ResultCache | None = None
        self._seen: tuple[str, int, int] | None = None  # case, revision and frame that runs were last asked for
        self._rest = QTimer(self, interval=REST_MS, singleShot=True)
        self._rest.timeout.connect(self._on_rest)
        store.playing_changed.connect(lambda _: self._rest.start())
        store.case_activated.connect(lambda _: self.refresh())
        store.case_changed.connect(self._on_case_changed)
        store.checkpoint_changed.connect(self._on_checkpoint_changed)
        store.column_added.connect(self._on_column_changed)
        store.column_changed.connect(self._on_column_changed)
        store.column_removed.connect(lambda key: queue.cancel_slot(_slot(key)))

    def refresh(self) -> None:
        """Start what is missing, the active column first; stop what nobody waits for."""
        self._rest.stop()
        self._seen = self._looked_at()
        active = self._store.active_column
        for column in sorted(self._store.columns, key=lambda key: key != active):
            self._ensure(column)

    def rerun(self, column: str) -> None:
        """Run again, whatever is known already."""
        key = self._store.run_key(column)
        if key is not None:
            self._start(column, key, anew=True)

    def keep_on_disk(self, folder: str | None) -> None:
        """Where results outlive the window; None = nowhere."""
        self._kept = None if folder is None else pipeline.result_cache(memory_bytes=0, folder=folder)

    def forget_disk(self) -> None:
        """Remove what is kept there."""
        if self._kept is not None:
            kept = self._kept
            self._queue.start(Job(lambda report: kept.clear_disk(), "Removing kept results"))

    def cancel(self, column: str) -> None:
        """Stop the run of a column. The column says so at once; the work stops at its next report."""
        self._queue.cancel_slot(_slot(column))
        self._store.outcomes.stop(column)
        self._store.run_changed.emit(column)

    def cancel_all(self) -> None:
        for column in list(self._store.columns):
            if self._store.outcomes.running(column) is not None:
                self.cancel(column)

    def run_without_film(self, column: str) -> None:
        """Run with FiLM off: not what the checkpoint was trained to do, and the prediction carries that label."""
        settings = self._store.columns[column].settings
        self._store.change_column(column, settings=replace(settings, film=FilmSettings(mode="off")))

    def _ensure(self, column: str) -> None:
        key, running = self._store.run_key(column), self._store.outcomes.running(column)
        if running is not None and running != key:
            self._queue.cancel_slot(_slot(column))
            self._store.outcomes.abandon(column)
        if key is not None and running != key and self._is_missing(column, key):
            self._start(column, key)
        else:
            self._store.run_changed.emit(column)

    def _is_missing(self, column: str, key: RunKey) -> bool:
        outcomes = self._store.outcomes
        return outcomes.outcome(key) is None and not outcomes.was_cancelled(column, key)

    def _start(self, column: str, key: RunKey, *, anew: bool = False) -> None:
        job, lane = self.job_for(key, anew=anew)
        job.progressed.connect(lambda progress: self._on_progressed(column, key, progress))
        job.succeeded.connect(lambda result: self._on_succeeded(column, key, result))
        job.failed.connect(lambda failure: self._on_ended(column, key, failure))
        self._store.outcomes.start(column, key)
        self._queue.start(job, lane=lane, slot=_slot(column))
        self._store.run_changed.emit(column)

    def job_for(self, key: RunKey, *, anew: bool = False) -> tuple[Job, Lane]:
        """The work that comes to what is filed under `key`, and where it is done; `anew`: not from the disk."""
        case = self._store.cases[key.case].case
        assert case is not None  # a run key is only given for a case that was read
        if key.kind == "checkpoint":
            work = run_work(self.segmenters, key, case.image)
            if self._kept is not None and not self._has_film(key):
                work = kept_work(self._kept, key, case.image, work, anew=anew)
            return Job(work, f"{self._store.title(key.checkpoint)} on {case.name}"), "model"
        return Job(labels_work(key, case), f"Mask of {case.name}"), "files"

    def _has_film(self, key: RunKey) -> bool:
        """Conditions come from caches that may change beside the checkpoint: such results are not kept on disk."""
        item = self._store.checkpoints.get(key.checkpoint)
        return item is None or item.report is None or item.report.film is not None

    def file(self, waiting: str, key: RunKey, outcome: Prediction | Failure) -> None:
        """Keep what a run came to that `waiting` waited for, and draw it where it is wanted now."""
        self._on_ended(waiting, key, outcome)

    def _on_progressed(self, column: str, key: RunKey, progress: Progress) -> None:
        begins = self._store.outcomes.progress_of(column) is None
        if self._store.outcomes.progress(column, key, progress):
            (self._store.run_changed if begins else self._store.run_progressed).emit(column)

    def _on_succeeded(self, column: str, key: RunKey, result: RunResult) -> None:
        item = self._store.checkpoints.get(key.checkpoint)
        if item is not None and result.report is not None and item.revision == key.checkpoint_revision:
            self._store.set_report(key.checkpoint, result.report)
        self._on_ended(column, key, result.prediction)

    def _on_ended(self, column: str, key: RunKey, outcome: Prediction | Failure) -> None:
        """File the outcome under its own key. It is drawn only by a column that wants exactly this key now."""
        self._store.outcomes.file(column, key, outcome)
        for shown in list(self._store.columns):
            if self._store.run_key(shown) == key:
                self._store.run_changed.emit(shown)

    def _on_case_changed(self, case: str) -> None:
        """A case that was just read is run at once; a frame of a film only when one stays with it."""
        if case != self._store.active_case:
            return
        before, now = self._seen, self._looked_at()
        if before is not None and now is not None and before[:2] == now[:2] and before[2] != now[2]:
            for column in list(self._store.columns):
                self._leave(column)
            self._rest.start()
        else:
            self.refresh()

    def _leave(self, column: str) -> None:
        """Another frame is shown: what ran for the one before stops, and what is known of this one is drawn."""
        running = self._store.outcomes.running(column)
        if running is not None and running != self._store.run_key(column):
            self._queue.cancel_slot(_slot(column))
            self._store.outcomes.abandon(column)
        self._store.run_changed.emit(column)

    def stop_waiting(self) -> None:
        """The window closes: nothing is started any more."""
        self._rest.stop()

    def _on_rest(self) -> None:
        if not self._store.playing:
            self.refresh()

    def _looked_at(self) -> tuple[str, int, int] | None:
        item = self._store.cases.get(self._store.active_case or "")
        return None if item is None or item.case is None else (item.id, item.revision, item.case.image.frame)

    def _on_checkpoint_changed(self, checkpoint: str) -> None:
        for column in list(self._store.columns.values()):
            if column.checkpoint == checkpoint:
                self._ensure(column.key)

    def _on_column_changed(self, column: str) -> None:
        self._ensure(column)


def run_work(segmenters: Segmenters, key: RunKey, image: Image) -> Work:
    """Load and run, on the model thread. Captures frozen records and the segmenters of that thread."""

    def work(report: Report) -> RunResult:
        report(Progress(done=0, total=0, stage="load"))
        pipeline.warm_up(report)
        segmenter = segmenters.get(key, report)
        report(Progress(done=0, total=0, stage="start"))
        prediction = pipeline.segment(segmenter, image, key.settings, report=report)
        return RunResult(prediction=prediction, report=segmenter.report)

    return work


def kept_work(kept: ResultCache, key: RunKey, image: Image, run: Work, *, anew: bool) -> Work:
    """What was kept on disk of this very run, else the run, which is then kept."""

    def work(report: Report) -> RunResult:
        options = {name: getattr(key.options, name) for name in ("device", "film_stages", "film_point")}
        name = pipeline.result_key(key.checkpoint, image, key.settings, **options)
        found = None if anew else kept.get(name)
        if found is not None:
            return RunResult(prediction=found)
        result: RunResult = run(report)
        kept.put(name, result.prediction)
        return result

    return work


def labels_work(key: RunKey, case: Case) -> Work:
    """The reference, or the mask in a file, in the place of a prediction."""

    def work(report: Report) -> RunResult:
        report(Progress(done=0, total=0, stage="labels"))
        own = case.reference if key.kind == "reference" else None
        labels = pipeline.open_labels(key.source, case.image) if own is None else own
        return RunResult(prediction=pipeline.prediction_of_labels(labels, case.image))

    return work


def file_stamp(path: str) -> tuple[int, int]:
    try:
        status = Path(path).stat()
    except OSError as error:
        message = (
            f"{Path(path).name}: the file cannot be read any more ({error.strerror}). Check the drive, open it again."
        )
        raise FlowglassError(message) from error
    return status.st_mtime_ns, status.st_size


def _slot(column: str) -> str:
    return f"run {column}"
