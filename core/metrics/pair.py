"""A mask and its reference, ready to be measured: what several measures need is computed once, when first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.metrics import components, surface
from core.metrics.centreline import Centreline, centreline
from core.metrics.components import Matching
from core.metrics.overlap import Counts, count
from core.metrics.surface import SurfaceDistances
from core.metrics.topology import euler_characteristic, holes, skeleton
from core.records import Array

BAND_SHARE = 0.02
"""Of the diagonal of the whole image: the width of the band of boundary IoU (Cheng et al., CVPR 2021)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`spacing_mm` (slice, row, column), None = distances are in pixels. `band`: width of the band of boundary IoU, in
    the same unit; None = 2 % of the image's diagonal. `match_iou`: above it a component counts as found."""

    spacing_mm: tuple[float, float, float] | None = None
    band: float | None = None
    match_iou: float = components.MATCH


@dataclass(frozen=True, eq=False)
class Form:
    """One mask (rows, columns) or (slices, rows, columns) bool, and what can be said of it alone."""

    mask: Array
    spacing: tuple[float, ...]

    @cached_property
    def labelled(self) -> tuple[Array, int]:
        return components.label(self.mask)

    @cached_property
    def euler(self) -> int:
        return euler_characteristic(self.mask)

    @cached_property
    def holes(self) -> int:
        return holes(self.mask, self.labelled[1], self.euler)

    @cached_property
    def skeleton(self) -> Array:
        if not self.mask.any():
            return self.mask
        if self.mask.ndim == 2:
            return np.asarray(skeleton(self.mask[np.newaxis])[0])
        return skeleton(self.mask, self.labelled)

    @cached_property
    def centreline(self) -> Centreline:
        return centreline(self.skeleton)


@dataclass(frozen=True, eq=False)
class Pair:
    """Both masks, cut to the box that holds all foreground of both, so that the cost is that of the objects.

    `shape` is the whole image's and `size` the number of pixels that are measured: all, or those of the region of
    interest. `spacing` has a number for each axis of the masks.
    """

    prediction: Form
    reference: Form
    shape: tuple[int, ...]
    size: int
    spacing: tuple[float, ...]
    options: Options

    @property
    def pixel(self) -> float:
        """Area or volume of one pixel."""
        return float(np.prod(self.spacing))

    @cached_property
    def counts(self) -> Counts:
        return count(self.prediction.mask, self.reference.mask, self.size)

    @cached_property
    def distances(self) -> SurfaceDistances:
        return surface.surface_distances(self.prediction.mask, self.reference.mask, self.spacing)

    @cached_property
    def matching(self) -> Matching:
        return components.match(self.prediction.labelled, self.reference.labelled, self.options.match_iou)

    @cached_property
    def band(self) -> tuple[int, ...]:
        """Pixels along each axis, at least one."""
        sides = np.multiply(self.shape, self.spacing)
        width = float(np.linalg.norm(sides)) * BAND_SHARE if self.options.band is None else self.options.band
        return tuple(max(1, round(width / step)) for step in self.spacing)


def make_pair(prediction: Array, reference: Array, size: int, options: Options) -> Pair:
    """Masks: boolean (slices, rows, columns) of one shape; of a single slice the slice axis is left out."""
    box = _box(prediction, reference)
    spacing = options.spacing_mm or (1.0, 1.0, 1.0)
    return boxed_pair(prediction[box], reference[box], prediction.shape, size, spacing, options)


def boxed_pair(
    prediction: Array, reference: Array, shape: tuple[int, ...], size: int, spacing: tuple[float, ...], options: Options
) -> Pair:
    """Of masks that are cut to a box already; `shape` is that of the whole image."""
    if shape[0] == 1:
        prediction, reference, shape, spacing = prediction[0], reference[0], shape[1:], spacing[1:]
    return Pair(Form(prediction, spacing), Form(reference, spacing), shape, size, spacing, options)


def _box(prediction: Array, reference: Array) -> tuple[slice, ...]:
    """What holds the foreground of both; of nothing, a box of one pixel."""
    ends = []
    for axis in range(prediction.ndim):
        others = tuple(other for other in range(prediction.ndim) if other != axis)
        places = np.flatnonzero(prediction.any(axis=others) | reference.any(axis=others))
        ends.append(slice(int(places[0]), int(places[-1]) + 1) if places.size else slice(0, 1))
    return tuple(ends)
