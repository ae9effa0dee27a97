"""The labels of a label map, one by one: how many voxels, and where to look for each."""

from __future__ import annotations

import numpy as np

from core.progress import Progress, Report, silent
from core.records import Array, LabelInfo, LabelMap

DIRECT = 1 << 16
"""Numbers below this are counted by their own index; larger or negative ones through a table of those that occur."""


def list_labels(labels: LabelMap, report: Report = silent) -> tuple[LabelInfo, ...]:
    """Every label but 0 that occurs, by number. The volume is looked at slice by slice, with progress."""
    numbers = _numbers(labels.labels)
    counts = _counts(labels.labels, numbers, report)
    return tuple(
        LabelInfo(
            number=int(number),
            name=labels.names.get(int(number), ""),
            code=labels.codes.get(int(number), ""),
            colour=labels.colours.get(int(number)),
            voxels=int(counts[:, place].sum()),
            centre=_centre(labels.labels, int(number), int(counts[:, place].argmax())),
        )
        for place, number in enumerate(numbers)
        if number != 0
    )


def _numbers(volume: Array) -> Array:
    """The numbers that occur, in order."""
    if _is_direct(volume):
        seen = np.zeros(int(volume.max()) + 1, dtype=bool)
        for plane in volume:  # one slice at a time: counting turns every number into eight bytes
            seen |= np.bincount(plane.ravel(), minlength=seen.size) > 0
        return np.flatnonzero(seen)
    found = [np.unique(plane) for plane in volume]
    return np.unique(np.concatenate(found))


def _is_direct(volume: Array) -> bool:
    return bool(volume.size) and int(volume.min()) >= 0 and int(volume.max()) < DIRECT


def _counts(volume: Array, numbers: Array, report: Report) -> Array:
    """(slices, numbers): in which slice how many voxels have which number."""
    counts = np.zeros((len(volume), len(numbers)), dtype=np.int64)
    direct = _is_direct(volume)
    for index, plane in enumerate(volume):
        report(Progress(done=index, total=len(volume), stage="counting labels"))
        if direct:
            found = np.bincount(plane.ravel(), minlength=int(numbers[-1]) + 1)
            counts[index] = found[numbers]
        else:
            there, how_many = np.unique(plane, return_counts=True)
            counts[index, np.searchsorted(numbers, there)] = how_many
    return counts


def _centre(volume: Array, number: int, index: int) -> tuple[int, int, int]:
    """In the slice with most of a label, its voxel nearest to the middle of them: never beside a bent one."""
    rows, columns = np.nonzero(volume[index] == number)
    apart = (rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2
    nearest = int(apart.argmin())
    return index, int(rows[nearest]), int(columns[nearest])
