"""Keeps the table of how far the columns agree in line with what they show, while somebody looks at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.items import RunKey
from app.jobs import Failure, Job, JobQueue
from app.panels.concordance import COMPUTING, TOO_FEW
from app.store import Store
from core import pipeline
from core.progress import Report
from core.records import Agreement, Prediction

if TYPE_CHECKING:
    from app.jobs import Work
    from app.panels.concordance import ConcordancePanel

SLOT = "concordance"
TICK_MS = 60
Masks = tuple[tuple[RunKey, float | None], ...]
"""What is held against each other: runs, and where each is cut."""


class ConcordanceController(QObject):
    """An older table is taken away as soon as a mask, a threshold or a column is another."""

    def __init__(self, store: Store, queue: JobQueue, panel: ConcordancePanel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._queue, self._panel = store, queue, panel
        self._known: tuple[Masks, int, Agreement | Failure] | None = None
        self._waiting: tuple[Masks, int] | None = None
        self._soon = QTimer(self, interval=TICK_MS, singleShot=True)
        self._soon.timeout.connect(self.refresh)
        for signal in (
            store.run_changed,
            store.threshold_changed,
            store.column_removed,
            store.column_changed,
            store.columns_reordered,
            store.case_activated,
            store.case_changed,
        ):
            signal.connect(self._later)
        panel.shown.connect(self.refresh)

    def _later(self, _: object = None) -> None:
        if self._panel.isVisible():
            self._soon.start()

    def _columns(self) -> dict[str, tuple[RunKey, float | None, Prediction]]:
        """Those with a result, in their order."""
        found = {}
        for key, column in self._store.columns.items():
            run, prediction = self._store.run_key(key), self._store.run_state(key).prediction
            if run is not None and prediction is not None:
                found[key] = (run, column.threshold, prediction)
        return found

    def refresh(self) -> None:
        columns = self._columns()
        if len(columns) < 2:
            self._queue.cancel_slot(SLOT)
            self._waiting = None
            self._panel.show_agreement((), None, TOO_FEW)
            return
        named = [(self._store.column_title(key), self._store.columns[key].colour) for key in columns]
        masks = tuple((run, cut) for run, cut, _ in columns.values())
        token = hash(tuple(id(prediction) for *_, prediction in columns.values()))  # run again, it may be another
        if self._known is None or self._known[:2] != (masks, token):
            self._panel.show_agreement((), None, COMPUTING)
            if self._waiting != (masks, token):
                self._start(masks, token, [(prediction, cut) for _, cut, prediction in columns.values()])
        elif isinstance(self._known[2], Failure):
            self._panel.show_agreement((), None, self._known[2].message)
        else:
            self._panel.show_agreement(named, self._known[2])

    def _start(self, masks: Masks, token: int, results: list[tuple[Prediction, float | None]]) -> None:
        self._waiting = (masks, token)
        job = Job(agreement_work(results))
        for signal in (job.succeeded, job.failed):
            signal.connect(lambda found: self._file(masks, token, found))
        self._queue.start(job, slot=SLOT)

    def _file(self, masks: Masks, token: int, found: Agreement | Failure) -> None:
        if self._waiting == (masks, token):
            self._known, self._waiting = (masks, token, found), None
            self.refresh()


def agreement_work(results: list[tuple[Prediction, float | None]]) -> Work:
    """The masks as they are drawn, each cut at its column's threshold."""

    def work(report: Report) -> Agreement:
        return pipeline.agreement([one if cut is None else pipeline.rethreshold(one, cut) for one, cut in results])

    return work
