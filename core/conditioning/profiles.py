"""The producers' profile cache: one small file per window, in a folder or a tar, read by the safe reader."""

from __future__ import annotations

import os
import re
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.checkpoints.contents import TensorInfo
from core.checkpoints.reader import open_checkpoint, read_array
from core.conditioning.keys import IMAGE_HASH
from core.errors import CheckpointRefused
from core.names import PROFILE_CACHE
from core.records import Array

MAX_ENTRIES = 100_000
MAX_BYTES = 8 << 20
POSITION = re.compile(r":i=\d+")
PLACES = (f"{PROFILE_CACHE}.tar", PROFILE_CACHE, f"cache/{PROFILE_CACHE}", f"cache/{PROFILE_CACHE}.tar")


class ProfileCache:
    """Looks windows up by identity. Nothing is read until it is asked for; a broken entry counts as absent.

    Two entries of one window at different batch positions hold the same feature, since the pixels are the same; where
    the exact position is missing, another one serves.
    """

    def __init__(self, sources: Sequence[Path]) -> None:
        self.sources = tuple(sources)
        self._entries: dict[str, _Entry] = {}
        self._any_position: dict[str, str] = {}
        self._prompts: dict[str, set[str]] = {}
        for source in self.sources:
            for name, entry in _entries(source):
                self._entries.setdefault(name, entry)
                self._any_position.setdefault(POSITION.sub("", name), name)
                identity, _, suffix = name.rpartition("_")
                self._prompts.setdefault(POSITION.sub("", identity), set()).add(suffix)

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, identity: str, suffix_hash: str) -> Array | None:
        """The feature (width,) float32 of `identity` (`unknown:unknown:fp=...`) under a prompt hash, or None."""
        name = f"{identity}_{suffix_hash}"
        if name not in self._entries:
            name = self._any_position.get(POSITION.sub("", name), "")
        return self._read(name) if name else None

    def prompts_of(self, identity: str) -> tuple[str, ...]:
        """Hashes of the prompts under which `identity` is known, image features left out."""
        return tuple(sorted(self._prompts.get(POSITION.sub("", identity), set()) - {IMAGE_HASH}))

    def _read(self, name: str) -> Array | None:
        try:
            return _feature(self._entries[name], name)
        except (CheckpointRefused, OSError):
            return None


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file of its own, or `size` bytes at `offset` of a tar."""

    path: Path
    offset: int = 0
    size: int | None = None


def profile_sources(checkpoint: Path, cache_dir: str) -> tuple[Path, ...]:
    """Where the profiles of a checkpoint may lie: beside it, in its run folder, or where its settings say."""
    folders = (checkpoint.parent, *checkpoint.parent.parents[:2])
    wishes = [folder / place for folder in folders for place in PLACES]
    stated = Path(cache_dir)
    # A network path named by a file would send the user's credentials to whoever wrote it, and `/` would have us search
    # the whole disk: only a local folder that is called what the producers call it is tried.
    if stated.is_absolute() and stated.name == PROFILE_CACHE and not cache_dir.startswith(("//", "\\\\")):
        wishes.append(stated)
    return tuple(dict.fromkeys(wish for wish in wishes if wish.exists()))


def _entries(source: Path) -> Iterator[tuple[str, _Entry]]:
    """Names without `.pt` and where they lie, at most `MAX_ENTRIES`; a source that cannot be read has none."""
    if source.is_dir():
        yield from _folder_entries(source)
    elif source.is_file():
        try:
            with tarfile.open(source, "r:") as archive:
                for _, member in zip(range(MAX_ENTRIES), archive, strict=False):
                    if member.isreg() and member.size <= MAX_BYTES:
                        yield _strip(member.name), _Entry(source, member.offset_data, member.size)
        except (tarfile.TarError, OSError):
            return


def _folder_entries(folder: Path) -> Iterator[tuple[str, _Entry]]:
    seen = 0
    for parent, folders, files in os.walk(folder):
        seen += len(folders) + len(files)
        for name in files:
            path = Path(parent, name)
            if name.endswith(".pt"):
                yield path.relative_to(folder).as_posix().removesuffix(".pt"), _Entry(path)
        if seen > MAX_ENTRIES:
            return


def _strip(name: str) -> str:
    return name.removeprefix("./").removeprefix(f"{PROFILE_CACHE}/").removesuffix(".pt")


def _feature(entry: _Entry, name: str) -> Array | None:
    if entry.size is None:
        return _feature_of(entry.path, name)
    with entry.path.open("rb") as stream, tempfile.TemporaryDirectory() as folder:
        stream.seek(entry.offset)
        path = Path(folder) / "profile.pt"  # the member's own name is never used as a path
        path.write_bytes(stream.read(entry.size))
        return _feature_of(path, name)


def _feature_of(path: Path, name: str) -> Array | None:
    contents = open_checkpoint(path)
    root = contents.root
    if not isinstance(root, dict):
        return None
    tensor: Any = root.get("image_feat") if name.endswith("_" + IMAGE_HASH) else root.get("e_text")
    if not isinstance(tensor, TensorInfo) or not 0 < tensor.numel <= 1 << 20:
        return None
    return np.asarray(read_array(contents, tensor), dtype=np.float32).reshape(-1)
