"""The profile cache: what a vision-language model said of one window, read by the safe reader from a folder or a tar.

Two kinds of entries: the producers' (`<name>.pt`) and ours (`<safe name>.json` with a `.safetensors` beside it).
"""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.checkpoints.contents import TensorInfo
from core.checkpoints.json_text import parse_json
from core.checkpoints.reader import open_checkpoint, read_array
from core.conditioning.keys import IMAGE_HASH, name_of_stem, safe_stem
from core.errors import CheckpointRefused
from core.names import PROFILE_CACHE
from core.records import Array

MAX_ENTRIES = 100_000
MAX_BYTES = 8 << 20
MAX_WIDTH = 1 << 20
MAX_WORDS = 100_000
FORMAT = "flowglass-profile"
TENSOR = "feature"
POSITION = re.compile(r":i=\d+")
PLACES = (f"{PROFILE_CACHE}.tar", PROFILE_CACHE, f"cache/{PROFILE_CACHE}", f"cache/{PROFILE_CACHE}.tar")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """One entry: `feature` (width,) float32 in its stored rounding and the words it was made of, if any.

    `source`: the folder or tar it lies in, by name. The rest is known of our own entries only; `recipe`: what else
    decided the feature (`Options.recipe`).
    """

    feature: Array
    text: str = ""
    source: str = ""
    prompt: str = ""
    model: str = ""
    revision: str = ""
    recipe: str = ""


class ProfileCache:
    """Looks windows up by identity. Nothing is read until it is asked for; a broken entry counts as absent.

    Two entries of one window at different batch positions hold the same feature, since the pixels are the same; where
    the exact position is missing, another one serves. What `remember` is given stays in memory (4 bytes a number).
    """

    def __init__(self, sources: Sequence[Path]) -> None:
        self.sources: tuple[Path, ...] = ()
        self._entries: dict[str, list[_Entry]] = {}
        self._fresh: dict[str, Profile] = {}
        self._any_position: dict[str, str] = {}
        self._prompts: dict[str, set[str]] = {}
        for source in sources:
            self.add(source)

    def __len__(self) -> int:
        return len(self._entries.keys() | self._fresh.keys())

    def add(self, source: Path) -> None:
        """Look into one more folder or tar, after the others; once is enough."""
        if source in self.sources:
            return
        self.sources += (source,)
        entries = list(_entries(source))
        ours = {name for name, entry in entries if entry.ours is not None}
        for name, entry in entries:
            # The .pt beside an entry of ours is its copy for the producers' code, and says less.
            if entry.ours is not None or name not in ours:
                self._entries.setdefault(name, []).append(entry)
                self._register(name)

    def remember(self, identity: str, suffix_hash: str, profile: Profile) -> None:
        """Take in what was just computed; it goes before what the sources hold."""
        name = f"{identity}_{suffix_hash}"
        self._fresh[name] = profile
        self._register(name)

    def find(self, identity: str, suffix_hash: str) -> Array | None:
        """The feature (width,) float32 of `identity` (`unknown:unknown:fp=...`) under a prompt hash, or None."""
        profile = self.profile(identity, suffix_hash)
        return None if profile is None else profile.feature

    def profile(
        self, identity: str, suffix_hash: str, models: Collection[str] = (), recipe: str = ""
    ) -> Profile | None:
        """The whole entry, or None. Of our own entries only those of `models` and `recipe` count; empty = all."""
        name = f"{identity}_{suffix_hash}"
        if not self._knows(name):
            name = self._any_position.get(POSITION.sub("", name), "")
        fresh = self._fresh.get(name)
        found = (profile for profile in (fresh, *self._stored(name)) if profile is not None)
        return next((profile for profile in found if _counts(profile, models, recipe)), None)

    def prompts_of(self, identity: str) -> tuple[str, ...]:
        """Hashes of the prompts under which `identity` is known, image features left out."""
        return tuple(sorted(self._prompts.get(POSITION.sub("", identity), set()) - {IMAGE_HASH}))

    def _knows(self, name: str) -> bool:
        """Also of an entry that was written after the folder was looked through, by a run of another checkpoint."""
        stem = safe_stem(name)
        if name in self._fresh or name in self._entries or stem in self._entries:
            return True
        for source in self.sources:
            words, numbers = source / f"{stem}.json", source / f"{stem}.safetensors"
            if words.is_file() and numbers.is_file():
                self._entries[name] = [_Entry(_Part(numbers), source.name, _Part(words))]
                self._register(name)
                return True
        return False

    def _register(self, name: str) -> None:
        self._any_position.setdefault(POSITION.sub("", name), name)
        identity, _, suffix = name.rpartition("_")
        self._prompts.setdefault(POSITION.sub("", identity), set()).add(suffix)

    def _stored(self, name: str) -> Iterator[Profile | None]:
        """Lazily: the next entry of a name is read only if the one before does not count."""
        for key in dict.fromkeys((name, safe_stem(name))):  # our names that are too long are filed under their stem
            for entry in self._entries.get(key, ()):
                try:
                    yield _read(entry, name)
                except (CheckpointRefused, OSError, ValueError):  # JsonRefused and wrong letters are ValueErrors
                    yield None


