"""Slices across the last axis of a large volume, where every voxel of a slice lies in a cache line of its own.

One such slice costs nearly as much to gather as its eight neighbours together. So whoever turns slice by slice gets
them from strips: many neighbouring slices, each in one piece. The strip ahead is gathered a little with every turn.
"""

from __future__ import annotations

import weakref
from math import ceil
from threading import Lock

import numpy as np

from core.records import Array

LEAST_BYTES = 64 * 1024**2
"""Smaller volumes lie in the caches, more or less."""
FIRST, AHEAD = 16, 32
"""Slices of the strip that is gathered while one waits, and of those that are gathered ahead."""
STRIPS_KEPT, VOLUMES_KEPT = 3, 4


class _Strip:
    """Slices `start` up to `stop` of a volume (slices, rows, columns), as (columns, slices, rows)."""

    def __init__(self, volume: Array, start: int, stop: int) -> None:
        self.start, self.stop, self._done = start, stop, 0
        self._planes = np.empty((stop - start, *volume.shape[:2]), volume.dtype)

    def holds(self, index: int) -> bool:
        return self.start <= index < self.stop

    @property
    def whole(self) -> bool:
        return self._done == len(self._planes[0])

    def gather(self, volume: Array, turns: int) -> None:
        """As much of it as has to be done now to have all of it after so many turns."""
        end = self._done + ceil((len(volume) - self._done) / max(turns, 1))
        for number in range(self._done, end):  # one slice at a time is turned within the innermost cache
            self._planes[:, number] = volume[number, :, self.start : self.stop].T
        self._done = end

    def plane(self, volume: Array, index: int) -> Array:
        self.gather(volume, 1)
        plane: Array = self._planes[index - self.start]
        plane.setflags(write=False)
        return plane


class _Strips:
    """Those of one volume. A jump is served from the volume itself; who goes on step by step is met with strips."""

    def __init__(self) -> None:
        self._strips: list[_Strip] = []
        self._last: int | None = None

    def plane(self, volume: Array, index: int) -> Array:
        step = 0 if self._last is None else index - self._last
        self._last = index
        held = self._at(index)
        if abs(step) != 1 and not (held and held.whole):
            direct: Array = volume[:, :, index]
            return direct
        held = held or self._add(volume, index, step, FIRST)
        plane = held.plane(volume, index)
        if abs(step) == 1:
            self._go_ahead(volume, held, index, step)
        return plane

    def _go_ahead(self, volume: Array, held: _Strip, index: int, step: int) -> None:
        edge = held.stop if step > 0 else held.start - 1
        if 0 <= edge < volume.shape[2]:
            ahead = self._at(edge) or self._add(volume, edge, step, AHEAD)
            ahead.gather(volume, abs(edge - index))

    def _at(self, index: int) -> _Strip | None:
        return next((strip for strip in self._strips if strip.holds(index)), None)

    def _add(self, volume: Array, index: int, step: int, count: int) -> _Strip:
        """A strip from `index` in the direction of `step`, beside those that there are."""
        start, stop = (index, index + count) if step > 0 else (index - count + 1, index + 1)
        made = _Strip(volume, max(start, 0), min(stop, volume.shape[2]))
        self._strips = [*self._strips[1 - STRIPS_KEPT :], made]
        return made


_known: dict[int, tuple[weakref.ref[Array], _Strips]] = {}
_lock = Lock()


def across_columns(volume: Array, index: int) -> Array:
    """`volume[:, :, index]` of (slices, rows, columns), read-only, as a rule in one piece of memory.

    Of a volume that is small, that somebody may write to, or whose last axis is not the innermost: the plain view.
    """
    innermost = volume.strides[2] == volume.itemsize
    if volume.nbytes < LEAST_BYTES or volume.flags.writeable or not innermost:
        plain: Array = volume[:, :, index]
        return plain
    with _lock:
        return _strips_of(volume).plane(volume, index)


def _strips_of(volume: Array) -> _Strips:
    """Kept for the volumes looked at last, and only as long as these live."""
    for key in [key for key, (known, _) in _known.items() if known() is None]:
        del _known[key]
    found = _known.pop(id(volume), None) or (weakref.ref(volume), _Strips())
    _known[id(volume)] = found  # the one used last is the last
    while len(_known) > VOLUMES_KEPT:
        del _known[next(iter(_known))]
    return found[1]
