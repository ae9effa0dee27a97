"""A menu of quantities, those that belong together under one heading."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from app.canvas.quantities import TABLE, Quantity
from app.panels.widgets.text import plain_tooltip


def fill_menu(menu: QMenu, names: Iterable[Quantity], choose: Callable[[Quantity, bool], None]) -> dict[str, QAction]:
    """A checkable entry for each quantity; `choose(name, on)` is called when a person picks one."""
    entries, group = {}, ""
    menu.setToolTipsVisible(True)
    for name in names:
        entry = TABLE[name]
        if entry.group != group:
            group = entry.group
            menu.addSection(group)
        entries[name] = action = menu.addAction(entry.title)
        action.setToolTip(plain_tooltip(entry.tip))
        action.setCheckable(True)
        action.toggled.connect(lambda on, name=name: choose(name, on))
    return entries
