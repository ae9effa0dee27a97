"""What is wrong with how a mask hangs together, in a table: kind, length, calibre, place; sorted and filtered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QSortFilterProxyModel, Qt

from app.panels.widgets.text import plain_tooltip
from core.records import NO_VALUE, TopologyItem, TopologyKind, TopologyReport

Index = QModelIndex | QPersistentModelIndex
SORT_ROLE = Qt.ItemDataRole.UserRole + 1
KIND, LENGTH, CALIBRE, PLACE = range(4)
NAMES: dict[TopologyKind, tuple[str, str]] = {
    "break": ("Break", "Breaks"),
    "bridge": ("False bridge", "False bridges"),
    "lost-branch": ("Lost branch", "Lost branches"),
    "island": ("Island", "Islands"),
    "lost-loop": ("Lost loop", "Lost loops"),
    "false-loop": ("False loop", "False loops"),
}
MEANINGS: dict[TopologyKind, str] = {
    "break": "A vessel of the reference is interrupted in the result: nearby, its two sides are not connected.",
    "bridge": "The result connects what is separate nearby in the reference.",
    "lost-branch": "A branch of the reference ends where the result has nothing.",
    "island": "A piece of the result that touches no vessel of the reference.",
    "lost-loop": "A hole of the reference that the result does not have.",
    "false-loop": "A hole of the result that the reference does not have.",
}


HINTS = {
    KIND: "What is wrong there",
    LENGTH: "Along the centreline; of a loop, around a disc as large as the hole",
    CALIBRE: "Mean diameter along the centreline; a loop has none",
}


class TopologyTable(QAbstractTableModel):
    """A row for each item."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._items: tuple[TopologyItem, ...] = ()
        self._unit, self._flat = "px", True

    def set_report(self, report: TopologyReport | None) -> None:
        self.beginResetModel()
        self._items = () if report is None else report.items
        self._unit = "px" if report is None else report.unit
        self._flat = all(item.box[0] == (0, 1) for item in self._items)
        self.endResetModel()

    def item(self, row: int) -> TopologyItem:
        return self._items[row]

    def row_of(self, item: TopologyItem | None) -> int:
        """The row of an item; -1 when it is not in the table."""
        return self._items.index(item) if item is not None and item in self._items else -1

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._items)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else 4

    def headers(self) -> tuple[str, ...]:
        """Of the copied table, where cells are bare numbers."""
        return "Kind", f"Length ({self._unit})", f"Calibre ({self._unit})", self._place_words()

    def _place_words(self) -> str:
        return "Row, column" if self._flat else "Slice, row, column"

    def cells(self, item: TopologyItem) -> tuple[str, ...]:
        """One row as text. Places are counted from 1, as everywhere that a person reads them."""
        calibre = NO_VALUE if item.calibre is None else f"{item.calibre:.1f}"
        place = item.position[1:] if self._flat else item.position
        return NAMES[item.kind][0], f"{item.length:.1f}", calibre, ", ".join(str(at + 1) for at in place)

    def _shown(self, item: TopologyItem, column: int) -> str:
        text = self.cells(item)[column]
        return f"{text} {self._unit}" if column in (LENGTH, CALIBRE) and text != NO_VALUE else text

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        item = self._items[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._shown(item, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(MEANINGS[item.kind])
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in (LENGTH, CALIBRE):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return self._sorted_by(item, index.column()) if role == SORT_ROLE else None

    def _sorted_by(self, item: TopologyItem, column: int) -> float | int:
        if column == LENGTH:
            return item.length
        if column == CALIBRE:
            return -1.0 if item.calibre is None else item.calibre
        if column == KIND:
            return list(NAMES).index(item.kind)
        slices, rows, columns = item.position
        return (slices << 42) + (rows << 21) + columns

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return ("Kind", "Length", "Calibre", "Place")[section]
        return plain_tooltip(HINTS.get(section, self._place_words())) if role == Qt.ItemDataRole.ToolTipRole else None


class TopologySieve(QSortFilterProxyModel):
    """Lets through the kinds that are wanted, from a length on."""

    def __init__(self, table: TopologyTable, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._table = table
        self._kinds: frozenset[TopologyKind] = frozenset(NAMES)
        self._least = 0.0
        self.setSourceModel(table)
        self.setSortRole(SORT_ROLE)

    def set_wanted(self, kinds: Collection[TopologyKind], least: float) -> None:
        self._kinds, self._least = frozenset(kinds), least
        self.invalidate()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:  # noqa: N802
        item = self._table.item(row)
        return item.kind in self._kinds and item.length >= self._least

    def items(self) -> tuple[TopologyItem, ...]:
        """As they are listed now."""
        rows = range(self.rowCount())
        return tuple(self._table.item(self.mapToSource(self.index(row, 0)).row()) for row in rows)


def marker_words(item: TopologyItem, unit: str) -> str:
    """`Break 12.0 px`."""
    return f"{NAMES[item.kind][0]} {item.length:.1f} {unit}"


def summary_lines(report: TopologyReport) -> list[str]:
    """What the list does not say: pixels near junctions, and the Betti numbers of both masks."""
    volume = bool(report.loops_reason)
    voxels, holes = ("voxels", "Tunnels (Betti 1)") if volume else ("pixels", "Loops (Betti 1)")
    near, wrong = report.near_junctions, report.false_positives
    share = f" ({near / wrong:.0%})" if wrong else ""
    (parts, loops), (true_parts, true_loops) = report.betti_prediction, report.betti_reference
    lines = [
        f"False-positive {voxels}: {wrong:,}, of which {near:,}{share} lie within {report.radius_px:g} {voxels} of one "
        f"of the reference's {report.junctions:,} junctions.",
        f"Pieces (Betti 0): {parts:,} in the result, {true_parts:,} in the reference.",
        f"{holes}: {loops:,} in the result, {true_loops:,} in the reference.",
        f"{report.connectivity[0].upper()}{report.connectivity[1:]}.",
    ]
    return [*lines, report.loops_reason] if report.loops_reason else lines


def table_text(title: str, report: TopologyReport, items: Sequence[TopologyItem], table: TopologyTable) -> str:
    """For the clipboard: whose it is, the counts, what else is known, and the items that are listed."""
    counts = "; ".join(f"{several} {report.count(kind)}" for kind, (_, several) in NAMES.items())
    rows = [table.headers(), *map(table.cells, items)]
    return "\n".join([title, counts, *summary_lines(report), *("\t".join(row) for row in rows)])
