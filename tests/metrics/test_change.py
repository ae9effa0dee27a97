"""What changed from one prediction to another, counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core import pipeline
from core.errors import ShapeMismatch
from core.records import Array, Prediction, RunSettings


def prediction(probability: Array) -> Prediction:
    return Prediction(
        score=probability,
        probability=probability,
        mask=probability > 0.5,
        threshold=0.5,
        value_range=(0.0, 1.0),
        steps=(),
        settings=RunSettings(),
    )


FIRST = prediction(np.array([[[0.9, 0.1, 0.8, 0.2]]], np.float32))
SECOND = prediction(np.array([[[0.4, 0.7, 0.6, 0.2]]], np.float32))


def test_pixels_and_probabilities_that_changed_are_counted() -> None:
    change = pipeline.difference(FIRST, SECOND)
    assert (change.appeared, change.vanished, change.pixels, change.share) == (1, 1, 2, 0.5)
    assert change.mean_change == pytest.approx((0.5 + 0.6 + 0.2 + 0) / 4)
    assert change.largest_change == pytest.approx(0.6)


def test_the_other_way_round_what_appeared_vanished() -> None:
    narrower = replace(SECOND, mask=SECOND.probability > 0.65)
    there, back = pipeline.difference(FIRST, narrower), pipeline.difference(narrower, FIRST)
    assert (there.appeared, there.vanished) == (back.vanished, back.appeared) == (1, 2)
    assert there.mean_change == pytest.approx(back.mean_change)


def test_a_prediction_does_not_differ_from_itself() -> None:
    change = pipeline.difference(FIRST, FIRST)
    assert (change.pixels, change.mean_change, change.largest_change) == (0, 0.0, 0.0)


def test_predictions_of_two_images_are_not_compared() -> None:
    with pytest.raises(ShapeMismatch, match="one image"):
        pipeline.difference(FIRST, prediction(np.zeros((1, 2, 2), np.float32)))
