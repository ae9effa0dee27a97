"""Several samples of one case: how far they agree, which disagree most, and whether that finds the errors."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QListView,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.panels.widgets.text import PlainLabel, plain_tooltip
from core.records import NO_VALUE, ErrorDetection, Measurement

MOST_SAMPLES = 64
SHOWN = (("mask", "Mask"), ("deviation", "Deviation"), ("entropy", "Entropy"), ("votes", "Votes"))
METRICS = (("dice", "Dice"), ("cldice", "clDice"), ("precision", "Precision"), ("recall", "Recall"))
EMPTY = "Choose a column with a result. Samples differ by their random draws, so a supervised network has none."


class UncertaintyPanel(QWidget):
    """Announces wishes. What it shows is handed over by a controller and belongs to the active column."""

    run_requested = Signal(int)  # samples
    quantity_requested = Signal(str)
    least_changed = Signal(int)  # votes that are enough
    member_requested = Signal(int)  # position of a member to open alone

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.samples, self.run_button = QSpinBox(), QPushButton("Run samples")
        self.state = PlainLabel(role="muted", wrap=True)
        self.verdicts = PlainLabel(wrap=True)
        self.shown = QComboBox()
        self.least, self.rule = QSlider(Qt.Orientation.Horizontal), PlainLabel(wrap=True)
        self.scores, self.gallery = PlainLabel(role="muted", wrap=True), QListWidget()
        self._count = 0
        self._lay_out()
        self._connect()
        self.show_nothing(EMPTY)

    def _lay_out(self) -> None:
        self.samples.setRange(2, MOST_SAMPLES)
        self.samples.setValue(8)
        self.samples.setAccessibleName("Number of samples")
        self.least.setAccessibleName("Votes that are enough")
        self.least.setPageStep(1)
        for name, title in SHOWN:
            self.shown.addItem(title, name)
        for label in (self.state, self.verdicts, self.rule, self.scores):
            label.setMinimumWidth(1)
        self.gallery.setViewMode(QListView.ViewMode.IconMode)
        self.gallery.setResizeMode(QListView.ResizeMode.Adjust)
        self.gallery.setMovement(QListView.Movement.Static)
        self.gallery.setIconSize(QSize(96, 64))
        self.gallery.setAccessibleName("Samples, the one that disagrees most first")
        run = QHBoxLayout()
        run.addWidget(self.samples)
        run.addWidget(self.run_button, 1)
        self._found = QWidget()
        lines, show = QVBoxLayout(self._found), QHBoxLayout()
        lines.setContentsMargins(0, 0, 0, 0)
        show.addWidget(PlainLabel("Show", role="muted"))
        show.addWidget(self.shown, 1)
        lines.addWidget(self.verdicts)
        lines.addLayout(show)
        for part in (self.rule, self.least, self.scores):
            lines.addWidget(part)
        lines.addWidget(PlainLabel("Samples, most disagreeing first", role="muted"))
        lines.addWidget(self.gallery, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(8, 6, 8, 8)
        whole.addLayout(run)
        whole.addWidget(self.state)
        whole.addWidget(self._found, 1)
        whole.addStretch(0)

    def _connect(self) -> None:
        self.run_button.clicked.connect(lambda: self.run_requested.emit(self.samples.value()))
        self.shown.activated.connect(lambda _: self.quantity_requested.emit(self.shown.currentData()))
        self.least.valueChanged.connect(self._on_least)
        self.gallery.itemDoubleClicked.connect(
            lambda item: self.member_requested.emit(item.data(Qt.ItemDataRole.UserRole))
        )

    # ---- what is shown -----------------------------------------------------------------------------------------------

    def show_nothing(self, why: str, *, can_run: bool = False) -> None:
        """Before there are samples: why, and whether they can be made."""
        self.run_button.setEnabled(can_run)
        self.samples.setEnabled(can_run)
        self.state.setText(why)
        self._found.hide()

    def show_samples(self, samples: int, detections: Sequence[ErrorDetection], why_none: str) -> None:
        """There are samples: what they say about errors, or why nothing can be said."""
        self.run_button.setEnabled(True)
        self.samples.setEnabled(True)
        self.state.setText(f"{samples} samples, each with its own stored seed")
        self.verdicts.setText("\n".join(found.verdict for found in detections) or why_none)
        self._found.show()

    def show_votes(self, least: int, count: int) -> None:
        """The rule, from one vote to all; no slider where nobody voted."""
        self._count = count
        for part in (self.rule, self.least, self.scores, self.gallery):
            part.setVisible(count > 0)
        with QSignalBlocker(self.least):
            self.least.setRange(1, max(count, 1))
            self.least.setValue(least)
        self._say_rule(least)

    def show_scores(self, measurement: Measurement | None, reason: str = "") -> None:
        """The measures of what enough samples mark; None while they are not known, or without a reference."""
        if measurement is None:
            self.scores.setText(reason)
            return
        known = {value.name: value.value for value in measurement.values}
        words = [f"{title} {NO_VALUE if known.get(name) is None else f'{known[name]:.3f}'}" for name, title in METRICS]
        self.scores.setText(" \N{MIDDLE DOT} ".join(words))

    def show_gallery(self, pictures: Sequence[tuple[int, QImage, str, str]]) -> None:
        """(position, picture, words, tooltip) of each sample, in the order of the gallery."""
        self.gallery.clear()
        for position, picture, words, tip in pictures:
            item = QListWidgetItem(QIcon(QPixmap.fromImage(picture)), words)
            item.setData(Qt.ItemDataRole.UserRole, position)
            item.setToolTip(plain_tooltip(tip))
            self.gallery.addItem(item)

    def show_quantity(self, name: str) -> None:
        row = self.shown.findData(name)
        self.shown.setCurrentIndex(row)  # -1, none, where something else is shown

    def _on_least(self, value: int) -> None:
        self._say_rule(value)
        self.least_changed.emit(value)

    def _say_rule(self, least: int) -> None:
        self.rule.setText(f"Kept if at least {least} of {self._count} samples agree")
