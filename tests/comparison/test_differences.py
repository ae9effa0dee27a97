"""Maps of errors, changes, surfaces and agreement, on masks whose answer is counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core import pipeline
from core.errors import ShapeMismatch
from core.records import FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE, LabelMap
from tests.comparison.drawing import drawn, prediction


def test_every_voxel_has_the_code_of_what_became_of_it() -> None:
    mapped = pipeline.error_map(drawn("##.", ".#."), drawn("#.#", ".#."))
    assert mapped.codes[0].tolist() == [
        [TRUE_POSITIVE, FALSE_POSITIVE, FALSE_NEGATIVE],
        [0, TRUE_POSITIVE, 0],
    ]
    assert (mapped.tp, mapped.fp, mapped.fn, mapped.tn) == (2, 1, 1, 2)
    assert mapped.codes.dtype == np.uint8
    assert not mapped.codes.flags.writeable


def test_labels_that_only_the_eye_may_compare_are_refused() -> None:
    labels = LabelMap(labels=drawn("#").astype(np.uint8), name="a", placed="shown")
    for verb in (pipeline.error_map, pipeline.surface_map, pipeline.measure):
        with pytest.raises(ShapeMismatch, match="Resample"):
            verb(drawn("#"), labels)
    with pytest.raises(ShapeMismatch, match="Resample"):
        pipeline.agreement([drawn("#"), labels])


def test_two_grids_are_refused() -> None:
    with pytest.raises(ShapeMismatch, match="different grids"):
        pipeline.error_map(drawn("##"), drawn("#"))


def test_a_change_has_its_sign() -> None:
    first, second = prediction(np.array([[[0.9, 0.1, 0.8]]])), prediction(np.array([[[0.4, 0.7, 0.6]]]))
    change = pipeline.change_map(first, second)
    assert change.mask.tolist() == [[[-1, 1, 0]]]
    assert change.probability[0, 0] == pytest.approx([-0.5, 0.6, -0.2])
    assert (change.counts.appeared, change.counts.vanished) == (1, 1)
    back = pipeline.change_map(second, first)
    assert np.array_equal(back.mask, -change.mask)


def square(size: int, low: int, high: int) -> np.ndarray:
    mask = np.zeros((1, size, size), bool)
    mask[0, low:high, low:high] = True
    return mask


def test_a_larger_square_lies_outside_and_a_smaller_one_inside() -> None:
    reference = square(20, 6, 14)
    outer, inner = (
        pipeline.surface_map(square(20, 4, 16), reference),
        pipeline.surface_map(square(20, 8, 12), reference),
    )
    assert (outer.voxels, inner.voxels) == (4 * 11, 4 * 3)
    assert outer.distance[0, 10, 4] == 2  # beside a straight edge
    assert outer.distance[0, 4, 4] == pytest.approx(8**0.5)  # a corner
    assert (outer.lowest, outer.highest) == (2, pytest.approx(8**0.5))
    assert (inner.lowest, inner.highest, inner.mean) == (-2, -2, 2)
    assert np.isnan(outer.distance[0, 10, 10])
    assert pipeline.surface_map(reference, reference).mean == 0


def test_surfaces_are_measured_in_millimetres_along_each_axis() -> None:
    reference, wider = square(20, 6, 14), square(20, 6, 14)
    wider[0, 6:14, 14:17] = True  # three columns to the right
    mapped = pipeline.surface_map(wider, reference, spacing_mm=(5.0, 1.0, 0.25))
    assert (mapped.unit, mapped.highest) == ("mm", 0.75)
    volume = np.repeat(reference, 4, axis=0)
    lower = np.zeros_like(volume)
    lower[0] = volume[0]
    far = pipeline.surface_map(volume, lower, spacing_mm=(5.0, 1.0, 1.0))
    assert far.highest == 15


def test_there_is_no_surface_of_an_empty_mask() -> None:
    mapped = pipeline.surface_map(square(8, 2, 5), np.zeros((1, 8, 8), bool))
    assert (mapped.mean, mapped.voxels, mapped.unit) == (None, 0, "px")
    assert "empty" in mapped.reason
    assert np.isnan(mapped.distance).all()


def test_votes_and_concordance_of_three_masks() -> None:
    agreed = pipeline.agreement([drawn("##.."), drawn(".##."), drawn("####")])
    assert agreed.votes.tolist() == [[[2, 3, 2, 1]]]
    assert agreed.concordance[0] == (1, 0.5, pytest.approx(2 / 3))
    assert agreed.concordance[2][1] == pytest.approx(2 / 3)
    assert agreed.mean_concordance == pytest.approx((0.5 + 2 / 3 + 2 / 3) / 3)
    assert (agreed.masks, agreed.pairs, agreed.unanimous, agreed.disputed) == (3, 3, 1, 3)


def test_empty_masks_have_no_concordance() -> None:
    empty = np.zeros((1, 1, 3), bool)
    agreed = pipeline.agreement([empty, empty, drawn("#..")])
    assert agreed.concordance[0] == (None, None, 0)
    assert agreed.mean_concordance == 0
    alone = pipeline.agreement([prediction(np.ones((1, 2, 2)))])
    assert (alone.mean_concordance, alone.unanimous) == (None, 4)
    assert alone.reason
    labels = LabelMap(labels=replace(alone).votes, name="a")
    assert pipeline.agreement([labels, labels]).mean_concordance == 1
