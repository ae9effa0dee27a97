"""Runs against each other: who is better is said only where the cases say so."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner, Result

from core import pipeline
from core.evaluation.comparing import ComparisonRefused
from core.evaluation.tables import METRIC_COLUMNS
from main import cli
from tests.evaluation.running import rows

RANDOM = np.random.default_rng(5)
BASE = RANDOM.uniform(0.6, 0.9, 20)
Values = Sequence[float | None]


def write_run(
    folder: Path, checkpoints: Mapping[str, Mapping[str, Values]], patients: Sequence[str] = (), **columns: str
) -> Path:
    """A run folder with the values of each metric of each checkpoint, by case."""
    about = {"definitions": "standard", "label": "0", "direction": "higher", **columns}
    folder.mkdir()
    with (folder / "metrics.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, METRIC_COLUMNS, restval="")
        writer.writeheader()
        for checkpoint, metrics in checkpoints.items():
            for metric, values in metrics.items():
                for case, value in enumerate(values):
                    whose = {"patient": patients[case]} if patients else {}
                    shown = "" if value is None else repr(float(value))
                    named = {"checkpoint": checkpoint, "case": f"{case}.png", "metric": metric, "value": shown}
                    writer.writerow({**about, **named, **whose})
    return folder


def flowglass(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def test_two_checkpoints_of_one_run_are_compared_case_by_case(tmp_path: Path) -> None:
    better = BASE + RANDOM.uniform(0.01, 0.03, 20)
    run = write_run(tmp_path / "run", {"a": {"dice": list(BASE)}, "b": {"dice": list(better)}})
    (pair,) = pipeline.compare_runs([run])
    assert (pair.first, pair.second, pair.winner) == ("a", "b", "b")
    assert pair.test.mean_difference == pytest.approx(np.mean(better - BASE))
    assert pair.test.p == stats.wilcoxon(better, BASE).pvalue
    assert pair.test.effect == 1.0
    assert pair.means == pytest.approx((BASE.mean(), better.mean()))


def test_less_is_better_for_a_distance(tmp_path: Path) -> None:
    metrics = {"a": {"hd95": list(BASE)}, "b": {"hd95": list(BASE + 0.1)}}
    (pair,) = pipeline.compare_runs([write_run(tmp_path / "run", metrics, direction="lower")])
    assert pair.winner == "a"


def test_what_is_best_near_zero_is_compared_by_its_size(tmp_path: Path) -> None:
    metrics = {"a": {"volume_difference": list(-BASE)}, "b": {"volume_difference": list(BASE / 2)}}
    run = write_run(tmp_path / "run", metrics, direction="zero")
    (pair,) = pipeline.compare_runs([run], ["volume_difference"])
    assert pair.winner == "b"
    assert pair.test.mean_difference == pytest.approx(-BASE.mean() / 2)


def test_what_is_not_separated_has_no_winner_but_a_number_of_cases(tmp_path: Path) -> None:
    other = BASE + np.where(np.arange(20) % 5 < 3, 0.02, -0.021)
    run = write_run(tmp_path / "run", {"a": {"dice": list(BASE)}, "b": {"dice": list(other)}})
    (pair,) = pipeline.compare_runs([run])
    assert pair.winner is None
    assert pair.test.more_cases is not None
    assert pair.test.more_cases > 0


def test_p_values_are_adjusted_for_every_test_of_the_table(tmp_path: Path) -> None:
    """Three checkpoints under two metrics are six tests; the smallest p is six times as large."""
    noisy = {name: {m: list(BASE + RANDOM.normal(0, 0.05, 20)) for m in ("dice", "cldice")} for name in "abc"}
    pairs = pipeline.compare_runs([write_run(tmp_path / "run", noisy)])
    assert len(pairs) == 6
    smallest = min(pairs, key=lambda pair: pair.test.p or 1.0)
    assert smallest.test.p is not None
    assert smallest.test.adjusted_p == pytest.approx(min(1.0, 6 * smallest.test.p))
    for pair in pairs:
        assert pair.winner is None or pair.test.separates
        assert pair.test.separates or pair.test.more_cases != 0


def test_cases_that_only_one_has_are_left_out_and_undefined_ones_are_counted(tmp_path: Path) -> None:
    first = write_run(tmp_path / "first", {"net": {"dice": [0.5, 0.6, None, 0.8, 0.9]}})
    second = write_run(tmp_path / "second", {"net": {"dice": [0.6, 0.8, 0.9, None]}})
    (pair,) = pipeline.compare_runs([first, second])
    assert (pair.first, pair.second) == ("first/net", "second/net")
    assert (pair.test.n, pair.undefined) == (2, 2)
    assert pair.test.mean_difference == pytest.approx(0.15)


def test_patients_are_the_units_where_they_are_known(tmp_path: Path) -> None:
    metrics = {"a": {"dice": list(BASE)}, "b": {"dice": list(BASE + 0.02)}}
    (pair,) = pipeline.compare_runs([write_run(tmp_path / "run", metrics, patients=["p", "q"] * 10)])
    assert pair.test.n == 20
    assert pair.winner is None


def test_numbers_of_other_definitions_are_never_compared(tmp_path: Path) -> None:
    first = write_run(tmp_path / "first", {"a": {"dice": list(BASE)}})
    second = write_run(tmp_path / "second", {"b": {"dice": list(BASE)}}, definitions="soft-seg")
    with pytest.raises(ComparisonRefused, match="No two of these have a case in common"):
        pipeline.compare_runs([first, second])


def test_tables_made_elsewhere_are_compared_without_their_averages(tmp_path: Path) -> None:
    for name, gain in (("one", 0.0), ("two", 0.05)):
        lines = [f"{number:04d},{value + gain},{1 - value}" for number, value in enumerate(BASE)]
        average = f"AVERAGE±STD,{BASE.mean():.6f}±0.1,0.2±0.1"
        (tmp_path / name).mkdir()
        table = tmp_path / name / "sample_metrics.csv"
        table.write_text("\n".join(["sample_name,dice,connectivity", *lines, average, ""]), encoding="utf-8")
    paths = [tmp_path / name / "sample_metrics.csv" for name in ("one", "two")]
    (pair,) = pipeline.compare_runs(paths, ["all"])
    assert (pair.first, pair.second, pair.winner) == ("one", "two", "two")
    assert pair.quantity.definitions == "as imported"
    assert pair.test.n == 20


@pytest.mark.parametrize(
    ("text", "said"),
    [("a,b\n1,2\n", "no column of cases"), ("case,dice\nx,0.5\ny,good\n", "line 3: 'good' is no number")],
)
def test_a_table_that_cannot_be_understood_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(ComparisonRefused, match=said):
        pipeline.compare_runs([tmp_path / "table.csv", tmp_path / "table.csv"])


def test_one_checkpoint_alone_and_a_folder_without_a_table_are_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", {"a": {"dice": list(BASE)}})
    with pytest.raises(ComparisonRefused, match="nothing to compare it with"):
        pipeline.compare_runs([run])
    with pytest.raises(ComparisonRefused, match="no such table"):
        pipeline.compare_runs([run, tmp_path])


def test_the_command_line_prints_and_writes_the_comparison(tmp_path: Path) -> None:
    metrics = {"a": {"dice": list(BASE)}, "b": {"dice": list(BASE + RANDOM.uniform(0.01, 0.03, 20))}}
    run = write_run(tmp_path / "run", metrics)
    told = flowglass("compare", run, "-o", tmp_path / "out")
    assert told.exit_code == 0, told.output
    assert "< 0.001" in told.output
    assert "adjusted by Holm for all 1 tests in this table" in " ".join(told.output.split())
    (row,) = rows(tmp_path / "out" / "compare.csv")
    assert (row["first"], row["second"], row["winner"], row["n"]) == ("a", "b", "b", "20")
    assert float(row["ci_low"]) < float(row["mean_difference"]) < float(row["ci_high"])
    refused = flowglass("compare", run, "-o", tmp_path / "out", "--metrics", "beauty")
    assert refused.exit_code == 2
    assert "Metrics that are there: dice" in " ".join(refused.stderr.split())
