"""Fresh profiles on disk: ours, the producers' copy, names that may not escape, writers at the same time, doubt."""

from __future__ import annotations

import json
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from core.checkpoints.reader import open_checkpoint, read_array
from core.conditioning.keys import IMAGE_HASH, name_of_stem, prompt_hash, safe_stem, window_id
from core.conditioning.profile_writing import write_profile
from core.conditioning.profiles import Profile, ProfileCache
from tests.shared_data import FIXTURES, needs_shared

NAME = "unknown:unknown:fp=0123456789ab:i=0|vlm:raw"
FEATURE = np.random.default_rng(0).normal(size=7).astype(np.float16).astype(np.float32)
HALF = "float16"


def said(feature: np.ndarray[tuple[int], np.dtype[np.float32]] = FEATURE, **words: str) -> Profile:
    return Profile(feature=feature, **({"model": "tiny"} | words))


@pytest.mark.parametrize("dtype", ["float16", "torch.float16", "bfloat16", "float32"])
def test_what_is_written_is_found_again_bit_for_bit(tmp_path: Path, dtype: str) -> None:
    kind = getattr(torch, dtype.removeprefix("torch."))
    feature = torch.from_numpy(np.random.default_rng(1).normal(size=9).astype(np.float32)).to(kind).float().numpy()
    write_profile(tmp_path, NAME, prompt_hash("Say."), said(feature, text="thin", prompt="Say."), dtype)
    found = ProfileCache([tmp_path]).profile(NAME, prompt_hash("Say."))
    assert found is not None
    assert np.array_equal(found.feature, feature)
    assert (found.text, found.prompt, found.model, found.source) == ("thin", "Say.", "tiny", tmp_path.name)


def test_the_json_says_what_it_was_made_of(tmp_path: Path) -> None:
    path = write_profile(tmp_path, NAME, prompt_hash("Say."), said(text="한", prompt="Say.", revision="abc"), HALF)
    words = json.loads(path.read_text(encoding="utf-8"))
    assert (words["identity"], words["prompt"], words["answer"]) == (NAME, "Say.", "한")
    assert (words["model"], words["revision"], words["dtype"]) == ("tiny", "abc", "float16")
    assert words["versions"]["torch"].startswith("2.")
    assert words["created"].endswith("+00:00")


@pytest.mark.parametrize(("suffix", "key"), [(IMAGE_HASH, "image_feat"), (prompt_hash("Say."), "e_text")])
def test_the_producers_code_and_the_safe_reader_find_their_file(tmp_path: Path, suffix: str, key: str) -> None:
    write_profile(tmp_path, NAME, suffix, said(text="thin"), HALF)
    path = tmp_path / f"{NAME}_{suffix}.pt"
    stored = torch.load(path, weights_only=True)
    assert stored[key].dtype == torch.float16
    assert np.array_equal(stored[key].float().numpy(), FEATURE[None])
    assert stored.get("text") == (None if key == "image_feat" else "thin")
    contents = open_checkpoint(path)
    assert np.array_equal(read_array(contents, contents.root[key]).astype(np.float32), FEATURE[None])
    (tmp_path / f"{safe_stem(f'{NAME}_{suffix}')}.json").unlink()
    copy = ProfileCache([tmp_path]).profile(NAME, suffix)  # now their file is all there is
    assert copy is not None
    assert np.array_equal(copy.feature, FEATURE)
    assert copy.text == stored.get("text", "")


def test_a_block_of_logits_is_stored_flat(tmp_path: Path) -> None:
    write_profile(tmp_path, NAME, prompt_hash("Say."), said(text="A"), HALF, flat=True)
    assert torch.load(tmp_path / f"{NAME}_{prompt_hash('Say.')}.pt", weights_only=True)["e_text"].shape == (7,)


