"""The scrub of what the columns show as a film: what is drawn is fixed when it is asked for, the rest is a job."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.controllers.export import cut
from app.items import Note
from app.jobs import Failure, Job, JobQueue, Work
from app.store import Store
from core import pipeline
from core.errors import FigureRefused
from core.progress import Progress, Report
from core.records import AnimationFile, AnimationOptions, FigureColumn, Image, LabelMap


class AnimationController(QObject):
    """Writes one animation at a time and notes what was written, or why not."""

    changed = Signal(object)  # Progress | None

    def __init__(self, store: Store, queue: JobQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._queue = store, queue
        self._job: Job | None = None
        self.progress: Progress | None = None

    @property
    def busy(self) -> bool:
        return self._job is not None

    def shown(self) -> dict[str, str]:
        """Names of the columns that have a result, by key."""
        columns = self._store.columns.values()
        done = (item for item in columns if self._store.run_state(item.key).prediction is not None)
        return {item.key: self._store.column_title(item.key) for item in done}

    def save(self, path: str, columns: list[str], options: AnimationOptions) -> None:
        """Write an animation of these columns of the case that is looked at; a running one is cancelled."""
        case, chosen = self._store.case, [key for key in columns if key in self.shown()]
        if case is None or not chosen:
            return
        self.cancel()
        items = [(self._store.columns[key], self._store.run_state(key).prediction) for key in chosen]
        drawn = [
            (FigureColumn(name=self._store.column_title(item.key), colour=item.colour, prediction=made), item.threshold)
            for item, made in items
            if made is not None
        ]
        reference = case.reference if self._store.overlay.reference_visible else None
        work = _work(drawn, case.image, reference, path, options)
        self._job = job = Job(work, f"Writing {Path(path).name}")
        job.progressed.connect(self._on_progress)
        job.succeeded.connect(self._on_written)
        job.failed.connect(lambda failure: self._on_failed(failure, path))
        job.ended.connect(lambda: self._on_ended(job))
        self._queue.start(job)
        self._on_progress(None)

    def cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def _on_progress(self, progress: Progress | None) -> None:
        self.progress = progress
        self.changed.emit(progress)

    def _on_written(self, made: AnimationFile) -> None:
        said = f"{Path(made.path).name}: {made.frames} pictures of {made.width} x {made.height}, {made.seconds:.1f} s"
        self._store.note(Note(severity="ok", text=said, path=made.path))
        for found in made.findings:
            note = Note(
                severity=found.severity, text=found.message, path=made.path, remedy=found.remedy, code=found.code
            )
            self._store.note(note)

    def _on_failed(self, failure: Failure, path: str) -> None:
        self._store.note(Note(severity="error", text=failure.message, path=path, remedy=failure.remedy))

    def _on_ended(self, job: Job) -> None:
        if self._job is job:
            self._job = None
            self._on_progress(None)


def _work(
    drawn: list[tuple[FigureColumn, float | None]],
    image: Image,
    reference: LabelMap | None,
    path: str,
    options: AnimationOptions,
) -> Work:
    """What the job does: everything it needs is a frozen record."""

    def write(report: Report) -> AnimationFile:
        columns = [
            FigureColumn(name=item.name, colour=item.colour, prediction=cut(item.prediction, threshold))
            for item, threshold in drawn
        ]
        try:
            return pipeline.animate(columns, image, path, reference=reference, options=options, report=report)
        except OSError as error:
            name, why = Path(path).name, error.strerror or str(error)
            raise FigureRefused(f"{name} could not be written: {why}. Choose another folder.") from error

    return write
