"""Turn an array the right way round within its own memory: opening a volume then costs no second one."""

from __future__ import annotations

import math

import numpy as np

from core.records import Array


def turned_in_place(values: Array) -> Array | None:
    """The same values in C order, in the memory that `values` is a view of; that memory is then turned itself.

    None, with nothing changed, unless `values` shows all of an array, of its own kind of number or of bare bytes, whose
    axes are at most reversed: no axis order but C, no part, nothing read-only.
    """
    owner = _owner(values)
    if owner is None or owner.nbytes != values.nbytes or not owner.flags.c_contiguous or not values.size:
        return None
    if not values.flags.writeable or owner.dtype not in (values.dtype, np.dtype(np.uint8)):
        return None
    reversed_axes = [stride < 0 and length > 1 for stride, length in zip(values.strides, values.shape, strict=True)]
    straight = values[tuple(slice(None, None, -1 if back else 1) for back in reversed_axes)]
    if not straight.flags.c_contiguous:
        return None
    turned = owner.reshape(-1).view(values.dtype).reshape(values.shape)
    _reverse(turned, [axis for axis, back in enumerate(reversed_axes) if back])
    return turned


def _owner(values: Array) -> Array | None:
    """The array that holds the memory, when numpy itself allocated it; None for a file, bytes or a buffer."""
    held: object = values
    while isinstance(held, np.ndarray) and held.base is not None:
        held = held.base
    return held if type(held) is np.ndarray and held.flags.owndata else None


def _reverse(turned: Array, axes: list[int]) -> None:
    """Reverse some axes, with one slice of extra memory at a time."""
    inner = tuple(slice(None, None, -1 if axis in axes else 1) for axis in range(1, turned.ndim))
    if turned.ndim == 1 or math.prod(turned.shape[1:]) == 1:
        turned[...] = turned[:: -1 if 0 in axes else 1][(slice(None), *inner)].copy()
        return
    last = len(turned) - 1
    if 0 not in axes:
        for plane in turned if axes else ():
            plane[...] = plane[inner].copy()
        return
    for index in range((last + 2) // 2):
        first, second = turned[index][inner].copy(), turned[last - index][inner].copy()
        turned[index], turned[last - index] = second, first
