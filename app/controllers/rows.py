"""Several cases below one another: their files are read, each column is run on each of them, results come as they are
ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.canvas.window_level import presets, starting
from app.items import CaseRow, RunKey
from app.jobs import Failure, JobQueue
from app.store import Store
from core.records import Image, Prediction

if TYPE_CHECKING:
    from app.canvas.columns import ColumnsView
    from app.controllers.opening import OpenController
    from app.controllers.running import RunController, RunResult

TICK_MS = 30


class RowController(QObject):
    """Works while the rows are cases. The active case is the business of the other controllers, the rest of this."""

    def __init__(
        self, store: Store, queue: JobQueue, opening: OpenController, runs: RunController, view: ColumnsView
    ) -> None:
        super().__init__(runs)
        self._store, self._queue, self._opening, self._runs, self._view = store, queue, opening, runs, view
        self._waiting: dict[str, RunKey] = {}  # by slot
        self._stopped: set[RunKey] = set()
        self._windows: dict[str, tuple[Image, float, float]] = {}
        self._shown = False
        self._soon = QTimer(self, interval=TICK_MS, singleShot=True)
        self._soon.timeout.connect(self.refresh)
        for signal in (
            store.rows_changed,
            store.case_activated,
            store.case_added,
            store.case_changed,
            store.case_removed,
            store.column_added,
            store.column_changed,
            store.column_removed,
            store.checkpoint_changed,
            store.run_changed,
        ):
            signal.connect(self._later)
        view.row_requested.connect(opening.show_case)

    @property
    def busy(self) -> bool:
        return bool(self._waiting)

    def cancel(self) -> None:
        """Stop the runs of all rows; they are not started again until settings or cases change."""
        self._stopped |= set(self._waiting.values())
        for slot in list(self._waiting):
            self._stop(slot)
        self._later()

    def _later(self, _: object = None) -> None:
        if (self._shown or self._store.rows.mode == "cases") and not self._soon.isActive():
            self._soon.start()

    def refresh(self) -> None:
        """Read and run what is missing, stop what nobody looks at, and show what there is."""
        cases = self._store.row_cases()
        self._shown = bool(cases)
        wanted = {}
        for case in cases:
            if case != self._store.active_case:
                self._opening.read_listed(case)
                wanted |= {_slot(column, case): self._store.run_key(column, case) for column in self._store.columns}
        for slot in [slot for slot, key in self._waiting.items() if wanted.get(slot) != key]:
            self._stop(slot)
        for slot, key in wanted.items():
            if key is not None and slot not in self._waiting and key not in self._stopped:
                self._start(slot, key)
        for column in self._store.columns:
            self._view.set_case_rows(column, tuple(self._row(column, case) for case in cases))

    def _start(self, slot: str, key: RunKey) -> None:
        if self._store.outcomes.outcome(key) is not None:
            return
        job, lane = self._runs.job_for(key)
        self._waiting[slot] = key
        job.succeeded.connect(lambda result: self._on_result(slot, key, result))
        job.failed.connect(lambda failure: self._on_ended(slot, key, failure))
        self._queue.start(job, lane=lane, slot=slot)

    def _stop(self, slot: str) -> None:
        self._waiting.pop(slot, None)
        self._queue.cancel_slot(slot)

    def _on_result(self, slot: str, key: RunKey, result: RunResult) -> None:
        self._on_ended(slot, key, result.prediction)

    def _on_ended(self, slot: str, key: RunKey, outcome: Prediction | Failure) -> None:
        if self._waiting.get(slot) == key:
            del self._waiting[slot]
        self._runs.file(slot, key, outcome)
        self._later()

    def _row(self, column: str, case: str) -> CaseRow:
        item, key = self._store.cases[case], self._store.run_key(column, case)
        outcome = self._store.outcomes.outcome(key) if key is not None else None
        prediction = outcome if isinstance(outcome, Prediction) else None
        low, high = self._window(case, item.case.image) if item.case is not None else (0.0, 1.0)
        return CaseRow(
            id=case,
            title=item.name,
            case=item.case,
            prediction=prediction,
            words=self._words(_slot(column, case), key, outcome) if item.failure is None else item.failure.message,
            active=case == self._store.active_case,
            window=(low, high),
        )

    def _words(self, slot: str, key: RunKey | None, outcome: Prediction | Failure | None) -> str:
        if isinstance(outcome, Failure):
            return outcome.message
        if slot in self._waiting:
            return "Waiting or running"
        if key is None:
            return "Nothing to show on this case"  # its files are being read, or it has no reference
        return "Cancelled, no result" if key in self._stopped else "No result"

    def _window(self, case: str, image: Image) -> tuple[float, float]:
        """Each case is first seen through its own window, worked out once."""
        known = self._windows.get(case)
        if known is None or known[0] is not image:
            start = starting(presets(image))
            known = self._windows[case] = (image, start.low, start.high)
        return known[1:]


def _slot(column: str, case: str) -> str:
    return f"row {column} {case}"
