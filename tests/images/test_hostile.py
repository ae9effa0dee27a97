"""Hostile and odd image files, as the manifest of the fixtures says they must behave."""

from __future__ import annotations

import json
import os
import random
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from core.errors import ImageRefused
from core.images import read_image, scan_folder, sniff_image
from tests.shared_data import FIXTURES, SHARED, needs_shared

HOSTILE = FIXTURES / "hostile"


def image_entries() -> list[Any]:
    if not SHARED.is_dir():
        return []
    entries = json.loads((HOSTILE / "manifest.json").read_text())["entries"]
    return [pytest.param(entry, id=entry["file"]) for entry in entries
            if entry["kind"] == "image"]  # fmt: skip


@needs_shared
@pytest.mark.parametrize("entry", image_entries())
def test_a_hostile_image_is_opened_or_refused_as_the_manifest_says(entry: dict[str, Any]) -> None:
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    image = None
    try:
        image = read_image(HOSTILE / entry["file"])
        outcome, said = "open", " ".join(finding.message for finding in image.findings)
    except ImageRefused as refusal:
        outcome, said = "refuse", str(refusal)
    assert outcome in {entry["expected"], *entry["also_ok"]}
    assert time.monotonic() - start < entry["limits"]["max_seconds"]
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < entry["limits"]["max_extra_rss_mb"]
    words = entry.get("message_should_mention_any")
    if words:
        assert any(word.lower() in said.lower() for word in words), said
    if image is not None:
        check_values(image.voxels, entry.get("must_read", {}))


def check_values(voxels: Any, expected: dict[str, Any]) -> None:
    if "slices" in expected:
        assert len(voxels) == expected["slices"]
    if "shape" in expected:
        assert list(voxels.shape[-len(expected["shape"]) :]) == expected["shape"]
    if "max" in expected:
        assert voxels.max() == expected["max"]
    if "min" in expected:
        assert voxels.min() == expected["min"]


@needs_shared
def test_every_hostile_checkpoint_is_no_image() -> None:
    for entry in json.loads((HOSTILE / "manifest.json").read_text())["entries"]:
        if entry["kind"] == "checkpoint" and entry["name"] != "png_renamed":
            with pytest.raises(ImageRefused):
                read_image(HOSTILE / entry["file"])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are a POSIX thing")
def test_a_pipe_a_device_a_link_loop_and_a_folder_are_refused_by_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    for name, why in {
        "pipe.png": "pipe",
        "zero.png": "device",
        "loop.png": "opened",
        ".": "folder",
        "no": "no such",
    }.items():
        with pytest.raises(ImageRefused, match=why):
            read_image(tmp_path / name)
        assert sniff_image(tmp_path / name) is None


def test_a_name_made_to_deceive_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / "a\u202egnp.exe\n.png"
    path.write_bytes(b"nothing")
    with pytest.raises(ImageRefused) as refusal:
        read_image(path)
    assert "\\u202e" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM"])
def test_damaged_pictures_open_or_are_refused_and_nothing_else(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "picture"
    Pillow.fromarray(np.random.default_rng(0).integers(0, 256, (20, 24), dtype=np.uint8)).save(path, format=kind)
    whole, draw, refused = path.read_bytes(), random.Random(0), 0
    for _ in range(200):
        damaged = bytearray(whole)
        for _ in range(draw.choice([1, 2, 5])):
            damaged[draw.randrange(min(len(damaged), 120))] = draw.randrange(256)
        path.write_bytes(damaged[: draw.choice([len(damaged), draw.randrange(1, len(damaged))])])
        try:
            read_image(path)
        except ImageRefused:
            refused += 1
    assert refused > 20


def test_a_folder_with_everything_odd_in_it_can_be_scanned(tmp_path: Path) -> None:
    (tmp_path / "up").symlink_to(tmp_path)
    (tmp_path / "a.png").symlink_to("/dev/zero")
    (tmp_path / "b.png").write_bytes(b"x")
    contents = scan_folder(tmp_path)
    assert [case.name for case in contents.cases] == ["b.png"]
    assert [finding.code for finding in contents.findings] == ["folder.links"]
