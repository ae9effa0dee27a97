"""Components matched by overlap, counted by hand, and against torchmetrics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.detection import panoptic_quality

from core.metrics import Options, measure_masks
from core.metrics.components import label, match
from tests.metrics.drawing import blobs, drawn

REFERENCE = drawn(
    "####......",
    "####..##..",
    "......##..",
    "..........",
    "###.......",
)
PREDICTION = drawn(
    ".###......",
    ".###..#...",
    "......#..#",
    "..........",
    "..........",
)


def test_pieces_are_found_missed_and_made_up() -> None:
    measured = measure_masks(PREDICTION, REFERENCE)
    counts = [measured[f"components_{kind}"].value for kind in ("tp", "fp", "fn")]
    assert counts == [1, 2, 2]  # the second overlaps by one half exactly, which is not more than one half
    assert measured["segmentation_quality"].value == 6 / 8
    assert measured["recognition_quality"].value == 1 / (1 + 1 + 1)
    assert measured["panoptic_quality"].value == pytest.approx(6 / 8 / 3)


def test_another_overlap_can_be_asked_for() -> None:
    measured = measure_masks(PREDICTION, REFERENCE, options=Options(match_iou=0.4))
    assert measured["components_tp"].value == 2
    assert measured["segmentation_quality"].value == pytest.approx((6 / 8 + 1 / 2) / 2)


def test_below_one_half_no_component_has_two_partners() -> None:
    two, bridge = drawn("###.###"), drawn("#######")
    found = match(label(bridge), label(two), 0.1)
    assert found.matched == (3 / 7,)
    found = match(label(drawn("##.####.##")), label(drawn("#####.####")), 0.1)
    assert sorted(found.matched) == pytest.approx([2 / 5, 2 / 4])  # the sum of IoU decides who goes with whom


def test_masks_without_pieces() -> None:
    empty = np.zeros((4, 4), bool)
    measured = measure_masks(empty, empty)
    assert measured["panoptic_quality"].value is measured["recognition_quality"].value is None
    assert [measured[f"components_{kind}"].value for kind in ("tp", "fp", "fn")] == [0, 0, 0]
    missed = measure_masks(empty, np.ones((4, 4), bool))
    assert (missed["panoptic_quality"].value, missed["components_fn"].value) == (0, 1)
    assert "no component" in missed["segmentation_quality"].reason


@settings(deadline=None, max_examples=30)
@given(st.sampled_from([(40, 50), (12, 16, 18)]), st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.1, 0.3]))
def test_torchmetrics_agrees_on_panoptic_quality(shape: tuple[int, ...], seed: int, noise: float) -> None:
    reference = blobs(shape, seed, 0.2)
    prediction = reference ^ (np.random.default_rng(seed).random(shape) < noise / 4)
    measured = measure_masks(prediction, reference)
    wanted = panoptic_quality(coded(prediction), coded(reference), things={1}, stuffs={0}, return_per_class=True)
    assert measured["panoptic_quality"].value == pytest.approx(float(wanted[0, 0]), abs=1e-6)


def coded(mask: Any) -> Any:
    """(1, pixels, 2): the class and the number of the piece."""
    labels, _ = label(mask)
    return torch.from_numpy(np.stack([mask.ravel().astype(np.int64), labels.ravel()], axis=-1)[None])
