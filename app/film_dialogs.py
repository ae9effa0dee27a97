"""The question before a download."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from app.panels.widgets.text import printable

QUESTION = "Download {name}?"
ABOUT = (
    "It comes from the Hugging Face hub and is several gigabytes large; it stays in the hub's cache on this machine. "
    "The name was read from the checkpoint. No image leaves this machine. The download can be cancelled between files."
)


def ask_download(name: str, parent: QWidget, then: Callable[[], None]) -> QMessageBox:
    """Ask whether a vision-language model should be downloaded; `then` is called on yes alone."""
    question = QMessageBox(parent)
    question.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    question.setTextFormat(Qt.TextFormat.PlainText)
    question.setIcon(QMessageBox.Icon.Question)
    question.setWindowTitle("Download a model")
    question.setText(QUESTION.format(name=printable(name)))
    question.setInformativeText(ABOUT)
    yes = question.addButton("Download", QMessageBox.ButtonRole.AcceptRole)
    no = question.addButton(QMessageBox.StandardButton.Cancel)
    question.setDefaultButton(no)
    yes.clicked.connect(lambda: then())
    question.open()
    return question
