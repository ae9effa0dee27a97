"""From stored voxels and the affine that a file states to the grid on screen, with what a person should know of it."""

from __future__ import annotations

import numpy as np

from core.images.orientation import oriented
from core.images.raster import warning
from core.records import Array, Finding

SHEAR = 5e-3
"""Cosine between two axes above which a grid is no box any more (0.3 degrees)."""
Spacing = tuple[float, float, float]
Placed = tuple[Array, Array | None, Spacing | None, tuple[Finding, ...]]
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""DICOM, MetaImage and ITK count towards left and back; RAS, as here, towards right and front."""


def placed(voxels: Array, affine: Array | None, name: str, spacing: Spacing | None = None) -> Placed:
    """(i, j, k) voxels with their affine to RAS mm -> (slices, rows, columns), affine, spacing and findings.

    No affine: the stored order is kept, and `spacing` (i, j, k), where known. An affine that is no place (NaN,
    singular) is left out and announced. A sheared one is kept, since it says exactly where each voxel lies, but the
    image then has no spacing: distances along its axes are not at right angles.
    """
    if affine is None:
        return voxels.transpose(2, 1, 0), None, usable_spacing(spacing), ()
    if not usable(affine):
        return voxels.transpose(2, 1, 0), None, None, (no_geometry(name),)
    values, turned, measured = oriented(voxels, affine)
    if not sheared(affine):
        return values, turned, measured, ()
    return values, turned, None, (_shear_finding(name),)


def no_geometry(name: str) -> Finding:
    return warning(
        "image.no-geometry",
        f"{name}: shown without position and spacing: the orientation (affine) in it is invalid.",
        "Distances are in pixels; left and right cannot be told.",
    )


def no_orientation(name: str) -> Finding:
    return warning(
        "image.orientation-unknown",
        f"{name} does not state how it lies in the patient: shown as stored, without orientation.",
        "Left and right, front and back cannot be told: check them against the source.",
    )


def usable(affine: Array) -> bool:
    """Finite, and axes that span space: the volume of the unit axes is not nearly zero."""
    if not np.isfinite(affine).all():
        return False
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    return bool((lengths > 1e-9).all() and abs(np.linalg.det(affine[:3, :3] / lengths)) > 1e-3)


def usable_spacing(spacing: Spacing | None) -> Spacing | None:
    """(slice, row, column) of a spacing (i, j, k), or None when one of them is no length."""
    if spacing is None or not all(np.isfinite(length) and length > 0 for length in spacing):
        return None
    across, down, along = (float(length) for length in spacing)
    return along, down, across


def sheared(affine: Array) -> bool:
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() > SHEAR)


def _shear_finding(name: str) -> Finding:
    return warning(
        "image.shear",
        f"{name}: its axes are not at right angles (a tilted gantry, or a shear): positions are right, but slices are "
        "drawn as if they were stacked straight.",
        "There are no lengths in millimetres; resample it to a straight grid for measuring.",
    )
