"""The topology lens: breaks, bridges, lost branches, islands and loops of a predicted vessel tree, each with its place.

Foreground is 8-connected in a slice and 26-connected in a volume, background 4- and 6-connected.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from math import ceil, pi, sqrt

import numpy as np
from scipy import ndimage

from core.comparison.grids import Spacing, as_masks, flat, sampling_of, unit_of
from core.metrics.topology import betti_numbers
from core.metrics.vessel_lines import VesselLine, vessel_line
from core.progress import Progress, Report, silent
from core.records import Array, TopologyItem, TopologyKind, TopologyReport

SAME_HOLE = 0.1
"""Holes of two masks are one if they overlap at least so much (intersection over union)."""
CONNECTIVITY = {
    2: "foreground 8-connected, background 4-connected",
    3: "foreground 26-connected, background 6-connected",
}
PARTS = 6
"""Parts of the work that progress is told in."""
ONLY_2D = "Loops of a volume are tunnels, which have no place of their own: only their number (Betti 1) is told."
Box = tuple[slice, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """Some pixels of a centreline: `inside` marks them within `box`."""

    box: Box
    inside: Array


def topology_report(
    prediction: Array,
    reference: Array,
    spacing_mm: Spacing | None = None,
    radius_px: float = 8.0,
    report: Report = silent,
) -> TopologyReport:
    """See `TopologyReport`. Masks of one grid, else `ShapeMismatch`; a single slice is treated in 2D."""
    reported = partial(_report, report)
    reported(0, "Centreline of the result")
    predicted, actual = as_masks(prediction, reference)
    sampling = sampling_of(actual, spacing_mm)
    planes = flat(predicted), flat(actual)
    own = vessel_line(planes[0], sampling)
    reported(1, "Centreline of the reference")
    lines = own, vessel_line(planes[1], sampling)
    found = (
        ("Breaks and lost branches", _missed(lines[1], planes[0], sampling, cut="break", lost="lost-branch")),
        ("False bridges", _missed(lines[0], planes[1], sampling, cut="bridge", lost=None)),
        ("Islands and loops", _pieces(planes, lines[0], sampling)),
    )
    items: list[TopologyItem] = []
    for part, (words, some) in enumerate(found, start=2):
        reported(part, words)
        for item in some:
            items.append(item)
            reported(part, words)  # a noisy mask has thousands: it can be cancelled between any two
    reported(PARTS - 1, "Betti numbers")
    wrong = planes[0] & ~planes[1]
    junctions = lines[1].junctions
    return TopologyReport(
        items=tuple(sorted(items, key=lambda item: (-item.length, item.kind, item.position))),
        unit=unit_of(spacing_mm),
        betti_prediction=betti_numbers(predicted),
        betti_reference=betti_numbers(actual),
        connectivity=CONNECTIVITY[planes[0].ndim],
        false_positives=int(np.count_nonzero(wrong)),
        near_junctions=int(np.count_nonzero(wrong & (_distance_to(junctions) <= radius_px))),
        junctions=int(_label(junctions)[1]),
        radius_px=radius_px,
        loops_reason="" if planes[0].ndim == 2 else ONLY_2D,
    )


def _report(report: Report, done: int, words: str) -> None:
    report(Progress(done=done, total=PARTS, stage=words))


# ---- along a centreline ----------------------------------------------------------------------------------------------


def _missed(
    own: VesselLine, other: Array, sampling: tuple[float, ...], *, cut: TopologyKind, lost: TopologyKind | None
) -> Iterator[TopologyItem]:
    """Stretches of one mask's centreline outside the other mask: those that cut it, and those where it ends."""
    away = _distance_to(other, sampling)
    labels, _ = _label(own.line & ~other)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        stretch = _Stretch(box, labels[box] == number)
        if _cuts(own, other, stretch, sampling):
            trunk, twigs = _pruned(own, stretch)
            yield _item(cut, own, trunk)
            ends = twigs
        else:
            ends = [stretch]
        for end in ends:
            if lost is not None and away[end.box][end.inside].max() > _calibre(own, end):
                yield _item(lost, own, end)


def _cuts(own: VesselLine, other: Array, stretch: _Stretch, sampling: tuple[float, ...]) -> bool:
    """Whether what a stretch joins is in two pieces in the other mask, as far as one vessel's width around it shows."""
    margin = ceil(_calibre(own, stretch) / min(sampling) / 2) + 2
    box = tuple(
        slice(max(0, part.start - margin), min(size, part.stop + margin))
        for part, size in zip(stretch.box, other.shape, strict=True)
    )
    inside = np.zeros(other[box].shape, bool)
    inside[tuple(slice(p.start - b.start, p.stop - b.start) for p, b in zip(stretch.box, box, strict=True))] = (
        stretch.inside
    )
    contacts = ndimage.binary_dilation(inside, _full(other.ndim)) & own.line[box] & other[box]
    if np.count_nonzero(contacts) < 2:
        return False
    pieces, _ = _label(other[box])
    return len(set(pieces[contacts].tolist())) > 1


