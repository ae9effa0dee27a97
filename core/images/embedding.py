"""A segmentation that covers a part of its image, put back into the image's grid where the voxels are the same ones."""

from __future__ import annotations

import numpy as np

from core.records import Array

WHOLE = 0.05
"""How far, in voxels, corners may lie from whole numbers: more is another grid, and nothing is moved to fit."""


def embedded(labels: Array, affine: Array | None, shape: tuple[int, ...], like: Array | None) -> Array | None:
    """`labels` (slices, rows, columns) in a grid of `shape`, background around them.

    None unless the two grids have the same voxels, shifted by whole numbers, and every label lies inside.
    """
    if affine is None or like is None:
        return None
    corners = np.array([[i, j, k, 1] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * [
        *np.array(labels.shape) - 1,
        1,
    ]
    there = (np.linalg.inv(like) @ affine @ corners.T).T[:, :3]
    offset = np.rint(there[0]).astype(int)
    if np.abs(there - corners[:, :3] - offset).max() > WHOLE:
        return None
    source = tuple(
        slice(max(0, -start), max(0, min(length, whole - start)))
        for start, length, whole in zip(offset, labels.shape, shape, strict=True)
    )
    if np.count_nonzero(labels[source]) != np.count_nonzero(labels):
        return None
    result = np.zeros(shape, labels.dtype)
    target = tuple(slice(part.start + start, part.stop + start) for part, start in zip(source, offset, strict=True))
    result[target] = labels[source]
    return result
