"""The measures of what the columns show, beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QPushButton, QTableView, QVBoxLayout, QWidget

from app.item_models.measurements import MeasuredColumn, MeasurementTable
from app.panels.widgets.text import PlainLabel

REASONS_SHOWN = 3


class MeasurementsPanel(QWidget):
    """A table, and under it the reasons for its dashes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model, self.table = MeasurementTable(self), QTableView()
        self.reasons, self.copy_button = PlainLabel(role="muted", wrap=True), QPushButton("Copy table")
        self.reasons.setMinimumWidth(1)
        self.table.setModel(self.model)
        self._set_up_table()
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 8)
        column.addWidget(self.table, 1)
        column.addWidget(self.reasons)
        column.addWidget(self.copy_button, 0, Qt.AlignmentFlag.AlignRight)
        self.copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.model.text()))

    def _set_up_table(self) -> None:
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.table.setAlternatingRowColors(True)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(24)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(48)
        header.setTextElideMode(Qt.TextElideMode.ElideLeft)

    def show_columns(self, columns: Sequence[MeasuredColumn]) -> None:
        """One column of numbers for each column of the view."""
        self.model.set_columns(columns)
        modes = QHeaderView.ResizeMode
        self.table.horizontalHeader().setSectionResizeMode(0, modes.ResizeToContents if columns else modes.Stretch)
        reasons = self.model.reasons()
        more = len(reasons) - REASONS_SHOWN
        shown = [*reasons[:REASONS_SHOWN], *([f"and {more} more: hold the mouse over a dash"] if more > 0 else [])]
        self.reasons.setText("\n".join(shown))
        self.reasons.setVisible(bool(shown))
        self.copy_button.setEnabled(any(column.measurement is not None for column in columns))
