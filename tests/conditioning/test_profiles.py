"""The producers' profile cache: names, folders and tars, broken entries, and places that a file may not name."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import numpy as np
import torch

from core.conditioning.keys import fingerprint, prompt_hash, window_id
from core.conditioning.profiles import ProfileCache, profile_sources

NAME = "unknown:unknown:fp=0123456789ab:i=0|vlm:raw"


def cache(folder: Path, name: str, feature: torch.Tensor) -> Path:
    profiles = folder / "vlm_profiles"
    (profiles / name).parent.mkdir(parents=True, exist_ok=True)
    torch.save({"image_feat": feature}, profiles / f"{name}_img.pt")
    return profiles


def test_a_fingerprint_is_the_md5_of_shape_type_and_the_pixels_twice() -> None:
    window = np.arange(100, dtype=np.float32).reshape(1, 10, 10)
    raw = window.astype("<f4").tobytes()
    assert fingerprint(window) == hashlib.md5(b"(1, 10, 10)|torch.float32" + raw + raw).hexdigest()[:12]
    small = window[:, :2, :2]
    once = hashlib.md5(b"(1, 2, 2)|torch.float32" + np.ascontiguousarray(small).tobytes()).hexdigest()[:12]
    assert fingerprint(small) == once
    assert fingerprint(window + 1e-6) != fingerprint(window)


def test_names_of_windows_and_prompts() -> None:
    window = np.zeros((1, 10, 10), dtype=np.float32)
    assert window_id(window, 3, "vlm:raw").endswith(":i=3|vlm:raw")
    assert window_id(window, 3, "").endswith(":i=3")
    assert prompt_hash("Describe.") == hashlib.md5(b"Describe.").hexdigest()[:8]


def test_folder_and_tar_give_the_same_feature_in_its_stored_rounding(tmp_path: Path) -> None:
    feature = torch.tensor([[0.1, 0.2, 0.3]], dtype=torch.float16)
    folder = cache(tmp_path, NAME, feature)
    archive = tmp_path / "other.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(folder, arcname="vlm_profiles")
    for source in (folder, archive):
        found = ProfileCache([source]).find(NAME, "img")
        assert found is not None
        assert np.array_equal(found, feature[0].float().numpy())


def test_the_same_window_at_another_place_of_its_batch_serves(tmp_path: Path) -> None:
    profiles = ProfileCache([cache(tmp_path, NAME, torch.ones(1, 3))])
    assert profiles.find(NAME.replace(":i=0", ":i=2"), "img") is not None
    assert profiles.find(NAME.replace("0123", "9999"), "img") is None
    assert profiles.find(NAME, "abcdef12") is None


def test_a_broken_entry_counts_as_absent(tmp_path: Path) -> None:
    folder = cache(tmp_path, NAME, torch.ones(1, 3))
    (folder / f"{NAME}_img.pt").write_bytes(b"PK\x03\x04 cut off")
    assert ProfileCache([folder]).find(NAME, "img") is None


def test_a_checkpoint_cannot_send_us_searching_the_disk_or_the_network(tmp_path: Path) -> None:
    checkpoint = tmp_path / "run" / "checkpoints" / "best.ckpt"
    checkpoint.parent.mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere" / "vlm_profiles"
    elsewhere.mkdir(parents=True)
    beside = tmp_path / "run" / "cache" / "vlm_profiles"
    beside.mkdir(parents=True)
    assert profile_sources(checkpoint, str(elsewhere)) == (beside, elsewhere)
    for stated in ("/", str(tmp_path), "//server/share/vlm_profiles", "\\\\server\\vlm_profiles"):
        assert profile_sources(checkpoint, stated) == (beside,)
