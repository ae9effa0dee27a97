"""Curves along the steps: the chosen number of each kept step of what the columns show, computed in the background."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.items import MeasureKey, RunKey
from app.jobs import Job, JobQueue, Work
from app.panels.step_curve import WITHOUT_REFERENCE
from app.store import Store
from core import pipeline
from core.progress import Progress, Report
from core.records import LabelMap, Prediction

if TYPE_CHECKING:
    from app.panels.steps import StepsPanel

DICE = "dice"
"""Measured with the other numbers of a run, see the controller of measuring."""


class CurveController(QObject):
    """Files a curve under its run and name. One that was asked for is not asked for again."""

    def __init__(self, store: Store, queue: JobQueue, steps: StepsPanel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._queue, self._steps = store, queue, steps
        self._asked: dict[str, tuple[RunKey, str, LabelMap | None]] = {}  # by slot
        store.run_changed.connect(self._ensure)
        steps.curve_chosen.connect(lambda _: self._ensure_all())

    def _ensure_all(self) -> None:
        for column in self._store.columns:
            self._ensure(column)

    def _ensure(self, column: str) -> None:
        name, case = self._steps.curve_name, self._store.case
        if name == DICE or column not in self._store.columns or case is None:
            return
        run, prediction = self._store.run_key(column), self._store.run_state(column).prediction
        if run is None or prediction is None or not prediction.steps:
            return
        reference = None if name in WITHOUT_REFERENCE else case.measured_reference
        if name not in WITHOUT_REFERENCE and reference is None:
            return
        slot, asked = f"curve {column}", (run, name, reference)
        known = (run, name) in self._store.outcomes.other_curves
        if known or (slot in self._asked and _same(self._asked[slot], asked)):
            return
        self._asked[slot] = asked
        job = Job(curve_work(prediction, reference, name), "Measuring the steps")
        job.succeeded.connect(lambda curve: self._file(slot, asked, curve))
        job.ended.connect(lambda: self._forget(slot, asked))
        self._queue.start(job, slot=slot)

    def _forget(self, slot: str, asked: tuple[RunKey, str, LabelMap | None]) -> None:
        if self._asked.get(slot) is asked:
            del self._asked[slot]

    def _file(self, slot: str, asked: tuple[RunKey, str, LabelMap | None], curve: tuple[float | None, ...]) -> None:
        """Numbers against an exchanged reference must not be taken for those of the new one."""
        run, name, reference = asked
        item = self._store.cases.get(run.case)
        if item is None or item.case is None or (reference is not None and item.case.reference is not reference):
            return
        self._store.outcomes.other_curves[(run, name)] = curve
        self._store.measured.emit(MeasureKey(run=run, threshold=None))


def _same(one: tuple[RunKey, str, LabelMap | None], other: tuple[RunKey, str, LabelMap | None]) -> bool:
    return one[:2] == other[:2] and one[2] is other[2]


def curve_work(prediction: Prediction, reference: LabelMap | None, name: str) -> Work:
    """A measure step by step, so that it can be cancelled; what looks along the steps all at once."""

    def work(report: Report) -> tuple[float | None, ...]:
        if name in WITHOUT_REFERENCE:
            return pipeline.step_curves(prediction, None, (name,))[0].values
        values: list[float | None] = []
        for done, step in enumerate(prediction.steps):
            report(Progress(done=done, total=len(prediction.steps), stage="measuring"))
            (curve,) = pipeline.step_curves(replace(prediction, steps=(step,)), reference, (name,))
            values += curve.values
        return tuple(values)

    return work
