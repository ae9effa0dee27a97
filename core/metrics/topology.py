"""Centrelines, connected components and holes."""

from __future__ import annotations

from importlib import import_module
from itertools import combinations
from typing import Any

import numpy as np
from scipy import ndimage

from core.metrics.overlap import Score
from core.records import Array


def cldice_score(prediction: Array, reference: Array) -> Score:
    """clDice of two boolean masks (slices, rows, columns); None when either has no skeleton.

    Source: Shit et al., "clDice", CVPR 2021, eq. 1-3, without the smoothing term; 0 when neither skeleton touches the
    other mask.
    """
    if not prediction.any() or not reference.any():
        empty = "prediction" if reference.any() else "reference" if prediction.any() else "prediction and the reference"
        return None, f"the {empty} {'are' if ' and ' in empty else 'is'} empty: no centreline to compare"
    predicted, actual = skeleton(prediction), skeleton(reference)
    precision = np.count_nonzero(predicted & reference) / np.count_nonzero(predicted)
    sensitivity = np.count_nonzero(actual & prediction) / np.count_nonzero(actual)
    total = precision + sensitivity
    return (2 * precision * sensitivity / total if total else 0.0), ""


def skeleton(mask: Array) -> Array:
    """The centreline of a boolean mask: Zhang-Suen thinning of a slice, Lee's of a volume (scikit-image's defaults).

    Only the box around the foreground is thinned, with a margin of one pixel; that changes no pixel and saves most of
    the time on a mask that is mostly background.
    """
    skeletonize: Any = import_module("skimage.morphology").skeletonize  # slow to import

    box = tuple(slice(max(0, part.start - 1), part.stop + 1) for part in ndimage.find_objects(mask.astype(np.uint8))[0])
    thin = np.zeros(mask.shape, dtype=bool)
    if mask.shape[0] == 1:
        thin[box] = skeletonize(mask[box][0])[np.newaxis]
    else:
        thin[box] = skeletonize(mask[box])
    return thin


def betti_numbers(mask: Array) -> tuple[int, int]:
    """Components and holes (tunnels in 3D) of a boolean mask (slices, rows, columns).

    Foreground pixels are closed squares or cubes, so they touch at corners (8- or 26-connected), and the background is
    4- or 6-connected. Holes follow from chi = b0 - b1 (+ b2, the closed cavities, in 3D).
    """
    flat = mask[0] if mask.shape[0] == 1 else mask
    components = _components(flat, diagonal=True)
    cavities = 0 if flat.ndim == 2 else _components(~np.pad(flat, 1), diagonal=False) - 1
    return components, components + cavities - euler_characteristic(flat)


def euler_characteristic(mask: Array) -> int:
    """Vertices - edges + faces (- cubes) of the union of closed pixels or voxels.

    A cell is spread along some axes and lies on a grid line of the others; it belongs to the union when any pixel that
    touches it does. Its sign is (-1) ** (number of axes it is spread along).
    """
    total = 0
    for count in range(mask.ndim + 1):
        for spread in combinations(range(mask.ndim), count):
            total += (-1) ** count * int(np.count_nonzero(_cells(mask, spread)))
    return total


def _cells(mask: Array, spread: tuple[int, ...]) -> Array:
    for axis in range(mask.ndim):
        if axis not in spread:
            edge = [(1, 1) if other == axis else (0, 0) for other in range(mask.ndim)]
            padded = np.pad(mask, edge)
            mask = np.delete(padded, 0, axis) | np.delete(padded, -1, axis)
    return mask


def _components(mask: Array, *, diagonal: bool) -> int:
    structure = ndimage.generate_binary_structure(mask.ndim, mask.ndim if diagonal else 1)
    return int(ndimage.label(mask, structure)[1])
