"""A label map over the picture: each label in its colour and opacity, by a look-up table on the slice that is seen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QColor, QPainterPath

from app.canvas.contour import label_segments
from app.items import LabelEntry
from core.records import Array

MOST_OUTLINED = 12
"""Labels of a slice that get an outline of their own; more of them are a mosaic, whose fills touch anyway."""
DIRECT = 1 << 16
"""Numbers below this are looked up by index, larger or negative ones by search."""

Outlines = tuple[tuple[str, QPainterPath], ...]


@lru_cache(maxsize=16)
def _table(labels: tuple[LabelEntry, ...]) -> tuple[Array, Array]:
    """Sorted numbers, with 0 in front of all, and the premultiplied ARGB of each."""
    shown = sorted(labels, key=lambda entry: entry.number)
    numbers = np.array([entry.number for entry in shown], dtype=np.int64)
    colours = np.array([_premultiplied(entry) for entry in shown], dtype=np.uint32)
    return numbers, colours


@lru_cache(maxsize=16)
def _direct_table(labels: tuple[LabelEntry, ...]) -> Array | None:
    """The colour of every number from 0 to the highest; None when they do not fit."""
    numbers, colours = _table(labels)
    if not numbers.size or numbers[0] < 0 or numbers[-1] >= DIRECT:
        return None
    table = np.zeros(int(numbers[-1]) + 1, dtype=np.uint32)
    table[numbers] = colours
    return table


def _premultiplied(entry: LabelEntry) -> int:
    if not entry.visible:
        return 0
    colour, alpha = QColor(entry.colour), round(255 * entry.opacity)
    red, green, blue = (round(part * alpha / 255) for part in (colour.red(), colour.green(), colour.blue()))
    return alpha << 24 | red << 16 | green << 8 | blue


def fill_labels(plane: Array, labels: tuple[LabelEntry, ...], out: Array) -> None:
    """Fill `out` (rows, columns) uint32 with the colours of the labels of `plane`; nothing where there is none."""
    direct = _direct_table(labels)
    if direct is not None:
        np.take(direct, plane, out=out, mode="clip")
        return
    numbers, colours = _table(labels)
    place = np.clip(np.searchsorted(numbers, plane), 0, len(numbers) - 1)
    out[...] = np.where(numbers[place] == plane, colours[place], 0)


def label_outlines(plane: Array, labels: Sequence[LabelEntry]) -> Outlines:
    """An outline for each label that is seen in the slice; none of any when there are too many of them."""
    seen = {entry.number: entry.colour for entry in labels if entry.visible}
    lines = label_segments(plane, np.array(list(seen), np.int64), MOST_OUTLINED) or {}
    return tuple((seen[number], _path(x, y)) for number, (x, y) in lines.items())


def _path(x: Array, y: Array) -> QPainterPath:
    path: QPainterPath = pg.arrayToQPath(x, y, connect="pairs", finiteCheck=False)
    return path
