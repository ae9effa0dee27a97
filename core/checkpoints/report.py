"""The report of a checkpoint, from an opened file or from a path."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.checkpoints.contents import Contents
from core.checkpoints.identify import identify_checkpoint
from core.checkpoints.reader import open_checkpoint
from core.checkpoints.text import safe_text
from core.errors import CheckpointRefused
from core.records import CheckpointReport


def describe(
    contents: Contents,
    *,
    film_stages: Sequence[int] | None = None,
    film_point: str | None = None,
    weights: str = "auto",
) -> CheckpointReport:
    """What an opened checkpoint is, and why."""
    return identify_checkpoint(contents, film_stages=film_stages, film_point=film_point, weights=weights).report


def describe_file(
    path: str | Path,
    *,
    film_stages: Sequence[int] | None = None,
    film_point: str | None = None,
    weights: str = "auto",
) -> CheckpointReport:
    """Open and describe; a file that cannot be opened gives a refused report. Never raises for what a file holds."""
    try:
        contents = open_checkpoint(Path(path))
    except CheckpointRefused as refused:
        return CheckpointReport(status="refused", path=safe_text(str(path)), findings=refused.findings)
    return describe(contents, film_stages=film_stages, film_point=film_point, weights=weights)
