"""What all columns share at a moment: the case, the slice, the window, the point in t, the style, the camera."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from app.canvas.camera import Camera, Plane
from app.canvas.quantities import Quantity
from app.items import LabelEntry, Marker, Rows, View, VolumeView
from core import pipeline
from core.records import Array, Case, Image

if TYPE_CHECKING:
    from core.pipeline import Section

Voxel = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayStyle:
    """How masks are drawn. `opacity` of the fill, 0 to 1; `visible` off hides results, not the reference."""

    fill: bool = True
    outline: bool = True
    opacity: float = 0.45
    visible: bool = True
    reference_visible: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """Shared by all columns. `t` None = the final result. `bare`: the image alone, while Space is held.

    `labels` of the reference, each with its look; without any, the reference is one outline.
    `cross`: the voxel (slice, row, column) that all views of a volume go through. `cameras`: by view; none = all of it.
    `inverted`: high is drawn black. `tile`: the place of a lightbox at which the slice of the crosshair should lie,
    None = the middle. `crossed`, `worded`: this view marks the crosshair, and says all that there is to say; tiles do
    not. `rows`: what lies below one another. `captioned`: this view says itself what it shows, after its `row_title`.
    `markers`: places that are pointed out in this column.
    """

    case: Case | None = None
    cross: Voxel = (0, 0, 0)
    volume: VolumeView = VolumeView()  # noqa: RUF009 (frozen)
    low: float = 0.0
    high: float = 1.0
    t: float | None = None
    quantity: Quantity = "mask"
    style: OverlayStyle = OverlayStyle()
    cameras: Mapping[View, Camera] = field(default_factory=dict)
    bare: bool = False
    labels: tuple[LabelEntry, ...] = ()
    inverted: bool = False
    tile: int | None = None
    crossed: bool = True
    worded: bool = True
    rows: Rows = Rows()  # noqa: RUF009 (frozen)
    captioned: bool = False
    row_title: str = ""
    markers: tuple[Marker, ...] = ()

    def same_result(self, other: Scene) -> bool:
        """Whether `other` lays the same over the same section of the image."""
        if self.case is not other.case:
            return False
        return all(getattr(self, name) == getattr(other, name) for name in ("t", "quantity", "style", "bare", "labels"))

    def row_scenes(self) -> tuple[Scene, ...]:
        """A scene for each quantity that is seen at once; empty when the rows are planes."""
        if self.rows.mode != "quantities":
            return ()
        return tuple(replace(self, quantity=name, captioned=True) for name in self.rows.quantities)

    @property
    def slices(self) -> int:
        return 0 if self.case is None else int(self.case.image.voxels.shape[0])

    @property
    def is_volume(self) -> bool:
        """More than one slice: the wheel turns slices, the left button moves the crosshair."""
        return self.slices > 1

    @property
    def is_lightbox(self) -> bool:
        return self.is_volume and self.volume.layout == "lightbox"

    def through(self, axis: int, index: int) -> Scene:
        """The same with the crosshair at slice `index` across an array axis."""
        first, second, third = (index if axis == number else at for number, at in enumerate(self.cross))
        return replace(self, cross=(first, second, third))

    @property
    def index(self) -> int:
        """The slice along the first axis of the array."""
        return self.cross[0]

    def camera(self, view: View) -> Camera:
        return self.cameras.get(view, Camera())

    def section(self, view: View) -> Section:
        """What `view` shows of the image of the case; a single picture has no slab."""
        assert self.case is not None
        look, thick = self.volume, self.is_volume
        projection = look.projection if thick else "off"
        return pipeline.section(self.case.image, view, self.cross, look.convention, projection, look.thickness)

    def views(self) -> tuple[View, ...]:
        """The views of each column, in reading order. A single picture is only ever shown as it was acquired."""
        if not self.is_volume:
            return ("acquired",)
        if self.volume.layout == 4:
            return "axial", "coronal", "sagittal", "acquired"
        if self.volume.layout == 2:
            return "axial", "coronal" if self.section("axial").cut.axis == 0 else "acquired"
        return (self.volume.view,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HoverInfo:
    """What lies under the pointer. `slice`, `row`, `column` are voxel indices; `value` the intensity as stored.

    `probability` by column key, of the step that column shows; a column without a result is missing.
    `reference` is the label of the reference there, None without a reference. `world`: RAS millimetres, None without
    geometry. `crosshair`: the pointer is elsewhere, and this is the voxel of the crosshair.
    """

    slice: int
    row: int
    column: int
    value: float
    probability: Mapping[str, float]
    reference: int | None = None
    world: tuple[float, float, float] | None = None
    crosshair: bool = False


def plane_geometry(section: Section) -> Plane:
    """Size and aspect of a section; square voxels where the file gives no usable spacing."""
    return Plane(rows=section.rows, columns=section.columns, aspect=section.aspect)


def picture_of(image: Image, section: Section) -> Array:
    """What is drawn of `image`: its colours if it is a colour picture, else the section (rows, columns)."""
    if not in_colour(image) or image.colour is None:
        return section.picture(image.voxels)
    return np.stack([section.cut.turn(image.colour[..., channel]) for channel in range(3)], axis=-1)


def in_colour(image: Image) -> bool:
    """Whether `image` is drawn in its own colours."""
    return image.colour is not None and image.voxels.shape[0] == 1


def reference_labels(case: Case) -> Array | None:
    """The labels of the reference, or None; a reference of another size is not drawn."""
    if case.reference is None or case.reference.labels.shape != case.image.voxels.shape:
        return None
    return case.reference.labels


def comparable_labels(case: Case) -> Array | None:
    """The same for comparing voxel by voxel: not of a reference that was only brought onto the image for the eye."""
    return None if case.measured_reference is None else reference_labels(case)
