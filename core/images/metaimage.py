"""MetaImage (.mha, or .mhd with a data file), by an own reader: text header, then the bytes it promises."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from core.errors import ImageRefused
from core.images.intake import open_image, shown
from core.images.placing import LPS, Spacing, no_orientation, placed
from core.images.raster import MAX_VOXELS, Raster, note
from core.images.streams import Coding, beside, read_bytes
from core.records import Array, Finding

MAX_LINES, MAX_LINE = 500, 64 * 1024
TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}  # fmt: skip
TURNS = ("TransformMatrix", "Rotation", "Orientation")
ORIGINS = ("Offset", "Position", "Origin")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """`sizes`: fastest axis first. `end`: the byte after the header."""

    fields: dict[str, str]
    sizes: tuple[int, ...]
    channels: int
    dtype: np.dtype[np.generic]
    end: int

    @property
    def total(self) -> int:
        return math.prod(self.sizes) * self.channels * self.dtype.itemsize

    @property
    def coding(self) -> Coding:
        return "zlib" if self.fields.get("CompressedData", "False").lower() == "true" else "raw"


def read_metaimage(handle: BinaryIO, path: Path, size: int, frame: int = 0) -> Raster:
    """(slices, rows, columns). A fourth axis counts frames, and so do several channels. Raises ImageRefused."""
    name = shown(path)
    try:
        header = _header(handle, name)
        return _raster(_voxels(handle, path, size, header, name), header, name, frame)
    except (KeyError, ValueError, IndexError, OverflowError) as error:
        raise ImageRefused(f"{name}: the MetaImage header is damaged ({error}). Export it again.") from error


def _header(handle: BinaryIO, name: str) -> _Header:
    fields: dict[str, str] = {}
    handle.seek(0)
    for _ in range(MAX_LINES):
        line = handle.readline(MAX_LINE).decode("utf-8", "replace")
        key, mark, value = line.partition("=")
        if not mark:
            raise ValueError("a line without an equals sign")
        fields[key.strip()] = value.strip()
        if key.strip() == "ElementDataFile":  # by definition the last one
            break
    sizes = tuple(int(word) for word in fields["DimSize"].split())
    channels = int(fields.get("ElementNumberOfChannels", "1"))
    if len(sizes) != int(fields["NDims"]) or not 2 <= len(sizes) <= 4 or min(*sizes, channels) < 1:
        raise ImageRefused(f"{name}: a MetaImage of size {sizes} is no 2-D, 3-D or 4-D image. Export it again.")
    if fields["ElementType"] not in TYPES:
        raise ImageRefused(f"{name}: the type {fields['ElementType']!r} is not read. Save it as MET_FLOAT.")
    return _Header(fields=fields, sizes=sizes, channels=channels, dtype=_dtype(fields), end=handle.tell())


def _dtype(fields: dict[str, str]) -> np.dtype[np.generic]:
    msb = fields.get("ElementByteOrderMSB", fields.get("BinaryDataByteOrderMSB", "False")).lower() == "true"
    return np.dtype((">" if msb else "<") + TYPES[fields["ElementType"]])


def _voxels(handle: BinaryIO, path: Path, size: int, header: _Header, name: str) -> Array:
    """(channels, i, j, k, ...) as stored."""
    if header.total // header.dtype.itemsize > MAX_VOXELS:
        raise ImageRefused(f"{name}: the header claims {header.sizes} voxels: too large for Flowglass. Crop it.")
    if header.fields.get("BinaryData", "True").lower() != "true":
        raise ImageRefused(f"{name}: its voxels are written as text, which is not read. Save it as binary data.")
    named, skip = header.fields["ElementDataFile"], int(header.fields.get("HeaderSize", "0"))
    local = named in ("LOCAL", "Local", "local")
    if named.startswith("LIST") or "%" in named:
        raise ImageRefused(f"{name}: its voxels lie in several files, which is not read. Save it as one .mha file.")
    with nullcontext((handle, size)) if local else open_image(beside(path, named)) as (data, length):
        at = max(header.end if local else 0, length - header.total if skip == -1 else skip)
        total = header.total
        raw = read_bytes(data, length, name, skip=0, wanted=total, total=total, coding=header.coding, at=at)
    return raw.view(header.dtype).reshape((header.channels, *header.sizes), order="F")


def _raster(voxels: Array, header: _Header, name: str, frame: int) -> Raster:
    if voxels.ndim == 5:
        stack = voxels.transpose(0, 4, 1, 2, 3)  # (channels, frames, i, j, k)
    else:
        stack = voxels[:, None, ..., None] if voxels.ndim == 3 else voxels[:, None]
    stack = stack.reshape(-1, *stack.shape[2:], order="F")
    if not 0 <= frame < len(stack):
        raise ImageRefused(f"{name} has {len(stack)} frames, numbered from 0: there is no frame {frame}.")
    affine, spacing = _affine(header), _spacing(header)
    values, turned, measured, findings = placed(stack[frame], affine, name, spacing)
    return Raster(
        values=values,
        kind="metaimage",
        picture=False,
        affine=turned,
        spacing_mm=measured,
        findings=(*findings, *_findings(len(stack), affine, name)),
        frame=frame,
        frames=len(stack),
    )


def _findings(frames: int, affine: Array | None, name: str) -> tuple[Finding, ...]:
    found: tuple[Finding, ...] = ()
    if frames > 1:
        found = (note("image.frames", f"{name} holds {frames} volumes or components: one is shown at a time."),)
    return found if affine is not None else (*found, no_orientation(name))


def _numbers(header: _Header, names: tuple[str, ...]) -> list[float] | None:
    stated = next((header.fields[key] for key in names if key in header.fields), None)
    return None if stated is None else [float(word) for word in stated.split()]


def _spacing(header: _Header) -> Spacing | None:
    lengths = _numbers(header, ("ElementSpacing", "ElementSize"))
    if lengths is None or len(lengths) != len(header.sizes):
        return None
    return (lengths[0], lengths[1], lengths[2] if len(lengths) > 2 else 1.0)


def _affine(header: _Header) -> Array | None:
    """To RAS mm. None for a flat image, which has no place in the patient, and where the header does not say."""
    turn, origin = _numbers(header, TURNS), _numbers(header, ORIGINS)
    spacing, axes = _spacing(header), len(header.sizes)
    if axes == 2 or turn is None or origin is None or spacing is None:
        return None
    if len(turn) != axes * axes or len(origin) != axes:
        raise ValueError(f"{len(turn)} numbers of orientation for {axes} axes")
    affine = np.eye(4)
    directions = np.array(turn).reshape(axes, axes)[:3, :3]  # one axis of the image per row
    affine[:3, :3] = (directions * np.array(spacing)[:, None]).T
    affine[:3, 3] = origin[:3]
    return np.asarray(LPS @ affine)
