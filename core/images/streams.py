"""Exactly the bytes that a header promises, out of a plain or a compressed file: never more memory, never zeros."""

from __future__ import annotations

import bz2
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

from core.errors import ImageRefused
from core.images.intake import shown, size_text
from core.records import Array

Coding = Literal["raw", "gzip", "zlib", "bzip2"]
MAX_INFLATED = 2 * 1024**3
MAX_RATIO = 1_100
"""Deflate cannot do better than 1 : 1,032, so a header that promises more than this is wrong."""
MAX_TRAILING = 16 * 1024**2
PIECE = 1 << 20


def read_bytes(
    handle: BinaryIO, size: int, name: str, *, skip: int, wanted: int, total: int, coding: Coding = "raw", at: int = 0
) -> Array:
    """`wanted` bytes after the first `skip` of the `total` that the header promises, as uint8.

    The data begin at byte `at` of the file, which has `size`. A compressed stream is read to its end, so that its
    checksum is verified. Raises ImageRefused before allocating when the file cannot hold what is promised, and for
    missing or damaged bytes.
    """
    check_promise(total, size - at, coding, name)
    result = np.empty(wanted, dtype=np.uint8)
    handle.seek(at + (skip if coding == "raw" else 0))
    filled = _fill(handle, result) if coding == "raw" else _inflate(handle, result, skip, total, coding, name)
    if filled < wanted:
        raise ImageRefused(f"{name}: the image file is damaged or incomplete. Copy it again.")
    return result


def check_promise(total: int, held: int, coding: Coding, name: str) -> None:
    """Python integers throughout: nothing wraps, and nothing is allocated before this has passed."""
    possible = {"raw": held, "bzip2": MAX_INFLATED}.get(coding, min(MAX_INFLATED, MAX_RATIO * held))
    if total > possible:
        raise ImageRefused(
            f"{name}: the header claims {size_text(total)}, the file holds {size_text(max(0, held))}"
            f"{' compressed' if coding != 'raw' else ''}: it is incomplete, or too large. Copy it again."
        )


def head_of(handle: BinaryIO, wanted: int, name: str, coding: Coding) -> bytes:
    """The first `wanted` bytes, or fewer; a compressed stream is not read further."""
    handle.seek(0)
    if coding == "raw":
        return handle.read(wanted)
    result = np.empty(wanted, dtype=np.uint8)
    filled = _inflate(handle, result, 0, None, coding, name)
    return result[:filled].tobytes()


def beside(path: Path, named: str) -> Path:
    """The file that the header `path` names as holding its voxels. Raises ImageRefused if it lies outside the folder.

    Untrusted: no absolute path, drive, address, step upwards or link, so a header cannot show another file's bytes.
    """
    parts = named.replace("\\", "/").split("/")
    folder = Path(os.path.abspath(path)).parent
    target = folder.joinpath(*[part for part in parts if part != "."])
    steps = [folder.joinpath(*parts[: depth + 1]) for depth in range(len(parts))]
    outside = named.startswith(("/", "\\")) or ":" in named or ".." in parts or "" in parts or "\x00" in named
    if outside or any(step.is_symlink() for step in steps):
        raise ImageRefused(
            f"{shown(path)}: its header points to a file outside its folder ({shown(Path(named))}), which is not "
            "followed. Put the data file beside the header."
        )
    return target


def _new(coding: Coding) -> Any:
    return bz2.BZ2Decompressor() if coding == "bzip2" else zlib.decompressobj(wbits=31 if coding == "gzip" else 47)


def _fill(handle: BinaryIO, result: Array) -> int:
    view, filled = result.data, 0
    while filled < len(view) and (count := handle.readinto(view[filled:])):  # type: ignore[attr-defined]
        filled += count
    return filled


def _inflate(handle: BinaryIO, result: Array, skip: int, total: int | None, coding: Coding, name: str) -> int:
    """Fill `result` with what follows the first `skip` inflated bytes; `total` None = stop as soon as it is full."""
    inflater, seen, piece = _new(coding), 0, b""
    end = skip + result.size
    try:
        while total is not None or seen < end:
            piece = piece or handle.read(PIECE)
            if not piece and not _waiting(inflater):
                break
            out = inflater.decompress(piece, PIECE)
            piece = b"" if coding == "bzip2" else inflater.unconsumed_tail
            _copy(out, seen, skip, result)
            seen += len(out)
            if total is not None and seen > total + MAX_TRAILING:
                raise ImageRefused(f"{name}: the file holds far more than its header declares. Export it again.")
            if inflater.eof:
                piece = inflater.unused_data
                if (total is not None and seen >= total) or not (piece or (piece := handle.read(PIECE))):
                    break
                inflater = _new(coding)  # another member: some writers compress in blocks
    except (zlib.error, OSError, EOFError) as error:
        raise ImageRefused(f"{name}: the compressed image is damaged ({error}). Copy it again.") from error
    if total is not None and not inflater.eof:
        raise ImageRefused(f"{name}: the compressed image is damaged or incomplete. Copy it again.")
    return max(0, min(seen, end) - skip)


def _waiting(inflater: Any) -> bool:
    """Whether a bzip2 stream still has output for which it needs no more input."""
    return not inflater.eof and not getattr(inflater, "needs_input", True)


def _copy(out: bytes, seen: int, skip: int, result: Array) -> None:
    first, last = max(seen, skip), min(seen + len(out), skip + result.size)
    if first < last:
        result[first - skip : last - skip] = np.frombuffer(out, np.uint8)[first - seen : last - seen]
