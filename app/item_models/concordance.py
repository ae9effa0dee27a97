"""How far the columns agree, pair by pair: a square table, coloured by its values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from app.canvas.colour_maps import VIRIDIS, table
from app.item_models.measurements import chip, short_title
from app.panels.widgets.text import plain_tooltip, printable
from core.records import NO_VALUE, Agreement

Index = QModelIndex | QPersistentModelIndex
Named = tuple[str, str]  # title, colour
_BRIGHT = 128
_CENTRE = Qt.AlignmentFlag.AlignCenter


class ConcordanceTable(QAbstractTableModel):
    """Dice of each pair of columns. A mask with itself is left out: it says nothing."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._named: tuple[Named, ...] = ()
        self._values: tuple[tuple[float | None, ...], ...] = ()

    def show(self, named: Sequence[Named], found: Agreement | None) -> None:
        self.beginResetModel()
        self._named = tuple(named) if found is not None else ()
        self._values = found.concordance if found is not None else ()
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._named)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._named)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = index.row(), index.column()
        value = self._values[row][column]
        if role == Qt.ItemDataRole.DisplayRole:
            return self.words(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _CENTRE
        if role == Qt.ItemDataRole.ToolTipRole:
            pair = f"{self._named[row][0]}\n{self._named[column][0]}"
            return plain_tooltip(pair if value is not None else f"{pair}\nboth are empty")
        if row == column or value is None:
            return None
        colour = cell_colour(value)
        if role == Qt.ItemDataRole.BackgroundRole:
            return colour
        if role == Qt.ItemDataRole.ForegroundRole:
            bright = 0.299 * colour.red() + 0.587 * colour.green() + 0.114 * colour.blue() > _BRIGHT
            return QColor("#000000" if bright else "#ffffff")
        return None

    def words(self, row: int, column: int) -> str:
        """Three decimals; a dash for what does not exist, nothing on the diagonal."""
        value = self._values[row][column]
        if row == column:
            return ""
        return NO_VALUE if value is None else f"{value:.3f}"

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        title, colour = self._named[section]
        if role == Qt.ItemDataRole.DecorationRole:
            return chip(colour)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(title)
        if role == Qt.ItemDataRole.DisplayRole:
            return short_title(printable(title)) if orientation == Qt.Orientation.Vertical else ""
        return None

    def text(self) -> str:
        """The table as lines of tab-separated text, for the clipboard."""
        titles = [title for title, _ in self._named]
        size = range(len(titles))
        rows = [["Dice", *titles], *([titles[row], *(self.words(row, column) for column in size)] for row in size)]
        return "\n".join("\t".join(row) for row in rows)


def cell_colour(value: float) -> QColor:
    """Of a Dice between 0 and 1."""
    return QColor.fromRgb(int(table(VIRIDIS)[round(255 * min(max(value, 0.0), 1.0))]))
