"""The score that best.ckpt records for itself: the one to judge a run by, but a checkpoint must be opened for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.records import TrainingRun
from core.runs.describing import METRICS
from core.runs.locating import CHECKPOINTS

FEW = 4
"""More checkpoints than that are not opened for a list: each takes 20 ms to 500 ms."""


def with_best_score(run: TrainingRun) -> TrainingRun:
    """The run with the score of its best.ckpt in place of that of the last validation, if the file has one."""
    best = str(Path(run.path) / CHECKPOINTS / "best.ckpt")
    if not any(checkpoint.path == best for checkpoint in run.checkpoints):
        return run
    from core.checkpoints.report import describe_file  # not needed for long lists

    found = [metric for metric in describe_file(best).metrics if metric.here and metric.name in METRICS]
    if not found:
        return run
    chosen = max(found, key=lambda metric: metric.value)
    source = f"best.ckpt: recorded for its {chosen.measured_with} weights"
    if run.metric is not None:
        source += f"; the last validation of the run had {run.metric:.6g}"
    return replace(run, metric=chosen.value, metric_name=chosen.name, metric_from=source)
