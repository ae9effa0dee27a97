"""Several samples of the active column: run, compared in the background, and shown as maps, votes and a gallery."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QImage

from app.canvas.frame import Frame
from app.canvas.sample_quantities import DEVIATION, ENTROPY, VOTE_MASK, VOTES
from app.items import RunKey
from app.jobs import Failure, Job, JobQueue
from app.panels.thumbnails import thumbnail
from app.panels.uncertainty import EMPTY, METRICS
from app.store import Store
from core import pipeline
from core.progress import Report
from core.records import ErrorDetection, LabelMap, Measurement, Prediction, Uncertainty

if TYPE_CHECKING:
    from app.canvas.columns import ColumnsView
    from app.panels.uncertainty import UncertaintyPanel

KEPT = 6
SETTLE_MS = 120
MEASURES: tuple[str, ...] = ("deviation", "entropy")
NO_REFERENCE = "Without a reference nobody can say whether the uncertainty finds the errors."
ONE_CALL = "A supervised network draws nothing at random: all its samples would be the same."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """What was worked out of one prediction."""

    prediction: Prediction
    uncertainty: Uncertainty
    detections: tuple[ErrorDetection, ...]


class SampleController(QObject):
    """Everything belongs to the run key of the active column; a result for another one is filed, not shown."""

    def __init__(
        self, store: Store, queue: JobQueue, panel: UncertaintyPanel, view: ColumnsView, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._queue, self._panel, self._view = store, queue, panel, view
        self._found: OrderedDict[tuple[RunKey, int], Found] = OrderedDict()
        self._asked: set[tuple[RunKey, int]] = set()
        self._least: int | None = None
        self._settled = QTimer(self, interval=SETTLE_MS, singleShot=True)
        self._settled.timeout.connect(self._measure_votes)
        for signal in (store.column_activated, store.run_changed, store.case_changed, store.case_activated):
            signal.connect(lambda _: self.refresh())
        store.quantity_changed.connect(panel.show_quantity)
        panel.run_requested.connect(self.run)
        panel.quantity_requested.connect(store.set_quantity)
        panel.least_changed.connect(self._on_least)
        panel.member_requested.connect(self.open_member)

    def run(self, samples: int) -> None:
        """Run the active column with so many samples, each kept with its seed."""
        column = self._store.columns.get(self._store.active_column or "")
        if column is not None and column.kind == "checkpoint":
            wanted = replace(column.settings, samples=samples, keep_members=True)
            self._store.change_column(column.key, settings=wanted)

    def refresh(self) -> None:
        """Show what the active column has; work it out if nobody has yet."""
        key, prediction = self._active()
        if key is None or prediction is None:
            self._panel.show_nothing(EMPTY, can_run=False)
            return
        if prediction.axis == "none":
            self._panel.show_nothing(ONE_CALL, can_run=False)
            return
        if not prediction.members and prediction.spread is None:
            self._panel.show_nothing("One sample so far.", can_run=True)
            return
        found = self._found.get(key)
        if found is None or found.prediction is not prediction:
            self._work_out(key, prediction)
        else:
            self._show(found)

    def open_member(self, position: int) -> None:
        """One sample alone, as a column of its own: its seed repeats it."""
        column, (_, prediction) = self._store.columns.get(self._store.active_column or ""), self._active()
        if column is None or prediction is None or position >= len(prediction.members):
            return
        settings = pipeline.member_settings(prediction, prediction.members[position])
        self._store.add_column(column.checkpoint, settings, column.options)

    # ---- working out -------------------------------------------------------------------------------------------------

    def _active(self) -> tuple[tuple[RunKey, int] | None, Prediction | None]:
        """The key of what the active column shows, with the reference it is held against, and its prediction."""
        column = self._store.columns.get(self._store.active_column or "")
        if column is None or column.kind != "checkpoint":
            return None, None
        key = self._store.run_key(column.key)
        return (None if key is None else (key, id(self._reference()))), self._store.run_state(column.key).prediction

    def _reference(self) -> LabelMap | None:
        case = self._store.case
        found = None if case is None else case.reference
        return None if found is None or found.placed == "shown" else found

    def _work_out(self, key: tuple[RunKey, int], prediction: Prediction) -> None:
        self._panel.show_nothing("Comparing the samples", can_run=True)
        if key in self._asked:
            return
        self._asked.add(key)
        reference = self._reference()
        job = Job(lambda report: work_out(prediction, reference, report), "Comparing the samples")
        job.succeeded.connect(lambda found: self._on_found(key, found))
        job.failed.connect(lambda failure: self._on_failed(key, failure))
        job.ended.connect(lambda: self._asked.discard(key))
        self._queue.start(job, slot="samples")

    def _on_found(self, key: tuple[RunKey, int], found: Found) -> None:
        self._found[key] = found
        while len(self._found) > KEPT:
            self._found.popitem(last=False)
        now, prediction = self._active()
        if now == key and prediction is found.prediction:
            self._show(found)

    def _on_failed(self, key: tuple[RunKey, int], failure: Failure) -> None:
        if self._active()[0] == key:
            self._panel.show_nothing(failure.message, can_run=True)

    # ---- showing -----------------------------------------------------------------------------------------------------

    def _show(self, found: Found) -> None:
        column, samples = self._store.active_column, found.uncertainty
        assert column is not None, "what is shown belongs to the active column"
        self._view.set_map(column, DEVIATION, samples.deviation)
        self._view.set_map(column, ENTROPY, samples.entropy)
        self._view.set_map(column, VOTES, samples.votes)
        why = NO_REFERENCE if self._reference() is None else samples.reason
        self._panel.show_samples(samples.samples, found.detections, why)
        count = 0 if samples.votes is None else samples.samples
        least = min(max(self._least or (count + 1) // 2, 1), max(count, 1))
        self._panel.show_votes(least, count)
        self._panel.show_quantity(self._store.quantity)
        self._panel.show_gallery(self._pictures(found))
        if count:
            self._on_least(least)

    def _pictures(self, found: Found) -> list[tuple[int, QImage, str, str]]:
        column = self._store.columns[self._store.active_column or ""]
        index = min(self._view.cross()[0], len(found.prediction.mask) - 1)
        threshold, made = found.prediction.threshold, []
        for position in found.uncertainty.order:
            member, apart = found.prediction.members[position], found.uncertainty.disagreement[position]
            mask = np.ascontiguousarray(member.score[index] > threshold)
            words = "empty" if apart is None else f"{apart:.3f}"
            tip = (
                f"Sample {position + 1}, seed {member.seed}: {words} from the mean mask (1 - Dice). Double click: alone"
            )
            made.append((position, thumbnail(Frame(caption="", mask=mask), column.colour), words, tip))
        return made

    # ---- votes -------------------------------------------------------------------------------------------------------

    def _on_least(self, least: int) -> None:
        """The outline follows at once, the measures when the slider rests."""
        self._least = least
        key, _ = self._active()
        found = self._found.get(key) if key else None
        if found is None or found.uncertainty.votes is None or self._store.active_column is None:
            return
        mask = pipeline.vote_mask(found.uncertainty, min(least, found.uncertainty.samples))
        self._view.set_map(self._store.active_column, VOTE_MASK, mask)
        self._settled.start()

    def _measure_votes(self) -> None:
        key, _ = self._active()
        found, reference = self._found.get(key) if key else None, self._reference()
        if found is None or found.uncertainty.votes is None or self._least is None:
            return
        if reference is None:
            self._panel.show_scores(None, "Without a reference there is nothing to measure.")
            return
        mask = pipeline.vote_mask(found.uncertainty, min(self._least, found.uncertainty.samples))
        names, least = tuple(name for name, _ in METRICS), self._least
        job = Job(lambda report: pipeline.measure(mask, reference, names=names), "Measuring the votes")
        job.succeeded.connect(lambda measured: self._on_measured(key, least, measured))
        job.failed.connect(lambda failure: self._panel.show_scores(None, failure.message))
        self._queue.start(job, slot="votes")

    def _on_measured(self, key: object, least: int, measured: Measurement) -> None:
        if self._active()[0] == key and self._least == least:
            self._panel.show_scores(measured)


def work_out(prediction: Prediction, reference: LabelMap | None, report: Report) -> Found:
    """In a job: what the samples say, and whether it finds the errors."""
    detections: Sequence[ErrorDetection] = ()
    if reference is not None and reference.labels.shape == prediction.mask.shape:
        detections = [pipeline.detect_errors(prediction, reference, measure) for measure in MEASURES]
    return Found(prediction=prediction, uncertainty=pipeline.uncertainty(prediction), detections=tuple(detections))
