"""Runs against each other, case by case: read from their tables, tested in pairs, written as compare.csv."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import isfinite
from pathlib import Path
from typing import Any

from core.errors import FlowglassError
from core.evaluation.statistics import PairedTest, compare_paired, holm, summarise
from core.evaluation.tables import clusters_of, number_text, write_csv
from core.metrics import METRICS, PROBABILITY_METRICS
from core.text import one_line

USUAL = ("dice", "cldice", "hd95", "betti_0_error", "betti_1_error")
"""Compared unless others are named: each further metric makes every test stricter."""
TIDY = {"checkpoint", "case", "definitions", "label", "metric", "value"}
CASE_COLUMNS = ("case", "sample_name", "name", "id", "image")
Rows = list[tuple[int, dict[str, str]]]
IMPORTED = "as imported"
MAX_BYTES = 256 << 20
COLUMNS = (
    "definitions",
    "label",
    "metric",
    "unit",
    "direction",
    "first",
    "second",
    "n",
    "undefined",
    "mean_first",
    "mean_second",
    "mean_difference",
    "ci_low",
    "ci_high",
    "p",
    "p_holm",
    "effect",
    "effect_low",
    "effect_high",
    "winner",
    "more_cases",
    "reason",
)


class ComparisonRefused(FlowglassError):
    """Tables that cannot be read, or that have nothing in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """What is compared with what: numbers of other definitions, units or labels are other quantities."""

    definitions: str
    label: str
    metric: str
    unit: str
    direction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The values of one checkpoint: of each quantity, by case; and whose the cases are, where that is known."""

    name: str
    values: Mapping[Quantity, Mapping[str, float | None]]
    patients: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedPair:
    """`second` against `first` over the cases that both were run on; `undefined` of those lack a value in one of them.

    The means are of the cases that count. Of a quantity that is best near zero, such as a volume difference, magnitudes
    are compared. `winner`: the better one where the test separates them, else None.
    """

    quantity: Quantity
    first: str
    second: str
    undefined: int
    means: tuple[float | None, float | None]
    test: PairedTest
    winner: str | None


def compare_runs(paths: Sequence[Path], metrics: Sequence[str] | None = None) -> tuple[ComparedPair, ...]:
    """Every pair of checkpoints of the run folders (or CSV files) under every metric; `all` of them, or `USUAL`.

    p values are adjusted by Holm for all tests that are returned. Raises ComparisonRefused.
    """
    series = _read(paths)
    if len(series) < 2:
        raise ComparisonRefused(f"{paths[0]} holds one checkpoint, and nothing to compare it with. Name another run.")
    wanted = tuple(metrics or USUAL)
    known = dict.fromkeys(key for one in series for key in one.values if key.direction != "none")
    chosen = [key for key in known if "all" in wanted or key.metric in wanted]
    pairs = [
        (key, first, second)
        for key in chosen
        for first, second in combinations(series, 2)
        if first.values.get(key, {}).keys() & second.values.get(key, {}).keys()
    ]
    if not pairs:
        there = ", ".join(dict.fromkeys(key.metric for key in known)) or "none"
        raise ComparisonRefused(
            f"No two of these have a case in common under {', '.join(wanted)}. Metrics that are there: "
            f"{one_line(there, 400)}."
        )
    return _adjusted([_compare(*pair, tests=len(pairs)) for pair in pairs])


def _compare(key: Quantity, first: Series, second: Series, tests: int) -> ComparedPair:
    cases = [case for case in first.values[key] if case in second.values[key]]
    columns = [[_comparable(key, one.values[key][case]) for case in cases] for one in (first, second)]
    patients = clusters_of([first.patients.get(case) for case in cases])
    test = compare_paired(columns[0], columns[1], patients, tests)
    both = [(a, b) for a, b in zip(*columns, strict=True) if a is not None and b is not None]
    return ComparedPair(
        quantity=key,
        first=first.name,
        second=second.name,
        undefined=len(cases) - test.n,
        means=(summarise([a for a, _ in both]).mean, summarise([b for _, b in both]).mean),
        test=test,
        winner=None,
    )


def _comparable(key: Quantity, value: float | None) -> float | None:
    if value is None or not isfinite(value):
        return None
    return abs(value) if key.direction == "zero" else value


def _adjusted(pairs: Sequence[ComparedPair]) -> tuple[ComparedPair, ...]:
    adjusted = holm([pair.test.p for pair in pairs])
    tested = (replace(pair, test=replace(pair.test, adjusted_p=p)) for pair, p in zip(pairs, adjusted, strict=True))
    return tuple(replace(pair, winner=_winner(pair)) for pair in tested)


def _winner(pair: ComparedPair) -> str | None:
    """Only where the test separates, and ranks and means point the same way."""
    effect, difference = pair.test.effect, pair.test.mean_difference
    if not pair.test.separates or effect is None or difference is None or effect * difference <= 0:
        return None
    higher = pair.quantity.direction == "higher"
    return pair.second if (difference > 0) == higher else pair.first


# ---- reading ---------------------------------------------------------------------------------------------------------


def _read(paths: Sequence[Path]) -> list[Series]:
    """The series of all paths; where two have one name, the folder's is put before it."""
    found = [(path, one) for path in paths for one in _series_in(path)]
    names = [one.name for _, one in found]
    placed = [one if names.count(one.name) == 1 else replace(one, name=f"{_place(p)}/{one.name}") for p, one in found]
    names = [one.name for one in placed]
    return [
        replace(one, name=f"{one.name} ({number})") if names.count(one.name) > 1 else one
        for number, one in enumerate(placed, 1)
    ]


