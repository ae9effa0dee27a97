"""NIfTI-1 and NIfTI-2, in one file or as a pair, and Analyze 7.5: header first, then exactly the bytes it promises."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.errors import ImageRefused
from core.images.intake import open_image, shown
from core.images.placing import Spacing, no_geometry, no_orientation, placed, usable
from core.images.raster import MAX_VOXELS, Raster, note, scaled, warning
from core.images.streams import Coding, beside, check_promise, head_of, read_bytes
from core.records import Array, Finding

HEADER_BYTES = 540
VECTOR_INTENTS = range(1003, 2004)
"""From symmetric matrix to RGB vector: the numbers along the fourth axis are components, not points in time."""
APART_MM = 0.1
"""Farther apart than this, two positions of one voxel are two positions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Where the voxels of all frames lie and what they are. `shape` is (i, j, k)."""

    shape: tuple[int, int, int]
    frames: int
    components: bool
    dtype: np.dtype[Any]
    offset: int
    slope: float
    intercept: float
    header: Any
    oriented: bool

    @property
    def frame_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def read_nifti(handle: BinaryIO, path: Path, size: int, *, compressed: bool, frame: int = 0) -> Raster:
    """(slices, rows, columns) as `core.images.orientation` turns it, with the affine of that index order.

    Of a time series or several components, frame number `frame`. Complex numbers give their magnitude. Raises
    ImageRefused for a header that contradicts itself or the file, and for missing bytes, which are never zeros.
    """
    name, coding = shown(path), _coding(compressed)
    layout = _layout(head_of(handle, HEADER_BYTES, name, coding), name, pair=False)
    return _read(handle, size, coding, layout, name, frame)


def read_pair(path: Path, frame: int = 0) -> Raster:
    """A header (.hdr) and its voxels (.img) side by side; `path` may be either. Raises as `read_nifti`."""
    header, voxels = _pair_of(path)
    name = shown(path)
    with open_image(header) as (handle, _):
        layout = _layout(head_of(handle, HEADER_BYTES, name, _coding(header.suffix == ".gz")), name, pair=True)
    with _partner(voxels, name) as (handle, size):
        return _read(handle, size, _coding(voxels.suffix == ".gz"), layout, name, frame)


def _coding(compressed: bool) -> Coding:
    return "gzip" if compressed else "raw"


def _pair_of(path: Path) -> tuple[Path, Path]:
    lower = path.name.lower()
    for end, other in ((".hdr", ".img"), (".hdr.gz", ".img.gz")):
        if lower.endswith(end):
            return path, _existing(path, path.name[: -len(end)], (other, other.upper(), ".img", ".img.gz"))
        if lower.endswith(other):
            return _existing(path, path.name[: -len(other)], (end, end.upper(), ".hdr", ".hdr.gz")), path
    raise ImageRefused(f"{shown(path)} is one half of a pair of files, which must be called .hdr and .img. Rename it.")


def _existing(path: Path, stem: str, endings: tuple[str, ...]) -> Path:
    """The other half of a pair. A link is not followed: it could lead out of the folder."""
    found = [path.with_name(stem + end) for end in endings if path.with_name(stem + end).exists()]
    return beside(path, found[0].name if found else stem + endings[0])


def _partner(path: Path, name: str) -> AbstractContextManager[tuple[BinaryIO, int]]:
    if not path.exists():
        raise ImageRefused(f"{name} is one half of a pair: {shown(path)} is missing. Copy it to the same folder.")
    return open_image(path)


def _read(handle: BinaryIO, size: int, coding: Coding, layout: _Layout, name: str, frame: int) -> Raster:
    _check_frame(frame, layout.frames, name)
    total = layout.offset + layout.frames * layout.frame_bytes
    check_promise(total, size, coding, name)
    if math.prod(layout.shape) > MAX_VOXELS:
        raise ImageRefused(f"{name}: {math.prod(layout.shape):,} voxels are too large for Flowglass. Crop the image.")
    skip = layout.offset + frame * layout.frame_bytes
    raw = read_bytes(handle, size, name, skip=skip, wanted=layout.frame_bytes, total=total, coding=coding)
    return _raster(raw.view(layout.dtype).reshape(layout.shape, order="F"), layout, name, frame)


def _check_frame(frame: int, frames: int, name: str) -> None:
    if not 0 <= frame < frames:
        raise ImageRefused(f"{name} has {frames} frames, numbered from 0: there is no frame {frame}.")


def _raster(voxels: Array, layout: _Layout, name: str, frame: int) -> Raster:
    voxels, findings = _real(voxels, name)
    affine, spacing, geometry = _affine(layout, name)
    values, turned, measured, more = placed(scaled(voxels, layout.slope, layout.intercept), affine, name, spacing)
    return Raster(
        values=values,
        kind="nifti",
        picture=False,
        affine=turned,
        spacing_mm=measured,
        findings=(*findings, *_frames(layout, name), *geometry, *more),
        frame=frame,
        frames=layout.frames,
    )


def _frames(layout: _Layout, name: str) -> tuple[Finding, ...]:
    if layout.frames == 1:
        return ()
    if layout.components:
        message = f"{name} holds {layout.frames} components per voxel: one is shown at a time."
        return (note("image.components", message),)
    return (note("image.frames", f"{name} holds {layout.frames} volumes: one is shown at a time."),)


def _layout(head: bytes, name: str, *, pair: bool) -> _Layout:
    nibabel: Any = import_module("nibabel")  # only when a NIfTI file is read: it takes a third of a second

    second = head[4:8] in (b"n+2\x00", b"ni2\x00")
    header_class = nibabel.Nifti2Header if second else nibabel.Nifti1Header
    size = 540 if second else 348
    if len(head) < size:
        raise ImageRefused(f"{name}: the NIfTI header is incomplete. Copy the file again.")
    header = header_class(head[:size], check=False)
    shape, frames, components = _shape(header, name)
    slope, intercept = _scaling(header, name)
    return _Layout(
        shape=shape,
        frames=frames,
        components=components,
        dtype=_dtype(header, name),
        offset=_offset(header, 0 if pair else size + 4, name),
        slope=slope,
        intercept=intercept,
        header=header,
        oriented=second or head[344:345] == b"n",  # Analyze has other things where NIfTI has its orientation
    )


def _offset(header: Any, least: int, name: str) -> int:
    offset = float(header["vox_offset"])
    if not (math.isfinite(offset) and least <= offset < 2**40):
        raise ImageRefused(
            f"{name}: the NIfTI header is invalid (voxels said to begin at byte {offset:g}). Export the image again."
        )
    return int(offset)


def _shape(header: Any, name: str) -> tuple[tuple[int, int, int], int, bool]:
    """(i, j, k), the number of frames, and whether these are components of a vector rather than moments."""
    dims = [int(length) for length in header["dim"]]
    count, lengths = dims[0], dims[1 : 1 + max(0, min(dims[0], 7))]
    if not 1 <= count <= 7 or any(length < 0 for length in lengths):
        raise ImageRefused(
            f"{name}: the NIfTI header is invalid (negative or impossible size {dims}). Export it again."
        )
    if 0 in lengths:
        raise ImageRefused(f"{name}: the image is empty: one axis has size zero. Export it again.")
    if len(lengths) < 2:
        raise ImageRefused(f"{name}: this is a 1-D signal, not an image. Flowglass shows 2-D and 3-D images.")
    further = [(axis, length) for axis, length in enumerate(lengths) if axis > 2 and length > 1]
    if len(further) > 1:
        raise ImageRefused(
            f"{name}: this is a {len(lengths)}-D image {tuple(lengths)}; Flowglass shows 2-D and 3-D images and one "
            "further axis (time, or the components of a vector). Save one volume of it."
        )
    axis, frames = further[0] if further else (3, 1)
    components = axis > 3 or _intent(header) in VECTOR_INTENTS
    return (lengths[0], lengths[1], lengths[2] if len(lengths) > 2 else 1), frames, components


def _intent(header: Any) -> int:
    code = int(header["intent_code"])
    return 0 if code in (1001, 1002) else code


def _dtype(header: Any, name: str) -> np.dtype[Any]:
    code = int(header["datatype"])
    try:
        dtype: np.dtype[Any] = header.get_data_dtype()
    except Exception as error:  # nibabel's own HeaderDataError, or KeyError for a code outside its table
        raise ImageRefused(
            f"{name}: the NIfTI header names an unknown data type (code {code}). Export it again."
        ) from error
    if dtype.itemsize == 0 or (dtype.fields is None and dtype.kind not in "biufc"):
        raise ImageRefused(f"{name}: the data type with code {code} is not supported. Save the image as float32.")
    return dtype


def _scaling(header: Any, name: str) -> tuple[float, float]:
    """Slope 0 or NaN means no scaling (the NIfTI standard); anything infinite is refused."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or math.isnan(slope):
        return 1.0, 0.0
    if math.isinf(slope) or not math.isfinite(intercept):
        raise ImageRefused(
            f"{name}: the intensity scaling in the header is invalid ({slope:g}, {intercept:g}). "
            "Export the image again."
        )
    return slope, intercept


