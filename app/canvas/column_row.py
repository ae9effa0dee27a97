"""Columns side by side: which there are, in which order, which is the active one, and what each has to show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.canvas.column import STATES, Column, ColumnState
from app.canvas.comparing import Comparing
from app.canvas.frame import LiveStep
from app.canvas.links import LinkedScenes
from app.canvas.messages import HintPage
from app.canvas.moment import Company, Computed
from app.canvas.reorder import HeadDrag
from app.canvas.scene import Scene
from app.canvas.zones import ZoneOverlay
from app.items import CaseRow, Link, View
from app.theme import DARK, Theme
from core.records import Array, Deviation, Prediction


class ColumnRow(QWidget):
    """Keeps the columns, and one without a result for an image that no checkpoint was dropped on yet."""

    column_close_requested = Signal(str)
    column_activated = Signal(str)
    column_moved = Signal(str, int)  # key, place among the other columns
    cancel_requested = Signal(str)
    row_requested = Signal(str)  # a case
    open_requested = Signal()
    demo_requested = Signal()

    def __init__(self, theme: Theme = DARK, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._scenes = LinkedScenes()
        self._acting: str | None = None  # the column in which a person just does something
        self._columns: dict[str, Column] = {}
        self._active: str | None = None
        self._maximised: str | None = None
        self._one_view: View | None = None
        self._alone = self._made_column("Image", theme.accent, None)
        self.hint = HintPage()
        self.hint.open_requested.connect(self.open_requested)
        self.hint.demo_requested.connect(self.demo_requested)
        self.overlay = ZoneOverlay(self)
        self.comparing = Comparing(self)
        self._heads = HeadDrag(self, self.places, self.overlay)
        self._heads.dropped.connect(self.column_moved)
        self._set_up()
        self.set_theme(theme)

    def _set_up(self) -> None:
        self._pages, self._area = QStackedWidget(), QWidget()
        self._row = QHBoxLayout(self._area)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(4)
        self._row.addWidget(self._alone, 1)
        self._pages.addWidget(self.hint)
        self._pages.addWidget(self._area)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._pages)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.hint.set_theme(theme)
        self.overlay.set_colours(theme.accent, theme.accent_text)
        for column in self._every_column():
            column.set_theme(theme)

    @property
    def _scene(self) -> Scene:
        """What the column looks at in which something is done; else the active one."""
        return self._scenes.of(self._acting or self._active)

    def _update(self, **changes: object) -> None:
        """Change what this column looks at, and the others as far as they are linked; draw what that changes."""
        self._draw(self._scenes.change(self._acting or self._active, **changes))

    def _draw(self, keys: Iterable[str | None]) -> None:
        for key in keys:
            column = self._columns.get(key) if key is not None else None if self._columns else self._alone
            if column is not None:
                column.draw(self._scenes.of(key))

    def set_links(self, links: Iterable[Link]) -> None:
        """What all columns share; what is linked anew is taken from the active one."""
        self._draw(self._scenes.link(links, self._active))

    def scene_of(self, key: str) -> Scene:
        """What a column looks at."""
        return self._scenes.of(key)

    def _every_column(self) -> Iterable[Column]:
        return (self._alone, *self._columns.values())

    def _listen_to(self, column: Column, key: str | None) -> None:
        """For the subclass: what a person does on the pictures of a column."""

    # ---- columns ----

    def add_column(self, key: str, title: str, colour: str) -> None:
        """A new column at the right, or new title and colour for one that is there."""
        if key in self._columns:
            self._columns[key].set_title(title, colour)
            return
        column = self._made_column(title, colour, key)
        self._columns[key] = column
        self._row.addWidget(column, 1)
        self._scenes.add(key, self._active)
        column.draw(self._scenes.of(key))
        if self._active is None:
            self.set_active(key)
        self._arrange()

    def set_kind(self, key: str, text: str) -> None:
        """What the checkpoint of a column is, in a few words (`sofl-seg, dfm with FiLM`)."""
        self._columns[key].set_kind(text)

    def remove_column(self, key: str) -> None:
        column = self._columns.pop(key)
        self._scenes.remove(key)
        self._row.removeWidget(column)
        for other in self._columns.values():
            other.show_guest(None)  # it may have been this one
        column.hide()
        column.deleteLater()
        if self._maximised == key:
            self._maximised = self._one_view = None
        if self._active == key:
            self._active = None
            if self._columns:
                self.set_active(next(iter(self._columns)))
        self._arrange()
        self.comparing.refresh()

    def set_column_order(self, keys: Sequence[str]) -> None:
        """Order from left to right; columns that are not named stay behind those that are."""
        order = [key for key in keys if key in self._columns] + [key for key in self._columns if key not in keys]
        self._columns = {key: self._columns[key] for key in order}
        for column in self._columns.values():
            self._row.removeWidget(column)
            self._row.addWidget(column, 1)

    def column(self, key: str) -> Column:
        return self._columns[key]

    def keys(self) -> tuple[str, ...]:
        """Keys of the columns from left to right."""
        return tuple(self._columns)

    def places(self) -> dict[str, QRect]:
        """Where the columns that are seen lie in this widget, from left to right."""
        seen = {key: column for key, column in self._columns.items() if column.isVisibleTo(self)}
        return {key: QRect(column.mapTo(self, QPoint()), column.size()) for key, column in seen.items()}

    def set_active(self, key: str) -> None:
        """The column whose kept steps the slider counts."""
        self._active = key
        for name, column in self._columns.items():
            column.set_active(name == key and len(self._columns) > 1)
        self.comparing.refresh()

    def columns(self) -> dict[str, Column]:
        """By key, from left to right."""
        return dict(self._columns)

    def active(self) -> str | None:
        return self._active

    def _made_column(self, title: str, colour: str, key: str | None) -> Column:
        column = Column(title, colour, self._theme, closable=key is not None)
        grid = column.grid
        grid.pressed.connect(lambda _: self.setFocus(Qt.FocusReason.MouseFocusReason))
        grid.row_requested.connect(self.row_requested)
        grid.maximise_requested.connect(lambda view: self.toggle_maximised(key, view))
        self._listen_to(column, key)
        if key is not None:
            column.divider_moved.connect(self.comparing.move_divider)
            column.close_requested.connect(lambda: self.column_close_requested.emit(key))
            column.cancel_requested.connect(lambda: self.cancel_requested.emit(key))
            column.header.room_changed.connect(self._level_headers)
            grid.pressed.connect(lambda _: self._activate(key))
            column.installEventFilter(self)
            self._heads.watch(key, column.header)
        return column

    def _activate(self, key: str) -> None:
        if key != self._active:
            self.set_active(key)
            self.column_activated.emit(key)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A click on the head of a column makes it the active one, too."""
        if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseButtonPress:
            for key, column in self._columns.items():
                if column is watched:
                    self._activate(key)
        return False

    def toggle_maximised(self, key: str | None, view: View | None = None) -> None:
        """One view of one column alone, or all of them again. `key` None: the image that has no column."""
        alone = self._one_view is not None if key is None else self._maximised == key
        self._maximise(None if alone else key, None if alone else view)

    def _maximise(self, key: str | None, view: View | None) -> None:
        self._maximised, self._one_view = key, view
        self._arrange()

    def _arrange(self) -> None:
        """Show what there is: the invitation, the bare image, one column, or all."""
        self._pages.setCurrentWidget(self._area if self._columns or self._scene.case is not None else self.hint)
        for column in self._every_column():
            column.set_alone(self._one_view)
        if not self._columns:
            self._alone.draw(self._scenes.of(None))  # nobody drew it while there were others
        self._alone.setVisible(not self._columns)
        for key, column in self._columns.items():
            column.setVisible(self._maximised in (None, key))
            column.set_active(key == self._active and len(self._columns) > 1)
        self._level_headers()

    def _level_headers(self) -> None:
        seen = [column.header for key, column in self._columns.items() if self._maximised in (None, key)]
        tallest = max((header.needed for header in seen), default=0)
        for header in seen:
            header.set_least_height(tallest)

    # ---- results ----

    def set_state(self, key: str, state: str, message: str = "", remedy: str = "") -> None:
        """`empty`, `waiting`, `running`, `result`, `error` or `cancelled`. Only `result` keeps what was shown.

        `message` is the reason (error) or what goes on (waiting, running); `remedy` what a person can do.
        """
        if state not in STATES:
            raise ValueError(f"unknown column state {state!r}; one of {', '.join(STATES)}")
        known: ColumnState = state
        self._columns[key].set_state(known, message, remedy)

    def set_progress(self, key: str, done: int, total: int, text: str = "") -> None:
        """Fill the bar of a running column."""
        if self._columns[key].state in ("waiting", "running"):
            self._columns[key].header.show_progress(done, total, text)

    def set_prediction(self, key: str, prediction: Prediction | None) -> None:
        self._columns[key].set_prediction(prediction)

    def set_company(self, key: str, company: Company) -> None:
        """The results of other columns, which a column is held against."""
        self._columns[key].set_company(company)

    def set_map(self, key: str, name: str, values: Array | Computed | None) -> None:
        """An array on the grid of the image, computed of the prediction that a column shows: for the quantity of that
        name. It goes with the prediction; None takes it away."""
        self._columns[key].set_map(name, values)

    def set_case_rows(self, key: str, rows: tuple[CaseRow, ...]) -> None:
        """The cases that a column shows at once when its rows are cases."""
        self._columns[key].set_case_rows(rows)

    def set_live_step(self, key: str, live: LiveStep) -> None:
        """A step of the run in a `running` column."""
        self._columns[key].set_live(live)

    def set_badges(self, key: str, deviations: tuple[Deviation, ...]) -> None:
        """Deviations to name in addition to the prediction's own, which are always named."""
        self._columns[key].set_deviations(deviations)

    def set_summary(self, key: str, text: str) -> None:
        """A short text beside the name, such as `Dice 0.912`. It goes away with the result it belongs to."""
        self._columns[key].set_summary(text)

    def set_threshold(self, key: str, value: float | None) -> None:
        """Cut at `value` (in the checkpoint's range) instead of the prediction's own threshold; None = its own."""
        self._columns[key].set_threshold(value)
