"""A tiny Qwen2.5-VL, opened as a real one is: what it sees, answers and means; and what is refused. Without network."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from core.conditioning.answers import choices
from core.conditioning.hub import place_of
from core.conditioning.vision_language import (
    VisionLanguageModel,
    find_in_hub,
    find_local,
    open_model,
    picture_of,
)
from core.errors import ModelRefused
from core.progress import Cancelled
from tests.conditioning.tiny_model import ANSWERS, PROMPTS, WIDTH

pytestmark = pytest.mark.usefixtures("no_network")
WINDOW = np.random.default_rng(1).uniform(-1, 1, (1, 16, 16)).astype(np.float32)


@pytest.fixture(scope="module")
def model(folder: Path) -> VisionLanguageModel:
    return open_model(str(folder))


@pytest.fixture(scope="module")
def bare(folder: Path) -> tuple[Any, Any, Any]:
    """The same model as transformers opens it: network, tokenizer and image processor."""
    from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2Tokenizer, Qwen2VLImageProcessorPil

    network = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, attn_implementation="eager").eval()
    return network, Qwen2Tokenizer.from_pretrained(folder), Qwen2VLImageProcessorPil.from_pretrained(folder)


# ---- pictures -------------------------------------------------------------------------------------------------------


def test_a_window_becomes_bytes_by_the_producers_rule() -> None:
    signed = np.array([[[-1.0, 0.0, 1.0, 0.999]]], dtype=np.float32)
    assert np.asarray(picture_of(signed))[0].tolist() == [[0] * 3, [127] * 3, [255] * 3, [254] * 3]
    unsigned = np.array([[[0.0, 0.5, 1.0, 1.5]]], dtype=np.float32)  # no negative value: taken for [0, 1], and clipped
    assert np.asarray(picture_of(unsigned))[0].tolist() == [[0] * 3, [127] * 3, [255] * 3, [255] * 3]


def test_a_colour_picture_stays_as_it_is() -> None:
    colour = np.random.default_rng(0).random((3, 4, 6)).astype(np.float32)
    picture = picture_of(colour)
    assert (picture.size, picture.mode) == ((6, 4), "RGB")
    assert np.array_equal(np.asarray(picture), (colour * 255).astype(np.uint8).transpose(1, 2, 0))


# ---- features -------------------------------------------------------------------------------------------------------


def test_an_image_feature_is_the_mean_of_the_vision_tokens(model: VisionLanguageModel, bare: tuple[Any, ...]) -> None:
    network, _, images = bare
    picture = Image.fromarray(np.random.default_rng(3).integers(0, 255, (70, 150, 3), dtype=np.uint8))
    seen = images(images=[picture], return_tensors="pt")
    with torch.inference_mode():
        tokens = network.model.visual(seen["pixel_values"], grid_thw=seen["image_grid_thw"]).pooler_output
    assert len(tokens) == round(70 / 28) * round(150 / 28)
    feature = model.image_feature(picture)
    assert feature.shape == (model.image_width,) == (WIDTH,)
    assert np.abs(feature - tokens.mean(dim=0).numpy()).max() < 1e-4
    assert np.abs(feature - model.image_feature(picture.transpose(Image.Transpose.ROTATE_180))).max() > 1e-2


def test_a_text_feature_is_the_last_hidden_state(model: VisionLanguageModel, bare: tuple[Any, ...]) -> None:
    network, tokenizer, _ = bare
    with torch.inference_mode():
        tokens = tokenizer("thin vessels", return_tensors="pt")
        states = network(**tokens, output_hidden_states=True).hidden_states[-1][0]
    assert len(states) == len("thin vessels")
    assert np.abs(model.text_feature("thin vessels") - states.mean(dim=0).numpy()).max() < 1e-4
    assert np.abs(model.text_feature("thin vessels", "last") - states[-1].numpy()).max() < 1e-4
    assert model.text_feature("").shape == (model.text_width,)


def test_answers_are_greedy_and_bounded(model: VisionLanguageModel) -> None:
    picture = picture_of(WINDOW)
    assert [model.answer(picture, prompt) for prompt in PROMPTS] == list(ANSWERS.values())
    assert model.answer(picture, PROMPTS[0], limit=5) == ANSWERS[PROMPTS[0]][:5]


def test_a_prompt_cannot_pass_for_a_picture(model: VisionLanguageModel) -> None:
    with pytest.raises(ModelRefused, match="stands for the picture"):
        model.answer(picture_of(WINDOW), "What is <|image_pad|>?", limit=3)


def test_an_answer_can_be_cancelled_between_two_tokens(model: VisionLanguageModel) -> None:
    heard = []

    def tick() -> None:
        heard.append(1)
        if len(heard) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        model.answer(picture_of(WINDOW), PROMPTS[0], tick=tick)
    assert len(heard) == 3


def logits_behind(bare: tuple[Any, ...], prompt: str, said: str) -> np.ndarray[Any, Any]:
    """(vocabulary,): what the network expects after `said` as the beginning of its answer, in one plain forward."""
    network, tokenizer, images = bare
    content = [{"type": "image"}, {"type": "text", "text": prompt}]
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    seen = images(images=[picture_of(WINDOW)], return_tensors="pt")
    tokens = tokenizer(text.replace("<|image_pad|>", "<|image_pad|>" * 4) + said, return_tensors="pt")
    kinds = (tokens["input_ids"] == network.config.image_token_id).long()
    with torch.inference_mode():
        out: np.ndarray[Any, Any] = network(**tokens, **seen, mm_token_type_ids=kinds).logits[0, -1].numpy()
    return out


@pytest.mark.parametrize(("mode", "temperature"), [("log_softmax", 1.0), ("log_softmax", 2.5), ("logits", 1.0)])
def test_a_logits_block_holds_the_candidates_where_the_answer_chose(
    model: VisionLanguageModel, bare: tuple[Any, ...], mode: Any, temperature: float
) -> None:
    rows = choices(PROMPTS, 74)
    assert rows is not None
    (first, text), (second, _), (third, _) = model.logits_feature(picture_of(WINDOW), PROMPTS, rows, mode, temperature)
    assert [len(first), len(second), len(third)] == [25, 25, 24]
    assert text == ANSWERS[PROMPTS[0]]
    tokenizer = bare[1]
    for prompt, block, at, said in (
        (PROMPTS[0], first, slice(0, 8), "continuity="),
        (PROMPTS[0], first, slice(8, 16), "continuity=C;breaks="),
        (PROMPTS[0], first, slice(16, 25), "continuity=C;breaks=H;cause="),
        (PROMPTS[1], second, slice(0, 8), "nonvessel: "),
        (PROMPTS[1], second, slice(16, 25), "nonvessel: A\nfp_risk: B\nsource: "),
    ):
        letters = [*"ABCDEFGH", "u"][: at.stop - at.start]  # `unknown` is known by its first token
        logits = logits_behind(bare, prompt, said)[tokenizer.convert_tokens_to_ids(letters)] / temperature
        wanted = logits if mode == "logits" else logits - np.log(np.exp(logits).sum())
        assert np.abs(block[at] - wanted).max() < 1e-3
    assert np.argmax(first[:8]) == 2
    assert np.allclose(third, 0 if mode == "logits" else -np.log(8))  # could not be read: uniform


# ---- opening --------------------------------------------------------------------------------------------------------


def copied(folder: Path, target: Path) -> Path:
    return Path(shutil.copytree(folder, target))


def spoil_config(folder: Path) -> None:
    (folder / "config.json").write_text("{", encoding="utf-8")


def change_type(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "llama", "auto_map": {"AutoModel": "a.B"}}', encoding="utf-8")


def pickle_weights(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def cut_weights(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])


def lose_a_weight(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights.pop(next(key for key in weights if "mlp" in key))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def misshape_a_weight(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    key = next(key for key in weights if "norm" in key)
    weights[key] = torch.ones(len(weights[key]) + 1)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def lose_a_shard(folder: Path) -> None:
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def lose_the_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def lose_the_image_processor(folder: Path) -> None:
    (folder / "preprocessor_config.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_config, "no readable config.json"),
        (change_type, "llama"),
        (pickle_weights, "pickle"),
        (cut_weights, "cannot be read"),
        (lose_a_weight, "1 of its weights are missing"),
        (misshape_a_weight, "cannot be read"),
        (lose_a_shard, "1 of its weight files are missing"),
        (lose_the_tokenizer, "cannot be read"),
        (lose_the_image_processor, "cannot be read"),
    ],
)
def test_a_folder_that_is_not_whole_and_safe_is_refused(
    folder: Path, tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    broken = copied(folder, tmp_path / "broken")
    spoil(broken)
    with pytest.raises(ModelRefused) as refusal:
        open_model(str(broken))
    assert said in str(refusal.value)
    assert str(broken) in str(refusal.value)


def test_without_transformers_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("transformers", "transformers.utils", "transformers.utils.logging"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModelRefused, match=r"pip install flowglass\[vlm\]"):
        open_model(str(folder))
    assert find_local(str(folder)) == folder


def in_hub(cache: Path, folder: Path, name: str, revision: str = "0123abcd") -> Path:
    """Lay `folder` out as the hub's cache does."""
    store = cache / f"models--{name.replace('/', '--')}"
    (store / "refs").mkdir(parents=True)
    (store / "refs" / "main").write_text(revision, encoding="ascii")
    return copied(folder, store / "snapshots" / revision)


