"""Which run the producers' evaluation takes: their rule, slips included (evaluation.md 1.1)."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

MAX_RUNS = 20_000


class Picks:
    """One answer for each folder of runs; it is looked up on disk, for the dropped folder may be one run of many."""

    def __init__(self) -> None:
        self._known: dict[Path, Path | None] = {}

    def is_picked(self, run: Path) -> bool:
        """Whether the evaluation takes `checkpoints/best.ckpt` of this run."""
        group = run.parent
        if group not in self._known:
            self._known[group] = _pick(group)
        return self._known[group] == run


def _pick(group: Path) -> Path | None:
    """Of `<model>_<dataset>_*` in `<model>/<dataset>/`, the last by name that has a best.ckpt.

    Neither status nor score nor date is asked: tagged runs stand behind all others, as letters follow digits.
    """
    prefix = f"{group.parent.name}_{group.name}_"
    try:
        with os.scandir(group) as entries:
            names = [entry.name for entry in islice(entries, MAX_RUNS) if entry.name.startswith(prefix)]
    except OSError:
        return None
    taken = (group / name for name in sorted(names, reverse=True))
    return next((run for run in taken if os.path.isfile(run / "checkpoints" / "best.ckpt")), None)
