"""Volumes: a 2D network runs plane by plane along the chosen axis, and long results stay within memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import pipeline
from core.records import Image, RunSettings
from core.segmenters import Segmenter
from core.segmenters.merging import KEPT_BYTES, MOST_KEPT, kept_indices
from tests.builders import DFM, write_checkpoint

VOXELS = np.random.default_rng(0).integers(-1000, 1000, (2, 18, 21)).astype(np.int16)
SETTINGS = RunSettings(steps=2, samples=2)


@pytest.fixture
def segmenter(tmp_path: Path) -> Segmenter:
    return pipeline.load(write_checkpoint(tmp_path / "dfm.ckpt", DFM), device="cpu")


@pytest.mark.parametrize(("name", "axis"), [("slices", 0), ("rows", 1), ("columns", 2)])
def test_planes_are_run_along_the_chosen_axis(segmenter: Segmenter, name: str, axis: int) -> None:
    """The same planes, handed over as slices, give the same result, and it lies in the image's own grid."""
    small = VOXELS[:, :3, :3] if axis == 0 else np.moveaxis(VOXELS, 0, axis)
    along = pipeline.segment(segmenter, Image(voxels=small, name="v"), replace(SETTINGS, slice_axis=name))  # type: ignore[arg-type]
    turned = Image(voxels=np.ascontiguousarray(np.moveaxis(small, axis, 0)), name="v")
    as_slices = pipeline.segment(segmenter, turned, SETTINGS)
    assert along.mask.shape == small.shape
    assert as_slices.spread is not None
    assert along.spread is not None
    for found, wanted in (
        (along.score, as_slices.score),
        (along.spread, as_slices.spread),
        (along.mask, as_slices.mask),
    ):
        np.testing.assert_array_equal(found, np.moveaxis(wanted, 0, axis))
        assert not found.flags.writeable
    assert [step.state.shape for step in along.steps] == [small.shape] * 2


def test_integers_are_run_as_the_numbers_they_are(segmenter: Segmenter) -> None:
    first, second = (pipeline.segment(segmenter, Image(voxels=v, name="v"), SETTINGS) for v in (VOXELS, VOXELS * 1.0))
    np.testing.assert_array_equal(first.score, second.score)


@pytest.mark.parametrize("steps", [1, 50, 1000])
def test_of_a_large_volume_only_the_result_is_kept(steps: int) -> None:
    assert kept_indices(RunSettings(), steps, voxels=512 * 512 * 1000) == {steps - 1}
    assert len(kept_indices(RunSettings(keep="all"), steps, voxels=512 * 512 * 1000)) == steps


def test_kept_steps_stay_within_their_bytes() -> None:
    for voxels in (1, 10**6, 10**7, 3 * 10**7):
        kept = kept_indices(RunSettings(), 1000, voxels)
        assert len(kept) <= MOST_KEPT
        assert 999 in kept
        assert len(kept) * 12 * voxels <= KEPT_BYTES + 12 * voxels
    assert {0, 999} <= kept_indices(RunSettings(), 1000, 10**6)
