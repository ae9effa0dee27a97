"""Two checkpoints beside each other: what differs in settings, training, recorded scores and weights."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QScrollArea,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.item_models.tables import TextTable
from app.panels.passport import set_severity
from app.panels.passport_parts import BreakingLabel
from app.panels.section import Section
from app.panels.widgets.progress import PlainProgressBar
from app.panels.widgets.text import ElidedLabel, PlainLabel
from core import pipeline
from core.progress import Progress
from core.records import PassportDifference, PassportTable

ROW_HEIGHT, MOST_ROWS = 24, 14
WAITING = "The weights are being compared."


class PassportDialog(QDialog):
    """Shows a comparison when it is there; closing it says that nobody waits for it any more."""

    def __init__(self, first: str, second: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Compare passports")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._difference: PassportDifference | None = None
        self.tables: tuple[PassportTable, ...] = ()
        self.sections: list[Section] = []
        self.names = ElidedLabel(first, role="heading"), ElidedLabel(second, role="heading")
        self.message, self.bar = BreakingLabel(WAITING, wrap=True), PlainProgressBar()
        self.alike = QCheckBox("Show what is the same too")
        self.copy_button, self.close_button = QPushButton("Copy as text"), QPushButton("Close")
        self._content = QScrollArea()
        self._lay_out()
        self.alike.toggled.connect(lambda _: self._fill())
        self.copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text()))
        self.close_button.clicked.connect(self.reject)
        self.copy_button.setEnabled(False)
        self.alike.setEnabled(False)
        self.resize(820, 640)

    def _lay_out(self) -> None:
        head, hands = QHBoxLayout(), QHBoxLayout()
        head.addWidget(self.names[0], 1)
        head.addWidget(PlainLabel("and", role="muted"))
        head.addWidget(self.names[1], 1)
        hands.addWidget(self.alike)
        hands.addStretch(1)
        hands.addWidget(self.copy_button)
        hands.addWidget(self.close_button)
        self._content.setWidgetResizable(True)
        self._content.setFrameShape(QFrame.Shape.NoFrame)
        self._content.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column = QVBoxLayout(self)
        column.addLayout(head)
        column.addWidget(self.message)
        column.addWidget(self.bar)
        column.addWidget(self._content, 1)
        column.addLayout(hands)

    def show_progress(self, progress: Progress) -> None:
        self.bar.show_progress(progress.done, progress.total, progress.stage)

    def show_failure(self, words: str) -> None:
        """Why there is no comparison."""
        self.bar.hide()
        self.message.setText(words)
        set_severity(self.message, "error")

    def show_difference(self, difference: PassportDifference) -> None:
        self._difference = difference
        for part in (self.bar, self.message):
            part.hide()
        for part in (self.copy_button, self.alike):
            part.setEnabled(True)
        self._fill()

    def text(self) -> str:
        """What is shown, for the clipboard."""
        return pipeline.passport_text(self.tables)

    def _fill(self) -> None:
        if self._difference is None:
            return
        self.tables = pipeline.passport_tables(self._difference, alike=self.alike.isChecked())
        self.sections = [Section(table.title, _part(table), opened=True) for table in self.tables]
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(10)
        for section in self.sections:
            column.addWidget(section)
        column.addStretch(1)
        self._content.setWidget(inside)


def _part(table: PassportTable) -> QWidget:
    """The rows, and below them what is not among them."""
    part = QWidget()
    column = QVBoxLayout(part)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(4)
    if table.rows:
        column.addWidget(_view(table.headers, table.rows))
    if table.remark:
        remark = BreakingLabel(table.remark, wrap=True)
        remark.setProperty("role", "muted")
        remark.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(remark)
    return part


def _view(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> QTableView:
    view = QTableView()
    model = TextTable(headers, view)
    model.set_rows(rows)
    view.setModel(model)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setAlternatingRowColors(True)
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    view.verticalHeader().hide()
    view.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
    header = view.horizontalHeader()
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    header.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    height = header.sizeHint().height() + ROW_HEIGHT * min(len(rows), MOST_ROWS)
    view.setFixedHeight(height + 2 * view.frameWidth() + 2)
    return view
