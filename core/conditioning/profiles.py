"""The producers' profile cache: one small file per window, in a folder or a tar, read by the safe reader."""

from __future__ import annotations

import re
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
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
        self._entries: dict[str, tuple[Path, str]] = {}
        self._any_position: dict[str, str] = {}
        self._prompts: dict[str, set[str]] = {}
        for source in self.sources:
            for name in _names(source):
                self._entries.setdefault(name, (source, name))
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
        source, member = self._entries[name]
        try:
            if source.is_dir():
                return _feature(source / f"{member}.pt", name)
            return _from_tar(source, member)
        except (CheckpointRefused, OSError, KeyError, tarfile.TarError):
            return None


def profile_sources(checkpoint: Path, cache_dir: str) -> tuple[Path, ...]:
    """Where the profiles of a checkpoint may lie: beside it, in its run folder, or where its settings say."""
    folders = (checkpoint.parent, *checkpoint.parent.parents[:2])
    wishes = [folder / place for folder in folders for place in PLACES]
    stated = Path(cache_dir)
    # A network path named by a file would send the user's credentials to whoever wrote it: only local ones are tried.
    if stated.is_absolute() and not cache_dir.startswith(("//", "\\\\")):
        wishes.append(stated)
    return tuple(dict.fromkeys(wish for wish in wishes if wish.exists()))


def _names(source: Path) -> Iterator[str]:
    """Entry names without `.pt`, at most `MAX_ENTRIES`; a source that cannot be read has none."""
    if source.is_dir():
        yield from _folder_names(source)
    elif source.is_file():
        try:
            with tarfile.open(source, "r:") as archive:
                yield from (_strip(member.name) for _, member in zip(range(MAX_ENTRIES), archive, strict=False))
        except (tarfile.TarError, OSError):
            return


def _folder_names(folder: Path) -> Iterator[str]:
    for _, path in zip(range(MAX_ENTRIES), folder.rglob("*.pt"), strict=False):
        if path.is_file():
            yield path.relative_to(folder).as_posix().removesuffix(".pt")


def _strip(name: str) -> str:
    return name.removeprefix("./").removeprefix(f"{PROFILE_CACHE}/").removesuffix(".pt")


def _from_tar(source: Path, name: str) -> Array | None:
    with tarfile.open(source, "r:") as archive:
        for member in archive:
            if _strip(member.name) == name and member.isreg() and member.size <= MAX_BYTES:
                return _from_bytes(archive, member, name)
    return None


def _from_bytes(archive: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> Array | None:
    stream = archive.extractfile(member)
    if stream is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "profile.pt"  # the member's own name is never used as a path
        path.write_bytes(stream.read(MAX_BYTES))
        return _feature(path, name)


def _feature(path: Path, name: str) -> Array | None:
    contents = open_checkpoint(path)
    root = contents.root
    if not isinstance(root, dict):
        return None
    tensor: Any = root.get("image_feat") if name.endswith("_" + IMAGE_HASH) else root.get("e_text")
    if not isinstance(tensor, TensorInfo) or not 0 < tensor.numel <= 1 << 20:
        return None
    return np.asarray(read_array(contents, tensor), dtype=np.float32).reshape(-1)
