"""The small text files of runs, read with a budget: a tree may hold thousands, each as large as is allowed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.checkpoints.config_file import ConfigRefused, read_config, read_json
from core.checkpoints.text import safe_text
from core.records import Finding

ALL_YAML = 4 << 20
"""Bytes of YAML read for one listing: real settings have 2 KB, and a megabyte takes seconds."""
ALL_JSON = 64 << 20
OTHERS_STAY = "The checkpoints of the run are not affected."


class RunFiles:
    """Reads mappings; what cannot be read is a finding. One for each listing."""

    def __init__(self, yaml_bytes: int = ALL_YAML, json_bytes: int = ALL_JSON) -> None:
        self._yaml, self._json = yaml_bytes, json_bytes

    def yaml(self, path: Path) -> tuple[Mapping[str, Any] | None, Finding | None]:
        self._yaml -= _size(path)
        return _read(path, read_config, "run.config", self._yaml)

    def json(self, path: Path) -> tuple[Mapping[str, Any] | None, Finding | None]:
        self._json -= _size(path)
        return _read(path, read_json, "run.json", self._json)


def is_regular(path: Path) -> bool:
    """Whether `path` itself is a regular file: a link is not, wherever it leads."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def _read(
    path: Path, reader: Callable[[Path], Any], code: str, left: int
) -> tuple[Mapping[str, Any] | None, Finding | None]:
    if left < 0:
        text = f"{_shown(path)} was not read: the files of these runs are too large together."
        return None, warning(f"{code}-not-read", text, "Open the run's own folder.")
    try:
        value = reader(path)
    except ConfigRefused as error:
        return None, warning(f"{code}-unreadable", str(error), OTHERS_STAY)
    if not isinstance(value, Mapping):
        return None, warning(f"{code}-unreadable", f"{_shown(path)} does not hold names and values.", OTHERS_STAY)
    return value, None


def warning(code: str, message: str, remedy: str = "") -> Finding:
    return Finding(severity="warning", code=code, message=message, remedy=remedy)


def note(code: str, message: str, remedy: str = "") -> Finding:
    return Finding(severity="note", code=code, message=message, remedy=remedy)


def _shown(path: Path) -> str:
    return safe_text(path.name, 200)


def _size(path: Path) -> int:
    try:
        return os.lstat(path).st_size
    except (OSError, ValueError):
        return 0
