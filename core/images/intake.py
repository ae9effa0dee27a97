"""The door for untrusted image files: only regular, non-empty files, opened once; every refusal names the file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from core.errors import ImageRefused
from core.files import CannotOpen, Reason, open_regular
from core.text import one_line

REFUSALS: dict[Reason, str] = {
    "missing": ": there is no such file. It may have been moved or renamed.",
    "forbidden": ": you may not read this file. Change its permissions or copy it.",
    "unopenable": ": the file cannot be opened ({detail}). Choose another file.",
    "folder": " is a folder, not an image file. Drop the folder on the window to list the images in it.",
    "pipe": " is a named pipe, not a file. Choose an image file.",
    "socket": " is a socket, not a file. Choose an image file.",
    "device": " is a device, not a file. Choose an image file.",
    "special": " is not a regular file. Choose an image file.",
    "empty": ": the file is empty. Copy or download it again.",
}


def shown(path: Path) -> str:
    """The file's name as safe text: control, bidi and undecodable characters are escaped, long names cut."""
    return one_line(path.name, 200)


def size_text(size: int) -> str:
    """`1536` -> `1.5 KB`."""
    amount = float(size)
    for unit in ("bytes", "KB", "MB", "GB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:,.1f} TB"


@contextmanager
def open_image(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """The file opened for reading, and its size. Raises ImageRefused for anything but a regular, non-empty file."""
    try:
        descriptor, status = open_regular(path)
    except CannotOpen as error:
        raise ImageRefused(shown(path) + REFUSALS[error.reason].format(detail=error.detail)) from error
    with os.fdopen(descriptor, "rb") as handle:
        yield handle, status.st_size
