"""A skeleton as a graph: how long each of its pixels is, how many links it has, where it forks and ends.

Masks are (rows, columns) or (slices, rows, columns) bool, 8- or 26-connected.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from scipy import ndimage

from core.metrics.topology import skeleton
from core.records import Array


@dataclass(frozen=True, slots=True, eq=False)
class VesselLine:
    """`line`: bool. `length`: of each pixel of it, half of every link it has; a free end and a lone pixel count whole.

    `links`: to how many pixels each is linked. `diameter`: of the mask around each, 2 d - 1 voxel with d the distance
    to the nearest background voxel; exact where the width is an odd number of voxels, else one less.
    """

    line: Array
    length: Array
    links: Array
    diameter: Array

    @property
    def junctions(self) -> Array:
        return self.line & (self.links >= 3)

    @property
    def ends(self) -> Array:
        return self.line & (self.links <= 1)


def vessel_line(mask: Array, sampling: tuple[float, ...]) -> VesselLine:
    """The skeleton of a mask with the size of its voxels along each axis; of an empty mask an empty one."""
    line = (
        np.zeros_like(mask) if not mask.any() else skeleton(mask[None] if mask.ndim == 2 else mask).reshape(mask.shape)
    )
    length, links = _lengths(line, sampling)
    depth = np.asarray(ndimage.distance_transform_edt(np.pad(mask, 1), sampling=sampling))[(slice(1, -1),) * mask.ndim]
    voxel = float(np.mean(sampling))
    return VesselLine(line, length, links, np.maximum(2 * depth - voxel, 0))


def _lengths(line: Array, sampling: tuple[float, ...]) -> tuple[Array, Array]:
    """Length and number of links of each pixel. A diagonal is no link where a pixel beside it makes the same way."""
    length, links = np.zeros(line.shape), np.zeros(line.shape, np.uint8)
    padded = np.pad(line, 1)
    for offset in _half_of_the_neighbours(line.ndim):
        linked = line & _seen(padded, offset)
        for detour in _detours(offset):
            linked &= ~_seen(padded, detour)
        half = 0.5 * float(np.linalg.norm(np.multiply(offset, sampling)))
        here = np.nonzero(linked)
        there = tuple(at + step for at, step in zip(here, offset, strict=True))
        for ends in (here, there):
            length[ends] += half
            links[ends] += 1
    length[line & (links == 1)] *= 2
    length[line & (links == 0)] = float(np.mean(sampling))
    return length, links


def _half_of_the_neighbours(ndim: int) -> Iterator[tuple[int, ...]]:
    zero = (0,) * ndim
    return (offset for offset in product((-1, 0, 1), repeat=ndim) if offset > zero)


def _detours(offset: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Neighbours that lie between a pixel and the one at `offset`: those reached by some of its steps."""
    axes = [axis for axis, step in enumerate(offset) if step]
    for count in range(1, len(axes)):
        for some in combinations(axes, count):
            yield tuple(step if axis in some else 0 for axis, step in enumerate(offset))


def _seen(padded: Array, offset: tuple[int, ...]) -> Array:
    """What lies at `offset` from each pixel."""
    return padded[tuple(slice(1 + step, size - 1 + step) for step, size in zip(offset, padded.shape, strict=True))]
