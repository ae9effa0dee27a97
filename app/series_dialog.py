"""Which of several DICOM series to open: a picture of the middle of each, what it is, and how large."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QListView,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.panels.widgets.text import PlainLabel, plain_tooltip, printable
from core.records import Series

PICTURE = QSize(128, 128)


class SeriesDialog(QDialog):
    """Several may be chosen; each becomes a case. `accepted` is followed by `chosen()`."""

    def __init__(self, series: Sequence[Series], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._series = tuple(series)
        self.setWindowTitle("Choose series")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.list = QListWidget()
        self._set_up_list()
        roles = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(roles.Open | roles.Cancel)
        self.all_button = self.buttons.addButton("Open all", QDialogButtonBox.ButtonRole.ActionRole)
        whole = QVBoxLayout(self)
        text = f"These files hold {len(self._series)} DICOM series. Choose one or several; each becomes a case."
        whole.addWidget(PlainLabel(text, wrap=True))
        whole.addWidget(self.list, 1)
        whole.addWidget(self.buttons)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.all_button.clicked.connect(self._on_all)
        self.list.itemSelectionChanged.connect(self._refresh)
        self.list.itemDoubleClicked.connect(lambda _: self.accept())
        self.list.item(0).setSelected(True)
        self.resize(720, 520)

    def _set_up_list(self) -> None:
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setIconSize(PICTURE)
        self.list.setGridSize(QSize(PICTURE.width() + 60, PICTURE.height() + 4 + 4 * self.fontMetrics().height()))
        self.list.setWordWrap(True)
        self.list.setSpacing(6)
        for series in self._series:
            item = QListWidgetItem(thumbnail(series), "\n".join(series_lines(series)))
            item.setToolTip(plain_tooltip(f"{series.description or 'no description'}\n{series.uid}"))
            item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
            self.list.addItem(item)

    def chosen(self) -> tuple[str, ...]:
        """The UIDs of the chosen series, in the order in which they are listed."""
        rows = sorted(index.row() for index in self.list.selectedIndexes())
        return tuple(self._series[row].uid for row in rows)

    def _on_all(self) -> None:
        self.list.selectAll()
        self.accept()

    def _refresh(self) -> None:
        self.buttons.button(QDialogButtonBox.StandardButton.Open).setEnabled(bool(self.list.selectedIndexes()))


def series_lines(series: Series) -> tuple[str, str, str]:
    """What it is called; modality and number of images; size."""
    images = f"{series.images} image{'s' * (series.images != 1)}"
    about = ", ".join(filter(None, (series.modality, images, "with a segmentation" if series.reference else "")))
    return printable(series.description or "no description"), printable(about), f"{series.columns} x {series.rows}"


def thumbnail(series: Series) -> QIcon:
    """The middle of the series on black; nothing but black where it cannot be decoded."""
    picture = QPixmap(PICTURE)
    picture.fill(Qt.GlobalColor.black)
    if series.thumbnail is not None:
        rows, columns = series.thumbnail.shape
        grey = QImage(series.thumbnail.tobytes(), columns, rows, columns, QImage.Format.Format_Grayscale8)
        picture = QPixmap.fromImage(grey).scaled(PICTURE, Qt.AspectRatioMode.KeepAspectRatio)
    return QIcon(picture)
