"""The steps dial of the active column: one setting is one job, so that a run asked for in between comes next."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.controllers.running import Segmenters
from app.items import RunKey
from app.jobs import Failure, Job, JobQueue, Work
from app.panels.dial import EMPTY, DialLine
from app.store import Store
from core import pipeline
from core.progress import Report
from core.records import Case, CheckpointReport, DialPoint, LabelMap, RunSettings

if TYPE_CHECKING:
    from app.panels.dial import DialPanel

SLOT = "steps dial"
KEPT = 12


@dataclass(slots=True, kw_only=True, eq=False)
class _Table:
    """The lines of one run key, and what is left to run of them."""

    lines: list[DialLine]
    left: list[int] = field(default_factory=list)


class DialController(QObject):
    """A table belongs to a run key and a reference. Settings that change, or another case, stop what is left."""

    changed = Signal(object)  # column key

    def __init__(
        self,
        store: Store,
        queue: JobQueue,
        segmenters: Segmenters,
        panel: DialPanel,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store, self._queue, self._segmenters, self._panel = store, queue, segmenters, panel
        self._tables: OrderedDict[tuple[RunKey, int], _Table] = OrderedDict()
        self._running: tuple[RunKey, int] | None = None
        for signal in (store.column_activated, store.column_changed, store.case_changed, store.case_activated):
            signal.connect(lambda _: self.refresh())
        store.checkpoint_changed.connect(lambda _: self.refresh())
        panel.run_requested.connect(self.run)
        panel.cancel_requested.connect(self.cancel)
        panel.open_requested.connect(self._open)

    @property
    def busy(self) -> bool:
        return self._running is not None

    def refresh(self) -> None:
        """Show the table of what the active column has now; stop working on one that nobody sees."""
        key = self._key()
        if self._running is not None and self._running != key:
            self.cancel()
        self._show()

    def run(self, steps: tuple[int, ...], all_solvers: bool) -> None:
        """Run the active column's checkpoint on the case with each setting, one after another."""
        key, report = self._key(), self._report()
        if key is None or report is None:
            return
        self.cancel()
        own = (report.sampler,) if not all_solvers and report.sampler in pipeline.solvers(report) else None
        settings = pipeline.dial_settings(report, key[0].settings, steps, own)  # type: ignore[arg-type]
        lines = [line_of(one, report) for one in settings]
        self._tables[key] = _Table(lines=lines, left=list(range(len(lines))))
        while len(self._tables) > KEPT:
            self._tables.popitem(last=False)
        self._running = key
        self._next()

    def cancel(self) -> None:
        """Stop at the next report; what has run stays."""
        if self._running is not None:
            table = self._tables.get(self._running)
            self._running = None
            if table is not None:
                table.left.clear()
            self._queue.cancel_slot(SLOT)
            self._show()

    # ---- one after another -------------------------------------------------------------------------------------------

    def _next(self) -> None:
        key, case = self._running, self._store.case
        table = self._tables.get(key) if key else None
        if key is None or table is None or case is None or not table.left:
            self._running = None
        else:
            number = table.left[0]
            work = dial_work(self._segmenters, key[0], table.lines[number].settings, case, self._reference())
            job = Job(work, f"Steps dial, {number + 1} of {len(table.lines)}")
            job.succeeded.connect(lambda point: self._on_point(key, number, point))
            job.failed.connect(lambda failure: self._on_failed(key, number, failure))
            self._queue.start(job, lane="model", slot=SLOT)
        self._show()

    def _on_point(self, key: tuple[RunKey, int], number: int, point: DialPoint) -> None:
        measured = point.measurement
        scores = {name: measured[name].value if measured else None for name in ("dice", "cldice")}
        self._file(key, number, calls=point.calls, seconds=point.seconds, **scores)

    def _on_failed(self, key: tuple[RunKey, int], number: int, failure: Failure) -> None:
        self._file(key, number, reason=failure.message)

    def _file(self, key: tuple[RunKey, int], number: int, **found: object) -> None:
        table = self._tables.get(key)
        if table is None or self._running != key or table.left[:1] != [number]:
            return
        table.lines[number] = replace(table.lines[number], **found)  # type: ignore[arg-type]
        table.left.pop(0)
        self._next()

    # ---- showing -----------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        key, report = self._key(), self._report()
        can_run = key is not None and report is not None and len(pipeline.solvers(report)) > 0
        table = self._tables.get(key) if key else None
        lines = table.lines if table else []
        busy = self._running is not None and self._running == key
        self._panel.show_lines(lines, self._state(table, can_run=can_run, busy=busy), can_run=can_run, busy=busy)
        self.changed.emit(self._store.active_column)

    def _state(self, table: _Table | None, *, can_run: bool, busy: bool) -> str:
        if not can_run:
            return EMPTY
        if table is None:
            return "Runs this case again with each number of steps. \N{BLACK STAR} = the producer's setting."
        done = len(table.lines) - len(table.left)
        if busy:
            return f"{done} of {len(table.lines)} done"
        bare = "" if self._reference() is not None else " Without a reference there is no quality to compare."
        return f"\N{BLACK STAR} = the producer's setting. Double click opens a line as a column.{bare}"

    def _open(self, settings: RunSettings) -> None:
        column = self._store.columns.get(self._store.active_column or "")
        if column is not None:
            self._store.add_column(column.checkpoint, replace(settings, keep="auto"), column.options)

    def _key(self) -> tuple[RunKey, int] | None:
        column = self._store.columns.get(self._store.active_column or "")
        key = self._store.run_key(column.key) if column is not None and column.kind == "checkpoint" else None
        return None if key is None else (key, id(self._reference()))

    def _reference(self) -> LabelMap | None:
        case = self._store.case
        found = None if case is None else case.reference
        return None if found is None or found.placed == "shown" else found

    def _report(self) -> CheckpointReport | None:
        column = self._store.columns.get(self._store.active_column or "")
        item = self._store.checkpoints.get(column.checkpoint) if column else None
        return item.report if item is not None and item.usable else None


def line_of(settings: RunSettings, report: CheckpointReport) -> DialLine:
    """A setting in words, before it has run."""
    own = settings.steps in (None, report.timesteps) and settings.solver in (None, report.sampler)
    solver = settings.solver or report.sampler or ""
    steps = settings.steps or report.timesteps or 1
    return DialLine(settings=settings, solver=solver, steps=str(steps), own=own)


def dial_work(
    segmenters: Segmenters, key: RunKey, settings: RunSettings, case: Case, reference: LabelMap | None
) -> Work:
    """One run of the dial, on the model thread; captures frozen records."""

    def work(report: Report) -> DialPoint:
        segmenter = segmenters.get(key, report)
        return next(pipeline.run_dial(segmenter, case.image, [settings], reference, report))

    return work
