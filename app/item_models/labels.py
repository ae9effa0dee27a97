"""The labels of the reference in a table: shown or not, colour and name, code, voxels, opacity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap

from app.items import LabelEntry
from app.panels.widgets.text import plain_tooltip, printable

Index = QModelIndex | QPersistentModelIndex
HEADS = ("Label", "Code", "Voxels", "Opacity")
NAME, CODE, VOXELS, OPACITY = range(4)
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
SWATCH = QSize(14, 14)


class LabelTable(QAbstractTableModel):
    """Announces what a person ticks; the entries themselves come back through `set_entries`."""

    ticked = Signal(int, bool)  # number, shown

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: tuple[LabelEntry, ...] = ()

    def set_entries(self, entries: Sequence[LabelEntry]) -> None:
        same = [entry.number for entry in entries] == [entry.number for entry in self._entries]
        if same:  # only looks changed: the selection and the place in the list stay
            self._entries = tuple(entries)
            if entries:
                self.dataChanged.emit(self.index(0, 0), self.index(len(entries) - 1, OPACITY))
            return
        self.beginResetModel()
        self._entries = tuple(entries)
        self.endResetModel()

    def entry(self, row: int) -> LabelEntry:
        return self._entries[row]

    def row_of(self, number: int | None) -> int | None:
        return next((row for row, entry in enumerate(self._entries) if entry.number == number), None)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._entries)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(HEADS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return HEADS[section]
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        plain = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return plain | Qt.ItemFlag.ItemIsUserCheckable if index.column() == NAME else plain

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry, column = self._entries[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(entry, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            code = f", {entry.code}" if entry.code else ""
            return plain_tooltip(f"{entry.name}, number {entry.number}{code}. Double click: go there")
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (VOXELS, OPACITY):
            return RIGHT
        if column == NAME and role == Qt.ItemDataRole.CheckStateRole:
            return Qt.CheckState.Checked if entry.visible else Qt.CheckState.Unchecked
        if column == NAME and role == Qt.ItemDataRole.DecorationRole:
            return swatch(entry.colour)
        return None

    def _text(self, entry: LabelEntry, column: int) -> str:
        return (printable(entry.name), printable(entry.code), f"{entry.voxels:,}", f"{entry.opacity:.0%}")[column]

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802
        if role != Qt.ItemDataRole.CheckStateRole or index.column() != NAME:
            return False
        self.ticked.emit(self._entries[index.row()].number, Qt.CheckState(value) == Qt.CheckState.Checked)
        return True


def swatch(colour: str) -> QIcon:
    """A small square of a colour with an edge that shows on any background."""
    picture = QPixmap(SWATCH)
    picture.fill(QColor(colour))
    painter = QPainter(picture)
    painter.setPen(QColor(128, 128, 128))
    painter.drawRect(0, 0, SWATCH.width() - 1, SWATCH.height() - 1)
    painter.end()
    return QIcon(picture)
