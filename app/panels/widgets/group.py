"""Widgets that stay together when a bar breaks into lines."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget


def group_of(*widgets: QWidget) -> QWidget:
    """A widget with the others in one row."""
    group = QWidget()
    row = QHBoxLayout(group)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(6)
    for widget in widgets:
        row.addWidget(widget)
    return group
