"""The view of OpenGL: surfaces, the image behind them, crosshair and letters. To be imported only where OpenGL is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyqtgraph.opengl as gl
from OpenGL import GL
from pyqtgraph import Transform3D
from pyqtgraph.opengl import shaders
from pyqtgraph.opengl.GLGraphicsItem import GLOptions
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QMouseEvent,
    QPainter,
    QResizeEvent,
    QVector3D,
    QVector4D,
    QWheelEvent,
)
from PySide6.QtOpenGL import QOpenGLPaintDevice

from core.records import Array, Space, Surface, Texture

FIELD, START_ELEVATION, START_AZIMUTH = 40, 15, 110
"""Degrees. A patient is seen from in front, a little from above and from the left."""
CLICK_PX, NEAR_PX, ROOM, OUTSIDE, LETTER_PX = 4, 6, 1.0, 0.06, 14
AROUND = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1), (-1, 1), (1, -1))
DIMMED = 0.7
"""Of white, what is left to the image: lines and letters stay to be seen."""
BACKGROUND, FRAME, CROSS = "#0B0D10", "#5A646F", "#F2F4F6"
# The image is drawn first, the highest value of all its slices along the line of sight, and hides nothing.
MAXIMUM = {
    GL.GL_DEPTH_TEST: False,
    GL.GL_BLEND: True,
    GL.GL_CULL_FACE: False,
    "glBlendFunc": (GL.GL_ONE, GL.GL_ONE),
    "glBlendEquation": (GL.GL_MAX,),
    "glDepthMask": (False,),
}
LIT = """
    uniform mat4 u_mvp;
    uniform mat3 u_normal;
    attribute vec4 a_position;
    attribute vec3 a_normal;
    attribute vec4 a_color;
    varying vec4 v_color;
    varying vec3 v_normal;
    void main() {
        v_normal = normalize(u_normal * a_normal);
        v_color = a_color;
        gl_Position = u_mvp * a_position;
    }
"""
SHADE = """
    #ifdef GL_ES
    precision mediump float;
    #endif
    varying vec4 v_color;
    varying vec3 v_normal;
    void main() {
        float light = abs(dot(normalize(v_normal), normalize(vec3(0.3, 0.5, 0.8))));
        gl_FragColor = vec4(v_color.rgb * (0.25 + 0.75 * light), v_color.a);
    }
