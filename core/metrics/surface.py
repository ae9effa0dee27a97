"""Distances between the boundaries of two masks: computed once, and read by every measure of them.

A boundary is the foreground that touches background along an axis (4- or 6-connected); outside of the image is
background, so foreground on its edge is boundary. MONAI and SciPy's erosion by a cross mean the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from core.metrics.overlap import Score
from core.records import Array

REACH = 2
TREE_COST, QUERY_COST = 4, 40
"""Of a target in the tree and of a point that asks it, in voxels of a distance transform (measured, roughly)."""
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceDistances:
    """From each boundary pixel of one mask to the nearest of the other, (n,) float64; `reason`: why there is none."""

    predicted: Array
    actual: Array
    reason: str = ""


def surface_distances(prediction: Array, reference: Array, spacing: tuple[float, ...]) -> SurfaceDistances:
    """Masks: boolean, of one shape, with as many axes as `spacing` has numbers."""
    ends = boundary(prediction), boundary(reference)
    reason = _missing(bool(ends[0].any()), bool(ends[1].any()))
    if reason:
        return SurfaceDistances(np.empty(0), np.empty(0), reason)
    return SurfaceDistances(_nearest(ends[0], ends[1], spacing), _nearest(ends[1], ends[0], spacing))


def boundary(mask: Array) -> Array:
    inner = mask.copy()
    for axis in range(mask.ndim):
        of, into = np.moveaxis(mask, axis, 0), np.moveaxis(inner, axis, 0)
        into[1:] &= of[:-1]
        into[:-1] &= of[1:]
        into[0] = into[-1] = False
    return mask & ~inner


def hausdorff(distances: SurfaceDistances, percentile: float) -> Score:
    """The larger of the two directed percentiles, linearly interpolated; 100 = Hausdorff distance."""
    if distances.reason:
        return None, distances.reason
    return float(max(np.percentile(part, percentile) for part in (distances.predicted, distances.actual))), ""


def average_distance(distances: SurfaceDistances) -> Score:
    if distances.reason:
        return None, distances.reason
    return float(np.concatenate([distances.predicted, distances.actual]).mean()), ""


def surface_dice(distances: SurfaceDistances, tolerance: float) -> Score:
    if distances.reason:
        return None, distances.reason
    within = np.concatenate([distances.predicted, distances.actual]) <= tolerance * (1 + ROUNDING)
    return float(np.mean(within)), ""


def boundary_iou(prediction: Array, reference: Array, width: tuple[int, ...]) -> Score:
    """IoU of the inner bands along the boundaries; `width` in pixels, for each axis.

    Source: Cheng et al., "Boundary IoU", CVPR 2021: the band is what erosion by a square, `width` times, takes away.
    """
    bands = band(prediction, width), band(reference, width)
    union = int(np.count_nonzero(bands[0] | bands[1]))
    return (int(np.count_nonzero(bands[0] & bands[1])) / union, "") if union else (None, "both masks are empty")


def band(mask: Array, width: tuple[int, ...]) -> Array:
    """The foreground within `width` pixels of background or of the edge, along the axes or diagonally."""
    inner = mask
    for axis, steps in enumerate(width):
        inner = _eroded(inner, axis, steps)
    return mask & ~inner


def _eroded(mask: Array, axis: int, steps: int) -> Array:
    """Foreground whose neighbours up to `steps` away along an axis are foreground too.

    The window over which all must hold is grown to twice its size at a time, so a wide band costs hardly more.
    """
    edge = [(steps, steps) if other == axis else (0, 0) for other in range(mask.ndim)]
    grown, size, wanted = np.moveaxis(np.pad(mask, edge), axis, 0), 1, 2 * steps + 1
    while size < wanted:
        shift = min(size, wanted - size)
        grown, size = grown[shift:] & grown[:-shift], size + shift
    return np.moveaxis(grown, 0, axis)


def _nearest(points: Array, targets: Array, spacing: tuple[float, ...]) -> Array:
    """Euclidean distance from each point to the nearest target; both are boolean, and neither is empty.

    Two boundaries mostly run close to each other: what lies within `REACH` pixels is looked up directly, nearest first.
    What is farther asks a tree of the targets, or a distance transform where there is much of it, as in noise.
    """
    distances, far = _near(points, targets, spacing)
    if not far.any():
        return distances
    if TREE_COST * np.count_nonzero(targets) + QUERY_COST * np.count_nonzero(far) > points.size:
        transform = ndimage.distance_transform_edt(~targets, sampling=spacing)
        return np.asarray(transform[points])
    places = np.argwhere(points)[far] * np.asarray(spacing)
    distances[far] = cKDTree(np.argwhere(targets) * np.asarray(spacing)).query(places)[0]
    return distances


def _near(points: Array, targets: Array, spacing: tuple[float, ...]) -> tuple[Array, Array]:
    """Distances of the points that have a target close by, and which points have none (n,) bool."""
    padded = np.pad(targets, REACH)
    strides = np.array(padded.strides)
    at = np.ravel_multi_index(tuple(np.add(np.nonzero(points), REACH)), padded.shape)
    flat, left = padded.reshape(-1), np.arange(at.size)
    distances = np.zeros(at.size)
    for distance, step in _steps_outward(spacing):
        hit = flat[at + int(np.dot(step, strides))]
        distances[left[hit]] = distance
        at, left = at[~hit], left[~hit]
        if not left.size:
            break
    far = np.zeros(distances.size, bool)
    far[left] = True
    return distances, far


@cache
def _steps_outward(spacing: tuple[float, ...]) -> tuple[tuple[float, tuple[int, ...]], ...]:
    """Steps by their length, the shortest first, as far as none that is left out could be shorter."""
    steps = product(range(-REACH, REACH + 1), repeat=len(spacing))
    sized = sorted((float(np.linalg.norm(np.multiply(step, spacing))), step) for step in steps)
    return tuple(pair for pair in sized if pair[0] <= (REACH + 1) * min(spacing))


def _missing(predicted: bool, actual: bool) -> str:
    if predicted and actual:
        return ""
    which = "the prediction is" if actual else "the reference is" if predicted else "both masks are"
    return f"{which} empty: no boundary to measure from"
