"""Whether two images lie on one grid, and if not, how they differ, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.images.geometry import (
    SPACING_TOLERANCE,
    affine_problem,
    directions,
    is_right_handed,
    spacing_mm,
    to_world,
)
from core.records import Array, Image, LabelMap

Differs = Literal["none", "shape", "spacing", "direction", "origin", "unknown"]
TOLERANCE_MM = 1e-2
TOLERANCE_VOXELS = 0.05
"""Corners may be 0.01 mm apart, and never more than a twentieth of the smallest voxel (microscopes have small ones)."""
ANGLE_TOLERANCE_DEGREES = 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """`shape` (slices, rows, columns) and the affine of that index order; None when nobody knows where it lies."""

    shape: tuple[int, ...]
    affine: Array | None
    name: str = "the other grid"


@dataclass(frozen=True, slots=True, kw_only=True)
class GridMatch:
    """`same`: may be compared voxel by voxel. `by`: the first thing that differs, `none`, or `unknown`: one of the two
    has no geometry, so only the shapes were compared. `reason`: a sentence for a person; empty when all is the same."""

    same: bool
    by: Differs
    reason: str = ""

    def __bool__(self) -> bool:
        return self.same


def grid_of(image: Image | LabelMap | Grid) -> Grid:
    """The grid of a record."""
    if isinstance(image, Grid):
        return image
    values = image.voxels if isinstance(image, Image) else image.labels
    return Grid(shape=values.shape, affine=image.affine, name=image.name)


def same_grid(
    first: Image | LabelMap | Grid, second: Image | LabelMap | Grid, tolerance_mm: float = TOLERANCE_MM
) -> GridMatch:
    """Whether voxel (s, r, c) of both is one place: equal shapes, and corners at most `tolerance_mm` apart."""
    a, b = grid_of(first), grid_of(second)
    if a.shape != b.shape:
        return GridMatch(
            same=False,
            by="shape",
            reason=f"{a.name} has {_size(a.shape)} and {b.name} has {_size(b.shape)} voxels (slices x rows x columns).",
        )
    blind = [grid.name for grid in (a, b) if grid.affine is None or affine_problem(grid.affine)]
    if blind or a.affine is None or b.affine is None:
        same = len(blind) == 2
        reason = "" if same else f"{blind[0]} does not say where it lies: only the shapes could be compared."
        return GridMatch(same=True, by="none" if same else "unknown", reason=reason)
    apart = corner_distance_mm(a.affine, b.affine, a.shape)
    limit = min(tolerance_mm, TOLERANCE_VOXELS * min(*spacing_mm(a.affine), *spacing_mm(b.affine)))
    if apart <= limit:
        return GridMatch(same=True, by="none")
    by, how = _difference(a.affine, b.affine)
    reason = f"{a.name} and {b.name} have the same shape and lie up to {_mm(apart)} mm apart: {how}."
    return GridMatch(same=False, by=by, reason=reason)


def corner_distance_mm(first: Array, second: Array, shape: tuple[int, ...]) -> float:
    """The largest distance between equal corners of two grids of one shape: no voxel lies further apart."""
    corners = np.array(np.meshgrid(*[(0, length - 1) for length in shape], indexing="ij")).reshape(3, -1).T
    return float(np.linalg.norm(to_world(first, corners) - to_world(second, corners), axis=1).max())


def _difference(a: Array, b: Array) -> tuple[Differs, str]:
    """What differs first, in the order spacing, direction, origin."""
    if not np.allclose(spacing_mm(a), spacing_mm(b), rtol=SPACING_TOLERANCE, atol=0):
        return "spacing", f"their spacing differs ({_steps(a)} and {_steps(b)} mm)"
    angle = _angle_degrees(a, b)
    if is_right_handed(a) != is_right_handed(b):
        return "direction", "one is mirrored against the other"
    if angle > ANGLE_TOLERANCE_DEGREES:
        return "direction", f"their axes point in different directions (up to {angle:.1f} degrees)"
    return "origin", f"their first voxels are {_mm(float(np.linalg.norm(a[:3, 3] - b[:3, 3])))} mm apart"


def _angle_degrees(a: Array, b: Array) -> float:
    cosines = (directions(a) * directions(b)).sum(axis=0)
    return float(np.degrees(np.arccos(np.clip(cosines, -1, 1))).max())


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(str(length) for length in shape)


def _steps(affine: Array) -> str:
    return " x ".join(f"{step:.4g}" for step in spacing_mm(affine))


def _mm(distance: float) -> str:
    return f"{distance:.2f}" if distance >= 0.01 else f"{distance:.2g}"