def test_a_name_is_looked_up_in_the_hubs_cache_only(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    snapshot = in_hub(tmp_path, folder, "Qwen/Tiny-VL")
    assert find_local("Qwen/Tiny-VL") == find_in_hub("Qwen/Tiny-VL") == snapshot
    place = place_of("Qwen/Tiny-VL")
    assert (place.name, place.revision) == ("Qwen/Tiny-VL", "0123abcd")
    assert place_of(str(snapshot)) == place
    assert open_model("Qwen/Tiny-VL").name == "Qwen/Tiny-VL"
    (snapshot / "model.safetensors").unlink()  # a download that was cut
    assert find_local("Qwen/Tiny-VL") is None
    with pytest.raises(ModelRefused, match="--vlm FOLDER"):
        open_model("Qwen/Tiny-VL")


@pytest.mark.parametrize("variable", ["HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"])
def test_the_cache_is_where_the_hubs_own_library_has_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    below = {"HF_HUB_CACHE": ".", "HF_HOME": "hub", "XDG_CACHE_HOME": "huggingface/hub"}[variable]
    snapshot = in_hub(tmp_path / below, folder, "Qwen/Tiny-VL")
    assert find_local("Qwen/Tiny-VL") == snapshot


def test_a_name_from_a_file_leads_to_no_folder(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(folder.parent)
    for name in (
        str(folder),
        folder.name,
        f"../{folder.name}",
        "a/../../b",
        "//server/share",
        "\\\\server\\share",
        "",
        "a\0b",
        "~",
    ):
        assert find_in_hub(name) is None
    assert find_local(folder.name) == Path(folder.name)
    assert find_local("a\0b") is None
