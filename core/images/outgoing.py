"""What a writer gets: values on a grid, with what people call them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from core.errors import ImageRefused
from core.records import Array

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""NRRD, MetaImage and DICOM count towards left and back; RAS, as in our records, towards right and front."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outgoing:
    """`values`: (slices, rows, columns), integers or bool for labels, float32 for a probability.

    `affine`, `spacing_mm` as in `core.records.Image`; `names`, `colours`, `codes` as in `LabelMap`; `files`: the DICOM
    files of the image that the values belong to, along its stack; `algorithm`: what made the values; `remark`: what
    whoever opens the file alone must know of them, in every format that has a place for text.
    """

    values: Array
    affine: Array | None = None
    spacing_mm: tuple[float, float, float] | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    colours: Mapping[int, tuple[int, int, int]] = field(default_factory=dict)
    codes: Mapping[int, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    source: str = ""
    algorithm: str = "Flowglass"
    remark: str = ""

    @property
    def is_probability(self) -> bool:
        return self.values.dtype.kind == "f"

    def stored(self) -> Array:
        """The values as files hold them: float32, or the smallest integers that all readers know."""
        return self.values if self.is_probability else smallest(self.values)

    def affine_lps(self) -> Array | None:
        """(column, row, slice) index, the order of the files, to LPS mm."""
        return None if self.affine is None else np.asarray(LPS @ self.affine[:, [2, 1, 0, 3]])


def smallest(array: Array) -> Array:
    """Readers agree on uint8, int16 and int32; int64 and bool are not safe everywhere."""
    low, high = int(array.min()), int(array.max())
    for dtype in (np.uint8, np.int16, np.int32):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return np.ascontiguousarray(array, dtype=dtype)
    raise ImageRefused(f"Labels from {low} to {high} do not fit in 32 bits. Number them from 0 up.")


def labels_of(out: Outgoing) -> list[int]:
    """Every label that is there or has a name, in order; 0, the background, is none."""
    present = {int(label) for label in np.unique(out.values)}
    return sorted((present | set(out.names)) - {0})
