"""What every file reader hands on: an array on a grid, before anyone decides whether it is an image or labels."""

from __future__ import annotations

from dataclasses import dataclass

from core.records import Array, Finding

MAX_VOXELS = 512 * 1024 * 1024
"""2 GiB as float32: more than any image this program is for, less than what brings a workstation down."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Raster:
    """`values`: (slices, rows, columns) as stored, any real dtype; of a file with channels, the first one.

    `picture` is True for file kinds that cannot say what a value means (PNG, JPEG, ...). `affine`, `spacing_mm` and
    `colour` as in `core.records.Image`.
    """

    values: Array
    kind: str
    picture: bool
    affine: Array | None = None
    spacing_mm: tuple[float, float, float] | None = None
    colour: Array | None = None
    findings: tuple[Finding, ...] = ()


def note(code: str, message: str, remedy: str = "Nothing to do if that is what you want.") -> Finding:
    return Finding(severity="note", code=code, message=message, remedy=remedy)


def warning(code: str, message: str, remedy: str = "") -> Finding:
    return Finding(severity="warning", code=code, message=message, remedy=remedy)
