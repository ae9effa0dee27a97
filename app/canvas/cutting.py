"""A slice or a section of arrays on the grid of an image."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.records import Array

if TYPE_CHECKING:
    from core.pipeline import Section


def plane_of(volume: Array, at: int | Section) -> Array:
    """Slice `at` of (slices, rows, columns) without a copy (the nearest one where there is none), or its section."""
    if not isinstance(at, int):
        return at.plane(volume)
    plane: Array = volume[min(max(at, 0), volume.shape[0] - 1)]
    return plane


def union_of(volume: Array, at: int | Section, holds: Callable[[Array], Array]) -> Array:
    """The bool mask `holds` of a slice, or of all slices of a section together."""
    return holds(plane_of(volume, at)) if isinstance(at, int) else at.union(volume, holds)