@dataclass(frozen=True, slots=True)
class _Part:
    """A file of its own, or `size` bytes at `offset` of a tar."""

    path: Path
    offset: int = 0
    size: int | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    """The numbers, the source's name and, of our own entries, the JSON that belongs to them."""

    numbers: _Part
    source: str
    ours: _Part | None = None


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
    """Names and where they lie, at most `MAX_ENTRIES` files; a source that cannot be read has none."""
    parts = dict(_folder_parts(source) if source.is_dir() else _tar_parts(source))
    for name, part in parts.items():
        stem, ending = os.path.splitext(name)
        numbers = parts.get(f"{stem}.safetensors")
        if ending == ".pt":
            yield stem, _Entry(part, source.name)
        elif ending == ".json" and numbers is not None and "/" not in stem:
            yield name_of_stem(stem), _Entry(numbers, source.name, part)


def _tar_parts(source: Path) -> Iterator[tuple[str, _Part]]:
    try:
        with tarfile.open(source, "r:") as archive:
            for _, member in zip(range(MAX_ENTRIES), archive, strict=False):
                if member.isreg() and member.size <= MAX_BYTES:
                    name = member.name.removeprefix("./").removeprefix(f"{PROFILE_CACHE}/")
                    yield name, _Part(source, member.offset_data, member.size)
    except (tarfile.TarError, OSError):
        return


def _folder_parts(folder: Path) -> Iterator[tuple[str, _Part]]:
    seen = 0
    for parent, folders, files in os.walk(folder):
        seen += len(folders) + len(files)
        for name in files:
            path = Path(parent, name)
            if name.endswith((".pt", ".json", ".safetensors")) and not name.startswith(".flowglass-"):
                yield path.relative_to(folder).as_posix(), _Part(path)
        if seen > MAX_ENTRIES:
            return


def _read(entry: _Entry, name: str) -> Profile | None:
    if entry.ours is None:
        with _on_disk(entry.numbers) as path:
            return _theirs(path, name, entry.source)
    words, raw = _words(entry.ours), _bytes(entry.numbers)
    # Two files are never replaced at one moment: numbers and words of different writers count as absent.
    if words.get("name") != name or words.get("sha256") != hashlib.sha256(raw).hexdigest():
        return None
    with _copied_out(raw) as path:  # the bytes that were just checked, not what may lie there by now
        feature = _feature(path, TENSOR)
    said = {key: words.get(key, "") for key in ("prompt", "model", "revision", "recipe")}
    if feature is None or not all(isinstance(value, str) for value in said.values()):
        return None
    return Profile(feature=feature, text=_text(words.get("answer")), source=entry.source, **said)


def _theirs(path: Path, name: str, source: str) -> Profile | None:
    feature = _feature(path, "image_feat" if name.endswith("_" + IMAGE_HASH) else "e_text")
    if feature is None:
        return None
    root = open_checkpoint(path).root
    return Profile(feature=feature, text=_text(root.get("text")), source=source)


def _feature(path: Path, key: str) -> Array | None:
    contents = open_checkpoint(path)
    tensor: Any = contents.root.get(key) if isinstance(contents.root, dict) else None
    if not isinstance(tensor, TensorInfo) or not 0 < tensor.numel <= MAX_WIDTH:
        return None
    return np.asarray(read_array(contents, tensor), dtype=np.float32).reshape(-1)


def _words(part: _Part) -> Mapping[str, Any]:
    value = parse_json(_bytes(part).decode("utf-8"))
    return value if isinstance(value, dict) and value.get("format") == FORMAT else {}


def _text(value: object) -> str:
    return value[:MAX_WORDS] if isinstance(value, str) else ""


def _counts(profile: Profile, models: Collection[str], recipe: str) -> bool:
    """A folder is called after its model: of `Qwen/Qwen2.5-VL-3B-Instruct` only the last part tells."""
    wanted = {model.rpartition("/")[2].lower() for model in models}
    same_model = not wanted or not profile.model or profile.model.rpartition("/")[2].lower() in wanted
    return same_model and (not recipe or not profile.recipe or profile.recipe == recipe)


def _bytes(part: _Part) -> bytes:
    with part.path.open("rb") as stream:
        stream.seek(part.offset)
        return stream.read(MAX_BYTES if part.size is None else part.size)


@contextmanager
def _on_disk(part: _Part) -> Iterator[Path]:
    """A path to read the part from; a member of a tar is copied out, never under its own name."""
    if part.size is None:
        yield part.path
    else:
        with _copied_out(_bytes(part)) as path:
            yield path


@contextmanager
def _copied_out(raw: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "profile"
        path.write_bytes(raw)
        yield path
