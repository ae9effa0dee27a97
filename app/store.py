"""The one mutable model of what is open. Panels read it and listen; controllers change it, on the GUI thread only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import PurePath
from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from app.items import (
    CASE_ROWS,
    LINKS,
    MOST_ROWS,
    CaseItem,
    CheckpointItem,
    Column,
    ColumnKind,
    Comparison,
    LabelEntry,
    Link,
    LoadOptions,
    MeasureKey,
    Note,
    OtherGrid,
    OverlayStyle,
    Quantity,
    Rows,
    RunKey,
    RunState,
    VolumeView,
)
from app.jobs import Failure
from app.outcomes import Outcomes
from app.theme import COLUMN_COLOURS
from core.progress import Progress
from core.records import (
    Case,
    CasePaths,
    CheckpointReport,
    FilmSettings,
    LabelMap,
    Measurement,
    RunSettings,
    TrainingRun,
)

NOTES_KEPT = 200
CASES_KEPT = 8
Item = TypeVar("Item")
_STARTED = re.compile(r"(?<=.)_\d{8}_\d{6}$")
"""Producers end the name of a run with its date and time: in a narrow column nothing else could be read."""


class Store(QObject):
    """Cases, checkpoints, runs, columns, results by key, what is looked at. Signals are facts, in the past tense."""

    case_added, case_changed, case_removed = Signal(object), Signal(object), Signal(object)  # case id
    case_activated = Signal(object)  # case id | None
    checkpoint_added, checkpoint_changed = Signal(object), Signal(object)  # checkpoint id
    checkpoint_removed, checkpoint_selected = Signal(object), Signal(object)
    training_runs_listed, training_runs_removed = Signal(object), Signal(object)  # folders of the runs
    column_added, column_changed, column_removed = Signal(object), Signal(object), Signal(object)  # column key
    column_activated = Signal(object)  # column key | None
    columns_reordered = Signal(object)  # tuple of column keys
    run_changed = Signal(object)  # column key: its RunState is another
    run_progressed = Signal(object)  # column key: only its progress moved
    threshold_changed = Signal(object)  # column key
    measured = Signal(object)  # MeasureKey
    step_changed, quantity_changed, overlay_changed = Signal(object), Signal(object), Signal(object)
    volume_changed = Signal(object)  # VolumeView
    labels_changed = Signal(object)  # tuple of LabelEntry: the labels of the reference, or how they are shown
    label_chosen = Signal(object)  # number | None
    links_changed = Signal(object)  # frozenset of Link
    compared = Signal(object)  # Comparison
    rows_changed = Signal(object)  # Rows
    playing_changed = Signal(object)  # bool
    noted = Signal(object)  # Note

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.cases: dict[str, CaseItem] = {}
        self.checkpoints: dict[str, CheckpointItem] = {}
        self.training_runs: dict[str, TrainingRun] = {}
        self.columns: dict[str, Column] = {}
        self.outcomes = Outcomes()
        self.notes: list[Note] = []
        self.active_case: str | None = None
        self.active_column: str | None = None
        self.selected_checkpoint: str | None = None
        self.step: int | None = None
        self.quantity: Quantity = "mask"
        self.overlay = OverlayStyle()
        self.volume = VolumeView()
        self.labels: tuple[LabelEntry, ...] = ()
        self.chosen_label: int | None = None
        self.links: frozenset[Link] = frozenset(LINKS)
        self.comparison = Comparison()
        self.rows = Rows()
        self._active_before: str | None = None
        self.playing = False
        self.profiles: str | None = None
        self._loaded_cases: list[str] = []
        self._columns_made = 0

    # ---- cases -------------------------------------------------------------------------------------------------------

    def add_case(self, paths: CasePaths) -> str:
        """List a case; one that is listed already gets the new paths and is read again. Returns its id."""
        known = self.cases.get(paths.image)
        revision = known.revision + 1 if known else 0
        self.cases[paths.image] = CaseItem(id=paths.image, paths=paths, revision=revision)
        (self.case_changed if known else self.case_added).emit(paths.image)
        return paths.image

    def activate_case(self, case: str | None) -> None:
        if case != self.active_case:
            self.active_case = case
            self.case_activated.emit(case)

    def set_case_loading(self, case: str) -> None:
        self._change_case(case, state="loading", failure=None)

    def set_case(self, case: str, content: Case) -> None:
        """The files of a case are read. Only the last few cases stay in memory; the others are listed again."""
        self._loaded_cases = [kept for kept in self._loaded_cases if kept != case] + [case]
        self._change_case(case, state="ready", case=content, failure=None)
        while len(self._loaded_cases) > CASES_KEPT:
            self._unload(self._loaded_cases.pop(0))

    def set_case_frame(self, case: str, content: Case) -> None:
        """Another frame of a case is read. Nothing that was predicted or measured on one belongs to another."""
        self._change_case(case, case=content)

    def set_case_failed(self, case: str, failure: Failure) -> None:
        self._change_case(case, state="failed", case=None, failure=failure)

    def set_case_reference(self, paths: CasePaths, content: Case, other_grid: OtherGrid = "show") -> None:
        """The case has another reference, or has it otherwise: its predictions stay, its numbers do not."""
        self.outcomes.forget_measurements(lambda key: key.case == paths.image)
        item = self.cases.get(paths.image)
        revision = item.reference_revision + 1 if item else 0
        changes = {"paths": paths, "case": content, "reference_revision": revision, "other_grid": other_grid}
        self._change_case(paths.image, state="ready", failure=None, **changes)

    def remove_case(self, case: str) -> None:
        if self.cases.pop(case, None) is None:
            return
        self._loaded_cases = [kept for kept in self._loaded_cases if kept != case]
        self.outcomes.forget(lambda key: key.case == case)
        self.case_removed.emit(case)
        if self.active_case == case:
            self.activate_case(None)

    @property
    def case(self) -> Case | None:
        """The case that is looked at, once its files are read."""
        item = self.cases.get(self.active_case or "")
        return item.case if item else None

    @property
    def measured_reference(self) -> LabelMap | None:
        """The reference of the case that is looked at; None where there is none, or one for the eye alone."""
        return None if self.case is None else self.case.measured_reference

    def _unload(self, case: str) -> None:
        if case != self.active_case:
            self._change_case(case, state="listed", case=None)

    def _change_case(self, case: str, /, **changes: object) -> None:
        if case in self.cases:  # it may have been removed while its files were read
            self.cases[case] = replace(self.cases[case], **changes)  # type: ignore[arg-type]
            self.case_changed.emit(case)

    # ---- checkpoints -------------------------------------------------------------------------------------------------

    def title(self, checkpoint: str) -> str:
        """The file's name, or its run's for the best checkpoint of a run folder, without the time it was started at.

        Where others have that name: with the time, and with as many folders as tell it from them (`run 3/last.ckpt`).
        """
        parts = _name_parts(checkpoint)
        others = [_name_parts(other) for other in self.checkpoints if other != checkpoint]
        timeless = _timeless(parts[-1])
        if all(_timeless(other[-1]) != timeless for other in others):
            return timeless
        for count in range(1, len(parts)):
            if all(other[-count:] != parts[-count:] for other in others):
                return "/".join(parts[-count:])
        return checkpoint

    def add_checkpoint(self, path: str) -> str:
        """List a checkpoint that is being inspected; one that is listed already is inspected again. Returns its id."""
        known = self.checkpoints.get(path)
        self.checkpoints[path] = CheckpointItem(id=path, revision=known.revision + 1 if known else 0)
        (self.checkpoint_changed if known else self.checkpoint_added).emit(path)
        return path

    def set_report(self, checkpoint: str, report: CheckpointReport) -> None:
        """What the file is; a hash that was computed before is kept."""
        item = self.checkpoints.get(checkpoint)
        if item is None:
            return
        known = item.report.sha256 if item.report else None
        report = replace(report, sha256=report.sha256 or known)
        self._change_checkpoint(checkpoint, report=report)

    def set_hashing(self, checkpoint: str, progress: Progress | None) -> None:
        self._change_checkpoint(checkpoint, hashing=progress)

    def select_checkpoint(self, checkpoint: str | None) -> None:
        """The checkpoint whose passport is shown."""
        if checkpoint != self.selected_checkpoint:
            self.selected_checkpoint = checkpoint
            self.checkpoint_selected.emit(checkpoint)

    def remove_checkpoint(self, checkpoint: str) -> None:
        """Take a checkpoint out, with its columns and results."""
        if checkpoint not in self.checkpoints:
            return
        for column in [column for column in self.columns.values() if column.checkpoint == checkpoint]:
            self.remove_column(column.key)
        del self.checkpoints[checkpoint]
        self.outcomes.forget(lambda key: key.checkpoint == checkpoint)
        self.checkpoint_removed.emit(checkpoint)
        if self.selected_checkpoint == checkpoint:
            self.select_checkpoint(None)

    def _change_checkpoint(self, checkpoint: str, /, **changes: object) -> None:
        if checkpoint in self.checkpoints:
            self.checkpoints[checkpoint] = replace(self.checkpoints[checkpoint], **changes)  # type: ignore[arg-type]
            self.checkpoint_changed.emit(checkpoint)

    # ---- training runs -----------------------------------------------------------------------------------------------

    def list_training_runs(self, runs: Sequence[TrainingRun]) -> None:
        """Runs of a dropped folder, by their folders; those that are listed already are as read last."""
        if runs:
            self.training_runs |= {run.path: run for run in runs}
            self.training_runs_listed.emit(tuple(run.path for run in runs))

    def remove_training_run(self, run: str) -> None:
        """Take a run off the list; what was opened of it stays."""
        if self.training_runs.pop(run, None) is not None:
            self.training_runs_removed.emit((run,))

    # ---- columns -----------------------------------------------------------------------------------------------------

    def add_column(
        self,
        checkpoint: str,
        settings: RunSettings | None = None,
        options: LoadOptions | None = None,
        place: int | None = None,
    ) -> str:
        """A new column, which becomes the active one: at `place` from the left, or at the right. Returns its key."""
        return self._put_column(
            place,
            checkpoint=checkpoint,
            settings=settings or RunSettings(),
            options=options or LoadOptions(profiles=self.profiles),
        )

    def add_labels_column(self, kind: ColumnKind, source: str = "", place: int | None = None) -> str:
        """A new column for the reference of whatever case is looked at, or for the mask in a file."""
        return self._put_column(place, checkpoint="", kind=kind, source=source)

    def _put_column(self, place: int | None, /, **content: object) -> str:
        self._columns_made += 1
        key = f"column {self._columns_made}"
        colour = _free_colour(column.colour for column in self.columns.values())
        self.columns[key] = Column(key=key, colour=colour, **content)  # type: ignore[arg-type]
        self.column_added.emit(key)
        if place is not None:
            self.move_column(key, place)
        self.activate_column(key)
        return key

    def column_title(self, key: str) -> str:
        """Whose result a column shows: the title of its checkpoint, `Reference`, or the name of a file with a mask."""
        column = self.columns[key]
        if column.kind == "checkpoint":
            return self.title(column.checkpoint)
        return "Reference" if column.kind == "reference" else PurePath(column.source).name

    def move_column(self, key: str, place: int) -> None:
        """Put a column at `place` among the others, counted from the left without it."""
        order = [other for other in self.columns if other != key]
        order.insert(min(max(place, 0), len(order)), key)
        if order != list(self.columns):
            self.columns = {name: self.columns[name] for name in order}
            self.columns_reordered.emit(tuple(order))

    def replace_checkpoint(self, key: str, checkpoint: str) -> None:
        """Another checkpoint in a column, with its place, colour and settings; what only the one before had goes."""
        column, item = self.columns[key], self.checkpoints.get(checkpoint)
        report = item.report if item else None
        if (column.kind, column.checkpoint) != ("checkpoint", checkpoint):
            options = replace(column.options, film_stages=None, film_point=None)
            self.columns[key] = replace(
                column,
                kind="checkpoint",
                source="",
                checkpoint=checkpoint,
                settings=transferable(column.settings, report),
                options=options if column.kind == "checkpoint" else LoadOptions(profiles=self.profiles),
                threshold=None,
            )
            self.outcomes.stop(key)
            self.threshold_changed.emit(key)
            self.column_changed.emit(key)
        self.activate_column(key)
        self.select_checkpoint(checkpoint)

    def change_column(self, key: str, /, **changes: object) -> None:
        """Other settings or load options for a column."""
        self.columns[key] = replace(self.columns[key], **changes)  # type: ignore[arg-type]
        self.column_changed.emit(key)

    def use_profiles(self, path: str) -> None:
        """A profile cache for all columns, those to come too."""
        self.profiles = path
        for column in list(self.columns.values()):
            self.change_column(column.key, options=replace(column.options, profiles=path))

    def set_threshold(self, key: str, threshold: float | None) -> None:
        if self.columns[key].threshold != threshold:
            self.columns[key] = replace(self.columns[key], threshold=threshold)
            self.threshold_changed.emit(key)

    def remove_column(self, key: str) -> None:
        if self.columns.pop(key, None) is None:
            return
        self.outcomes.stop(key)
        self.column_removed.emit(key)
        if self.active_column == key:
            self.activate_column(next(reversed(self.columns), None))

    def activate_column(self, key: str | None) -> None:
        """The column that the passport, the steps and the run settings are about."""
        if key != self.active_column:
            self._active_before, self.active_column = self.active_column, key
            self.column_activated.emit(key)
        if key is not None and self.columns[key].kind == "checkpoint":
            self.select_checkpoint(self.columns[key].checkpoint)

    # ---- runs and measurements ---------------------------------------------------------------------------------------

    def run_key(self, column: str, case_id: str | None = None) -> RunKey | None:
        """What the column should show now, or of another case than the active one; None without a readable case and a
        usable checkpoint."""
        wanted, case = self.columns[column], self.cases.get(case_id or self.active_case or "")
        if case is None or case.case is None:
            return None
        if wanted.kind != "checkpoint":
            return _labels_key(wanted, case)
        checkpoint = self.checkpoints.get(wanted.checkpoint)
        if checkpoint is None or not checkpoint.usable:
            return None
        return RunKey(
            case=case.id,
            case_revision=case.revision,
            checkpoint=checkpoint.id,
            checkpoint_revision=checkpoint.revision,
            settings=wanted.settings,
            options=wanted.options,
            frame=case.case.image.frame,
        )

    def run_state(self, column: str) -> RunState:
        """What the column shows now: the outcome filed under its present key, and never another one."""
        key = self.run_key(column)
        if key is None:
            return self._state_without_run(column)
        if self._is_passing(column, key):
            return RunState(state="empty", message="This frame was not run yet")
        return self.outcomes.state(column, key)

    def _is_passing(self, column: str, key: RunKey) -> bool:
        """Nobody has asked for a run on this frame of a film."""
        case = self.cases[key.case].case
        asked = self.outcomes.running(column) == key or self.outcomes.was_cancelled(column, key)
        return case is not None and case.image.frames > 1 and not asked and self.outcomes.outcome(key) is None

    def measurement(self, column: str) -> Measurement | Failure | None:
        """The numbers of what the column shows now; None while they are not known, and for the reference itself."""
        key = self.run_key(column)
        threshold = self.columns[column].threshold
        return self.outcomes.measurements.get(MeasureKey(run=key, threshold=threshold)) if key else None

    def _state_without_run(self, column: str) -> RunState:
        checkpoint = self.checkpoints.get(self.columns[column].checkpoint)
        case = self.cases.get(self.active_case or "")
        if checkpoint is not None and checkpoint.refused:
            return RunState(state="error", failure=_refusal(checkpoint))
        if case is not None and case.failure is not None:
            return RunState(state="error", failure=case.failure)
        if self.columns[column].kind != "checkpoint":
            return _without_labels(self.columns[column], case)
        if checkpoint is None or checkpoint.report is None:
            return RunState(state="waiting", message="Reading the checkpoint")
        if case is not None:
            return RunState(state="waiting", message="Reading the image")
        return RunState(state="empty", message="Drop an image to run this checkpoint on")

    # ---- what is looked at -------------------------------------------------------------------------------------------

    def set_playing(self, playing: bool) -> None:
        """Whether cine goes through frames or slices by itself."""
        if playing != self.playing:
            self.playing = playing
            self.playing_changed.emit(playing)

    def set_step(self, step: int | None) -> None:
        """None = the final result."""
        if step != self.step:
            self.step = step
            self.step_changed.emit(step)

    def set_quantity(self, quantity: Quantity) -> None:
        if quantity != self.quantity:
            self.quantity = quantity
            self.quantity_changed.emit(quantity)

    def set_overlay(self, **changes: object) -> None:
        self.overlay = replace(self.overlay, **changes)  # type: ignore[arg-type]
        self.overlay_changed.emit(self.overlay)

    def set_volume(self, **changes: object) -> None:
        """Planes, layout, left-right convention or slab."""
        wanted = replace(self.volume, **changes)  # type: ignore[arg-type]
        if wanted != self.volume:
            self.volume = wanted
            self.volume_changed.emit(wanted)

    def set_labels(self, labels: Sequence[LabelEntry]) -> None:
        """The labels of the reference that is shown, by number; none for a plain mask."""
        if tuple(labels) != self.labels:
            self.labels = tuple(labels)
            self.labels_changed.emit(self.labels)

    def choose_label(self, number: int | None) -> None:
        if number != self.chosen_label:
            self.chosen_label = number
            self.label_chosen.emit(number)

    def set_link(self, link: Link, on: bool) -> None:
        """Whether all columns share this, or each has its own."""
        wanted = self.links | {link} if on else self.links - {link}
        if wanted != self.links:
            self.links = wanted
            self.links_changed.emit(wanted)

    def set_comparison(self, **changes: object) -> None:
        """How two columns are held against one another, which, and how fast they blink."""
        wanted = replace(self.comparison, **changes)  # type: ignore[arg-type]
        if wanted != self.comparison:
            self.comparison = wanted
            self.compared.emit(wanted)

    def row_cases(self) -> tuple[str, ...]:
        """The cases that are seen at once, the active one among them; empty while rows are something else.

        The library is gone through in blocks, so that the others stay where they are when one of them becomes active.
        """
        order = list(self.cases)
        if self.rows.mode != "cases" or self.active_case not in order:
            return ()
        start = order.index(self.active_case) // CASE_ROWS * CASE_ROWS
        return tuple(order[start : start + CASE_ROWS])

    def set_rows(self, **changes: object) -> None:
        """What lies below one another, and which quantities; at least one of them and no more than can be seen."""
        wanted = replace(self.rows, **changes)  # type: ignore[arg-type]
        if wanted != self.rows and 0 < len(wanted.quantities) <= MOST_ROWS:
            self.rows = wanted
            self.rows_changed.emit(wanted)

    def other_column(self) -> str | None:
        """The column that the active one is held against: the chosen one, the one that was active before, or the next;
        None where there is none."""
        order = list(self.columns)
        if self.active_column not in order or len(order) < 2:
            return None
        following = order[(order.index(self.active_column) + 1) % len(order)]
        wishes = (self.comparison.other, self._active_before, following)
        return next(key for key in wishes if key in order and key != self.active_column)

    def note(self, note: Note) -> None:
        self.notes = [*self.notes, note][-NOTES_KEPT:]
        self.noted.emit(note)


@lru_cache(maxsize=4096)
def _timeless(name: str) -> str:
    return _STARTED.sub("", name)


@lru_cache(maxsize=4096)  # every name is held against every other
def _name_parts(checkpoint: str) -> tuple[str, ...]:
    """Folders and name: producers write `<run>/checkpoints/best.ckpt`, where only the run's name says anything."""
    parts = PurePath(checkpoint).parts
    if len(parts) > 3 and parts[-2] == "checkpoints":
        return parts[:-2] if parts[-1] == "best.ckpt" else (*parts[:-2], parts[-1])
    return parts


