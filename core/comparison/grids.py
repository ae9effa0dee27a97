"""What every comparison needs first: arrays on one grid, masks as bool, and the size of a voxel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.errors import ShapeMismatch
from core.records import Array

if TYPE_CHECKING:
    from core.records import LengthUnit

Spacing = tuple[float, float, float]
"""Size of a voxel along (slices, rows, columns)."""


def as_masks(*arrays: Array) -> tuple[Array, ...]:
    """Boolean masks (slices, rows, columns) of one shape; what is not bool counts as foreground above 0.

    Raises `ShapeMismatch` when they are not on one grid.
    """
    masks = tuple(np.asarray(array) > 0 for array in arrays)
    volumes = tuple(mask[None] if mask.ndim == 2 else mask for mask in masks)
    check_one_grid(*volumes)
    return volumes


def check_one_grid(*arrays: Array) -> None:
    """Raises `ShapeMismatch` when the shapes differ."""
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        raise ShapeMismatch(
            f"These lie on different grids, {' and '.join(map(str, shapes))}: only masks and predictions of one image "
            "can be compared. Run both on the same case."
        )


def unit_of(spacing_mm: Spacing | None) -> LengthUnit:
    return "px" if spacing_mm is None else "mm"


def flat(mask: Array) -> Array:
    """A single slice as (rows, columns): what is 2D is treated in 2D; else the array as it is."""
    return mask[0] if mask.shape[0] == 1 else mask


def sampling_of(mask: Array, spacing_mm: Spacing | None) -> tuple[float, ...]:
    """Size of a voxel along each axis of `flat(mask)`; 1 where the spacing is unknown."""
    whole = (1.0, 1.0, 1.0) if spacing_mm is None else tuple(map(float, spacing_mm))
    return whole[1:] if mask.shape[0] == 1 else whole
