"""Turn a volume so that every file of one head looks the same on screen.

Axial slices from feet to head, rows from front to back, columns from the patient's right to left (the radiological
view). A single slice keeps its own plane: a sagittal picture is not cut into one-pixel columns.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from core.records import Array

SCREEN_AXES = {0: ("L", "I", "P"), 1: ("P", "I", "L"), 2: ("S", "P", "L")}
"""World axis (0 left-right, 1 back-front, 2 feet-head) across the slices -> where slices, rows and columns grow to."""


def oriented(voxels: Array, affine: Array | None) -> tuple[Array, Array | None, tuple[float, float, float] | None]:
    """(i, j, k) voxels and their affine as (slices, rows, columns), the affine of that order, and the spacing in mm.

    Axes are swapped and flipped, never resampled, so an oblique volume stays oblique and its affine says how. Without
    an affine the stored order is kept: slice k, row j, column i.
    """
    if affine is None:
        return voxels.transpose(2, 1, 0), None, None
    orientations: Any = import_module("nibabel.orientations")

    stored = orientations.io_orientation(affine)
    across = _slice_axis(voxels.shape, stored)
    turn = orientations.ornt_transform(stored, orientations.axcodes2ornt(SCREEN_AXES[across]))
    turned = affine @ orientations.inv_ornt_aff(turn, voxels.shape)
    first, second, third = (float(length) for length in np.linalg.norm(turned[:3, :3], axis=0))
    return orientations.apply_orientation(voxels, turn), turned, (first, second, third)


def stored_order(values: Array, affine: Array | None) -> tuple[Array, Array | None]:
    """(slices, rows, columns) and its affine as (i, j, k) = (column, row, slice): the order of a NIfTI file."""
    return values.transpose(2, 1, 0), None if affine is None else affine[:, [2, 1, 0, 3]]


def _slice_axis(shape: tuple[int, ...], stored: Array) -> int:
    """The world axis across the slices: that of the only axis of length 1, else feet-head."""
    single = [axis for axis, length in enumerate(shape) if length == 1]
    return int(stored[single[0], 0]) if len(single) == 1 else 2
