"""What the columns share: a menu of the links, in the bar over the pictures."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from app.items import LINK_NAMES, LINKS, Link
from app.panels.widgets.text import plain_tooltip

_TIP = (
    "What all columns share. Switched off, a change stays in the column in which it is made; switched on again, all "
    "take what the active column has."
)


class LinkControls(QToolButton):
    """Ticked is linked. The button says how much is."""

    link_requested = Signal(str, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolTip(plain_tooltip(_TIP))
        self.setAccessibleName("Links between the columns")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        menu = QMenu(self)
        self.entries: dict[Link, QAction] = {}
        for link in LINKS:
            entry = menu.addAction(LINK_NAMES[link])
            entry.setCheckable(True)
            entry.toggled.connect(lambda on, link=link: self.link_requested.emit(link, on))
            self.entries[link] = entry
        self.setMenu(menu)
        self.show_links(LINKS)

    def show_links(self, links: Collection[Link]) -> None:
        for link, entry in self.entries.items():
            with QSignalBlocker(entry):
                entry.setChecked(link in links)
        self.setText(f"{links_words(links)}\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}")  # room for the arrow


def links_words(links: Collection[Link]) -> str:
    """`Linked: all`, `Linked: slice, step`, `Not linked`."""
    if len(links) == len(LINKS):
        return "Linked: all"
    return (
        f"Linked: {', '.join(LINK_NAMES[link].lower() for link in LINKS if link in links)}" if links else "Not linked"
    )
