"""What all columns share at a moment: the case, the slice, the window, the point in t, the style, the camera."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.canvas.camera import Camera, Plane
from app.canvas.frame import Quantity, plane_of
from core.records import Array, Case, Image


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
    """Shared by all columns. `t` None = the final result. `bare`: the image alone, while Space is held."""

    case: Case | None = None
    index: int = 0
    low: float = 0.0
    high: float = 1.0
    t: float | None = None
    quantity: Quantity = "mask"
    style: OverlayStyle = OverlayStyle()
    camera: Camera = Camera()  # noqa: RUF009 (frozen)
    bare: bool = False

    def same_picture(self, other: Scene) -> bool:
        """Whether `other` differs in nothing but the camera."""
        if self.case is not other.case:
            return False
        shown = ("index", "low", "high", "t", "quantity", "style", "bare")
        return all(getattr(self, name) == getattr(other, name) for name in shown)

    @property
    def slices(self) -> int:
        return 0 if self.case is None else int(self.case.image.voxels.shape[0])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HoverInfo:
    """What lies under the pointer. `slice`, `row`, `column` are voxel indices; `value` the intensity as stored.

    `probability` by column key, of the step that column shows; a column without a result is missing.
    `reference` is the label of the reference there, None without a reference.
    """

    slice: int
    row: int
    column: int
    value: float
    probability: Mapping[str, float]
    reference: int | None = None


def plane_geometry(image: Image) -> Plane:
    """Size and aspect of a slice; square voxels where the file gives no usable spacing."""
    _, rows, columns = image.voxels.shape
    aspect = 1.0
    if image.spacing_mm is not None and min(image.spacing_mm[1:]) > 0:
        aspect = image.spacing_mm[1] / image.spacing_mm[2]
    return Plane(rows=rows, columns=columns, aspect=aspect)


def picture_of(image: Image, index: int) -> Array:
    """What is drawn of `image`: its colours if it is a colour picture, else the slice (rows, columns)."""
    return image.colour if in_colour(image) and image.colour is not None else plane_of(image.voxels, index)


def in_colour(image: Image) -> bool:
    """Whether `image` is drawn in its own colours."""
    return image.colour is not None and image.voxels.shape[0] == 1


def reference_plane(case: Case, index: int) -> Array | None:
    """The labels of the reference on a slice (rows, columns), or None; a reference of another size is not drawn."""
    if case.reference is None or case.reference.labels.shape != case.image.voxels.shape:
        return None
    return plane_of(case.reference.labels, index)
