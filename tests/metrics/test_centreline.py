"""Lengths of centrelines and their branches, counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.metrics import Options, measure_masks
from core.metrics.centreline import branch_recall, centreline, length
from core.metrics.topology import skeleton
from tests.metrics.drawing import blobs, drawn

CROSS = drawn("..#....", "..#....", "#######", "..#....", "..#....", "..#....", "..#....")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (drawn("....", ".##.", "...."), 1.0),
        (drawn("#####"), 4.0),
        (drawn("#...", ".#..", "..#."), 2 * 2**0.5),
        (drawn("##..", ".##."), 3.0),  # a staircase is walked along its steps
        (drawn("###", "..#", "..#"), 4.0),
        (drawn("#.#"), 0.0),
        (drawn("...", ".#.", "..."), 0.0),
        (CROSS, 12.0),
    ],
)
def test_the_length_of_lines_drawn_by_hand(line: Any, wanted: float) -> None:
    assert length(centreline(line), (1.0, 1.0)) == pytest.approx(wanted)


def test_length_is_in_millimetres_along_each_axis() -> None:
    line = drawn("#...", ".#..", "..#.", "..#.")
    assert length(centreline(line), (0.5, 2.0)) == pytest.approx(2 * np.hypot(0.5, 2) + 0.5)
    volume = np.zeros((5, 5, 5), bool)
    volume[np.arange(5), np.arange(5), np.arange(5)] = True
    assert length(centreline(volume), (1.0, 2.0, 2.0)) == pytest.approx(4 * 3)
    volume[0, 0, 1] = volume[0, 1, 1] = True  # from (0, 0, 0) to (1, 1, 1) by single steps
    assert length(centreline(volume), (1.0, 2.0, 2.0)) == pytest.approx(3 * 3 + 2 + 2 + 1)


def test_a_straight_vessel_is_as_long_as_it_is() -> None:
    vessel = np.zeros((40, 100), bool)
    vessel[18:23, 10:90] = True
    measured = measure_masks(vessel, vessel, options=Options(spacing_mm=(1.0, 0.5, 0.5)))
    assert measured["skeleton_length_reference"].value == pytest.approx(0.5 * 79, abs=0.5 * 5)
    assert (measured["skeleton_length"].unit, measured["skeleton_length"].direction) == ("mm", "none")
    assert measured["skeleton_length"].value == measured["skeleton_length_reference"].value


def test_branches_are_found_by_four_fifths_of_their_pixels() -> None:
    line = centreline(CROSS)  # arms of 1, 1, 3 and 3 pixels beyond the junction and what touches it
    assert branch_recall(line, CROSS) == (1.0, "")
    without_right = CROSS.copy()
    without_right[2, 4:] = False
    assert branch_recall(line, without_right) == (0.75, "")
    nearly = np.zeros((3, 22), bool)
    nearly[1, 1:21] = True
    whole, most, less = centreline(nearly), nearly.copy(), nearly.copy()
    most[1, 17:], less[1, 16:] = False, False
    assert branch_recall(whole, most)[0] == 1  # 16 of 20
    assert branch_recall(whole, less)[0] == 0


def test_what_has_no_centreline_has_no_recall() -> None:
    empty, ring = np.zeros((5, 5), bool), drawn(".....", ".###.", ".#.#.", ".###.", ".....")
    measured = measure_masks(ring, empty)
    assert measured["branch_recall"].reason == measured["centreline_recall"].reason == "the reference is empty"
    assert (measured["centreline_precision"].value, measured["skeleton_length_reference"].value) == (0, 0)
    assert measure_masks(empty, ring)["branch_recall"].value == 0


@pytest.mark.parametrize("shape", [(60, 70), (14, 20, 22)])
def test_cldice_is_the_harmonic_mean_of_what_is_told_beside_it(shape: tuple[int, ...]) -> None:
    measured = measure_masks(blobs(shape, 1), blobs(shape, 1) & ~blobs(shape, 9))
    precision, recall = measured["centreline_precision"].value, measured["centreline_recall"].value
    assert measured["cldice"].value == pytest.approx(2 * precision * recall / (precision + recall))
    assert 0 < measured["cldice"].value < 1


@pytest.mark.parametrize("shape", [(2, 2, 2), (4, 4, 4), (5, 4, 2), (3, 3, 3)])
def test_no_object_of_a_volume_is_without_a_centreline(shape: tuple[int, ...]) -> None:
    """scikit-image thins some boxes to nothing."""
    mask = np.zeros((20, 20, 20), bool)
    mask[3 : 3 + shape[0], 3 : 3 + shape[1], 3 : 3 + shape[2]] = True
    mask[12:, 12:15, 12:15] = True
    thin = skeleton(mask)
    assert not (thin & ~mask).any()
    assert thin[:10].any()
    assert measure_masks(mask, mask)["cldice"].value == 1
