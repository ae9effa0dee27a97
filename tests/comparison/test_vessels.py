"""The topology lens on vessels drawn by hand: what is wrong is found once, where it is, as long as it is."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from core import pipeline
from core.metrics.vessel_lines import vessel_line
from core.records import TopologyItem, TopologyReport
from tests.comparison.drawing import drawn

Mask = Any


def blank(rows: int = 60, columns: int = 80) -> Mask:
    return np.zeros((1, rows, columns), bool)


def straight(row: int = 20, width: int = 5) -> Mask:
    mask = blank()
    mask[0, row - width // 2 : row + width // 2 + 1, 10:70] = True
    return mask


def ring(radius: float = 20, width: float = 2) -> Mask:
    rows, columns = np.ogrid[:60, :80]
    return (np.abs(np.hypot(rows - 30, columns - 40) - radius) <= width)[None]


def fork() -> Mask:
    """A trunk from the left that forks at column 40 into two diagonals, all 3 px wide."""
    line = np.zeros((60, 80), bool)
    line[30, 5:41] = True
    for step in range(1, 25):
        line[30 - step, 40 + step] = line[30 + step, 40 + step] = True
    return ndimage.binary_dilation(line, np.ones((3, 3)))[None]


def without(mask: Mask, rows: slice, columns: slice) -> Mask:
    cut = mask.copy()
    cut[0, rows, columns] = False
    return cut


def kinds(report: TopologyReport) -> list[str]:
    return [item.kind for item in report.items]


def only(report: TopologyReport) -> TopologyItem:
    assert len(report.items) == 1, report.items
    return report.items[0]


ALL = slice(None)


@pytest.mark.parametrize("mask", [straight(), ring(), fork(), blank()], ids=["straight", "ring", "fork", "empty"])
def test_a_mask_has_nothing_wrong_with_itself(mask: Mask) -> None:
    report = pipeline.topology(mask, mask)
    assert report.items == ()
    assert report.betti_prediction == report.betti_reference
    assert (report.false_positives, report.near_junctions) == (0, 0)


def test_a_gap_of_five_pixels_is_one_break_of_length_five() -> None:
    item = only(pipeline.topology(without(straight(), ALL, slice(35, 40)), straight()))
    assert (item.kind, item.position, item.length, item.calibre, item.voxels) == ("break", (0, 20, 37), 5, 5, 5)
    assert item.box == ((0, 1), (20, 21), (35, 40))


@pytest.mark.parametrize("gap", [1, 2, 12])
def test_short_and_long_gaps_are_breaks(gap: int) -> None:
    item = only(pipeline.topology(without(straight(), ALL, slice(35, 35 + gap)), straight()))
    assert (item.kind, item.length) == ("break", gap)


def test_lengths_are_in_millimetres_along_the_axis_they_run() -> None:
    report = pipeline.topology(without(straight(), ALL, slice(35, 40)), straight(), spacing_mm=(9.0, 0.5, 0.25))
    item = only(report)
    assert (report.unit, item.length) == ("mm", 1.25)
    upright = np.swapaxes(straight(), 1, 2)
    turned = pipeline.topology(np.swapaxes(without(straight(), ALL, slice(35, 40)), 1, 2), upright, (9.0, 0.5, 0.25))
    assert only(turned).length == 2.5


def test_a_vessel_that_is_only_displaced_is_not_broken() -> None:
    jogged = without(straight(), ALL, slice(35, 46))
    jogged[0, 21:26, 35:46] = True  # three rows down: the centreline there is outside, the vessel goes on
    assert pipeline.topology(jogged, straight()).items == ()
    shifted = np.roll(straight(), 2, axis=1)
    assert pipeline.topology(shifted, straight()).items == ()


def test_a_bridge_between_two_parallel_vessels() -> None:
    two = straight(20) | straight(40)
    bridged = two.copy()
    bridged[0, 20:40, 38:41] = True
    report = pipeline.topology(bridged, two)
    assert kinds(report) == ["bridge"]
    item = only(report)
    assert item.box[1] == (23, 38)  # between the vessels, which end at row 22 and begin at row 38
    assert (item.length, item.position[2]) == (15, 39)
    assert item.calibre == pytest.approx(3, abs=0.5)
    assert (report.betti_prediction, report.betti_reference) == ((1, 0), (2, 0))


def test_the_other_way_round_a_bridge_is_a_break() -> None:
    two = straight(20) | straight(40)
    bridged = two.copy()
    bridged[0, 20:40, 38:41] = True
    assert kinds(pipeline.topology(two, bridged)) == ["break"]


def test_a_fork_that_lost_an_arm() -> None:
    report = pipeline.topology(without(fork(), slice(0, 27), ALL), fork())
    item = only(report)
    assert item.kind == "lost-branch"
    assert item.length == pytest.approx(22 * 2**0.5, abs=3)
    assert item.position[1] < 27
    assert report.junctions == 1


def test_a_fork_cut_at_its_trunk_loses_the_twig_and_breaks_the_rest() -> None:
    """The fork itself and one arm are missing: trunk and other arm are cut, the arm is lost, and each has its item."""
    mask = fork()
    cut = without(without(mask, slice(0, 31), slice(38, 80)), ALL, slice(38, 46))
    report = pipeline.topology(cut, mask)
    assert sorted(kinds(report)) == ["break", "lost-branch"]


def test_a_piece_that_is_missing_whole_is_lost() -> None:
    two = straight(20) | straight(40)
    item = only(pipeline.topology(straight(20), two))
    assert (item.kind, item.position[1]) == ("lost-branch", 40)
    assert item.length == pytest.approx(58, abs=3)
    assert only(pipeline.topology(blank(), straight())).kind == "lost-branch"


def test_an_island_is_what_touches_no_reference() -> None:
    predicted = straight()
    predicted[0, 45:48, 30:41] = True
    predicted[0, 23, 50] = True  # beside the vessel: it touches
    item = only(pipeline.topology(predicted, straight()))
    assert (item.kind, item.calibre) == ("island", pytest.approx(3, abs=0.5))
    assert item.position[1] == 46
    assert item.length == pytest.approx(10, abs=2)
    assert only(pipeline.topology(straight(), blank())).kind == "island"


def test_a_ring_cut_open_is_a_break_and_a_lost_loop() -> None:
    cut = without(ring(), slice(28, 33), slice(50, 80))
    report = pipeline.topology(cut, ring())
    assert sorted(kinds(report)) == ["break", "lost-loop"]
    loop = next(item for item in report.items if item.kind == "lost-loop")
    assert loop.position == (0, 30, 40)
    assert loop.length == pytest.approx(2 * np.pi * 17.5, rel=0.05)
    assert loop.calibre is None
    assert (report.betti_prediction, report.betti_reference) == ((1, 0), (1, 1))


def test_a_filled_ring_is_a_lost_loop_and_a_thick_one_is_none() -> None:
    assert "lost-loop" in kinds(pipeline.topology(ndimage.binary_fill_holes(ring()[0])[None], ring()))
    assert pipeline.topology(ring(width=5), ring()).count("lost-loop") == 0


def test_a_loop_of_the_prediction_alone_is_false() -> None:
    report = pipeline.topology(ring(), without(ring(), slice(28, 33), slice(50, 80)))
    assert sorted(kinds(report)) == ["bridge", "false-loop"]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_loops_add_up_to_betti_1(seed: int) -> None:
    draw = np.random.default_rng(seed)
    one, other = draw.random((2, 1, 12, 12)) < 0.6
    report = pipeline.topology(one, other)
    assert report.count("false-loop") - report.count("lost-loop") == (
        report.betti_prediction[1] - report.betti_reference[1]
    )


def test_false_positives_near_a_fork_are_counted_apart() -> None:
    predicted = fork()
    predicted[0, 27:29, 38:40] |= True
    predicted[0, 50:52, 5:8] = True
    report = pipeline.topology(predicted, fork())
    near = int((predicted & ~fork())[0, 20:40].sum())
    assert (report.false_positives, report.near_junctions) == (near + 6, near)
    assert near > 0
    assert pipeline.topology(predicted, fork(), radius_px=0.5).near_junctions == 0


def test_items_come_longest_first() -> None:
    predicted = without(without(straight(), ALL, slice(20, 23)), ALL, slice(40, 50))
    report = pipeline.topology(predicted, straight())
    assert [item.length for item in report.items] == [10, 3]


def test_a_volume_has_breaks_and_bridges_in_three_dimensions() -> None:
    tube = np.zeros((30, 15, 15), bool)
    tube[2:28, 6:9, 6:9] = True
    cut = tube.copy()
    cut[13:17] = False
    report = pipeline.topology(cut, tube, spacing_mm=(2.0, 1.0, 1.0))
    item = only(report)
    assert (item.kind, item.length) == ("break", 8)
    assert item.box[0] == (13, 17)
    assert "26" in report.connectivity
    assert report.loops_reason
    assert kinds(pipeline.topology(tube, cut)) == ["bridge"]


def test_a_staircase_is_as_long_as_its_diagonal() -> None:
    diagonal = vessel_line(np.eye(10, dtype=bool), (1.0, 1.0))
    assert diagonal.length.sum() == pytest.approx(10 * 2**0.5)
    assert diagonal.links.max() == 2
    cross = vessel_line(drawn("..#..", "..#..", "#####", "..#..", "..#..")[0], (1.0, 1.0))
    assert cross.junctions.sum() == 1
    assert cross.ends.sum() == 4
    assert cross.length.sum() == pytest.approx(8 + 4 * 0.5)


def test_a_picture_is_looked_through_while_one_looks() -> None:
    """512 x 512 with a hundred vessels, in time of this process: others share the cores."""
    draw = np.random.default_rng(1)
    field = ndimage.gaussian_filter(draw.standard_normal((512, 512)), 6)
    reference = (np.abs(field) < np.quantile(np.abs(field), 0.15))[None]
    prediction = reference ^ (ndimage.gaussian_filter(draw.standard_normal((1, 512, 512)), (0, 3, 3)) > 0.2)
    pipeline.topology(prediction, reference)
    start = time.process_time()
    report = pipeline.topology(prediction, reference)
    assert time.process_time() - start < 1.5
    assert len(report.items) > 20
