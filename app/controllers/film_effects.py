"""What each part of FiLM does: variants of a run, computed one after another in the background and compared with it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace

from PySide6.QtCore import QObject, Signal

from app.controllers.running import Segmenters
from app.item_models.measurements import TITLES
from app.items import FilmEffect, FilmVariant, RunKey
from app.jobs import Job, JobQueue, Work
from app.store import Store
from core import pipeline
from core.progress import Progress, Report
from core.records import Case, FilmReport, FilmSettings, LabelMap, Prediction, RunSettings

SLOT = "film effects"
TABLES_KEPT = 50
HALF = 0.5
Line = tuple[FilmVariant, FilmEffect | None]
TableKey = tuple[RunKey, float | None]


@dataclass(slots=True, kw_only=True, eq=False)
class _Table:
    """Effects by settings, and the reference that they were measured against."""

    reference: LabelMap | None
    effects: dict[RunSettings, FilmEffect] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class _Task:
    """What is being measured: for which table, what is left of it, and everything that is needed."""

    column: str
    key: TableKey
    base: Prediction
    case: Case
    left: list[FilmVariant]
    total: int


class EffectController(QObject):
    """One variant is one job: a run that a person asks for in between comes next, not last.

    A table belongs to a run and a threshold. When the column's settings change, measuring stops.
    """

    changed = Signal(object)  # column key

    def __init__(self, store: Store, queue: JobQueue, segmenters: Segmenters, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._queue, self._segmenters = store, queue, segmenters
        self._tables: OrderedDict[TableKey, _Table] = OrderedDict()
        self._task: _Task | None = None
        for signal in (store.column_changed, store.column_removed, store.threshold_changed):
            signal.connect(self._on_column_changed)
        store.case_activated.connect(lambda _: self.cancel())
        store.case_changed.connect(self._on_case_changed)

    @property
    def busy(self) -> bool:
        return self._task is not None

    def lines(self, column: str) -> tuple[Line, ...]:
        """The variants of what a column shows, each with its effect as far as it is known."""
        film, shown = self._film(column), self._store.columns.get(column)
        if film is None or shown is None:
            return ()
        prediction = self._store.run_state(column).prediction
        ran = prediction is None or prediction.condition is not None
        key = self._key(column)
        table = self._tables.get(key) if key else None
        found = table.effects if table else {}
        return tuple((item, found.get(item.settings)) for item in variants(shown.settings, film, ran_with_film=ran))

    def work(self, column: str) -> tuple[int | None, int, str]:
        """Lines that are done, of how many, and which one is under way; None while nothing is measured here."""
        task = self._task
        if task is None or task.column != column or not task.left:
            return None, 0, ""
        return task.total - len(task.left), task.total, task.left[0].title

    def measure(self, column: str) -> None:
        """Fill the table of a column with a finished run; what is known already is measured again."""
        key, case = self._key(column), self._store.case
        base = self._store.run_state(column).prediction
        if key is None or case is None or base is None:
            return
        self.cancel()
        left = [item for item, _ in self.lines(column)]
        self._tables[key] = _Table(reference=case.reference)
        while len(self._tables) > TABLES_KEPT:
            self._tables.popitem(last=False)
        self._task = _Task(column=column, key=key, base=base, case=case, left=left, total=len(left))
        self._next()

    def cancel(self) -> None:
        """Stop at the next report; the lines that are done stay."""
        task, self._task = self._task, None
        if task is not None:
            self._queue.cancel_slot(SLOT)
            self.changed.emit(task.column)

    def _next(self) -> None:
        task = self._task
        if task is None:
            return
        if not task.left:
            self._task = None
        else:
            self._start(task, task.left[0])
        self.changed.emit(task.column)

    def _start(self, task: _Task, variant: FilmVariant) -> None:
        job = Job(effect_work(self._segmenters, task.key, variant, task.base, task.case), f"FiLM: {variant.title}")
        job.succeeded.connect(lambda effect: self._on_ended(task, variant, effect))
        job.failed.connect(lambda failure: self._on_ended(task, variant, FilmEffect(failure=failure)))
        self._queue.start(job, lane="model", slot=SLOT)

    def _on_ended(self, task: _Task, variant: FilmVariant, effect: FilmEffect) -> None:
        """File the effect with its own table; go on only with the task that still stands."""
        table = self._tables.get(task.key)
        if self._task is not task or table is None:
            return
        table.effects[variant.settings] = effect
        task.left.pop(0)
        self._next()

    def _on_column_changed(self, column: str) -> None:
        """A run or threshold that is not looked at any more needs no comparison."""
        if self._task is not None and self._task.column == column and self._key(column) != self._task.key:
            self.cancel()

    def _on_case_changed(self, case: str) -> None:
        """Numbers against an exchanged reference must not be taken for those of the new one."""
        item = self._store.cases.get(case)
        reference = item.case.reference if item and item.case else None
        stale = [key for key, table in self._tables.items() if key[0].case == case and table.reference is not reference]
        if self._task is not None and self._task.key in stale:
            self.cancel()
        for key in stale:
            del self._tables[key]

    def _key(self, column: str) -> TableKey | None:
        shown = self._store.columns.get(column)
        run = self._store.run_key(column) if shown else None
        return (run, shown.threshold) if shown and run else None

    def _film(self, column: str) -> FilmReport | None:
        shown = self._store.columns.get(column)
        item = self._store.checkpoints.get(shown.checkpoint) if shown else None
        return item.report.film if item and item.report else None


def variants(settings: RunSettings, film: FilmReport, *, ran_with_film: bool) -> tuple[FilmVariant, ...]:
    """The lines of the table: the run as it is, then one change at a time.

    `ran_with_film` False: the run had FiLM off, so a change to its strength or stages switches it on first.
    """
    now = settings.film
    on = now if ran_with_film and now.mode != "shuffle" else replace(now, mode="on")
    trained = "As trained" if settings.protocol == "as-trained" else "As the evaluation ran it"
    wanted = [
        ("As run now", now),
        (trained, FilmSettings()),
        ("FiLM off", replace(now, mode="off")),
        ("Shuffled", replace(on, mode="shuffle")),
        (f"Strength {HALF:g}", replace(on, strength=HALF)),
        *((f"Stage {stage} off", replace(on, stages=_without(stage, on, film))) for stage in sorted(film.stages)),
    ]
    if now.text is not None:
        wanted.append(("The model's own answer", replace(now, text=None)))
    return tuple(
        FilmVariant(title=title, settings=replace(settings, film=wish), now=wish == now) for title, wish in wanted
    )


def _without(stage: int, film: FilmSettings, heads: FilmReport) -> tuple[int, ...]:
    return tuple(item for item in sorted(heads.stages if film.stages is None else film.stages) if item != stage)


def effect_work(segmenters: Segmenters, key: TableKey, variant: FilmVariant, base: Prediction, case: Case) -> Work:
    """Run a variant, cut it where the column is cut, and compare. On the model thread; captures frozen records."""

    def work(report: Report) -> FilmEffect:
        run, threshold = key
        result = base if variant.settings == run.settings else _run(segmenters, run, variant.settings, case, report)
        cut = [item if threshold is None else pipeline.rethreshold(item, threshold) for item in (base, result)]
        reference = case.measured_reference
        measured = None if reference is None else pipeline.measure(cut[1], reference, names=tuple(TITLES))
        labels = tuple(deviation.label for deviation in cut[1].deviations)
        return FilmEffect(difference=pipeline.difference(*cut), measurement=measured, labels=labels)

    return work


def _run(segmenters: Segmenters, key: RunKey, settings: RunSettings, case: Case, report: Report) -> Prediction:
    """Of a variant only the result is needed: its steps are not kept, which changes no pixel."""
    report(Progress(done=0, total=0, stage="load"))
    pipeline.warm_up(report)
    segmenter = segmenters.get(replace(key, settings=settings), report)
    return pipeline.segment(segmenter, case.image, replace(settings, keep="last"), report=report)
