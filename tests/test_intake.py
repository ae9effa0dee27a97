"""What a dropped path is taken for."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from core import pipeline
from tests.builders import DFM, write_checkpoint


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    Pillow.fromarray(rng.integers(0, 255, (20, 20), dtype=np.uint8)).save(tmp_path / "picture.png")
    Pillow.fromarray((rng.random((20, 20)) > 0.5).astype(np.uint8) * 255).save(tmp_path / "mask.png")
    write_checkpoint(tmp_path / "best.ckpt", DFM)
    write_checkpoint(tmp_path / "no_ending", DFM)
    (tmp_path / "page.ckpt").write_text("<html>log in</html>")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "vlm_profiles").mkdir()
    (tmp_path / "sharded.ckpt").mkdir()
    (tmp_path / "study").mkdir()
    with tarfile.open(tmp_path / "cache.tar", "w") as archive:
        archive.add(tmp_path / "notes.txt", arcname="vlm_profiles/unknown:unknown:fp=0:i=0_img.pt")
    (tmp_path / "scan.dcm").write_bytes(b"\0" * 300)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("picture.png", "image"),
        ("mask.png", "labels"),
        ("best.ckpt", "checkpoint"),
        ("no_ending", "checkpoint"),
        ("page.ckpt", "checkpoint"),
        ("sharded.ckpt", "checkpoint"),
        ("vlm_profiles", "profiles"),
        ("cache.tar", "profiles"),
        ("study", "folder"),
        ("scan.dcm", "image"),
        ("notes.txt", "unknown"),
        ("gone.png", "unknown"),
        ("gone.ckpt", "unknown"),
    ],
)
def test_a_path_is_taken_for_what_it_is(files: Path, name: str, kind: str) -> None:
    intake = pipeline.identify(files / name)
    assert intake.kind == kind
    assert intake.why
    assert (kind == "unknown") == bool(intake.findings)


def test_what_is_not_there_is_said_at_once(files: Path) -> None:
    (finding,) = pipeline.identify(files / "gone.png").findings
    assert "gone.png" in finding.message
    assert "no such file" in finding.message
    assert finding.remedy