@needs_shared
@pytest.mark.parametrize("case", ["sofl_vlm_meta_stages23_dfm", "sofl_vlm_overlay_dfm", "sofl_vlm_cfm_textprompt"])
def test_our_copies_have_the_names_and_contents_of_genuine_files(tmp_path: Path, case: str) -> None:
    folder = FIXTURES / "flow" / case
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    with tarfile.open(folder / "vlm_profiles.tar") as archive:
        archive.extractall(tmp_path / "genuine", filter="data")
    genuine = tmp_path / "genuine" / "vlm_profiles"
    arrays = np.load(folder / "case.npz")
    windows = arrays["image"]
    mode, suffix = meta["expected"]["input_mode"], IMAGE_HASH
    if mode == "overlay":  # the window in grey, and in red with alpha 0.5 what the FiLM-off pass before it segmented
        grey = np.repeat(np.clip((windows + np.float32(1)) / np.float32(2), 0, 1), 3, axis=1)
        mask = (arrays["logits"][meta["hyper_parameters"]["timesteps"] - 1] > 0).astype(np.float32)
        windows = (1 - np.float32(0.5) * mask) * grey
        windows[:, :1] += np.float32(0.5) * mask
    if "textprompt" in case:
        suffix = prompt_hash(meta["hyper_parameters"]["vlm_film_config"]["prompt_template"])
    cfm = meta["expected"]["mode"] == "cfm_continuous"
    for position, window in enumerate(windows):
        identity = window_id(window, position, "" if cfm else f"vlm:{mode}")
        theirs = genuine / f"{identity}_{suffix}.pt"
        assert theirs.is_file(), f"{identity} is no name of a genuine file"
        profile = ProfileCache([genuine]).profile(identity, suffix)
        assert profile is not None
        write_profile(tmp_path / "ours", identity, suffix, profile, HALF)
        ours = torch.load(tmp_path / "ours" / theirs.relative_to(genuine), weights_only=True)
        stored = torch.load(theirs, weights_only=True)
        assert ours.keys() == stored.keys()
        for key, value in stored.items():
            assert torch.equal(ours[key], value) if isinstance(value, torch.Tensor) else ours[key] == value


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "identity",
    ["../../out", "a/../../../out", "/out", "../", "a//b", "a/./b", "nul\0byte", "a\\..\\..\\out", "line\nbreak"],
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, identity: str) -> None:
    cache = tmp_path / "deep" / "cache"
    write_profile(cache, identity, IMAGE_HASH, said(), HALF)
    assert all(name.startswith("deep/cache/") for name in files_below(tmp_path))
    assert not list(cache.rglob("*.pt"))  # such a name has no copy for the producers
    found = ProfileCache([cache]).find(identity, IMAGE_HASH)
    assert found is not None
    assert np.array_equal(found, FEATURE)


def test_a_link_in_the_folder_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "cache" / "unknown:test").symlink_to(tmp_path / "out", target_is_directory=True)
    write_profile(tmp_path / "cache", "unknown:test/0000.png", IMAGE_HASH, said(), HALF)
    assert files_below(tmp_path / "out") == set()


def test_names_of_data_sets_become_folders_as_the_producers_make_them(tmp_path: Path) -> None:
    write_profile(tmp_path, "unknown:test/image/0000.png|vlm:raw", IMAGE_HASH, said(), HALF)
    assert (tmp_path / "unknown:test" / "image" / "0000.png|vlm:raw_img.pt").is_file()


@pytest.mark.parametrize(
    "name", ["plain_img", "unknown:a/b|c?d*e_img", "..", ".hidden", "~tilde", "한글_img", "\ud800"]
)
def test_safe_names_are_reversible(name: str) -> None:
    stem = safe_stem(name)
    assert set(stem) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%._-")
    assert not stem.startswith(".")
    assert name_of_stem(stem) == name


def test_a_name_that_is_too_long_is_found_all_the_same(tmp_path: Path) -> None:
    identity = "unknown:" + "x" * 400
    write_profile(tmp_path, identity, IMAGE_HASH, said(), HALF)
    assert max(len(name) for name in files_below(tmp_path)) < 255
    assert ProfileCache([tmp_path]).find(identity, IMAGE_HASH) is not None
    assert ProfileCache([tmp_path]).find(identity + "y", IMAGE_HASH) is None


