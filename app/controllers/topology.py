"""The topology lens of the active column: computed in the background while its panel is seen, gone through item by
item, pointed out on the pictures."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, QTimer, Signal

from app.item_models.topology import marker_words
from app.items import Marker, MeasureKey
from app.jobs import Failure, Job, JobQueue, Work
from app.store import Store
from core import pipeline
from core.progress import Progress, Report
from core.records import LabelMap, Prediction, TopologyItem, TopologyReport

if TYPE_CHECKING:
    from app.canvas.columns import ColumnsView
    from app.panels.topology import TopologyPanel

SLOT = "topology"
SETTLE_MS = 150  # while a slider moves, the mask follows at once and the list when it rests
KEPT = 24
MOST_MARKERS = 300
"""Markers on the pictures at most: of a noisy mask, those that are listed first."""
NO_CASE = "Drop an image with its reference mask, and a checkpoint."
NO_COLUMN = "Drop a checkpoint: its result is held against the reference."
NO_REFERENCE = "The case has no reference mask. Drop one on the pictures."
ITSELF = "The reference has nothing wrong with itself. Click another column."
OTHER_GRID = (
    "The reference lies on another grid than the image and was brought onto it for the eye alone. Resampled onto the "
    "image, it can be compared."
)
COMPUTING = "The result is being compared with the reference."
RESTING = "The threshold is being moved."
CANCELLED = "Cancelled."


@dataclass(frozen=True, slots=True, kw_only=True)
class LensKey:
    """Everything that decides a list: a run, cut at a threshold, and which reference it is held against."""

    column: str
    measured: MeasureKey
    reference_revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lack:
    """What is missing for a list. `severity` of the words; `resample`: a button that helps."""

    words: str
    severity: Literal["note", "warning", "error"] = "note"
    resample: bool = False


class TopologyController(QObject):
    """Nothing is computed for a panel that nobody sees, and nothing is shown that belongs to another result."""

    resample_requested = Signal(object)  # case
    changed = Signal()  # it began or ended to compute

    def __init__(
        self, store: Store, queue: JobQueue, panel: TopologyPanel, view: ColumnsView, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._queue, self._panel, self._view = store, queue, panel, view
        self._known: OrderedDict[LensKey, TopologyReport | Failure] = OrderedDict()
        self._shown: tuple[LensKey, TopologyReport] | None = None
        self._chosen: TopologyItem | None = None
        self._working: LensKey | None = None
        self._cancelled: LensKey | None = None
        self._step = 0  # wished for before there is a list
        self._settled = QTimer(self, interval=SETTLE_MS, singleShot=True)
        self._settled.timeout.connect(self.look)
        self._listen(store)
        panel.listed.connect(self._mark)
        panel.item_requested.connect(self.fly_to)
        panel.step_requested.connect(self.step)
        panel.compute_requested.connect(self._on_compute)
        panel.cancel_requested.connect(self.cancel)
        panel.resample_requested.connect(lambda: self.resample_requested.emit(store.active_case))

    def _listen(self, store: Store) -> None:
        signals = (store.column_activated, store.run_changed, store.column_changed, store.column_removed)
        for signal in (*signals, store.case_activated, store.case_changed):
            signal.connect(lambda _: self.look())
        store.threshold_changed.connect(self._on_threshold_changed)

    @property
    def busy(self) -> bool:
        return self._working is not None

    @property
    def report(self) -> TopologyReport | None:
        """The list that is shown."""
        return None if self._shown is None else self._shown[1]

    @property
    def chosen(self) -> TopologyItem | None:
        """The item that was flown to last."""
        return self._chosen

    # ---- what is to be shown -----------------------------------------------------------------------------------------

    def look(self) -> None:
        """Show what belongs to the active column now: the list, that it is computed, or what is missing."""
        if not self._panel.is_seen():
            self._drop_stale()
            self._mark()
            return
        lack, key = self._lack(), self._key()
        if lack is not None or key is None:
            self._show_nothing()
            self._step = 0
            words = lack or _Lack(words=NO_CASE)
            self._panel.show_message(words.words, words.severity, resample=words.resample)
            return
        found = self._known.get(key)
        if found is None:
            self._compute(key)
        elif isinstance(found, Failure):
            self._show_nothing()
            self._panel.show_message(found.text(), "error", compute=True)
        else:
            self._known.move_to_end(key)
            self._show(key, found)

    def _drop_stale(self) -> None:
        """Unseen, the panel keeps only what would still be true when it is seen again."""
        if self._shown is not None and self._shown[0] != self._key():
            self._show_nothing()

    def _show(self, key: LensKey, report: TopologyReport) -> None:
        if self._shown is None or self._shown[0] != key:
            self._shown, self._chosen = (key, report), None
        column = self._store.columns[key.column]
        self._panel.show_report(report, self._store.column_title(key.column), column.colour, self._about(key))
        step, self._step = self._step, 0
        if step:
            self.step(step)
        else:
            self._mark()

    def _about(self, key: LensKey) -> str:
        case, prediction = self._store.case, self._store.run_state(key.column).prediction
        assert case is not None
        assert case.reference is not None
        assert prediction is not None
        cut = prediction.threshold if key.measured.threshold is None else key.measured.threshold
        how = "The mask" if pipeline.from_labels(prediction) else f"Final result, cut at {cut:.3g},"
        return f"{how} against the reference {PurePath(case.reference.name).name}"

    def _show_nothing(self) -> None:
        self._shown = self._chosen = None
        self._mark()

    def _lack(self) -> _Lack | None:
        """Why there can be no list."""
        case, column = self._store.case, self._store.columns.get(self._store.active_column or "")
        if column is None or case is None:
            return _Lack(words=NO_CASE if case is None else NO_COLUMN)
        reference = case.reference
        if reference is None:
            return _Lack(words=NO_REFERENCE)
        if reference.placed == "shown":
            return _Lack(words=OTHER_GRID, severity="warning", resample=True)
        if column.kind == "reference":
            return _Lack(words=ITSELF)
        run = self._store.run_state(column.key)
        if run.prediction is None:
            title = self._store.column_title(column.key)
            why = run.failure.message if run.failure is not None else run.message
            return _Lack(words=f"{title} has no result yet. {why}".strip())
        shapes = [" x ".join(map(str, array.shape)) for array in (reference.labels, run.prediction.mask)]
        if shapes[0] != shapes[1]:
            words = f"The reference has {shapes[0]} voxels, the result {shapes[1]}: they cannot be compared."
            return _Lack(words=words, severity="warning")
        return None

    def _key(self) -> LensKey | None:
        column, case = self._store.active_column, self._store.cases.get(self._store.active_case or "")
        run = self._store.run_key(column) if column in self._store.columns else None
        if run is None or case is None or column is None:
            return None
        measured = MeasureKey(run=run, threshold=self._store.columns[column].threshold)
        return LensKey(column=column, measured=measured, reference_revision=case.reference_revision)

    # ---- computing ---------------------------------------------------------------------------------------------------

    def _compute(self, key: LensKey) -> None:
        self._show_nothing()
        if self._working == key:
            return
        if self._settled.isActive():
            self._panel.show_work(RESTING)
            return
        if self._cancelled == key:
            self._panel.show_message(CANCELLED, compute=True)
            return
        prediction, case = self._store.run_state(key.column).prediction, self._store.case
        if prediction is None or case is None or case.reference is None:
            return
        self._working = key
        job = Job(lens_work(prediction, key.measured.threshold, case.reference), "Topology of vessels")
        job.progressed.connect(lambda progress: self._on_progress(key, progress))
        job.succeeded.connect(lambda report: self._on_done(key, report))
        job.failed.connect(lambda failure: self._on_done(key, failure))
        self._queue.start(job, slot=SLOT)
        self._panel.show_work(COMPUTING)
        self.changed.emit()

    def _on_progress(self, key: LensKey, progress: Progress) -> None:
        if self._working == key == self._key() and self._panel.is_seen():
            self._panel.show_work(COMPUTING, progress)

    def _on_done(self, key: LensKey, outcome: TopologyReport | Failure) -> None:
        """File it under its own key; it is shown if that is what is looked at."""
        self._known[key] = outcome
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        if self._working == key:
            self._working = None
            self.changed.emit()
        self.look()

    def _on_threshold_changed(self, column: str) -> None:
        if column == self._store.active_column:
            self._settled.start()
            self.look()

    def _on_compute(self) -> None:
        key = self._key()
        self._cancelled = None
        if key is not None:
            self._known.pop(key, None)
        self.look()

    def cancel(self) -> None:
        """Stop at the next report."""
        if self._working is not None:
            self._cancelled, self._working = self._working, None
            self._step = 0
            self._queue.cancel_slot(SLOT)
            self.changed.emit()
            self.look()

    # ---- going through the items -------------------------------------------------------------------------------------

    def step(self, by: int) -> None:
        """To the next item of the list (`by` 1) or the one before (-1), round and round; once there is a list."""
        if self._shown is None:
            self._step = by
            self.look()
            return
        items = self._panel.items()
        if items:
            at = items.index(self._chosen) + by if self._chosen in items else (0 if by > 0 else -1)
            self.fly_to(items[at % len(items)])

    def fly_to(self, item: TopologyItem) -> None:
        """Crosshair and camera to an item, which is marked in the list and on the pictures."""
        self._chosen = item
        self._panel.choose(item)
        self._mark()
        self._view.fly_to(item.position, item.box)

    def _mark(self) -> None:
        """Point out the items that are listed, or the chosen one alone; none of a list that nobody sees."""
        if self._shown is None or not self._panel.is_seen():
            self._view.set_markers(None, ())
            return
        key, report = self._shown
        items = list(self._panel.items()[:MOST_MARKERS]) if self._panel.marks.isChecked() else []
        if self._chosen is not None and self._chosen not in items:
            items.append(self._chosen)
        markers = (marker_of(item, report.unit, chosen=item is self._chosen) for item in items)
        self._view.set_markers(key.column, tuple(markers))


def marker_of(item: TopologyItem, unit: str, *, chosen: bool) -> Marker:
    """What points an item out on the pictures."""
    return Marker(position=item.position, box=item.box, label=marker_words(item, unit), chosen=chosen)


def lens_work(prediction: Prediction, threshold: float | None, reference: LabelMap) -> Work:
    """The lens on a prediction, cut at `threshold` if one is given."""

    def work(report: Report) -> TopologyReport:
        cut = prediction if threshold is None else pipeline.rethreshold(prediction, threshold)
        return pipeline.topology(cut, reference, reference.spacing_mm, report=report)

    return work
