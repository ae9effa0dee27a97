"""Which column is held against the active one, and how: in the bar over the pictures."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QWidget

from app.item_models.measurements import chip
from app.items import COMPARE_NAMES, COMPARES, FASTEST, SLOWEST, Comparison
from app.panels.widgets.text import PlainLabel, plain_tooltip, printable

_TIP = (
    "In the place of the active column:\n"
    "Swipe: the other column's result right of a line that can be dragged.\n"
    "Blink: the two take turns.\n"
    "At any time: hold {key} to see the other column's result."
)
_OTHER_TIP = "The column that the active one is held against. By itself: the one that was active before, else the next."


class CompareControls(QWidget):
    """How, against which column, and how fast the two take turns."""

    changed = Signal(object)  # dict of fields of Comparison

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mode, self.other = QComboBox(), QComboBox()
        self.rate = QDoubleSpinBox(decimals=1, singleStep=0.5, suffix=" / s")
        self.rate.setRange(SLOWEST, FASTEST)
        self.rate.setKeyboardTracking(False)
        for mode in COMPARES:
            self.mode.addItem(COMPARE_NAMES[mode], mode)
        self.mode.setAccessibleName("Compare two columns")
        self.other.setAccessibleName("Compare with")
        self.other.setToolTip(plain_tooltip(_OTHER_TIP))
        self.rate.setAccessibleName("Blinks per second")
        self.rate.setToolTip(plain_tooltip("How often the two change places, per second"))
        self.other.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.other.setMinimumContentsLength(10)
        self._label = PlainLabel("with", role="muted")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for widget in (self.mode, self._label, self.other, self.rate):
            row.addWidget(widget)
            widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.mode.activated.connect(lambda _: self.changed.emit({"mode": self.mode.currentData()}))
        self.other.activated.connect(lambda _: self.changed.emit({"other": self.other.currentData()}))
        self.rate.valueChanged.connect(lambda value: self.changed.emit({"per_second": value}))
        self.show_key("B")

    def show_key(self, key: str) -> None:
        """The key that is held to see the other column's result."""
        self.mode.setToolTip(plain_tooltip(_TIP.format(key=key or "its key (it has none now)")))

    def show_comparison(self, wanted: Comparison, columns: Sequence[tuple[str, str, str]], other: str | None) -> None:
        """`columns`: key, title and colour of those that the active one can be held against; `other`: which one is."""
        for box in (self.mode, self.other, self.rate):
            box.blockSignals(True)
        self.mode.setCurrentIndex(self.mode.findData(wanted.mode))
        self.other.clear()
        for key, title, colour in columns:
            self.other.addItem(chip(colour), printable(title), key)
        self.other.setCurrentIndex(self.other.findData(other))
        self.rate.setValue(wanted.per_second)
        for box in (self.mode, self.other, self.rate):
            box.blockSignals(False)
        self.rate.setVisible(wanted.mode == "blink")
        self.other.setVisible(len(columns) > 0)
        self._label.setVisible(len(columns) > 0)
