"""FreeSurfer's MGH and MGZ, by an own reader. Source: FreeSurfer wiki, FsTutorial/MghFormat."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.errors import ImageRefused
from core.images.intake import shown
from core.images.placing import no_orientation, placed
from core.images.raster import MAX_VOXELS, Raster, note
from core.images.streams import Coding, head_of, read_bytes
from core.records import Array

DATA_AT = 284
TYPES = {0: ">u1", 1: ">i4", 3: ">f4", 4: ">i2", 10: ">u2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    shape: tuple[int, int, int]
    frames: int
    dtype: np.dtype[Any]
    affine: Array | None


def read_mgh(handle: BinaryIO, path: Path, size: int, *, compressed: bool, frame: int = 0) -> Raster:
    """(slices, rows, columns) of frame number `frame`. Raises ImageRefused."""
    name = shown(path)
    coding: Coding = "gzip" if compressed else "raw"
    header = _header(head_of(handle, DATA_AT, name, coding), name)
    if not 0 <= frame < header.frames:
        raise ImageRefused(f"{name} has {header.frames} frames, numbered from 0: there is no frame {frame}.")
    wanted = math.prod(header.shape) * header.dtype.itemsize
    skip, total = DATA_AT + frame * wanted, DATA_AT + header.frames * wanted
    raw = read_bytes(handle, size, name, skip=skip, wanted=wanted, total=total, coding=coding)
    return _raster(raw.view(header.dtype).reshape(header.shape, order="F"), header, name, frame)


def _header(head: bytes, name: str) -> _Header:
    if len(head) < DATA_AT:
        raise ImageRefused(f"{name}: the MGH header is incomplete. Copy the file again.")
    _, width, height, depth, frames, kind, _ = struct.unpack(">7i", head[:28])
    if min(width, height, depth, frames) < 1 or width * height * depth > MAX_VOXELS:
        raise ImageRefused(f"{name}: the MGH header claims an impossible size ({width} x {height} x {depth}).")
    if kind not in TYPES:
        raise ImageRefused(f"{name}: the MGH data type {kind} is unknown. Convert the file with mri_convert.")
    shape = (width, height, depth)
    return _Header(shape=shape, frames=frames, dtype=np.dtype(TYPES[kind]), affine=_affine(head, shape))


def _affine(head: bytes, shape: tuple[int, int, int]) -> Array | None:
    """The header has the direction of each axis and the place of the volume's centre; None when it says it has not."""
    (good,) = struct.unpack(">h", head[28:30])
    if good != 1:
        return None
    numbers = np.frombuffer(head, ">f4", count=15, offset=30).astype(np.float64)
    affine = np.eye(4)
    affine[:3, :3] = numbers[3:12].reshape(3, 3).T * numbers[:3]
    affine[:3, 3] = numbers[12:] - affine[:3, :3] @ (np.array(shape) / 2)
    return affine


def _raster(voxels: Array, header: _Header, name: str, frame: int) -> Raster:
    values, turned, spacing, findings = placed(voxels, header.affine, name)
    if header.affine is None:
        findings = (*findings, no_orientation(name))
    if header.frames > 1:
        text = f"{name} holds {header.frames} volumes: one is shown at a time."
        findings = (*findings, note("image.frames", text))
    return Raster(
        values=values,
        kind="mgh",
        picture=False,
        affine=turned,
        spacing_mm=spacing,
        findings=findings,
        frame=frame,
        frames=header.frames,
    )
