"""NumPy .npy and .npz files: plain real numbers, two or three dimensions, never pickled objects."""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np
from numpy.lib import format as npy

from core.errors import ImageRefused
from core.images.intake import shown, size_text
from core.images.raster import MAX_VOXELS, Raster
from core.images.streams import check_promise
from core.records import Array
from core.text import one_line

MAX_MEMBERS = 1_000
DAMAGED = (ValueError, TypeError, EOFError, OSError, SyntaxError, RecursionError, MemoryError)
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_npy(handle: BinaryIO, path: Path, size: int) -> Raster:
    """(rows, columns) or (slices, rows, columns). The header is compared with the file's size before reading."""
    name = shown(path)
    try:
        shape, dtype = _header(handle, name)
        _check(shape, dtype, size - handle.tell(), name)
        handle.seek(0)
        values: Array = npy.read_array(handle, allow_pickle=False)
    except DAMAGED as error:
        raise ImageRefused(f"{name}: the .npy file is damaged or incomplete ({error}). Save it again.") from error
    return Raster(values=values if values.ndim == 3 else values[np.newaxis], kind="npy", picture=False)


def read_npz(handle: BinaryIO, path: Path, size: int) -> Raster:
    """The one array of the archive that can be an image. Several: they are named, and nobody chooses for the reader."""
    name = shown(path)
    try:
        with zipfile.ZipFile(handle) as archive:
            member = _the_image(archive, name)
            check_promise(member.file_size, size, "gzip", name)
            with archive.open(member) as stream:
                shape, dtype = _header(stream, name)
                _check(shape, dtype, member.file_size, name)
            with archive.open(member) as stream:
                values: Array = npy.read_array(stream, allow_pickle=False)
    except (*DAMAGED, zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError) as error:
        raise ImageRefused(f"{name}: the .npz file is damaged or incomplete ({error}). Save it again.") from error
    return Raster(values=values if values.ndim == 3 else values[np.newaxis], kind="npy", picture=False)


def _the_image(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
    if len(members) > MAX_MEMBERS:
        raise ImageRefused(f"{name}: {len(members):,} arrays are no image. Save the one that you mean as .npy.")
    fitting = [member for member in members if _may_be_image(archive, member, name)]
    if len(fitting) == 1:
        return fitting[0]
    listed = ", ".join(one_line(member.filename[:-4], 60) for member in members[:8])
    raise ImageRefused(
        f"{name}: {len(fitting)} of its {len(members)} arrays can be images ({listed}), and one is needed. "
        "Save the one that you mean as .npy."
    )


def _may_be_image(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> bool:
    try:
        with archive.open(member) as stream:
            shape, dtype = _header(stream, name)
    except (*DAMAGED, ImageRefused):
        return False
    return not dtype.hasobject and dtype.kind in "biuf" and len(shape) in (2, 3) and math.prod(shape) > 0


def _header(handle: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    version = npy.read_magic(handle)
    if version not in HEADERS:
        raise ImageRefused(f"{name}: .npy version {version} is not read. Save the array again with numpy.save.")
    shape, _, dtype = HEADERS[version](handle)
    return shape, dtype


def _check(shape: tuple[int, ...], dtype: np.dtype[np.generic], available: int, name: str) -> None:
    if dtype.hasobject or dtype.kind not in "biuf":
        raise ImageRefused(
            f"{name}: the array holds {dtype}, not plain numbers. Save it as float32 or an integer type."
        )
    if len(shape) not in (2, 3):
        raise ImageRefused(
            f"{name}: the array has {len(shape)} dimensions {shape}; Flowglass shows 2-D and 3-D images. "
            "Save one image (rows, columns) or volume (slices, rows, columns)."
        )
    count = math.prod(shape)
    if count == 0:
        raise ImageRefused(f"{name}: the array is empty (shape {shape}). Save it again.")
    if count > MAX_VOXELS or count * dtype.itemsize > available:
        raise ImageRefused(
            f"{name}: the header claims {size_text(count * dtype.itemsize)} of values but the file holds "
            f"{size_text(available)}, or it is too large. Save it again."
        )
