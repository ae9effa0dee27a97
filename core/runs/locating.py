"""Which folders of a walk are training runs, and which checkpoints belong to each. By name only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from core.names import PROFILE_CACHE
from core.runs.files import is_regular
from core.walk import Walk

CONFIG, SUMMARY = "config.yaml", "summary.json"
EXTENSIONS = (".ckpt", ".pt", ".pth", ".safetensors")
CHECKPOINTS = "checkpoints"
_SWA = re.compile(r"(?<![a-z])swa(?![a-z])")
Role = Literal["best", "last", "swa", "other"]


@dataclass(slots=True)
class RunFolder:
    """A folder that looks like a run: whether it has the two text files, and its checkpoints, sorted."""

    path: Path
    config: bool = False
    summary: bool = False
    checkpoints: list[Path] = field(default_factory=list)


def run_folders(walk: Walk, known: set[Path]) -> list[RunFolder]:
    """Folders with config.yaml, summary.json or checkpoints, and those that a tracker knows (`known`), by path.

    The folder above is one too when `checkpoints/` itself was dropped.
    """
    found = {path: RunFolder(path) for path in known if path in walk.files}
    for path, names in walk.files.items():
        if CONFIG in names or SUMMARY in names:
            found.setdefault(path, RunFolder(path))
        if path.name == CHECKPOINTS and any(map(is_checkpoint, names)):
            found.setdefault(path.parent, RunFolder(path.parent))
    for path, run in found.items():
        run.config, run.summary = is_regular(path / CONFIG), is_regular(path / SUMMARY)
    for checkpoint, owner in _owned(walk, found):
        found[owner].checkpoints.append(checkpoint)
    return [found[path] for path in sorted(found)]


def is_checkpoint(name: str) -> bool:
    return name.lower().endswith(EXTENSIONS)


def role_of(checkpoint: Path, run: Path) -> Role:
    """By the file's name, and `swa` also by its folder below the run."""
    stem = checkpoint.stem.lower()
    if _SWA.search(checkpoint.relative_to(run).as_posix().lower()):
        return "swa"
    return "best" if stem.startswith("best") else "last" if stem.startswith("last") else "other"


def _owned(walk: Walk, runs: dict[Path, RunFolder]) -> Iterator[tuple[Path, Path]]:
    """Each checkpoint with the run it belongs to: the nearest one above it."""
    for folder in sorted(walk.files):
        names = [name for name in walk.files[folder] if is_checkpoint(name)]
        owner = next((path for path in (folder, *folder.parents) if path in runs), None) if names else None
        if owner is not None and _belongs(folder.relative_to(owner).parts):
            yield from ((folder / name, owner) for name in names)


def _belongs(below: tuple[str, ...]) -> bool:
    """Files of the run's own folder, of `checkpoints...` and of SWA folders; not, say, of its pretrained weights."""
    if not below:
        return True
    first = below[0].lower()
    return PROFILE_CACHE not in below and (first.startswith("checkpoint") or _SWA.search(first) is not None)
