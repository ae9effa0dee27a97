"""The concordance of the columns: how far they agree pair by pair, where no reference says who is right."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QPushButton, QTableView, QVBoxLayout, QWidget

from app.item_models.concordance import ConcordanceTable, Named
from app.panels.widgets.text import PlainLabel
from core.records import Agreement

TOO_FEW = "Two columns with results are needed: then it says how far they agree, without a reference."
COMPUTING = "Being computed"
NAME_WIDTH = 130


class ConcordancePanel(QWidget):
    """A square of Dice values, and in words what they come to. `shown`: it is looked at, and its numbers are wanted."""

    shown = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model, self.table = ConcordanceTable(self), QTableView()
        self.words, self.copy_button = PlainLabel(role="muted", wrap=True), QPushButton("Copy table")
        self.words.setMinimumWidth(1)
        self._set_up_table()
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 8)
        column.addWidget(self.table, 1)
        column.addWidget(self.words)
        column.addWidget(self.copy_button, 0, Qt.AlignmentFlag.AlignRight)
        self.copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.model.text()))
        self.show_agreement((), None, TOO_FEW)

    def _set_up_table(self) -> None:
        self.table.setModel(self.model)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.table.setShowGrid(False)
        self.table.setCornerButtonEnabled(False)
        across, down = self.table.horizontalHeader(), self.table.verticalHeader()
        across.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        across.setMinimumSectionSize(44)
        down.setDefaultSectionSize(28)
        down.setMaximumWidth(NAME_WIDTH)
        down.setTextElideMode(Qt.TextElideMode.ElideLeft)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown.emit()

    def show_agreement(self, named: Sequence[Named], found: Agreement | None, reason: str = "") -> None:
        """(title, colour) of the columns that were held against each other; or for None the reason why none were."""
        self.model.show(named, found)
        self.table.setVisible(found is not None)
        self.copy_button.setVisible(found is not None)
        align = Qt.AlignmentFlag.AlignLeft if found is not None else Qt.AlignmentFlag.AlignCenter
        self.words.setAlignment(align)
        self.words.setText(agreement_words(found) if found is not None else reason)


def agreement_words(found: Agreement) -> str:
    """How many masks, the mean over their pairs, and how many voxels all or only some of them mark."""
    mean = found.reason if found.mean_concordance is None else f"mean {found.mean_concordance:.3f}"
    pairs = f"{found.pairs} pair{'' if found.pairs == 1 else 's'}"
    return (
        f"Dice of {found.masks} masks, each with each: {mean} over {pairs}. All mark {found.unanimous} voxels, only "
        f"some {found.disputed}. Final results; it needs no reference, and agreeing is not being right."
    )
