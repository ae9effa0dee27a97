"""What each part of FiLM does: the table, the button that fills it, and a column of its own for a line."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QPushButton, QTableView, QVBoxLayout, QWidget

from app.item_models.film_effects import EffectTable, Line
from app.panels.widgets.flow_layout import FlowLayout
from app.panels.widgets.progress import PlainProgressBar
from app.panels.widgets.text import PlainLabel

EXPLANATION = "Each line is run in turn and held against the run as it is now, which is marked."
ROW_HEIGHT = 24


class FilmEffects(QWidget):
    """`open_requested` carries the `FilmVariant` of the line that is chosen."""

    measure_requested, cancel_requested, open_requested = Signal(), Signal(), Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model, self.table = EffectTable(self), QTableView()
        self.note, self.bar = PlainLabel(EXPLANATION, role="muted", wrap=True), PlainProgressBar()
        self.measure_button, self.cancel_button = QPushButton("Measure"), QPushButton("Cancel")
        self.open_button, self.copy_button = QPushButton("Open in a new column"), QPushButton("Copy table")
        self._set_up_table()
        running, buttons = QHBoxLayout(), QWidget()
        running.addWidget(self.bar, 1)
        running.addWidget(self.cancel_button)
        row = FlowLayout(buttons, spacing=6)
        for button in (self.measure_button, self.open_button, self.copy_button):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.note)
        column.addWidget(self.table)
        column.addLayout(running)
        column.addWidget(buttons)
        self._connect()
        self.show_work(None, 0)
        self.show_lines((), ready=False)

    def _set_up_table(self) -> None:
        self.table.setModel(self.model)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setAlternatingRowColors(True)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = self.table.horizontalHeader()
        header.setMinimumSectionSize(40)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)  # a long name is cut, a number never
        for bar in (self.table.setVerticalScrollBarPolicy, self.table.setHorizontalScrollBarPolicy):
            bar(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # the table is as high as its lines; the panel scrolls

    def _connect(self) -> None:
        self.measure_button.clicked.connect(lambda: self.measure_requested.emit())
        self.cancel_button.clicked.connect(lambda: self.cancel_requested.emit())
        self.open_button.clicked.connect(lambda: self._open(self.table.currentIndex().row()))
        self.table.doubleClicked.connect(lambda index: self._open(index.row()))
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_buttons())
        self.copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.model.text()))

    def show_lines(self, lines: Sequence[Line], *, ready: bool) -> None:
        """`ready`: there is a finished run to hold the others against."""
        self.model.set_lines(lines)
        self.measure_button.setEnabled(ready)
        self.measure_button.setToolTip("" if ready else "Needs a finished run of this column")
        self.copy_button.setEnabled(any(effect is not None for _, effect in lines))
        height = self.table.horizontalHeader().sizeHint().height() + ROW_HEIGHT * len(lines)
        self.table.setFixedHeight(height + 2 * self.table.frameWidth() + 2)
        self._show_buttons()

    def show_work(self, done: int | None, total: int, words: str = "") -> None:
        """How many lines are measured; None = nothing is being measured."""
        for part in (self.bar, self.cancel_button):
            part.setVisible(done is not None)
        self.measure_button.setVisible(done is None)
        self.bar.show_progress(done or 0, total, words)

    def _show_buttons(self) -> None:
        self.open_button.setEnabled(self.table.selectionModel().hasSelection())

    def _open(self, row: int) -> None:
        variant = self.model.variant(row)
        if variant is not None:
            self.open_requested.emit(variant)
