"""Measures of a probability: against torchmetrics, by hand, and at the edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.classification import binary_auroc, binary_average_precision, binary_calibration_error

from core.errors import ShapeMismatch
from core.metrics import dice, measure_probability
from core.metrics.calibration import expected_calibration_error, reliability
from core.metrics.ranking import auprc, auroc, best_threshold

SIZES, SEEDS, LEVELS = st.integers(2, 300), st.integers(0, 2**32 - 1), st.sampled_from([2, 5, 1000, 2**20])
KINDS = st.sampled_from([np.float32, np.float64])


def sample(size: int, seed: int, levels: int, kind: Any) -> tuple[Any, Any]:
    """Scores with many or few ties, and marks of which at least one is set and one is not."""
    draw = np.random.default_rng(seed)
    marks = draw.random(size) < 0.3
    marks[:2] = True, False
    return np.clip(draw.integers(0, levels + 1, size) / levels, 0, 1).astype(kind), marks


@settings(deadline=None, max_examples=80)
@given(SIZES, SEEDS, LEVELS, KINDS)
def test_torchmetrics_agrees(size: int, seed: int, levels: int, kind: Any) -> None:
    scores, marks = sample(size, seed, levels, kind)
    # Not float32: torchmetrics adds in the kind of the scores.
    tensors = torch.from_numpy(scores.astype(np.float64)), torch.from_numpy(marks).long()
    assert auroc(scores, marks) == pytest.approx(float(binary_auroc(*tensors)), abs=1e-6)
    assert auprc(scores, marks) == pytest.approx(float(binary_average_precision(*tensors)), abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(SIZES, SEEDS)
def test_torchmetrics_agrees_on_calibration(size: int, seed: int) -> None:
    scores, marks = sample(size, seed, 1009, np.float64)
    wanted = binary_calibration_error(torch.from_numpy(scores), torch.from_numpy(marks).long(), n_bins=15, norm="l1")
    assert expected_calibration_error(reliability(scores, marks)) == pytest.approx(float(wanted), abs=1e-5)


@settings(deadline=None, max_examples=80)
@given(SIZES, SEEDS, LEVELS, KINDS)
def test_no_threshold_is_better_than_the_best(size: int, seed: int, levels: int, kind: Any) -> None:
    scores, marks = sample(size, seed, levels, kind)
    found = best_threshold(scores, marks)
    assert found is not None
    assert dice(scores > found[0], marks) == pytest.approx(found[1])
    tried = [dice(scores > threshold, marks) for threshold in (-1.0, *np.unique(scores).tolist())]
    assert found[1] == pytest.approx(max(value for value in tried if value is not None))


@settings(deadline=None, max_examples=40)
@given(SIZES, SEEDS)
def test_any_numbers_can_be_ranked(size: int, seed: int) -> None:
    """Logits too: negative ones, zeros of both signs, the same in float32 and float64."""
    scores, marks = sample(size, seed, 20, np.float32)
    scores = np.round((scores - np.float32(0.5)) * 9)
    scores[scores == 0] = np.where(np.arange(np.count_nonzero(scores == 0)) % 2, 0.0, -0.0)
    for measure in (auroc, auprc):
        assert measure(scores, marks) == pytest.approx(measure(scores.astype(np.float64), marks))
    lost = 1 - auroc(-scores, marks)  # type: ignore[operator]
    assert auroc(scores, marks) == pytest.approx(lost)


def test_by_hand() -> None:
    scores, marks = np.array([[0.9, 0.8, 0.4, 0.1]], np.float32), np.array([[True, False, True, False]])
    assert auroc(scores, marks) == 3 / 4
    assert auprc(scores, marks) == pytest.approx((1 + 2 / 3) / 2)
    assert best_threshold(scores, marks) == (pytest.approx(0.25), pytest.approx(0.8))
    measured = measure_probability(scores, marks)
    assert measured["brier"].value == pytest.approx((0.01 + 0.64 + 0.36 + 0.01) / 4)
    assert measured["ece"].value == pytest.approx((0.1 + 0.8 + 0.6 + 0.1) / 4)
    assert (measured["brier"].direction, measured["best_threshold"].direction) == ("lower", "none")


def test_the_table_of_reliability_has_the_ends_in_its_bins() -> None:
    table = reliability(np.array([0.0, 0.1, 0.5, 1.0]), np.array([False, True, True, True]), bins=2)
    assert table.counts.tolist() == [2, 2]
    assert table.probability.tolist() == pytest.approx([0.05, 0.75])
    assert table.foreground.tolist() == [0.5, 1]
    assert np.isnan(reliability(np.array([0.9]), np.array([True]), bins=2).probability[0])


def test_where_there_is_nothing_to_rank() -> None:
    scores, none = np.array([[0.2, 0.4]], np.float32), np.zeros((1, 2), bool)
    assert auroc(scores, none) is auroc(scores, ~none) is None
    assert auprc(scores, none) is best_threshold(scores, none) is None
    assert auprc(scores, ~none) == pytest.approx(1)
    measured = measure_probability(scores, none)
    assert measured["auroc"].reason
    assert measured["auprc"].reason == measured["best_dice"].reason == "the reference is empty"
    assert measured["brier"].value == pytest.approx((0.04 + 0.16) / 2)
    outside = measure_probability(scores, none, roi=none)
    assert all(value.value is None and value.reason for value in outside.values)
    with pytest.raises(ShapeMismatch):
        measure_probability(scores, np.zeros((2, 2), bool))
