"""experiments.json: the tracker's record of every run of a tree, looked for in the folders above a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.records import Finding
from core.runs.files import RunFiles, is_regular

TRACKER = "experiments.json"
LEVELS_UP = 4  # experiments/<model>/<dataset>/<run> needs three


@dataclass(frozen=True, slots=True)
class Tracker:
    """The records of one experiments.json by the run's id; `finding` when it cannot be used."""

    folder: Path
    records: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    finding: Finding | None = None


class Trackers:
    """Each experiments.json is read once."""

    def __init__(self, files: RunFiles) -> None:
        self._files = files
        self._known: dict[Path, Tracker | None] = {}

    def above(self, run: Path) -> Tracker | None:
        """The nearest one above a run's folder."""
        for folder in list(run.parents)[:LEVELS_UP]:
            found = self.at(folder)
            if found is not None:
                return found
        return None

    def at(self, folder: Path) -> Tracker | None:
        if folder not in self._known:
            path = folder / TRACKER
            self._known[folder] = self._read(path) if is_regular(path) else None
        return self._known[folder]

    def _read(self, path: Path) -> Tracker:
        value, finding = self._files.json(path)
        records = {} if value is None else {key: item for key, item in value.items() if isinstance(item, Mapping)}
        return Tracker(path.parent, records, finding)
