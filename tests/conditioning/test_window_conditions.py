"""Conditions of windows: from the cache, else from the model, which then fills the cache; words; what was told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from core import pipeline
from core.conditioning.hub import Place
from core.conditioning.keys import IMAGE_HASH, prompt_hash, window_id
from core.conditioning.profiles import ProfileCache
from core.conditioning.provider import LocalModel, local_model
from core.conditioning.vision_language import VisionLanguageModel, open_model, picture_of
from core.errors import ConditionMissing, ModelRefused, SettingsRefused
from core.progress import Cancelled
from core.records import FilmSettings
from core.segmenters import Segmenter
from core.segmenters.conditions import WindowConditions
from tests.builders import CFM, DFM, FILM, FILM_CONFIG, write_checkpoint
from tests.conditioning.tiny_model import ANSWERS, PROMPTS, WIDTH

pytestmark = pytest.mark.usefixtures("no_network")

NAME = "Qwen2.5-VL-3B-Instruct"
"""What the folder is called, so that it passes for the model that the checkpoints name."""
WINDOWS = torch.from_numpy(np.random.default_rng(5).uniform(-1, 1, (3, 1, 16, 16)).astype(np.float32))
MASKS = (WINDOWS > 0.3).float()
TEXT = {"use_text_prompt_cond": True, "prompt_template": PROMPTS[0]}
LOGITS = {"use_text_prompt_cond": True, "use_logits_feature_cond": True, "prompt_templates": list(PROMPTS)}


@pytest.fixture(scope="module")
def model(folder: Path) -> VisionLanguageModel:
    return open_model(str(folder))


@dataclass
class Counting:
    """A provider that counts how often it is asked to open."""

    model: VisionLanguageModel | None
    cache: Path | None = None
    name: str = NAME
    opened: int = 0

    def open(self) -> VisionLanguageModel:
        self.opened += 1
        assert self.model is not None, "nothing was to be opened"
        return self.model


def no_mask() -> Tensor:
    raise AssertionError("nobody needs a mask here")


def segmenter(folder: Path, dialect: dict[str, Any] = DFM, width: int = WIDTH, **config: Any) -> Segmenter:
    """A checkpoint that wants image features of the tiny model, or with `use_text_prompt_cond` its text features."""
    torch.manual_seed(2)
    prefix = "vlm_film_conditioner."
    change: dict[str, Tensor | None] = {f"{prefix}image_to_cond.proj.weight": torch.randn(12, WIDTH)}
    if config.get("use_text_prompt_cond"):
        change |= {
            f"{prefix}text_to_cond.mlp.0.weight": torch.randn(16, width),
            f"{prefix}text_to_cond.mlp.0.bias": torch.randn(16),
            f"{prefix}text_to_cond.mlp.2.weight": torch.randn(12, 16),
            f"{prefix}text_to_cond.mlp.2.bias": torch.randn(12),
        }
    settings = dialect | FILM | {"vlm_film_config": FILM_CONFIG | config}
    return pipeline.load(write_checkpoint(folder / "a.ckpt", settings, film=True, change=change), device="cpu")


def conditions(
    loaded: Segmenter, provider: Counting | LocalModel | None, *, shared: bool = False, given: Any = None,
    film: FilmSettings | None = None, profiles: ProfileCache | None = None, **hooks: Any,
) -> WindowConditions:  # fmt: skip
    assert loaded.conditioner is not None
    cache = ProfileCache(()) if profiles is None else profiles
    return WindowConditions(
        loaded.report,
        loaded.conditioner,
        cache,
        film or FilmSettings(),
        shared=shared,
        given=given,
        model=provider,
        **hooks,
    )


def half(rows: Any) -> np.ndarray[Any, Any]:
    return np.asarray(rows, dtype=np.float32).astype(np.float16)


@pytest.mark.parametrize("dialect", [DFM, CFM], ids=["dfm", "cfm"])
@pytest.mark.parametrize(
    ("width", "config"), [(WIDTH, {}), (WIDTH, TEXT), (74, LOGITS)], ids=["image", "text", "logits"]
)
def test_what_was_computed_is_found_the_next_time_bit_for_bit(
    tmp_path: Path, model: VisionLanguageModel, width: int, config: dict[str, Any], dialect: dict[str, Any]
) -> None:
    loaded = segmenter(tmp_path, dialect, width, **config)
    fresh = conditions(loaded, Counting(model, tmp_path / "cache"))
    rows = fresh.for_batch(WINDOWS, range(3), no_mask)
    again = conditions(loaded, Counting(None, tmp_path / "cache"))  # opens nothing
    assert torch.equal(again.for_batch(WINDOWS, range(3), no_mask), rows)
    bare = conditions(loaded, None, profiles=ProfileCache([tmp_path / "cache"]))
    assert torch.equal(bare.for_batch(WINDOWS, range(3), no_mask), rows)
    for name in (path for path in (tmp_path / "cache").iterdir() if path.suffix != ".pt"):
        name.unlink()
    theirs = conditions(
        loaded, None, profiles=ProfileCache([tmp_path / "cache"])
    )  # what the producers' code would find
    assert torch.equal(theirs.for_batch(WINDOWS, range(3), no_mask), rows)
    assert [told.origin for told in (*fresh.told, *again.told)] == ["model"] * 3 + ["cache"] * 3
    assert (fresh.told[0].source, again.told[0].source) == (NAME, f"cache ({NAME})")
    for old, new in zip(fresh.told, again.told, strict=True):
        assert (old.window, old.prompts, old.answers, old.fields) == (new.window, new.prompts, new.answers, new.fields)
        assert np.array_equal(old.vector, new.vector)
        assert not old.vector.flags.writeable


def test_an_image_condition_is_the_projection_of_the_rounded_feature(
    tmp_path: Path, model: VisionLanguageModel
) -> None:
    loaded = segmenter(tmp_path)
    run = conditions(loaded, Counting(model))
    rows = run.for_batch(WINDOWS, range(3), no_mask)
    features = np.stack([model.image_feature(picture_of(window.numpy())) for window in WINDOWS])
    assert np.array_equal(rows.numpy(), loaded.condition(half(features)))
    assert loaded.conditioner is not None
    assert not torch.equal(rows, loaded.conditioner(torch.from_numpy(features)))  # without the rounding it is another
    assert (run.told[0].prompts, run.told[0].answers, run.told[0].fields) == ((), (), ())


def test_a_text_condition_is_what_the_models_own_sentence_means_to_it(
    tmp_path: Path, model: VisionLanguageModel
) -> None:
    for pool in ("mean", "last"):
        loaded = segmenter(tmp_path, **TEXT, pool=pool)
        run = conditions(loaded, Counting(model))
        rows = run.for_batch(WINDOWS[:1], range(1), no_mask)
        wanted = loaded.condition(half(model.text_feature(ANSWERS[PROMPTS[0]], pool)[None]))  # type: ignore[arg-type]
        assert np.array_equal(rows.numpy(), wanted)
        assert (run.told[0].prompts, run.told[0].answers) == ((PROMPTS[0],), (ANSWERS[PROMPTS[0]],))


def test_a_logits_condition_is_told_with_its_fields(tmp_path: Path, model: VisionLanguageModel) -> None:
    run = conditions(segmenter(tmp_path, width=74, **LOGITS), Counting(model))
    run.for_batch(WINDOWS[:1], range(1), no_mask)
    told = run.told[0]
    assert (told.prompts, told.answers) == (PROMPTS, tuple(ANSWERS.values()))
    assert [field.name for field in told.fields] == [
        "continuity", "breaks", "cause", "nonvessel", "fp_risk", "source", "thin", "periphery", "visibility",
    ]  # fmt: skip
    assert [field.chosen for field in told.fields] == ["C", "H", "unknown", "A", "B", "D", None, None, None]
    assert all(np.isclose(sum(field.probabilities), 1) for field in told.fields)
    assert np.argmax(told.fields[1].probabilities) == 7
    assert np.allclose(told.fields[6].probabilities, 1 / 8)


def test_centred_logits_are_centred_on_the_windows_of_their_batch(tmp_path: Path, model: VisionLanguageModel) -> None:
    loaded = segmenter(tmp_path, width=74, **LOGITS, logits_center=True, logits_l2norm=True)
    cache = ProfileCache(())
    rows = conditions(loaded, Counting(model), profiles=cache).for_batch(WINDOWS, range(3), no_mask)
    blocks = []
    for prompt in PROMPTS:
        found = [
            cache.find(window_id(window.numpy(), position, "vlm:raw"), prompt_hash(prompt))
            for position, window in enumerate(WINDOWS)
        ]
        centred = np.stack([block for block in found if block is not None])
        centred = centred - centred.mean(axis=0)
        blocks.append(centred / (np.linalg.norm(centred, axis=1, keepdims=True) + 1e-8))
    assert np.abs(rows.numpy() - loaded.condition(np.concatenate(blocks, axis=1))).max() < 1e-5
    with pytest.raises(ConditionMissing, match="mean of a batch"):
        conditions(loaded, Counting(model), shared=True).for_batch(WINDOWS, range(3), no_mask)


@pytest.mark.parametrize("mode", ["overlay", "mask_only"])
def test_the_model_is_shown_what_the_producer_showed_it(tmp_path: Path, model: VisionLanguageModel, mode: str) -> None:
    loaded = segmenter(tmp_path, input_mode=mode, overlay_alpha=0.25)
    run = conditions(loaded, Counting(model, tmp_path / "cache"))
    rows = run.for_batch(WINDOWS, range(3), lambda: MASKS)
    features = []
    for window, mask in zip(WINDOWS.numpy(), MASKS.numpy(), strict=True):
        grey = (window + 1) / 2
        red = (1 - 0.25 * mask) * grey + 0.25 * mask
        rest = (1 - 0.25 * mask) * grey
        shown = np.concatenate((red, rest, rest)) if mode == "overlay" else mask
        features.append(model.image_feature(picture_of(shown.astype(np.float32))))
    assert np.abs(rows.numpy() - loaded.condition(half(features))).max() < 1e-2
    plain = conditions(segmenter(tmp_path), Counting(model)).for_batch(WINDOWS, range(3), no_mask)
    assert (rows - plain).abs().max() > 0.1
    assert {path.name.split("|")[1] for path in (tmp_path / "cache").glob("*.pt")} == {f"vlm:{mode}_img.pt"}


def test_one_window_speaks_for_all_where_the_run_shares(tmp_path: Path, model: VisionLanguageModel) -> None:
    loaded = segmenter(tmp_path, batch_strategy="first")
    heard: list[int] = []
    run = conditions(loaded, Counting(model), shared=True, tick=lambda: heard.append(1))
    first = run.for_batch(WINDOWS, range(3), no_mask)
    later = run.for_batch(WINDOWS.flip(0), range(3, 6), no_mask)
    wanted = loaded.condition(half(model.image_feature(picture_of(WINDOWS[0].numpy()))[None]))
    assert np.array_equal(first.numpy(), np.repeat(wanted, 3, axis=0))
    assert torch.equal(first, later)
    assert [told.window for told in run.told] == list(range(6))
    assert len(heard) == 1


def test_the_whole_image_can_be_asked_about(tmp_path: Path, model: VisionLanguageModel) -> None:
    loaded = segmenter(tmp_path)
    image = torch.from_numpy(np.random.default_rng(8).uniform(-1, 1, (1, 1, 20, 28)).astype(np.float32))
    provider = Counting(model, tmp_path / "cache")
    run = conditions(loaded, provider)
    run.for_image(image, "data/test/image/0000.png")
    rows = run.for_batch(WINDOWS, range(3), no_mask)
    wanted = loaded.condition(half(model.image_feature(picture_of(image[0].numpy()))[None]))
    assert np.array_equal(rows.numpy(), np.repeat(wanted, 3, axis=0))
    # Filed by its pixels: another data set may well have a test/image/0000.png of its own.
    assert [path.name for path in (tmp_path / "cache").rglob("*.pt")] == [
        window_id(image[0].numpy(), 0, "vlm:raw") + "_img.pt"
    ]


def test_the_whole_image_with_its_mask_needs_the_mask(tmp_path: Path, model: VisionLanguageModel) -> None:
    loaded = segmenter(tmp_path, input_mode="mask_only")
    image, mask = WINDOWS[:1], MASKS[:1]
    with pytest.raises(ConditionMissing):
        conditions(loaded, Counting(model)).for_image(image, None)
    run = conditions(loaded, Counting(model))
    run.for_image(image, None, lambda: mask)
    wanted = loaded.condition(half(model.image_feature(picture_of(mask[0].numpy()))[None]))
    assert np.array_equal(run.for_batch(WINDOWS[:1], range(1), no_mask).numpy(), wanted)


# ---- a person's words, an array handed over -------------------------------------------------------------------------


@pytest.mark.parametrize("prompt", [PROMPTS[0], ""], ids=["prompt in the file", "prompt unknown"])
def test_a_persons_words_take_the_place_of_the_answer(tmp_path: Path, model: VisionLanguageModel, prompt: str) -> None:
    loaded = segmenter(tmp_path, **TEXT | {"prompt_template": prompt}, input_mode="mask_only")
    run = conditions(loaded, Counting(model, tmp_path / "cache"), film=FilmSettings(text="many breaks"))
    assert run.draws_mask
    assert not run.needs_mask
    rows = run.for_batch(WINDOWS, range(3), no_mask)
    wanted = loaded.condition(half(model.text_feature("many breaks")[None]))
    assert np.array_equal(rows.numpy(), np.repeat(wanted, 3, axis=0))
    assert {(told.origin, told.source, told.prompts, told.answers) for told in run.told} == {
        ("text", NAME, (prompt,), ("many breaks",))
    }
    assert not (tmp_path / "cache").exists()  # a person's words are no profile of the window


def test_words_that_cannot_be_followed_are_refused(tmp_path: Path, model: VisionLanguageModel) -> None:
    words = FilmSettings(text="many breaks")
    with pytest.raises(SettingsRefused, match="--vlm FOLDER"):
        conditions(segmenter(tmp_path, **TEXT), None, film=words)
    for config, width in (({}, WIDTH), (LOGITS, 74)):
        with pytest.raises(SettingsRefused, match="not on a text"):
            conditions(segmenter(tmp_path, width=width, **config), Counting(model), film=words)
    with pytest.raises(SettingsRefused, match="32 numbers"):
        conditions(segmenter(tmp_path, width=31, **TEXT), Counting(model), film=words).for_batch(
            WINDOWS, range(3), no_mask
        )


def test_an_array_that_was_handed_over_goes_before_everything(tmp_path: Path) -> None:
    given = np.random.default_rng(1).normal(size=(3, 12)).astype(np.float32)
    run = conditions(segmenter(tmp_path), Counting(None), given=given)
    assert np.array_equal(run.for_batch(WINDOWS, range(3), no_mask).numpy(), given)
    assert [(told.window, told.origin) for told in run.told] == [(0, "given"), (1, "given"), (2, "given")]
    assert np.array_equal(run.told[2].vector, given[2])


def test_what_was_told_follows_a_shuffle(tmp_path: Path, model: VisionLanguageModel) -> None:
    loaded = segmenter(tmp_path)
    plain, mixed = (conditions(loaded, Counting(model), film=FilmSettings(mode=mode)) for mode in ("on", "shuffle"))
    rows = plain.for_batch(WINDOWS, range(3), no_mask)
    shuffled = mixed.for_batch(WINDOWS, range(3), no_mask)
    order = torch.randperm(3, generator=torch.Generator().manual_seed(1234))
    assert torch.equal(shuffled, rows[order])
    assert np.array_equal(np.stack([told.vector for told in mixed.told]), shuffled.numpy())
    assert [told.window for told in mixed.told] == [0, 1, 2]


# ---- when neither cache nor model can tell --------------------------------------------------------------------------


def test_without_cache_and_model_it_says_how_to_get_either(tmp_path: Path) -> None:
    with pytest.raises(ConditionMissing, match="--vlm FOLDER") as missing:
        conditions(segmenter(tmp_path), None).for_batch(WINDOWS, range(3), no_mask)
    assert "FiLM panel" in str(missing.value)
    assert "vlm_profiles" in str(missing.value)


def test_a_model_of_another_width_is_not_used(tmp_path: Path, model: VisionLanguageModel) -> None:
    with pytest.raises(ConditionMissing, match="features of 32 numbers; the checkpoint was trained with 31"):
        conditions(segmenter(tmp_path, width=31, **TEXT), Counting(model)).for_batch(WINDOWS, range(3), no_mask)


@pytest.mark.parametrize(
    ("width", "config", "said"),
    [
        (WIDTH, TEXT | {"prompt_template": ""}, "does not say with which prompt"),
        (70, LOGITS, "not known here"),
        (74, LOGITS | {"logits_feature_mode": "ranks"}, "not known here"),
    ],
)
def test_features_that_nobody_knows_how_to_make_are_not_made_up(
    tmp_path: Path, model: VisionLanguageModel, width: int, config: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConditionMissing, match=said):
        conditions(segmenter(tmp_path, width=width, **config), Counting(model)).for_batch(WINDOWS, range(3), no_mask)


def test_profiles_of_another_model_count_only_while_it_is_chosen(tmp_path: Path, model: VisionLanguageModel) -> None:
    loaded = segmenter(tmp_path)
    other = VisionLanguageModel(Place(folder=tmp_path, name="my-own"), model._network, model._tokenizer, model._images)
    cache = tmp_path / "cache"
    conditions(loaded, Counting(other, cache, "my-own")).for_batch(WINDOWS, range(3), no_mask)
    again = conditions(loaded, Counting(None, cache, "my-own"))
    again.for_batch(WINDOWS, range(3), no_mask)
    assert again.told[0].source == "cache (my-own)"
    with pytest.raises(ConditionMissing):
        conditions(loaded, None, profiles=ProfileCache([cache])).for_batch(WINDOWS, range(3), no_mask)


def test_a_checkpoint_made_otherwise_does_not_take_the_same_profiles(
    tmp_path: Path, model: VisionLanguageModel
) -> None:
    cache = tmp_path / "cache"
    mean, last = segmenter(tmp_path, **TEXT), segmenter(tmp_path, **TEXT, pool="last")
    conditions(mean, Counting(model, cache)).for_batch(WINDOWS, range(3), no_mask)
    run = conditions(last, Counting(model, cache))
    run.for_batch(WINDOWS, range(3), no_mask)
    assert {told.origin for told in run.told} == {"model"}


def test_a_run_can_be_cancelled_between_the_models_calls(tmp_path: Path, model: VisionLanguageModel) -> None:
    heard: list[int] = []

    def tick() -> None:
        heard.append(1)
        if len(heard) == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        conditions(segmenter(tmp_path), Counting(model), tick=tick).for_batch(WINDOWS, range(3), no_mask)
    assert len(heard) == 2


def test_a_cache_that_cannot_be_written_costs_no_result(tmp_path: Path, model: VisionLanguageModel) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    run = conditions(segmenter(tmp_path), Counting(model, tmp_path / "file" / "cache"))
    assert len(run.for_batch(WINDOWS, range(3), no_mask)) == 3


# ---- the provider ---------------------------------------------------------------------------------------------------


def test_a_provider_opens_once_and_late_and_keeps_models_apart(folder: Path, tmp_path: Path) -> None:
    provider = local_model(str(folder), caches=tmp_path)
    assert provider.name == NAME
    assert provider.cache == tmp_path / NAME
    assert not (tmp_path / NAME).exists()
    assert provider.open() is provider.open()
    loaded = segmenter(tmp_path)
    conditions(loaded, provider).for_batch(WINDOWS, range(3), no_mask)
    assert ProfileCache([tmp_path / NAME]).find(window_id(WINDOWS[0].numpy(), 0, "vlm:raw"), IMAGE_HASH) is not None
    with pytest.raises(ModelRefused, match="no vision-language model"):
        local_model(str(tmp_path / "nowhere"))
