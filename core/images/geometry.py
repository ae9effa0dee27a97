"""Where voxels lie: what an affine says about axes, spacing, slant and handedness, and whether two grids are one.

An affine is (4, 4) float64, voxel index (slice, row, column, 1) to RAS millimetres (right, anterior, superior).
"""

from __future__ import annotations

from itertools import permutations

import numpy as np

from core.records import Array, Image, LabelMap

Spacing = tuple[float, float, float]
"""Millimetres between neighbours along (slice, row, column)."""
WORLD_LETTERS = (("L", "R"), ("P", "A"), ("I", "S"))
"""For each world axis, the letter of its negative and of its positive end."""
MINOR_LETTER = 0.2
"""A direction gets a second letter when it leans towards it by more than 11.5 degrees (the sine is 0.2)."""
MAX_SHEAR_DEGREES = 0.5
"""Beyond this the axes are not at right angles, and distances cannot be worked out axis by axis: over 100 mm the error
is up to 0.9 mm. Rounding in file headers stays below 0.1 degrees."""
SPACING_TOLERANCE = 0.01
"""Two spacings within 1 % are the same (spec untrusted-files 2.8)."""


def affine_problem(affine: Array) -> str:
    """Why an affine cannot be used, in words; empty when it can."""
    if affine.shape != (4, 4):
        return f"it is {affine.shape}, not (4, 4)"
    if not np.isfinite(affine).all():
        return "it holds NaN or infinite values"
    if np.abs(affine[3] - (0, 0, 0, 1)).max() > 1e-6:
        return "its last row is not 0 0 0 1"
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if lengths.min() < 1e-9 or abs(np.linalg.det(affine[:3, :3] / lengths)) < 1e-3:
        return "its axes do not span space (it is singular)"
    return ""


def directions(affine: Array) -> Array:
    """(3, 3): column `a` is the unit vector in RAS along array axis `a`. Raises ValueError for an unusable affine."""
    problem = affine_problem(affine)
    if problem:
        raise ValueError(f"The affine cannot be used: {problem}.")
    return np.asarray(affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0))


def spacing_mm(affine: Array) -> Spacing:
    """The length of one step along each array axis."""
    first, second, third = (float(length) for length in np.linalg.norm(affine[:3, :3], axis=0))
    return first, second, third


def world_axes(affine: Array) -> tuple[int, int, int]:
    """The world axis (0 left-right, 1 back-front, 2 feet-head) of each array axis, each used once.

    Of the six ways to pair them the one with the largest sum of cosines; so an axis at 45 degrees is never counted
    twice.
    """
    cosines = np.abs(directions(affine))
    first, second, third = max(permutations(range(3)), key=lambda order: sum(cosines[order[a], a] for a in range(3)))
    return first, second, third


def axis_codes(affine: Array) -> tuple[str, str, str]:
    """The letter that each array axis (slice, row, column) grows towards: ("S", "P", "L") on a radiological screen."""
    cosines = directions(affine)
    first, second, third = (
        WORLD_LETTERS[world][int(cosines[world, axis] > 0)] for axis, world in enumerate(world_axes(affine))
    )
    return first, second, third


def letters(direction: Array) -> str:
    """A direction in RAS as letters, the largest component first: `A`, or `AR` when it leans to the right."""
    unit = np.asarray(direction) / np.linalg.norm(direction)
    order = sorted(range(3), key=lambda axis: -round(abs(float(unit[axis])), 6))
    kept = [axis for place, axis in enumerate(order) if place == 0 or abs(unit[axis]) > MINOR_LETTER]
    return "".join(WORLD_LETTERS[axis][int(unit[axis] > 0)] for axis in kept)


def obliqueness_degrees(affine: Array) -> float:
    """The largest angle between an array axis and the body axis that it is named after; 0 = straight."""
    cosines = np.abs(directions(affine))
    worst = min(cosines[world, axis] for axis, world in enumerate(world_axes(affine)))
    return float(np.degrees(np.arccos(np.clip(worst, 0, 1))))


def shear_degrees(affine: Array) -> float:
    """How far two array axes are from a right angle, at most; 0 = a plain box of voxels."""
    unit = directions(affine)
    between = unit.T @ unit
    return float(np.degrees(np.arcsin(np.clip(np.abs(between[np.triu_indices(3, 1)]).max(), 0, 1))))


def is_right_handed(affine: Array) -> bool:
    """Whether (slice, row, column) turn as (right, anterior, superior) do; False = mirrored as stored."""
    directions(affine)
    return bool(np.linalg.det(affine[:3, :3]) > 0)


def to_world(affine: Array, index: Array) -> Array:
    """Voxel indices (..., 3) in (slice, row, column) order to RAS millimetres (..., 3)."""
    return np.asarray(np.asarray(index, dtype=np.float64) @ affine[:3, :3].T + affine[:3, 3])


def to_index(affine: Array, world: Array) -> Array:
    """RAS millimetres (..., 3) to voxel indices (..., 3), not rounded. Raises ValueError for an unusable affine."""
    directions(affine)
    return np.asarray(np.linalg.solve(affine[:3, :3], (np.asarray(world) - affine[:3, 3])[..., np.newaxis])[..., 0])


def spacing_of(image: Image | LabelMap) -> Spacing | None:
    """The spacing to measure with, or None where millimetres would be a guess; `why_no_spacing` says why."""
    return None if why_no_spacing(image) else image.spacing_mm


def why_no_spacing(image: Image | LabelMap) -> str:
    """Why nothing is measured in millimetres on this grid, in words; empty when it can be."""
    spacing = image.spacing_mm
    if spacing is None:
        return "the size of its voxels is unknown or uneven"
    if not all(np.isfinite(step) and step > 0 for step in spacing):
        return "the spacing in the file is not a positive number"
    if image.affine is None:
        return ""
    problem = affine_problem(image.affine)
    if problem:
        return f"the affine cannot be used: {problem}"
    if not np.allclose(spacing, spacing_mm(image.affine), rtol=SPACING_TOLERANCE, atol=0):
        return "its spacing and its affine contradict each other"
    if shear_degrees(image.affine) > MAX_SHEAR_DEGREES:
        return f"its axes are not at right angles (shear of {shear_degrees(image.affine):.1f} degrees)"
    return ""
