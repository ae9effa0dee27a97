"""The measures of all columns in one table: a line for each measure, a column for each column of the view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QIcon, QPixmap

from app.jobs import Failure
from app.panels.widgets.text import plain_tooltip, printable
from core.records import NO_VALUE, Measurement, MetricValue

NAMED, MOST_LETTERS = 2, 12
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
Index = QModelIndex | QPersistentModelIndex
TITLES = {
    "dice": "Dice",
    "iou": "IoU",
    "precision": "Precision",
    "recall": "Recall",
    "specificity": "Specificity",
    "cldice": "clDice",
    "betti_0_error": "Betti-0 error",
    "betti_1_error": "Betti-1 error",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredColumn:
    """The numbers of one column; without any, `reason` says why. `labels`: how its run differs from training."""

    title: str
    colour: str
    measurement: Measurement | None = None
    reason: str = ""
    labels: tuple[str, ...] = ()

    def value(self, name: str) -> MetricValue | None:
        values = self.measurement.values if self.measurement else ()
        return next((value for value in values if value.name == name), None)


class MeasurementTable(QAbstractTableModel):
    """The first column names the measures. A value that does not exist is a dash and its reason, never a 0."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._columns: tuple[MeasuredColumn, ...] = ()
        self._names: tuple[str, ...] = tuple(TITLES)

    def set_columns(self, columns: Sequence[MeasuredColumn]) -> None:
        self.beginResetModel()
        self._columns = tuple(columns)
        measured = [column.measurement for column in columns if column.measurement is not None]
        self._names = tuple(value.name for value in measured[0].values) if measured else tuple(TITLES)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._names)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else 1 + len(self._columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        name = self._names[index.row()]
        if index.column() == 0:
            return self._title_data(name, role)
        column = self._columns[index.column() - 1]
        value = column.value(name)
        if role == Qt.ItemDataRole.DisplayRole:
            return value_text(value)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(value.reason if value is not None else column.reason)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if section == 0:
            return "Measure" if role == Qt.ItemDataRole.DisplayRole else None
        column = self._columns[section - 1]
        if role == Qt.ItemDataRole.DisplayRole:
            # Three names do not fit beside each other: then the colour stands for the column, as everywhere.
            return short_title(printable(column.title)) if len(self._columns) <= NAMED else ""
        if role == Qt.ItemDataRole.DecorationRole:
            return chip(column.colour)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT
        labels = f"\nNot as trained: {'; '.join(column.labels)}" if column.labels else ""
        return plain_tooltip(column.title + labels) if role == Qt.ItemDataRole.ToolTipRole else None

    def reasons(self) -> tuple[str, ...]:
        """Why values are missing, one sentence each, in words that can stand under the table."""
        found = [f"{column.title}: {column.reason}" for column in self._columns if column.reason]
        for column in self._columns:
            for value in column.measurement.values if column.measurement else ():
                if value.value is None:
                    found.append(f"{column.title}, {TITLES.get(value.name, value.name)}: {value.reason}")
        return tuple(dict.fromkeys(found))

    def text(self) -> str:
        """The table as lines of tab-separated text, for the clipboard. What is not as trained says so there too."""
        rows = [["Measure", *(column.title for column in self._columns)]]
        for name in self._names:
            rows.append([TITLES.get(name, name), *(value_text(column.value(name)) for column in self._columns)])
        if any(column.labels for column in self._columns):
            rows.append(["Not as trained", *("; ".join(column.labels) or NO_VALUE for column in self._columns)])
        return "\n".join("\t".join(row) for row in rows)

    def _title_data(self, name: str, role: int) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return TITLES.get(name, name)
        if role != Qt.ItemDataRole.ToolTipRole:
            return None
        known = next((value for value in (column.value(name) for column in self._columns) if value is not None), None)
        return plain_tooltip(known.definition if known else "")


def value_text(value: MetricValue | None) -> str:
    """Three decimals, or none for a count; a dash for what does not exist."""
    if value is None or value.value is None:
        return NO_VALUE
    return f"{value.value:.0f}" if value.name.startswith("betti") else f"{value.value:.3f}"


def short_title(title: str) -> str:
    """What tells a name from others: its folder if it has one, and of a long name the end.

    Shortened here, because Qt forgets the room that the colour takes when it shortens a head.
    """
    name = title.partition("/")[0]
    return name if len(name) <= MOST_LETTERS else f"\N{HORIZONTAL ELLIPSIS}{name[1 - MOST_LETTERS :]}"


def chip(colour: str) -> QIcon:
    pixmap = QPixmap(12, 12)
    pixmap.fill(QColor(colour))
    return QIcon(pixmap)


def outcome_column(
    title: str, colour: str, outcome: Measurement | Failure | None, reason: str, labels: Sequence[str] = ()
) -> MeasuredColumn:
    """The column of the table for what the store knows: numbers, why they could not be taken, or why not yet."""
    measurement = outcome if isinstance(outcome, Measurement) else None
    failed = outcome.message if isinstance(outcome, Failure) else "" if measurement else reason
    return MeasuredColumn(
        title=title, colour=colour, measurement=measurement, reason=failed, labels=tuple(labels) if measurement else ()
    )
