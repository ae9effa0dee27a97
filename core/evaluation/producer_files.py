"""`sample_metrics.csv` as the producers' evaluations write it, for those who read theirs by program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from core.evaluation.measuring import SAMPLES
from core.evaluation.records import TaskResult
from core.files import write_whole
from core.metrics.producer_tables import SAMPLE_COLUMNS, plain_average_row, sample_row, spread_average_row
from core.metrics.producers import Values

SOURCES = {"soft-seg": "soft-seg", "sofl-seg": SAMPLES}
"""Whose table -> under which definitions its numbers are recorded."""
AVERAGES = {"soft-seg": plain_average_row, "sofl-seg": spread_average_row}


def write_sample_tables(folder: Path, checkpoint: str, results: Sequence[TaskResult]) -> Iterator[Path]:
    """`<folder>/<producer>/<checkpoint>/sample_metrics.csv` for each producer whose definitions were measured.

    Cases that failed have no row: the producers' evaluations would have stopped at them.
    """
    for producer, definitions in SOURCES.items():
        found = [(result.case, _values(result, definitions)) for result in results if result.status == "done"]
        measured = [(PurePath(case).stem, values) for case, values in found if values]
        if not measured:
            continue
        rows = [sample_row(name, values) for name, values in measured]
        average = AVERAGES[producer]([values for _, values in measured])
        text = "\n".join([",".join(SAMPLE_COLUMNS), *rows, average, ""])
        yield _write(folder / producer / checkpoint / "sample_metrics.csv", text)


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))


def _values(result: TaskResult, definitions: str) -> Values:
    """As the producers print them: NaN for what does not exist."""
    own = [value.metric for value in result.values if value.definitions == definitions]
    return {metric.name: float("nan") if metric.value is None else metric.value for metric in own}
