"""What quantities need besides a prediction: the results of other columns at once, costly maps from the background."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.canvas.derived import has_film_effect, moment_key
from app.canvas.moment import ALONE, Company, Computed, Peer, nearest_step
from app.items import RunKey
from app.jobs import Failure, Job, JobQueue
from app.store import Store
from core import pipeline
from core.progress import Progress, Report
from core.records import Case, Prediction, Step

if TYPE_CHECKING:
    from app.canvas.columns import ColumnsView
    from app.controllers.running import RunController, RunResult

BYTES_KEPT = 256 << 20
TICK_MS = 10
COSTLY = ("surface", "change", "velocity", "commit", "film")
BETWEEN = ("difference", "probability-difference", "agreement")
Make = Callable[[Report], Computed]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapKey:
    """Everything that decides a map: `of` as `moment_key` says, the reference of the case, the run with FiLM off."""

    name: str
    run: RunKey
    of: tuple[object, ...]
    reference: int = 0
    bare: RunKey | None = None


class MapController(QObject):
    """Works for the quantities that are looked at, in the columns that have a result, for the step that is shown."""

    offered = Signal(object)  # bool: a column lacks its run with FiLM off, which could be made

    def __init__(self, store: Store, queue: JobQueue, view: ColumnsView, runs: RunController) -> None:
        super().__init__(runs)
        self._store, self._queue, self._view, self._runs = store, queue, view, runs
        self._made: OrderedDict[MapKey, Computed] = OrderedDict()
        self._waiting: dict[str, MapKey] = {}  # by slot
        self._bare: dict[str, RunKey] = {}  # runs with FiLM off under way, by slot
        self._companies: dict[str, tuple[object, ...]] = {}
        self._soon = QTimer(self, interval=TICK_MS, singleShot=True)
        self._soon.timeout.connect(self._compute)
        for signal in (
            store.quantity_changed,
            store.rows_changed,
            store.run_changed,
            store.threshold_changed,
            store.case_activated,
            store.case_changed,
            store.column_activated,
            store.column_changed,
            store.column_removed,
            store.compared,
            store.links_changed,
        ):
            signal.connect(self._refresh)
        store.step_changed.connect(self._later)

    # ---- what is at hand at once -------------------------------------------------------------------------------------

    def _refresh(self, _: object = None) -> None:
        """Before anything is painted: a column must never be held against a result that is gone."""
        for column in self._store.columns:
            self._keep_company(column)
        for slot in [slot for slot in self._bare if slot not in self._wanted_bare().values()]:
            self._queue.cancel_slot(slot)
            del self._bare[slot]
        self.offered.emit(bool(self._lacking_bare()))
        self._later()

    def _names(self) -> set[str]:
        """The quantities that are looked at."""
        rows = self._store.rows
        return set(rows.quantities) if rows.mode == "quantities" else {self._store.quantity}

    def _keep_company(self, column: str) -> None:
        company, told = self._company(column)
        if self._companies.get(column, ()) != told:
            self._companies[column] = told
            self._view.set_company(column, company)

    def _company(self, column: str) -> tuple[Company, tuple[object, ...]]:
        """And what tells it from another: predictions are told by identity, and kept alive by the view."""
        names = self._names()
        peers = {key: self._peer(key) for key in self._store.columns} if names & set(BETWEEN) else {}
        known = {key: peer for key, peer in peers.items() if peer is not None}
        bare, words = self._bare_of(column) if "film" in names else (None, "")
        other = known.get(self._opposite(column) or "")
        told = tuple((peer.title, id(peer.prediction), peer.cut) for peer in known.values())
        if not known and bare is None and not words:
            return ALONE, ()
        company = Company(peers=tuple(known.values()), other=other, bare=bare, bare_words=words)
        return company, (told, other and (other.title, id(other.prediction)), id(bare), words)

    def _peer(self, column: str) -> Peer | None:
        prediction = self._store.run_state(column).prediction
        if prediction is None:
            return None
        shown = self._store.columns[column]
        cut = None if shown.threshold == prediction.threshold else shown.threshold
        return Peer(title=self._store.column_title(column), prediction=prediction, cut=cut)

    def _opposite(self, column: str) -> str | None:
        """What the active column is held against; the active one for all others."""
        active = self._store.active_column
        return self._store.other_column() if column == active else active

    # ---- the same run with FiLM off ----------------------------------------------------------------------------------

    def bare_key(self, column: str) -> RunKey | None:
        """Of the run of a column with FiLM off; None where that would be the same."""
        key = self._store.run_key(column)
        if key is None or not has_film_effect(self._store.run_state(column).prediction):
            return None
        return replace(key, settings=replace(key.settings, film=replace(key.settings.film, mode="off")))

    def _bare_of(self, column: str) -> tuple[Prediction | None, str]:
        key = self.bare_key(column)
        outcome = self._store.outcomes.outcome(key) if key is not None else None
        if isinstance(outcome, Failure):
            return None, f"the run with FiLM off failed: {outcome.message}"
        if outcome is None and key is not None and key in self._bare.values():
            return None, "the run with FiLM off goes on"
        return outcome, ""

    def _wanted_bare(self) -> dict[RunKey, str]:
        """Slots by key; two columns with the same run share one."""
        keys = (self.bare_key(column) for column in self._store.columns) if "film" in self._names() else ()
        return {key: f"without FiLM {hash(key)}" for key in keys if key is not None}

    def _lacking_bare(self) -> dict[RunKey, str]:
        outcomes = self._store.outcomes
        wanted = self._wanted_bare().items()
        return {
            key: slot
            for key, slot in wanted
            if not isinstance(outcomes.outcome(key), Prediction | Failure) and slot not in self._bare
        }

    def run_bare(self) -> None:
        """Run what is lacking with FiLM off, in the background; the columns stay as they are."""
        for key, slot in self._lacking_bare().items():
            job, lane = self._runs.job_for(key)
            self._bare[slot] = key
            job.succeeded.connect(lambda result, slot=slot, key=key: self._on_bare(slot, key, result))
            job.failed.connect(lambda failure, slot=slot, key=key: self._on_bare_ended(slot, key, failure))
            self._queue.start(job, lane=lane, slot=slot)
        self._refresh()

    @property
    def busy(self) -> bool:
        """Whether something is under way that a person asked for."""
        return bool(self._bare)

    def cancel(self) -> None:
        for slot in list(self._bare):
            self._queue.cancel_slot(slot)
        self._bare.clear()
        self._refresh()

    def _on_bare(self, slot: str, key: RunKey, result: RunResult) -> None:
        self._on_bare_ended(slot, key, result.prediction)

    def _on_bare_ended(self, slot: str, key: RunKey, outcome: Prediction | Failure) -> None:
        if self._bare.get(slot) == key:
            del self._bare[slot]
        self._runs.file(slot, key, outcome)
        self._refresh()

    # ---- what takes a while ------------------------------------------------------------------------------------------

    def _later(self, _: object = None) -> None:
        """The scene of the view is the new one by then; steps that are only passed are not computed."""
        if self._names() & set(COSTLY):
            self._soon.start()

    def _compute(self) -> None:
        names = [name for name in COSTLY if name in self._names()]
        for column in self._store.columns:
            for name in names:
                self._ensure(column, name)

    def _ensure(self, column: str, name: str) -> None:
        wanted = self._wanted(column, name)
        if wanted is None:
            return
        key, make = wanted
        slot = f"map {name} {column}"
        if key in self._made:
            self._made.move_to_end(key)
            if self._view.column(column).map_of(name) is not self._made[key]:
                self._view.set_map(column, name, self._made[key])
        elif self._waiting.get(slot) != key:
            self._waiting[slot] = key
            job = Job(make)  # without a title: nobody waits for it
            job.succeeded.connect(lambda found: self._file(slot, key, found))
            job.failed.connect(lambda failure: self._file(slot, key, Computed(reason=failure.message, of=key.of)))
            self._queue.start(job, slot=slot)

    def _file(self, slot: str, key: MapKey, found: Computed) -> None:
        """Under its own key; drawn only where exactly this is wanted now."""
        if self._waiting.get(slot) == key:
            del self._waiting[slot]
        self._made[key] = found
        while len(self._made) > 1 and sum(map(size_bytes, self._made.values())) > BYTES_KEPT:
            self._made.popitem(last=False)
        self._compute()

    def _wanted(self, column: str, name: str) -> tuple[MapKey, Make] | None:
        """What a column lacks for a quantity, and how it is made; None where nothing can be made."""
        run, case = self._store.run_key(column), self._store.case
        prediction = self._store.run_state(column).prediction
        if run is None or case is None or prediction is None:
            return None
        t = self._view.scene_of(column).t
        step = None if t is None else nearest_step(prediction, t)
        threshold = self._store.columns[column].threshold
        cut = None if threshold == prediction.threshold else threshold
        of = moment_key(name, step, cut)
        key = MapKey(name=name, run=run, of=of)
        if name == "surface":
            revision = self._store.cases[run.case].reference_revision
            comparable = case.measured_reference is not None
            return (replace(key, reference=revision), surface_work(prediction, step, cut, case)) if comparable else None
        if name == "film":
            bare, _ = self._bare_of(column)
            return None if bare is None else (replace(key, bare=self.bare_key(column)), film_work(prediction, bare))
        if prediction.axis == "none" or len(prediction.steps) < 2:
            return None
        return key, commit_work(prediction, cut) if name == "commit" else limits_work(prediction, name)


def size_bytes(found: Computed) -> int:
    return 0 if found.values is None else found.values.nbytes


def surface_work(prediction: Prediction, step: Step | None, cut: float | None, case: Case) -> Make:
    """Distances of the edge of the mask that is shown."""

    def work(report: Report) -> Computed:
        reference = case.reference
        assert reference is not None
        level = prediction.threshold if cut is None else cut
        scored = prediction.score if step is None else step.estimate
        mask = prediction.mask if step is None and cut is None else scored > level
        found = pipeline.surface_map(mask, reference, case.image.spacing_mm)
        of, actual = moment_key("surface", step, cut), reference.labels
        if found.mean is None or found.lowest is None or found.highest is None:
            return Computed(reason=found.reason, of=of, reference=actual)
        end = max(abs(found.lowest), abs(found.highest)) or 1.0
        words = f"mean {found.mean:.2f} {found.unit}"
        return Computed(values=found.distance, limits=(-end, end), words=words, of=of, reference=actual)

    return work


def limits_work(prediction: Prediction, name: str) -> Make:
    """One scale for all steps of a run: only then can a colour at one step be held against that at another."""

    def work(report: Report) -> Computed:
        low, high = 0.0, 0.0
        for place in range(len(prediction.steps)):
            report(Progress(done=place, total=len(prediction.steps), stage="steps"))
            found = pipeline.step_map(prediction, place, "change" if name == "change" else "velocity")
            if found.values is not None:
                low, high = min(low, found.limits[0]), max(high, found.limits[1])
        return Computed(limits=rounded(low, high))

    return work


def film_work(prediction: Prediction, bare: Prediction) -> Make:
    """The same for the effect of FiLM, the final result included."""

    def work(report: Report) -> Computed:
        high = float(np.abs(pipeline.change_map(bare, prediction).probability).max(initial=0.0))
        for place in range(len(prediction.steps)):
            report(Progress(done=place, total=len(prediction.steps), stage="steps"))
            found = pipeline.step_map(prediction, place, "film", bare)
            high = high if found.values is None else max(high, found.limits[1])
        return Computed(limits=rounded(-high, high))

    return work


def rounded(low: float, high: float) -> tuple[float, float]:
    """Ends of a scale that can be read: two digits, not less than the values reach; never an empty scale."""
    return (-ceiled(-low) if low < 0 else 0.0), ceiled(high) if high > 0 else 1.0


def ceiled(value: float) -> float:
    """The next number of two digits."""
    unit = 10.0 ** (np.floor(np.log10(value)) - 1)
    return float(f"{np.ceil(round(value / unit, 6)) * unit:.2g}")


def commit_work(prediction: Prediction, cut: float | None) -> Make:
    """When each voxel was decided, at the threshold that is shown; NaN where the label never changed."""

    def work(report: Report) -> Computed:
        found = pipeline.commit_map(prediction if cut is None else pipeline.rethreshold(prediction, cut))
        values = np.where(found.flips > 0, found.t, np.float32(np.nan))
        values.setflags(write=False)
        share = found.changed / found.flips.size
        words = f"{share:.1%} changed in {found.steps} kept steps"
        return Computed(values=values, words=words, reason=found.reason, of=moment_key("commit", None, cut))

    return work
