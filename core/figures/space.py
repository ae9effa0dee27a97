"""Where a volume lies in three dimensions: millimetres where they are known, voxels else; and the way back."""

from __future__ import annotations

from itertools import product

import numpy as np

from core.images.geometry import WORLD_LETTERS
from core.images.sections import usable_affine
from core.records import Array, Image, Space, frozen_array

ARRAY_LETTERS = (("column 1", "columns"), ("row 1", "rows"), ("slice 1", "slices"))


def space_of(image: Image) -> Space:
    """RAS millimetres by the affine; without one x, y, z are columns, rows and slices, to scale if spacing is known."""
    affine = usable_affine(image)
    matrix = _of_array(image) if affine is None else affine
    ends = [(-0.5, length - 0.5) for length in image.voxels.shape]
    corners = np.array(list(product(*ends))) @ matrix[:3, :3].T + matrix[:3, 3]
    low, high = corners.min(axis=0), corners.max(axis=0)
    letters = ARRAY_LETTERS if affine is None else tuple((low[0], high[0]) for low, high in _world_letters())
    known = affine is not None or image.spacing_mm is not None
    return Space(
        matrix=frozen_array(matrix, np.float64),
        letters=(letters[0], letters[1], letters[2]),
        low=(float(low[0]), float(low[1]), float(low[2])),
        high=(float(high[0]), float(high[1]), float(high[2])),
        unit="mm" if known else "voxels",
        true_to_scale=known,
    )


def _world_letters() -> tuple[tuple[str, str], ...]:
    """Negative and positive end of x, y, z: L R, P A, I S."""
    return tuple((pair[0], pair[1]) for pair in WORLD_LETTERS)


def _of_array(image: Image) -> Array:
    steps = image.spacing_mm or (1.0, 1.0, 1.0)
    matrix = np.zeros((4, 4))
    for axis, step in enumerate(steps):
        matrix[2 - axis, axis] = step
    matrix[3, 3] = 1
    return matrix


def point_of(space: Space, voxel: tuple[float, float, float]) -> tuple[float, float, float]:
    """Where the centre of a voxel lies."""
    x, y, z = (float(value) for value in space.matrix[:3, :3] @ np.array(voxel) + space.matrix[:3, 3])
    return x, y, z


def voxel_at(space: Space, point: tuple[float, float, float], shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The voxel (slice, row, column) at a point; outside the volume, the nearest."""
    found = np.linalg.solve(space.matrix[:3, :3], np.array(point) - space.matrix[:3, 3])
    first, second, third = (
        int(min(max(round(float(place)), 0), length - 1)) for place, length in zip(found, shape, strict=True)
    )
    return first, second, third
