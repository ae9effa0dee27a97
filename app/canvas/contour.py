"""The edge of a mask as straight lines along voxel sides: it says exactly which voxels are in, at any zoom."""

from __future__ import annotations

import numpy as np

from core.records import Array


def boundary_segments(mask: Array) -> tuple[Array, Array]:
    """x and y, (2n,) float64, of n lines given as pairs of points; voxel centres lie at whole numbers.

    `mask` (rows, columns) bool. Outside the picture is background, so a mask at the rim is closed there.
    """
    rows, columns = mask.shape
    padded = np.pad(mask.astype(bool, copy=False), 1)
    level, place = _edges(padded[1:, 1:-1] != padded[:-1, 1:-1], columns)
    level, start, stop = _runs(level, place)
    across_y, across_x = np.repeat(level, 2), _interleaved(start, stop)
    upright = np.ascontiguousarray((padded[1:-1, 1:] != padded[1:-1, :-1]).T)  # column by column, as the runs go
    level, start, stop = _runs(*_edges(upright, rows))
    down_x, down_y = np.repeat(level, 2), _interleaved(start, stop)
    x, y = np.concatenate([across_x, down_x]), np.concatenate([across_y, down_y])
    return x.astype(np.float64) - 0.5, y.astype(np.float64) - 0.5


def corners(mask: Array) -> int:
    """At least so many lines has the edge of `mask` (rows, columns) bool: of each turn one, counted in no time."""
    padded = np.pad(mask.astype(bool, copy=False), 1)
    across = padded[:, 1:] ^ padded[:, :-1]
    return int(np.count_nonzero(across[1:] ^ across[:-1]))


def _edges(sides: Array, columns: int) -> tuple[Array, Array]:
    """Row and column of each True of `sides`, row by row; few are, and the flat search skips the others fast."""
    row, column = np.divmod(np.flatnonzero(sides), columns)
    return row, column


def _runs(level: Array, place: Array) -> tuple[Array, Array, Array]:
    """Level, first and last-plus-one place of each run: neighbouring sides on one level become one line."""
    breaks = (np.diff(level) != 0) | (np.diff(place) != 1)
    first = np.flatnonzero(np.concatenate([np.ones(min(level.size, 1), bool), breaks]))
    last = np.append(first[1:], level.size)[: first.size] - 1
    return level[first], place[first], place[last] + 1


def _interleaved(first: Array, second: Array) -> Array:
    return np.stack([first, second], axis=1).reshape(-1)


def label_segments(plane: Array, numbers: Array, most: int) -> dict[int, tuple[Array, Array]] | None:
    """The lines of `boundary_segments` of each label of `plane` (rows, columns) that is one of `numbers`, none of 0.

    None when there are more than `most` labels. All are looked for together, which costs little more than one of them.
    """
    columns = plane.shape[1]
    padded = np.pad(plane, 1)
    label, row, column = _label_sides(padded[:-1, 1:-1], padded[1:, 1:-1], columns, numbers)
    if np.unique(label).size > most:  # a label has sides above and below, wherever it is
        return None
    across = _label_lines(label, row, column)
    label, row, column = _label_sides(padded[1:-1, :-1], padded[1:-1, 1:], columns + 1, numbers)
    down = _label_lines(label, column, row)
    found = {}
    for number in np.unique(across[0]):
        level, start, stop = (part[across[0] == number] for part in across[1:])
        place, first, last = (part[down[0] == number] for part in down[1:])
        x = np.concatenate([_interleaved(start, stop), np.repeat(place, 2)])
        y = np.concatenate([np.repeat(level, 2), _interleaved(first, last)])
        found[int(number)] = (x.astype(np.float64) - 0.5, y.astype(np.float64) - 0.5)
    return found


def _label_sides(before: Array, after: Array, columns: int, numbers: Array) -> tuple[Array, Array, Array]:
    """Label, row and column of each side between two different labels: once for either of them."""
    place = np.flatnonzero(before != after)
    row, column = np.divmod(place, columns)
    label = np.concatenate([before[row, column], after[row, column]])
    wanted = np.flatnonzero(np.isin(label, numbers) & (label != 0))
    return label[wanted], np.tile(row, 2)[wanted], np.tile(column, 2)[wanted]


def _label_lines(label: Array, level: Array, place: Array) -> tuple[Array, Array, Array, Array]:
    """Label, level, first and last-plus-one place of each run of sides."""
    order = np.lexsort((place, level, label))
    label, level, place = label[order], level[order], place[order]
    breaks = (label[1:] != label[:-1]) | (np.diff(level) != 0) | (np.diff(place) != 1)
    first = np.flatnonzero(np.concatenate([np.ones(min(level.size, 1), bool), breaks]))
    last = np.append(first[1:], level.size)[: first.size] - 1
    return label[first], level[first], place[first], place[last] + 1