def _real(voxels: Array, name: str) -> tuple[Array, tuple[Finding, ...]]:
    """One real number per voxel: the first channel of a colour, the magnitude of a complex number."""
    if voxels.dtype.kind == "c":
        message = f"{name} holds complex numbers: their magnitude is shown."
        return np.abs(voxels), (note("image.complex-magnitude", message),)
    if voxels.dtype.fields is None:
        return voxels, ()
    names = voxels.dtype.names or ()
    message = f"{name} is a colour image ({', '.join(names)}): its first channel is used."
    return voxels[names[0]], (note("image.first-channel", message),)


def _affine(layout: _Layout, name: str) -> tuple[Array | None, Spacing | None, tuple[Finding, ...]]:
    """Voxel (i, j, k) to RAS millimetres: sform, else qform; without either only the spacing is known."""
    header = layout.header
    across, down, along = (abs(float(length)) for length in header["pixdim"][1:4])
    spacing = (across, down, along)
    if not layout.oriented or (int(header["sform_code"]) <= 0 and int(header["qform_code"]) <= 0):
        return None, spacing, (no_orientation(name),)
    stated, quaternion = _sform(header), _qform(header)
    if stated is None:
        return (quaternion, spacing, ()) if quaternion is not None else (None, None, (no_geometry(name),))
    if not usable(stated):
        return None, None, (no_geometry(name),)
    if quaternion is None or not usable(quaternion):
        return stated, spacing, ()
    return _agreed(stated, quaternion, layout, name)


