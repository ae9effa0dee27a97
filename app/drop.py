"""Files dropped on the window: which paths a drop carries, and that every part of the window lets it pass."""

from __future__ import annotations

from PySide6.QtCore import QMimeData
from PySide6.QtWidgets import QAbstractScrollArea, QAbstractSpinBox, QComboBox, QLineEdit, QWidget


def paths_of(mime: QMimeData) -> tuple[str, ...]:
    """The local files and folders of a drop, in its order. Addresses of other machines are left out."""
    return tuple(url.toLocalFile() for url in mime.urls() if url.isLocalFile() and url.toLocalFile())


def leave_drops_to_the_window(root: QWidget) -> None:
    """Text fields below `root` would take a dropped file for text to insert: let them pass it on to the window."""
    for kind in (QLineEdit, QAbstractSpinBox, QComboBox, QAbstractScrollArea):
        for child in root.findChildren(kind):
            child.setAcceptDrops(False)
            if isinstance(child, QAbstractScrollArea):
                child.viewport().setAcceptDrops(False)
