"""Where the views look: one camera for all columns, so that linked views cannot drift apart."""

from __future__ import annotations

from dataclasses import dataclass, replace

MAX_ZOOM = 64.0
"""Screen pixels per voxel column at most: a voxel then fills a fingertip, and more shows nothing new."""
CLOSE_ZOOM = 8.0
"""Screen pixels per voxel column at most when a small thing is looked at closely: its surroundings stay in sight."""
AROUND = 3.0
"""How many times its own size a thing that is looked at closely gets of the view."""
FIT_MARGIN = 4.0
"""Screen pixels left free on each side of an image that is fitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """The picture looked at: `rows` x `columns` voxels; `aspect` = row spacing / column spacing (1 where unknown)."""

    rows: int
    columns: int
    aspect: float = 1.0

    @property
    def centre(self) -> tuple[float, float]:
        """(x, y) of the middle of the picture; voxel centres lie at whole numbers."""
        return (self.columns - 1) / 2, (self.rows - 1) / 2

    def fit(self, width: float, height: float) -> float:
        """The zoom at which the whole picture is seen in a view of that many screen pixels."""
        across = max(width - 2 * FIT_MARGIN, 1.0) / self.columns
        down = max(height - 2 * FIT_MARGIN, 1.0) / (self.rows * self.aspect)
        return min(across, down)

    def clamp(self, x: float, y: float) -> tuple[float, float]:
        """The point of the picture nearest to (x, y)."""
        return min(max(x, -0.5), self.columns - 0.5), min(max(y, -0.5), self.rows - 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """`centre` (x, y) is in the middle of the view, `zoom` in screen pixels per voxel column. None: all of it."""

    centre: tuple[float, float] | None = None
    zoom: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """A camera on a plane seen in a view of `width` x `height` screen pixels: voxels to screen and back."""

    plane: Plane
    camera: Camera
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        return self.camera.centre or self.plane.centre

    @property
    def zoom(self) -> float:
        return self.camera.zoom or self.plane.fit(self.width, self.height)

    @property
    def scale(self) -> tuple[float, float]:
        """Screen pixels per voxel along x and y, in the ratio of the spacing: a square in millimetres stays square."""
        return self.zoom, self.zoom * self.plane.aspect

    def ranges(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """What the view sees: (left, right), (top, bottom) in voxels."""
        (x, y), (across, down) = self.centre, self.scale
        half_width, half_height = self.width / across / 2, self.height / down / 2
        return (x - half_width, x + half_width), (y - half_height, y + half_height)

    def to_voxel(self, screen_x: float, screen_y: float) -> tuple[float, float]:
        """(x, y) in voxels of a point of the view."""
        (x, y), (across, down) = self.centre, self.scale
        return x + (screen_x - self.width / 2) / across, y + (screen_y - self.height / 2) / down

    def to_screen(self, x: float, y: float) -> tuple[float, float]:
        """The point of the view where (x, y) is drawn."""
        (centre_x, centre_y), (across, down) = self.centre, self.scale
        return self.width / 2 + (x - centre_x) * across, self.height / 2 + (y - centre_y) * down

    def voxel_at(self, screen_x: float, screen_y: float) -> tuple[int, int] | None:
        """(row, column) under a point of the view; None beside the picture."""
        x, y = self.to_voxel(screen_x, screen_y)
        row, column = floor_half_up(y), floor_half_up(x)
        return (row, column) if 0 <= row < self.plane.rows and 0 <= column < self.plane.columns else None

    def panned(self, screen_dx: float, screen_dy: float) -> Camera:
        """The camera after the picture was dragged by that many screen pixels; the picture cannot be lost."""
        (x, y), (across, down) = self.centre, self.scale
        return Camera(centre=self.plane.clamp(x - screen_dx / across, y - screen_dy / down), zoom=self.zoom)

    def zoomed(self, factor: float, screen_x: float, screen_y: float) -> Camera:
        """The camera after zooming by `factor` with the voxel under (screen_x, screen_y) staying where it is."""
        smallest = self.plane.fit(self.width, self.height) / 4
        zoom = min(max(self.zoom * factor, min(smallest, self.zoom)), max(MAX_ZOOM, self.zoom))
        x, y = self.to_voxel(screen_x, screen_y)
        after = replace(self, camera=Camera(centre=self.centre, zoom=zoom)).to_voxel(screen_x, screen_y)
        centre_x, centre_y = self.centre
        return Camera(centre=self.plane.clamp(centre_x + x - after[0], centre_y + y - after[1]), zoom=zoom)


def close_up(lens: Lens, box: tuple[float, float, float, float]) -> Camera:
    """The camera that sees a box (left, top, right, bottom in voxels) in the middle, with its surroundings."""
    left, top, right, bottom = box
    fit, aspect = lens.plane.fit(lens.width, lens.height), lens.plane.aspect
    room = min(lens.width / (right - left), lens.height / ((bottom - top) * aspect)) / AROUND
    zoom = min(max(room, fit), max(CLOSE_ZOOM, 2 * fit), MAX_ZOOM)
    return Camera(centre=((left + right) / 2, (top + bottom) / 2), zoom=zoom)


def floor_half_up(value: float) -> int:
    """The index of the voxel that covers `value`: voxel i reaches from i - 0.5 (in) to i + 0.5 (out)."""
    return int((value + 0.5) // 1)
