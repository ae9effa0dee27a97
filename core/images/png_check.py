"""A PNG whose compressed stream ends early is decoded by Pillow (13.0) with zeros for the missing rows and no word.

So the promised bytes are counted here, from the chunks, before Pillow is asked.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples per pixel by PNG colour type."""
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""First row, first column, row step, column step of the seven interlacing passes (PNG specification, 8.2)."""
PIECE = 1 << 16


def has_all_pixels(handle: BinaryIO) -> bool:
    """Whether the pixel stream of the PNG is as long as its header promises. False also for a damaged stream."""
    handle.seek(16)
    header = handle.read(13)
    if len(header) < 13:
        return False
    width, height, depth, colour_type, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    missing = _stream_size(width, height, depth * SAMPLES.get(colour_type, 1), bool(interlaced))
    inflate = zlib.decompressobj()
    try:
        for piece in _pixel_pieces(handle):
            while piece and missing > 0:
                missing -= len(inflate.decompress(piece, PIECE))
                piece = inflate.unconsumed_tail
            if missing <= 0:
                return True
        return len(inflate.flush()) >= missing
    except zlib.error:
        return False


def depth_of(handle: BinaryIO) -> tuple[int, int]:
    """Bits per sample and samples per pixel of a PNG, (0, 1) when the header is cut."""
    handle.seek(24)
    pair = handle.read(2)
    return (pair[0], SAMPLES.get(pair[1], 1)) if len(pair) == 2 else (0, 1)


def _stream_size(width: int, height: int, bits: int, interlaced: bool) -> int:
    if not interlaced:
        return _pass_size(width, height, bits)
    return sum(
        _pass_size(-(-(width - left) // across), -(-(height - top) // down), bits) for top, left, down, across in ADAM7
    )


def _pass_size(width: int, height: int, bits: int) -> int:
    """Each row: one filter byte and its samples, padded to a byte."""
    return height * (1 + (width * bits + 7) // 8) if width > 0 and height > 0 else 0


def _pixel_pieces(handle: BinaryIO) -> Iterator[bytes]:
    """The contents of the IDAT chunks, in pieces of at most 64 KiB."""
    handle.seek(8)
    while len(head := handle.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        if name == b"IEND":
            return
        if name != b"IDAT":
            handle.seek(length + 4, 1)
            continue
        while length > 0 and (piece := handle.read(min(PIECE, length))):
            length -= len(piece)
            yield piece
        handle.seek(4, 1)
