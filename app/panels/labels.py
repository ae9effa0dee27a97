"""The labels of the reference: which are shown, in which colour, how strongly, and where they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QSignalBlocker, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QColorDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QSlider,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.item_models.labels import CODE, NAME, LabelTable
from app.items import LabelEntry
from app.panels.widgets.text import PlainLabel, plain_tooltip
from core.records import LabelMap

WIDE = 460
SEARCHED_FROM = 12
"""Labels from which a search field is worth its place."""
MEASURED = "Measures take all labels together as foreground."
PLAIN = "The reference is one mask without a name: its outline is drawn in yellow."
NONE = "The case has no reference mask. Drop one on the pictures."


class LabelsPanel(QWidget):
    """Announces wishes and shows entries; knows no colour registry and no view."""

    visibility_requested = Signal(object)  # {number: shown}
    opacity_requested = Signal(object, float)  # numbers, 0..1
    colour_chosen = Signal(int, str)
    go_requested = Signal(int)
    file_colours_requested = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model, self._sieve, self.table = LabelTable(self), QSortFilterProxyModel(self), QTableView()
        self.search = QLineEdit(placeholderText="Find a label", clearButtonEnabled=True)
        self.all_button, self.none_button = QPushButton("All"), QPushButton("None")
        self.only_button, self.colour_button = QPushButton("Only this"), QPushButton("Colour\N{HORIZONTAL ELLIPSIS}")
        self.file_colours = QCheckBox("Colours of the file")
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.empty, self.caption = PlainLabel(role="muted", wrap=True), PlainLabel(MEASURED, role="muted", wrap=True)
        self.pages = QStackedWidget()
        self._has_codes = False
        self._set_up_table()
        self._lay_out()
        self._connect()
        self.show_reference(None)
        self.show_file_colours(False, False)
        self.show_labels(())

    def _set_up_table(self) -> None:
        self._sieve.setSourceModel(self.model)
        self._sieve.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._sieve.setFilterKeyColumn(-1)
        self.table.setModel(self._sieve)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setShowGrid(False)
        self.table.setAlternatingRowColors(True)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(24)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(40)

    def _lay_out(self) -> None:
        self.opacity.setRange(0, 100)
        self.opacity.setAccessibleName("Opacity of the selected labels")
        self.opacity.setToolTip(plain_tooltip("Opacity of the selected labels; of all when none is selected"))
        self.empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        buttons, strength = QHBoxLayout(), QHBoxLayout()
        for button in (self.all_button, self.none_button, self.only_button, self.colour_button):
            button.setMinimumWidth(44)
            buttons.addWidget(button)
        strength.addWidget(PlainLabel("Opacity", role="muted"))
        strength.addWidget(self.opacity, 1)
        listed, lines = QWidget(), QVBoxLayout()
        for part in (self.search, self.table):
            lines.addWidget(part)
        lines.addLayout(buttons)
        lines.addLayout(strength)
        lines.addWidget(self.file_colours)
        lines.addWidget(self.caption)
        lines.setContentsMargins(0, 0, 0, 0)
        listed.setLayout(lines)
        self.pages.addWidget(self.empty)
        self.pages.addWidget(listed)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(8, 6, 8, 8)
        whole.addWidget(self.pages)

    def _connect(self) -> None:
        self.search.textChanged.connect(self._sieve.setFilterFixedString)
        self.model.ticked.connect(lambda number, shown: self.visibility_requested.emit({number: shown}))
        self.all_button.clicked.connect(lambda: self._show_only(lambda entry: True))
        self.none_button.clicked.connect(lambda: self._show_only(lambda entry: False))
        self.only_button.clicked.connect(self._on_only)
        self.colour_button.clicked.connect(self._on_colour)
        self.opacity.valueChanged.connect(self._on_opacity)
        self.file_colours.toggled.connect(self.file_colours_requested)
        self.table.doubleClicked.connect(lambda index: self.go_requested.emit(self._entry_at(index).number))
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_selection())

    # ---- what is shown -----------------------------------------------------------------------------------------------

    def show_reference(self, reference: LabelMap | None) -> None:
        """Before its labels are known."""
        self.empty.setText(NONE if reference is None else PLAIN)

    def show_labels(self, entries: Sequence[LabelEntry]) -> None:
        """The list; without entries a sentence says why there is none."""
        self.model.set_entries(entries)
        self.pages.setCurrentIndex(1 if entries else 0)
        self.search.setVisible(len(entries) >= SEARCHED_FROM)
        self._has_codes = any(entry.code for entry in entries)
        self._make_room()
        self._show_selection()

    def show_file_colours(self, has_some: bool, used: bool) -> None:
        """Whether the file carries colours, and whether they are used instead of those of the registry."""
        self.file_colours.setVisible(has_some)
        with QSignalBlocker(self.file_colours):
            self.file_colours.setChecked(used)

    def choose(self, number: int | None) -> None:
        """Mark the row of a label and bring it in sight."""
        row = self.model.row_of(number)
        if row is None:
            self.table.clearSelection()
            return
        place = self._sieve.mapFromSource(self.model.index(row, NAME))
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.table.selectionModel().select(place, flags)
        self.table.scrollTo(place)

    def _show_selection(self) -> None:
        chosen = self.selected()
        for button in (self.only_button, self.colour_button):
            button.setEnabled(bool(chosen))
        if self.model.rowCount():
            first = chosen[0] if chosen else self.model.entry(0)
            with QSignalBlocker(self.opacity):
                self.opacity.setValue(round(first.opacity * 100))

    def selected(self) -> list[LabelEntry]:
        return [self._entry_at(index) for index in self.table.selectionModel().selectedRows(NAME)]

    def _entry_at(self, index: QModelIndex) -> LabelEntry:
        return self.model.entry(self._sieve.mapToSource(index).row())

    def _entries(self) -> list[LabelEntry]:
        return [self.model.entry(row) for row in range(self.model.rowCount())]

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """Codes are shown where names keep their room; they are in the tooltip too."""
        self.table.setColumnHidden(CODE, not self._has_codes or self.width() < WIDE)

    # ---- hands -------------------------------------------------------------------------------------------------------

    def _show_only(self, wanted: Callable[[LabelEntry], bool]) -> None:
        self.visibility_requested.emit({entry.number: wanted(entry) for entry in self._entries()})

    def _on_only(self) -> None:
        chosen = {entry.number for entry in self.selected()}
        self._show_only(lambda entry: entry.number in chosen)

    def _on_opacity(self, percent: int) -> None:
        chosen = self.selected() or self._entries()
        self.opacity_requested.emit(frozenset(entry.number for entry in chosen), percent / 100)

    def _on_colour(self) -> None:
        entry = self.selected()[0]
        colour = QColorDialog.getColor(QColor(entry.colour), self, f"Colour of {entry.name}")
        if colour.isValid():
            self.colour_chosen.emit(entry.number, colour.name())
