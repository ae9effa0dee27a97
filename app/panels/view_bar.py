"""The bar over the pictures: window presets, the threshold of the active column, how masks lie over the image, and
the planes of a volume, and the frames of a film."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.items import OverlayStyle
from app.panels.compare_controls import CompareControls
from app.panels.link_controls import LinkControls
from app.panels.row_controls import RowControls
from app.panels.time_controls import TimeControls
from app.panels.volume_controls import VolumeControls
from app.panels.widgets.chips import ColourChip
from app.panels.widgets.flow_layout import FlowLayout
from app.panels.widgets.group import group_of
from app.panels.widgets.text import PlainLabel, plain_tooltip

POSITIONS = 1000


class Preset(Protocol):
    """A named window on offer."""

    @property
    def name(self) -> str: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


class ViewBar(QWidget):
    """Everything here acts at once. `threshold_changed` carries a float, or None for the checkpoint's own."""

    preset_chosen = Signal(object)
    threshold_changed = Signal(object)
    overlay_changed = Signal(object)  # dict of OverlayStyle fields

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._presets: tuple[Preset, ...] = ()
        self._keys: tuple[str, ...] = ()
        self._range, self._own = (0.0, 1.0), 0.5
        self._make_window()
        self._make_threshold()
        self._make_overlay()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(8, 4, 8, 4)
        self._area = QWidget()
        flow = FlowLayout(self._area, spacing=14)
        self.volume, self.time = VolumeControls(self), TimeControls(self)
        self.links, self.compare, self.rows = LinkControls(self), CompareControls(self), RowControls(self)
        usual = self._window_group, self._threshold_group, self._overlay_group
        for group in (*usual, self.links, self.compare, self.rows, *self.volume.groups, *self.time.groups):
            flow.addWidget(group)
        outer.addWidget(self._area)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._area.setSizePolicy(policy)
        self.show_threshold(None, (0.0, 1.0), 0.5, "")
        self.setEnabled(True)

    # ---- window and level --------------------------------------------------------------------------------------------

    def _make_window(self) -> None:
        self.presets = QComboBox()
        self.presets.setAccessibleName("Window preset")
        self.presets.setToolTip(plain_tooltip("Which intensities are drawn black and white. Right drag: by hand"))
        self.presets.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.presets.activated.connect(self._on_preset)
        self._window_group = group_of(PlainLabel("Window", role="muted"), self.presets)

    def show_presets(self, presets: Sequence[Preset]) -> None:
        """The first of them have keys, which stand behind their names."""
        if self._presets == tuple(presets):
            return
        self._presets = tuple(presets)
        self._name_presets()

    def show_preset_keys(self, keys: Sequence[str]) -> None:
        """The keys of the first presets, empty where one has none."""
        self._keys = tuple(keys)
        row = self.presets.currentIndex()
        self._name_presets()
        self.presets.setCurrentIndex(row)

    def _name_presets(self) -> None:
        presets = self._presets
        self.presets.clear()
        keys = (f" ({key})" if key else "" for key in (*self._keys, *("" for _ in presets)))
        self.presets.addItems([f"{preset.name}{key}" for preset, key in zip(presets, keys, strict=False)])
        self.presets.addItem("By hand")
        self.presets.model().item(len(presets)).setEnabled(False)  # type: ignore[attr-defined]
        self._window_group.setEnabled(bool(presets))

    def show_window(self, low: float, high: float) -> None:
        """Mark the preset that is in force; none when the window was dragged."""
        fits = (row for row, preset in enumerate(self._presets) if (preset.low, preset.high) == (low, high))
        self.presets.setCurrentIndex(next(fits, len(self._presets)))

    def _on_preset(self, row: int) -> None:
        if row < len(self._presets):
            self.preset_chosen.emit(self._presets[row])

    # ---- threshold ---------------------------------------------------------------------------------------------------

    def _make_threshold(self) -> None:
        self.chip, self.slider = ColourChip("#808080"), QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, POSITIONS)
        self.slider.setFixedWidth(120)
        self.slider.setAccessibleName("Threshold")
        self.spin, self.own_button = QDoubleSpinBox(decimals=3), QToolButton(text="Own")
        self.spin.setAccessibleName("Threshold value")
        self.spin.setFixedWidth(76)
        self.slider.valueChanged.connect(self._on_slider)
        self.spin.valueChanged.connect(self._on_spin)
        self.own_button.clicked.connect(lambda: self._set(None))
        label = PlainLabel("Threshold", role="muted")
        self._threshold_group = group_of(self.chip, label, self.slider, self.spin, self.own_button)

    def show_threshold(self, value: float | None, limits: tuple[float, float], own: float, colour: str) -> None:
        """The threshold of the active column, in its checkpoint's value range. No colour: there is no column."""
        self._range, self._own = limits, own
        self._threshold_group.setEnabled(bool(colour))
        self.chip.set_colour(colour or "#808080")
        self.own_button.setToolTip(plain_tooltip(f"Back to the checkpoint's own threshold, {own:g}"))
        self._show_value(own if value is None else value)
        self.own_button.setEnabled(bool(colour) and value is not None)

    def _show_value(self, value: float) -> None:
        low, high = self._range
        with QSignalBlocker(self.slider), QSignalBlocker(self.spin):
            self.spin.setRange(low, high)
            self.spin.setSingleStep((high - low) / 100)
            self.spin.setValue(value)
            self.slider.setValue(round((value - low) / (high - low) * POSITIONS))

    def _on_slider(self, position: int) -> None:
        low, high = self._range
        self._set(low + (high - low) * position / POSITIONS)

    def _on_spin(self, value: float) -> None:
        self._set(value)

    def _set(self, value: float | None) -> None:
        """Exactly the checkpoint's own threshold counts as its own."""
        wanted = None if value is None or abs(value - self._own) < 1e-9 else value
        self._show_value(self._own if wanted is None else wanted)
        self.own_button.setEnabled(wanted is not None)
        self.threshold_changed.emit(wanted)

    # ---- overlay -----------------------------------------------------------------------------------------------------

    def _make_overlay(self) -> None:
        self.visible, self.fill, self.outline = QCheckBox("Mask"), QCheckBox("Fill"), QCheckBox("Outline")
        self.reference, self.opacity = QCheckBox("Reference"), QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setFixedWidth(80)
        self.opacity.setAccessibleName("Opacity of the fill")
        self.opacity.setToolTip("Opacity of the fill")
        boxes = {
            "visible": self.visible,
            "fill": self.fill,
            "outline": self.outline,
            "reference_visible": self.reference,
        }
        for field, box in boxes.items():
            box.toggled.connect(lambda on, field=field: self.overlay_changed.emit({field: on}))
        self.opacity.valueChanged.connect(lambda percent: self.overlay_changed.emit({"opacity": percent / 100}))
        self._overlay_group = group_of(self.visible, self.fill, self.outline, self.opacity, self.reference)

    def show_overlay(self, style: OverlayStyle) -> None:
        states = (
            (self.visible, style.visible),
            (self.fill, style.fill),
            (self.outline, style.outline),
            (self.reference, style.reference_visible),
        )
        for box, on in states:
            with QSignalBlocker(box):
                box.setChecked(on)
        with QSignalBlocker(self.opacity):
            self.opacity.setValue(round(style.opacity * 100))
        for part in (self.fill, self.outline, self.opacity):
            part.setEnabled(style.visible)
