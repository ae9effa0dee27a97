"""The stored numbers of DICOM frames: plain ones are read here, compressed ones in a process of their own."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib import import_module
from typing import Any, BinaryIO

import numpy as np

from core.errors import ImageRefused
from core.images.decoding import decode
from core.images.dicom_header import DAMAGED, RLE, DicomFile, quiet
from core.images.intake import open_image, shown
from core.images.raster import MAX_VOXELS
from core.records import Array
from core.text import one_line


def read_frames(wanted: Sequence[tuple[DicomFile, int]]) -> Array:
    """(frames, rows, columns), or (frames, rows, columns, 3) in RGB, of frame numbers of files that are alike.

    Raises ImageRefused for missing or damaged bytes, and when the decoder fails or dies.
    """
    first = wanted[0][0]
    if len(wanted) * first.rows * first.columns * first.samples > MAX_VOXELS:
        raise ImageRefused(
            f"{shown(first.path)}: {len(wanted)} frames of {first.columns} x {first.rows} pixels are too large for "
            "Flowglass. Open fewer of them."
        )
    if not all(file.native or file.syntax == RLE for file, _ in wanted):
        return decode([(file.path, frame) for file, frame in wanted], _shape(first))
    result: Array | None = None
    for number, (file, frame) in enumerate(wanted):
        pixels = _read(file, frame)
        if result is None:
            result = np.empty((len(wanted), *pixels.shape), pixels.dtype)
        elif pixels.dtype != result.dtype or pixels.shape != result.shape[1:]:
            raise ImageRefused(f"{shown(file.path)}: its pixels are not of the kind of the other images of its series.")
        result[number] = pixels
    assert result is not None
    return result


def _shape(file: DicomFile) -> tuple[int, ...]:
    return (file.rows, file.columns) if file.samples == 1 else (file.rows, file.columns, 3)


def _read(file: DicomFile, frame: int) -> Array:
    with open_image(file.path) as (opened, _):
        handle: BinaryIO = opened if file.inflated is None else io.BytesIO(file.inflated)
        try:
            if file.native and file.samples == 1:
                return _used_bits(_plain(handle, file, frame), file)
            return _by_pydicom(handle, file, frame)
        except DAMAGED as error:
            why = one_line(str(error) or type(error).__name__, 200)
            raise ImageRefused(
                f"{shown(file.path)}: the pixels are damaged or incomplete ({why}). Export it again."
            ) from error


def _plain(handle: BinaryIO, file: DicomFile, frame: int) -> Array:
    start, bits = frame * file.frame_bits, file.frame_bits
    first = start // 8
    handle.seek(file.at + first)
    raw = handle.read((start + bits + 7) // 8 - first)
    if len(raw) * 8 < bits:
        raise EOFError("pixels missing")
    if file.allocated == 1:  # frames follow each other bit by bit, without padding
        flat = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")[start % 8 : start % 8 + bits]
        return flat.reshape(file.rows, file.columns)
    pixels = np.frombuffer(raw, file.dtype).reshape(file.rows, file.columns)
    return pixels.astype(file.dtype.newbyteorder("="))


def _used_bits(pixels: Array, file: DicomFile) -> Array:
    """Numbers may be stored in fewer bits than there is room for; what else is in there (old overlays) is cut off."""
    if pixels.dtype.kind == "f" or file.stored == file.allocated or file.allocated == 1:
        return pixels
    low = int(file.data.get("HighBit", file.stored - 1)) + 1 - file.stored
    if not 0 <= low <= file.allocated - file.stored:
        raise ValueError(f"high bit {file.data.get('HighBit')} with {file.stored} bits stored")
    pixels <<= file.allocated - file.stored - low
    pixels >>= file.allocated - file.stored  # keeps the sign of signed numbers
    return pixels


def _by_pydicom(handle: BinaryIO, file: DicomFile, frame: int) -> Array:
    """Run-length coding and colours without compression: pydicom does these in Python, with numpy."""
    pixels: Any = import_module("pydicom.pixels")
    if file.inflated is not None:
        raise ValueError("deflated colour pictures are not read")
    with quiet():
        result = np.asarray(pixels.pixel_array(handle, index=frame))
    if result.shape != _shape(file):
        raise ValueError(f"pixels of shape {result.shape}")
    return result if file.samples > 1 else _used_bits(result.copy(), file)
