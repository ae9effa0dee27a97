"""What a view of a volume shows: a cut at one slice, or a slab of slices projected into one, with its place in space.

Only the voxels of the slab are touched: a section costs as much as its picture, however large the volume is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np

from core.images.geometry import WORLD_LETTERS, affine_problem, obliqueness_degrees, spacing_mm, to_world, world_axes
from core.images.planes import Convention, Cut, cut_of, nearest_axis
from core.images.strips import across_columns
from core.records import Array, Image

View = Literal["axial", "coronal", "sagittal", "acquired"]
Projection = Literal["off", "max", "min", "mean"]
_UNKNOWN = {"acquired": 0, "axial": 0, "coronal": 1, "sagittal": 2}
"""Array axes that stand in for the planes where nobody knows how the patient lies."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Section:
    """Slices `first` to `last` across `cut.axis`, around `index`. Without a projection all three are one number.

    `shape` of the volume; `aspect`: height / width of a pixel, 1 where unknown; `across_mm`: its width, and
    `thickness_mm`: of the whole slab, None when unknown or uneven; `place`: where slice `index` lies, in words (`S 12.0
    mm`), empty when unknown. `oblique_degrees`: how far the array is turned from the body's axes. `scaled`: `yes`,
    `uneven` (not the same everywhere, or sheared), `no`.
    """

    cut: Cut
    index: int
    first: int
    last: int
    shape: tuple[int, ...]
    projection: Projection = "off"
    aspect: float = 1.0
    across_mm: float | None = None
    thickness_mm: float | None = None
    place: str = ""
    oblique_degrees: float = 0.0
    scaled: Literal["yes", "uneven", "no"] = "no"

    @property
    def rows(self) -> int:
        return self.shape[self.cut.rows]

    @property
    def columns(self) -> int:
        return self.shape[self.cut.columns]

    @property
    def slices(self) -> int:
        """How many there are across this cut."""
        return self.shape[self.cut.axis]

    @property
    def thick(self) -> bool:
        return self.first < self.last

    def same_place(self, other: Section | None) -> bool:
        """Whether both show the same voxels in the same way."""
        names = ("cut", "index", "first", "last", "shape", "projection")
        return other is not None and all(getattr(self, name) == getattr(other, name) for name in names)

    def plane(self, volume: Array) -> Array:
        """(down, across) of slice `index` alone, not copied unless that makes turning the slices smoother."""
        if self.cut.axis == 2:
            return self.cut.turn(across_columns(volume, self.index))
        return self.cut.slice_of(volume, self.index)

    def picture(self, volume: Array) -> Array:
        """(down, across): the slice as a view, or the projection of the slab. Holes (NaN) count only for a mean."""
        if not self.thick or self.projection == "off":
            return self.plane(volume)
        slab, axis = self._slab(volume), self.cut.axis
        if self.projection == "mean":
            return self.cut.turn(slab.mean(axis=axis, dtype=np.float32))
        best = np.fmax if self.projection == "max" else np.fmin
        return self.cut.turn(best.reduce(slab, axis=axis))

    def union(self, volume: Array, holds: Callable[[Array], Array]) -> Array:
        """(down, across) bool: where `holds` (a mask of what it is given) is true in any slice that is shown."""
        if not self.thick or self.projection == "off":
            return holds(self.plane(volume))
        return self.cut.turn(np.asarray(holds(self._slab(volume)).any(axis=self.cut.axis)))

    def _slab(self, volume: Array) -> Array:
        slab: Array = volume[(slice(None),) * self.cut.axis + (slice(self.first, self.last + 1),)]
        return slab

    def voxel_at(self, row: float, column: float) -> tuple[int, int, int]:
        """The voxel (slice, row, column) of the volume under a pixel; the nearest one outside the picture."""
        found = self.cut.voxel_at(self.index, row, column, self.shape)
        first, second, third = (
            min(max(round(place), 0), length - 1) for place, length in zip(found, self.shape, strict=True)
        )
        return first, second, third

    def on_screen(self, voxel: tuple[float, float, float]) -> tuple[float, float]:
        """(down, across) of the pixel that shows a voxel of the slice."""
        return self.cut.on_screen(voxel, self.shape)


