"""Predictions that are kept: they come back as they were, within a budget, and a damaged file is as good as none."""

from __future__ import annotations

import os
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from core import pipeline
from core.inference.results import SUFFIX, ResultCache, size_bytes
from core.records import (
    AnswerField,
    Condition,
    FilmSettings,
    Finding,
    Image,
    Prediction,
    ResultKey,
    RunSettings,
    frozen_array,
)
from tests.builders import DFM, FILM, write_checkpoint
from tests.comparison.drawing import prediction


def one(value: float = 0.5, side: int = 10) -> Prediction:
    return prediction(np.full((1, side, side), value, np.float32))


def key(name: str = "a", **settings: Any) -> ResultKey:
    return ResultKey(checkpoint=name, image="b", settings=RunSettings(**settings))


def same(first: Any, second: Any) -> bool:
    """Whether two records hold the same, down to types and dtypes."""
    if type(first) is not type(second):
        return False
    if isinstance(first, np.ndarray):
        return first.dtype == second.dtype and np.array_equal(first, second, equal_nan=first.dtype.kind == "f")
    if is_dataclass(first):
        return all(same(getattr(first, item.name), getattr(second, item.name)) for item in fields(first))
    if isinstance(first, (tuple, list)):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[name], second[name]) for name in first)
    return bool(first == second)


# ---- memory ----------------------------------------------------------------------------------------------------------


def test_what_was_unused_for_longest_goes_first() -> None:
    cache = ResultCache(memory_bytes=3 * size_bytes(one()))
    for name in "abc":
        cache.put(name, one())
    assert cache.get("a") is not None
    cache.put("d", one())
    assert [name in cache for name in "abcd"] == [True, False, True, True]
    assert cache.bytes == 3 * size_bytes(one())


def test_the_newest_stays_whatever_its_size() -> None:
    cache = ResultCache(memory_bytes=10)
    cache.put("a", one())
    cache.put("b", one())
    assert ("a" in cache, "b" in cache, len(cache)) == (False, True, 1)


def test_any_key_serves_in_memory_and_results_can_be_forgotten() -> None:
    cache = ResultCache()
    for number in range(4):
        assert cache.put(number, one()) == ""
    cache.put(1, one(0.25))
    assert len(cache) == 4
    found = cache.get(1)
    assert found is not None
    assert found.score[0, 0, 0] == 0.25
    cache.forget(lambda number: number % 2 == 0)
    assert [cache.get(number) is None for number in range(4)] == [True, False, True, False]


def test_an_array_that_stands_twice_in_a_prediction_counts_once() -> None:
    bare = one()
    assert size_bytes(bare) == 2 * 400 + 100  # score is the step's estimate and state; probability; mask
    apart = replace(bare, score=frozen_array(bare.score))
    assert size_bytes(apart) == size_bytes(bare) + 400


# ---- disk ------------------------------------------------------------------------------------------------------------


def test_a_real_prediction_comes_back_from_disk_as_it_was(tmp_path: Path) -> None:
    segmenter = pipeline.load(write_checkpoint(tmp_path / "film.ckpt", DFM | FILM, film=True), device="cpu")
    picture = np.random.default_rng(0).random((21, 30)).astype(np.float32)
    settings = RunSettings(samples=2, keep_members=True, keep=(0.0, 1.0), film=FilmSettings(strength=0.5))
    told = np.random.default_rng(1).random(12).astype(np.float32)
    made = pipeline.segment(segmenter, picture, settings, condition=told)
    answer = AnswerField(name="breaks", levels=("no", "yes"), probabilities=(0.25, 0.75), chosen=None)
    spoken = Condition(window=0, vector=made.conditions[0].vector, origin="cache", fields=(answer,))
    finding = Finding(severity="note", code="a.b", message="Größe 크기", remedy="")
    whole = replace(made, conditions=(spoken, *made.conditions[1:]), findings=(finding,))
    assert whole.modulation
    assert whole.members
    name = pipeline.result_key(tmp_path / "film.ckpt", picture, settings)
    assert pipeline.result_cache(folder=tmp_path / "kept").put(name, whole) == ""
    again = pipeline.result_cache(folder=tmp_path / "kept").get(name)
    assert again is not None
    assert same(replace(again, provenance={}), replace(whole, provenance={}))
    assert again.provenance == whole.provenance
    assert again.score is again.steps[-1].estimate  # shared before, shared again
    assert not again.score.flags.writeable
    assert again.score.base is None


