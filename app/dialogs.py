"""Help: all shortcuts, and what this program is."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from app.actions import shortcut_lines
from app.keymap import Keymap
from app.panels.widgets.text import PlainLabel

ABOUT = (
    "A viewer-evaluator for segmentation checkpoints. A prediction is shown only if it is the one the checkpoint was "
    "trained to make, or one that you asked for and that is labelled as different."
)


class ShortcutsDialog(QDialog):
    """Key and meaning, with the keys that are in force; `change` opens the dialog in which they are changed."""

    def __init__(self, keymap: Keymap, change: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        table = QWidget()
        grid = QGridLayout(table)
        grid.setHorizontalSpacing(24)
        for row, (key, meaning) in enumerate(shortcut_lines(keymap)):
            grid.addWidget(PlainLabel(key, role="heading"), row, 0)
            grid.addWidget(PlainLabel(meaning, wrap=True), row, 1)
        grid.setColumnStretch(1, 1)
        scroll = QScrollArea()
        scroll.setWidget(table)
        scroll.setWidgetResizable(True)
        column = QVBoxLayout(self)
        column.addWidget(scroll)
        buttons = _close_button(self)
        self.change = buttons.addButton("Change\N{HORIZONTAL ELLIPSIS}", QDialogButtonBox.ButtonRole.ActionRole)
        self.change.clicked.connect(self.accept)
        self.change.clicked.connect(change)
        column.addWidget(buttons)
        self.resize(560, 560)


class AboutDialog(QDialog):
    """Name, version, what it is for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About Flowglass")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = QVBoxLayout(self)
        column.addWidget(PlainLabel(f"Flowglass {_version()}".strip(), role="heading"))
        column.addWidget(PlainLabel(ABOUT, wrap=True))
        column.addWidget(PlainLabel("Apache License 2.0. Not a medical device.", role="muted"))
        column.addWidget(_close_button(self))
        self.resize(420, 180)


def _close_button(dialog: QDialog) -> QDialogButtonBox:
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.reject)
    return buttons


def _version() -> str:
    try:
        return metadata.version("flowglass")
    except metadata.PackageNotFoundError:  # run from a copy that was never installed
        return ""