def section_of(
    image: Image,
    view: View,
    cross: tuple[int, int, int],
    convention: Convention = "radiological",
    projection: Projection = "off",
    thickness: int = 1,
) -> Section:
    """The section of a view through voxel `cross`; a slab of `thickness` slices ends at the ends of the volume."""
    affine = usable_affine(image)
    cut = _cut(None if affine is None else affine.tobytes(), view, convention)
    shape = image.voxels.shape
    index = min(max(cross[cut.axis], 0), shape[cut.axis] - 1)
    thick = thickness if projection != "off" else 1
    first, last = max(index - (thick - 1) // 2, 0), min(index + thick // 2, shape[cut.axis] - 1)
    steps, scaled = _steps(image, affine)
    made = Section(
        cut=cut,
        index=index,
        first=first,
        last=last,
        shape=shape,
        projection=projection,
        aspect=1.0 if steps is None else steps[cut.rows] / steps[cut.columns],
        across_mm=steps[cut.columns] if steps and scaled == "yes" else None,
        thickness_mm=(last - first + 1) * steps[cut.axis] if steps and scaled == "yes" else None,
        oblique_degrees=0.0 if affine is None else _obliqueness(affine.tobytes()),
        scaled=scaled,
    )
    return made if affine is None else replace(made, place=_place(affine, made))


def usable_affine(image: Image) -> Array | None:
    """The affine, unless it is none or one that no direction can be taken from."""
    if image.affine is None:
        return None
    known: Array = np.asarray(image.affine, dtype=np.float64)
    return None if _problem(known.tobytes(), known.shape) else known


def world_of(image: Image, voxel: tuple[float, float, float]) -> tuple[float, float, float] | None:
    """RAS millimetres of the centre of a voxel (slice, row, column); None without geometry."""
    affine = usable_affine(image)
    if affine is None:
        return None
    x, y, z = (float(value) for value in to_world(affine, np.asarray(voxel)))
    return x, y, z


def _place(affine: Array, made: Section) -> str:
    """The coordinate of the middle of the slice along the axis that the cut is named after."""
    middle = [(length - 1) / 2 for length in made.shape]
    middle[made.cut.axis] = made.index
    world = world_axes_of(affine.tobytes())[made.cut.axis]
    value = float(to_world(affine, np.asarray(middle))[world])
    return f"{WORLD_LETTERS[world][int(value >= 0)]} {abs(value):.1f} mm"


def _steps(
    image: Image, affine: Array | None
) -> tuple[tuple[float, float, float] | None, Literal["yes", "uneven", "no"]]:
    """Spacing to draw with, and how far it can be trusted: an uneven stack is drawn at its mean spacing."""
    if image.spacing_mm is not None and min(image.spacing_mm) > 0:
        return image.spacing_mm, "yes"
    return (None, "no") if affine is None else (spacing_mm(affine), "uneven")


@lru_cache(maxsize=64)
def _problem(affine: bytes, shape: tuple[int, ...]) -> str:
    return affine_problem(np.frombuffer(affine).reshape(shape))


@lru_cache(maxsize=64)
def _obliqueness(affine: bytes) -> float:
    return obliqueness_degrees(np.frombuffer(affine).reshape(4, 4))


@lru_cache(maxsize=64)
def world_axes_of(affine: bytes) -> tuple[int, int, int]:
    """`world_axes` of the bytes of a float64 affine, remembered: it is asked for at every turn of the wheel."""
    return world_axes(np.frombuffer(affine).reshape(4, 4))


@lru_cache(maxsize=256)
def _cut(affine: bytes | None, view: View, convention: Convention) -> Cut:
    if affine is None:
        return cut_of(None, _UNKNOWN[view], convention)
    known = np.frombuffer(affine).reshape(4, 4)
    axis = 0 if view == "acquired" else nearest_axis(known, view)
    return cut_of(known, axis, convention)


__all__ = ["Convention", "Projection", "Section", "View", "section_of", "world_of"]
