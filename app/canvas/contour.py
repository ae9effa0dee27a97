"""The edge of a mask as straight lines along voxel sides: it says exactly which voxels are in, at any zoom."""

from __future__ import annotations

import numpy as np

from core.records import Array


def boundary_segments(mask: Array) -> tuple[Array, Array]:
    """x and y, (2n,) float64, of n lines given as pairs of points; voxel centres lie at whole numbers.

    `mask` (rows, columns) bool. Outside the picture is background, so a mask at the rim is closed there.
    """
    padded = np.pad(mask.astype(bool, copy=False), 1)
    level, start, stop = _runs(padded[1:, 1:-1] != padded[:-1, 1:-1])
    across_y, across_x = np.repeat(level, 2), _interleaved(start, stop)
    level, start, stop = _runs((padded[1:-1, 1:] != padded[1:-1, :-1]).T)
    down_x, down_y = np.repeat(level, 2), _interleaved(start, stop)
    x, y = np.concatenate([across_x, down_x]), np.concatenate([across_y, down_y])
    return x.astype(np.float64) - 0.5, y.astype(np.float64) - 0.5


def _runs(edges: Array) -> tuple[Array, Array, Array]:
    """Row, first and last-plus-one column of each run of True in a 2D array: neighbouring sides become one line."""
    framed = np.pad(edges.astype(np.int8), ((0, 0), (1, 1)))
    change = np.diff(framed, axis=1)
    row, start = np.nonzero(change == 1)
    _, stop = np.nonzero(change == -1)
    return row, start, stop


def _interleaved(first: Array, second: Array) -> Array:
    return np.stack([first, second], axis=1).reshape(-1)
