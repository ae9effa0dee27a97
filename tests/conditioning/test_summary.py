"""What the FiLM heads were told, in figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core import pipeline
from core.records import Prediction, RunSettings, StageModulation

PLANE = np.zeros((1, 2, 2), np.float32)
WITHOUT = Prediction(
    score=PLANE,
    probability=PLANE,
    mask=PLANE > 0.5,
    threshold=0.5,
    value_range=(0.0, 1.0),
    steps=(),
    settings=RunSettings(),
)
GAMMA = np.array([[1.2, 0.7], [1.5, 0.9]], np.float32)
BETA = np.array([[0.1, 0.3], [0.2, 0.4]], np.float32)


def test_a_run_without_film_has_no_figures() -> None:
    summary = pipeline.film_summary(WITHOUT)
    assert (summary.windows, summary.size, summary.norms, summary.ranges) == (0, 0, (), ())
    assert not summary.shared


def test_norms_and_the_range_over_windows() -> None:
    told = np.array([[3, 4, 0], [0, 0, 2]], np.float32)
    run = replace(WITHOUT, condition=told, modulation=(StageModulation(stage=2, gamma=GAMMA, beta=BETA),))
    summary = pipeline.film_summary(run)
    assert (summary.windows, summary.size, summary.norms, summary.shared) == (2, 3, (5.0, 2.0), False)
    (stage,) = summary.ranges
    assert stage.stage == 2
    assert stage.gamma_low == pytest.approx([1.2, 0.7])
    assert stage.gamma_high == pytest.approx([1.5, 0.9])
    assert stage.gamma_limits == pytest.approx((0.7, 1.5))
    assert stage.beta_limits == pytest.approx((0.0, 0.4))  # no offset lies below 0, and the identity is shown


@pytest.mark.parametrize(("rows", "shared"), [([[1, 2]], False), ([[1, 2], [1, 2]], True), ([[1, 2], [1, 3]], False)])
def test_several_windows_that_were_told_the_same_share_one_condition(rows: list[list[float]], shared: bool) -> None:
    assert pipeline.film_summary(replace(WITHOUT, condition=np.array(rows, np.float32))).shared is shared
