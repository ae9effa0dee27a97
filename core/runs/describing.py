"""One run folder as a record: tracker, summary, settings and name, which may contradict each other."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from core.checkpoints.text import safe_text
from core.records import Finding, RunCheckpoint, TrainingRun
from core.runs.files import RunFiles, note, warning
from core.runs.locating import CHECKPOINTS, CONFIG, SUMMARY, RunFolder, role_of
from core.runs.names import NamedRun, parse_name
from core.runs.picking import Picks
from core.runs.tracker import TRACKER, Tracker

Plain = Mapping[str, Any]
Status = Literal["completed", "failed", "running", "unknown"]
STATUSES: tuple[Status, ...] = ("completed", "failed", "running")
METRICS = ("val/dice", "val_dice", "dice")
LAST_VALIDATION = "value of the last validation, not of best.ckpt"
SAME = 1e-6
LONGEST_ERROR = 2_000


@dataclass(slots=True)
class Sources:
    """What the files of a run say, and what is to be said about them."""

    run: RunFolder
    named: NamedRun
    record: Plain = field(default_factory=dict)
    summary: Plain = field(default_factory=dict)
    config: Plain = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def describe_run(run: RunFolder, tracker: Tracker | None, files: RunFiles, picks: Picks) -> TrainingRun | None:
    """The record of a run; None for a folder whose config.yaml or summary.json is about something else."""
    sources = _read(run, tracker, files)
    if not _is_run(sources):
        return None
    model, dataset, tag = _names(sources)
    status, error = _status(sources)
    metric, name, source = _metric(sources)
    _check_places(sources)
    return TrainingRun(
        path=str(run.path),
        id=safe_text(run.path.name, 255),
        model=model,
        dataset=dataset,
        tag=tag,
        created=_created(sources),
        status=status,
        error=error,
        metric=metric,
        metric_name=name,
        metric_from=source,
        checkpoints=_checkpoints(run, picks),
        findings=tuple(dict.fromkeys(sources.findings)),
    )


def _read(run: RunFolder, tracker: Tracker | None, files: RunFiles) -> Sources:
    sources = Sources(run, parse_name(run.path))
    if tracker is not None:
        sources.record = tracker.records.get(run.path.name, {})
        sources.findings += [tracker.finding] if tracker.finding else []
    if run.summary:
        value, finding = files.json(run.path / SUMMARY)
        sources.summary = value or {}
        sources.findings += [finding] if finding else []
    if run.config and not sources.record:  # with a record it only repeats it, and YAML takes milliseconds
        value, finding = files.yaml(run.path / CONFIG)
        sources.config = value or {}
        sources.findings += [finding] if finding else []
    return sources


def _is_run(sources: Sources) -> bool:
    """Other programs have files of these names too: then the content must be that of a run, or be unreadable."""
    run, broken = sources.run, {finding.code.partition("-")[0] for finding in sources.findings}
    if sources.record or any(CHECKPOINTS in path.parts for path in run.checkpoints):
        return True
    settings = bool(sources.config.keys() & {"model", "data", "trainer"})
    summary = bool(sources.summary.keys() & {"experiment_id", "final_metrics", "best_checkpoint"})
    return settings or summary or (run.config and "run.config" in broken) or (run.summary and "run.json" in broken)


# ---- what it is called ----------------------------------------------------------------------------------------------


def _names(sources: Sources) -> tuple[str | None, str | None, str | None]:
    """Model, data set and tag: of the tracker, else the settings, else the name of the run or its folders."""
    record, config, named = sources.record, sources.config, sources.named
    model = _text(record.get("model")) or _text(_inside(config, "model", "arch_name")) or named.model
    dataset = _text(record.get("dataset")) or _text(_inside(config, "data", "name")) or named.dataset
    tag = _text(record.get("tag")) or _text(config.get("tag"))
    known = "tag" in record or "tag" in config
    for word, recorded, folder in (("model", model, named.model), ("data set", dataset, named.dataset)):
        if recorded and folder and recorded != folder:
            source = TRACKER if record else CONFIG
            text = f"{source} says {word} {recorded}, the run's name says {safe_text(folder, 100)}. {source} is taken."
            say = warning if record else note  # settings name the base of a network that a switch extends
            sources.findings.append(say("run.name-disagrees", text, "Check that the folder is in its own place."))
    return model, dataset, tag if known else named.tag


def _created(sources: Sources) -> str | None:
    recorded = sources.record.get("created_at")
    if isinstance(recorded, str):
        try:
            return datetime.fromisoformat(recorded[:40]).isoformat()
        except ValueError:
            text = f"{TRACKER} gives no date that can be read: {safe_text(recorded, 60)}."
            sources.findings.append(note("run.date-unreadable", text))
    return sources.named.created


# ---- how it went ----------------------------------------------------------------------------------------------------


def _status(sources: Sources) -> tuple[Status, str | None]:
    """As the tracker recorded it, but a summary is only written after success."""
    recorded = next((status for status in STATUSES if sources.record.get("status") == status), None)
    error = _text(sources.record.get("error"), LONGEST_ERROR)
    if sources.summary.get("status") == "completed":
        if recorded not in (None, "completed"):
            text = f"{TRACKER} says {recorded}, {SUMMARY} says completed; the summary is taken."
            text += f" The recorded error: {error}" if error else ""
            sources.findings.append(warning("run.status-disagrees", text, "See the log of the run."))
        return "completed", None
    if recorded == "running":
        text = f"{TRACKER} says that this run is running. A process that was killed leaves this for ever."
        sources.findings.append(note("run.running", text, "Its checkpoints are those of the moment it stopped."))
    return recorded or "unknown", error


def _metric(sources: Sources) -> tuple[float | None, str, str]:
    """Value, name, and which file says so of which moment. Values as recorded: definitions changed over the years."""
    summary, record = _score(sources.summary.get("final_metrics")), _score(sources.record.get("final_metrics"))
    if summary and record and (summary[1] != record[1] or not math.isclose(summary[0], record[0], rel_tol=SAME)):
        text = f"{SUMMARY} says {summary[1]} {summary[0]:g}, {TRACKER} {record[1]} {record[0]:g}; the summary is taken."
        sources.findings.append(warning("run.metric-disagrees", text, "See the log of the run."))
    if summary:
        return *summary, f"{SUMMARY}: {LAST_VALIDATION}"
    return (*record, f"{TRACKER}: {LAST_VALIDATION}") if record else (None, "", "")


def _score(metrics: object) -> tuple[float, str] | None:
    if not isinstance(metrics, Mapping):
        return None
    for name in METRICS:
        value = metrics.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300:
            return float(value), name
    return None


# ---- what lies in the folder ----------------------------------------------------------------------------------------


def _checkpoints(run: RunFolder, picks: Picks) -> tuple[RunCheckpoint, ...]:
    best = run.path / CHECKPOINTS / "best.ckpt"
    picked = best in run.checkpoints and picks.is_picked(run.path)
    found = [
        RunCheckpoint(
            path=str(path), role=role_of(path, run.path), size_bytes=_size(path), picked=picked and path == best
        )
        for path in run.checkpoints
    ]
    order = ("best", "last", "swa", "other")
    return tuple(sorted(found, key=lambda item: (order.index(item.role), item.path != str(best), item.path)))


def _check_places(sources: Sources) -> None:
    """The summary may have been copied from another run, and checkpoints are often deleted to save space."""
    run, told = sources.run, _text(sources.summary.get("experiment_id"))
    if told is not None and told != run.path.name:
        text = f"{SUMMARY} is of the run {told}, and lies in the folder {safe_text(run.path.name, 200)}."
        sources.findings.append(warning("run.other-summary", text, "Check which run the checkpoints are of."))
    named = _text(sources.summary.get("best_checkpoint")) or _text(sources.record.get("best_checkpoint"))
    if named is not None and not any(path.name == Path(named).name for path in run.checkpoints):
        text = f"The checkpoint that the run names as its best is not here: {named}."
        sources.findings.append(warning("run.checkpoint-missing", text, "Copy it from where the run was trained."))


def _inside(mapping: Plain, section: str, key: str) -> object:
    part = mapping.get(section)
    return part.get(key) if isinstance(part, Mapping) else None


def _text(value: object, limit: int = 255) -> str | None:
    return safe_text(value, limit) if isinstance(value, str) and value else None


def _size(path: Path) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0
