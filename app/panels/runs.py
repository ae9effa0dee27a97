"""Training runs of the folders that were dropped: a filter line, an order, and the tree of runs and checkpoints."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from app.item_models.runs import ORDERS, RunRole, RunTree
from app.panels.run_rows import INDENT_PX, RunDelegate
from app.panels.widgets.text import PlainLabel
from app.store import Store
from app.theme import Theme


class RunsView(QTreeView):
    """Double click or Enter opens a checkpoint, or the best of a run. Delete takes a run out of the library."""

    open_requested, new_column_requested = Signal(object), Signal(object)  # path of a checkpoint
    remove_requested = Signal(object)  # folder of a run

    def __init__(self, model: RunTree, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._expanded: set[str] = set()
        self._last: str | None = None
        self.setModel(model)
        self._rows = RunDelegate(theme, self)
        self.setItemDelegate(self._rows)
        self.setHeaderHidden(True)
        self.setIndentation(INDENT_PX)
        self.setExpandsOnDoubleClick(False)  # the arrow does that
        self.setMouseTracking(True)
        self.setDragEnabled(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setAccessibleName("Training runs")
        self.customContextMenuRequested.connect(self._on_menu)
        self.activated.connect(self._on_activated)
        self.expanded.connect(lambda index: self._expanded.add(index.data(RunRole.RUN)))
        self.collapsed.connect(lambda index: self._expanded.discard(index.data(RunRole.RUN)))
        model.modelAboutToBeReset.connect(self._remember)
        model.modelReset.connect(self._restore)
        delete = QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(self._remove_current)

    def set_theme(self, theme: Theme) -> None:
        self._rows.theme = theme
        self.viewport().update()

    def menu_for(self, index: QModelIndex) -> QMenu:
        menu, checkpoint, run = QMenu(self), index.data(RunRole.CHECKPOINT), index.data(RunRole.RUN)
        if checkpoint is not None:
            menu.addAction("Open", lambda: self.open_requested.emit(checkpoint))
            menu.addAction("Open in a new column", lambda: self.new_column_requested.emit(checkpoint))
        whole_run = not index.parent().isValid()
        path = run if whole_run else checkpoint
        menu.addAction("Copy path", lambda: QGuiApplication.clipboard().setText(path))
        menu.addSeparator()
        menu.addAction("Remove the run from the library", lambda: self.remove_requested.emit(run))
        return menu

    def _on_menu(self, where: QPoint) -> None:
        index = self.indexAt(where)
        if index.isValid():
            self.menu_for(index).exec(self.viewport().mapToGlobal(where))

    def _on_activated(self, index: QModelIndex) -> None:
        checkpoint = index.data(RunRole.CHECKPOINT)
        if checkpoint is not None:
            self.open_requested.emit(checkpoint)

    def _remove_current(self) -> None:
        if self.currentIndex().isValid():
            self.remove_requested.emit(self.currentIndex().data(RunRole.RUN))

    def _remember(self) -> None:
        current = self.currentIndex()
        self._last = current.data(RunRole.RUN) if current.isValid() else self._last

    def _restore(self) -> None:
        """Runs that were open and the current one stay so in another order, and after a filter is lifted."""
        model = self.model()
        if not isinstance(model, RunTree):
            return
        for run in self._expanded:
            self.setExpanded(model.index_of(run), True)
        current = model.index_of(self._last or "")
        if current.isValid():
            self.setCurrentIndex(current)


class RunsPanel(QWidget):
    """Title with the number of runs, filter, order, and the list. Hidden while there are no runs."""

    def __init__(self, store: Store, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self.tree = RunTree(store, theme, self)
        self.view, self.filter, self.order = RunsView(self.tree, theme), QLineEdit(), QComboBox()
        self._title = PlainLabel(role="muted")
        self.filter.setPlaceholderText("Filter")
        self.filter.setClearButtonEnabled(True)
        self.filter.setMinimumWidth(50)
        self.filter.setToolTip("Words that name, data set, tag, status or date contain")
        self.filter.setAccessibleName("Filter the training runs")
        self.order.addItems(list(ORDERS))
        self.order.setAccessibleName("Order of the training runs")
        self.order.setToolTip("What comes first")
        self.order.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.order.setMinimumContentsLength(6)
        self._place()
        self.filter.textChanged.connect(self.tree.set_filter)
        self.order.currentTextChanged.connect(self.tree.set_order)
        self.tree.modelReset.connect(self._count)
        self._count()

    def set_theme(self, theme: Theme) -> None:
        self.tree.set_theme(theme)
        self.view.set_theme(theme)

    def title(self) -> str:
        return self._title.text()

    def _place(self) -> None:
        tools = QHBoxLayout()
        tools.setSpacing(4)
        tools.addWidget(self.filter, 3)
        tools.addWidget(self.order, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self._title)
        column.addLayout(tools)
        column.addWidget(self.view, 1)
        self.view.setMinimumHeight(90)

    def _count(self) -> None:
        known, shown = len(self._store.training_runs), self.tree.rowCount()
        self._title.setText("Training runs" + (f" ({shown} of {known})" if shown != known else f" ({known})"))
        self.setVisible(known > 0)
