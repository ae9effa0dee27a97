"""The files of a run: run.json, metrics.csv (one row a number), summary.csv, failures.csv, timing.csv."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from core.evaluation.measuring import SAMPLES
from core.evaluation.producer_files import write_sample_tables
from core.evaluation.records import EvaluationPlan, MeasuredValue, TaskResult
from core.evaluation.runfile import RunFile, identity
from core.evaluation.statistics import Summary, summarise
from core.evaluation.working import checkpoint_names
from core.files import write_whole
from core.records import to_plain

METRIC_COLUMNS = (
    "checkpoint",
    "case",
    "patient",
    "definitions",
    "label",
    "metric",
    "value",
    "unit",
    "direction",
    "reason",
)
SUMMARY_COLUMNS = (
    "checkpoint",
    "definitions",
    "label",
    "metric",
    "unit",
    "n",
    "undefined",
    "failed",
    "mean",
    "ci_low",
    "ci_high",
    "standard_deviation",
    "median",
    "q1",
    "q3",
)
Row = Sequence[Any]


def write_tables(run: RunFile, plan: EvaluationPlan, folder: Path, hashes: Sequence[str]) -> list[Path]:
    """Everything that follows from what is recorded so far. Equal records give equal bytes; only timing.csv and the
    environment in run.json tell about the machine."""
    results = list(run.results())
    names = checkpoint_names(plan.checkpoints)
    by_name = [(names[task.checkpoint], plan.data.cases[task.case].patient, result) for task, result in results]
    samples = [
        file
        for name in names
        for file in write_sample_tables(folder / "producers", name, [one for own, _, one in by_name if own == name])
    ]
    return [
        write_csv(folder / "metrics.csv", METRIC_COLUMNS, _metric_rows(by_name)),
        write_csv(folder / "summary.csv", SUMMARY_COLUMNS, _summary_rows(by_name, names)),
        write_csv(folder / "failures.csv", ("checkpoint", "case", "reason"), _failure_rows(by_name)),
        write_csv(folder / "timing.csv", ("checkpoint", "case", "seconds", "network_calls"), _timing_rows(by_name)),
        _write_json(folder / "run.json", _about(run, plan, hashes, names)),
        *samples,
    ]


Named = Sequence[tuple[str, str | None, TaskResult]]


def _metric_rows(results: Named) -> Iterable[Row]:
    for checkpoint, patient, result in results:
        for value in _told(result):
            metric = value.metric
            yield (
                checkpoint,
                result.case,
                patient or "",
                value.definitions,
                value.label,
                metric.name,
                number_text(metric.value),
                metric.unit,
                metric.direction,
                metric.reason,
            )


def _told(result: TaskResult) -> Iterator[MeasuredValue]:
    """Without what is recorded for the producers' table of samples alone."""
    return (value for value in result.values if value.definitions != SAMPLES)


def _summary_rows(results: Named, names: Sequence[str]) -> Iterable[Row]:
    """By checkpoint, definitions, label and metric, in the order in which they were measured."""
    for checkpoint in names:
        own = [(patient, result) for name, patient, result in results if name == checkpoint]
        failed = sum(result.status == "failed" for _, result in own)
        columns: dict[tuple[str, int, str, str], list[tuple[float | None, str | None]]] = {}
        for patient, result in own:
            for value in _told(result):
                key = (value.definitions, value.label, value.metric.name, value.metric.unit)
                columns.setdefault(key, []).append((value.metric.value, patient))
        for (definitions, label, metric, unit), column in columns.items():
            summary = summarise([value for value, _ in column], clusters_of([patient for _, patient in column]))
            yield (checkpoint, definitions, label, metric, unit, *summary_cells(summary, failed))


def clusters_of(patients: Sequence[str | None]) -> list[str] | None:
    """Patients as clusters; None when nobody says whose the cases are. A case without a patient is its own cluster."""
    if not any(patients):
        return None
    return [patient or f"case {number}" for number, patient in enumerate(patients)]


def summary_cells(summary: Summary, failed: int) -> tuple[Any, ...]:
    interval, quartiles = summary.interval, summary.quartiles
    return (
        summary.n,
        summary.undefined,
        failed,
        number_text(summary.mean),
        number_text(interval.low if interval else None),
        number_text(interval.high if interval else None),
        number_text(summary.standard_deviation),
        number_text(summary.median),
        number_text(quartiles[0] if quartiles else None),
        number_text(quartiles[1] if quartiles else None),
    )


def _failure_rows(results: Named) -> Iterable[Row]:
    return ((name, result.case, result.reason) for name, _, result in results if result.status == "failed")


def _timing_rows(results: Named) -> Iterable[Row]:
    return ((name, result.case, f"{result.seconds:.3f}", result.calls) for name, _, result in results)


def number_text(value: float | None) -> str:
    """Every digit that tells one float64 from the next; nothing for a number that does not exist."""
    return "" if value is None else repr(float(value))


def _about(run: RunFile, plan: EvaluationPlan, hashes: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    return {
        "checkpoints": [
            {"name": name, "path": path, "sha256": sha256}
            for name, path, sha256 in zip(names, plan.checkpoints, hashes, strict=True)
        ],
        "plan": identity(plan, hashes),
        "counts": run.counts(),
        "data_findings": to_plain(plan.data.findings),
        "environment": run.noted("environment"),
    }


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Row]) -> Path:
    """The whole file or nothing of it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return write_whole(path, lambda part: part.write_text(text.getvalue(), encoding="utf-8"))


def _harmless(cell: Any) -> Any:
    """A name from a stranger's file must not become a formula in a spreadsheet."""
    if isinstance(cell, str) and cell[:1] in ("=", "+", "@", "\t"):
        return "'" + cell
    return cell


def _write_json(path: Path, plain: Any) -> Path:
    text = json.dumps(to_plain(plain), indent=2, ensure_ascii=False) + "\n"
    return write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))
