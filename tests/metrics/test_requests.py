"""What `pipeline.measure` can be asked: labels, a region, millimetres, definitions, some of the measures."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from core import pipeline
from core.errors import ShapeMismatch
from core.metrics import METRICS, PROBABILITY_METRICS
from core.records import LabelMap, Prediction, RunSettings
from tests.metrics.drawing import blobs, drawn
from tests.shared_data import ROOT

ORGANS = np.where(blobs((12, 30, 32), 4), 1, 0) + np.where(blobs((12, 30, 32), 5), 2, 0)  # 0, 1, 2, 3
MOVED = np.roll(ORGANS, 1, axis=2)


def test_each_label_is_measured_as_a_mask_of_its_own() -> None:
    measured = pipeline.measure(MOVED, ORGANS, labels="each", spacing_mm=(2.0, 0.5, 0.7))
    assert [value.label for value in measured.values[:: len(METRICS)]] == [1, 2, 3]
    for label in (1, 2, 3):
        alone = pipeline.measure(label == MOVED, label == ORGANS, spacing_mm=(2.0, 0.5, 0.7))
        for mine, theirs in zip(measured.of_label(label).values, alone.values, strict=True):
            assert (mine.name, mine.value, mine.unit, mine.reason) == (
                theirs.name,
                pytest.approx(theirs.value) if theirs.value is not None else None,
                theirs.unit,
                theirs.reason,
            )
    assert measured.of_label(None).values == ()


def test_a_label_that_only_one_has_or_none() -> None:
    prediction, reference = np.array([[1, 1, 0, 7]]), np.array([[1, 0, 0, 0]], np.uint8)
    measured = pipeline.measure(prediction, reference, labels="each")
    assert measured.of_label(7)["recall"].reason == "the reference is empty"
    assert measured.of_label(7)["precision"].value == 0
    asked = pipeline.measure(prediction, reference, labels=(9, 1))
    assert [asked.of_label(label)["dice"].value for label in (9, 1)] == [None, pytest.approx(2 / 3)]
    assert asked.of_label(9)["accuracy"].value == 1


def test_the_box_of_a_label_holds_it_in_both() -> None:
    one, other = np.zeros((2, 1, 30, 30), np.uint8)
    one[0, 4:8, 20:24] = other[0, 15:25, 3:9] = other[0, 4:8, 20:22] = 2
    for first, second in ((one, other), (other, one)):
        measured, alone = pipeline.measure(first, second, labels=(2,)), pipeline.measure(first == 2, second == 2)
        assert [value.value for value in measured.values] == [value.value for value in alone.values]
    assert measured["recall"].value == 0.5


def test_labels_may_be_any_whole_numbers() -> None:
    reference = np.array([[-4, 0, 70_000, 70_000]])
    measured = pipeline.measure(reference, reference, labels="each")
    assert {value.label for value in measured.values} == {-4, 70_000}
    assert all(value.value == 1 for value in measured.values if value.name == "dice")
    with pytest.raises(TypeError, match="whole numbers"):
        pipeline.measure(reference / 2, reference, labels="each")


def test_only_the_region_of_interest_counts() -> None:
    reference = drawn("##..", "##..", "....", "...#") > 0
    prediction = drawn("##..", "#...", "....", "#...") > 0
    inside = np.zeros((4, 4), np.uint8)
    inside[:2] = 255
    measured = pipeline.measure(prediction, reference, roi=inside)
    assert measured["dice"].value == pytest.approx(6 / 7)
    assert measured["specificity"].value == 1
    assert measured["accuracy"].value == 7 / 8
    assert measured["betti_0_reference"].value == 1
    assert all(value.roi for value in measured.values)
    everywhere = pipeline.measure(prediction, reference, roi=np.ones((1, 4, 4), bool))
    for value in pipeline.measure(prediction, reference).values:
        assert everywhere[value.name].value == value.value
        assert not value.roi
    labelled = pipeline.measure(prediction * 3, reference * 3, labels="each", roi=inside)
    assert labelled["dice"].value == measured["dice"].value


def test_of_an_empty_region_nothing_exists_and_everything_says_so() -> None:
    mask = np.ones((4, 4), bool)
    measured = pipeline.measure(mask, mask, roi=np.zeros((4, 4), bool))
    assert measured["accuracy"].reason == "the region of interest is empty"
    assert all(value.value is not None or value.reason for value in measured.values)
    with pytest.raises(ShapeMismatch, match="roi"):
        pipeline.measure(mask, mask, roi=np.zeros((3, 4), bool))


def test_the_spacing_is_the_references_unless_another_is_given() -> None:
    labels = np.zeros((1, 9, 9), np.uint8)
    labels[0, 2, 2] = 1
    moved = np.roll(labels, 3, axis=1) > 0
    reference = LabelMap(labels=labels, name="r", spacing_mm=(5.0, 0.5, 0.25))
    assert (pipeline.measure(moved, reference)["hd"].value, pipeline.measure(moved, reference)["hd"].unit) == (
        1.5,
        "mm",
    )
    assert pipeline.measure(moved, reference, spacing_mm=(2.0, 1.0))["hd"].value == 6.0
    assert pipeline.measure(moved, labels)["hd"].unit == "px"
    for wrong in ((1.0,), (1.0, 0.0), (1.0, 1.0, float("nan"))):
        with pytest.raises(ValueError, match="positive"):
            pipeline.measure(moved, reference, spacing_mm=wrong)


def test_volumes_differ_in_cubic_millimetres_and_with_a_sign() -> None:
    reference = np.zeros((4, 4, 4), bool)
    reference[1:3, 1:3, 1:3] = True
    prediction = reference.copy()
    prediction[1, 1] = False
    measured = pipeline.measure(prediction, reference, spacing_mm=(2.0, 1.0, 0.5))
    difference = measured["volume_difference"]
    assert (difference.value, difference.unit, difference.direction) == (-2.0, "mm³", "zero")
    assert measured["relative_volume_difference"].value == -0.25
    empty = pipeline.measure(reference, np.zeros_like(reference))
    assert (empty["volume_difference"].value, empty["volume_difference"].unit) == (8.0, "px")
    assert empty["relative_volume_difference"].reason == "the reference is empty"


def test_some_of_the_measures_at_chosen_tolerances() -> None:
    mask = blobs((30, 30), 1)
    measured = pipeline.measure(mask, mask, names=("nsd_0.5", "dice"), tolerances=(0.5, 3))
    assert [value.name for value in measured.values] == ["dice", "nsd_0.5"]
    every = pipeline.measure(mask, mask, tolerances=(0.5, 3))
    assert [value.name for value in every.values if value.name.startswith("nsd")] == ["nsd_0.5", "nsd_3"]
    with pytest.raises(KeyError, match="nsd_1"):
        pipeline.measure(mask, mask, names=("nsd_1",), tolerances=(0.5, 3))
    assert len(every.values) == len(METRICS)


def test_a_prediction_is_measured_by_its_probability_too() -> None:
    reference = blobs((1, 30, 30), 1)
    probability = np.where(reference, 0.7, 0.2).astype(np.float32)
    prediction = Prediction(
        score=probability,
        probability=probability,
        mask=probability > 0.8,
        threshold=0.8,
        value_range=(0.0, 1.0),
        steps=(),
        settings=RunSettings(),
    )
    measured = pipeline.measure(prediction, LabelMap(labels=reference.astype(np.uint8), name="r"))
    assert [value.name for value in measured.values] == [metric.name for metric in (*METRICS, *PROBABILITY_METRICS)]
    assert (measured["dice"].value, measured["best_dice"].value, measured["auroc"].value) == (0, 1, 1)
    assert 0.2 <= measured["best_threshold"].value < 0.7
    assert [value.name for value in pipeline.measure(prediction, reference, names=("ece",)).values] == ["ece"]


def test_every_measure_says_what_it_is_and_what_it_answers_for_empty_masks() -> None:
    for metric in (*METRICS, *PROBABILITY_METRICS):
        assert metric.definition.endswith(".")
        assert metric.empty
        assert metric.direction in ("higher", "lower", "zero", "none")
    empty = np.zeros((4, 4), bool)
    for value, metric in zip(pipeline.measure(empty, empty).values, METRICS, strict=True):
        assert (value.value is None) == bool(value.reason) == metric.empty.startswith("None when"), metric.name


def test_importing_the_measures_loads_no_torch() -> None:
    code = "import sys, core.metrics, core.metrics.requests; assert not {'torch', 'PySide6'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