def transferable(settings: RunSettings, report: CheckpointReport | None) -> RunSettings:
    """Those settings that apply to another checkpoint too: steps where they can be chosen, FiLM where there is any, a
    set of weights where it has one of that name; never a threshold, a range or FiLM stages, which are its own."""
    sets = report.weights.available if report and report.weights else ()
    return replace(
        settings,
        steps=settings.steps if report and report.family == "flow" else None,
        film=replace(settings.film, stages=None, text=None) if report and report.film else FilmSettings(),
        weights=settings.weights if settings.weights in sets else "auto",
        threshold=None,
        value_range=None,
    )


def _labels_key(column: Column, case: CaseItem) -> RunKey | None:
    """What a reference or a mask is filed under; None for the reference of a case that has none."""
    of_reference = column.kind == "reference"
    if case.case is None or (of_reference and case.case.reference is None):
        return None
    return RunKey(
        case=case.id,
        case_revision=case.revision,
        checkpoint="",
        checkpoint_revision=0,
        settings=column.settings,
        options=column.options,
        kind=column.kind,
        source=column.source,
        reference_revision=case.reference_revision if of_reference else 0,
        frame=case.case.image.frame,
    )


def _without_labels(column: Column, case: CaseItem | None) -> RunState:
    if case is not None and case.case is None:
        return RunState(state="waiting", message="Reading the image")
    if column.kind == "reference" and case is not None:
        return RunState(state="empty", message="This case has no reference. Drop its mask on the view.")
    return RunState(state="empty", message="Drop an image to see this mask on")


def _refusal(checkpoint: CheckpointItem) -> Failure:
    """The findings of a refused checkpoint as the failure its column shows."""
    findings = checkpoint.report.findings if checkpoint.report else ()
    errors = [finding for finding in findings if finding.severity == "error"]
    remedies = dict.fromkeys(finding.remedy for finding in errors if finding.remedy)
    message = "\n".join(finding.message for finding in errors) or f"{checkpoint.name} was refused."
    return Failure(kind="CheckpointRefused", message=message, remedy="\n".join(remedies))


def _free_colour(taken: Iterable[str]) -> str:
    used = list(taken)
    return min(COLUMN_COLOURS, key=used.count)
