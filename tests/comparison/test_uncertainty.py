"""Samples of one image: each can be repeated alone, and what they say together is counted by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import pipeline
from core.errors import SettingsRefused
from core.records import Member, Prediction, RunSettings
from core.segmenters import Segmenter
from tests.builders import CFM, DFM, SOFT, write_checkpoint
from tests.comparison.drawing import prediction

PICTURE = np.random.default_rng(0).random((21, 30)).astype(np.float32) * 255


def row(*values: float) -> np.ndarray:
    return np.array([[values]], np.float32)


def of_members(*rows: np.ndarray) -> Prediction:
    members = tuple(Member(sample=k, seed=7, score=one, probability=one) for k, one in enumerate(rows))
    return prediction(np.mean(rows, axis=0), members=members, spread=np.std(rows, axis=0))


THREE = of_members(row(0.9, 0.9, 0.1, 0.1), row(0.9, 0.4, 0.1, 0.1), row(0.9, 0.8, 0.7, 0.1))
"""Masks 1100, 1000, 1110; their mean is cut to 1100."""


@pytest.mark.parametrize("dialect", [SOFT, CFM, DFM], ids=["soft-seg", "sofl cfm", "sofl dfm"])
def test_a_member_is_repeated_alone_from_its_stored_seed(tmp_path: Path, dialect: dict[str, object]) -> None:
    segmenter = pipeline.load(write_checkpoint(tmp_path / "a.ckpt", dialect), device="cpu")
    whole = pipeline.segment(segmenter, PICTURE, RunSettings(seed=4, samples=3, keep_members=True))
    assert [(member.sample, member.seed) for member in whole.members] == [(0, 4), (1, 4), (2, 4)]
    for member in whole.members:
        alone = pipeline.segment(segmenter, PICTURE, pipeline.member_settings(whole, member))
        assert np.array_equal(alone.score, member.score)
        assert np.array_equal(alone.probability, member.probability)
    assert not np.array_equal(whole.members[0].score, whole.members[1].score)


@pytest.fixture
def dfm(tmp_path: Path) -> Segmenter:
    return pipeline.load(write_checkpoint(tmp_path / "dfm.ckpt", DFM), device="cpu")


def test_keeping_members_changes_no_result(dfm: Segmenter) -> None:
    kept, bare = (pipeline.segment(dfm, PICTURE, RunSettings(samples=3, keep_members=keep)) for keep in (True, False))
    assert np.array_equal(kept.score, bare.score)
    assert kept.spread is not None
    assert bare.spread is not None
    assert np.array_equal(kept.spread, bare.spread)
    assert bare.members == ()
    assert kept.deviations == bare.deviations
    assert np.mean([member.score for member in kept.members], axis=0) == pytest.approx(kept.score, abs=1e-6)
    found = pipeline.uncertainty(kept)
    assert found.deviation == pytest.approx(kept.spread, abs=1e-6)
    assert not kept.members[0].score.flags.writeable
    assert kept.members[0].score.base is None


def test_members_of_a_volume_lie_as_the_volume_does(dfm: Segmenter) -> None:
    volume = np.stack([PICTURE, PICTURE[::-1], PICTURE[:, ::-1]], axis=2)[:, :, :]  # (21, 30, 3)
    settings = RunSettings(samples=2, keep_members=True, slice_axis="columns")
    whole = pipeline.segment(dfm, volume, settings)
    assert whole.members[1].score.shape == volume.shape
    alone = pipeline.segment(dfm, volume, pipeline.member_settings(whole, whole.members[1]))
    assert np.array_equal(alone.score, whole.members[1].score)


def test_samples_have_numbers_that_exist(dfm: Segmenter) -> None:
    for first in (-1, 1 << 20):
        with pytest.raises(SettingsRefused, match="numbered"):
            pipeline.segment(dfm, PICTURE, RunSettings(first_sample=first))


def test_a_member_of_recorded_draws_has_no_seed() -> None:
    member = replace(THREE.members[0], seed=None)
    with pytest.raises(ValueError, match="recorded"):
        pipeline.member_settings(THREE, member)


def test_mean_deviation_entropy_and_votes() -> None:
    found = pipeline.uncertainty(THREE)
    assert found.mean[0, 0] == pytest.approx([0.9, 0.7, 0.3, 0.1])
    assert found.deviation is not None
    assert found.deviation[0, 0] == pytest.approx([0, (0.14 / 3) ** 0.5, 0.08**0.5, 0], abs=1e-6)
    assert found.entropy[0, 0, 0] == pytest.approx(-0.9 * np.log2(0.9) - 0.1 * np.log2(0.1), abs=1e-6)
    assert found.votes is not None
    assert found.votes.tolist() == [[[3, 2, 1, 0]]]
    assert (found.samples, found.reason) == (3, "")


def test_certainty_has_no_entropy_and_a_coin_has_one_bit() -> None:
    found = pipeline.uncertainty(of_members(row(0, 1, 0.5), row(0, 1, 0.5)))
    assert found.entropy.tolist() == [[[0, 0, 1]]]


def test_members_are_ordered_by_disagreement() -> None:
    found = pipeline.uncertainty(THREE)
    assert found.disagreement == pytest.approx((0, 1 / 3, 1 / 5))
    assert found.order == (1, 2, 0)
    assert pipeline.uncertainty(of_members(row(0.0), row(0.1))).disagreement == (None, None)


@pytest.mark.parametrize(("least", "mask"), [(1, [1, 1, 1, 0]), (2, [1, 1, 0, 0]), (3, [1, 0, 0, 0])])
def test_a_vote_keeps_what_enough_members_mark(least: int, mask: list[int]) -> None:
    assert pipeline.vote_mask(pipeline.uncertainty(THREE), least).tolist() == [[[bool(one) for one in mask]]]


def test_votes_that_cannot_be_are_errors() -> None:
    for least in (0, 4):
        with pytest.raises(ValueError, match="at most 3"):
            pipeline.vote_mask(pipeline.uncertainty(THREE), least)
    bare = pipeline.uncertainty(replace(THREE, members=()))
    assert bare.votes is None
    assert bare.deviation is not None
    with pytest.raises(ValueError, match="kept"):
        pipeline.vote_mask(bare, 1)


def test_the_uncertainty_finds_the_errors_or_it_does_not() -> None:
    # deviation: 0, .216, .283, 0; predicted 1100
    both = pipeline.detect_errors(THREE, row(1, 0, 1, 0) > 0)  # wrong at 1 and 2
    assert (both.auroc, both.errors, both.voxels) == (1, 2, 4)
    assert both.baseline == 1  # 1 and 2 are nearest to the boundary as well
    assert "no better than the distance" in both.verdict
    ends = pipeline.detect_errors(THREE, row(0, 1, 0, 1) > 0)  # wrong at 0 and 3, which all agree on
    assert (ends.auroc, ends.baseline) == (0, 0)
    assert "chance" in ends.verdict


def test_ties_count_half() -> None:
    found = pipeline.detect_errors(THREE, row(0, 0, 0, 0) > 0)  # wrong at 0 (0) and 1 (.216), right 2 (.283) and 3 (0)
    assert found.auroc == pytest.approx((0 + 0.5 + 0 + 1) / 4)
    assert found.baseline == pytest.approx((0.5 + 0 + 1 + 0.5) / 4)  # -2, -1 against -1, -2


def test_an_uncertainty_that_beats_the_boundary_is_said_to() -> None:
    far = of_members(row(0.9, 0.9, 0.1, 0.1, 0.9), row(0.9, 0.9, 0.1, 0.1, 0.2))
    found = pipeline.detect_errors(replace(far, mask=row(1, 1, 0, 0, 0) > 0), row(1, 1, 0, 0, 1) > 0)
    assert (found.auroc, found.baseline) == (1, 0)
    assert "better than the distance to the boundary" in found.verdict


def test_without_errors_or_samples_there_is_a_reason() -> None:
    right = pipeline.detect_errors(THREE, THREE.mask)
    assert (right.auroc, right.baseline) == (None, None)
    assert "no voxel is wrong" in right.reason
    assert right.verdict
    all_wrong = pipeline.detect_errors(THREE, ~THREE.mask, "entropy")
    assert "every voxel" in all_wrong.reason
    one = prediction(row(0.75, 0.25))
    assert "one sample" in pipeline.detect_errors(one, row(1, 1) > 0).reason
    assert pipeline.detect_errors(one, row(1, 1) > 0, "entropy").auroc == 0.5
    empty = pipeline.detect_errors(of_members(row(0.1, 0.2), row(0.1, 0.3)), row(0, 1) > 0)
    assert (empty.auroc, empty.baseline) == (1, None)
    assert "boundary" in empty.baseline_reason
