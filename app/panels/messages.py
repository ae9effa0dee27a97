"""What each dropped file was taken for, and what went wrong: newest last, always in sight."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QMenu, QWidget

from app.items import Note
from app.panels.widgets.text import plain_tooltip, printable
from app.theme import Theme

SHOWN = 200
SIGNS = {"error": "\N{MULTIPLICATION SIGN}", "warning": "!", "note": "\N{BULLET}", "ok": "\N{CHECK MARK}"}


class MessageList(QListWidget):
    """Notes as lines. A right click offers to take the file for something else."""

    open_as_requested = Signal(object, object)  # path, "image" | "reference" | "column"

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setWordWrap(True)
        self.setTextElideMode(Qt.TextElideMode.ElideNone)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._on_menu)
        self.setAccessibleName("Messages")

    def add(self, note: Note) -> None:
        text = f"{SIGNS[note.severity]} {note.text}"
        whole = f"{text}\n{note.remedy}".strip()
        item = QListWidgetItem(printable(whole, lines=True))
        item.setData(Qt.ItemDataRole.UserRole, note)
        item.setToolTip(plain_tooltip(f"{whole}\n{note.path}"))
        self._paint(item, note)
        self.addItem(item)
        while self.count() > SHOWN:
            self.takeItem(0)
        self.scrollToBottom()

    def texts(self) -> list[str]:
        return [self.item(row).text() for row in range(self.count())]

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for row in range(self.count()):
            self._paint(self.item(row), self.item(row).data(Qt.ItemDataRole.UserRole))

    def _paint(self, item: QListWidgetItem, note: Note) -> None:
        colours = {"error": self._theme.error, "warning": self._theme.warning}
        item.setForeground(QColor(colours.get(note.severity, self._theme.text)))

    def _on_menu(self, where: QPoint) -> None:
        item = self.itemAt(where)
        if item is None:
            return
        note, menu = item.data(Qt.ItemDataRole.UserRole), QMenu(self)
        menu.addAction("Copy message", lambda: QGuiApplication.clipboard().setText(item.text()))
        if note.path:
            menu.addAction("Open as image", lambda: self.open_as_requested.emit(note.path, "image"))
            take = "Take as reference of the shown case"
            menu.addAction(take, lambda: self.open_as_requested.emit(note.path, "reference"))
            menu.addAction("Open mask as column", lambda: self.open_as_requested.emit(note.path, "column"))
        menu.exec(self.viewport().mapToGlobal(where))
