"""NRRD volumes and Slicer's segmentations (.seg.nrrd), by an own reader: text header, then the bytes it promises."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from core.errors import ImageRefused
from core.images.intake import open_image, shown
from core.images.nrrd_header import NrrdHeader, read_header
from core.images.placing import no_orientation, placed
from core.images.raster import MAX_VOXELS, Raster, note
from core.images.segments import Segment, flattened, segments_of
from core.images.streams import beside, read_bytes
from core.records import Array, Finding


def read_nrrd(handle: BinaryIO, path: Path, size: int, frame: int = 0) -> Raster:
    """(slices, rows, columns) of frame number `frame`; the layers of a segmentation become one label map.

    Raises ImageRefused for a damaged header, data outside the header's folder, or missing bytes.
    """
    name = shown(path)
    try:
        header = read_header(handle, name)
        voxels = _voxels(handle, path, size, header, name)
        return _raster(voxels, header, name, frame)
    except (ValueError, IndexError, OverflowError) as error:
        raise ImageRefused(f"{name}: the NRRD header is damaged ({error}). Export it again.") from error


def _voxels(handle: BinaryIO, path: Path, size: int, header: NrrdHeader, name: str) -> Array:
    if header.total // header.dtype.itemsize > MAX_VOXELS:
        raise ImageRefused(f"{name}: the NRRD header claims {header.sizes} voxels: too large for Flowglass. Crop it.")
    with _data(handle, path, size, header, name) as (data, length, at):
        at = _skipped(data, length, at, header, name)
        total = header.total
        raw = read_bytes(data, length, name, skip=0, wanted=total, total=total, coding=header.coding, at=at)
    return raw.view(header.dtype).reshape(header.sizes, order="F")


class _Attached(AbstractContextManager[tuple[BinaryIO, int, int]]):
    """Voxels in the file of the header, after it; the file stays open."""

    def __init__(self, handle: BinaryIO, size: int, at: int) -> None:
        self._place = (handle, size, at)

    def __enter__(self) -> tuple[BinaryIO, int, int]:
        return self._place

    def __exit__(self, *_: object) -> None:
        return None


class _Detached(AbstractContextManager[tuple[BinaryIO, int, int]]):
    """Voxels in a file of their own, from its beginning."""

    def __init__(self, path: Path) -> None:
        self._opened = open_image(path)

    def __enter__(self) -> tuple[BinaryIO, int, int]:
        handle, size = self._opened.__enter__()
        return handle, size, 0

    def __exit__(self, *details: object) -> None:
        self._opened.__exit__(*details)  # type: ignore[arg-type]


def _data(
    handle: BinaryIO, path: Path, size: int, header: NrrdHeader, name: str
) -> AbstractContextManager[tuple[BinaryIO, int, int]]:
    named = header.fields.get("data file")
    if named is None:
        return _Attached(handle, size, header.end)
    if named.startswith("LIST") or "%" in named:
        raise ImageRefused(f"{name}: its voxels lie in several files, which is not read. Save it as one .nrrd file.")
    return _Detached(beside(path, named))


def _skipped(data: BinaryIO, size: int, at: int, header: NrrdHeader, name: str) -> int:
    """Where the voxels begin after the lines and bytes that the header says to skip."""
    lines, skip = int(header.fields.get("line skip", "0")), int(header.fields.get("byte skip", "0"))
    if not 0 <= lines <= 10_000 or skip < -1 or (skip and header.coding != "raw"):
        raise ImageRefused(f"{name}: the NRRD header skips {lines} lines and {skip} bytes, which is not read.")
    data.seek(at)
    for _ in range(lines):
        data.readline(1 << 20)
    if skip == -1:
        return max(at, size - header.total)
    return data.tell() + skip if lines else at + skip


def _raster(voxels: Array, header: NrrdHeader, name: str, frame: int) -> Raster:
    axes = header.space_axes()
    if not 2 <= len(axes) <= 3:
        raise ImageRefused(f"{name}: {len(axes)} of its axes span space; Flowglass shows 2-D and 3-D images.")
    others = [axis for axis in range(voxels.ndim) if axis not in axes]
    stack = voxels.transpose(*others, *axes).reshape(-1, *(voxels.shape[axis] for axis in axes), order="F")
    stack = stack.reshape(*stack.shape, 1) if len(axes) == 2 else stack  # (frames, i, j, k)
    segments = segments_of(header.pairs)
    if segments:
        return _segmentation(stack, segments, header, name)
    if not 0 <= frame < len(stack):
        raise ImageRefused(f"{name} has {len(stack)} frames, numbered from 0: there is no frame {frame}.")
    return _finished(stack[frame], header, name, frame, len(stack), _frame_findings(stack, header, name))


def _frame_findings(stack: Array, header: NrrdHeader, name: str) -> tuple[Finding, ...]:
    if len(stack) == 1:
        return ()
    colour = any("color" in kind for kind in header.kinds)
    if colour:
        return (note("image.first-channel", f"{name} is a colour image: one of its channels is shown at a time."),)
    return (note("image.frames", f"{name} holds {len(stack)} volumes or components: one is shown at a time."),)


def _finished(
    voxels: Array, header: NrrdHeader, name: str, frame: int, frames: int, findings: tuple[Finding, ...]
) -> Raster:
    affine = header.affine()
    values, turned, spacing, more = placed(voxels, affine, name, header.spacing())
    if affine is None:
        more = (*more, no_orientation(name))
    return Raster(
        values=values,
        kind="nrrd",
        picture=False,
        affine=turned,
        spacing_mm=spacing,
        findings=(*findings, *more),
        frame=frame,
        frames=frames,
    )


def _segmentation(stack: Array, segments: list[Segment], header: NrrdHeader, name: str) -> Raster:
    layers = np.asarray(stack)
    if layers.dtype.kind not in "iu":
        raise ImageRefused(f"{name}: a segmentation holds whole numbers, and this one holds {layers.dtype}.")
    labels, numbered, findings = flattened(layers, segments, name)
    raster = _finished(labels, header, name, 0, 1, findings)
    return Raster(
        values=raster.values,
        kind="seg-nrrd",
        picture=False,
        affine=raster.affine,
        spacing_mm=raster.spacing_mm,
        findings=raster.findings,
        names={number: segment.name for number, segment in numbered.items()},
        colours={number: segment.colour for number, segment in numbered.items() if segment.colour is not None},
        codes={number: segment.code for number, segment in numbered.items() if segment.code},
    )