def _place(path: Path) -> str:
    return path.resolve().name


def _series_in(path: Path) -> list[Series]:
    """Of a run folder or its metrics.csv (one row a number), or of another program's CSV (one row a case)."""
    file = path / "metrics.csv" if path.is_dir() else path
    if not file.is_file():
        raise ComparisonRefused(f"{file}: there is no such table. Name folders of `flowglass evaluate`, or CSV files.")
    rows, header = _rows(file)
    if set(header) >= TIDY:
        return [_tidy(name, part, file) for name, part in _by_checkpoint(rows).items()]
    return [_wide(file, rows, header)]


def _rows(file: Path) -> tuple[Rows, list[str]]:
    """Each row with its number in the file, and the names of the columns."""
    if file.stat().st_size > MAX_BYTES:
        raise ComparisonRefused(f"{file.name}: a table of more than 256 MB is not read.")
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            reader = csv.DictReader(text, restval="")
            return list(enumerate(reader, 2)), list(reader.fieldnames or ())
    except (UnicodeDecodeError, csv.Error) as error:
        raise ComparisonRefused(f"{file.name} is no CSV in UTF-8 ({error}).") from error


def _by_checkpoint(rows: Rows) -> dict[str, Rows]:
    parts: dict[str, Rows] = {}
    for line, row in rows:
        parts.setdefault(row["checkpoint"], []).append((line, row))
    return parts


def _tidy(name: str, rows: Rows, file: Path) -> Series:
    values: dict[Quantity, dict[str, float | None]] = {}
    for line, row in rows:
        key = Quantity(
            definitions=row["definitions"],
            label=row["label"],
            metric=row["metric"],
            unit=row.get("unit", ""),
            direction=row.get("direction") or _direction(row["metric"]),
        )
        values.setdefault(key, {})[row["case"]] = _number(row["value"], file, line)
    patients = {row["case"]: row["patient"] for _, row in rows if row.get("patient")}
    return Series(name=name, values=values, patients=patients)


def _wide(file: Path, rows: Rows, header: Sequence[str]) -> Series:
    """One row a case, one column a metric, as the producers' sample_metrics.csv; its rows of averages are no cases."""
    column = next((name for name in CASE_COLUMNS if name in header), None)
    if column is None:
        raise ComparisonRefused(f"{file.name} has no column of cases. Name one of them {' or '.join(CASE_COLUMNS)}.")
    cases = [(line, row) for line, row in rows if not row[column].startswith("AVERAGE")]
    values = {
        Quantity(definitions=IMPORTED, label="0", metric=name, unit="", direction=_direction(name)): {
            row[column]: _number(row[name], file, line) for line, row in cases
        }
        for name in header
        if name not in (column, "patient") and _direction(name) != "none"
    }
    patients = {row[column]: row["patient"] for _, row in cases if row.get("patient")}
    name = file.stem if file.stem not in ("metrics", "sample_metrics") else _place(file.parent)
    return Series(name=name, values=values, patients=patients)


def _direction(metric: str) -> str:
    """Which way a metric of ours, by its name, is better; `none` of one that we do not know."""
    known = {one.name: one.direction for one in METRICS} | {one.name: one.direction for one in PROBABILITY_METRICS}
    return known.get(metric, "none")


def _number(text: str, file: Path, line: int) -> float | None:
    """None for an empty cell and for NaN."""
    if not text or text.strip().lower() in ("nan", "none", "na"):
        return None
    try:
        return float(text)
    except ValueError:
        raise ComparisonRefused(f"{file.name}, line {line}: {one_line(text, 60)!r} is no number.") from None


# ---- writing ---------------------------------------------------------------------------------------------------------


def write_comparison(pairs: Sequence[ComparedPair], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return write_csv(folder / "compare.csv", COLUMNS, map(_cells, pairs))


def _cells(pair: ComparedPair) -> tuple[Any, ...]:
    key, test = pair.quantity, pair.test
    ends = (
        (None, None) if interval is None else (interval.low, interval.high)
        for interval in (test.interval, test.effect_interval)
    )
    (low, high), (effect_low, effect_high) = ends
    numbers = (*pair.means, test.mean_difference, low, high, test.p, test.adjusted_p)
    return (
        *(key.definitions, key.label, key.metric, key.unit, key.direction, pair.first, pair.second),
        *(test.n, pair.undefined, *map(number_text, numbers)),
        *map(number_text, (test.effect, effect_low, effect_high)),
        *(pair.winner or "", "" if test.separates or test.more_cases is None else test.more_cases, test.reason),
    )
