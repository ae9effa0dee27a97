"""What every file reader hands on: an array on a grid, before anyone decides whether it is an image or labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.records import Array, Finding

MAX_VOXELS = 640 * 1024 * 1024
"""2.5 GiB as float32: more than any image this program is for, less than what brings a workstation down."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Raster:
    """`values`: (slices, rows, columns) after the file's own scaling, any real dtype; of a file with channels, the
    first one.

    `picture` is True for file kinds that cannot say what a value means (PNG, JPEG, ...). All else as in
    `core.records.Image` and, for what a label map carries (`names`, `colours`, `codes`), `core.records.LabelMap`.
    """

    values: Array
    kind: str
    picture: bool
    affine: Array | None = None
    spacing_mm: tuple[float, float, float] | None = None
    colour: Array | None = None
    findings: tuple[Finding, ...] = ()
    frame: int = 0
    frames: int = 1
    files: tuple[str, ...] = ()
    window: tuple[float, float] | None = None
    unit: str = ""
    modality: str = ""
    names: Mapping[int, str] = field(default_factory=dict)
    colours: Mapping[int, tuple[int, int, int]] = field(default_factory=dict)
    codes: Mapping[int, str] = field(default_factory=dict)


def note(code: str, message: str, remedy: str = "Nothing to do if that is what you want.") -> Finding:
    return Finding(severity="note", code=code, message=message, remedy=remedy)


def warning(code: str, message: str, remedy: str = "") -> Finding:
    return Finding(severity="warning", code=code, message=message, remedy=remedy)


def scaled(values: Array, slope: float, intercept: float) -> Array:
    """`values * slope + intercept` of (..., planes): integers when all three are whole, else float32.

    Integers get the smallest signed type of 16 bits or more that holds the result, so a CT stays at 16 bits. Done
    plane by plane: a whole volume in float64 would be four times its size.
    """
    if (slope, intercept) == (1.0, 0.0) or values.size == 0:
        return values
    dtype = _whole_type(values, slope, intercept)
    result: Array = np.empty(values.shape, dtype or np.float32, order="F" if values.flags.f_contiguous else "C")
    with np.errstate(over="ignore", invalid="ignore"):
        for out, plane in _planes(result, values):
            if dtype is None:
                out[...] = plane * np.float64(slope) + np.float64(intercept)
            else:
                out[...] = plane.astype(np.int64) * int(slope) + int(intercept)
    return result


def _whole_type(values: Array, slope: float, intercept: float) -> np.dtype[Any] | None:
    if values.dtype.kind not in "iu" or not (slope.is_integer() and intercept.is_integer()):
        return None
    ends = [int(end) * int(slope) + int(intercept) for end in (values.min(), values.max())]
    for dtype in (np.int16, np.int32):
        limits = np.iinfo(dtype)
        if limits.min <= min(ends) and max(ends) <= limits.max:
            return np.dtype(dtype)
    return None


def _planes(result: Array, values: Array) -> list[tuple[Array, Array]]:
    if values.ndim < 3:
        return [(result, values)]
    if values.flags.f_contiguous:
        return [(result[..., k], values[..., k]) for k in range(values.shape[-1])]
    return [(result[k], values[k]) for k in range(values.shape[0])]
