"""Numbers for what the columns show: measured in the background, again when the threshold or the reference changes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QTimer

from app.item_models.measurements import TITLES
from app.items import MeasureKey, Note, RunKey
from app.jobs import Failure, Job, JobQueue
from app.store import Store
from core import pipeline
from core.records import Finding, LabelMap, Measurement, Prediction

SETTLE_MS = 120  # while a slider moves, the mask follows at once and the numbers when it rests


class MeasureController(QObject):
    """Files measurements and Dice curves in the store under the key of what they measure."""

    def __init__(self, store: Store, queue: JobQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._queue = queue
        self._moved: set[str] = set()
        self._looked: set[tuple[RunKey, int]] = set()
        self._settled = QTimer(self, interval=SETTLE_MS, singleShot=True)
        self._settled.timeout.connect(self._on_settled)
        store.run_changed.connect(self.ensure)
        store.threshold_changed.connect(self._on_threshold_changed)

    def ensure(self, column: str) -> None:
        """Measure what the column shows, if that is a result with a reference and is not known yet."""
        reference = self._store.measured_reference
        if column not in self._store.columns or reference is None:
            return
        run, prediction = self._store.run_key(column), self._store.run_state(column).prediction
        if run is None or prediction is None or run.kind == "reference":  # against itself it says nothing
            return
        key = MeasureKey(run=run, threshold=self._store.columns[column].threshold)
        if key not in self._store.outcomes.measurements:
            self._measure(column, key, prediction, reference)
            self._look_for_flips(run, prediction, reference)
        if run not in self._store.outcomes.curves:
            self._measure_steps(run, prediction, reference)

    def _measure(self, column: str, key: MeasureKey, prediction: Prediction, reference: LabelMap) -> None:
        job = Job(lambda report: measured(prediction, key.threshold, reference), "Measuring")
        job.succeeded.connect(lambda measurement: self._file(key, measurement, reference))
        job.failed.connect(lambda failure: self._file(key, failure, reference))
        self._queue.start(job, slot=f"measure {column}")

    def _measure_steps(self, run: RunKey, prediction: Prediction, reference: LabelMap) -> None:
        self._store.outcomes.curves[run] = ()  # asked for
        job = Job(lambda report: pipeline.measure_steps(prediction, reference), "Measuring the steps")
        job.succeeded.connect(lambda curve: self._file_curve(run, curve, reference))
        self._queue.start(job)

    def _look_for_flips(self, run: RunKey, prediction: Prediction, reference: LabelMap) -> None:
        """Once for a run, with its own threshold: a mirrored reference stays mirrored while a slider moves."""
        if (run, id(reference)) in self._looked:
            return
        self._looked.add((run, id(reference)))
        job = Job(lambda report: pipeline.flip_suspected(prediction, reference), "Comparing sides")
        job.succeeded.connect(lambda findings: self._note_flips(run, findings, reference))
        self._queue.start(job)

    def _note_flips(self, run: RunKey, findings: Sequence[Finding], reference: LabelMap) -> None:
        if self._is_current(run, reference):
            for found in findings:
                note = Note(severity=found.severity, text=found.message, path=run.case, remedy=found.remedy)
                self._store.note(note)

    def _file(self, key: MeasureKey, outcome: Measurement | Failure, reference: LabelMap) -> None:
        if not self._is_current(key.run, reference):
            return
        self._store.outcomes.measurements[key] = outcome
        self._store.measured.emit(key)

    def _file_curve(self, run: RunKey, curve: tuple[float | None, ...], reference: LabelMap) -> None:
        if not self._is_current(run, reference):
            self._store.outcomes.curves.pop(run, None)  # asked for again when its frame is shown again
            return
        self._store.outcomes.curves[run] = curve
        self._store.measured.emit(MeasureKey(run=run, threshold=None))

    def _is_current(self, run: RunKey, reference: LabelMap) -> bool:
        """The case still has this reference: numbers against an exchanged one must not be taken for the new ones."""
        item = self._store.cases.get(run.case)
        return item is not None and item.case is not None and item.case.reference is reference

    def _on_threshold_changed(self, column: str) -> None:
        self._moved.add(column)
        self._settled.start()

    def _on_settled(self) -> None:
        moved, self._moved = self._moved, set()
        for column in moved:
            self.ensure(column)


def measured(prediction: Prediction, threshold: float | None, reference: LabelMap) -> Measurement:
    """The numbers of a prediction, cut at `threshold` if one is given."""
    cut = prediction if threshold is None else pipeline.rethreshold(prediction, threshold)
    return pipeline.measure(cut, reference, names=tuple(TITLES))
