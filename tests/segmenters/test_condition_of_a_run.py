"""Runs of a FiLM checkpoint, from the public pipeline to the language model and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core import pipeline
from core.errors import ConditionMissing, SettingsRefused
from core.exports import save_prediction
from core.records import FilmSettings, Image, RunSettings
from core.segmenters.conditions import WindowConditions
from tests.builders import DFM, FILM, FILM_CONFIG, write_checkpoint
from tests.conditioning.tiny_model import WIDTH, save_tiny_model

PICTURE = np.random.default_rng(0).normal(size=(20, 24)).astype(np.float32)
PROJECTION = "vlm_film_conditioner.image_to_cond.proj.weight"
SETTINGS = RunSettings(steps=2)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("vlm") / "tiny")


@pytest.fixture(autouse=True)
def own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the user's profile cache nor the hub's cache of this machine has a say in a test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("core.conditioning.provider.user_cache_dir", lambda name: str(tmp_path / "cache" / name))
    from core.conditioning.provider import _shared

    _shared.cache_clear()


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Conditioned on an image feature as wide as the tiny model's."""
    torch.manual_seed(0)
    return write_checkpoint(tmp_path / "film.ckpt", DFM | FILM, film=True, change={PROJECTION: torch.randn(12, WIDTH)})


def test_without_model_and_profile_nothing_is_run(checkpoint: Path) -> None:
    segmenter = pipeline.load(checkpoint, device="cpu")
    with pytest.raises(ConditionMissing, match="--vlm"):
        pipeline.segment(segmenter, PICTURE, SETTINGS)
    off = pipeline.segment(segmenter, PICTURE, replace(SETTINGS, film=FilmSettings(mode="off")))
    assert [item.label for item in off.deviations if item.code == "film.off"] == ["FiLM off"]
    assert off.conditions == off.modulation == ()


def test_a_model_at_hand_is_asked_once_and_remembered(checkpoint: Path, model: Path) -> None:
    fresh = pipeline.segment(pipeline.load(checkpoint, device="cpu", vlm=str(model)), PICTURE, SETTINGS)
    assert {told.origin for told in fresh.conditions} == {"model"}
    assert fresh.condition is not None
    assert "film.model" in {item.code for item in fresh.deviations}  # "tiny" is not the model it was trained with
    assert [told.window for told in fresh.conditions] == list(range(len(fresh.condition)))
    again = pipeline.segment(pipeline.load(checkpoint, device="cpu", vlm=str(model)), PICTURE, SETTINGS)
    assert {told.origin for told in again.conditions} == {"cache"}
    np.testing.assert_array_equal(fresh.condition, again.condition)
    np.testing.assert_array_equal(fresh.score, again.score)


def test_the_checkpoints_own_model_in_the_hubs_cache_is_found(checkpoint: Path, model: Path, tmp_path: Path) -> None:
    name = FILM_CONFIG["model_name"].replace("/", "--")
    snapshots = tmp_path / "hub" / f"models--{name}" / "snapshots"
    snapshots.mkdir(parents=True)
    (snapshots / "0123456789abcdef0123456789abcdef01234567").symlink_to(model)
    prediction = pipeline.segment(pipeline.load(checkpoint, device="cpu"), PICTURE, SETTINGS)
    assert {told.origin for told in prediction.conditions} == {"model"}
    assert {item.code for item in prediction.deviations} == {"steps"}
    with pytest.raises(ConditionMissing):  # what was computed is another model's word, unless that model may count
        pipeline.segment(pipeline.load(checkpoint, device="cpu", vlm="none"), PICTURE[::-1], SETTINGS)


def test_one_condition_for_the_whole_image(checkpoint: Path, model: Path) -> None:
    segmenter = pipeline.load(checkpoint, device="cpu", vlm=str(model))
    prediction = pipeline.segment(segmenter, PICTURE, replace(SETTINGS, film=FilmSettings(unit="image")))
    assert prediction.condition is not None
    assert len(prediction.condition) > 1
    assert (prediction.condition == prediction.condition[0]).all()


@pytest.mark.parametrize(("slices", "frames", "by_name"), [(1, 1, True), (1, 2, False), (2, 1, False)])
def test_a_profile_by_name_is_that_of_a_single_picture(
    checkpoint: Path, model: Path, monkeypatch: pytest.MonkeyPatch, slices: int, frames: int, by_name: bool
) -> None:
    """What was said of the file cannot be about each of its frames or slices."""
    asked, path = [], "/data/test/image/film.dcm"
    plain = WindowConditions.for_image

    def noting(self: WindowConditions, image: torch.Tensor, named: str | None, mask_of: Any) -> None:
        asked.append(named)
        plain(self, image, named, mask_of)

    monkeypatch.setattr(WindowConditions, "for_image", noting)
    film = Image(voxels=np.stack([PICTURE] * slices), name="film.dcm", path=path, frames=frames)
    segmenter = pipeline.load(checkpoint, device="cpu", vlm=str(model))
    pipeline.segment(segmenter, film, replace(SETTINGS, film=FilmSettings(unit="image")))
    assert asked == [path if by_name else None] * slices


def test_gains_and_offsets_are_those_of_the_heads(checkpoint: Path, model: Path) -> None:
    segmenter = pipeline.load(checkpoint, device="cpu", vlm=str(model))
    film = FilmSettings(strength=0.5, stages=(1,))
    prediction = pipeline.segment(segmenter, PICTURE, replace(SETTINGS, film=film))
    pairs = segmenter.network.modulation(torch.from_numpy(prediction.condition.copy()))  # type: ignore[union-attr,operator]
    assert [(stage.stage, stage.active) for stage in prediction.modulation] == [(0, False), (1, True)]
    for stage in prediction.modulation:
        gamma, beta = (tensor[..., 0, 0].numpy() for tensor in pairs[stage.stage])
        np.testing.assert_allclose(stage.gamma, gamma, atol=1e-6)
        np.testing.assert_allclose(stage.beta, beta, atol=1e-6)


def test_a_picture_cannot_be_told_in_words(checkpoint: Path, model: Path) -> None:
    segmenter = pipeline.load(checkpoint, device="cpu", vlm=str(model))
    with pytest.raises(SettingsRefused):
        pipeline.segment(segmenter, PICTURE, replace(SETTINGS, film=FilmSettings(text="thin vessels")))


def test_the_record_of_a_run_says_who_was_asked(checkpoint: Path, model: Path, tmp_path: Path) -> None:
    segmenter = pipeline.load(checkpoint, device="cpu", vlm=str(model))
    prediction = pipeline.segment(segmenter, PICTURE, SETTINGS)
    image = Image(voxels=PICTURE[None], name="picture")
    files = save_prediction(prediction, image, tmp_path / "out", "picture", steps=False)
    record = next(path for path in files if path.suffix == ".json").read_text()
    assert '"origin": "model"' in record
    assert str(prediction.conditions[0].source) in record