def _sform(header: Any) -> Array | None:
    return np.asarray(header.get_sform(), dtype=np.float64) if int(header["sform_code"]) > 0 else None


def _qform(header: Any) -> Array | None:
    if int(header["qform_code"]) <= 0:
        return None
    try:
        return np.asarray(header.get_qform(), dtype=np.float64)
    except Exception:  # nibabel raises several kinds for a quaternion or spacing that makes no sense
        return None


def _agreed(
    stated: Array, quaternion: Array, layout: _Layout, name: str
) -> tuple[Array | None, Spacing | None, tuple[Finding, ...]]:
    """The sform, where it and the qform tell one story; two stories about left and right are no geometry at all."""
    ends = np.array([[0, 0, 0, 1], [*(length - 1 for length in layout.shape), 1]])
    apart = float(np.abs(ends @ (stated - quaternion).T).max())
    same_space = int(layout.header["sform_code"]) == int(layout.header["qform_code"])
    if _axes(stated) != _axes(quaternion):
        message = (
            f"{name}: the two orientations in it contradict each other ({_axes(stated)} in its sform, "
            f"{_axes(quaternion)} in its qform): shown as stored, without position and spacing."
        )
        return None, None, (warning("image.orientation-contradicts", message, "Ask for a file with one orientation."),)
    if apart <= APART_MM:
        return stated, None, ()
    message = f"{name}: its sform and its qform put it up to {apart:.1f} mm apart; the sform is used."
    if not same_space:  # one for the scanner, one for an atlas: two spaces, each right in its own
        return stated, None, (note("image.two-spaces", message),)
    return stated, None, (warning("image.sform-qform", message, "Check its position against the source."),)


def _axes(affine: Array) -> str:
    orientations: Any = import_module("nibabel.orientations")
    return "".join(str(code) for code in orientations.aff2axcodes(affine))
