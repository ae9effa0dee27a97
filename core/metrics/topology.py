"""Centrelines, connected components and holes."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from scipy import ndimage

from core.metrics.overlap import Score
from core.records import Array


def cldice_score(prediction: Array, reference: Array, skeletons: tuple[Array, Array] | None = None) -> Score:
    """clDice of two boolean masks (slices, rows, columns); None when either has no skeleton.

    `skeletons` of the two, if they are known already. Source: Shit et al., "clDice", CVPR 2021, eq. 1-3, without the
    smoothing term; 0 when neither skeleton touches the other mask.
    """
    if not prediction.any() or not reference.any():
        empty = "prediction" if reference.any() else "reference" if prediction.any() else "prediction and the reference"
        return None, f"the {empty} {'are' if ' and ' in empty else 'is'} empty: no centreline to compare"
    predicted, actual = skeletons or (skeleton(prediction), skeleton(reference))
    precision = np.count_nonzero(predicted & reference) / np.count_nonzero(predicted)
    sensitivity = np.count_nonzero(actual & prediction) / np.count_nonzero(actual)
    total = precision + sensitivity
    return (2 * precision * sensitivity / total if total else 0.0), ""


def skeleton(mask: Array, labelled: tuple[Array, int] | None = None) -> Array:
    """The centreline of a boolean mask: Zhang-Suen thinning of a slice, Lee's of a volume (scikit-image's defaults).

    Only the box around the foreground is thinned, with a margin of one pixel; that changes no pixel and saves most of
    the time on a mask that is mostly background. `labelled`: components (26-connected) of a volume, if known already.
    """
    skeletonize: Any = import_module("skimage.morphology").skeletonize  # slow to import

    box = tuple(slice(max(0, part.start - 1), part.stop + 1) for part in ndimage.find_objects(mask.astype(np.uint8))[0])
    thin = np.zeros(mask.shape, dtype=bool)
    taken = mask[box].copy()  # thinning refuses what is read-only, as the arrays of records are
    if mask.shape[0] == 1:
        thin[box] = skeletonize(taken[0])[np.newaxis]
    else:
        thin[box] = skeletonize(taken)
        _restore_lost(thin, *(labelled or ndimage.label(mask, np.ones((3, 3, 3)))))
    return thin


def _restore_lost(thin: Array, labels: Array, count: int) -> None:
    """Give each component that has no centreline the pixel nearest to its middle, in place.

    scikit-image 0.26 thins some volumes of even size, such as a cube of 2 or 4, to nothing; in a slice it does not.
    """
    kept = np.bincount(labels[thin], minlength=count + 1) > 0
    boxes = ndimage.find_objects(labels) if not kept[1:].all() else []
    for number in np.flatnonzero(~kept[1:]) + 1:
        places = np.argwhere(labels[boxes[number - 1]] == number)
        middle = places[np.argmin(((places - places.mean(axis=0)) ** 2).sum(axis=1))]
        thin[boxes[number - 1]][tuple(middle)] = True


def betti_numbers(mask: Array) -> tuple[int, int]:
    """Components and holes (tunnels in 3D) of a boolean mask (slices, rows, columns).

    Foreground pixels are closed squares or cubes, so they touch at corners (8- or 26-connected), and the background is
    4- or 6-connected. Holes follow from chi = b0 - b1 (+ b2, the closed cavities, in 3D).
    """
    flat = mask[0] if mask.shape[0] == 1 else mask
    components = _components(flat, diagonal=True)
    return components, holes(flat, components, euler_characteristic(flat))


def holes(flat: Array, components: int, euler: int) -> int:
    """Betti-1 of a mask (rows, columns) or (slices, rows, columns) bool, from its Betti-0 and Euler characteristic."""
    cavities = 0 if flat.ndim == 2 else _components(~np.pad(flat, 1), diagonal=False) - 1
    return components + cavities - euler


def euler_characteristic(mask: Array) -> int:
    """Vertices - edges + faces (- cubes) of the union of closed pixels or voxels.

    A cell is spread along some axes and lies on a grid line of the others; it belongs to the union when any pixel that
    touches it does. Its sign is (-1) ** (number of axes it is spread along).
    """
    cells = [(1, mask)]
    for axis in range(mask.ndim):
        cells = [cell for sign, part in cells for cell in ((-sign, part), (sign, _on_lines(part, axis)))]
    return sum(sign * int(np.count_nonzero(part)) for sign, part in cells)


def _on_lines(mask: Array, axis: int) -> Array:
    """The grid lines of an axis, one more than its pixels: those that a pixel of the mask touches."""
    edge = [(1, 1) if other == axis else (0, 0) for other in range(mask.ndim)]
    padded = np.moveaxis(np.pad(mask, edge), axis, 0)
    return np.moveaxis(padded[1:] | padded[:-1], 0, axis)


def _components(mask: Array, *, diagonal: bool) -> int:
    structure = ndimage.generate_binary_structure(mask.ndim, mask.ndim if diagonal else 1)
    return int(ndimage.label(mask, structure)[1])
