"""Compares two checkpoints of the library: their weights are read in the background, as long as somebody waits."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.jobs import Failure, Job, JobQueue
from app.passport_dialog import PassportDialog
from app.store import Store
from core import pipeline
from core.progress import Progress
from core.records import PassportDifference


class PassportController(QObject):
    """A dialog for each comparison; several may be open beside one another."""

    def __init__(self, store: Store, queue: JobQueue, parent: QWidget) -> None:
        super().__init__(parent)
        self._store, self._queue, self._window = store, queue, parent
        self.open: list[PassportDialog] = []

    def pair(self, chosen: tuple[str, ...]) -> tuple[str, str] | None:
        """Two checkpoints that are selected in the library; else those of the active column and of the one it is held
        against."""
        if len(chosen) == 2:
            return chosen[0], chosen[1]
        store = self._store
        keys = [key for key in (store.active_column, store.other_column()) if key is not None]
        files = [store.columns[key].checkpoint for key in keys if store.columns[key].checkpoint]
        return (files[0], files[1]) if len(files) == 2 and files[0] != files[1] else None

    def compare(self, first: str, second: str) -> PassportDialog:
        """Open the dialog and begin."""
        dialog = PassportDialog(self._store.title(first), self._store.title(second), self._window)
        job = Job(lambda report: pipeline.compare_checkpoints(first, second, report), "Comparing checkpoints")
        job.progressed.connect(lambda progress: self._on_progress(dialog, progress))
        job.succeeded.connect(lambda difference: self._on_compared(dialog, difference))
        job.failed.connect(lambda failure: self._on_failed(dialog, failure))
        self.open.append(dialog)
        dialog.finished.connect(job.cancel)
        dialog.finished.connect(lambda _: self.open.remove(dialog))
        dialog.show()
        self._queue.start(job)
        return dialog

    def _on_progress(self, dialog: PassportDialog, progress: Progress) -> None:
        if dialog in self.open:
            dialog.show_progress(progress)

    def _on_compared(self, dialog: PassportDialog, difference: PassportDifference) -> None:
        if dialog in self.open:
            dialog.show_difference(difference)

    def _on_failed(self, dialog: PassportDialog, failure: Failure) -> None:
        if dialog in self.open:
            dialog.show_failure(failure.text())
