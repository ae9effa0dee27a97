"""A bounded walk through a folder from a stranger: names of regular files only; no link is followed, no file opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from core.text import one_line

MAX_ENTRIES = 100_000
MAX_DEPTH = 32


@dataclass(slots=True, kw_only=True)
class Walk:
    """Names of the regular files of each folder below `root`, sorted, and what was passed over."""

    root: Path
    max_entries: int = MAX_ENTRIES
    files: dict[Path, list[str]] = field(default_factory=dict)
    entries: int = 0
    links: int = 0
    unreadable: list[str] = field(default_factory=list)
    cut: bool = False


def walk(folder: Path, max_entries: int = MAX_ENTRIES, max_depth: int = MAX_DEPTH) -> Walk:
    """Look through `folder`, at most `max_depth` levels down; hidden ones are skipped. Raises OSError for `folder`."""
    found, waiting = Walk(root=folder, max_entries=max_entries), [(folder, 0)]
    while waiting and not found.cut:
        path, depth = waiting.pop()
        try:
            with os.scandir(path) as entries:
                waiting += [(child, depth + 1) for child in _take(entries, path, found) if depth < max_depth]
        except OSError:
            if path == folder:
                raise
            found.unreadable.append(_shown(path))
    return found


def _take(entries: Iterable[os.DirEntry[str]], path: Path, found: Walk) -> list[Path]:
    """Note the files of one folder in `found` and return its sub-folders."""
    folders, names = [], []
    for entry in entries:
        found.entries += 1
        if found.entries > found.max_entries:
            found.cut = True
            break
        if entry.name.startswith("."):
            continue
        try:
            mode = entry.stat(follow_symlinks=False).st_mode
        except OSError:
            found.unreadable.append(_shown(path / entry.name))
            continue
        found.links += stat.S_ISLNK(mode)
        if stat.S_ISDIR(mode):
            folders.append(path / entry.name)
        elif stat.S_ISREG(mode):
            names.append(entry.name)
    found.files[path] = sorted(names)
    return folders


def _shown(path: Path) -> str:
    return one_line(path.name, 200)
