"""Training runs and their checkpoints as a tree of two levels: in which order, and what each row says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QUrl,
)
from PySide6.QtGui import QIcon

from app.item_models.facts import size_text
from app.item_models.library import state_icon
from app.item_models.run_words import (
    PICKED,
    details,
    folded,
    main_checkpoint,
    run_tooltip,
    score_text,
    search_text,
    status_sign,
    title,
)
from app.panels.widgets.text import plain_tooltip, printable
from app.store import Store
from app.theme import Theme
from core.records import RunCheckpoint, TrainingRun

Index = QModelIndex | QPersistentModelIndex
Order = Callable[[TrainingRun], Any]


class RunRole(IntEnum):
    """What the delegate and the view ask of a row besides its title."""

    RUN = Qt.ItemDataRole.UserRole  # path of the run's folder
    CHECKPOINT = RUN + 1  # the file that the row opens; None when there is none
    DETAILS = RUN + 2  # the second line, or what follows the name of a checkpoint
    SCORE = RUN + 3
    PICKED = RUN + 4
    DIM = RUN + 5


def _newest(run: TrainingRun) -> Any:
    return (run.created is None, _backwards(run.created or ""), run.id)


def _backwards(text: str) -> tuple[int, ...]:
    return tuple(-ord(character) for character in text)


ORDERS: dict[str, Order] = {
    "Newest": _newest,
    "Best score": lambda run: (run.metric is None, -(run.metric or 0.0), *_newest(run)),
    "Data set": lambda run: (run.dataset is None, (run.dataset or "").casefold(), *_newest(run)),
    "Name": lambda run: run.id.casefold(),
}


class RunTree(QAbstractItemModel):
    """Runs of the store, filtered and in order; below each its checkpoints. A row is dragged as its file.

    The internal id of a run is 0, that of a checkpoint the number of its run, which no change of order touches.
    """

    def __init__(self, store: Store, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._theme = store, theme
        self._numbers: dict[str, int] = {}
        self._texts: dict[str, str] = {}
        self._shown: list[TrainingRun] = []
        self._rows: dict[int, int] = {}
        self._icons: dict[tuple[str, str], QIcon] = {}
        self._words: tuple[str, ...] = ()
        self._order = next(iter(ORDERS))
        store.training_runs_listed.connect(self._on_listed)
        store.training_runs_removed.connect(self._arrange)

    # ---- which rows --------------------------------------------------------------------------------------------------

    def set_filter(self, text: str) -> None:
        """Only runs in which every word of `text` occurs: name, model, data set, tag, status or date."""
        self._words = tuple(folded(text).split())
        self._arrange()

    def set_order(self, order: str) -> None:
        """One of `ORDERS`."""
        self._order = order
        self._arrange()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._icons.clear()

    def _on_listed(self, runs: Sequence[str]) -> None:
        """Number them for good, and keep what the filter searches: that is asked with every letter that is typed."""
        for path in runs:
            self._numbers.setdefault(path, len(self._numbers) + 1)
            self._texts[path] = search_text(self._store.training_runs[path])
        self._arrange()

    def _arrange(self, _: object = None) -> None:
        self.beginResetModel()
        runs = self._store.training_runs.values()
        self._shown = sorted(filter(self._matches, runs), key=ORDERS[self._order])
        self._rows = {self._numbers[run.path]: row for row, run in enumerate(self._shown)}
        self.endResetModel()

    def _matches(self, run: TrainingRun) -> bool:
        text = self._texts[run.path] if self._words else ""
        return all(word in text for word in self._words)

    def index_of(self, run: str) -> QModelIndex:
        """The row of a run's folder; invalid when it is not shown."""
        row = self._rows.get(self._numbers.get(run, 0))
        return QModelIndex() if row is None else self.index(row, 0)

    # ---- the shape of the tree ---------------------------------------------------------------------------------------

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.createIndex(row, column, self._numbers[self._shown[parent.row()].path] if parent.isValid() else 0)

    def parent(self, index: Index) -> QModelIndex:  # type: ignore[override]
        row = self._rows.get(index.internalId()) if index.isValid() and index.internalId() else None
        return QModelIndex() if row is None else self.createIndex(row, 0, 0)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        if not parent.isValid():
            return len(self._shown)
        return 0 if parent.internalId() or parent.column() else len(self._shown[parent.row()].checkpoints)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 1

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        has_file = self.data(index, RunRole.CHECKPOINT) is not None
        return flags | Qt.ItemFlag.ItemIsDragEnabled if has_file else flags

    def mimeTypes(self) -> list[str]:  # noqa: N802
        return ["text/uri-list"]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:  # noqa: N802
        mime = QMimeData()
        paths = [self.data(index, RunRole.CHECKPOINT) for index in indexes]
        mime.setUrls([QUrl.fromLocalFile(path) for path in paths if path])
        return mime

    # ---- what a row says ---------------------------------------------------------------------------------------------

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if index.internalId():
            run = self._shown[self._rows[index.internalId()]]
            return self._checkpoint_data(run, run.checkpoints[index.row()], role)
        return self._run_data(self._shown[index.row()], role)

    def _run_data(self, run: TrainingRun, role: int) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return printable(title(run))
        if role == Qt.ItemDataRole.DecorationRole:
            return self._icon(*status_sign(run, self._theme))
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(run_tooltip(run))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            score = f"{run.metric_name} {score_text(run)}" if run.metric is not None else "no score"
            return printable(f"{title(run)}, {score}, {details(run)}")
        answers: dict[int, Callable[[], Any]] = {
            RunRole.RUN: lambda: run.path,
            RunRole.CHECKPOINT: lambda: main_checkpoint(run),
            RunRole.DETAILS: lambda: printable(details(run)),
            RunRole.SCORE: lambda: score_text(run),
            RunRole.PICKED: lambda: any(item.picked for item in run.checkpoints),
            RunRole.DIM: lambda: not run.checkpoints,
        }
        return answers[role]() if role in answers else None

    def _checkpoint_data(self, run: TrainingRun, item: RunCheckpoint, role: int) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return printable(item.path.removeprefix(run.path).lstrip("/\\").removeprefix("checkpoints").lstrip("/\\"))
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(
                "\n".join(filter(None, (item.path, size_text(item.size_bytes), PICKED if item.picked else "")))
            )
        answers: dict[int, Any] = {
            RunRole.RUN: run.path,
            RunRole.CHECKPOINT: item.path,
            RunRole.DETAILS: size_text(item.size_bytes),
            RunRole.PICKED: item.picked,
        }
        return answers.get(role)

    def _icon(self, glyph: str, colour: str) -> QIcon:
        if (glyph, colour) not in self._icons:
            self._icons[glyph, colour] = state_icon(glyph, colour)
        return self._icons[glyph, colour]
