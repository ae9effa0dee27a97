"""What is drawn: pixel pictures and outlines, both in voxel coordinates, both without smoothing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPainterPath, QPen, QTransform
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app.canvas.contour import boundary_segments, corners
from app.canvas.hatching import Hatching
from core.records import Array

_CASING_FROM = 5.0
"""Screen pixels per voxel from which an outline is two pixels wide and gets its casing."""
MOST_LINES = 40_000
"""A mask with more straight sides than this is noise: no eye follows them, and drawing them holds up the window."""
_AT_ONCE = 1_000_000
"""A picture of this many voxels is coloured while nobody notices; a larger one in turns."""
_BAND, _TURN_S = 65_536, 0.012
_FAR = 1e5
"""Voxels: beyond every picture."""
_TO_VOXEL_SIDES = QTransform.fromTranslate(-0.5, -0.5)


Fill = Callable[[Array, Array], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What is painted of an item: between two x in voxels; None = no limit on that side."""

    left: float | None = None
    right: float | None = None

    def clip(self, painter: QPainter) -> None:
        if self.left is None and self.right is None:
            return
        left = -_FAR if self.left is None else self.left
        right = _FAR if self.right is None else self.right
        painter.setClipRect(QRectF(left, -_FAR, right - left, 2 * _FAR), Qt.ClipOperation.IntersectClip)


