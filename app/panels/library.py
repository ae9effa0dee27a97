"""What is open: checkpoints and cases with their state, training runs, and what each dropped file was taken for."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QListView, QMenu, QSplitter, QVBoxLayout, QWidget

from app.item_models.library import ID_ROLE, CaseList, CheckpointList, LibraryList
from app.items import Note
from app.panels.messages import MessageList
from app.panels.runs import RunsPanel
from app.panels.widgets.text import PlainLabel
from app.store import Store
from app.theme import Theme


class LibraryView(QListView):
    """One of the lists. Double click or Enter shows an item, Delete takes it out of the library (not off disk)."""

    show_requested, remove_requested, new_column_requested = Signal(object), Signal(object), Signal(object)
    current_changed = Signal(object)
    compare_requested = Signal(object, object)  # two of them, in the order of the list

    def __init__(self, model: LibraryList, *, columns: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._columns = columns
        if columns:
            self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)  # two can be compared
        self.setModel(model)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._on_menu)
        self.activated.connect(lambda index: self.show_requested.emit(index.data(ID_ROLE)))
        delete = QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(self._remove_current)

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:  # noqa: N802
        super().currentChanged(current, previous)
        if current.isValid():
            self.current_changed.emit(current.data(ID_ROLE))

    def choose(self, item: str | None) -> None:
        """Move the selection to an item, without announcing it."""
        model = self.model()
        row = model.row_of(item) if isinstance(model, LibraryList) else -1
        if row == self.currentIndex().row():
            return  # it may be one of several that are selected
        blocked = self.blockSignals(True)
        index = model.index(row, 0) if row >= 0 else QModelIndex()
        # Told what to do with the selection: by itself the view asks which keys are held, and Ctrl would add to it.
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.blockSignals(blocked)
        self.viewport().update()

    def selected(self) -> tuple[str, ...]:
        """Those that are selected, in the order of the list."""
        indexes = sorted(self.selectionModel().selectedIndexes(), key=QModelIndex.row)
        return tuple(index.data(ID_ROLE) for index in indexes)

    def menu_for(self, item: str) -> QMenu:
        menu = QMenu(self)
        menu.addAction("Show", lambda: self.show_requested.emit(item))
        if self._columns:
            menu.addAction("Show in a new column", lambda: self.new_column_requested.emit(item))
        chosen = self.selected()
        if self._columns and len(chosen) == 2 and item in chosen:
            menu.addAction("Compare passports", lambda: self.compare_requested.emit(*chosen))
        menu.addAction("Copy path", lambda: QGuiApplication.clipboard().setText(item))
        menu.addSeparator()
        menu.addAction("Remove from the library", lambda: self.remove_requested.emit(item))
        return menu

    def _on_menu(self, where: QPoint) -> None:
        index = self.indexAt(where)
        if index.isValid():
            self.menu_for(index.data(ID_ROLE)).exec(self.viewport().mapToGlobal(where))

    def _remove_current(self) -> None:
        if self.currentIndex().isValid():
            self.remove_requested.emit(self.currentIndex().data(ID_ROLE))


class LibraryPanel(QWidget):
    """Checkpoints, training runs once there are some, cases, and messages at the bottom."""

    def __init__(self, store: Store, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.case_list, self.checkpoint_list = CaseList(store, theme, self), CheckpointList(store, theme, self)
        self.cases = LibraryView(self.case_list, columns=False)
        self.checkpoints = LibraryView(self.checkpoint_list, columns=True)
        self.messages = MessageList(theme)
        self.cases.setAccessibleName("Cases")
        self.checkpoints.setAccessibleName("Checkpoints")
        parts = QSplitter(Qt.Orientation.Vertical)
        self._had_runs = False
        self.runs = RunsPanel(store, theme)
        parts.addWidget(_titled("Checkpoints", self.checkpoints))
        parts.addWidget(self.runs)
        parts.addWidget(_titled("Cases", self.cases))
        parts.addWidget(_titled("Messages", self.messages))
        parts.setChildrenCollapsible(False)
        self.setMinimumWidth(150)
        parts.setSizes([170, 0, 170, 150])
        self._parts = parts
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 8)
        column.addWidget(parts)
        store.noted.connect(self._on_noted)
        store.training_runs_listed.connect(self._make_room)
        store.case_activated.connect(self.cases.choose)
        store.checkpoint_selected.connect(self.checkpoints.choose)

    def set_theme(self, theme: Theme) -> None:
        for part in (self.case_list, self.checkpoint_list, self.runs, self.messages):
            part.set_theme(theme)

    def _make_room(self, _: object) -> None:
        """The first runs get more room than the lists that are empty at that time; after that it is the person's."""
        if not self._had_runs:
            self._had_runs = True
            self._parts.setSizes([130, 300, 110, 120])

    def _on_noted(self, note: Note) -> None:
        self.messages.add(note)


def _titled(title: str, view: QWidget) -> QWidget:
    box = QWidget()
    column = QVBoxLayout(box)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2)
    column.addWidget(PlainLabel(title, role="muted"))
    column.addWidget(view, 1)
    view.setMinimumHeight(60)
    return box
