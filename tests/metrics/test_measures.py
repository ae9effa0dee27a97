"""Measures against independent libraries, hand-made shapes, and what must hold for any pair of masks."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from core.errors import ShapeMismatch
from core.images import read_labels
from core.metrics import METRICS, dice, dice_curve, measure_masks
from core.metrics.topology import betti_numbers
from core.records import frozen_array
from tests.shared_data import DATA, FIXTURES, SHARED, needs_shared

OVERLAP = ("dice", "iou", "precision", "recall", "specificity")
MASK_PAIRS = st.tuples(array_shapes(min_dims=2, max_dims=2, max_side=9), st.integers(0, 2**32 - 1), st.floats(0, 1))


def pairs() -> list[Any]:
    if not SHARED.is_dir():
        return []
    listed = json.loads((FIXTURES / "metrics" / "expected.json").read_text())["pairs"]
    return [pytest.param(pair, id=pair["name"]) for pair in listed]


@needs_shared
@pytest.mark.parametrize("pair", pairs())
def test_fixture_pairs_have_the_trusted_values(pair: dict[str, Any]) -> None:
    with np.load(FIXTURES / "metrics" / "pairs.npz") as stored:
        prediction, reference = (stored[f"{pair['index']:03d}_{part}"] > 0 for part in ("pred", "target"))
    measured, trusted = measure_masks(prediction, reference), pair["trusted"]
    for name in OVERLAP:
        if name in trusted["undefined"]:
            assert measured[name].value is None
            assert measured[name].reason
        else:
            assert measured[name].value == pytest.approx(trusted["sklearn_zero_division_0"][name], abs=1e-12)
    assert measured["cldice"].value == pytest.approx(trusted["cldice_plain"]["cldice"], abs=1e-12)
    assert measured["betti_0_error"].value == trusted["betti_0_error_conn8"]
    assert measured["betti_1_error"].value == trusted["betti_1_error_conn8"]
    for mask, part in ((prediction, "betti_pred"), (reference, "betti_target")):
        assert betti_numbers(mask[None]) == (trusted[part]["betti_0_conn8"], trusted[part]["betti_1_conn8"])


def real_cases() -> list[Any]:
    if not SHARED.is_dir():
        return []
    cases = []
    for name in ("xca", "fundus", "octa"):
        listed = json.loads((DATA / name / "expected_metrics.json").read_text())["cases"]
        cases += [pytest.param(DATA / name / key, facts, id=f"{name}/{key}") for key, facts in listed.items()]
    return cases


@needs_shared
@pytest.mark.parametrize(("path", "facts"), real_cases())
def test_real_masks_have_the_values_of_other_libraries(path: Any, facts: dict[str, Any]) -> None:
    reference = read_labels(path).labels > 0
    prediction = np.zeros_like(reference)
    prediction[..., 2:] = reference[..., :-2]
    measured = measure_masks(prediction, reference)
    for name in OVERLAP:
        assert measured[name].value == pytest.approx(facts["numpy"][name], abs=1e-6)
    assert measured["cldice"].value == pytest.approx(facts["cldice_skimage_skeleton"], abs=1e-6)
    components, holes = betti_numbers(reference)
    assert components == facts["components_8conn"]["scipy"]
    assert holes == facts["holes_background_4conn"]["skimage_euler"]


def drawn(*rows: str) -> Any:
    return np.array([[mark == "#" for mark in row] for row in rows])


RING = drawn(".....", ".###.", ".#.#.", ".###.", ".....")


@pytest.mark.parametrize(
    ("mask", "betti"),
    [
        (np.zeros((4, 4), bool), (0, 0)),
        (np.ones((4, 4), bool), (1, 0)),
        (RING, (1, 1)),
        (drawn(".....", ".###.", ".#...", ".###.", "....."), (1, 0)),  # broken
        (drawn("#...", ".#..", "..#.", "...#"), (1, 0)),  # one diagonal line, not four pieces
        (drawn(".#.", "#.#", ".#."), (1, 1)),  # closed by corners
        (drawn("##.##", "#...#", "##.##"), (2, 0)),
        (drawn("#####", "#.#.#", "#####"), (1, 2)),
        (drawn("####", "#.##", "##.#", "####"), (1, 2)),  # the background is 4-connected: two holes
        (drawn("#"), (1, 0)),
    ],
)
def test_components_and_holes_drawn_by_hand(mask: Any, betti: tuple[int, int]) -> None:
    assert betti_numbers(mask[None]) == betti


def test_tunnels_and_cavities_of_volumes() -> None:
    block = np.ones((5, 5, 5), bool)
    tunnel, hollow = block.copy(), block.copy()
    tunnel[:, 2, 2] = False
    hollow[2, 2, 2] = False
    assert betti_numbers(block) == (1, 0)
    assert betti_numbers(tunnel) == (1, 1)
    assert betti_numbers(hollow) == (1, 0)  # a cavity is no tunnel
    both = tunnel & np.roll(tunnel, 1, axis=1).transpose(1, 0, 2)
    assert betti_numbers(np.concatenate([tunnel, np.zeros((1, 5, 5), bool), hollow])) == (2, 1)
    assert betti_numbers(both)[0] == 1


def test_a_broken_ring_is_a_betti_1_error_of_one() -> None:
    broken = RING.copy()
    broken[2, 1] = broken[1, 1] = False
    measured = measure_masks(broken, RING)
    assert measured["betti_1_error"].value == 1
    assert measured["betti_0_error"].value == 0


def test_values_that_do_not_exist_are_none_with_a_reason() -> None:
    empty, full = np.zeros((1, 4, 4), bool), np.ones((1, 4, 4), bool)
    both = measure_masks(empty, empty)
    assert (both["dice"].value, both["dice"].reason) == (None, "both masks are empty")
    assert both["cldice"].value is None
    assert both["betti_0_error"].value == 0
    missed = measure_masks(empty, full)
    assert missed["dice"].value == missed["recall"].value == 0
    assert missed["precision"].reason == "the prediction is empty"
    assert missed["specificity"].reason == "the reference has no background"
    assert measure_masks(full, empty)["cldice"].reason.startswith("the reference is empty")
    for value in (*both.values, *missed.values):
        assert (value.value is None) == bool(value.reason)


def test_every_metric_is_there_once_with_its_definition() -> None:
    measured = measure_masks(RING, RING)
    assert [value.name for value in measured.values] == [metric.name for metric in METRICS]
    assert all(value.definition for value in measured.values)
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for value, metric in zip(measured.values, METRICS, strict=True):
        assert (value.direction, value.definitions) == (metric.direction, "standard")
        best = {"higher": 1, "lower": 0, "zero": 0}.get(metric.direction)
        assert best is None or value.value == best, metric.name


def masks(shape: tuple[int, ...], seed: int, share: float) -> tuple[Any, Any]:
    draw = np.random.default_rng(seed)
    return draw.random(shape) < share, draw.random(shape) < share


@settings(deadline=None, max_examples=60)
@given(MASK_PAIRS)
def test_symmetry_range_and_order(drawn_pair: tuple[tuple[int, ...], int, float]) -> None:
    one, other = masks(*drawn_pair)
    there, back = measure_masks(one, other), measure_masks(other, one)
    for name in ("dice", "iou", "cldice", "betti_0_error", "betti_1_error"):
        assert there[name].value == pytest.approx(back[name].value)
    assert there["precision"].value == back["recall"].value
    for name in (*OVERLAP, "cldice"):
        value = there[name].value
        assert value is None or 0 <= value <= 1
    if there["dice"].value is not None and there["iou"].value is not None:
        assert there["dice"].value == pytest.approx(2 * there["iou"].value / (1 + there["iou"].value))


@settings(deadline=None, max_examples=60)
@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_holes_are_the_enclosed_pieces_of_background(mask: Any) -> None:
    outside_and_holes = ndimage.label(~np.pad(mask, 1))[1]
    assert betti_numbers(mask[None])[1] == outside_and_holes - 1


def test_the_curve_of_dice_over_steps() -> None:
    assert dice_curve([RING, ~RING, RING], RING) == [1, 0, 1]
    assert dice(np.zeros((2, 2), bool), np.zeros((2, 2), bool)) is None


def test_two_grids_and_integers_are_refused() -> None:
    with pytest.raises(ShapeMismatch, match=r"\(1, 2, 2\).*\(1, 3, 3\)"):
        measure_masks(np.ones((2, 2), bool), np.ones((3, 3), bool))
    with pytest.raises(TypeError, match="labels > 0"):
        measure_masks(np.ones((2, 2), np.uint8), np.ones((2, 2), bool))


@needs_shared
def test_a_picture_is_measured_while_one_looks() -> None:
    """The median of some runs; the bound is generous because two cores are shared."""
    small = read_labels(DATA / "xca" / "labels" / "13_gt.png").labels[0] > 0
    reference = np.pad(small, 106)  # (512, 512)
    prediction = np.roll(reference, 2, axis=1)
    measure_masks(prediction, reference)
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        measure_masks(prediction, reference)
        taken.append(time.perf_counter() - start)
    assert sorted(taken)[2] < 0.25


def test_read_only_masks_that_fill_the_image_have_a_centreline() -> None:
    mask = frozen_array(np.ones((1, 8, 8), bool))
    assert measure_masks(mask, mask)["cldice"].value == 1
