"""Volumes: a 2D network runs plane by plane along the chosen axis, and long results stay within memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core import pipeline
from core.inference.stacks import slices_together
from core.inference.windows import plan_whole, plan_windows
from core.records import Image, RunSettings
from core.segmenters import Segmenter
from core.segmenters.merging import KEPT_BYTES, MOST_KEPT, kept_indices
from tests.builders import CFM, DFM, write_checkpoint
from tests.producers import write_file

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


FIVE = np.random.default_rng(1).integers(0, 255, (5, 12, 14)).astype(np.uint8)
"""Each slice is one window."""
MAKERS = {
    "flow": lambda path: write_checkpoint(path, DFM),
    "diffusion": lambda path: write_file(path, "berdiff"),
    "supervised": lambda path: write_file(path, "csnet"),
}


@pytest.fixture
def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices share network calls, as on a device where that is worth while."""
    monkeypatch.setattr(
        "core.segmenters.segmenter.slices_together", lambda one, device: slices_together(one, torch.device("cuda"))
    )


@pytest.mark.parametrize("family", MAKERS)
def test_slices_that_share_network_calls_get_what_each_gets_alone(
    tmp_path: Path, as_on_a_gpu: None, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    """Five slices of one window are a batch of four and one. They differ by the rounding of a larger batch, no more."""
    segmenter = pipeline.load(MAKERS[family](tmp_path / "one.ckpt"), device="cpu")
    settings = RunSettings(steps=2) if family == "flow" else RunSettings()
    settings, image = replace(settings, samples=2, slice_axis="rows"), Image(voxels=np.moveaxis(FIVE, 0, 1), name="v")
    done: list[int] = []
    together = pipeline.segment(segmenter, image, settings, lambda progress: done.append(progress.done))
    monkeypatch.undo()
    apart = pipeline.segment(segmenter, image, settings)
    assert together.calls * 5 == apart.calls * 2
    assert done == sorted(done)
    assert together.score.shape == image.voxels.shape
    assert not together.score.flags.writeable
    assert len({together.score[:, row].tobytes() for row in range(5)}) == 5
    np.testing.assert_allclose(together.score, apart.score, atol=1e-4)
    if apart.spread is not None:
        np.testing.assert_allclose(together.spread, apart.spread, atol=1e-4)
    assert len(together.steps) == len(apart.steps)
    for step, other in zip(together.steps, apart.steps, strict=True):
        np.testing.assert_allclose(step.state, other.state, atol=1e-3)


def test_slices_of_a_continuous_flow_are_run_one_by_one(
    tmp_path: Path, as_on_a_gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The adaptive solver takes its steps by the error of the whole batch: a neighbour would change the result."""
    segmenter = pipeline.load(write_checkpoint(tmp_path / "cfm.ckpt", CFM), device="cpu")
    image = Image(voxels=FIVE[:2], name="v")
    found = pipeline.segment(segmenter, image, RunSettings(steps=2))
    monkeypatch.undo()
    np.testing.assert_array_equal(found.score, pipeline.segment(segmenter, image, RunSettings(steps=2)).score)


def test_a_batch_is_filled_with_slices_but_not_on_a_cpu() -> None:
    cuda, cpu = torch.device("cuda"), torch.device("cpu")
    sizes = {(12, 14): 4, (16, 28): 2, (16, 40): 1, (60, 60): 1}
    assert {size: slices_together(plan_windows(size, 16), cuda) for size in sizes} == sizes
    assert slices_together(plan_whole((512, 512)), cuda) == 4
    assert slices_together(plan_whole((512, 512)), cpu) == 1
