"""Predictions kept for when they are asked for again: in memory within a budget, and on disk if a folder is given."""

from __future__ import annotations

import hashlib
import json
import os
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from core.inference.result_files import arrays_of, read_result, write_result
from core.records import Image, Prediction, ResultKey, RunSettings, to_plain
from core.versions import version_of

MEMORY_BYTES = 1 << 30
DISK_BYTES = 8 << 30
SUFFIX = ".safetensors"


class ResultCache:
    """Predictions by key, the one that was looked at longest ago going first. Safe to use from several threads.

    Any hashable key serves in memory; on disk only those that are a `ResultKey` are kept, since others mean nothing
    to the next process. The newest prediction stays whatever its size.
    """

    def __init__(
        self, memory_bytes: int = MEMORY_BYTES, folder: Path | None = None, disk_bytes: int = DISK_BYTES
    ) -> None:
        self._kept: OrderedDict[Hashable, tuple[Prediction, int]] = OrderedDict()
        self._memory_bytes, self._disk_bytes, self._folder = memory_bytes, disk_bytes, folder
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: Hashable) -> bool:
        """Whether it is in memory."""
        return key in self._kept

    @property
    def bytes(self) -> int:
        """What the arrays in memory take."""
        with self._lock:
            return sum(size for _, size in self._kept.values())

    def get(self, key: Hashable) -> Prediction | None:
        """The prediction, from memory or else from disk; None if neither has it. A damaged file is removed."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
        found = self._read(key)
        if found is not None:
            self._remember(key, found)
        return found

    def put(self, key: Hashable, prediction: Prediction) -> str:
        """Keep a prediction; returns why the disk does not hold it, or "". A disk that refuses raises nothing."""
        self._remember(key, prediction)
        if self._folder is None or not isinstance(key, ResultKey):
            return ""
        try:
            write_result(self._folder / _name(key), _text(key), prediction)
        except OSError as error:
            return f"The result could not be kept on disk: {error.strerror or error}."
        self._trim_disk()
        return ""

    def forget(self, matches: Callable[[Any], bool]) -> None:
        """Drop from memory those whose key matches."""
        with self._lock:
            for key in [key for key in self._kept if matches(key)]:
                del self._kept[key]

    def clear_disk(self) -> None:
        """Remove every result that lies in the folder."""
        for path in self._files():
            path.unlink(missing_ok=True)

    def _remember(self, key: Hashable, prediction: Prediction) -> None:
        with self._lock:
            self._kept[key] = prediction, size_bytes(prediction)
            self._kept.move_to_end(key)
            total = sum(size for _, size in self._kept.values())
            while total > self._memory_bytes and len(self._kept) > 1:
                total -= self._kept.popitem(last=False)[1][1]

    def _read(self, key: Hashable) -> Prediction | None:
        if self._folder is None or not isinstance(key, ResultKey):
            return None
        return read_result(self._folder / _name(key), _text(key))

    def _files(self) -> list[Path]:
        """Whole results; what is being written begins with a dot."""
        if self._folder is None or not self._folder.is_dir():
            return []
        return [path for path in self._folder.glob(f"*{SUFFIX}") if not path.name.startswith(".")]

    def _trim_disk(self) -> None:
        """Remove the results that were used longest ago until the rest fits; the newest stays."""
        aged = sorted(_aged(self._files()), reverse=True)  # newest first
        total = 0
        for number, (_, path, size) in enumerate(aged):
            total += size
            if number and total > self._disk_bytes:
                path.unlink(missing_ok=True)


def _aged(paths: list[Path]) -> list[tuple[int, Path, int]]:
    """When each was last used, and its size; one that another process has just removed is left out."""
    found = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((status.st_mtime_ns, path, status.st_size))
    return found


def size_bytes(prediction: Prediction) -> int:
    """Memory that the arrays of a prediction take; one that stands in it twice counts once."""
    return sum(array.nbytes for array in arrays_of(prediction))


# ---- keys ------------------------------------------------------------------------------------------------------------


def result_key(
    checkpoint: Path, image: Image, settings: RunSettings, options: Mapping[str, Any], sha256: str | None
) -> ResultKey:
    """See `core.pipeline.result_key`. Looks at the files' status, so it belongs in a job."""
    return ResultKey(
        checkpoint=f"sha256:{sha256}" if sha256 else _file(checkpoint),
        image=_image(image),
        settings=settings,
        options=tuple(sorted((name, json.dumps(to_plain(value), sort_keys=True)) for name, value in options.items())),
    )


def _file(path: Path) -> str:
    status = os.stat(path)
    return f"{path.resolve()}|{status.st_mtime_ns}|{status.st_size}"


def _image(image: Image) -> str:
    """Its files as they are now, and the frame; of an array its numbers."""
    files = image.files or (() if image.path is None else (image.path,))
    try:
        return "|".join([*(_file(Path(name)) for name in files), str(image.frame)]) if files else _numbers(image)
    except OSError:  # the file has gone since it was read: what was read decides
        return _numbers(image)


def _numbers(image: Image) -> str:
    digest = hashlib.sha256(f"{image.voxels.dtype}{image.voxels.shape}".encode())
    digest.update(image.voxels.tobytes())
    return f"array:{digest.hexdigest()}"


def _text(key: ResultKey) -> str:
    """With the version of the program, since another may compute otherwise."""
    return json.dumps([_version(), to_plain(key)], sort_keys=True)


@cache
def _version() -> str:
    return version_of("flowglass") or ""


def _name(key: ResultKey) -> str:
    return hashlib.sha256(_text(key).encode()).hexdigest() + SUFFIX
