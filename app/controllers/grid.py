"""Keeps what the columns share, and how two are compared, in line with the store and the bar over the pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.store import Store

if TYPE_CHECKING:
    from app.canvas.columns import ColumnsView
    from app.panels.view_bar import ViewBar


class GridController(QObject):
    """Links between the columns, and which of them is held against the active one."""

    def __init__(self, store: Store, view: ColumnsView, bar: ViewBar, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._view, self._bar = store, view, bar
        bar.links.link_requested.connect(store.set_link)
        bar.compare.changed.connect(lambda changes: store.set_comparison(**changes))
        store.links_changed.connect(view.set_links)
        store.links_changed.connect(bar.links.show_links)
        bar.rows.changed.connect(self._on_rows)
        store.rows_changed.connect(view.set_rows)
        store.rows_changed.connect(bar.rows.show_rows)
        for signal in (
            store.column_added,
            store.column_removed,
            store.column_changed,
            store.column_activated,
            store.columns_reordered,
            store.checkpoint_changed,
            store.compared,
        ):
            signal.connect(lambda _: self._show())
        self._show()

    def _on_rows(self, changes: dict[str, object]) -> None:
        self._store.set_rows(**changes)
        self._bar.rows.show_rows(self._store.rows)  # a wish that cannot be met is not shown as if it were

    def _show(self) -> None:
        """There is nothing to link or to compare with one column."""
        store, several = self._store, len(self._store.columns) > 1
        other = store.other_column()
        self._view.comparing.compare(store.comparison, other)
        others = [column for column in store.columns.values() if column.key != store.active_column]
        named = [(column.key, store.column_title(column.key), column.colour) for column in others]
        self._bar.compare.show_comparison(store.comparison, named, other)
        for controls in (self._bar.links, self._bar.compare):
            controls.setVisible(several)
