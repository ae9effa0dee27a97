"""What the name of a run says: `<model>_<dataset>[_<tag>]_<YYYYMMDD_HHMMSS>` in `experiments/<model>/<dataset>/`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

KNOWN_DATASETS = ("octa500_3m", "octa500_6m", "rossa", "xca")
ROOT_NAME = "experiments"
_STARTED = re.compile(r"_(\d{8}_\d{6})$")
_KNOWN = re.compile(rf"(?P<model>.+?)_(?P<dataset>{'|'.join(KNOWN_DATASETS)})(?:_(?P<tag>.+))?")


@dataclass(frozen=True, slots=True)
class NamedRun:
    """The parts of a run's name; None where it does not tell them apart. `created`: ISO time."""

    model: str | None = None
    dataset: str | None = None
    tag: str | None = None
    created: str | None = None


def parse_name(folder: Path) -> NamedRun:
    """The name is split where its folders, or a known data set, show the seam; else the folders themselves are taken.

    Without either, `a_b_<time>` is model and data set, and anything longer could be split in several ways.
    """
    match = _STARTED.search(folder.name)
    if match is None:
        return NamedRun(*_by_folders(folder))
    created, stem = _iso(match[1]), folder.name[: match.start()]
    model, dataset = folder.parent.parent.name, folder.parent.name
    if model and (stem == f"{model}_{dataset}" or stem.startswith(f"{model}_{dataset}_")):
        return NamedRun(model, dataset, stem[len(model) + len(dataset) + 2 :] or None, created)
    known = _KNOWN.fullmatch(stem)
    if known is not None:
        return NamedRun(known["model"], known["dataset"], known["tag"], created)
    parts = stem.split("_")
    model_and_dataset = (parts[0], parts[1]) if len(parts) == 2 and all(parts) else _by_folders(folder)
    return NamedRun(*model_and_dataset, created=created)


def _by_folders(folder: Path) -> tuple[str | None, str | None]:
    parents = folder.parents
    inside = len(parents) > 2 and parents[2].name == ROOT_NAME
    return (parents[1].name, parents[0].name) if inside else (None, None)


def _iso(stamp: str) -> str | None:
    try:
        return datetime.strptime(stamp, "%Y%m%d_%H%M%S").isoformat()
    except ValueError:  # eight digits need not be a date
        return None
