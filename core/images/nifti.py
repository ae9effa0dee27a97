"""NIfTI-1 and NIfTI-2 in one file (.nii, .nii.gz): header first, then exactly the bytes that it promises."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.errors import ImageRefused
from core.images.intake import shown, size_text
from core.images.orientation import oriented
from core.images.raster import MAX_VOXELS, Raster, note, warning
from core.records import Array, Finding

MAX_INFLATED = 2 * 1024**3
MAX_RATIO = 1_100
"""Deflate cannot do better than 1 : 1,032, so a header that promises more than this is wrong."""
MAX_TRAILING = 16 * 1024**2
PIECE = 1 << 20
HEADER_BYTES = 540


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Where the voxels lie and what they are. `shape` is (i, j, k); `slope` None = values as stored."""

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    offset: int
    slope: float | None
    intercept: float
    header: Any

    @property
    def end(self) -> int:
        return self.offset + math.prod(self.shape) * self.dtype.itemsize


def read_nifti(handle: BinaryIO, path: Path, size: int, *, compressed: bool) -> Raster:
    """(slices, rows, columns) as `core.images.orientation` turns it, with the affine of that index order.

    Raises ImageRefused for a header that contradicts itself or the file, complex or 4-D and higher data, and for
    missing bytes, which are never replaced by zeros.
    """
    name = shown(path)
    head = _inflate(handle, HEADER_BYTES, name, whole=False) if compressed else handle.read(HEADER_BYTES)
    layout = _layout(head, name)
    _check_size(layout, size, compressed, name)
    handle.seek(0)
    raw = _inflate(handle, layout.end, name, whole=True) if compressed else handle.read(layout.end)
    if len(raw) < layout.end:
        raise ImageRefused(f"{name}: the image file is damaged or incomplete. Copy it again.")
    voxels = np.frombuffer(raw, layout.dtype, offset=layout.offset).reshape(layout.shape, order="F")
    return _raster(voxels, layout, name)


def _raster(voxels: Array, layout: _Layout, name: str) -> Raster:
    voxels, findings = _first_channel(voxels, name)
    affine, geometry = _affine(layout.header, name)
    values, turned, spacing = oriented(_scaled(voxels, layout), affine)
    return Raster(
        values=values, kind="nifti", picture=False, affine=turned, spacing_mm=spacing, findings=findings + geometry
    )


def _layout(head: bytes | bytearray, name: str) -> _Layout:
    nibabel: Any = import_module("nibabel")  # only when a NIfTI file is read: it takes a third of a second

    second = head[4:8] == b"n+2\x00"
    header_class = nibabel.Nifti2Header if second else nibabel.Nifti1Header
    size = 540 if second else 348
    if len(head) < size:
        raise ImageRefused(f"{name}: the NIfTI header is incomplete. Copy the file again.")
    header = header_class(bytes(head[:size]), check=False)
    shape = _shape(header, name)
    offset = float(header["vox_offset"])
    if not (math.isfinite(offset) and size + 4 <= offset < 2**40):
        raise ImageRefused(
            f"{name}: the NIfTI header is invalid (voxels said to begin at byte {offset:g}). Export the image again."
        )
    slope, intercept = _scaling(header, name)
    return _Layout(
        shape=shape, dtype=_dtype(header, name), offset=int(offset), slope=slope, intercept=intercept, header=header
    )


def _shape(header: Any, name: str) -> tuple[int, int, int]:
    dims = [int(length) for length in header["dim"]]
    count, lengths = dims[0], dims[1 : 1 + max(0, min(dims[0], 7))]
    if not 1 <= count <= 7 or any(length < 0 for length in lengths):
        raise ImageRefused(
            f"{name}: the NIfTI header is invalid (negative or impossible size {dims}). Export it again."
        )
    if 0 in lengths:
        raise ImageRefused(f"{name}: the image is empty: one axis has size zero. Export it again.")
    while len(lengths) > 3 and lengths[-1] == 1:
        lengths.pop()
    if len(lengths) > 3:
        raise ImageRefused(
            f"{name}: this is a {len(lengths)}-D image {tuple(lengths)} (a time series, or several "
            "components per voxel); Flowglass shows 2-D and 3-D images. Save one volume of it."
        )
    if len(lengths) < 2:
        raise ImageRefused(f"{name}: this is a 1-D signal, not an image. Flowglass shows 2-D and 3-D images.")
    return lengths[0], lengths[1], lengths[2] if len(lengths) == 3 else 1


