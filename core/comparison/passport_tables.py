"""The comparison of two checkpoints in words, the same for the window, the clipboard and the command line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import Any

from core.comparison.passports import of_training
from core.records import (
    NO_VALUE,
    BlockDifference,
    CheckpointReport,
    FieldDifference,
    PassportDifference,
    PassportTable,
)

SCORED = "As the training runs recorded them. They were not measured here."
OTHER_DEFINITIONS = "Each producer defines its scores itself: those of one are not comparable with those of the other."
RELATIVE = (
    "Relative change: norm of the change over norm of the first. Cosine: of the angle between both; 1 is the same "
    "direction."
)
LEFT_OUT = "only one of the files has it, or they differ in shape, or hold no fractions."
LONGEST = 200
SCORE = "("
"""Scores are named with their weights, `val/dice (model)`; no field of a report has a bracket."""


def passport_tables(difference: PassportDifference, *, alike: bool) -> tuple[PassportTable, ...]:
    """See `core.pipeline.passport_tables`."""
    names = short_names(difference.first.path, difference.second.path)
    same: dict[str, list[FieldDifference]] = {"settings": [], "training": [], "scores": []}
    for item in difference.alike:
        kind = "scores" if SCORE in item.name else "training" if of_training(item.name) else "settings"
        same[kind].append(item)
    parts = (
        ("Settings", "settings", difference.settings, ""),
        ("Training", "training", difference.training, ""),
        ("Reported scores", "scores", difference.metrics, _on_scores(difference, names)),
    )
    tables = [
        _table(title, names, differing, same[kind], remark, alike=alike) for title, kind, differing, remark in parts
    ]
    return (*tables, _weights(difference, alike=alike))


def short_names(first: str, second: str) -> tuple[str, str]:
    """The names of two files; of two that are called alike, from the folder on that tells them apart."""
    one, other = PurePath(first).parts, PurePath(second).parts
    count = 1
    while one[-count:] == other[-count:] and count < max(len(one), len(other)):
        count += 1
    return "/".join(one[-count:]), "/".join(other[-count:])


def _table(
    title: str,
    names: tuple[str, str],
    differing: Sequence[FieldDifference],
    same: Sequence[FieldDifference],
    remark: str,
    *,
    alike: bool,
) -> PassportTable:
    rows = tuple((item.name, value_text(item.first), value_text(item.second)) for item in differing)
    more = tuple((item.name, value_text(item.first), value_text(item.second)) for item in same) if alike else ()
    hidden = "" if alike or not same else f"{_counted(len(same), 'value is', 'values are')} the same."
    none = "" if rows or same else "Neither says anything." if not remark else "Neither has any."
    words = " ".join(filter(None, (none, hidden, remark if rows or more or same else "")))
    return PassportTable(title=title, headers=("", *names), rows=(*rows, *more), remark=words)


def _on_scores(difference: PassportDifference, names: tuple[str, str]) -> str:
    reports = difference.first, difference.second
    lines = [SCORED]
    if reports[0].producer != reports[1].producer:
        lines.append(OTHER_DEFINITIONS)
    lines += [line for name, report in zip(names, reports, strict=True) for line in _unchecked(name, report)]
    return " ".join(lines)


def _unchecked(name: str, report: CheckpointReport) -> Iterator[str]:
    """Scores of weights that the file does not hold."""
    for item in report.metrics:
        if not item.here:
            yield f"{name}: {item.name} was measured with the {item.measured_with} weights, which this file lacks."


def _weights(difference: PassportDifference, *, alike: bool) -> PassportTable:
    headers = ("Block", "Numbers", "Mean change", "Relative change", "Cosine")
    shown = [block for block in difference.blocks if alike or not _identical(block)]
    hidden = len(difference.blocks) - len(shown)
    remarks = [
        difference.blocks_reason,
        f"{_counted(hidden, 'block is', 'blocks are')} identical." if hidden else "",
        _left_out(difference.left_out),
        RELATIVE if shown else "",
    ]
    rows = tuple(map(_block_row, shown))
    title = f"Weights in use ({_used(difference.first)} and {_used(difference.second)})"
    return PassportTable(title=title, headers=headers, rows=rows, remark=" ".join(filter(None, remarks)))


def _left_out(count: int) -> str:
    return f"{_counted(count, 'tensor was', 'tensors were')} left out: {LEFT_OUT}" if count else ""


def _used(report: CheckpointReport) -> str:
    return report.weights.used if report.weights is not None else "none"


def _identical(block: BlockDifference) -> bool:
    return block.mean_absolute == 0


def _block_row(block: BlockDifference) -> tuple[str, ...]:
    name = f"{block.block}: {block.reason}" if block.reason else block.block
    relative = NO_VALUE if block.relative is None else f"{block.relative:.2%}"
    numbers = [NO_VALUE if value is None else f"{value:.4g}" for value in (block.mean_absolute, block.cosine)]
    return name, f"{block.parameters:,}", numbers[0], relative, numbers[1]


def value_text(value: Any) -> str:
    """A plain value on one line, cut when it is long."""
    if value is None:
        return NO_VALUE
    text = f"{value:.6g}" if isinstance(value, float) else value if isinstance(value, str) else _as_json(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\N{HORIZONTAL ELLIPSIS}"


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _counted(count: int, one: str, several: str) -> str:
    return f"{count:,} {one if count == 1 else several}"


def tables_text(tables: Iterable[PassportTable]) -> str:
    """For the clipboard: each table under its title, cells divided by tabs."""
    parts = []
    for table in tables:
        rows = ["\t".join(row) for row in (table.headers, *table.rows)] if table.rows else []
        parts.append("\n".join([table.title, *rows, *([table.remark] if table.remark else [])]))
    return "\n\n".join(parts)
