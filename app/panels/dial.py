"""The steps dial: one case with fewer steps and other solvers; what it costs in seconds, and what it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.panels.widgets.text import PlainLabel, plain_tooltip
from app.theme import Theme
from core.records import NO_VALUE, RunSettings

HEADS = ("Solver", "Steps", "Calls", "Time (s)", "Dice", "clDice")
LABELS = {"left": "Dice", "bottom": "seconds"}
STEPS = "1, 2, 4, 8, 16"
EMPTY = "Choose a column with a flow checkpoint: others have no number of steps to choose."


@dataclass(frozen=True, slots=True, kw_only=True)
class DialLine:
    """One setting. `seconds` None: not run yet; `own`: the producer's setting; `reason`: why it failed."""

    settings: RunSettings
    solver: str
    steps: str
    own: bool
    calls: int | None = None
    seconds: float | None = None
    dice: float | None = None
    cldice: float | None = None
    reason: str = ""


class DialPanel(QWidget):
    """Announces wishes; lines are handed over by a controller and belong to the active column."""

    run_requested = Signal(object, bool)  # tuple of steps, all solvers
    cancel_requested = Signal()
    open_requested = Signal(object)  # RunSettings to open as a column

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._lines: tuple[DialLine, ...] = ()
        self.steps, self.all_solvers = QLineEdit(STEPS), QCheckBox("Other solvers too")
        self.run_button, self.cancel_button = QPushButton("Run the dial"), QPushButton("Cancel")
        self.copy_button = QPushButton("Copy table")
        self.state, self.table = PlainLabel(role="muted", wrap=True), QTableWidget(0, len(HEADS))
        self.plot = pg.PlotWidget(enableMenu=False)
        self._lay_out()
        self._connect()
        self.set_theme(theme)
        self.show_lines((), EMPTY, can_run=False, busy=False)

    def _lay_out(self) -> None:
        self.steps.setAccessibleName("Numbers of steps")
        self.steps.setToolTip(plain_tooltip("Numbers of steps to try, separated by commas"))
        self.state.setMinimumWidth(1)
        self.table.setHorizontalHeaderLabels(HEADS)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setShowGrid(False)
        self.table.setAlternatingRowColors(True)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(24)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setStretchLastSection(True)
        item = self.plot.getPlotItem()
        item.setMouseEnabled(x=False, y=False)
        item.hideButtons()
        item.showGrid(x=True, y=True, alpha=0.15)
        self.plot.setMinimumHeight(70)
        self.table.setMinimumHeight(52)
        self.plot.setAcceptDrops(False)
        wish, run = QHBoxLayout(), QHBoxLayout()
        wish.addWidget(PlainLabel("Steps", role="muted"))
        wish.addWidget(self.steps, 1)
        for button in (self.run_button, self.cancel_button, self.copy_button):
            run.addWidget(button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(8, 6, 8, 8)
        whole.addLayout(wish)
        whole.addWidget(self.all_solvers)
        whole.addLayout(run)
        whole.addWidget(self.state)
        whole.addWidget(self.plot, 1)
        whole.addWidget(self.table, 1)

    def _connect(self) -> None:
        self.run_button.clicked.connect(self._on_run)
        self.cancel_button.clicked.connect(self.cancel_requested)
        self.copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text()))
        self.table.cellDoubleClicked.connect(lambda row, _: self.open_requested.emit(self._lines[row].settings))

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.plot.setBackground(QColor(theme.surface))
        for side, text in LABELS.items():
            axis = self.plot.getPlotItem().getAxis(side)
            axis.enableAutoSIPrefix(False)
            axis.setLabel(text)
            axis.setPen(QColor(theme.border))
            axis.setTextPen(QColor(theme.muted))  # last: a pen colours the label too
        self._draw()

    # ---- what is shown -----------------------------------------------------------------------------------------------

    def show_lines(self, lines: Sequence[DialLine], state: str, *, can_run: bool, busy: bool) -> None:
        """The settings with what they came to so far; the producer's own is marked with a star."""
        self._lines = tuple(lines)
        self.run_button.setEnabled(can_run and not busy)
        self.cancel_button.setVisible(busy)
        self.copy_button.setEnabled(bool(lines))
        self.state.setText(state)
        self.table.setRowCount(len(lines))
        for row, line in enumerate(lines):
            for column, text in enumerate(cells(line)):
                item = QTableWidgetItem(text)
                item.setToolTip(plain_tooltip(line.reason or "Double click: open as a column"))
                if column > 0:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(row, column, item)
        self._draw()

    def _draw(self) -> None:
        """Quality against seconds: a line for each solver, a star for the producer's setting."""
        self.plot.clear()
        known = [line for line in self._lines if line.seconds is not None and line.dice is not None]
        for number, solver in enumerate(dict.fromkeys(line.solver for line in known)):
            points = sorted((line.seconds, line.dice) for line in known if line.solver == solver)
            colour = QColor(self._theme.column_colour(number))
            x, y = [point[0] for point in points], [point[1] for point in points]
            self.plot.plot(x, y, pen=pg.mkPen(colour, width=2), symbol="o", symbolBrush=colour, symbolPen=None)
        for line in known:
            if line.own:
                star = {"symbol": "star", "symbolSize": 18, "symbolBrush": QColor(self._theme.reference)}
                self.plot.plot([line.seconds], [line.dice], pen=None, symbolPen=QColor(self._theme.text), **star)

    def text(self) -> str:
        """The table as lines of tabs."""
        return "\n".join("\t".join(row) for row in (HEADS, *(cells(line) for line in self._lines)))

    def _on_run(self) -> None:
        try:
            steps = tuple(dict.fromkeys(int(part) for part in self.steps.text().replace(";", ",").split(",")))
        except ValueError:
            steps = ()
        if not steps or any(count < 1 for count in steps):
            self.state.setText("Steps are whole numbers from 1 up, separated by commas.")
            return
        self.run_requested.emit(steps, self.all_solvers.isChecked())


def cells(line: DialLine) -> tuple[str, ...]:
    """The words of a line; the producer's own setting has a star."""
    solver = f"{line.solver} \N{BLACK STAR}" if line.own else line.solver
    seconds = ("failed" if line.reason else "") if line.seconds is None else f"{line.seconds:.2f}"
    calls = "" if line.calls is None else str(line.calls)
    scores = [NO_VALUE if value is None else f"{value:.3f}" for value in (line.dice, line.cldice)]
    return (solver, line.steps, calls, seconds, *(scores if line.seconds is not None else ("", "")))
