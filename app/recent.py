"""The menu of recent files."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from app.panels.widgets.text import printable
from app.settings import Settings

LONGEST = 70


class RecentMenu(QMenu):
    """Filled when it opens. Whether a file still exists is found out when it is chosen."""

    path_chosen = Signal(object)

    def __init__(self, settings: Settings, parent: QWidget) -> None:
        super().__init__("Open &recent", parent)
        self._settings = settings
        self.aboutToShow.connect(self._fill)

    def add(self, path: str) -> None:
        self._settings.add_recent_file(path)

    def insert_before(self, action: QAction) -> None:
        for menu in action.associatedObjects():
            if isinstance(menu, QMenu):
                menu.insertMenu(action, self)

    def _fill(self) -> None:
        self.clear()
        files = self._settings.recent_files
        for path in files:
            self.addAction(menu_text(path), lambda path=path: self.path_chosen.emit(path))
        if files:
            self.addSeparator()
            self.addAction("Clear this list", self._settings.clear_recent_files)
        else:
            self.addAction("No recent files").setEnabled(False)


def menu_text(path: str) -> str:
    """A path for a menu: its end when it is long, and no letter of it a mnemonic."""
    text = printable(path).replace("&", "&&")
    return text if len(text) <= LONGEST else f"\N{HORIZONTAL ELLIPSIS}{text[-LONGEST:]}"
