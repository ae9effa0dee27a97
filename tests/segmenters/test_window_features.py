"""Where the condition of a window comes from: features of pictures, texts and logits, shared or one for each window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core import pipeline
from core.conditioning.keys import prompt_hash, window_id
from core.errors import ConditionMissing
from core.inference.windows import plan_windows
from core.records import FilmSettings, RunSettings
from core.segmenters import Segmenter
from core.segmenters.segmenter import normalised
from tests.builders import CFM, DFM, FILM, FILM_CONFIG, write_checkpoint
from tests.segmenters.test_oracle import Recorder

PICTURE = np.random.default_rng(2).random((16, 60)).astype(np.float32)  # 5 windows of 16: a batch of 4 and one of 1
EVALUATED = RunSettings(protocol="as-evaluated")
PROMPTS = ["How continuous?", "How noisy?", "How thin?"]


def windows() -> Iterator[tuple[np.ndarray[Any, Any], int]]:
    """Windows as the network sees them, each with its position in its batch of four."""
    seen = torch.from_numpy(normalised(PICTURE).T.copy())[None, None]
    plan = plan_windows((60, 16), 16)
    for numbers in plan.batches:
        for position, window in enumerate(plan.cut(seen, numbers).numpy()):
            yield window, position


def save(folder: Path, identity: str, suffix: str, **payload: Any) -> None:
    (folder / "vlm_profiles").mkdir(exist_ok=True)
    torch.save(payload, folder / "vlm_profiles" / f"{identity}_{suffix}.pt")


def text_weights(width: int) -> dict[str, torch.Tensor | None]:
    torch.manual_seed(1)
    name = "vlm_film_conditioner.text_to_cond.mlp."
    return {
        f"{name}0.weight": torch.randn(16, width),
        f"{name}0.bias": torch.randn(16),
        f"{name}2.weight": torch.randn(12, 16),
        f"{name}2.bias": torch.randn(12),
    }


def loaded(folder: Path, dialect: dict[str, Any], change: dict[str, Any] | None = None, **config: Any) -> Segmenter:
    settings = dialect | FILM | {"vlm_film_config": FILM_CONFIG | config}
    return pipeline.load(write_checkpoint(folder / "a.ckpt", settings, film=True, change=change), device="cpu")


def half(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return rows.astype(np.float16)


FEATURES = np.random.default_rng(4).normal(size=(5, 10)).astype(np.float32)


@pytest.mark.parametrize(("dialect", "suffix"), [(CFM, ""), (DFM, "vlm:raw")], ids=["cfm", "dfm"])
def test_cfm_and_dfm_name_windows_differently(tmp_path: Path, dialect: dict[str, Any], suffix: str) -> None:
    for (window, position), feature in zip(windows(), FEATURES, strict=True):
        save(tmp_path, window_id(window, position, suffix), "img", image_feat=torch.from_numpy(half(feature[None])))
    segmenter = loaded(tmp_path, dialect)
    prediction = pipeline.segment(segmenter, PICTURE, RunSettings(steps=2))
    assert prediction.condition is not None
    assert np.abs(prediction.condition - segmenter.condition(half(FEATURES))).max() < 1e-6


@pytest.mark.parametrize("strategy", ["first", "random"])
def test_the_evaluator_shares_one_feature_and_training_did_not(tmp_path: Path, strategy: str) -> None:
    for (window, position), feature in zip(windows(), FEATURES, strict=True):
        save(tmp_path, window_id(window, position, "vlm:raw"), "img", image_feat=torch.from_numpy(half(feature[None])))
    segmenter = loaded(tmp_path, DFM, batch_strategy=strategy)
    evaluated, trained = (pipeline.segment(segmenter, PICTURE, wish) for wish in (EVALUATED, RunSettings()))
    assert evaluated.condition is not None
    assert trained.condition is not None
    each = segmenter.condition(half(FEATURES))
    index = 0 if strategy == "first" else int(torch.randint(4, (1,), generator=torch.Generator().manual_seed(0)))
    assert np.abs(evaluated.condition - each[index]).max() < 1e-6
    assert np.abs(trained.condition - each).max() < 1e-6


def test_a_shared_condition_does_not_save_the_draws_of_the_preliminary_pass(tmp_path: Path) -> None:
    """`mask_only`: the cache knows every mask the first batch can show, which are those of its own FiLM-off pass."""
    segmenter = loaded(tmp_path, DFM, input_mode="mask_only", batch_strategy="first")
    off = RunSettings(film=FilmSettings(mode="off"), steps=4)
    seen: list[np.ndarray[Any, Any]] = []
    bare = segmenter.network.forward

    def watch(*args: Any, **kinds: Any) -> torch.Tensor:
        out: torch.Tensor = bare(*args, **kinds)
        seen.append(torch.sigmoid(out).numpy())
        return out

    segmenter.network.forward = watch
    pipeline.segment(segmenter, PICTURE, off, random=Recorder())
    segmenter.network.forward = bare
    mask = (seen[3][0] > 0.5).astype(np.float32)  # last call of the first batch, first window
    save(tmp_path, window_id(mask, 0, "vlm:mask_only"), "img", image_feat=torch.from_numpy(half(FEATURES[:1])))
    again = pipeline.load(tmp_path / "a.ckpt", device="cpu")
    draws = Recorder()
    prediction = pipeline.segment(again, PICTURE, EVALUATED, random=draws)
    assert prediction.condition is not None
    assert np.abs(prediction.condition - again.condition(half(FEATURES[:1]))).max() < 1e-6
    assert draws.shapes == [("uniform", (4, 1, 16, 16))] * 10 + [("uniform", (1, 1, 16, 16))] * 10


@pytest.mark.parametrize("stored", [True, False], ids=["prompt in the file", "prompt unknown"])
def test_texts_are_found_by_their_prompt_or_by_being_the_only_one(tmp_path: Path, stored: bool) -> None:
    features = np.random.default_rng(6).normal(size=(5, 7)).astype(np.float32)
    for (window, position), feature in zip(windows(), features, strict=True):
        payload = {"text": "thin", "e_text": torch.from_numpy(half(feature[None]))}
        save(tmp_path, window_id(window, position, "vlm:raw"), prompt_hash("Say."), **payload)
    prompt = {"prompt_template": "Say."} if stored else {}
    segmenter = loaded(tmp_path, DFM, text_weights(7), use_text_prompt_cond=True, **prompt)
    prediction = pipeline.segment(segmenter, PICTURE)
    assert prediction.condition is not None
    assert np.abs(prediction.condition - segmenter.condition(half(features))).max() < 1e-5
    for window, position in windows():
        save(tmp_path, window_id(window, position, "vlm:raw"), prompt_hash("Other."), e_text=torch.zeros(1, 7).half())
    again = pipeline.load(tmp_path / "a.ckpt", device="cpu")
    if stored:
        assert np.array_equal(pipeline.segment(again, PICTURE).score, prediction.score)
    else:
        with pytest.raises(ConditionMissing):
            pipeline.segment(again, PICTURE)


@pytest.mark.parametrize("l2norm", [False, True])
def test_logits_of_all_prompts_follow_one_another(tmp_path: Path, l2norm: bool) -> None:
    blocks = [np.random.default_rng(width).normal(size=(5, width)).astype(np.float32) for width in (25, 26, 23)]
    for number, (window, position) in enumerate(windows()):
        for prompt, block in zip(PROMPTS, blocks, strict=True):
            payload = {"text": "A", "e_text": torch.from_numpy(half(block[number]))}
            save(tmp_path, window_id(window, position, "vlm:raw"), prompt_hash(prompt), **payload)
    config = {"use_text_prompt_cond": True, "use_logits_feature_cond": True, "prompt_templates": PROMPTS}
    segmenter = loaded(tmp_path, DFM, text_weights(74), **config, logits_l2norm=l2norm)
    assert segmenter.report.film is not None
    assert (segmenter.report.film.condition, segmenter.report.film.feature_width) == ("logits", 74)
    prediction = pipeline.segment(segmenter, PICTURE)
    wanted = [half(block).astype(np.float32) for block in blocks]
    if l2norm:
        wanted = [block / (np.linalg.norm(block, axis=1, keepdims=True) + 1e-8) for block in wanted]
    assert prediction.condition is not None
    assert np.abs(prediction.condition - segmenter.condition(np.concatenate(wanted, axis=1))).max() < 1e-5


def test_logits_that_were_centred_on_their_batch_are_not_made_up(tmp_path: Path) -> None:
    config = {"use_text_prompt_cond": True, "use_logits_feature_cond": True, "prompt_templates": PROMPTS}
    for window, position in windows():
        for prompt, width in zip(PROMPTS, (25, 26, 23), strict=True):
            save(tmp_path, window_id(window, position, "vlm:raw"), prompt_hash(prompt), e_text=torch.ones(width).half())
    segmenter = loaded(tmp_path, DFM, text_weights(74), **config, logits_center=True)
    with pytest.raises(ConditionMissing):
        pipeline.segment(segmenter, PICTURE)
    assert pipeline.segment(segmenter, PICTURE, condition=np.ones(12)).condition is not None
