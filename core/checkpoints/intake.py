"""Open a file that a stranger may have made: regular files only, once, and everything through that one handle."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.checkpoints.refusal import Refusal, damaged

CHOOSE = "Choose the checkpoint file itself (.ckpt, .pt, .pth or .safetensors)."
CLOUD = "Check the name and the drive, then open it again."
MAX_ONE_READ = 1 << 30

SPECIAL = (
    (stat.S_ISFIFO, "file.fifo", "this is a pipe (FIFO), not a file"),
    (stat.S_ISSOCK, "file.socket", "this is a socket, not a file"),
    (stat.S_ISCHR, "file.device", "this is a device, not a file"),
    (stat.S_ISBLK, "file.device", "this is a device, not a file"),
)


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A regular file held open for reading. `size` and `changed_at_ns` are of the handle, not of the path."""

    path: Path
    descriptor: int
    size: int
    changed_at_ns: int

    def read_at(self, offset: int, count: int) -> bytes:
        """Exactly `count` bytes from `offset`; refuses if the file ends before."""
        if offset < 0 or count < 0 or offset + count > self.size:
            raise damaged("file.outside", f"{count:,} bytes at {offset:,} lie outside its {self.size:,} bytes")
        pieces = []
        while count > 0:
            piece = _read_some(self.descriptor, offset, min(count, MAX_ONE_READ))
            if not piece:
                raise damaged("file.shrunk", "it became shorter while it was read")
            pieces.append(piece)
            offset += len(piece)
            count -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _read_some(descriptor: int, offset: int, count: int) -> bytes:
    try:
        if hasattr(os, "pread"):
            return os.pread(descriptor, count, offset)
        os.lseek(descriptor, offset, os.SEEK_SET)  # Windows
        return os.read(descriptor, count)
    except OSError as error:
        raise Refusal("file.unreadable", f"the file cannot be read ({error.strerror})", CLOUD) from error


@contextmanager
def opened(path: Path) -> Iterator[OpenFile]:
    """The regular file at `path` (a link is followed), open for reading; refuses everything else by name."""
    _check_kind(_status(path))
    descriptor = _open(path)
    try:
        status = os.fstat(descriptor)  # the path may have been swapped since; from here on only the handle counts
        _check_kind(status)
        yield OpenFile(path, descriptor, status.st_size, status.st_mtime_ns)
    finally:
        os.close(descriptor)


def _status(path: Path) -> os.stat_result:
    try:
        return os.stat(path)
    except FileNotFoundError as error:
        raise Refusal("file.missing", "there is no such file", CLOUD) from error
    except (OSError, ValueError) as error:
        raise _unreadable(error) from error


def _open(path: Path) -> int:
    flags = os.O_RDONLY
    for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY", "O_NOCTTY"):
        flags |= getattr(os, name, 0)
    try:
        return os.open(path, flags)
    except (OSError, ValueError) as error:
        raise _unreadable(error) from error


def _unreadable(error: OSError | ValueError) -> Refusal:
    if isinstance(error, PermissionError):
        return Refusal("file.unreadable", "you are not allowed to read this file", "Change its permissions.")
    reason = error.strerror if isinstance(error, OSError) else "its name is not a possible file name"
    return Refusal("file.unreadable", f"the file cannot be opened ({reason})", CLOUD)


def _check_kind(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        sharded = "Choose the checkpoint file in it; sharded DeepSpeed or FSDP checkpoints must be merged first."
        raise Refusal("file.folder", "this is a folder, not a checkpoint file", sharded)
    for test, code, message in SPECIAL:
        if test(status.st_mode):
            raise Refusal(code, message, CHOOSE)
    if not stat.S_ISREG(status.st_mode):
        raise Refusal("file.special", "this is not a regular file", CHOOSE)
    if status.st_size == 0:
        raise Refusal("file.empty", "this is an empty file, not a checkpoint", "Download or copy it again.")