def test_an_unknown_key_and_one_that_means_nothing_to_others_are_not_on_disk(tmp_path: Path) -> None:
    cache = ResultCache(folder=tmp_path)
    cache.put("name", one())
    cache.put(key(), one())
    assert len(list(tmp_path.iterdir())) == 1
    fresh = ResultCache(folder=tmp_path)
    assert fresh.get("name") is None
    assert fresh.get(key(seed=1)) is None
    assert fresh.get(key()) is not None
    assert key() in fresh
    fresh.clear_disk()
    assert list(tmp_path.iterdir()) == []


def only_file(folder: Path) -> Path:
    (path,) = folder.glob(f"*{SUFFIX}")
    return path


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50])


def flipped(path: Path) -> None:
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def foreign(path: Path) -> None:
    save_file({"0": np.zeros(3, np.float32)}, path)


def of_an_unknown_record(path: Path) -> None:
    _with_header(path, lambda text: text.replace('"Prediction"', '"Path"'))


def of_another_version(path: Path) -> None:
    _with_header(path, lambda text: text.replace('"version": 1', '"version": 0'))


def of_another_key(path: Path) -> None:
    _with_header(path, lambda text: text.replace("seed", "sead"))


def not_json(path: Path) -> None:
    _with_header(path, lambda text: text[:-5])


def _with_header(path: Path, change: Any) -> None:
    with safe_open(path, framework="numpy") as file:
        text = file.metadata()["flowglass"]
    assert change(text) != text
    save_file(load_file(path), path, metadata={"flowglass": change(text)})


DAMAGE = (
    truncated, flipped, emptied, foreign, of_an_unknown_record, of_another_version, of_another_key, not_json,
)  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_a_damaged_file_is_as_good_as_none_and_goes(tmp_path: Path, damage: Any) -> None:
    ResultCache(folder=tmp_path).put(key(), one())
    damage(only_file(tmp_path))
    assert ResultCache(folder=tmp_path).get(key()) is None
    assert list(tmp_path.iterdir()) == []


def test_the_disk_has_a_budget_too(tmp_path: Path) -> None:
    ResultCache(folder=tmp_path).put(key("size"), one())
    size = only_file(tmp_path).stat().st_size
    cache = ResultCache(folder=tmp_path, disk_bytes=int(2.5 * size))
    only_file(tmp_path).unlink()
    for age, name in enumerate("ab"):
        cache.put(key(name), one())
        newest = max(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, ns=(age, age))
    assert ResultCache(folder=tmp_path).get(key("a")) is not None  # used just now
    cache.put(key("c"), one())
    fresh = ResultCache(folder=tmp_path)
    assert [fresh.get(key(name)) is not None for name in "abc"] == [True, False, True]


def test_a_disk_that_refuses_costs_only_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = ResultCache(folder=tmp_path / "file")
    assert "could not be kept on disk" in cache.put(key(), one())
    assert cache.get(key()) is not None
    assert ResultCache(folder=tmp_path / "file").get(key()) is None


# ---- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_knows_the_state_of_its_files(tmp_path: Path) -> None:
    checkpoint, picture = tmp_path / "a.ckpt", tmp_path / "b.png"
    checkpoint.write_bytes(b"1")
    picture.write_bytes(b"2")
    image = Image(voxels=np.zeros((1, 2, 2)), name="b", path=str(picture))
    made = lambda **more: pipeline.result_key(checkpoint, image, RunSettings(), **more)  # noqa: E731
    before = made()
    assert before == made()
    assert made(device="cpu") != made(device="cuda")
    assert made(film_stages=(0, 1), device="cpu") == made(device="cpu", film_stages=[0, 1])
    assert made(sha256="f00").checkpoint == "sha256:f00"
    other_frame = replace(image, frame=3, frames=9)
    assert pipeline.result_key(checkpoint, other_frame, RunSettings()) != before
    assert pipeline.result_key(checkpoint, image, RunSettings(seed=1)) != before
    os.utime(checkpoint, ns=(5, 5))
    changed = made()
    assert changed.checkpoint != before.checkpoint
    picture.write_bytes(b"longer")
    assert made().image != changed.image


def test_an_array_is_known_by_its_numbers(tmp_path: Path) -> None:
    checkpoint = tmp_path / "a.ckpt"
    checkpoint.write_bytes(b"1")
    first, same_again, other = (
        pipeline.result_key(checkpoint, np.full((2, 2), value, np.float32), RunSettings()) for value in (1, 1, 2)
    )
    assert first == same_again != other
    gone = Image(voxels=np.ones((1, 2, 2), np.float32), name="b", path=str(tmp_path / "gone.png"))
    assert pipeline.result_key(checkpoint, gone, RunSettings()) == first
