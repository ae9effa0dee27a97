"""Quantities, curves and the commit-time map of steps made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core import pipeline
from core.errors import ShapeMismatch
from core.records import LabelMap, Prediction
from tests.comparison.drawing import prediction


def row(*values: float) -> np.ndarray:
    return np.array([[values]], np.float32)


WALK = prediction(
    row(0.1, 0.9, 0.2, 0.4, 0.6),
    row(0.2, 0.9, 0.7, 0.6, 0.6),
    row(0.3, 0.8, 0.8, 0.2, 0.4),
    row(0.4, 0.9, 0.9, 0.9, 0.3),
)
"""Five voxels over t = 0, 1/3, 2/3, 1: never on; always on; on at step 1; on, off, on; off at step 2."""
REFERENCE = row(0, 1, 1, 1, 0) > 0


def test_the_commit_map_says_when_each_voxel_changed_for_the_last_time() -> None:
    committed = pipeline.commit_map(WALK)
    assert committed.position.tolist() == [[[0, 0, 1, 3, 2]]]
    assert committed.t[0, 0] == pytest.approx([0, 0, 1 / 3, 1, 2 / 3])
    assert committed.flips.tolist() == [[[0, 0, 1, 3, 1]]]
    assert (committed.changed, committed.steps, committed.reason) == (3, 4, "")
    assert not committed.position.flags.writeable


def test_the_commit_map_cuts_at_the_threshold_of_the_prediction() -> None:
    committed = pipeline.commit_map(pipeline.rethreshold(WALK, 0.85))
    assert committed.position.tolist() == [[[0, 3, 3, 3, 0]]]


def test_one_step_commits_nothing_and_says_so() -> None:
    committed = pipeline.commit_map(prediction(row(0.1, 0.9)))
    assert committed.position.tolist() == [[[0, 0]]]
    assert "one step" in committed.reason
    with pytest.raises(ValueError, match="no history"):
        pipeline.commit_map(replace(WALK, steps=()))


def test_curves_over_t() -> None:
    names = ("dice", "precision", "changed", "open", "calls")
    curves = {curve.name: curve for curve in pipeline.step_curves(WALK, REFERENCE, names)}
    assert tuple(curves) == names
    # masks: 01001, 01111, 01100, 01110
    assert curves["dice"].values == pytest.approx((2 / 5, 6 / 7, 4 / 5, 1))
    assert curves["precision"].values == pytest.approx((1 / 2, 3 / 4, 1, 1))
    assert curves["changed"].values[1:] == pytest.approx((2 / 5, 2 / 5, 1 / 5))
    assert curves["changed"].values[0] is None
    assert curves["changed"].reasons[0]
    assert curves["open"].values == pytest.approx((3 / 5, 2 / 5, 1 / 5, 0))
    assert curves["calls"].values == (1, 3, 5, 7)
    assert curves["dice"].t == pytest.approx((0, 1 / 3, 2 / 3, 1))
    assert (curves["dice"].direction, curves["calls"].direction) == ("higher", "none")


def test_curves_of_metrics_are_those_of_measure() -> None:
    (curve,) = pipeline.step_curves(WALK, REFERENCE, ("cldice",))
    assert curve.values[-1] == pipeline.measure(WALK, REFERENCE)["cldice"].value


def test_curves_of_distances_are_in_the_unit_of_the_reference() -> None:
    labels = LabelMap(labels=REFERENCE.astype(np.uint8), name="a", spacing_mm=(1.0, 1.0, 0.5))
    (curve,) = pipeline.step_curves(WALK, labels, ("hd",))
    assert (curve.unit, curve.direction, curve.values[1]) == ("mm", "lower", 0.5)


def test_without_a_reference_a_metric_has_a_reason_instead_of_values() -> None:
    dice, calls = pipeline.step_curves(WALK, None, ("dice", "calls"))
    assert dice.values == (None,) * 4
    assert all("reference" in reason for reason in dice.reasons)
    assert calls.values == (1, 3, 5, 7)
    with pytest.raises(KeyError, match="dise"):
        pipeline.step_curves(WALK, None, ("dise",))


def test_change_is_against_the_kept_step_before() -> None:
    change = pipeline.step_map(WALK, 1, "change")
    assert change.values is not None
    assert change.values[0, 0] == pytest.approx([0.1, 0, 0.5, 0.2, 0], abs=1e-6)
    assert change.limits == pytest.approx((-0.5, 0.5))
    assert change.signed
    first = pipeline.step_map(WALK, 0, "change")
    assert (first.values, bool(first.reason)) == (None, True)


def test_velocity_is_the_slope_of_the_state() -> None:
    speed = pipeline.step_map(WALK, 2, "velocity")
    assert speed.values is not None
    assert speed.values[0, 0] == pytest.approx([0.3, 0.3, 0.3, 2.1, 0.3], abs=1e-5)
    assert speed.limits == (0, pytest.approx(2.1, abs=1e-5))
    assert pipeline.step_map(WALK, -1, "velocity").values is None
    still = replace(WALK, axis="none")
    assert "once" in pipeline.step_map(still, 0, "velocity").reason


def test_the_effect_of_film_is_with_minus_without() -> None:
    bare = prediction(*(step.estimate * 0.5 for step in WALK.steps))
    effect = pipeline.step_map(WALK, 3, "film", bare)
    assert effect.values is not None
    assert effect.values == pytest.approx(WALK.steps[3].probability * 0.5)
    thin = replace(bare, steps=bare.steps[:2])
    assert "step 3" in pipeline.step_map(WALK, 3, "film", thin).reason
    assert "FiLM off" in pipeline.step_map(WALK, 3, "film").reason
    with pytest.raises(ShapeMismatch):
        pipeline.step_map(WALK, 0, "film", prediction(row(0.1)))


@pytest.mark.parametrize("quantity", ["state", "estimate", "probability"])
def test_plain_quantities_are_those_of_the_step(quantity: str) -> None:
    shown = replace(WALK, state_range=(-2.0, 2.0), value_range=(-1.0, 1.0))
    found = pipeline.step_map(shown, 1, quantity)  # type: ignore[arg-type]
    assert found.values is not None
    assert np.array_equal(found.values, getattr(WALK.steps[1], quantity))
    assert found.limits == {"state": (-2, 2), "estimate": (-1, 1), "probability": (0, 1)}[quantity]


def test_a_step_that_is_not_there_is_an_error() -> None:
    with pytest.raises(IndexError):
        pipeline.step_map(WALK, 4, "state")


def test_volumes_have_a_history_too() -> None:
    steps = [np.zeros((2, 2, 2)), np.ones((2, 2, 2))]
    whole: Prediction = prediction(*steps)
    assert (pipeline.commit_map(whole).position == 1).all()
