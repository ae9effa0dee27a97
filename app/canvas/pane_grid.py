"""The views of one column in one, two or four places, or many slices of one in a lightbox. They are made when they are
needed, and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from app.canvas.divider import Divider
from app.canvas.lightbox import Grid, grid_for, tile_slices
from app.canvas.marks import Marks
from app.canvas.pane import Pane, Shown
from app.canvas.scene import Scene, plane_geometry
from app.canvas.slice_view import SliceView
from app.items import View
from app.theme import Theme


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cell:
    """One row: what is looked at, the results, and of which case it is if not of the active one."""

    scene: Scene
    shown: Shown
    beside: Shown | None = None
    row: str | None = None


class PaneGrid(QWidget):
    """Panes in reading order; the first is there from the start. Its wishes name the pane that they are about."""

    camera_requested = Signal(object, object)  # View, Camera
    cross_requested = Signal(object, object)  # Pane, (row, column) of the picture, not rounded
    slice_requested = Signal(object, int)  # View, slices to go
    hovered_at = Signal(object, object)  # Pane, (row, column) of the picture | None
    window_drag_requested = Signal(float, float)
    window_box_requested = Signal(object)  # values that a box encloses
    pressed = Signal(object)  # View
    maximise_requested = Signal(object)  # View
    divider_moved = Signal(float)
    row_requested = Signal(str)  # a case that is not the active one was clicked

    def __init__(self, colour: str, theme: Theme) -> None:
        super().__init__()
        self._colour, self._theme = colour, theme
        self.panes: list[Pane] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        self._placed = Grid(rows=0, columns=0)
        self._count, self._stacked = 1, False
        self._divider: Divider | None = None
        self._tiled: tuple[Scene, View, Shown, Shown | None] | None = (
            None  # a lightbox is drawn anew when its room changes
        )
        self._place(Grid(rows=1, columns=1), 1)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for pane in self.panes:
            pane.set_theme(theme)

    def set_divider(self, divider: Divider | None) -> None:
        """Show two results in each view, on the two sides of a line."""
        self._divider = divider
        for pane in self.panes:
            pane.view.set_divider(divider)

    def draw_rows(self, cells: Sequence[Cell]) -> None:
        """Show several scenes below one another."""
        self._tiled, self._stacked = None, True
        self._place(Grid(rows=len(cells), columns=1), len(cells))
        for pane, cell in zip(self.panes, cells, strict=False):
            pane.row = cell.row
            if cell.scene.case is None:
                pane.clear()
                pane.view.show_marks(Marks(above=(cell.scene.row_title, cell.shown.words)))
            else:
                pane.draw(cell.scene, cell.scene.views()[0], cell.shown, cell.beside)

    def draw(self, scene: Scene, views: tuple[View, ...], shown: Shown, beside: Shown | None = None) -> None:
        """Show `views` of the case of `scene`, each in a place of its own; in a lightbox, slices of the only one.
        `beside`: another column's result, right of the divider."""
        self._stacked = False
        for pane in self.panes:
            pane.row = None
        if scene.is_lightbox:
            self._tiled = scene, views[0], shown, beside
            self._draw_tiles(*self._tiled)
            return
        self._tiled = None
        self._place(self._usual_grid(len(views)), len(views))
        for pane, view in zip(self.panes, views, strict=False):
            pane.draw(scene, view, shown, beside)

    def _draw_tiles(self, scene: Scene, view: View, shown: Shown, beside: Shown | None) -> None:
        section = scene.section(view)
        grid = grid_for(self.width(), self.height(), plane_geometry(section), section.slices)
        self._place(grid, grid.places)
        tiles = tile_slices(section.slices, grid.places, scene.volume.every, section.index, scene.tile)
        for number, (pane, index) in enumerate(zip(self.panes, tiles, strict=False)):
            if index is None:
                pane.clear()
                continue
            here = scene.through(section.cut.axis, index)
            tile = replace(here, crossed=index == section.index, worded=number == 0)
            pane.draw(tile, view, shown, beside)

    def clear(self) -> None:
        self._tiled = None
        for pane in self.panes:
            pane.clear()

    def seen(self) -> list[Pane]:
        """The panes that have a place now."""
        return self.panes[: self._count]

    def _usual_grid(self, count: int) -> Grid:
        """One, two beside or below one another, or two by two."""
        wide = self.width() >= self.height()
        return Grid(rows=2 if count == 4 or (count == 2 and not wide) else 1, columns=2 if count == 4 or wide else 1)

    def _place(self, grid: Grid, count: int) -> None:
        """Give the first `count` panes a place each, from left to right; a line without panes takes no room."""
        while len(self.panes) < count:
            self._add_pane()
        if count == self._count and grid == self._placed:
            return
        before, self._placed, self._count = self._placed, grid, count
        for number, pane in enumerate(self.panes):
            self._grid.removeWidget(pane.view)
            if number < count:
                self._grid.addWidget(pane.view, *divmod(number, grid.columns))
            pane.view.setVisible(number < count)
        for line in range(max(before.rows, grid.rows)):
            self._grid.setRowStretch(line, int(line < grid.rows and line * grid.columns < count))
        for line in range(max(before.columns, grid.columns)):
            self._grid.setColumnStretch(line, int(line < min(grid.columns, count)))

    def _add_pane(self) -> None:
        pane = Pane(self._colour, self._theme)
        pane.view.set_divider(self._divider)
        self.panes.append(pane)
        self._listen_to(pane, pane.view)

    def _listen_to(self, pane: Pane, view: SliceView) -> None:
        """A row of another case takes a click, which makes that case the active one, and nothing else."""

        def own(emit: Callable[..., None]) -> Callable[..., None]:
            return lambda *what: emit(*what) if pane.row is None else None

        view.camera_requested.connect(own(lambda camera: self.camera_requested.emit(pane.name, camera)))
        view.cross_requested.connect(own(lambda place: self.cross_requested.emit(pane, place)))
        view.slice_requested.connect(own(lambda by: self.slice_requested.emit(pane.name, by)))
        view.hovered_at.connect(own(lambda place: self.hovered_at.emit(pane, place)))
        view.window_drag_requested.connect(own(self.window_drag_requested.emit))
        view.window_box_requested.connect(
            own(lambda rows, columns: self.window_box_requested.emit(pane.values_in(rows, columns)))
        )
        view.divider_moved.connect(self.divider_moved)
        view.pressed.connect(lambda: self._on_pressed(pane))
        view.maximise_requested.connect(lambda: self.maximise_requested.emit(pane.name))

    def _on_pressed(self, pane: Pane) -> None:
        self.pressed.emit(pane.name)
        if pane.row is not None:
            self.row_requested.emit(pane.row)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._tiled is not None:
            self._draw_tiles(*self._tiled)
        else:
            self._place(self._placed if self._stacked else self._usual_grid(self._count), self._count)
