"""Files of the disk: opened only if they are regular files, written whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

Reason = Literal["missing", "forbidden", "unopenable", "folder", "pipe", "socket", "device", "special", "empty"]
KINDS: dict[int, Reason] = {
    stat.S_IFDIR: "folder",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


class CannotOpen(Exception):
    """Why a path is no file to read. Each reader has its own words for the `reason`; `detail`: what the system says."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason} {detail}".strip())
        self.reason: Reason = reason
        self.detail = detail


def open_regular(path: Path) -> tuple[int, os.stat_result]:
    """A descriptor of the regular, non-empty file at `path` (a link is followed), and its status. Raises CannotOpen.

    The kind is checked before opening (opening a pipe would wait for ever) and again on the descriptor, which is then
    the only way to read the file: a name that is swapped in between changes nothing. The caller closes it.
    """
    try:
        _check_kind(os.stat(path))
        descriptor = os.open(path, _flags())
    except FileNotFoundError as error:
        raise CannotOpen("missing") from error
    except PermissionError as error:
        raise CannotOpen("forbidden") from error
    except OSError as error:  # a link loop, a name that is too long, a drive that is gone
        raise CannotOpen("unopenable", error.strerror or str(error)) from error
    except ValueError as error:
        raise CannotOpen("unopenable", "its name is not a possible file name") from error
    try:
        status = os.fstat(descriptor)
        _check_kind(status)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, status


def _flags() -> int:
    flags = os.O_RDONLY
    for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY", "O_NOCTTY"):  # each system has some of them
        flags |= getattr(os, name, 0)
    return flags


def _check_kind(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise CannotOpen(KINDS.get(stat.S_IFMT(status.st_mode), "special"))
    if status.st_size == 0:
        raise CannotOpen("empty")


def write_whole(path: Path, save: Callable[[Path], object]) -> Path:
    """Save beside the target under a name of our own, then move it over: no reader ever sees half a file.

    `save` gets that name, which ends as the target's does. Folders are made. Raises OSError when the disk refuses.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = "".join(path.suffixes[-2:]) if path.name.lower().endswith(".nii.gz") else path.suffix
    descriptor, name = tempfile.mkstemp(suffix=suffix.lower(), prefix=".flowglass-", dir=path.parent)
    os.close(descriptor)
    part = Path(name)
    try:
        save(part)
        os.chmod(part, 0o666 & ~_umask())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return path


def _umask() -> int:
    """mkstemp makes files that only their owner may read; a result gets the rights of any new file."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
