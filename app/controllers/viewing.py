"""Keeps the slice views and the steps in line with the store: a column shows the outcome it wants now, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.canvas.frame import LiveStep
from app.item_models.measurements import TITLES, value_text
from app.items import Column, MeasureKey, OverlayStyle, RunKey, RunState
from app.pace import SAMPLING, Pace, left_words
from app.panels.step_curve import WITHOUT_REFERENCE
from app.store import Store
from core.progress import Progress
from core.records import Case, CheckpointReport, Measurement, Prediction

if TYPE_CHECKING:
    from app.canvas.columns import ColumnsView
    from app.panels.steps import StepsPanel

STAGES = {
    "load": "Loading the checkpoint",
    "loading": "Loading the checkpoint",
    "start": "Preparing the image",
    "labels": "Reading the mask",
    SAMPLING: "Running",
}
KEY_MEASURES = ("dice", "cldice", "hd95")
FRAME_MS = 40  # progress is drawn at most this often, however fast the sampler is


class ViewController(QObject):
    """Store to view, and the wishes of the view back to the store."""

    def __init__(self, store: Store, view: ColumnsView, steps: StepsPanel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._view, self._steps = store, view, steps
        self._progressed: set[str] = set()
        self._paces: dict[str, Pace] = {}
        self._frame = QTimer(self, interval=FRAME_MS, singleShot=True)
        self._frame.timeout.connect(self._on_frame)
        self._shown_case: object = None
        steps.hide()
        self._listen(store)
        view.column_activated.connect(store.activate_column)
        view.column_close_requested.connect(store.remove_column)
        view.column_moved.connect(store.move_column)
        steps.step_changed.connect(store.set_step)
        steps.quantity_changed.connect(store.set_quantity)
        steps.curve_chosen.connect(lambda _: self._show_steps())

    def _listen(self, store: Store) -> None:
        store.case_activated.connect(lambda _: self._show_case())
        store.case_changed.connect(self._on_case_changed)
        for signal in (store.checkpoint_added, store.checkpoint_changed, store.checkpoint_removed):
            signal.connect(lambda _: self._name_columns())
        store.column_added.connect(self._on_column_added)
        store.column_changed.connect(self._name_column)
        store.columns_reordered.connect(self._on_reordered)
        store.column_removed.connect(self._on_column_removed)
        store.column_activated.connect(self._on_column_activated)
        store.run_changed.connect(self._on_run_changed)
        store.run_progressed.connect(self._on_run_progressed)
        store.threshold_changed.connect(self._on_threshold_changed)
        store.measured.connect(self._on_measured)
        store.step_changed.connect(self._view.set_step)
        store.quantity_changed.connect(self._view.set_quantity)
        store.quantity_changed.connect(self._steps.set_quantity)
        store.overlay_changed.connect(self._on_overlay_changed)
        store.volume_changed.connect(self._view.set_volume)

    # ---- cases and columns -------------------------------------------------------------------------------------------

    def _show_case(self) -> None:
        case = self._store.case
        if case is not self._shown_case:
            self._shown_case = case
            self._clear_columns()  # before the image changes: a mask must never lie over another image
            self._view.set_case(case)
            self._name_columns()
            self._show_steps()

    def _on_case_changed(self, case: str) -> None:
        if case == self._store.active_case:
            self._show_case()

    def _clear_columns(self) -> None:
        for column in self._store.columns:
            self._view.set_prediction(column, None)
            self._show_state(column)

    def _on_column_added(self, column: str) -> None:
        item = self._store.columns[column]
        self._name_column(column)
        self._view.set_threshold(column, item.threshold)
        self._on_run_changed(column)

    def _name_columns(self) -> None:
        """Two files of one name are told apart by their folders as soon as both are open."""
        for column in self._store.columns:
            self._name_column(column)

    def _name_column(self, column: str) -> None:
        item = self._store.columns[column]
        self._view.add_column(column, self._store.column_title(column), item.colour)
        words = kind_text(self._report(column)) if item.kind == "checkpoint" else labels_text(item, self._store.case)
        self._view.set_kind(column, words)

    def _on_reordered(self, order: tuple[str, ...]) -> None:
        self._view.set_column_order(order)
        self._show_steps()

    def _on_column_activated(self, column: str | None) -> None:
        if column is not None:
            self._view.set_active(column)
            if "step" not in self._store.links:
                self._steps.set_place(self._view.t())  # each column stands somewhere else
        self._show_steps()

    def _on_column_removed(self, column: str) -> None:
        self._progressed.discard(column)
        self._paces.pop(column, None)
        self._view.remove_column(column)
        self._show_steps()

    # ---- runs --------------------------------------------------------------------------------------------------------

    def _on_run_changed(self, column: str) -> None:
        if column not in self._store.columns:
            return
        run = self._store.run_state(column)
        if run.state != "running" or run.progress is None:
            self._paces.pop(column, None)
        if run.state not in {"running", "result"}:
            self._steps.set_live_step(column, None, 0)
        self._view.set_prediction(column, run.prediction)
        self._show_state(column)
        self._show_labels(column)
        self._show_steps()

    def _show_state(self, column: str) -> None:
        run = self._store.run_state(column)
        remedy = run.failure.remedy if run.failure else ""
        self._view.set_state(column, run.state, state_text(run), remedy)
        self._show_progress(column, run)

    def _show_progress(self, column: str, run: RunState) -> None:
        if run.progress is None:
            return
        left = left_words(self._paces[column].left_s()) if column in self._paces else ""
        words = f"{stage_text(run.progress)}, {left}" if left else stage_text(run.progress)
        self._view.set_progress(column, run.progress.done, run.progress.total, words)

    def _on_run_progressed(self, column: str) -> None:
        progress = self._store.run_state(column).progress if column in self._store.columns else None
        if progress is not None and progress.stage == SAMPLING:
            self._paces.setdefault(column, Pace()).note(progress.done, progress.total)
        self._progressed.add(column)
        if not self._frame.isActive():
            self._frame.start()

    def _on_frame(self) -> None:
        progressed, self._progressed = self._progressed, set()
        for column in progressed & set(self._store.columns):
            run = self._store.run_state(column)
            if run.state == "running" and run.progress is not None:
                self._show_progress(column, run)
                self._show_partial(column, run)

    def _show_partial(self, column: str, run: RunState) -> None:
        progress = run.progress
        if progress is None or progress.step is None:
            return
        report = self._report(column)
        live = LiveStep(
            step=progress.step,
            value_range=report.value_range if report else None,
            threshold=report.threshold if report else None,
            state_range=progress.state_range,
            axis=progress.axis,
        )
        self._view.set_live_step(column, live)
        self._steps.set_live_step(column, live, progress.total // self._samples(column))

    def _samples(self, column: str) -> int:
        report = self._report(column)
        return self._store.columns[column].settings.samples or (report.num_ensemble if report else 1)

    # ---- labels and numbers ------------------------------------------------------------------------------------------

    def _on_threshold_changed(self, column: str) -> None:
        self._view.set_threshold(column, self._store.columns[column].threshold)
        self._show_labels(column)

    def _on_measured(self, key: MeasureKey) -> None:
        for column in self._store.columns:
            if self._store.run_key(column) == key.run:
                self._show_labels(column)
        self._show_steps()

    def _show_labels(self, column: str) -> None:
        prediction = self._store.run_state(column).prediction
        self._view.set_summary(column, self._summary(column, prediction))

    def _summary(self, column: str, prediction: Prediction | None) -> str:
        if prediction is None:
            return ""
        return summary_text(self._store.measurement(column))

    def _report(self, column: str) -> CheckpointReport | None:
        item = self._store.checkpoints.get(self._store.columns[column].checkpoint)
        return item.report if item else None

    def _show_steps(self) -> None:
        """Fill the steps panel; it keeps its place while the active prediction is the same."""
        shown, curves = [], {}
        for column in self._store.columns.values():
            prediction, key = self._store.run_state(column.key).prediction, self._store.run_key(column.key)
            if prediction is not None and key is not None:
                name = self._store.column_title(column.key)
                shown.append((column.key, name, column.colour, prediction))
                curves[column.key] = self._curve(key)
        usable = any(self._store.run_key(column) is not None for column in self._store.columns)
        self._steps.setVisible(usable)  # nothing to scrub: all the room for the pictures
        self._steps.set_predictions(shown, self._store.active_column)
        known = self._steps.curve_name in WITHOUT_REFERENCE or self._store.measured_reference is not None
        self._steps.set_curves({key: curve for key, curve in curves.items() if curve}, measuring=known)

    def _curve(self, run: RunKey) -> tuple[float | None, ...]:
        """The chosen number at each kept step of a run; empty while it is not known."""
        name, outcomes = self._steps.curve_name, self._store.outcomes
        return outcomes.curves.get(run, ()) if name == "dice" else outcomes.other_curves.get((run, name), ())

    def _on_overlay_changed(self, style: OverlayStyle) -> None:
        self._view.set_overlay_style(style.fill, style.outline, style.opacity, style.visible, style.reference_visible)


def state_text(run: RunState) -> str:
    """What a column says about its run: why there is no result, or what goes on."""
    if run.failure is not None:
        return run.failure.message
    return stage_text(run.progress) if run.progress is not None else run.message


def kind_text(report: CheckpointReport | None) -> str:
    """`sofl-seg, dfm with FiLM`: what tells checkpoints apart whose names look alike."""
    if report is None or report.family is None:
        return ""
    if report.mode is None:
        return ", ".join(filter(None, (report.arch, report.family)))
    network = "soft2hard " if report.module_class == "FlowSoft2HardModel" else ""
    film = " with FiLM" if report.film is not None else ""
    return f"{report.producer}, {network}{report.mode.partition('_')[0]}{film}"


def labels_text(column: Column, case: Case | None) -> str:
    """Which file a reference is; that a mask was imported."""
    if column.kind == "mask":
        return "imported mask"
    reference = case.reference if case is not None else None
    return f"mask of the case, {reference.name}" if reference is not None else "this case has none"


def stage_text(progress: Progress) -> str:
    return STAGES.get(progress.stage, progress.stage)


def summary_text(measurement: object) -> str:
    """`Dice 0.915`, and below it the other key measures that exist: `clDice 0.984`."""
    if not isinstance(measurement, Measurement):
        return ""
    known = {value.name.lower(): value for value in measurement.values if value.value is not None}
    found = [f"{TITLES.get(name, name)} {value_text(known[name])}" for name in KEY_MEASURES if name in known]
    return "\n".join([found[0], " \N{MIDDLE DOT} ".join(found[1:])]).strip() if found else ""
