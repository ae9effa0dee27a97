"""Open a file that a stranger may have made: regular files only, once, and everything through that one handle."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.checkpoints.refusal import Refusal, damaged
from core.files import CannotOpen, Reason, open_regular

CHOOSE = "Choose the checkpoint file itself (.ckpt, .pt, .pth or .safetensors)."
CLOUD = "Check the name and the drive, then open it again."
MAX_ONE_READ = 1 << 30

REFUSALS: dict[Reason, tuple[str, str, str]] = {
    "missing": ("file.missing", "there is no such file", CLOUD),
    "forbidden": ("file.unreadable", "you are not allowed to read this file", "Change its permissions."),
    "unopenable": ("file.unreadable", "the file cannot be opened", CLOUD),
    "folder": (
        "file.folder",
        "this is a folder, not a checkpoint file",
        "Choose the checkpoint file in it; sharded DeepSpeed or FSDP checkpoints must be merged first.",
    ),
    "pipe": ("file.fifo", "this is a pipe (FIFO), not a file", CHOOSE),
    "socket": ("file.socket", "this is a socket, not a file", CHOOSE),
    "device": ("file.device", "this is a device, not a file", CHOOSE),
    "special": ("file.special", "this is not a regular file", CHOOSE),
    "empty": ("file.empty", "this is an empty file, not a checkpoint", "Download or copy it again."),
}


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
    try:
        descriptor, status = open_regular(path)
    except CannotOpen as error:
        code, message, remedy = REFUSALS[error.reason]
        raise Refusal(code, f"{message} ({error.detail})" if error.detail else message, remedy) from error
    try:
        yield OpenFile(path, descriptor, status.st_size, status.st_mtime_ns)
    finally:
        os.close(descriptor)