def _dtype(header: Any, name: str) -> np.dtype[Any]:
    code = int(header["datatype"])
    try:
        dtype: np.dtype[Any] = header.get_data_dtype()
    except Exception as error:  # nibabel's own HeaderDataError, or KeyError for a code outside its table
        raise ImageRefused(
            f"{name}: the NIfTI header names an unknown data type (code {code}). Export it again."
        ) from error
    if dtype.kind == "c":
        raise ImageRefused(f"{name}: complex images are not supported. Save the magnitude as its own file.")
    if dtype.itemsize == 0 or (dtype.fields is None and dtype.kind not in "biuf"):
        raise ImageRefused(f"{name}: the data type with code {code} is not supported. Save the image as float32.")
    return dtype


def _scaling(header: Any, name: str) -> tuple[float | None, float]:
    """Slope 0 or NaN means no scaling (the NIfTI standard); anything infinite is refused."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or math.isnan(slope):
        return None, 0.0
    if math.isinf(slope) or not math.isfinite(intercept):
        raise ImageRefused(
            f"{name}: the intensity scaling in the header is invalid ({slope:g}, {intercept:g}). "
            "Export the image again."
        )
    return (None, 0.0) if (slope, intercept) == (1.0, 0.0) else (slope, intercept)


def _check_size(layout: _Layout, size: int, compressed: bool, name: str) -> None:
    """Python integers throughout: nothing wraps, and nothing is allocated before this has passed."""
    held = min(MAX_INFLATED, MAX_RATIO * size) if compressed else size
    if layout.end > held:
        raise ImageRefused(
            f"{name}: the header claims {size_text(layout.end)}, the file holds {size_text(size)}"
            f"{' compressed' if compressed else ''}: it is incomplete, or too large. Copy it again."
        )
    if math.prod(layout.shape) > MAX_VOXELS:
        raise ImageRefused(f"{name}: {math.prod(layout.shape):,} voxels are too large for Flowglass. Crop the image.")


def _inflate(handle: BinaryIO, wanted: int, name: str, *, whole: bool) -> bytearray:
    """The first `wanted` bytes of a gzip file. `whole`: go on to the end, so that its checksum is verified."""
    inflate, result, trailing = zlib.decompressobj(wbits=31), bytearray(), 0
    try:
        while len(result) < wanted or (whole and not inflate.eof):
            piece = inflate.unconsumed_tail or handle.read(PIECE)
            if not piece or inflate.eof:
                break
            out = inflate.decompress(piece, PIECE)
            trailing += max(0, len(result) + len(out) - wanted)
            result += out[: wanted - len(result)]
            if whole and trailing > MAX_TRAILING:
                raise ImageRefused(f"{name}: the file holds far more than its header declares. Export it again.")
    except zlib.error as error:
        raise ImageRefused(f"{name}: the compressed image is damaged ({error}). Copy it again.") from error
    if whole and not inflate.eof:
        raise ImageRefused(f"{name}: the compressed image is damaged or incomplete. Copy it again.")
    return result


def _first_channel(voxels: Array, name: str) -> tuple[Array, tuple[Finding, ...]]:
    if voxels.dtype.fields is None:
        return voxels, ()
    names = voxels.dtype.names or ()
    message = f"{name} is a colour image ({', '.join(names)}): its first channel is used."
    return voxels[names[0]], (note("image.first-channel", message),)


def _scaled(voxels: Array, layout: _Layout) -> Array:
    if layout.slope is None:
        return voxels
    with np.errstate(over="ignore", invalid="ignore"):
        return voxels * np.float64(layout.slope) + np.float64(layout.intercept)


def _affine(header: Any, name: str) -> tuple[Array | None, tuple[Finding, ...]]:
    """Voxel (i, j, k) to RAS millimetres: sform, else qform, else spacing alone; None when it cannot be inverted."""
    try:
        affine = np.asarray(header.get_best_affine(), dtype=np.float64)
    except Exception:  # nibabel raises several kinds for a quaternion or spacing that makes no sense
        affine = np.full((4, 4), np.nan)
    if not _usable(affine):
        return None, (
            warning(
                "image.no-geometry",
                f"{name}: shown without position and spacing: the orientation (affine) in it is invalid.",
                "Distances are in pixels; left and right cannot be told.",
            ),
        )
    if int(header["sform_code"]) <= 0 and int(header["qform_code"]) <= 0:
        return affine, (
            warning(
                "image.orientation-assumed",
                f"{name} states its spacing but no orientation; the usual one (LAS) is assumed.",
                "Left and right may be swapped: check them against the source.",
            ),
        )
    return affine, ()


def _usable(affine: Array) -> bool:
    """Finite, and axes that span space: the volume of the unit axes is not nearly zero."""
    if not np.isfinite(affine).all():
        return False
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    return bool((lengths > 1e-9).all() and abs(np.linalg.det(affine[:3, :3] / lengths)) > 1e-3)
