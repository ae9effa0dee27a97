"""The views of one column in one, two or four places. It makes them when they are needed, and keeps them."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from app.canvas.pane import Pane, Shown
from app.canvas.scene import Scene
from app.canvas.slice_view import SliceView
from app.items import View
from app.theme import Theme


class PaneGrid(QWidget):
    """Panes in reading order; the first is there from the start. Its wishes name the view that they are about."""

    camera_requested = Signal(object, object)  # View, Camera
    cross_requested = Signal(object, object)  # View, (row, column) of the picture, not rounded
    slice_requested = Signal(object, int)  # View, slices to go
    hovered_at = Signal(object, object)  # View, (row, column) of the picture | None
    window_drag_requested = Signal(float, float)
    pressed = Signal(object)  # View
    maximise_requested = Signal(object)  # View

    def __init__(self, colour: str, theme: Theme) -> None:
        super().__init__()
        self._colour, self._theme = colour, theme
        self.panes: list[Pane] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        self._placed: tuple[int, bool] = (0, False)
        self._count = 1
        self._place(1)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for pane in self.panes:
            pane.set_theme(theme)

    def set_colour(self, colour: str) -> None:
        self._colour = colour
        for pane in self.panes:
            pane.view.outline_item.set_colour(colour)

    def draw(self, scene: Scene, views: tuple[View, ...], shown: Shown) -> None:
        """Show `views` of the case of `scene`, each in a place of its own."""
        self._place(len(views))
        for pane, view in zip(self.panes, views, strict=False):
            pane.draw(scene, view, shown)

    def clear(self) -> None:
        for pane in self.panes:
            pane.clear()

    def seen(self) -> list[Pane]:
        """The panes that have a place now."""
        return self.panes[: self._count]

    def _place(self, count: int) -> None:
        """Give the first `count` panes a place: beside or below one another, or two by two."""
        while len(self.panes) < count:
            self._add_pane()
        self._count = count
        wide = self.width() >= self.height()
        if (count, wide) == self._placed:
            return
        self._placed = (count, wide)
        for number, pane in enumerate(self.panes):
            self._grid.removeWidget(pane.view)
            row, column = divmod(number, 2) if count == 4 or wide else (number, 0)
            if number < count:
                self._grid.addWidget(pane.view, row, column)
            pane.view.setVisible(number < count)
        for line in range(2):
            self._grid.setRowStretch(line, 1)
            self._grid.setColumnStretch(line, 1)
        self._close_empty_lines(count, wide)

    def _close_empty_lines(self, count: int, wide: bool) -> None:
        """A line without panes takes no part of the room."""
        if count < 4:
            self._grid.setRowStretch(1, int(count == 2 and not wide))
            self._grid.setColumnStretch(1, int(count == 2 and wide))

    def _add_pane(self) -> None:
        pane = Pane(self._colour, self._theme)
        self.panes.append(pane)
        self._listen_to(pane, pane.view)

    def _listen_to(self, pane: Pane, view: SliceView) -> None:
        view.camera_requested.connect(lambda camera: self.camera_requested.emit(pane.name, camera))
        view.cross_requested.connect(lambda place: self.cross_requested.emit(pane.name, place))
        view.slice_requested.connect(lambda by: self.slice_requested.emit(pane.name, by))
        view.hovered_at.connect(lambda place: self.hovered_at.emit(pane.name, place))
        view.window_drag_requested.connect(self.window_drag_requested)
        view.pressed.connect(lambda: self.pressed.emit(pane.name))
        view.maximise_requested.connect(lambda: self.maximise_requested.emit(pane.name))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place(self._count)
