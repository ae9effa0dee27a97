"""Every hostile checkpoint through the verbs that the window and the command line call."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from core import pipeline
from core.errors import CheckpointRefused
from tests.builders import DFM, write_checkpoint
from tests.hostile.manifest import entries
from tests.shared_data import FIXTURES, needs_shared

pytestmark = needs_shared
CHECKPOINTS = entries("checkpoint")


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Everything that an honest file makes the program import is imported before modules are counted."""
    folder = tmp_path_factory.mktemp("warm")
    path = write_checkpoint(folder / "honest.ckpt", DFM)
    safe = FIXTURES / "hostile" / "ok_model.safetensors"
    for file in (path, safe):
        pipeline.identify(file)
        pipeline.inspect(file)
    pipeline.load(path, device="cpu")


@pytest.mark.parametrize("entry", CHECKPOINTS, ids=lambda entry: entry["name"])
def test_nothing_runs_and_the_reason_is_told(
    entry: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm: None
) -> None:
    canary = tmp_path / "canary"
    monkeypatch.setenv("FLOWLENS_CANARY", str(canary))
    path = FIXTURES / "hostile" / entry["file"]
    modules, started = set(sys.modules), time.perf_counter()
    intake, report = pipeline.identify(path), pipeline.inspect(path)
    with pytest.raises(CheckpointRefused) as caught:
        pipeline.load(path, device="cpu")
    assert time.perf_counter() - started < entry["limits"]["max_seconds"]
    assert not canary.exists()
    assert intake.kind in ("checkpoint", "folder", "unknown")
    told = " ".join(f"{item.message} {item.remedy}" for item in (*report.findings, *caught.value.findings))
    wanted = entry.get("message_should_mention_any", [])
    assert not wanted or any(word.lower() in told.lower() for word in wanted), told
    assert set(sys.modules) == modules


@pytest.mark.parametrize("entry", [item for item in CHECKPOINTS if item["expected"] == "open"], ids=lambda e: e["name"])
def test_an_honest_oddity_is_shown_though_no_network_fits_it(entry: dict[str, Any]) -> None:
    report = pipeline.inspect(FIXTURES / "hostile" / entry["file"])
    assert report.container is not None
    assert all(finding.remedy for finding in report.findings if finding.severity == "error")
    for field in entry.get("must_read", {}):
        if field == "hyper_parameters.image_size":
            assert report.hyper_parameters["image_size"] == entry["must_read"][field]