"""


def _lit() -> shaders.ShaderProgram:
    """A lamp at the eye, on both sides of a surface."""
    return shaders.ShaderProgram(None, [shaders.VertexShader(LIT), shaders.FragmentShader(SHADE)])


class _Mesh(gl.MeshData):  # type: ignore[misc]
    """Triangles whose normals are known: pyqtgraph would compute them vertex by vertex, on the GUI thread."""

    def __init__(self, surface: Surface) -> None:
        super().__init__(vertexes=np.array(surface.vertices), faces=np.array(surface.faces))
        self._vertexNormals = np.array(surface.normals)


class View3D(gl.GLViewWidget):  # type: ignore[misc]
    """Turned with the left button, moved with Ctrl, nearer with the wheel. A click asks for the point under it."""

    pick_requested = Signal(object, object, float)  # origin, direction (x, y, z), tolerance as a tangent

    def __init__(self) -> None:
        super().__init__()
        self.setBackgroundColor(BACKGROUND)
        self.opts["fov"] = FIELD
        self._pressed: QPointF | None = None
        self._shader = _lit()
        self._surfaces: dict[str, gl.GLMeshItem] = {}
        self._drawn: dict[str, tuple[Surface, str, float]] = {}
        self._texture: Texture | None = None
        self._point: tuple[float, float, float] | None = None
        self._volume: gl.GLVolumeItem | None = None
        self._cross: gl.GLLinePlotItem | None = None
        self._frame: gl.GLLinePlotItem | None = None
        self._space: Space | None = None
        self._fitted = True
        self.setMinimumSize(140, 120)

    # ---- what is shown -----------------------------------------------------------------------------------------------

    def set_space(self, space: Space) -> None:
        """The box of a volume with its letters; another box is looked at from the start."""
        known, self._space = self._space, space
        if known is not None and (known.low, known.high) == (space.low, space.high):
            return
        self._draw_box(space)
        self.reset_view()

    def _draw_box(self, space: Space) -> None:
        if self._frame is not None:
            self.removeItem(self._frame)
        self._frame = _lines(_box_lines(np.array(space.low), np.array(space.high)), FRAME, 1)
        self.addItem(self._frame)

    def reset_view(self) -> None:
        """All of the box, from in front."""
        if self._space is not None:
            low, high = np.array(self._space.low), np.array(self._space.high)
            self._fitted = True
            self.setCameraPosition(
                QVector3D(*((low + high) / 2)), self._whole(), elevation=START_ELEVATION, azimuth=START_AZIMUTH
            )

    def _whole(self) -> float:
        """How far away the ball around the box, letters included, fills the shorter side of the widget."""
        assert self._space is not None
        radius = ROOM * float(np.linalg.norm(np.array(self._space.high) - np.array(self._space.low))) / 2
        across = np.tan(np.radians(FIELD / 2))  # pyqtgraph's field of view is that of the width
        shorter = across * min(1.0, self.height() / max(self.width(), 1))
        return float(radius / np.sin(np.arctan(max(shorter, 0.05))))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._fitted and self._space is not None:
            self.setCameraPosition(distance=self._whole())

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._fitted = False
        super().wheelEvent(event)

    def set_surfaces(self, surfaces: Mapping[str, tuple[Surface, str, float]]) -> None:
        """Surface, colour and opacity (0 to 1) by key, instead of those that are shown."""
        for item in self._surfaces.values():
            self.removeItem(item)
        self._surfaces, self._drawn = {}, dict(surfaces)
        for key, (surface, colour, opacity) in surfaces.items():
            if len(surface.faces):
                item = gl.GLMeshItem(meshdata=_Mesh(surface), smooth=True, shader=self._shader)
                self._surfaces[key] = item
                self.addItem(item)
                self.set_look(key, colour, opacity)

    def set_look(self, key: str, colour: str, opacity: float) -> None:
        """Colour and opacity of a surface; at 0 it is not drawn."""
        item = self._surfaces.get(key)
        if item is None:
            return
        self._drawn[key] = self._drawn[key][0], colour, opacity
        drawn = QColor(colour)
        item.setColor((drawn.redF(), drawn.greenF(), drawn.blueF(), opacity))
        item.setGLOptions(_plain("opaque" if opacity >= 1 else "translucent"))
        item.setDepthValue(0 if opacity >= 1 else 10)  # what can be seen through comes after what cannot
        item.setVisible(opacity > 0)

    def set_texture(self, texture: Texture | None) -> None:
        """The image behind the surfaces; None = without."""
        self._texture = texture
        if self._volume is not None:
            self.removeItem(self._volume)
            self._volume = None
        if texture is not None:
            dimmed = (texture.levels * DIMMED).astype(np.uint8)
            colours = np.repeat(dimmed[..., None], 4, axis=-1)
            self._volume = gl.GLVolumeItem(colours, sliceDensity=1, smooth=True)
            self._volume.setGLOptions(MAXIMUM)
            self._volume.setDepthValue(-10)
            self._volume.setTransform(_matrix(texture.matrix))
            self.addItem(self._volume)

    def set_cross(self, point: tuple[float, float, float]) -> None:
        """Three lines through the box that meet at a point."""
        self._point = point
        if self._space is None:
            return
        places = _cross_lines(np.array(self._space.low), np.array(self._space.high), np.array(point))
        if self._cross is None:
            self._cross = _lines(places, CROSS, 1.5)
            self.addItem(self._cross)
        else:
            self._cross.setData(pos=places)

    # ---- OpenGL ------------------------------------------------------------------------------------------------------

    def initializeGL(self) -> None:  # noqa: N802
        """A tab that is pulled out of the window, or put back, gets another context, in which nothing is left of what
        was made in the one before."""
        for kind in (gl.GLVolumeItem, gl.GLLinePlotItem):
            kind._shaderProgram = None  # pyqtgraph keeps one program for all contexts: it takes them to be shared
        super().initializeGL()
        self.context().aboutToBeDestroyed.connect(self._drop_items)
        if not self.items and self._space is not None:
            self._draw_again(self._space)

    def _drop_items(self) -> None:
        for item in list(self.items):
            self.removeItem(item)
        self._surfaces, self._volume, self._cross, self._frame = {}, None, None, None
        self._shader = _lit()

    def _draw_again(self, space: Space) -> None:
        self._draw_box(space)
        self.set_surfaces(self._drawn)
        self.set_texture(self._texture)
        if self._point is not None:
            self.set_cross(self._point)

    def paintGL(self) -> None:  # noqa: N802
        """Put back what the last picture left (without its mask no depth is cleared), draw, and write the letters."""
        for test in (GL.GL_SCISSOR_TEST, GL.GL_STENCIL_TEST):
            GL.glDisable(test)
        GL.glDepthMask(True)
        GL.glBlendEquation(GL.GL_FUNC_ADD)
        super().paintGL()
        GL.glDepthMask(True)
        GL.glBlendEquation(GL.GL_FUNC_ADD)
        GL.glDisable(GL.GL_DEPTH_TEST)
        if self._space is not None:
            # Not on the widget itself: while the window is grabbed, that would paint elsewhere.
            device = QOpenGLPaintDevice(self.deviceWidth(), self.deviceHeight())
            device.setDevicePixelRatio(self.devicePixelRatioF())
            painter = QPainter(device)
            self._write_letters(painter, self._space)
            painter.end()

    def _write_letters(self, painter: QPainter, space: Space) -> None:
        font = QFont(self.font())
        font.setPixelSize(LETTER_PX)
        font.setBold(True)
        for name, place in _letter_places(space):
            middle = QPointF(-painter.fontMetrics().horizontalAdvance(name) / 2, LETTER_PX / 2)
            where = self.place_of(place) + middle
            painter.setPen(QColor(BACKGROUND))  # not as a path: filling one needs a stencil, which not every driver has
            for by in AROUND:
                painter.drawText(where + QPointF(*by), name)
            painter.setPen(QColor(CROSS))
            painter.drawText(where, name)

    # ---- picking -----------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = event.position()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        near = pressed is not None and (event.position() - pressed).manhattanLength() <= CLICK_PX
        if near and event.button() == Qt.MouseButton.LeftButton:
            self.ask_for(event.position())
        super().mouseReleaseEvent(event)

    def ask_for(self, where: QPointF) -> None:
        """Announce the ray from the eye through a point of the widget."""
        viewport = self.getViewport()
        back, known = (self.projectionMatrix(viewport, viewport) * self.viewMatrix()).inverted()
        if not known or not self.width() or not self.height():
            return
        x, y = 2 * where.x() / self.width() - 1, 1 - 2 * where.y() / self.height()
        far, eye = back.map(QVector4D(x, y, 1, 1)).toVector3DAffine(), self.cameraPosition()
        direction = far.x() - eye.x(), far.y() - eye.y(), far.z() - eye.z()
        tolerance = NEAR_PX * 2 * np.tan(np.radians(self.opts["fov"] / 2)) / self.width()
        self.pick_requested.emit((eye.x(), eye.y(), eye.z()), direction, float(tolerance))

    def place_of(self, point: tuple[float, float, float]) -> QPointF:
        """Where a point of the space is seen in the widget."""
        viewport = self.getViewport()
        seen = (self.projectionMatrix(viewport, viewport) * self.viewMatrix()).map(QVector4D(*point, 1))
        placed = seen.toVector3DAffine()
        return QPointF((placed.x() + 1) / 2 * self.width(), (1 - placed.y()) / 2 * self.height())


def _plain(name: str) -> dict[object, object]:
    """Options of pyqtgraph, and what the image changed put back."""
    return {**GLOptions[name], "glBlendEquation": (GL.GL_FUNC_ADD,), "glDepthMask": (name == "opaque",)}


def _lines(places: Array, colour: str, width: float) -> gl.GLLinePlotItem:
    item = gl.GLLinePlotItem(pos=places, color=QColor(colour), width=width, mode="lines", antialias=False)
    item.setGLOptions(_plain("opaque"))
    return item


def _box_lines(low: Array, high: Array) -> Array:
    """(24, 3): the two ends of each edge of a box."""
    ends = []
    for axis in range(3):
        others = [number for number in range(3) if number != axis]
        for corner in ((0, 0), (0, 1), (1, 0), (1, 1)):
            start = low.copy()
            start[others] = np.where(corner, high[others], low[others])
            end = start.copy()
            end[axis] = high[axis]
            ends += [start, end]
    return np.array(ends, dtype=np.float32)


def _cross_lines(low: Array, high: Array, point: Array) -> Array:
    """(6, 3): the two ends of each line through `point` along an axis."""
    ends = []
    for axis in range(3):
        for end in (low, high):
            place = point.copy()
            place[axis] = end[axis]
            ends.append(place)
    return np.array(ends, dtype=np.float32)


def _letter_places(space: Space) -> Sequence[tuple[str, tuple[float, float, float]]]:
    """The letters at both ends of each axis, a little outside the box."""
    low, high, made = np.array(space.low), np.array(space.high), []
    outside = OUTSIDE * float((high - low).max())
    for axis, names in enumerate(space.letters):
        for name, end, by in ((names[0], low, -outside), (names[1], high, outside)):
            place = (low + high) / 2
            place[axis] = end[axis] + by
            made.append((name, (float(place[0]), float(place[1]), float(place[2]))))
    return made


def _matrix(values: Array) -> object:
    return Transform3D(*values.astype(float).ravel().tolist())
