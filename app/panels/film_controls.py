"""How FiLM is applied: mode, strength, stages, unit. Edits wait until Run, unless a person wants them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.panels.widgets.flow_layout import FlowLayout
from app.panels.widgets.text import PlainLabel
from core.records import FilmReport, FilmSettings

MODES = (("Auto (protocol)", "auto"), ("On", "on"), ("Off", "off"), ("Shuffled", "shuffle"))
UNITS = (("Each window", "window"), ("The whole image", "image"))
SLIDER_STEPS, TYPED_MOST, DECIMALS = 100, 2.0, 3


class FilmControls(QWidget):
    """Shows the FiLM settings of a column. `film_requested` carries the settings as edited."""

    film_requested = Signal(object)  # FilmSettings

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown, self._filling = FilmSettings(), False
        self._trained: tuple[int, ...] = ()
        self.stages: dict[int, QCheckBox] = {}
        self.mode, self.unit = _combo("FiLM mode", MODES), _combo("Condition for", UNITS)
        self.strength, self.slider = QDoubleSpinBox(), QSlider(Qt.Orientation.Horizontal)
        self.strength_note, self.changed = PlainLabel(role="muted", wrap=True), PlainLabel(role="muted", wrap=True)
        self.at_once = QCheckBox("Run as soon as a control is let go")
        self.run_button, self.trained_button = QPushButton("Run"), QPushButton("Back to as trained")
        self._stage_area = QWidget()
        FlowLayout(self._stage_area, spacing=8)
        self.mode.setToolTip("Auto: as the protocol says. Shuffled: each window gets the condition of another.")
        self._set_up_strength()
        self._lay_out()
        self._connect()

    def _set_up_strength(self) -> None:
        self.strength.setRange(0.0, TYPED_MOST)
        self.strength.setDecimals(DECIMALS)
        self.strength.setSingleStep(0.05)
        self.strength.setKeyboardTracking(False)
        self.slider.setRange(0, SLIDER_STEPS)
        self.slider.setPageStep(SLIDER_STEPS // 10)
        for part in (self.strength, self.slider):
            part.setAccessibleName("FiLM strength")
            part.setToolTip("0 = identity, 1 = as trained. More than 1 can be typed.")
        leave_the_wheel(self, (self.strength, self.slider, self.mode, self.unit))

    def _lay_out(self) -> None:
        strength, buttons = QHBoxLayout(), QHBoxLayout()
        strength.addWidget(self.slider, 1)
        strength.addWidget(self.strength)
        for button in (self.run_button, self.trained_button):
            buttons.addWidget(button)
        form = QFormLayout()
        form.addRow("Mode", self.mode)
        form.addRow("Strength", strength)
        form.addRow("", self.strength_note)
        form.addRow("Stages", self._stage_area)
        form.addRow("Condition for", self.unit)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form)
        column.addWidget(self.at_once)
        column.addWidget(self.changed)
        column.addLayout(buttons)

    def _connect(self) -> None:
        self.mode.currentIndexChanged.connect(lambda _: self._on_edited())
        self.unit.currentIndexChanged.connect(lambda _: self._on_edited())
        self.strength.valueChanged.connect(self._on_typed)
        self.slider.valueChanged.connect(self._on_slid)
        self.slider.sliderReleased.connect(self._on_edited)
        self.run_button.clicked.connect(lambda: self.film_requested.emit(self.settings()))
        self.trained_button.clicked.connect(lambda: self.film_requested.emit(FilmSettings()))

    # ---- what is shown -----------------------------------------------------------------------------------------------

    def show_settings(self, film: FilmReport, settings: FilmSettings) -> None:
        """Take over the settings of a column, whose checkpoint has these heads."""
        self._filling = True
        self._shown = settings
        self._show_stages(film)
        self.mode.setCurrentIndex(max(self.mode.findData(settings.mode), 0))
        self.unit.setCurrentIndex(max(self.unit.findData(settings.unit), 0))
        self.strength.setMaximum(max(TYPED_MOST, settings.strength))  # a value from elsewhere is never cut
        self.strength.setValue(settings.strength)
        self.slider.setValue(_position(settings.strength))
        self._filling = False
        self._show_changed()

    def settings(self) -> FilmSettings:
        """The settings as edited; all stages are None, as for a run that names none."""
        on = tuple(stage for stage, box in self.stages.items() if box.isChecked())
        return replace(
            self._shown,
            mode=self.mode.currentData(),
            unit=self.unit.currentData(),
            strength=self._strength(),
            stages=None if on == self._trained else on,
        )

    def _strength(self) -> float:
        """The field shows a rounded value: what was not touched stays what it was, to the last digit."""
        value = self.strength.value()
        return self._shown.strength if value == round(self._shown.strength, DECIMALS) else value

    def _show_stages(self, film: FilmReport) -> None:
        trained = tuple(sorted(film.stages))
        if trained != self._trained or not self.stages:
            self._make_stages(trained)
        widths = dict(zip(film.stages, film.channels, strict=False))
        chosen = self._shown.stages
        for stage, box in self.stages.items():
            box.setToolTip(f"Decoder stage {stage}, {widths.get(stage, 0)} channels; 0 has the lowest resolution")
            box.setChecked(chosen is None or stage in chosen)

    def _make_stages(self, trained: tuple[int, ...]) -> None:
        layout = self._stage_area.layout()
        assert layout is not None
        for old in self.stages.values():
            layout.removeWidget(old)
            old.hide()
            old.deleteLater()
        self._trained, self.stages = trained, {stage: QCheckBox(f"Stage {stage}") for stage in trained}
        for box in self.stages.values():
            box.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must not take Space away from the picture
            box.toggled.connect(lambda _: self._on_edited())
            layout.addWidget(box)
        self._stage_area.updateGeometry()

    def _on_slid(self, position: int) -> None:
        if not self._filling and _position(self.strength.value()) != position:
            self.strength.setValue(position / SLIDER_STEPS)

    def _on_typed(self, value: float) -> None:
        """The typed value is the true one; the slider stands where it comes nearest."""
        if not self._filling:
            self.slider.setValue(_position(value))
            self._on_edited()

    def _on_edited(self) -> None:
        if self._filling:
            return
        self._show_changed()
        if self.at_once.isChecked() and self._edited() and not self.slider.isSliderDown():
            self.film_requested.emit(self.settings())

    def _edited(self) -> bool:
        return self.settings() != self._shown

    def _show_changed(self) -> None:
        edited, on = self._edited(), self.mode.currentData() != "off"
        self.strength_note.setText(strength_words(self.strength.value()))
        for part in (self.strength, self.slider, self._stage_area, self.unit):
            part.setEnabled(on)
        self.changed.setText("Changed: press Run to apply." if edited else "These are the settings of the column.")
        self.run_button.setText("Run" if edited else "Run again")
        self.trained_button.setEnabled(self.settings() != FilmSettings())


def strength_words(strength: float) -> str:
    """What a strength means."""
    if strength == 0:
        return "0: the identity, as if FiLM were not there"
    if strength == 1:
        return "1: as trained"
    return f"{strength:g}: {'stronger' if strength > 1 else 'weaker'} than trained"


class _WheelLeft(QObject):
    """In a panel that scrolls, the wheel must not turn a setting that happens to lie under the pointer."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False


def leave_the_wheel(owner: QWidget, widgets: Sequence[QWidget]) -> None:
    """The wheel over `widgets` scrolls what they lie in, unless one of them has the focus."""
    watcher = _WheelLeft(owner)
    for widget in widgets:
        if widget.focusPolicy() == Qt.FocusPolicy.WheelFocus:
            widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        widget.installEventFilter(watcher)


def _position(strength: float) -> int:
    return min(round(strength * SLIDER_STEPS), SLIDER_STEPS)


def _combo(name: str, choices: Sequence[tuple[str, object]]) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(8)
    for text, value in choices:
        combo.addItem(text, value)
    return combo