def _pruned(own: VesselLine, stretch: _Stretch) -> tuple[_Stretch, list[_Stretch]]:
    """A stretch without the twigs that end freely beyond a fork inside it, and those twigs."""
    forks, ends = own.junctions[stretch.box] & stretch.inside, own.ends[stretch.box]
    if not forks.any():
        return stretch, []
    labels, count = _label(stretch.inside & ~forks)
    twigs = [labels == number for number in range(1, count + 1) if (ends & (labels == number)).any()]
    trunk = stretch.inside & ~np.any(twigs, axis=0) if twigs else stretch.inside
    return _Stretch(stretch.box, trunk), [_Stretch(stretch.box, twig) for twig in twigs]


def _calibre(own: VesselLine, stretch: _Stretch) -> float:
    return float(own.diameter[stretch.box][stretch.inside].mean())


def _item(kind: TopologyKind, own: VesselLine, stretch: _Stretch) -> TopologyItem:
    return _placed(
        kind,
        stretch.box,
        stretch.inside,
        length=float(own.length[stretch.box][stretch.inside].sum()),
        calibre=_calibre(own, stretch),
    )


def _placed(kind: TopologyKind, box: Box, inside: Array, length: float, calibre: float | None) -> TopologyItem:
    """`inside` (within `box`) as an item; its middle is its own voxel nearest to the centre of them all."""
    at = np.argwhere(inside) + [part.start for part in box]
    middle = at[np.argmin(((at - at.mean(axis=0)) ** 2).sum(axis=1))]
    low, high = at.min(axis=0), at.max(axis=0) + 1
    flat_axes = 3 - inside.ndim
    edges = [(0, 1)] * flat_axes + [(int(first), int(past)) for first, past in zip(low, high, strict=True)]
    where = [0] * flat_axes + [int(index) for index in middle]
    return TopologyItem(
        kind=kind,
        position=(where[0], where[1], where[2]),
        box=(edges[0], edges[1], edges[2]),
        length=length,
        calibre=calibre,
        voxels=len(at),
    )


# ---- pieces and holes ------------------------------------------------------------------------------------------------


def _pieces(planes: tuple[Array, Array], line: VesselLine, sampling: tuple[float, ...]) -> Iterator[TopologyItem]:
    yield from _islands(planes[0], line, planes[1])
    if planes[0].ndim == 2:
        yield from _loops(*planes, sampling)


def _islands(predicted: Array, line: VesselLine, actual: Array) -> Iterator[TopologyItem]:
    """Pieces of the prediction of which no voxel is in or beside the reference."""
    labels, count = _label(predicted)
    touched = np.unique(labels[ndimage.binary_dilation(actual, _full(actual.ndim))])
    boxes = ndimage.find_objects(labels)
    for number in sorted(set(range(1, count + 1)) - set(touched.tolist())):
        box = boxes[number - 1]
        yield _item("island", line, _Stretch(box, (labels[box] == number) & line.line[box]))


def _loops(predicted: Array, actual: Array, sampling: tuple[float, ...]) -> Iterator[TopologyItem]:
    """Holes that only one of two slices has. Pairs are made from the best overlap down, each hole in one at most."""
    holes = _holes(predicted), _holes(actual)
    paired = _pairs(*holes)
    for kind, labels, side in (("false-loop", holes[0], 0), ("lost-loop", holes[1], 1)):
        known = {pair[side] for pair in paired}
        for number, box in enumerate(ndimage.find_objects(labels), start=1):
            if number in known:
                continue
            inside = labels[box] == number
            area = float(np.count_nonzero(inside)) * float(np.prod(sampling))
            name: TopologyKind = "false-loop" if kind == "false-loop" else "lost-loop"
            yield _placed(name, box, inside, length=2 * sqrt(pi * area), calibre=None)


def _holes(mask: Array) -> Array:
    """The enclosed pieces of background, numbered from 1; 0 elsewhere."""
    labels, _ = ndimage.label(np.pad(~mask, 1, constant_values=True))
    labels[labels == labels[0, 0]] = 0
    inner = labels[1:-1, 1:-1]
    _, numbers = np.unique(inner, return_inverse=True)
    numbered: Array = numbers.reshape(inner.shape) if (inner == 0).any() else numbers.reshape(inner.shape) + 1
    return numbered


def _pairs(predicted: Array, actual: Array) -> list[tuple[int, int]]:
    both = (predicted > 0) & (actual > 0)
    couples, shared = np.unique(np.stack([predicted[both], actual[both]]), axis=1, return_counts=True)
    sizes = np.bincount(predicted.ravel()), np.bincount(actual.ravel())
    overlaps = shared / (sizes[0][couples[0]] + sizes[1][couples[1]] - shared)
    pairs: list[tuple[int, int]] = []
    for best in np.argsort(-overlaps, kind="stable"):
        one, other = int(couples[0, best]), int(couples[1, best])
        free = all(one != pair[0] and other != pair[1] for pair in pairs)
        if free and overlaps[best] >= SAME_HOLE:
            pairs.append((one, other))
    return pairs


# ---- helpers ---------------------------------------------------------------------------------------------------------


@cache
def _full(ndim: int) -> Array:
    return np.ones((3,) * ndim, bool)


def _label(mask: Array) -> tuple[Array, int]:
    labels, count = ndimage.label(mask, _full(mask.ndim))
    return labels, int(count)


def _distance_to(mask: Array, sampling: tuple[float, ...] | None = None) -> Array:
    """Of every voxel to the nearest one of the mask, in voxels or by `sampling`; infinite when the mask is empty."""
    if not mask.any():
        return np.full(mask.shape, np.inf)
    return np.asarray(ndimage.distance_transform_edt(~mask, sampling=sampling))
