"""Segmenters on small checkpoints of our own: what a run promises, whatever the weights are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core import pipeline
from core.errors import CheckpointRefused, ConditionMissing, ImageRefused, SettingsRefused, ShapeMismatch
from core.progress import Cancelled, Progress
from core.records import FilmSettings, Image, RunSettings
from core.segmenters import Segmenter
from core.segmenters.merging import kept_indices
from tests.builders import CFM, DFM, FILM, SOFT, write_checkpoint

PICTURE = np.random.default_rng(0).random((21, 30)).astype(np.float32) * 255


@pytest.fixture
def dfm(tmp_path: Path) -> Segmenter:
    return pipeline.load(write_checkpoint(tmp_path / "dfm.ckpt", DFM), device="cpu")


@pytest.fixture
def film(tmp_path: Path) -> Segmenter:
    return pipeline.load(write_checkpoint(tmp_path / "film.ckpt", DFM | FILM, film=True), device="cpu")


def test_a_seed_repeats_a_prediction_and_another_seed_changes_it(dfm: Segmenter) -> None:
    first, again = (pipeline.segment(dfm, PICTURE, RunSettings(seed=4)) for _ in range(2))
    other = pipeline.segment(dfm, PICTURE, RunSettings(seed=5))
    assert np.array_equal(first.score, again.score)
    assert not np.array_equal(first.score, other.score)


@pytest.mark.parametrize("dialect", [SOFT, CFM, DFM], ids=["soft-seg", "sofl cfm", "sofl dfm"])
def test_the_last_step_is_the_result(tmp_path: Path, dialect: dict[str, object]) -> None:
    segmenter = pipeline.load(write_checkpoint(tmp_path / "a.ckpt", dialect), device="cpu")
    prediction = pipeline.segment(segmenter, PICTURE)
    assert prediction.score.shape == prediction.mask.shape == (1, 21, 30)
    assert np.array_equal(prediction.steps[-1].probability, prediction.probability)
    assert np.array_equal(prediction.mask, prediction.score > prediction.threshold)
    assert prediction.probability.min() >= 0
    assert prediction.probability.max() <= 1
    assert len(prediction.steps) == 4
    assert prediction.deviations == ()
    assert not prediction.score.flags.writeable


def test_records_own_their_memory(dfm: Segmenter) -> None:
    prediction = pipeline.segment(dfm, PICTURE)
    for array in (prediction.score, prediction.probability, prediction.mask, prediction.steps[0].state):
        assert array.base is None
        assert not array.flags.writeable


def test_the_network_sees_the_transposed_picture(dfm: Segmenter) -> None:
    """Turning the picture and the draws turns the prediction only if the axes were swapped exactly once each way."""
    seen: list[tuple[int, ...]] = []
    dfm.network.register_forward_pre_hook(lambda module, inputs: seen.append(tuple(inputs[2].shape)))
    whole = replace(dfm, report=replace(dfm.report, sliding_window=False))
    tall = np.random.default_rng(1).random((20, 32)).astype(np.float32)
    prediction = pipeline.segment(whole, tall)
    assert seen[0] == (1, 1, 32, 20)
    assert prediction.mask.shape == (1, 20, 32)


def test_steps_can_be_chosen_by_t_or_by_number(dfm: Segmenter) -> None:
    by_t = pipeline.segment(dfm, PICTURE, RunSettings(keep=(0.0, 0.5)))
    by_number = pipeline.segment(dfm, PICTURE, RunSettings(keep=(0, 2)))
    assert [step.index for step in by_t.steps] == [0, 2, 3]
    assert [step.index for step in by_number.steps] == [0, 2, 3]
    assert np.array_equal(by_t.score, by_number.score)


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        ((0.5,), {5, 10}),
        ((0.05, 0.15, 0.25), {0, 2, 10}),
        ((-1.0, 2.0), {0, 10}),
        ((3, 99, -1), {3, 10}),
        ("last", {10}),
    ],
)
def test_t_maps_to_steps_as_the_producers_do(keep: object, kept: set[int]) -> None:
    """round(t * (steps - 1)), half to even, t clipped; numbers outside the grid are dropped (spec section 11)."""
    assert kept_indices(RunSettings(keep=keep), 11) == kept  # type: ignore[arg-type]


def test_a_run_stops_at_the_next_network_call(dfm: Segmenter) -> None:
    calls: list[int] = []
    dfm.network.register_forward_pre_hook(lambda module, inputs: calls.append(1))

    def report(progress: Progress) -> None:
        if len(calls) == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        pipeline.segment(dfm, PICTURE, report=report)
    assert len(calls) == 2


def test_steps_arrive_while_the_run_goes_on(dfm: Segmenter) -> None:
    """The whole image's first step is known after one round over its windows, before any window's second step."""
    reports: list[Progress] = []
    prediction = pipeline.segment(dfm, PICTURE, report=reports.append)
    arrived = [report.step for report in reports if report.step is not None]
    assert [step.index for step in arrived] == [0, 1, 2, 3]
    assert arrived[0].calls < prediction.calls / 2
    assert np.array_equal(arrived[-1].estimate, prediction.score)


def test_samples_are_averaged_and_their_spread_is_kept(dfm: Segmenter) -> None:
    three = pipeline.segment(dfm, PICTURE, RunSettings(samples=3))
    assert three.spread is not None
    assert three.spread.max() > 0
    assert [item.code for item in three.deviations] == ["samples"]
    assert pipeline.segment(dfm, PICTURE, RunSettings(samples=1)).spread is None


def test_a_volume_runs_slice_by_slice(dfm: Segmenter) -> None:
    voxels = np.random.default_rng(2).random((3, 16, 16)).astype(np.float32)
    prediction = pipeline.segment(dfm, Image(voxels=voxels, name="volume"))
    assert prediction.mask.shape == (3, 16, 16)
    assert prediction.steps[1].state.shape == (3, 16, 16)
    first = pipeline.segment(dfm, Image(voxels=voxels[:1], name="slice"))
    assert np.array_equal(first.score[0], prediction.score[0])


def test_film_without_a_profile_is_refused_and_film_off_is_labelled(film: Segmenter) -> None:
    with pytest.raises(ConditionMissing, match="FiLM off"):
        pipeline.segment(film, PICTURE)
    off = pipeline.segment(film, PICTURE, RunSettings(film=FilmSettings(mode="off")))
    assert [item.code for item in off.deviations] == ["film.off"]
    assert off.condition is None


def on(**film: object) -> RunSettings:
    return RunSettings(film=FilmSettings(mode="on", **film))  # type: ignore[arg-type]


def test_film_strength_runs_from_identity_to_as_trained(film: Segmenter) -> None:
    for parameter in film.network.vlm_film_heads.parameters():  # type: ignore[union-attr]
        parameter.add_(0.3)
    condition = np.ones(12, dtype=np.float32)
    off = pipeline.segment(film, PICTURE, RunSettings(film=FilmSettings(mode="off")))
    none = pipeline.segment(film, PICTURE, on(strength=0.0), condition=condition)
    full = pipeline.segment(film, PICTURE, on(), condition=condition)
    one_stage = pipeline.segment(film, PICTURE, on(stages=(1,)), condition=condition)
    assert np.array_equal(off.score, none.score)
    assert np.abs(full.score - off.score).max() > 1e-3
    assert not np.array_equal(one_stage.score, full.score)
    assert "film.stages" in [item.code for item in one_stage.deviations]


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        (RunSettings(steps=0), "Steps"),
        (RunSettings(samples=-2), "Samples"),
        (RunSettings(film=FilmSettings(mode="on")), "no FiLM heads"),
        (RunSettings(weights="swa"), "Load it again"),
    ],
)
def test_settings_that_cannot_be_followed_are_refused(dfm: Segmenter, settings: RunSettings, word: str) -> None:
    with pytest.raises(SettingsRefused, match=word):
        pipeline.segment(dfm, PICTURE, settings)


def test_a_stage_that_was_not_trained_and_a_condition_of_another_width_are_refused(film: Segmenter) -> None:
    with pytest.raises(SettingsRefused, match="not among the trained"):
        pipeline.segment(film, PICTURE, on(stages=(2,)), condition=np.ones(12))
    with pytest.raises(ShapeMismatch, match=r"\(12,\)"):
        pipeline.segment(film, PICTURE, on(), condition=np.ones(5))


def test_a_point_or_stages_chosen_by_hand_are_labelled(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "film.ckpt", DFM | FILM, film=True)
    segmenter = pipeline.load(path, device="cpu", film_stages=[0, 1], film_point="B")
    prediction = pipeline.segment(segmenter, PICTURE, on(), condition=np.ones(12))
    codes = {item.code for item in prediction.deviations}
    assert {"film.point-user", "film.stages-user"} <= codes


def test_an_image_with_nan_is_refused_and_a_flat_one_is_warned_about(dfm: Segmenter) -> None:
    broken = PICTURE.copy()
    broken[3, 3] = np.nan
    with pytest.raises(ImageRefused, match="NaN"):
        pipeline.segment(dfm, broken)
    flat = pipeline.segment(dfm, np.full((16, 16), 7, dtype=np.float32))
    assert [finding.code for finding in flat.findings] == ["image.constant"]


def test_another_threshold_cuts_the_same_score_and_says_so(dfm: Segmenter) -> None:
    prediction = pipeline.segment(dfm, PICTURE)
    lower = pipeline.rethreshold(prediction, 0.2)
    assert np.array_equal(lower.mask, prediction.score > 0.2)
    assert [item.code for item in lower.deviations] == ["threshold"]
    back = pipeline.rethreshold(lower, prediction.threshold)
    assert back.deviations == ()
    assert np.array_equal(back.mask, prediction.mask)


def test_the_other_reading_of_an_old_file(tmp_path: Path) -> None:
    """Nothing tells who wrote it: [0, 1] is taken, and the other reading is a choice, labelled."""
    segmenter = pipeline.load(write_checkpoint(tmp_path / "old.ckpt", {}), device="cpu")
    assert segmenter.report.status == "ambiguous"
    usual = pipeline.segment(segmenter, PICTURE)
    other = pipeline.segment(segmenter, PICTURE, RunSettings(value_range=(-1.0, 1.0)))
    assert np.array_equal(usual.score, other.score)
    assert (usual.threshold, other.threshold) == (0.5, 0.0)
    assert np.array_equal(other.mask, other.score > 0)
    assert np.allclose(other.probability, np.clip((other.score + 1) / 2, 0, 1))
    assert [item.code for item in other.deviations] == ["range"]
    assert usual.deviations == ()


def test_a_discrete_flow_has_no_other_range(dfm: Segmenter) -> None:
    with pytest.raises(SettingsRefused, match="probabilities"):
        pipeline.segment(dfm, PICTURE, RunSettings(value_range=(-1.0, 1.0)))


# ---- loading --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code", "cause"),
    [
        ({"unet.base_unet.mid_block2.mlp.1.bias": None}, "weights.missing", "network"),
        ({"unet.extra.weight": torch.zeros(3)}, "weights.left-over", "unet.extra"),
        ({"ghost.weight": torch.zeros(3)}, "weights.left-over", "ghost"),
        ({"unet.base_unet.mid_block2.mlp.1.bias": torch.zeros(5)}, "weights.shape", "mid_block2"),
        ({"unet.base_unet.final_conv.bias": torch.full((1,), float("nan"))}, "weights.not-finite", "final_conv"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, change: dict[str, object], code: str, cause: str) -> None:
    path = write_checkpoint(tmp_path / "odd.ckpt", DFM, change=change)  # type: ignore[arg-type]
    with pytest.raises(CheckpointRefused) as caught:
        pipeline.load(path, device="cpu")
    finding = caught.value.findings[0]
    assert finding.code == code
    assert cause in finding.message
    assert finding.remedy


def test_a_head_that_is_missing_a_key_is_never_dropped_in_silence(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "half.ckpt", DFM | FILM, film=True, change={"vlm_film_heads.1.mlp.0.bias": None})
    with pytest.raises(CheckpointRefused):
        pipeline.load(path, device="cpu")


def test_narrow_weights_are_widened_and_it_is_said(tmp_path: Path) -> None:
    change = {"unet.base_unet.final_conv.weight": torch.ones(1, 8, 1, 1, dtype=torch.bfloat16)}
    segmenter = pipeline.load(write_checkpoint(tmp_path / "narrow.ckpt", DFM, change=change), device="cpu")
    assert all(parameter.dtype == torch.float32 for parameter in segmenter.network.parameters())
    assert "weights.widened" in [finding.code for finding in segmenter.report.findings]


def test_an_unknown_device_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="no device"):
        pipeline.load(write_checkpoint(tmp_path / "a.ckpt", DFM), device="cuda:7")