class PixelItem(pg.GraphicsObject):  # type: ignore[misc]
    """A picture of (rows, columns) colours that keeps one buffer and redraws in it: scrubbing allocates nothing new.

    Painted as a texture: that looks up each screen pixel's voxel, while drawImage first moves the sides of the picture
    to whole screen pixels, which is wrong by up to half a pixel at most zooms and shows beside an outline.
    Image, map and overlay are all of this one kind and format, so Qt samples them alike: they cannot slip by a pixel.
    """

    def __init__(self) -> None:
        super().__init__()
        self._buffer: Array = np.zeros((1, 1), np.uint32)
        self._picture = _over(self._buffer)
        self._coarse, self._step = self._buffer, 1
        self._rows_done = 0
        self._part = Part()
        self._hatchings: tuple[Hatching, ...] = ()
        self._fill_rows: Callable[[slice], None] = lambda rows: None
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._fill_some)
        self.hide()

    def boundingRect(self) -> QRectF:  # noqa: N802
        rows, columns = self._buffer.shape
        return QRectF(-0.5, -0.5, columns, rows)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._part.clip(painter)
        rows, columns = self._buffer.shape
        done = QRectF(-0.5, -0.5, columns, self._rows_done)
        if self._rows_done < rows:
            painter.fillRect(QRectF(-0.5, done.bottom(), columns, rows - self._rows_done), self._coarse_brush())
        brush = QBrush(self._picture)
        brush.setTransform(_TO_VOXEL_SIDES)
        painter.fillRect(done, brush)
        for hatching in self._hatchings:
            hatching.paint(painter)

    def _coarse_brush(self) -> QBrush:
        brush = QBrush(_over(self._coarse))
        brush.setTransform(QTransform.fromScale(self._step, self._step) * _TO_VOXEL_SIDES)
        return brush

    def set_part(self, left: float | None, right: float | None) -> None:
        """Only what lies between two x is painted; None = no limit on that side."""
        self._part = Part(left=left, right=right)
        self.update()

    def show_pixels(self, values: Array, fill: Fill, hatchings: Iterable[Hatching] = ()) -> None:
        """Show `values` (rows, columns, ...) in the ARGB colours that `fill` writes into (rows, columns) uint32.

        A large picture is shown at once from every n-th voxel, and completed in short turns from the top:
        the window never waits for all of its colours.
        """
        rows, columns = shape = values.shape[:2]
        if self._buffer.shape != shape:
            self.prepareGeometryChange()
            self._buffer = np.zeros(shape, np.uint32)
            self._picture = _over(self._buffer)
        self._rows_done, self._hatchings = 0, tuple(hatchings)
        self._fill_rows = lambda some: fill(values[some], self._buffer[some])
        if rows * columns <= _AT_ONCE:
            self.finish()
        else:
            self._show_coarse(values, fill)
            self._timer.start()
        self.show()
        self.update()

    def _show_coarse(self, values: Array, fill: Fill) -> None:
        step = math.ceil(math.sqrt(values.shape[0] * values.shape[1] / _AT_ONCE))
        every = np.ascontiguousarray(values[::step, ::step])
        self._coarse, self._step = np.zeros(every.shape[:2], np.uint32), step
        fill(every, self._coarse)

    def finish(self) -> None:
        """Complete the picture now."""
        self._fill_until(math.inf)

    def hide(self) -> None:
        """Not shown, not completed."""
        self._timer.stop()
        self._hatchings = ()
        super().hide()

    def _fill_some(self) -> None:
        self._fill_until(time.perf_counter() + _TURN_S)
        self.update()

    def _fill_until(self, end: float) -> None:
        rows, columns = self._buffer.shape
        band = max(1, _BAND // columns)
        while self._rows_done < rows and time.perf_counter() < end:
            some = slice(self._rows_done, min(self._rows_done + band, rows))
            self._fill_rows(some)
            self._rows_done = some.stop
        if self._rows_done == rows:
            self._timer.stop()
            self._fill_rows = lambda rows: None  # lets go of the values


def _over(buffer: Array) -> QImage:
    """A QImage on the memory of `buffer`; it sees every later change."""
    rows, columns = buffer.shape
    return QImage(buffer.data, columns, rows, columns * 4, QImage.Format.Format_ARGB32_Premultiplied)


class OutlineItem(pg.GraphicsObject):  # type: ignore[misc]
    """The edge of a mask along the sides of its voxels: a hair line, with a dark casing once voxels are large enough.

    In the small, line and casing of both sides of a thin vessel would hide the vessel itself.
    """

    def __init__(self, colour: str) -> None:
        super().__init__()
        self._path = QPainterPath()
        self._part = Part()
        self._rect = QRectF()
        self.set_colour(colour)
        self.hide()

    def set_colour(self, colour: str) -> None:
        self._hair, self._line = _pen(QColor(colour), 1), _pen(QColor(colour), 2)
        self._casing = _pen(QColor(0, 0, 0, 150), 4)
        self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802
        return self._rect

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._part.clip(painter)
        per_voxel = painter.worldTransform().m11()
        sharper = painter.deviceTransform().m11() / per_voxel  # 2 on a screen of twice the density, 4 in a 4x picture
        for pen in (self._casing, self._line) if per_voxel >= _CASING_FROM else (self._hair,):
            painter.setPen(_widened(pen, sharper))
            painter.drawPath(self._path)

    def set_part(self, left: float | None, right: float | None) -> None:
        """Only what lies between two x is painted; None = no limit on that side."""
        self._part = Part(left=left, right=right)
        self.update()

    def show_path(self, path: QPainterPath) -> None:
        """Show a path made by `outline_path`."""
        self.prepareGeometryChange()
        self._path = path
        self._rect = path.boundingRect().adjusted(-2, -2, 2, 2)  # the pen is wider than the path, whatever the zoom
        self.show()
        self.update()


class ColouredOutlinesItem(pg.GraphicsObject):  # type: ignore[misc]
    """Several outlines, each a hair line in a colour of its own: the labels of a map."""

    def __init__(self) -> None:
        super().__init__()
        self._paths: tuple[tuple[QPen, QPainterPath], ...] = ()
        self._rect = QRectF()
        self.hide()

    def boundingRect(self) -> QRectF:  # noqa: N802
        return self._rect

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        sharper = painter.deviceTransform().m11() / painter.worldTransform().m11()
        for pen, path in self._paths:
            painter.setPen(_widened(pen, sharper))
            painter.drawPath(path)

    def show_paths(self, paths: Iterable[tuple[str, QPainterPath]]) -> None:
        """Show paths made by `outline_path`, each with its `#rrggbb`."""
        self.prepareGeometryChange()
        self._paths = tuple((_pen(QColor(colour), 1), path) for colour, path in paths)
        self._rect = QRectF()
        for _, path in self._paths:
            self._rect = self._rect.united(path.boundingRect().adjusted(-2, -2, 2, 2))
        self.show()
        self.update()


def _widened(pen: QPen, by: float) -> QPen:
    """Qt counts the width of a cosmetic pen in device pixels: on a dense screen it would be a thread."""
    wider = QPen(pen)
    wider.setWidthF(pen.widthF() * by)
    return wider


def _pen(colour: QColor, width: float) -> QPen:
    pen = QPen(colour, width)
    pen.setCosmetic(True)  # width in screen pixels at any zoom
    pen.setCapStyle(Qt.PenCapStyle.SquareCap)
    return pen


def outline_path(mask: Array) -> QPainterPath | None:
    """The outline of a (rows, columns) bool mask in voxel coordinates; None for noise, whose lines would be a blur."""
    if corners(mask) > MOST_LINES:
        return None
    x, y = boundary_segments(mask)
    if x.size > 2 * MOST_LINES:
        return None
    return pg.arrayToQPath(x, y, connect="pairs", finiteCheck=False) if x.size else QPainterPath()
