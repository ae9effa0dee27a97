"""Cuts through a volume as a person wants to see them: the right way up, the right way round, with their letters.

A cut is a view of the volume: axes swapped and reversed, nothing copied, nothing interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.images.geometry import Spacing, axis_codes, directions, letters, spacing_mm, world_axes
from core.records import Array

Convention = Literal["radiological", "neurological"]
PlaneName = Literal["sagittal", "coronal", "axial"]
PLANES: tuple[PlaneName, ...] = ("sagittal", "coronal", "axial")
"""By the world axis across the slices: left-right, back-front, feet-head."""
SCREEN: dict[int, tuple[str, str]] = {0: ("I", "P"), 1: ("I", "L"), 2: ("P", "L")}
"""World axis across the slices -> letters at the bottom and the right edge, radiological: the patient's left is on the
right, as if one looked from the feet or from the front; the nose of a sagittal cut points left."""
OPPOSITE = dict(zip("LRPAIS", "RLAPSI", strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """The letters at the edges of a displayed cut; all empty when nobody knows where the image lies."""

    top: str = ""
    bottom: str = ""
    left: str = ""
    right: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How slices across array axis `axis` go on the screen.

    `rows`, `columns`: the array axes that run down and across; `flip_rows`, `flip_columns`: they run from their last
    voxel to their first. `forward`: the letters towards which the slice number grows. `spacing_mm`: (down, across), of
    one pixel, None when unknown. `name` None: no geometry.
    """

    axis: int
    rows: int
    columns: int
    flip_rows: bool
    flip_columns: bool
    edges: Edges
    forward: str = ""
    name: PlaneName | None = None
    spacing_mm: tuple[float, float] | None = None

    def turn(self, flat: Array) -> Array:
        """A cut whose axes are the two others in ascending order, as a view that is turned for the screen."""
        turned = flat if self.rows < self.columns else flat.T
        return turned[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]

    def slice_of(self, volume: Array, index: int) -> Array:
        """(down, across) view of slice `index` of a (slices, rows, columns) volume. Raises IndexError outside it."""
        if not 0 <= index < volume.shape[self.axis]:
            raise IndexError(f"Slice {index} of {volume.shape[self.axis]}: there is no such slice.")
        return self.turn(volume[(slice(None),) * self.axis + (index,)])

    def on_screen(self, voxel: tuple[float, float, float], shape: tuple[int, ...]) -> tuple[float, float]:
        """Where voxel (slice, row, column) of a volume of `shape` appears: (down, across) in pixels of the cut."""
        down, across = voxel[self.rows], voxel[self.columns]
        if self.flip_rows:
            down = shape[self.rows] - 1 - down
        if self.flip_columns:
            across = shape[self.columns] - 1 - across
        return down, across

    def voxel_at(self, index: float, down: float, across: float, shape: tuple[int, ...]) -> tuple[float, float, float]:
        """The voxel (slice, row, column) shown at (down, across) of slice `index`; undoes `on_screen`."""
        voxel = [0.0, 0.0, 0.0]
        voxel[self.axis] = index
        voxel[self.rows] = shape[self.rows] - 1 - down if self.flip_rows else down
        voxel[self.columns] = shape[self.columns] - 1 - across if self.flip_columns else across
        return voxel[0], voxel[1], voxel[2]


def nearest_axis(affine: Array, name: PlaneName) -> int:
    """The array axis across the slices of that name: the one nearest to feet-head for `axial`, and so on."""
    return world_axes(affine).index(PLANES.index(name))


def cut_of(
    affine: Array | None, axis: int, convention: Convention = "radiological", spacing: Spacing | None = None
) -> Cut:
    """How slices across array axis `axis` are shown. Without an affine: as stored, no letters.

    `convention` decides only about left and right; a sagittal cut shows neither, and is the same in both. `spacing`
    serves where there is no affine. Raises ValueError for an unusable affine.
    """
    first, second = (other for other in range(3) if other != axis)
    if affine is None:
        return Cut(
            axis=axis,
            rows=first,
            columns=second,
            flip_rows=False,
            flip_columns=False,
            edges=Edges(),
            spacing_mm=None if spacing is None else (spacing[first], spacing[second]),
        )
    codes, world = axis_codes(affine), world_axes(affine)[axis]
    down, across = SCREEN[world]
    if convention == "neurological" and across == "L":
        across = "R"
    rows, columns = (first, second) if codes[first] in (down, OPPOSITE[down]) else (second, first)
    flip_rows, flip_columns = codes[rows] != down, codes[columns] != across
    steps = spacing_mm(affine)
    return Cut(
        axis=axis,
        rows=rows,
        columns=columns,
        flip_rows=flip_rows,
        flip_columns=flip_columns,
        edges=_edges(directions(affine), rows, columns, flip_rows, flip_columns),
        forward=letters(directions(affine)[:, axis]),
        name=PLANES[world],
        spacing_mm=(steps[rows], steps[columns]),
    )


def _edges(unit: Array, rows: int, columns: int, flip_rows: bool, flip_columns: bool) -> Edges:
    """From the directions themselves, not from the wish: a slanted cut says `AR` where its edge is between the two."""
    down = unit[:, rows] * (-1 if flip_rows else 1)
    across = unit[:, columns] * (-1 if flip_columns else 1)
    return Edges(top=letters(-down), bottom=letters(down), left=letters(-across), right=letters(across))


def plane(
    volume: Array,
    axis: int,
    index: int,
    affine: Array | None = None,
    convention: Convention = "radiological",
) -> Array:
    """(down, across) view of slice `index` across array axis `axis`, turned for the screen; see `cut_of`."""
    return cut_of(affine, axis, convention).slice_of(np.asarray(volume), index)
