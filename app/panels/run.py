"""How a checkpoint is run: protocol, seed, FiLM, steps, samples, weights, device. Applied when Run is pressed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QPushButton, QSpinBox, QVBoxLayout, QWidget

from app.items import Column, LoadOptions, RunState
from app.panels.banner import WITHOUT_FILM
from app.panels.widgets.text import PlainLabel
from core.records import CheckpointReport, RunSettings

PROTOCOLS = (("As trained", "as-trained"), ("As evaluated", "as-evaluated"))
FILM_MODES = (("Auto (protocol)", "auto"), ("On", "on"), ("Off", "off"), ("Shuffled", "shuffle"))
FILM_UNITS = (("Each window", "window"), ("Whole image", "image"))
READINGS = (("As the passport says", None), ("0 to 1, cut at 0.5", (0.0, 1.0)), ("-1 to 1, cut at 0", (-1.0, 1.0)))
DEVICES = (("Auto", "auto"), ("CPU", "cpu"), ("CUDA GPU", "cuda"), ("Apple GPU (mps)", "mps"))
AXES = (("Slices, as stored", "slices"), ("Rows", "rows"), ("Columns", "columns"))
MAX_SEED = 2**31 - 1


class RunPanel(QWidget):
    """Shows the settings of the active column; edits wait until Run. Wishes carry (RunSettings, LoadOptions)."""

    run_requested, new_column_requested = Signal(object, object), Signal(object, object)
    cancel_requested, without_film_requested = Signal(), Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings, self._options = RunSettings(), LoadOptions()
        self.protocol, self.film = _combo("Protocol", PROTOCOLS), _combo("FiLM", FILM_MODES)
        self.unit, self.weights = _combo("FiLM condition for", FILM_UNITS), _combo("Weights", (("Auto", "auto"),))
        self.device, self.seed = _combo("Device", DEVICES), _spin("Seed", 0, MAX_SEED)
        self.reading, self.along = _combo("Value range", READINGS), _combo("Volumes run along", AXES)
        self.steps, self.samples = _spin("Steps", 0, 10_000), _spin("Samples", 0, 100)
        self.schedule = PlainLabel(role="muted", wrap=True)
        self.schedule.setAccessibleName("Steps")
        self.run_button, self.cancel_button = QPushButton("Run"), QPushButton("Cancel")
        self.new_column_button = QPushButton("Run in a new column")
        self.without_film = QPushButton(WITHOUT_FILM)
        self.changed = PlainLabel("Changed: press Run to apply", role="muted", wrap=True)
        self._lay_out()
        self._connect()
        self.show_column(None, None, None)

    def _lay_out(self) -> None:
        self._form = QFormLayout()
        for field in self._fields():
            self._form.addRow(field.accessibleName(), field)
        self._form.insertRow(self._form.getWidgetPosition(self.steps)[0], "Steps", self.schedule)
        buttons = QHBoxLayout()
        for button in (self.run_button, self.cancel_button):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 8)
        column.addLayout(self._form)
        column.addWidget(self.changed)
        column.addLayout(buttons)
        column.addWidget(self.new_column_button)
        column.addWidget(self.without_film)
        column.addStretch(1)

    def _fields(self) -> tuple[QWidget, ...]:
        numbers = (self.seed, self.steps, self.samples)
        return (self.protocol, *numbers, self.along, self.reading, self.film, self.unit, self.weights, self.device)

    def _connect(self) -> None:
        for field in self._fields():
            signal = field.currentIndexChanged if isinstance(field, QComboBox) else field.valueChanged
            signal.connect(lambda _: self._show_changed())
        self.run_button.clicked.connect(lambda: self.run_requested.emit(self.settings(), self.options()))
        self.new_column_button.clicked.connect(lambda: self.new_column_requested.emit(self.settings(), self.options()))
        self.cancel_button.clicked.connect(lambda: self.cancel_requested.emit())
        self.without_film.clicked.connect(lambda: self.without_film_requested.emit())

    # ---- what is shown -----------------------------------------------------------------------------------------------

    def show_volume(self, volume: bool) -> None:
        """Whether the case that is looked at has several slices: only then there is an axis to choose."""
        self._form.setRowVisible(self.along, volume)

    def show_column(self, column: Column | None, report: CheckpointReport | None, run: RunState | None) -> None:
        """Take over the settings of a column. Without one there is nothing to run."""
        self._settings = column.settings if column else RunSettings()
        self._options = column.options if column else LoadOptions()
        self._offer(report)
        self._fill()
        self.setEnabled(column is not None)
        self.show_run(run)
        self._show_changed()

    def show_run(self, run: RunState | None) -> None:
        """Only the run moved: edits stay."""
        busy = run is not None and run.state in {"waiting", "running"}
        missing = run is not None and run.failure is not None and run.failure.kind == "ConditionMissing"
        self.cancel_button.setEnabled(busy)
        self.without_film.setVisible(missing)

    def settings(self) -> RunSettings:
        """The settings as edited."""
        film = replace(self._settings.film, mode=self.film.currentData(), unit=self.unit.currentData())
        return replace(
            self._settings,
            protocol=self.protocol.currentData(),
            seed=self.seed.value(),
            steps=self.steps.value() or None,
            samples=self.samples.value() or None,
            weights=self.weights.currentData(),
            value_range=READINGS[self.reading.currentIndex()][1],
            slice_axis=self.along.currentData(),
            film=film,
        )

    def options(self) -> LoadOptions:
        return replace(self._options, device=self.device.currentData())

    def _offer(self, report: CheckpointReport | None) -> None:
        """What this checkpoint has: its weight sets, its numbers as the default, no rows that do not apply to it."""
        self.weights.blockSignals(True)
        self.weights.clear()
        for text, name in weight_choices(report):
            self.weights.addItem(text, name)
        self.weights.blockSignals(False)
        steps = f" ({report.timesteps})" if report and report.timesteps else ""
        self.steps.setSpecialValueText(f"As trained{steps}")
        self.samples.setSpecialValueText(f"As trained ({report.num_ensemble})" if report else "As trained")
        self.schedule.setText(schedule_words(report))
        for field, applies in self._rows(report):
            self._form.setRowVisible(field, applies)

    def _rows(self, report: CheckpointReport | None) -> Iterator[tuple[QWidget, bool]]:
        """Which rows mean something for this checkpoint."""
        random = report is None or not is_deterministic(report)
        unclear = report is not None and any(finding.code == "producer.ambiguous" for finding in report.findings)
        yield self.steps, not schedule_words(report)
        yield self.schedule, bool(schedule_words(report))
        yield self.seed, random
        yield self.samples, random
        yield self.reading, unclear and report is not None and report.mode == "cfm_continuous"
        for field in (self.film, self.unit):
            yield field, bool(report and report.film)

    def _fill(self) -> None:
        settings = self._settings
        choices = (
            (self.protocol, settings.protocol),
            (self.along, settings.slice_axis),
            (self.film, settings.film.mode),
            (self.unit, settings.film.unit),
            (self.weights, settings.weights),
            (self.device, self._options.device),
        )
        for combo, value in choices:
            combo.setCurrentIndex(max(combo.findData(value), 0))
        readings = [value for _, value in READINGS]
        self.reading.setCurrentIndex(readings.index(settings.value_range) if settings.value_range in readings else 0)
        self.seed.setValue(settings.seed)
        self.steps.setValue(settings.steps or 0)
        self.samples.setValue(settings.samples or 0)

    def _show_changed(self) -> None:
        edited = self.settings() != self._settings or self.options() != self._options
        self.changed.setText("Changed: press Run to apply." if edited else "These are the settings of the column.")
        self.run_button.setText("Run" if edited else "Run again")
        self.new_column_button.setEnabled(edited)


def weight_choices(report: CheckpointReport | None) -> Iterator[tuple[str, str]]:
    """(words, name) of the sets of weights on offer; the one that the producer evaluated is named as such."""
    weights = report.weights if report else None
    if weights is None:
        yield "Auto", "auto"
        return
    known = weights.evaluated in weights.available
    yield (f"Auto ({weights.evaluated})" if known else "Auto"), "auto"
    for name in weights.available:
        yield (f"{name} (as evaluated)" if name == weights.evaluated else name), name


def schedule_words(report: CheckpointReport | None) -> str:
    """Why the number of steps cannot be chosen; empty where it can."""
    if report is None or report.family in (None, "flow"):
        return ""
    if report.family == "supervised":
        return "none: one network call"
    return f"all {report.timesteps} steps of its schedule" if report.timesteps else "all steps of its schedule"


def is_deterministic(report: CheckpointReport) -> bool:
    """No draw decides anything: neither seed nor samples mean something."""
    return report.family == "supervised" or report.sampler == "cold"


def _combo(name: str, choices: Sequence[tuple[str, object]]) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(8)
    for text, value in choices:
        combo.addItem(text, value)
    return combo


def _spin(name: str, low: int, high: int) -> QSpinBox:
    spin = QSpinBox()
    spin.setRange(low, high)
    spin.setAccessibleName(name)
    spin.setKeyboardTracking(False)
    return spin
