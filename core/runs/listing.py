"""All training runs of a folder: a run, its checkpoints, an experiments tree or a part of one."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from core.checkpoints.text import safe_text
from core.records import Finding, TrainingRun
from core.runs.describing import describe_run
from core.runs.files import RunFiles, note, warning
from core.runs.locating import run_folders
from core.runs.picking import Picks
from core.runs.scoring import FEW, with_best_score
from core.runs.tracker import TRACKER, Trackers
from core.walk import MAX_DEPTH, Walk, walk

MAX_RUNS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunListing:
    """Runs by path, and what is to be said of the folder as a whole."""

    runs: tuple[TrainingRun, ...] = ()
    findings: tuple[Finding, ...] = ()


def read_runs(folder: Path | str, depth: int = MAX_DEPTH, *, scores: bool = True) -> tuple[TrainingRun, ...]:
    """The training runs in `folder`, at most `depth` levels down, as from `runs_in`. Raises OSError."""
    return list_runs(folder, depth, scores=scores).runs


def list_runs(folder: Path | str, depth: int = MAX_DEPTH, *, scores: bool = True) -> RunListing:
    """`runs_in` a walk of `folder`. Raises OSError when the folder itself cannot be read."""
    return runs_in(walk(Path(folder), max_depth=depth), scores=scores)


def runs_in(walked: Walk, *, scores: bool = True) -> RunListing:
    """The runs among the folders of a walk; that of a dropped `checkpoints/` is the folder above it.

    What cannot be read is a finding of the run it belongs to, and loses no run. At most 2,000 runs; absolute paths.
    `scores`: with up to four runs, their best.ckpt are asked for the scores they record.
    """
    walked = _absolute(walked)
    files = RunFiles()
    trackers, picks = Trackers(files), Picks()
    known = {path for path in walked.files if _recorded(path, trackers)}
    folders = run_folders(walked, known)
    described = (describe_run(run, trackers.above(run.path), files, picks) for run in folders[:MAX_RUNS])
    runs = tuple(run for run in described if run is not None)
    if scores and len(runs) <= FEW:
        runs = tuple(map(with_best_score, runs))
    findings = [*_tree_findings(walked, trackers, {run.path.name for run in folders})]
    if len(folders) > MAX_RUNS:
        text = f"Only the first {MAX_RUNS:,} of {len(folders):,} training runs are listed."
        findings.append(warning("runs.too-many", text, "Open a folder further down."))
    return RunListing(runs=runs, findings=tuple(findings))


def _absolute(walked: Walk) -> Walk:
    """The same with absolute paths: the folders above a run tell its model and data set."""
    if walked.root.is_absolute():
        return walked
    files = {Path(os.path.abspath(path)): names for path, names in walked.files.items()}
    return replace(walked, root=Path(os.path.abspath(walked.root)), files=files)


def _recorded(folder: Path, trackers: Trackers) -> bool:
    tracker = trackers.above(folder)
    return tracker is not None and folder.name in tracker.records


def _tree_findings(walked: Walk, trackers: Trackers, names: set[str]) -> list[Finding]:
    """Of each experiments.json inside the folder: that it cannot be used, or names runs that are not there."""
    findings = []
    for folder in sorted(path for path, files in walked.files.items() if TRACKER in files):
        tracker = trackers.at(folder)
        if tracker is None:
            continue
        findings += [tracker.finding] if tracker.finding else []
        gone = sorted(tracker.records.keys() - names)
        if gone:
            text = f"{TRACKER} names {len(gone)} runs whose folders are not here (first: {safe_text(gone[0], 100)})."
            findings.append(note("runs.folder-missing", text, "Copy the folders if you need their checkpoints."))
    return findings
