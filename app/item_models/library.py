"""The library's two lists: cases and checkpoints, each with its state as an icon and in words."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPixmap

from app.items import CaseItem, CheckpointItem
from app.panels.widgets.text import plain_tooltip, printable
from app.store import Store
from app.theme import Theme

Index = QModelIndex | QPersistentModelIndex
ID_ROLE = Qt.ItemDataRole.UserRole
ICON_PX = 16


class LibraryList(QAbstractListModel):
    """Items of the store, by id. Subclasses say what an item looks like."""

    def __init__(self, store: Store, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._theme = store, theme
        self._ids: list[str] = []

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.refresh()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._ids)

    def row_of(self, item: str | None) -> int:
        """The row of an id; -1 when it is not listed."""
        return self._ids.index(item) if item in self._ids else -1

    def add(self, item: str) -> None:
        self.beginInsertRows(QModelIndex(), len(self._ids), len(self._ids))
        self._ids.append(item)
        self.endInsertRows()

    def remove(self, item: str) -> None:
        row = self.row_of(item)
        if row >= 0:
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._ids[row]
            self.endRemoveRows()

    def refresh(self, _: object = None) -> None:
        """Something about the items changed, not which there are."""
        if self._ids:
            self.dataChanged.emit(self.index(0), self.index(len(self._ids) - 1))

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        item = self._ids[index.row()]
        if role == ID_ROLE:
            return item
        if role == Qt.ItemDataRole.DisplayRole:
            return printable(self.text(item))
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(f"{item}\n{self.state(item)[2]}")
        if role == Qt.ItemDataRole.DecorationRole:
            glyph, colour, _ = self.state(item)
            return state_icon(glyph, colour)
        if role == Qt.ItemDataRole.FontRole and self.shown(item):
            font = QFont()
            font.setBold(True)
            return font
        return None

    def text(self, item: str) -> str:
        raise NotImplementedError

    def state(self, item: str) -> tuple[str, str, str]:
        """Glyph, colour and words."""
        raise NotImplementedError

    def shown(self, item: str) -> bool:
        raise NotImplementedError


class CaseList(LibraryList):
    """Cases; the one that is looked at is bold."""

    def __init__(self, store: Store, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(store, theme, parent)
        store.case_added.connect(self.add)
        store.case_removed.connect(self.remove)
        store.case_changed.connect(self.refresh)
        store.case_activated.connect(self.refresh)

    def _item(self, item: str) -> CaseItem:
        return self._store.cases[item]

    def text(self, item: str) -> str:
        case = self._item(item)
        words = {"loading": "reading", "failed": "not readable"}.get(case.state, "")
        return f"{case.name} ({words})" if words else case.name

    def state(self, item: str) -> tuple[str, str, str]:
        case, theme = self._item(item), self._theme
        if case.failure is not None:
            return "!", theme.error, case.failure.text()
        if case.state == "loading":
            return "\N{HORIZONTAL ELLIPSIS}", theme.muted, "Being read"
        reference = case.case.reference is not None if case.case else case.paths.reference is not None
        if reference:
            return "R", theme.ok, "With a reference mask"
        return "\N{BULLET}", theme.muted, "No reference mask" if case.case else "Not read yet"

    def shown(self, item: str) -> bool:
        return item == self._store.active_case


class CheckpointList(LibraryList):
    """Checkpoints; those with a column are bold."""

    def __init__(self, store: Store, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(store, theme, parent)
        store.checkpoint_added.connect(self.add)
        store.checkpoint_removed.connect(self.remove)
        for changed in (store.checkpoint_changed, store.column_added, store.column_removed):
            changed.connect(self.refresh)

    def _item(self, item: str) -> CheckpointItem:
        return self._store.checkpoints[item]

    def text(self, item: str) -> str:
        checkpoint, title = self._item(item), self._store.title(item)
        if checkpoint.report is None:
            return f"{title} (reading)"
        return f"{title} (refused)" if checkpoint.refused else title

    def state(self, item: str) -> tuple[str, str, str]:
        report, theme = self._item(item).report, self._theme
        if report is None:
            return "\N{HORIZONTAL ELLIPSIS}", theme.muted, "Being inspected"
        if report.status == "refused":
            return "\N{MULTIPLICATION SIGN}", theme.error, "\n".join(finding.message for finding in report.findings)
        if report.status == "ambiguous":
            return "?", theme.warning, "Ambiguous: see the passport"
        return "\N{CHECK MARK}", theme.ok, f"{report.producer}, {report.module_class}, {report.arch}"

    def shown(self, item: str) -> bool:
        return any(column.checkpoint == item for column in self._store.columns.values())


def state_icon(glyph: str, colour: str) -> QIcon:
    """A disc with a sign in it: the sign says it to those who do not see the colour."""
    pixmap = QPixmap(ICON_PX * 2, ICON_PX * 2)
    pixmap.setDevicePixelRatio(2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawEllipse(QRectF(1, 1, ICON_PX - 2, ICON_PX - 2))
    font = QFont()
    font.setPixelSize(11)
    font.setBold(True)
    painter.setFont(font)
    painter.setPen(QColor("white" if QColor(colour).lightness() < 140 else "black"))
    painter.drawText(QRectF(0, 0, ICON_PX, ICON_PX), Qt.AlignmentFlag.AlignCenter, glyph)
    painter.end()
    return QIcon(pixmap)