def test_an_entry_in_doubt_counts_as_absent_and_is_replaced(tmp_path: Path) -> None:
    path = write_profile(tmp_path, NAME, IMAGE_HASH, said(), HALF)
    numbers = path.with_suffix(".safetensors")
    whole, words = numbers.read_bytes(), path.read_text(encoding="utf-8")
    for spoil in (
        lambda: numbers.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1])),
        lambda: numbers.write_bytes(whole[:20]),
        lambda: path.write_text(words[:50], encoding="utf-8"),
        lambda: path.write_text(words.replace("i=0", "i=1"), encoding="utf-8"),
        lambda: path.write_text(words.replace('"tiny"', "[1]"), encoding="utf-8"),
        lambda: numbers.unlink(),
    ):
        spoil()
        for copy in tmp_path.glob("*.pt"):
            copy.unlink()
        assert ProfileCache([tmp_path]).find(NAME, IMAGE_HASH) is None
        write_profile(tmp_path, NAME, IMAGE_HASH, said(), HALF)
        assert ProfileCache([tmp_path]).find(NAME, IMAGE_HASH) is not None


def test_of_our_entries_only_those_of_the_right_model_and_recipe_count(tmp_path: Path) -> None:
    write_profile(tmp_path, NAME, IMAGE_HASH, said(model="Qwen/Qwen2.5-VL-3B-Instruct", recipe="image float16"), HALF)
    cache = ProfileCache([tmp_path])
    assert cache.profile(NAME, IMAGE_HASH, ("qwen2.5-vl-3b-instruct",)) is not None
    assert cache.profile(NAME, IMAGE_HASH, ("Qwen/Qwen2.5-VL-7B-Instruct",)) is None
    assert cache.profile(NAME, IMAGE_HASH, (), "image float16") is not None
    assert cache.profile(NAME, IMAGE_HASH, (), "image bfloat16") is None


def test_our_entries_are_found_in_a_tar_too(tmp_path: Path) -> None:
    write_profile(tmp_path / "vlm_profiles", NAME, IMAGE_HASH, said(text="thin"), HALF)
    with tarfile.open(tmp_path / "moved.tar", "w") as archive:
        archive.add(tmp_path / "vlm_profiles", arcname="vlm_profiles")
    found = ProfileCache([tmp_path / "moved.tar"]).profile(NAME, IMAGE_HASH, ("tiny",))
    assert found is not None
    assert (found.text, found.model, found.source) == ("thin", "tiny", "moved.tar")
    assert np.array_equal(found.feature, FEATURE)


def test_an_entry_that_another_run_writes_later_is_found(tmp_path: Path) -> None:
    cache = ProfileCache([tmp_path])
    assert cache.find(NAME, IMAGE_HASH) is None
    write_profile(tmp_path, NAME, IMAGE_HASH, said(), HALF)
    assert cache.find(NAME, IMAGE_HASH) is not None


def test_writers_at_the_same_time_leave_one_whole_entry_or_none(tmp_path: Path) -> None:
    features = [np.full(2000, number, dtype=np.float32) for number in range(4)]
    seen: list[float | None] = []
    stop = threading.Event()

    def write(number: int) -> None:
        for _ in range(15):
            write_profile(tmp_path, NAME, IMAGE_HASH, said(features[number], text=str(number)), HALF)

    def read() -> None:
        while not stop.is_set():
            found = ProfileCache([tmp_path]).profile(NAME, IMAGE_HASH, ("tiny",))
            if found is not None and found.model:
                assert found.text == f"{found.feature[0]:g}"
                assert np.unique(found.feature).size == 1
                seen.append(found.feature[0])

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    reader.start()
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    reader.join()
    assert seen
    write(2)
    last = ProfileCache([tmp_path]).find(NAME, IMAGE_HASH)
    assert last is not None
    assert last[0] == 2
    assert not [name for name in files_below(tmp_path) if name.startswith(".flowglass-")]
