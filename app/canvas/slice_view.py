"""One picture with its layers, in a pyqtgraph view that shows what a shared camera sees. It announces wishes only."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPainterPath, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QGraphicsItem, QGraphicsView, QSizePolicy, QWidget

from app.canvas.camera import Camera, Lens, Plane
from app.canvas.colour_maps import GREY, INVERTED, colourise, windowed_colour
from app.canvas.divider import GRIP_PX, Divider, paint_divider
from app.canvas.items import ColouredOutlinesItem, Fill, OutlineItem, PixelItem
from app.canvas.label_layer import Outlines
from app.canvas.layers import ResultLayers
from app.canvas.markers import paint_rings
from app.canvas.marks import Marks, paint_box, paint_marks
from app.canvas.scale import Bar, bar_of
from core.records import Array

_WHEEL_NOTCH = 120.0
_ZOOM_PER_NOTCH = 1.2
_LEAST_BOX_PX = 4


class SliceView(pg.GraphicsView):  # type: ignore[misc]
    """Image, value map, mask and two outlines over one another. Positions are (row, column) of a voxel, or None."""

    camera_requested = Signal(object)  # Camera
    window_drag_requested = Signal(float, float)  # screen pixels since the last one
    slice_requested = Signal(int)  # slices to go, up is positive
    window_box_requested = Signal(object, object)  # (row, row), (column, column)
    cross_requested = Signal(object)  # (row, column)
    hovered_at = Signal(object)  # (row, column) | None
    pressed = Signal()
    maximise_requested = Signal()
    divider_moved = Signal(float)  # to this part of the width

    def __init__(self, colour: str, reference_colour: str, parent: QWidget | None = None) -> None:
        super().__init__(parent, background="#000000")
        self._lens = Lens(plane=Plane(rows=1, columns=1), camera=Camera(), width=1.0, height=1.0)
        self._is_volume = False
        self.marks, self._mark_colour = Marks(), QColor("#ffffff")
        self._dragged_from: QPointF | None = None
        self._box_from: QPointF | None = None  # a box is being drawn from here
        self._box_to = QPointF()
        self.image_item, self.reference_item = PixelItem(), OutlineItem(reference_colour)
        self.labels_item, self.label_outlines_item = PixelItem(), ColouredOutlinesItem()
        self.image_item.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)  # it stays while masks change
        self.own, self.other = ResultLayers(colour), ResultLayers(colour)
        self.map_item, self.mask_item, self.outline_item = self.own.items()
        self.divider: Divider | None = None
        self._drags_divider = False
        self._box = pg.ViewBox(enableMenu=False, enableMouse=False, invertY=True, defaultPadding=0.0)
        self._set_up()

    def _set_up(self) -> None:
        self.setCentralItem(self._box)
        for depth, item in enumerate(self._layers()):
            item.setZValue(depth)
            self._box.addItem(item, ignoreBounds=True)
        self.setMouseTracking(True)
        self.setAcceptDrops(False)  # the columns take drops, wherever they fall
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # keys go to the columns
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(80, 24)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)  # pens are wider than items

    def close(self) -> bool:
        """Close like any widget: pyqtgraph 0.14 deletes the scene below its own items here, which ends in a crash."""
        return QWidget.close(self)

    # ---- what is shown ----

    def set_canvas_colours(self, background: str, text: str) -> None:
        self.setBackground(QColor(background))
        self._mark_colour = QColor(text)

    def set_volume(self, is_volume: bool) -> None:
        """In a volume the wheel turns slices, Ctrl+wheel zooms and the left button moves the crosshair; in a single
        picture the wheel zooms and the left button moves the picture."""
        self._is_volume = is_volume

    def show_marks(self, marks: Marks) -> None:
        """Letters, words and crosshair over the picture."""
        if marks != self.marks:
            self.marks = marks
            self.viewport().update()

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:  # noqa: N802
        """The scene of this view has the pixels of the screen for units."""
        cross = None if self.marks.cross is None else self._lens.to_screen(*self.marks.cross)
        paint_marks(painter, self.marks, cross, self.viewport().rect(), self._mark_colour, self.scale_bar())
        if self.marks.rings:
            paint_rings(painter, self.marks.rings, self._lens, QRectF(self.viewport().rect()), self._mark_colour)
        if self.divider is not None:
            paint_divider(painter, self.divider, self.viewport().rect())
        if self._box_from is not None:
            paint_box(painter, QRectF(self._box_from, self._box_to).normalized(), self._mark_colour)

    def scale_bar(self) -> Bar | None:
        """How long some millimetres are as the picture is seen now; None where its spacing is not known."""
        across = self.marks.across_mm
        return None if across is None else bar_of(across / self._lens.zoom, self._lens.width)

    def show_image(self, values: Array, low: float, high: float, *, inverted: bool = False) -> None:
        """A (rows, columns) slice through a window, or a (rows, columns, 3) uint8 picture in its colours."""
        if values.ndim == 3:
            self.image_item.show_pixels(
                values, lambda some, out: windowed_colour(some, low, high, out, inverted=inverted)
            )
        else:
            greys = INVERTED if inverted else GREY
            self.image_item.show_pixels(values, lambda some, out: colourise(some, low, high, greys, out))

    def show_outline(self, item: OutlineItem, path: QPainterPath | None) -> None:
        """The path of `outline_path` in an outline item; None takes it away."""
        item.hide() if path is None else item.show_path(path)

    def show_labels(self, plane: Array | None, fill: Fill | None, outlines: Outlines) -> None:
        """A label map (rows, columns), coloured by `fill` where there is one, with outlines; None takes it away."""
        if plane is None or fill is None:
            self.labels_item.hide()
        else:
            self.labels_item.show_pixels(plane, fill)
        if outlines:
            self.label_outlines_item.show_paths(outlines)
        else:
            self.label_outlines_item.hide()

    def set_divider(self, divider: Divider | None) -> None:
        """Left of it the layers of `own` are seen and right of it those of `other`; None: `own` everywhere."""
        if divider != self.divider:
            self.divider = divider
            self._part()
            self.viewport().update()

    def _part(self) -> None:
        """The divider stands on the screen, the layers lie in voxels."""
        if self.divider is None:
            self.own.set_part(None, None)
            self.other.hide()
            return
        x, _ = self._lens.to_voxel(self.divider.x(self.viewport().width()), 0)
        self.own.set_part(None, x)
        self.other.set_part(x, None)

    def finish(self) -> None:
        """Complete the layers of a large picture now, for a picture of the view."""
        for layers in (self.own, self.other):
            layers.map_item.finish()
            layers.mask_item.finish()
        self.labels_item.finish()
        self.image_item.finish()

    def clear(self) -> None:
        """Nothing left of whatever was shown."""
        for item in self._layers():
            item.hide()
        self.show_marks(Marks())

    def _layers(self) -> tuple[PixelItem | OutlineItem | ColouredOutlinesItem, ...]:
        """From bottom to top."""
        other_map, other_mask, other_outline = self.other.items()
        pixels = (self.image_item, self.map_item, other_map, self.labels_item, self.mask_item, other_mask)
        return (*pixels, self.label_outlines_item, self.reference_item, self.outline_item, other_outline)

    # ---- where it looks ----

    def look(self, plane: Plane, camera: Camera) -> None:
        """Show what `camera` sees of `plane`."""
        self._aim(plane, camera)

    def lens(self) -> Lens:
        """Voxels to screen pixels of this view, as it is drawn."""
        return self._lens

    def _aim(self, plane: Plane, camera: Camera) -> None:
        size = self.viewport().size()
        self._lens = Lens(plane=plane, camera=camera, width=max(size.width(), 1), height=max(size.height(), 1))
        across, down = self._lens.ranges()
        self._box.setRange(xRange=across, yRange=down, padding=0, disableAutoRange=True)
        if self.divider is not None:
            self._part()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if hasattr(self, "_lens"):  # the base class resizes itself before it is whole
            self._aim(self._lens.plane, self._lens.camera)

    # ---- the person's hands ----

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / _WHEEL_NOTCH
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if notches and self._is_volume != control:
            self.slice_requested.emit(1 if notches > 0 else -1)
        elif notches:
            where = event.position()
            self.camera_requested.emit(self._lens.zoomed(_ZOOM_PER_NOTCH**notches, where.x(), where.y()))
            self.hovered_at.emit(self._lens.voxel_at(where.x(), where.y()))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.pressed.emit()
        self._drags_divider = event.button() == Qt.MouseButton.LeftButton and self._is_at_divider(event.position())
        if self._drags_divider:
            event.accept()
            return
        self._dragged_from = event.position()
        self._box_from = None
        if event.button() == Qt.MouseButton.RightButton and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._box_from = self._box_to = event.position()
        if self._is_volume and event.button() == Qt.MouseButton.LeftButton:
            self._move_cross(event.position())
        event.accept()

    def _is_at_divider(self, where: QPointF) -> bool:
        return self.divider is not None and abs(where.x() - self.divider.x(self.viewport().width())) <= GRIP_PX

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragged_from, self._drags_divider = None, False
        if self._box_from is not None and event.button() == Qt.MouseButton.RightButton:
            self._ask_for_box(self._box_from, event.position())
        event.accept()

    def _ask_for_box(self, start: QPointF, end: QPointF) -> None:
        """The window of what was enclosed; a mere click encloses nothing."""
        self._box_from = None
        self.viewport().update()
        if (end - start).manhattanLength() >= _LEAST_BOX_PX:
            left, top = self._lens.to_voxel(start.x(), start.y())
            right, bottom = self._lens.to_voxel(end.x(), end.y())
            self.window_box_requested.emit((top, bottom), (left, right))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        where = event.position()
        if self._drags_divider:
            self.divider_moved.emit(min(max(where.x() / max(self.viewport().width(), 1), 0.0), 1.0))
        elif self._dragged_from is not None:
            moved, self._dragged_from = where - self._dragged_from, where
            self._drag(event.buttons(), where, moved)
        elif self._is_volume and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._move_cross(where)
        over = self._drags_divider or self._is_at_divider(where)
        self.viewport().setCursor(Qt.CursorShape.SplitHCursor if over else Qt.CursorShape.ArrowCursor)
        self.hovered_at.emit(self._lens.voxel_at(where.x(), where.y()))
        event.accept()

    def _drag(self, buttons: Qt.MouseButton, where: QPointF, moved: QPointF) -> None:
        if self._box_from is not None:
            self._box_to = where
            self.viewport().update()
        elif buttons & Qt.MouseButton.RightButton:
            self.window_drag_requested.emit(moved.x(), moved.y())
        elif self._is_volume and buttons & Qt.MouseButton.LeftButton:
            self._move_cross(where)
        elif buttons & (Qt.MouseButton.LeftButton | Qt.MouseButton.MiddleButton):
            self.camera_requested.emit(self._lens.panned(moved.x(), moved.y()))

    def _move_cross(self, where: QPointF) -> None:
        """To the voxel under the pointer; beside the picture, the nearest one."""
        x, y = self._lens.to_voxel(where.x(), where.y())
        self.cross_requested.emit((y, x))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.maximise_requested.emit()
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered_at.emit(None)
        super().leaveEvent(event)
