"""Where to write a result, in which format, and whether the steps too."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.panels.widgets.text import PlainLabel

FORMATS = {
    "nifti": "NIfTI (.nii.gz)",
    "nrrd": "NRRD (.seg.nrrd, .nrrd)",
    "mha": "MetaImage (.mha)",
    "png": "PNG",
    "tiff": "TIFF, a page for each slice",
    "dicom": "DICOM segmentation (.dcm), with the source series",
}


class SaveDialog(QDialog):
    """`formats`: what suits the image, the usual one first."""

    def __init__(self, formats: Sequence[str], folder: str, *, steps: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Save result")
        self.folder, self.browse = QLineEdit(folder), QToolButton(text="\N{HORIZONTAL ELLIPSIS}")
        self.formats, self.steps = QComboBox(), QCheckBox("Write the steps on the way, too")
        for name in formats:
            self.formats.addItem(FORMATS[name], name)
        self.steps.setEnabled(steps)
        roles = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(roles.Save | roles.Cancel)
        self._lay_out()
        self.browse.clicked.connect(self._on_browse)
        self.folder.textChanged.connect(lambda _: self._refresh())
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._refresh()
        self.resize(560, self.sizeHint().height())

    def _lay_out(self) -> None:
        self.browse.setAccessibleName("Choose the folder")
        line = QHBoxLayout()
        line.addWidget(self.folder, 1)
        line.addWidget(self.browse)
        form = QFormLayout()
        form.addRow("Folder", line)
        form.addRow("Format", self.formats)
        form.addRow("", self.steps)
        about = "The mask, its probability and the record of the run are written on the grid of the image."
        whole = QVBoxLayout(self)
        whole.addLayout(form)
        whole.addWidget(PlainLabel(about, role="muted", wrap=True))
        whole.addWidget(self.buttons, 0, Qt.AlignmentFlag.AlignRight)

    def format(self) -> str:
        return str(self.formats.currentData())

    def _on_browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for mask and probability", self.folder.text())
        if chosen:
            self.folder.setText(chosen)

    def _refresh(self) -> None:
        self.buttons.button(QDialogButtonBox.StandardButton.Save).setEnabled(bool(self.folder.text().strip()))
