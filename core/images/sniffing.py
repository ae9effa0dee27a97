"""What kind of image a file is, by its first 512 bytes; the extension only helps the wording of a refusal."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from core.errors import ImageRefused
from core.images.intake import open_image

SNIFFED_BYTES = 512
PICTURES = frozenset({"png", "jpeg", "gif", "bmp", "tiff", "ppm"})
READABLE = PICTURES | {"npy", "nifti", "nifti-gz"}

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
NAMES = {
    "dicom": "DICOM",
    "nrrd": "NRRD",
    "metaimage": "MetaImage",
    "webp": "WebP",
    "jpeg2000": "JPEG 2000",
    "nifti-pair": "two-file NIfTI (.hdr/.img)",
}
"""Kinds that are recognised and not read."""
DIB_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


def sniff_image(path: Path | str) -> str | None:
    """`png`, `jpeg`, `gif`, `bmp`, `tiff`, `ppm`, `npy`, `nifti`, `nifti-gz`, a key of `NAMES`, or None: not an image.

    Reads at most 512 bytes and never raises for a bad file: one that cannot be opened is not an image.
    """
    try:
        with open_image(Path(path)) as (handle, _):
            return kind_of(handle.read(SNIFFED_BYTES))
    except (ImageRefused, OSError):
        return None


def kind_of(head: bytes) -> str | None:
    """The kind of a file that begins with `head`; None when nothing fits."""
    for start, kind in STARTS:
        if head.startswith(start):
            return kind
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "ppm"
    if head[:2] == b"BM" and len(head) >= 18 and struct.unpack("<I", head[14:18])[0] in DIB_HEADER_SIZES:
        return "bmp"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[128:132] == b"DICM":
        return "dicom"
    if head[:2] == b"\x1f\x8b":
        inner = nifti_kind(_gunzipped(head))
        return "nifti-gz" if inner == "nifti" else None
    return nifti_kind(head)


def nifti_kind(head: bytes) -> str | None:
    """`nifti`, `nifti-pair` (voxels in another file) or None; NIfTI-1 has its magic at byte 344, NIfTI-2 at 4."""
    magic = head[344:348] if head[344:345] == b"n" else head[4:8]
    if magic in (b"n+1\x00", b"n+2\x00"):
        return "nifti"
    return "nifti-pair" if magic in (b"ni1\x00", b"ni2\x00") else None


def _gunzipped(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, SNIFFED_BYTES)
    except zlib.error:
        return b""
