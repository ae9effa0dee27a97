"""What a file is by its first bytes; its extension proves nothing."""

from __future__ import annotations

from typing import Literal

from core.checkpoints.intake import CHOOSE
from core.checkpoints.refusal import Refusal, damaged

Kind = Literal["zip", "pickle", "safetensors", "text"]
HEAD = 1024
SMALLEST = 8
UNPACK = "Unpack it first, then open the checkpoint inside."
EXPORT = "Open the .ckpt or .pth file that the training wrote."
MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "file.png-image", "this is a PNG image, not a checkpoint", CHOOSE),
    (b"\xff\xd8\xff", "file.jpeg-image", "this is a JPEG image, not a checkpoint", CHOOSE),
    (b"GIF8", "file.gif-image", "this is a GIF image, not a checkpoint", CHOOSE),
    (b"II*\x00", "file.tiff-image", "this is a TIFF image, not a checkpoint", CHOOSE),
    (b"MM\x00*", "file.tiff-image", "this is a TIFF image, not a checkpoint", CHOOSE),
    (b"\x1f\x8b", "file.gzip", "this is a gzip archive, not a checkpoint", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "file.7z", "this is a 7z archive, not a checkpoint", UNPACK),
    (b"\xfd7zXZ\x00", "file.xz", "this is an xz archive, not a checkpoint", UNPACK),
    (b"BZh", "file.bzip2", "this is a bzip2 archive, not a checkpoint", UNPACK),
    (b"\x28\xb5\x2f\xfd", "file.zstd", "this is a Zstandard archive, not a checkpoint", UNPACK),
    (b"Rar!", "file.rar", "this is a RAR archive, not a checkpoint", UNPACK),
    (b"\x89HDF\r\n\x1a\n", "file.hdf5", "this is an HDF5 file (Keras?), not a PyTorch checkpoint", EXPORT),
    (b"GGUF", "file.gguf", "this is a GGUF language model, not a segmentation checkpoint", EXPORT),
    (b"\x93NUMPY", "file.numpy", "this is a NumPy array, not a checkpoint", CHOOSE),
    (b"%PDF", "file.pdf", "this is a PDF document, not a checkpoint", CHOOSE),
    (b"\x7fELF", "file.program", "this is a program, not a checkpoint", CHOOSE),
    (b"MZ", "file.program", "this is a program, not a checkpoint", CHOOSE),
)
TAR = Refusal(
    "file.tar",
    "this is a tar archive, perhaps the very old (legacy) PyTorch format of before 2017, not a checkpoint we open",
    "Unpack it, or load and save it again with a newer PyTorch.",
)
LFS = Refusal(
    "file.git-lfs-pointer",
    "this is a Git LFS pointer (a small stand-in), not a checkpoint",
    'Fetch the real file with "git lfs pull".',
)
HTML = Refusal(
    "file.html-page",
    "this is a web page (HTML), probably a log-in page saved in place of the download, not a checkpoint",
    "Log in and download the file again.",
)
TEXT = Refusal("file.text", "this is a text file, not a checkpoint", CHOOSE)
ONNX = Refusal("file.onnx", "this is an ONNX model, not a PyTorch checkpoint", EXPORT)
UNKNOWN = Refusal("file.unrecognised", "the format is not recognised: this is not a checkpoint", CHOOSE)
ZEROS = damaged("file.zeros", "it starts with nothing but zeros, as a reserved but unfinished download does")
PAGE_STARTS = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script")


def sniff(head: bytes) -> Kind:
    """What the first `HEAD` bytes (or all there are) say; refuses by name what is no checkpoint.

    `text` still may be a pickle of protocol 0.
    """
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06")):
        return "zip"
    for magic, code, message, remedy in MAGIC:
        if head.startswith(magic):
            raise Refusal(code, message, remedy)
    if head[257:262] == b"ustar":
        raise TAR
    return _sniff_unmarked(head)


def _sniff_unmarked(head: bytes) -> Kind:
    if head[0] == 0x80 and len(head) > 1 and head[1] <= 5:
        return "pickle"
    if len(head) > 8 and head[8:9] == b"{" and not _is_text(head[:8]):
        return "safetensors"
    if len(head) < SMALLEST:
        raise Refusal("file.too-small", f"a file of {len(head)} bytes is too small to be a checkpoint")
    if head[0] == 0x08 and 0 < head[1] < 32 and head[2] in (0x12, 0x1A, 0x22, 0x3A):
        raise ONNX
    if not any(head):
        raise ZEROS
    if _is_text(head):
        _refuse_known_text(head)
        return "text"
    raise UNKNOWN


def _refuse_known_text(head: bytes) -> None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(b"version https://git-lfs"):
        raise LFS
    if start.startswith(PAGE_STARTS) or (start.startswith((b"<!--", b"<?xml")) and b"<html" in start):
        raise HTML


def _is_text(head: bytes) -> bool:
    """No control characters but white space; a multi-byte character may be cut at the end."""
    if any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True
