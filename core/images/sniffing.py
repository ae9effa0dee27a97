"""What kind of image a file is, by its first 512 bytes; the extension only helps the wording of a refusal."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from core.errors import ImageRefused
from core.images.intake import open_image

SNIFFED_BYTES = 512
PICTURES = frozenset({"png", "jpeg", "gif", "bmp", "tiff", "ppm"})
VOLUMES = frozenset(
    {"npy", "npz", "nifti", "nifti-gz", "nifti-pair", "analyze", "mgh", "mgz", "gipl", "gipl-gz", "nrrd", "metaimage"}
)
READABLE = PICTURES | VOLUMES | {"dicom"}

STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"\x93NUMPY", "npy"),
    (b"NRRD0", "nrrd"),
    (b"ObjectType", "metaimage"),
    (b"NDims", "metaimage"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "jpeg2000"),
)
NAMES = {"webp": "WebP", "jpeg2000": "JPEG 2000"}
"""Kinds that are recognised and not read."""
DIB_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
GIPL_MAGIC = (b"\xef\xff\xe9\xb0", b"\x2a\xe3\x89\xb8")


def sniff_image(path: Path | str) -> str | None:
    """A member of `READABLE`, a key of `NAMES`, or None: not an image.

    Reads at most 512 bytes and never raises for a bad file: one that cannot be opened is not an image.
    """
    try:
        with open_image(Path(path)) as (handle, _):
            return kind_of(handle.read(SNIFFED_BYTES))
    except (ImageRefused, OSError):
        return None


def kind_of(head: bytes) -> str | None:
    """The kind of a file that begins with `head`; None when nothing fits."""
    if head[128:132] == b"DICM":  # before all others: its preamble may be the beginning of a TIFF file
        return "dicom"
    for start, kind in STARTS:
        if head.startswith(start):
            return kind
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "ppm"
    if head[:2] == b"BM" and len(head) >= 18 and struct.unpack("<I", head[14:18])[0] in DIB_HEADER_SIZES:
        return "bmp"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:4] == b"PK\x03\x04":
        return "npz" if _first_member(head).endswith(b".npy") else None
    if head[:2] == b"\x1f\x8b":
        return _GZIPPED.get(volume_kind(_gunzipped(head)) or "")
    return volume_kind(head)


_GZIPPED = {
    "nifti": "nifti-gz",
    "nifti-pair": "nifti-pair",
    "analyze": "analyze",
    "mgh": "mgz",
    "gipl": "gipl-gz",
}


def volume_kind(head: bytes) -> str | None:
    """`dicom`, `nifti`, `nifti-pair` (voxels in another file), `analyze` (the same, older), `mgh`, `gipl`, or None.

    NIfTI-1 has its magic at byte 344, NIfTI-2 at 4, GIPL at 252; MGH begins with version 1 and its four lengths.
    """
    if _bare_dicom(head):
        return "dicom"
    magic = head[344:348] if head[344:345] == b"n" else head[4:8]
    if magic in (b"n+1\x00", b"n+2\x00"):
        return "nifti"
    if magic in (b"ni1\x00", b"ni2\x00"):
        return "nifti-pair"
    if head[252:256] in GIPL_MAGIC:
        return "gipl"
    if head[:4] in (b"\x5c\x01\x00\x00", b"\x00\x00\x01\x5c") and len(head) >= 348 and head[38:39] in b"r\x00":
        return "analyze"
    return "mgh" if _mgh(head) else None


def _bare_dicom(head: bytes) -> bool:
    """DICOM without its preamble: group 8, little-endian, a first element that such files begin with."""
    return head[:4] in (b"\x08\x00\x00\x00", b"\x08\x00\x05\x00", b"\x08\x00\x08\x00") and (
        head[4:6] in (b"UL", b"CS") or head[6:8] == b"\x00\x00"
    )


def _mgh(head: bytes) -> bool:
    if len(head) < 284:
        return False
    version, *lengths, kind = struct.unpack(">6i", head[:24])
    return version == 1 and all(0 < length < 2**16 for length in lengths) and 0 <= kind <= 10


def _first_member(head: bytes) -> bytes:
    (length,) = struct.unpack("<H", head[26:28]) if len(head) >= 28 else (0,)
    return head[30 : 30 + length]


def _gunzipped(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, SNIFFED_BYTES)
    except zlib.error:
        return b""
