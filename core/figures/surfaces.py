"""Surfaces of masks by marching cubes, the image as a small texture, and the point of a surface under the pointer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.errors import ShapeMismatch
from core.figures.colours import levels
from core.figures.space import space_of
from core.progress import Progress, Report, silent
from core.records import Array, Image, Surface, Texture, frozen_array

TRIANGLES = 400_000
"""Of one surface: enough for every voxel of a vessel tree, and turned at once by any graphics card."""
TEXTURE_VOXELS = 128**3
PER_FACE = 2.0
"""Triangles that marching cubes makes for each face between a voxel inside and one outside; measured 1.9 to 2.0."""


def surface_of(mask: Array, image: Image, budget: int = TRIANGLES, report: Report = silent) -> Surface:
    """The boundary of a bool mask (slices, rows, columns) on the grid of `image`, halfway between voxels.

    An empty mask has no triangles. Above `budget` triangles, blocks of voxels are taken together: a block is in the
    mask if any of its voxels is, so that nothing thin is lost, and `every` says so. Source: Lewiner et al., "Efficient
    implementation of marching cubes", J. Graphics Tools 2003, as in scikit-image.
    """
    if mask.shape != image.voxels.shape:
        raise ShapeMismatch(f"A mask of shape {mask.shape} has no place in an image of {image.voxels.shape}.")
    report(Progress(done=0, total=2, stage="surface"))
    box = _box(mask)
    if box is None:
        return _empty()
    inside, first = mask[box].astype(bool, copy=False), np.array([part.start for part in box])
    every = _every(inside, budget)
    small = np.pad(_blocks(inside, every), 1)
    report(Progress(done=1, total=2, stage="surface"))
    vertices, faces, normals = _march(small)
    voxels = (vertices - 1 + 0.5) * every - 0.5 + first
    matrix = space_of(image).matrix
    turned = normals @ np.linalg.inv(matrix[:3, :3])
    lengths = np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-12)
    return Surface(
        vertices=frozen_array(voxels @ matrix[:3, :3].T + matrix[:3, 3], np.float32),
        faces=frozen_array(faces, np.uint32),
        normals=frozen_array(turned / lengths, np.float32),
        every=every,
    )


def _empty() -> Surface:
    nothing = frozen_array(np.zeros((0, 3)), np.float32)
    return Surface(vertices=nothing, faces=frozen_array(np.zeros((0, 3)), np.uint32), normals=nothing)


def _march(small: Array) -> tuple[Array, Array, Array]:
    from skimage.measure import marching_cubes

    vertices, faces, normals, _ = marching_cubes(small.astype(np.float32), 0.5)  # type: ignore[no-untyped-call]
    return vertices, faces, normals


def _box(mask: Array) -> tuple[slice, slice, slice] | None:
    """The smallest box around what is in the mask; None of an empty one."""
    found = []
    for axis in range(3):
        others = tuple(number for number in range(3) if number != axis)
        places = np.flatnonzero(mask.any(axis=others))
        if not places.size:
            return None
        found.append(slice(int(places[0]), int(places[-1]) + 1))
    return found[0], found[1], found[2]


def _every(mask: Array, budget: int) -> int:
    """How many voxels along each axis have to be taken together."""
    every = 1
    while _triangles(_blocks(mask, every)) > budget and every < max(mask.shape):
        every += 1
    return every


def _triangles(mask: Array) -> float:
    padded = np.pad(mask, 1)
    return PER_FACE * sum(np.count_nonzero(np.diff(padded, axis=axis)) for axis in range(3))


def _blocks(volume: Array, every: int) -> Array:
    """The highest value of each block of `every` voxels along each axis; the last ones may be smaller."""
    for axis in range(3) if every > 1 else ():
        starts = np.arange(0, volume.shape[axis], every)
        volume = np.maximum.reduceat(volume, starts, axis=axis)
    return volume


def texture_of(
    image: Image, window: tuple[float, float], budget: int = TEXTURE_VOXELS, report: Report = silent
) -> Texture:
    """The image through `window` as a texture of at most `budget` voxels."""
    report(Progress(done=0, total=1, stage="texture"))
    every = 1
    while np.prod([-(-length // every) for length in image.voxels.shape]) > budget:
        every += 1
    voxels = np.nan_to_num(image.voxels, nan=window[0]) if image.voxels.dtype.kind == "f" else image.voxels
    small = _blocks(voxels, every)
    matrix = space_of(image).matrix
    to_voxels = np.diag([every, every, every, 1.0])
    to_voxels[:3, 3] = -0.5
    return Texture(
        levels=frozen_array(levels(small, *window)), matrix=frozen_array(matrix @ to_voxels, np.float64), every=every
    )


def pick(
    surfaces: Sequence[Surface],
    origin: tuple[float, float, float],
    direction: tuple[float, float, float],
    tolerance: float,
) -> tuple[float, float, float] | None:
    """The vertex that a ray from `origin` meets first, within `tolerance` (a tangent); None beside all of them."""
    along = np.array(direction) / np.linalg.norm(direction)
    best: tuple[float, Array] | None = None
    for surface in surfaces:
        away = surface.vertices.astype(np.float64) - np.array(origin)
        depth = away @ along
        aside = np.linalg.norm(away - depth[:, None] * along, axis=1)
        near = np.flatnonzero((depth > 0) & (aside <= tolerance * depth))
        if near.size:
            nearest = near[np.argmin(depth[near])]
            if best is None or depth[nearest] < best[0]:
                best = float(depth[nearest]), surface.vertices[nearest]
    return None if best is None else (float(best[1][0]), float(best[1][1]), float(best[1][2]))
