"""Tables of plain text: facts, evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.panels.widgets.text import plain_tooltip, printable
from core.records import NO_VALUE, CheckpointReport, to_plain

Index = QModelIndex | QPersistentModelIndex
Row = tuple[str, ...]
VALUE_SHOWN = 300  # characters of a value; the whole of it is in the tree of hyper-parameters


class TextTable(QAbstractTableModel):
    """Rows of text under a header; each cell's tooltip is the whole of its text, or the row's own note."""

    def __init__(self, headers: Row, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._headers = headers
        self._rows: tuple[Row, ...] = ()
        self._notes: tuple[str, ...] = ()

    def set_rows(self, rows: Sequence[Row], notes: Sequence[str] = ()) -> None:
        self.beginResetModel()
        self._rows, self._notes = tuple(rows), tuple(notes)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._headers)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        text = self._rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return printable(text, lines=True)
        if role == Qt.ItemDataRole.ToolTipRole:
            note = self._notes[index.row()] if index.row() < len(self._notes) else ""
            return plain_tooltip(f"{text}\n{note}".strip())
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return self._headers[section]
        return None

    def text(self) -> str:
        """The table as lines of tab-separated text, for the clipboard."""
        return "\n".join("\t".join(row) for row in (self._headers, *self._rows))


def evidence_rows(report: CheckpointReport) -> list[Row]:
    """Field, value, and why the report says so."""
    return [(item.field, value_text(item.value), item.why) for item in report.evidence]


def value_text(value: Any) -> str:
    """A plain value on one line, cut when it is long."""
    text = NO_VALUE if value is None else str(to_plain(value))
    return text if len(text) <= VALUE_SHOWN else f"{text[:VALUE_SHOWN]}\N{HORIZONTAL ELLIPSIS}"
