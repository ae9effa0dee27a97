"""How an animation of the scrub should be: form, speed, size, what is drawn, of which columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QVBoxLayout,
    QWidget,
)

from app.panels.widgets.text import PlainLabel, plain_tooltip, printable
from core.records import AnimatedQuantity, AnimationOptions

SCALES = (1.0, 2.0, 3.0, 4.0)
FORMATS = (("GIF, for slides and web pages", ".gif"), ("MP4, a video", ".mp4"))
ANIMATED: tuple[AnimatedQuantity, ...] = ("mask", "estimate", "probability", "state")
"""The quantities of the view that an animation can draw."""
MOST_FPS = 50.0
NAME_LENGTH = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimationWish:
    """`ending` of the file, the columns by key, and how they are drawn."""

    ending: str
    columns: tuple[str, ...]
    options: AnimationOptions


class AnimationDialog(QDialog):
    """Asks; `save_requested` carries an `AnimationWish`. `no_video`: why MP4 cannot be had, in words."""

    save_requested = Signal(object)

    def __init__(
        self,
        columns: Mapping[str, str],
        options: AnimationOptions,
        no_video: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Save animation")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._options = options
        self.format, self.quantity, self.scale = QComboBox(), QComboBox(), QComboBox()
        self.fps, self.hold = QDoubleSpinBox(), QDoubleSpinBox()
        self.columns = {key: QCheckBox(_check_text(name), checked=True) for key, name in columns.items()}
        self._fill(no_video)
        self._place(columns, no_video)
        for box in self.columns.values():
            box.toggled.connect(lambda _: self._allow())
        self._allow()

    def _fill(self, no_video: str) -> None:
        for words, ending in FORMATS if not no_video else FORMATS[:1]:
            self.format.addItem(words, ending)
        for quantity in ANIMATED:
            self.quantity.addItem(quantity.capitalize(), quantity)
        self.quantity.setCurrentIndex(ANIMATED.index(self._options.quantity))
        for scale in SCALES:
            self.scale.addItem(f"{scale:g}x", scale)
        self.scale.setCurrentIndex(SCALES.index(self._options.scale) if self._options.scale in SCALES else 1)
        for box, low, high, value, unit in (
            (self.fps, 0.5, MOST_FPS, self._options.fps, " steps per second"),
            (self.hold, 0.0, 10.0, self._options.hold_seconds, " s"),
        ):
            box.setRange(low, high)
            box.setDecimals(1)
            box.setSuffix(unit)
            box.setValue(value)

    def _place(self, columns: Mapping[str, str], no_video: str) -> None:
        form, outer = QFormLayout(), QVBoxLayout(self)
        form.addRow("&Form", self.format)
        if no_video:
            form.addRow("", PlainLabel(no_video, role="muted", wrap=True))
        form.addRow("&Quantity", self.quantity)
        form.addRow("&Speed", self.fps)
        form.addRow("&Final result for", self.hold)
        form.addRow("S&ize of a pixel", self.scale)
        for number, (key, box) in enumerate(self.columns.items()):
            box.setToolTip(plain_tooltip(columns[key]))
            form.addRow("" if number else "Columns", box)
        said = "Drawn from the results, not from the screen: image window, slice and threshold are those of the view."
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel)
        self.save = buttons.button(QDialogButtonBox.StandardButton.Save)
        buttons.accepted.connect(self._on_save)
        buttons.rejected.connect(self.reject)
        outer.addLayout(form)
        outer.addWidget(PlainLabel(said, role="muted", wrap=True))
        outer.addWidget(buttons)
        self.setMinimumWidth(420)

    def wish(self) -> AnimationWish:
        """What is asked for now."""
        options = replace(
            self._options,
            quantity=self.quantity.currentData(),
            scale=self.scale.currentData(),
            fps=self.fps.value(),
            hold_seconds=self.hold.value(),
        )
        chosen = tuple(key for key, box in self.columns.items() if box.isChecked())
        return AnimationWish(ending=self.format.currentData(), columns=chosen, options=options)

    def _allow(self) -> None:
        self.save.setEnabled(any(box.isChecked() for box in self.columns.values()))

    def _on_save(self) -> None:
        wish = self.wish()
        self.accept()
        self.save_requested.emit(wish)


def _check_text(name: str) -> str:
    """A name as the text of a check box, where & would underline a letter."""
    shown = printable(name)
    short = shown if len(shown) <= NAME_LENGTH else f"{shown[:NAME_LENGTH]}\N{HORIZONTAL ELLIPSIS}"
    return short.replace("&", "&&")
