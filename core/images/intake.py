"""The door for untrusted image files: only regular, non-empty files, opened once; every refusal names the file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from core.errors import ImageRefused

NOT_REGULAR = {
    stat.S_IFDIR: "is a folder, not an image file. Drop the folder on the window to list the images in it",
    stat.S_IFIFO: "is a named pipe, not a file. Choose an image file",
    stat.S_IFSOCK: "is a socket, not a file. Choose an image file",
    stat.S_IFCHR: "is a device, not a file. Choose an image file",
    stat.S_IFBLK: "is a device, not a file. Choose an image file",
}


def shown(path: Path) -> str:
    """The file's name as safe text: control, bidi and undecodable characters are escaped, long names cut."""
    safe = "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode("ascii") for mark in path.name)
    return safe if len(safe) <= 200 else safe[:197] + "..."


def size_text(size: int) -> str:
    """`1536` -> `1.5 KB`."""
    amount = float(size)
    for unit in ("bytes", "KB", "MB", "GB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:,.1f} TB"


@contextmanager
def open_regular(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """The file opened for reading, and its size. Raises ImageRefused for anything but a regular, non-empty file.

    The kind is checked before opening (opening a pipe would wait for ever) and again on the handle, which is then the
    only way the file is read: a name that is swapped in between changes nothing.
    """
    handle = _open(path)
    with handle:
        facts = os.fstat(handle.fileno())
        _check_kind(path, facts)
        if facts.st_size == 0:
            raise ImageRefused(f"{shown(path)}: the file is empty. Copy or download it again.")
        yield handle, facts.st_size


def _open(path: Path) -> BinaryIO:
    try:
        _check_kind(path, os.stat(path))  # follows a link, once
        return open(path, "rb")
    except FileNotFoundError as error:
        raise ImageRefused(f"{shown(path)}: there is no such file. It may have been moved or renamed.") from error
    except PermissionError as error:
        raise ImageRefused(f"{shown(path)}: you may not read this file. Change its permissions or copy it.") from error
    except (OSError, ValueError) as error:  # a link loop, a name that is too long, a NUL in it
        raise ImageRefused(f"{shown(path)}: the file cannot be opened ({error}). Choose another file.") from error


def _check_kind(path: Path, facts: os.stat_result) -> None:
    if not stat.S_ISREG(facts.st_mode):
        why = NOT_REGULAR.get(stat.S_IFMT(facts.st_mode), "is not a regular file. Choose an image file")
        raise ImageRefused(f"{shown(path)} {why}.")
