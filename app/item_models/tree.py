"""Nested values of a file as a tree that is built as far as it is opened: a file may nest a million entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.item_models.tables import value_text
from app.panels.widgets.text import plain_tooltip, printable

Index = QModelIndex | QPersistentModelIndex
BATCH = 200


class Node:
    """One entry; `children` holds those that were fetched so far."""

    __slots__ = ("_rest", "children", "complete", "name", "parent", "row", "value")

    def __init__(self, name: str, value: Any, parent: Node | None, row: int) -> None:
        self.name, self.value, self.parent, self.row = name, value, parent, row
        self.children: list[Node] = []
        self.complete = not is_nested(value)
        self._rest: Iterator[tuple[str, Any]] | None = None

    def next_batch(self) -> list[Node]:
        """The next entries, not yet among the children."""
        if self._rest is None:
            self._rest = entries(self.value)
        start = len(self.children)
        batch = [Node(name, value, self, start + row) for row, (name, value) in enumerate(islice(self._rest, BATCH))]
        self.complete = len(batch) < BATCH
        return batch


def is_nested(value: Any) -> bool:
    return bool(value) and (isinstance(value, Mapping) or (isinstance(value, Sequence) and not isinstance(value, str)))


def entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Name and value of each entry of a mapping or sequence."""
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
    return ((str(name), item) for name, item in pairs)


class ValueTree(QAbstractItemModel):
    """Name and value in two columns; entries are fetched when their parent is opened, in batches."""

    HEADERS = ("Name", "Value")

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._root = Node("", {}, None, 0)

    def set_value(self, value: Mapping[str, Any]) -> None:
        self.beginResetModel()
        self._root = Node("", value, None, 0)
        self.endResetModel()

    def node(self, index: Index) -> Node:
        return index.internalPointer() if index.isValid() else self._root

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        children = self.node(parent).children
        return self.createIndex(row, column, children[row]) if 0 <= row < len(children) else QModelIndex()

    def parent(self, index: Index) -> QModelIndex:  # type: ignore[override]
        above = self.node(index).parent
        return QModelIndex() if above is None or above is self._root else self.createIndex(above.row, 0, above)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return len(self.node(parent).children) if parent.column() <= 0 else 0

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return len(self.HEADERS)

    def hasChildren(self, parent: Index = QModelIndex()) -> bool:  # noqa: B008, N802
        return parent.column() <= 0 and is_nested(self.node(parent).value)

    def canFetchMore(self, parent: Index) -> bool:  # noqa: N802
        return not self.node(parent).complete

    def fetchMore(self, parent: Index) -> None:  # noqa: N802
        node = self.node(parent)
        batch = node.next_batch()
        if batch:
            self.beginInsertRows(QModelIndex(parent), len(node.children), len(node.children) + len(batch) - 1)
            node.children += batch
            self.endInsertRows()

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        node = self.node(index)
        text = node.name if index.column() == 0 else summary(node.value)
        if role == Qt.ItemDataRole.DisplayRole:
            return printable(text)
        return plain_tooltip(text) if role == Qt.ItemDataRole.ToolTipRole else None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return self.HEADERS[section]
        return None


def summary(value: Any) -> str:
    """A plain value as it is; a nested one by its number of entries."""
    if is_nested(value):
        return f"{len(value):,} {'entry' if len(value) == 1 else 'entries'}"
    return value_text(value)
