"""Values to colours: look-up tables of 256 opaque colours, and the one function that applies them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QColor

from core.records import Array

GREY, VIRIDIS = "grey", "viridis"
ON_DARK, ON_IMAGE = "CET-D6", "CET-D1"
"""Maps with two sides, for any colour vision: blue-black-yellow for whole pictures, blue-white-red for few voxels."""
INVERTED = "grey, inverted"
TRANSPARENT = np.uint32(0)


def argb(colour: str) -> np.uint32:
    """`#rrggbb`, or `#aarrggbb` to see through, as the 32-bit number of QImage.Format_ARGB32_Premultiplied."""
    wish = QColor(colour)
    red, green, blue = (part * wish.alpha() // 255 for part in (wish.red(), wish.green(), wish.blue()))
    return np.uint32(wish.alpha() << 24 | red << 16 | green << 8 | blue)


@cache
def table(name: str) -> Array:
    """(256,) uint32 ARGB of `grey`, of the same inverted, or of one of pyqtgraph's maps.

    Viridis is even in lightness, and safe for the colour-blind.
    """
    if name == GREY:
        level = np.arange(256, dtype=np.uint32)
        made = np.uint32(0xFF000000) | level << 16 | level << 8 | level
    elif name == INVERTED:
        made = table(GREY)[::-1].copy()
    else:
        red, green, blue = pg.colormap.get(name).getLookupTable(nPts=256, alpha=False).astype(np.uint32).T
        made = np.uint32(0xFF000000) | red << 16 | green << 8 | blue
    made.setflags(write=False)
    return made


def levels(values: Array, low: float, high: float) -> Array:
    """uint8 levels of `values`: 0 at `low` and below, 255 at `high` and above; NaN gets 0. `high` <= `low`: a step."""
    span = max(high - low, 1e-12)
    scaled = values.astype(np.float32, copy=False) - np.float32(low)
    scaled *= np.float32(255.0 / span)
    np.fmax(scaled, np.float32(0), out=scaled)  # NaN too
    np.fmin(scaled, np.float32(255), out=scaled)
    return np.rint(scaled, out=scaled).astype(np.uint8)


def colourise(values: Array, low: float, high: float, name: str, out: Array) -> None:
    """Fill `out` (rows, columns) uint32 with the colours of `values`; NaN has no colour and stays transparent."""
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2:
        unsigned = values.view(values.dtype.str.replace("i", "u"))
        np.take(_every_colour(values.dtype.newbyteorder("="), low, high, name), unsigned, out=out, mode="clip")
        return
    np.take(table(name), levels(values, low, high), out=out, mode="clip")  # the usual mode makes a copy of `out`
    if values.dtype.kind == "f" and values.size and np.isnan(values.min()):  # a least value that is NaN: there are some
        out[np.isnan(values)] = TRANSPARENT


@lru_cache(maxsize=8)
def _every_colour(dtype: np.dtype, low: float, high: float, name: str) -> Array:  # type: ignore[type-arg]
    """The colour of every value that a small integer type has, by the unsigned number of the same bits: one look-up
    for each voxel is several times faster than arithmetic, which is what a turn of the wheel waits for."""
    count = 1 << 8 * dtype.itemsize
    values = np.arange(count, dtype=np.dtype(f"u{dtype.itemsize}")).view(dtype)
    made: Array = table(name)[levels(values, low, high)]
    made.setflags(write=False)
    return made


def classify(values: Array, colours: Sequence[str], out: Array) -> None:
    """Fill `out` (rows, columns) uint32 with the colour of each class in `values` (whole numbers); transparent where a
    class has an empty colour or none."""
    known = np.array([argb(colour) if colour else TRANSPARENT for colour in (*colours, "")], np.uint32)
    if values.dtype == np.uint8:  # as masks are laid together: one look-up for each voxel
        every = np.full(256, TRANSPARENT, np.uint32)
        every[: len(colours)] = known[:-1][:256]
        np.take(every, values, out=out, mode="clip")
        return
    beyond = (values < 0) | (values >= len(colours))
    np.take(known, np.where(beyond, len(colours), values), out=out)


def windowed_colour(picture: Array, low: float, high: float, out: Array, *, inverted: bool = False) -> None:
    """Fill `out` with a (rows, columns, 3) uint8 colour picture, each channel seen through the window `low`..`high`."""
    shades = levels(np.arange(256), low, high)
    through = (255 - shades if inverted else shades)[picture].astype(np.uint32)
    out[...] = np.uint32(0xFF000000) | through[..., 0] << 16 | through[..., 1] << 8 | through[..., 2]


def fill_mask(mask: Array, colour: str, out: Array) -> None:
    """Fill `out` with `colour` where `mask` (rows, columns) bool holds, transparent elsewhere."""
    np.multiply(mask, argb(colour), out=out, dtype=np.uint32, casting="unsafe")
