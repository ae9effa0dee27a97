"""The command palette: type a few letters of a command, an open case or a checkpoint, and press Enter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPalette, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.commands.command import SUBMENU, plain
from app.fuzzy import score
from app.keymap import native
from app.panels.widgets.text import PlainLabel, printable

if TYPE_CHECKING:
    from app.window import MainWindow

_ENTRY = Qt.ItemDataRole.UserRole
_MOVES = {
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_PageUp: -8,
    Qt.Key.Key_PageDown: 8,
}
_BY_TITLE = 100
SIZE = QSize(620, 420)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the palette: `kind` is where it comes from (`View`, `Case`), `key` its shortcut as it is written."""

    title: str
    kind: str
    call: Callable[[], object]
    key: str = ""
    enabled: bool = True


def palette_entries(window: MainWindow) -> list[Entry]:
    """All commands but the palette itself, then the cases and checkpoints of the library."""
    entries = []
    for command in window.keymap.commands:
        action = window.actions_by_id.get(command.id)
        if action is not None and command.id != "help.palette":
            kind = plain(command.menu.replace(SUBMENU, " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "))
            key = native(window.keymap.key(command.id))
            title, enabled = plain(action.text()), action.isEnabled()
            entries.append(Entry(title=title, kind=kind, call=action.trigger, key=key, enabled=enabled))
    for case, item in window.store.cases.items():
        entries.append(
            Entry(title=printable(item.name), kind="Case", call=lambda case=case: window.opening.show_case(case))
        )
    for checkpoint, found in window.store.checkpoints.items():
        entries.append(
            Entry(
                title=printable(window.store.title(checkpoint)),
                kind="Checkpoint",
                call=lambda checkpoint=checkpoint: window.opening.show_checkpoint(checkpoint),
                enabled=not found.refused,
            )
        )
    return entries


def found_in(entries: Sequence[Entry], typed: str) -> list[Entry]:
    """Those that answer to what was typed, the best first; all of them while nothing is typed."""
    if not typed.strip():
        return list(entries)
    scored = [(_score(typed, entry), number, entry) for number, entry in enumerate(entries)]
    known = [(value, number, entry) for value, number, entry in scored if value is not None]
    ranked = sorted(known, key=lambda item: (not item[2].enabled, -item[0], item[1]))
    return [entry for _, _, entry in ranked]


def _score(typed: str, entry: Entry) -> int | None:
    """The title counts most; where it comes from is looked at where the title does not answer."""
    by_title = score(typed, entry.title)
    return score(typed, f"{entry.kind} {entry.title}") if by_title is None else by_title + _BY_TITLE


class CommandPalette(QDialog):
    """Everything by the keyboard: the line keeps the focus, arrows choose, Enter does it, Esc leaves."""

    def __init__(self, entries: Sequence[Entry], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Command palette")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowFlag(Qt.WindowType.FramelessWindowHint)
        self._entries = tuple(entries)
        self.line, self.list, self.nothing = QLineEdit(), QListView(), PlainLabel(role="muted")
        self.line.setPlaceholderText("A command, a case or a checkpoint")
        self.line.setAccessibleName("Search for a command, a case or a checkpoint")
        self.line.setClearButtonEnabled(True)
        self.model = QStandardItemModel(self)
        self.list.setModel(self.model)
        self.list.setItemDelegate(_EntryDelegate(self.list))
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setUniformItemSizes(True)
        column = QVBoxLayout(self)
        for part in (self.line, self.list, self.nothing):
            column.addWidget(part)
        self.line.textChanged.connect(self._fill)
        self.line.installEventFilter(self)
        self.list.clicked.connect(self._do)
        self._fill("")
        self._place()

    def _place(self) -> None:
        """At the upper middle of the window, within it."""
        parent = self.parentWidget()
        room = parent.size() if parent is not None else SIZE
        self.resize(SIZE.boundedTo(QSize(room.width() - 40, room.height() - 80)))
        if parent is not None:
            corner = parent.mapToGlobal(parent.rect().topLeft())
            self.move(corner.x() + (room.width() - self.width()) // 2, corner.y() + min(70, room.height() // 8))

    def paintEvent(self, event: QPaintEvent) -> None:
        """A frame: there is no title bar that would set it off from the window below."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _fill(self, typed: str) -> None:
        self.model.clear()
        for entry in found_in(self._entries, typed):
            item = QStandardItem(entry.title)
            item.setData(entry, _ENTRY)
            item.setToolTip("" if entry.enabled else "Not possible with what is open now")
            self.model.appendRow(item)
        self.list.setCurrentIndex(self.model.index(0, 0))
        self.nothing.setVisible(self.model.rowCount() == 0)
        self.nothing.setText(f"Nothing is called \N{LEFT DOUBLE QUOTATION MARK}{typed}\N{RIGHT DOUBLE QUOTATION MARK}.")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows and Enter in the line act on the list."""
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        if event.key() in _MOVES:
            last = self.model.rowCount() - 1
            row = self.list.currentIndex().row() + _MOVES[Qt.Key(event.key())]
            self.list.setCurrentIndex(self.model.index(min(max(row, 0), last), 0))
            return True
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._do(self.list.currentIndex())
            return True
        return False

    def _do(self, index: QModelIndex) -> None:
        """Close first: the command may open a dialog of its own. What is not possible now does nothing."""
        entry = index.data(_ENTRY)
        if isinstance(entry, Entry) and entry.enabled:
            self.accept()
            entry.call()


class _EntryDelegate(QStyledItemDelegate):
    """Title at the left, where it belongs beside it, its key at the right; all grey where it cannot be done."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(200, option.fontMetrics.height() + 10)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        entry, colours = index.data(_ENTRY), option.palette
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        room: QRect = option.rect
        if chosen:
            shade = QPalette.ColorRole.Highlight if entry.enabled else QPalette.ColorRole.AlternateBase
            painter.fillRect(room, colours.color(shade))
        inner = room.adjusted(8, 0, -8, 0)
        quiet = colours.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
        text = colours.color(QPalette.ColorRole.HighlightedText if chosen else QPalette.ColorRole.Text)
        beside = text if chosen else quiet
        if not entry.enabled:
            text = beside = quiet
        metrics, middle = painter.fontMetrics(), Qt.AlignmentFlag.AlignVCenter
        painter.setPen(beside)
        painter.drawText(inner, middle | Qt.AlignmentFlag.AlignRight, entry.key)
        inner.setRight(inner.right() - metrics.horizontalAdvance(entry.key) - 16)
        kind_width = metrics.horizontalAdvance(entry.kind) + 12
        title = metrics.elidedText(entry.title, Qt.TextElideMode.ElideMiddle, inner.width() - kind_width)
        painter.setPen(text)
        painter.drawText(inner, middle | Qt.AlignmentFlag.AlignLeft, title)
        painter.setPen(beside)
        painter.drawText(inner.adjusted(metrics.horizontalAdvance(title) + 12, 0, 0, 0), middle, entry.kind)
