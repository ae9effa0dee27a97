"""Keeps what the columns share in line with the store, and the controls of it in the bar over the pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.store import Store

if TYPE_CHECKING:
    from app.canvas.columns import ColumnsView
    from app.panels.link_controls import LinkControls


class GridController(QObject):
    """Links between the columns."""

    def __init__(self, store: Store, view: ColumnsView, links: LinkControls, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._view, self._links = store, view, links
        links.link_requested.connect(store.set_link)
        store.links_changed.connect(view.set_links)
        store.links_changed.connect(links.show_links)
        for signal in (store.column_added, store.column_removed):
            signal.connect(lambda _: self._show())
        self._show()

    def _show(self) -> None:
        """There is nothing to link with one column."""
        self._links.setVisible(len(self._store.columns) > 1)
