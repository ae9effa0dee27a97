"""GIPL volumes (Guy's Image Processing Lab), by an own reader: a header of 256 bytes, big-endian, and the voxels."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np

from core.errors import ImageRefused
from core.images.intake import shown
from core.images.placing import no_orientation, placed
from core.images.raster import MAX_VOXELS, Raster
from core.images.streams import Coding, head_of, read_bytes

DATA_AT = 256
TYPES = {7: "i1", 8: "u1", 15: ">i2", 16: ">u2", 31: ">u4", 32: ">i4", 64: ">f4", 65: ">f8"}


def read_gipl(handle: BinaryIO, path: Path, size: int, *, compressed: bool) -> Raster:
    """(slices, rows, columns) in stored order: the format states spacing, and no orientation. Raises ImageRefused."""
    name = shown(path)
    coding: Coding = "gzip" if compressed else "raw"
    head = head_of(handle, DATA_AT, name, coding)
    *sizes, frames, kind = struct.unpack(">5H", head[:10])
    if min(sizes) < 1 or frames > 1 or math.prod(sizes) > MAX_VOXELS or kind not in TYPES:
        raise ImageRefused(f"{name}: a GIPL volume of size {(*sizes, frames)} and type {kind} is not read. Convert it.")
    dtype = np.dtype(TYPES[kind])
    wanted = math.prod(sizes) * dtype.itemsize
    raw = read_bytes(handle, size, name, skip=DATA_AT, wanted=wanted, total=DATA_AT + wanted, coding=coding)
    across, down, along = (float(length) for length in struct.unpack(">3f", head[10:22]))
    values, affine, spacing, findings = placed(
        raw.view(dtype).reshape(sizes, order="F"), None, name, (across, down, along)
    )
    return Raster(
        values=values,
        kind="gipl",
        picture=False,
        affine=affine,
        spacing_mm=spacing,
        findings=(*findings, no_orientation(name)),
    )
