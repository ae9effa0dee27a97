"""The centre of the window: one column for each checkpoint, all looking at one case through one camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QImage,
    QKeyEvent,
)
from PySide6.QtWidgets import QWidget

from app.canvas.camera import Camera, close_up
from app.canvas.column import Column, shows_step, step_t
from app.canvas.column_row import ColumnRow
from app.canvas.markers import box_on
from app.canvas.pane import Pane, plane_name
from app.canvas.pane_grid import PaneGrid
from app.canvas.quantities import TABLE
from app.canvas.scene import HoverInfo, OverlayStyle, Scene, Voxel, plane_geometry, reference_labels
from app.canvas.window_level import WindowPreset, dragged, full_range, of_box, presets, starting
from app.canvas.zones import Zone, drop_zone
from app.items import LINKS, VIEWS, DropPlace, LabelEntry, Link, Marker, Rows, View, VolumeView
from app.theme import DARK, Theme
from core import pipeline
from core.records import Array, Case, Image, Prediction


class ColumnsView(ColumnRow):
    """Columns linked in pan and zoom, slice, window and t, each of which can be switched off. It announces wishes and
    shows records."""

    window_level_changed = Signal(float, float)  # low, high
    hovered = Signal(object)  # HoverInfo | None
    slice_changed = Signal(int)  # along the first axis of the array
    cross_changed = Signal(object)  # voxel (slice, row, column)
    frame_requested = Signal(int)  # frames of a film to go
    layout_requested = Signal(object)  # Layout
    clicked = Signal()  # any press on a picture
    files_dropped = Signal(object, object)  # tuple of paths, DropPlace

    def __init__(self, theme: Theme = DARK, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._presets: tuple[WindowPreset, ...] = ()
        self._under: tuple[Pane, tuple[int, int]] | None = None
        self._view: View | None = None  # the one that keys turn the slices of
        self._from_lightbox = False
        self.bare_key: int = Qt.Key.Key_Space  # while held: the image only
        self.other_key: int = Qt.Key.Key_B  # while held: the other column's result
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _listen_to(self, column: Column, key: str | None) -> None:
        grid = column.grid
        for signal, do in (
            (grid.camera_requested, self._on_camera),
            (grid.window_drag_requested, self._on_window_drag),
            (grid.window_box_requested, self._on_window_box),
            (grid.slice_requested, self.turn_slices),
            (grid.cross_requested, self._on_cross),
        ):
            signal.connect(partial(self._act, key, do))
        grid.hovered_at.connect(self._on_hovered)
        grid.pressed.connect(self._on_pressed)

    def _act(self, key: str | None, do: Callable[..., None], *what: object) -> None:
        """Something is done in a column, which need not be the active one: the wheel turns whatever lies below it."""
        self._acting = key
        try:
            do(*what)
        finally:
            self._acting = None

    def _leads(self, link: Link) -> bool:
        """Whether what is done now is what the bars beside the view are about."""
        return link in self._scenes.linked or self._acting in (None, self._active)

    def set_active(self, key: str) -> None:
        """What is not linked is another in the active column: whoever shows it should know."""
        other = key != self._active
        super().set_active(key)
        if other and len(self._scenes.linked) < len(LINKS):
            self.window_level_changed.emit(*self.window_level())
            self.slice_changed.emit(self._scene.index)
            self.cross_changed.emit(self._scene.cross)
            self._hover_again()

    def t(self) -> float | None:
        """Where the active column stands between noise (0) and mask (1); None = the final result."""
        return self._scene.t

    def _update(self, **changes: object) -> None:
        super()._update(**changes)
        if changes.keys() & {"cross", "t", "volume"}:
            self._hover_again()

    # ---- the case ----

    def set_case(self, case: Case | None) -> None:
        """Show another case in all columns. Results of the one before are dropped; the view is fitted again.

        Another frame of the same image is seen as the one before was: through the same window, at the same place.
        """
        same_image = case is not None and self._scene.case is not None and case.image is self._scene.case.image
        if same_image:  # a reference came or went: results and view stay
            self._update(case=case)
            return
        for column in self._columns.values():
            column.set_state("empty", "", "")
        if case is not None and self._is_other_frame(case.image):
            self._update(case=case)
            self._hover_again()
            return
        self._presets, self._under = presets(case.image) if case is not None else (), None
        start = starting(self._presets)
        self._maximised = self._one_view = self._view = None
        self._from_lightbox = False
        seen = {"low": start.low, "high": start.high, "inverted": False, "cameras": {}, "tile": None, "labels": ()}
        self._draw(self._scenes.change_all(case=case, cross=_middle(case), t=None, **seen))
        self._arrange()
        self.slice_changed.emit(self._scene.index)
        self.cross_changed.emit(self._scene.cross)
        self._hover_again()

    def _is_other_frame(self, image: Image) -> bool:
        shown = self._scene.case.image if self._scene.case is not None else None
        if shown is None or shown.path is None or shown.path != image.path or image.frames == 1:
            return False
        return shown.frame != image.frame and shown.voxels.shape == image.voxels.shape

    def case(self) -> Case | None:
        return self._scene.case

    def set_slice(self, index: int) -> None:
        """Show slice `index` of the first axis; beyond the ends, the nearest."""
        self.set_cross((index, *self._scene.cross[1:]))

    def set_cross(self, voxel: Voxel) -> None:
        """Move the crosshair to a voxel (slice, row, column), and all views to its slices; outside, the nearest."""
        case, before = self._scene.case, self._scene.cross
        if case is None:
            return
        lengths = case.image.voxels.shape
        first, second, third = (min(max(at, 0), size - 1) for at, size in zip(voxel, lengths, strict=True))
        if (first, second, third) != before:
            self._update(cross=(first, second, third))
            if not self._leads("slice"):
                return
            if first != before[0]:
                self.slice_changed.emit(first)
            self.cross_changed.emit(self._scene.cross)

    def cross(self) -> Voxel:
        """The voxel (slice, row, column) of the crosshair."""
        return self._scene.cross

    def turn_slices(self, view: View, by: int) -> None:
        """Go `by` slices on across a view; of a film, frames."""
        if self._scene.case is not None and not self._scene.is_volume:
            self.frame_requested.emit(by)
        elif self._scene.is_volume:
            axis = self._scene.section(view).cut.axis
            first, second, third = (at + by * (axis == number) for number, at in enumerate(self._scene.cross))
            self.set_cross((first, second, third))

    def turn(self, by: int, *, around: bool = False) -> None:
        """Go `by` slices on across the view that was clicked last; `around`: after the last comes the first."""
        if not self._scene.is_volume:
            return
        views = self._scene.views()
        view = self._view if self._view in views else views[0]
        if around:
            section = self._scene.section(view)
            by = (section.index + by) % section.slices - section.index
        self.turn_slices(view, by)

    # ---- volumes ----

    def is_volume(self) -> bool:
        """Whether there is more than one slice to look at."""
        return self._scene.is_volume

    def plane_names(self) -> tuple[str, ...]:
        """What the planes on offer are called, in the order of `VIEWS`."""
        return tuple(plane_name(view, self._scene.section(view)) for view in VIEWS)

    def slice_spacing_mm(self) -> float | None:
        """From slice to slice of the first view; None when unknown or uneven."""
        section = self._scene.section(self._scene.views()[0])
        return None if section.thickness_mm is None else section.thickness_mm / (section.last - section.first + 1)

    def set_volume(self, look: VolumeView) -> None:
        """Planes, layout, convention and slab, for all columns."""
        if look == self._scene.volume:
            return
        if (look.view, look.layout) != (self._scene.volume.view, self._scene.volume.layout):
            self._view = None
            self._maximise(None, None)
            self._from_lightbox &= look.layout == 1 and look.view == self._scene.volume.view
        before = self._scene.volume
        mirrored = {key: _mirrored(self._scenes.of(key), look) for key in (None, *self._columns)}
        self._scenes.change_all(volume=look)
        if look.convention != before.convention:
            for key, cameras in mirrored.items():
                self._scenes.change(key, cameras=cameras)
        self._draw((None, *self._columns))
        self._hover_again()

    # ---- places that are pointed out ----

    def set_markers(self, key: str | None, markers: tuple[Marker, ...]) -> None:
        """Point out places in the result of a column. The chosen one is marked in the others too, without words: there
        it is a place to look at, and says nothing of their results."""
        chosen = tuple(replace(marker, label="") for marker in markers if marker.chosen)
        self._draw(self._scenes.change_each("markers", {key: markers}, chosen))

    def fly_to(self, voxel: Voxel, box: Sequence[tuple[int, int]]) -> None:
        """The crosshair to a voxel, and every view close to the box (first, past the last along each axis) around
        it."""
        if self._scene.case is None:
            return
        self.set_cross(voxel)
        column = self._columns.get(self._active) if self._active is not None else None
        lenses = {pane.name: pane.view.lens() for pane in (column or self._alone).grid.seen()}
        cameras = {
            view: close_up(replace(lens, plane=plane_geometry(section)), box_on(section, box))
            for view, lens in lenses.items()
            for section in (self._scene.section(view),)
        }
        self._update(cameras={**self._scene.cameras, **cameras})

    # ---- how it is shown ----

    def set_step(self, index: int | None) -> None:
        """The kept step of the active column at `index`, None = the final result. Others show their nearest in t.

        A step that the active column shows already moves nothing: another column's steps are counted from now on, and
        what was seen in the others stays.
        """
        active = self._columns.get(self._active) if self._active is not None else None
        prediction = active.prediction if active else None
        wanted = step_t(prediction, index)
        if wanted is None or self._scene.t is None or not shows_step(prediction, index, self._scene.t):
            self._update(t=wanted)

    def set_quantity(self, name: str) -> None:
        """A name of the table of quantities."""
        if name not in TABLE:
            raise ValueError(f"unknown quantity {name!r}; one of {', '.join(TABLE)}")
        self._update(quantity=name)

    def set_rows(self, rows: Rows) -> None:
        """What lies below one another in each column."""
        if rows != self._scene.rows:
            self._update(rows=rows)

    def set_labels(self, labels: tuple[LabelEntry, ...]) -> None:
        """The labels of the reference, each with its look; none: the reference is drawn as one outline."""
        self._update(labels=labels)

    def set_overlay_style(
        self, fill: bool, outline: bool, opacity: float, visible: bool, reference_visible: bool
    ) -> None:
        style = OverlayStyle(
            fill=fill,
            outline=outline,
            opacity=float(np.clip(opacity, 0.0, 1.0)),
            visible=visible,
            reference_visible=reference_visible,
        )
        self._update(style=style)

    def overlay_style(self) -> OverlayStyle:
        return self._scene.style

    def set_window_level(self, low: float, high: float) -> None:
        """Intensities drawn black and white, for all columns."""
        if (low, high) != (self._scene.low, self._scene.high):
            self._update(low=low, high=high)
            if self._leads("window"):
                self.window_level_changed.emit(low, high)

    def window_level(self) -> tuple[float, float]:
        return self._scene.low, self._scene.high

    def presets(self) -> tuple[WindowPreset, ...]:
        """Windows that suit the image; empty without one."""
        return self._presets

    def set_bare(self, bare: bool) -> None:
        """The image alone, while it lasts."""
        if bare != self._scene.bare:
            self._update(bare=bare)

    def reset_view(self) -> None:
        """The whole picture, its first window, all columns."""
        self._maximise(None, None)
        self._update(cameras={}, inverted=False)
        if self._scene.case is not None:
            first = starting(self._presets)
            self.set_window_level(first.low, first.high)

    def toggle_inverted(self) -> None:
        """High intensities black, and back."""
        self._update(inverted=not self._scene.inverted)

    def inverted(self) -> bool:
        return self._scene.inverted

    def toggle_maximised(self, key: str | None, view: View | None = None) -> None:
        """As for all rows of columns; a slice of a lightbox is seen in the one view, and from there the lightbox."""
        layout = self._scene.volume.layout
        if self._scene.is_lightbox:
            self._from_lightbox = True
            self.layout_requested.emit(1)
        elif self._from_lightbox and layout == 1 and self._scene.is_volume:
            self.layout_requested.emit("lightbox")
        else:
            super().toggle_maximised(key, view)

    def camera(self, view: View = "acquired") -> Camera:
        return self._scene.camera(view)

    def grab_view(self, scale: int) -> QImage:
        """The columns with their heads, drawn anew at `scale` times the size in which they are seen."""
        for column in self._every_column():
            for pane in column.grid.seen():
                pane.finish()
        image = QImage(self.size() * scale, QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(scale)
        image.fill(self._theme.background)
        self.render(image)
        return image

    # ---- hands and keys ----

    def _on_camera(self, view: View, camera: Camera) -> None:
        self._update(cameras={**self._scene.cameras, view: camera})

    def _on_pressed(self, view: View) -> None:
        self._view = view
        self.clicked.emit()

    def _on_cross(self, pane: Pane, place: tuple[float, float]) -> None:
        voxel = pane.voxel_at(place)
        if voxel is None:
            return
        if self._scene.is_lightbox:  # this tile keeps its place, so that a drag in it stays on its slice
            tile = next((grid.panes.index(pane) for grid in self._grids() if pane in grid.panes), None)
            self._scenes.change(self._acting, tile=tile)
        self.set_cross(voxel)

    def _grids(self) -> list[PaneGrid]:
        return [column.grid for column in self._every_column()]

    def _on_window_drag(self, dx: float, dy: float) -> None:
        if self._scene.case is not None:
            low, high = dragged(self._scene.low, self._scene.high, full_range(self._presets), dx, dy)
            self.set_window_level(low, high)

    def _on_window_box(self, values: Array | None) -> None:
        window = None if values is None else of_box(values)
        if window is not None:
            self.set_window_level(*window)

    def _on_hovered(self, pane: Pane, where: tuple[int, int] | None) -> None:
        self._under = None if where is None else (pane, where)
        self._hover_again()

    def _hover_again(self) -> None:
        """The pointer may rest, but what lies under it is another slice, step or result; elsewhere, the crosshair."""
        scene = self._scene
        voxel = self._under[0].voxel_at(self._under[1]) if scene.case is not None and self._under is not None else None
        if voxel is not None:
            self.hovered.emit(self.info_of(voxel))
        else:
            crosshair = scene.case is not None and scene.is_volume
            self.hovered.emit(self.info_of(scene.cross, crosshair=True) if crosshair else None)

    def set_state(self, key: str, state: str, message: str = "", remedy: str = "") -> None:
        super().set_state(key, state, message, remedy)
        self._hover_again()

    def set_prediction(self, key: str, prediction: Prediction | None) -> None:
        super().set_prediction(key, prediction)
        self._hover_again()

    def info_at(self, row: int, column: int) -> HoverInfo | None:
        """What is known about a voxel of the slice of the first axis; None without a case."""
        return self.info_of((self._scene.index, row, column))

    def info_of(self, voxel: Voxel, *, crosshair: bool = False) -> HoverInfo | None:
        """What is known about a voxel (slice, row, column); None without a case."""
        case = self._scene.case
        if case is None:
            return None
        known = {key: shown.probability_at(voxel) for key, shown in self._columns.items()}
        labels = reference_labels(case)
        return HoverInfo(
            slice=voxel[0],
            row=voxel[1],
            column=voxel[2],
            value=float(case.image.voxels[voxel]),
            probability={key: value for key, value in known.items() if value is not None},
            reference=None if labels is None else int(labels[voxel]),
            world=pipeline.world_of(case.image, voxel),
            crosshair=crosshair,
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.hold(event.key(), True):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.isAutoRepeat() and event.key() in (self.bare_key, self.other_key):
            return  # a held key repeats as release and press
        if not self.hold(event.key(), False):
            super().keyReleaseEvent(event)

    def hold(self, key: int, held: bool) -> bool:
        """A key that does something while it is held; False: it is another one."""
        if key == self.bare_key:
            self.set_bare(held)
        elif key == self.other_key:
            self.comparing.hold(held)
        return key in (self.bare_key, self.other_key)

    def let_go(self) -> None:
        """Whatever is held: the release goes elsewhere."""
        self.set_bare(False)
        self.comparing.hold(False)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.let_go()
        super().focusOutEvent(event)

    # ---- drops ----

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            self.hint.set_theme(self._theme, inviting=True)
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        zone = self._zone_at(event.position().toPoint())
        if zone is not None:
            self.overlay.show_zone(zone)
        event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.hint.set_theme(self._theme)
        self.overlay.clear()

    def dropEvent(self, event: QDropEvent) -> None:
        self.hint.set_theme(self._theme)
        self.overlay.clear()
        paths = tuple(url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile())
        if paths:
            event.acceptProposedAction()
            zone = self._zone_at(event.position().toPoint())
            self.files_dropped.emit(paths, DropPlace() if zone is None else zone.place)

    def _zone_at(self, at: QPoint) -> Zone | None:
        """Where a drop would land; None while there are no columns."""
        places = self.places()
        titles = {key: column.title for key, column in self._columns.items()}
        return drop_zone(places, self.keys(), titles, at) if places else None


def _mirrored(scene: Scene, look: VolumeView) -> dict[View, Camera]:
    """The cameras that see the same voxels when left and right change places."""
    if scene.case is None:
        return {}
    after, made = replace(scene, volume=look), {}
    for view, camera in scene.cameras.items():
        old, new = scene.section(view), after.section(view)
        if camera.centre is not None:
            x, y = camera.centre
            down, across = new.on_screen(old.cut.voxel_at(old.index, y, x, old.shape))
            made[view] = replace(camera, centre=(across, down))
        else:
            made[view] = camera
    return made


def _middle(case: Case | None) -> Voxel:
    if case is None:
        return 0, 0, 0
    slices, rows, columns = case.image.voxels.shape
    return slices // 2, rows // 2, columns // 2
