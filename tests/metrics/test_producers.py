"""What the producers reported, to the last digit: the test step of every pair of masks, and their CSV files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Picture

from core import pipeline
from core.errors import ShapeMismatch
from core.metrics import METRICS, PRODUCERS, measure_as
from core.metrics.producer_tables import (
    SAMPLE_COLUMNS,
    mean_over_images,
    plain_average_row,
    sample_row,
    spread_average_row,
    table_header,
    table_row,
)
from core.metrics.producers import pooled_dice, sofl_seg, sofl_seg_sample, soft_seg, torch_sum
from tests.metrics.drawing import METRIC_FIXTURES, drawn, fixture_pairs, masks_of
from tests.shared_data import FIXTURES, needs_shared

EVALUATION = FIXTURES / "evaluation"
STEP = {"soft-seg": soft_seg, "sofl-seg": sofl_seg}
SAMPLE = {"soft-seg": soft_seg, "sofl-seg": sofl_seg_sample}
AVERAGE = {"soft-seg": plain_average_row, "sofl-seg": spread_average_row}
HEADER = ",".join(SAMPLE_COLUMNS)
RUNS = sorted(path.parents[1] for path in EVALUATION.glob("*/results/evaluation/*/*/predictions/sample_metrics.csv"))


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


@needs_shared
@pytest.mark.parametrize("pair", fixture_pairs())
@pytest.mark.parametrize("producer", ["soft-seg", "sofl-seg"])
def test_the_test_step_of_every_pair_has_the_same_bits(producer: str, pair: dict[str, Any]) -> None:
    wanted = pair[f"reference_{producer.replace('-', '_')}"]["test_step"]
    found = STEP[producer](*masks_of(pair))
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert same(found[name], float(value)), name


@needs_shared
@pytest.mark.parametrize("pair", fixture_pairs())
def test_dice_of_the_older_torchmetrics_too(pair: dict[str, Any]) -> None:
    wanted = float(pair["reference_soft_seg"]["test_step_dice_with_torchmetrics_1_8_2"])
    assert same(pooled_dice(*masks_of(pair)), wanted)


@needs_shared
@pytest.mark.parametrize("subset", ["dev_all", "dev_without_both_empty"])
@pytest.mark.parametrize("producer", ["soft-seg", "sofl-seg"])
def test_tables_of_the_pairs_are_the_same_text(producer: str, subset: str) -> None:
    wanted = (METRIC_FIXTURES / f"sample_metrics_{producer}_{subset}.csv").read_text(encoding="utf-8").splitlines()
    pairs = {pair.values[0]["name"]: pair.values[0] for pair in fixture_pairs()}
    names = [line.split(",")[0] for line in wanted[1:-1]]
    rows = [SAMPLE[producer](*masks_of(pairs[name])) for name in names]
    assert [HEADER, *map(sample_row, names, rows), AVERAGE[producer](rows)] == wanted


def saved_masks(folder: Path) -> tuple[Any, Any]:
    """As the producer saw them: (columns, rows). That our runs make these masks is tested in tests/golden."""
    return tuple((np.asarray(Picture.open(folder / f"{part}.png")) > 127).T for part in ("prediction", "label"))


@needs_shared
@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.parents[3].name}-{run.name}")
def test_the_evaluation_of_the_producers_is_reproduced_to_the_last_printed_digit(run: Path) -> None:
    producer, folder = run.parents[3].name, run / "predictions"
    wanted = (folder / "sample_metrics.csv").read_text(encoding="utf-8").splitlines()
    names = [line.split(",")[0] for line in wanted[1:-1]]
    masks = [saved_masks(folder / name) for name in names]
    rows = [SAMPLE[producer](*pair) for pair in masks]
    assert [HEADER, *map(sample_row, names, rows), AVERAGE[producer](rows)] == wanted
    means = mean_over_images([STEP[producer](*pair) for pair in masks])
    tables = [path.read_text(encoding="utf-8").splitlines() for path in run.parents[1].glob("*.csv")]
    lines = [line for table in tables for line in table if line.endswith(run.name)]
    assert lines
    assert set(lines) == {table_row(run.parent.name, "xca", means, run.name)}
    assert {table[0] for table in tables} == {table_header(means)}


@needs_shared
@pytest.mark.parametrize("producer", ["soft-seg", "sofl-seg"])
def test_a_measurement_sees_pictures_as_a_person_does(producer: str) -> None:
    """The masks of the run as they lie on disk, rows first, through the front door."""
    folder = next(run for run in RUNS if run.parents[3].name == producer and "tagged" in run.name) / "predictions"
    sample = folder / "0001"
    prediction, reference = (np.asarray(Picture.open(sample / f"{part}.png")) for part in ("prediction", "label"))
    measured = pipeline.measure(prediction, reference, definitions=producer)
    assert measured.definitions == producer
    for name, number in STEP[producer](*saved_masks(sample)).items():
        assert measured[name].value == number


def test_every_number_of_a_producer_says_whose_it_is_and_how_it_differs() -> None:
    ring = drawn(".....", ".###.", ".#.#.", ".###.", ".....")
    known = {metric.name for metric in METRICS}
    for producer in PRODUCERS:
        for value in measure_as(producer, ring, ring).values:
            assert value.definitions == producer.name
            assert value.name in known
            assert value.note.endswith(".")
            assert value.definition != next(item.definition for item in METRICS if item.name == value.name)


def test_nan_of_a_producer_is_no_value_and_a_reason() -> None:
    empty = np.zeros((4, 4), bool)
    measured = pipeline.measure(empty, empty, definitions="soft-seg")
    assert measured["dice"].value is measured["iou"].value is None
    assert "NaN" in measured["dice"].reason
    assert (measured["precision"].value, measured["cldice"].value) == (0, 0)


def test_rows_and_columns_are_not_the_same_to_soft_seg() -> None:
    one, other = drawn("##..", "#...", "....") > 0, drawn(".###", "#...", "....") > 0
    upright = pipeline.measure(one, other, definitions="soft-seg")["dice"].value
    turned = pipeline.measure(one.T, other.T, definitions="soft-seg")["dice"].value
    assert upright == pytest.approx((2 * 1 / 2 + 0 + 0) / 3)  # the first column is left out
    assert turned == pytest.approx(1)  # the first row is


def test_what_the_producers_do_not_measure_is_refused() -> None:
    picture, volume = np.ones((4, 4), bool), np.ones((2, 4, 4), bool)
    with pytest.raises(ShapeMismatch, match="pictures"):
        pipeline.measure(volume, volume, definitions="sofl-seg")
    with pytest.raises(ValueError, match="standard, soft-seg, sofl-seg"):
        pipeline.measure(picture, picture, definitions="hard-seg")
    for asked in ({"roi": picture}, {"labels": "each"}):
        with pytest.raises(ValueError, match="whole image"):
            pipeline.measure(picture, picture, definitions="soft-seg", **asked)


def test_sums_are_added_in_the_order_of_torch() -> None:
    draw = np.random.default_rng(3)
    for size in (*range(1, 70), 303, 304, 400, 511, 512, 513, 1023, 1100, 4000, 8000):
        values = draw.random(size).astype(np.float32)
        assert float(torch_sum(values)) == float(torch.nansum(torch.from_numpy(values)[None], dim=-1)[0]), size
