"""Every checkpoint and configuration file of the hostile fixtures, opened by the reader alone."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.checkpoints.config_file import ConfigRefused, read_config, read_json
from core.checkpoints.contents import Contents, TensorInfo
from core.checkpoints.reader import open_checkpoint, read_array
from core.checkpoints.text import plain
from core.errors import CheckpointRefused
from tests.hostile.manifest import HOSTILE, entries, reader_outcomes
from tests.shared_data import needs_shared

pytestmark = needs_shared
CHECKPOINTS = entries("checkpoint")
STRICT_REFUSALS = {"code-execution", "damaged", "wrong-type", "bad-tensor", "safetensors", "path-traversal"}
SHOWN = {
    "shown as text naming torch.optim.*AdamW and lr=0.001": ("torch.optim", "AdamW", "lr=0.001"),
    'shown with its value "cosine"': ("cosine", "Sched"),
    "class name src.registry.base.Thing is shown": ("src.registry.base.Thing",),
    "readable": ("ModelCheckpoint",),
}


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "canary"
    monkeypatch.setenv("FLOWLENS_CANARY", str(path))
    return path


def lookup(contents: Contents, dotted: str) -> Any:
    """The value at a dotted path; keys may hold dots themselves, so the longest key that fits wins."""
    if dotted.startswith("metadata."):
        return contents.metadata[dotted.removeprefix("metadata.")]
    value, parts = contents.root, dotted.split(".")
    while parts:
        if parts == ["shape"] and isinstance(value, TensorInfo):
            return list(value.shape)
        if isinstance(value, TensorInfo):
            raise KeyError(dotted)
        value = value if isinstance(value, dict) else plain(value)
        for count in range(len(parts), 0, -1):
            if ".".join(parts[:count]) in value:
                value = value[".".join(parts[:count])]
                parts = parts[count:]
                break
        else:
            raise KeyError(dotted)
    return value


def check_reading(contents: Contents, dotted: str, wanted: Any) -> None:
    value = lookup(contents, dotted)
    if isinstance(wanted, dict) and "dtype" in wanted:
        assert isinstance(value, TensorInfo)
        assert (list(value.shape), value.dtype) == (wanted["shape"], wanted["dtype"])
        assert float(read_array(contents, value).astype(np.float64).sum()) == pytest.approx(wanted["sum"], rel=1e-12)
    elif wanted in SHOWN if isinstance(wanted, str) else False:
        assert all(piece in json.dumps(plain(value)) for piece in SHOWN[wanted])
    else:
        assert plain(value) == wanted


@pytest.mark.parametrize("entry", CHECKPOINTS, ids=lambda entry: entry["name"])
def test_a_checkpoint_fixture_does_what_its_entry_says(entry: dict[str, Any], canary: Path) -> None:
    open_checkpoint(HOSTILE / "ok_enum.ckpt")  # warm: what our own code imports late is no news
    modules, start = set(sys.modules), time.monotonic()
    try:
        contents = open_checkpoint(HOSTILE / entry["file"])
        outcome, said = "open", " ".join(finding.message for finding in contents.findings)
        json.dumps(plain(contents.root), allow_nan=False)
    except CheckpointRefused as refusal:
        contents, outcome, said = None, "refuse", str(refusal)
    assert time.monotonic() - start < entry["limits"]["max_seconds"]
    assert set(sys.modules) == modules
    assert not canary.exists()
    assert outcome in reader_outcomes(entry)
    if outcome == "refuse":
        words = entry.get("message_should_mention_any", [])
        assert not words or any(word.lower() in said.lower() for word in words), said
        assert Path(entry["file"]).name in said
        assert "Traceback" not in said
    elif entry["expected"] == "open":
        for dotted, wanted in entry.get("must_read", {}).items():
            check_reading(contents, dotted, wanted)
    assert not canary.exists()


@pytest.mark.parametrize(
    "entry", [entry for entry in CHECKPOINTS if entry["category"] in STRICT_REFUSALS], ids=lambda entry: entry["name"]
)
def test_these_are_refused_even_where_the_manifest_would_allow_more(entry: dict[str, Any]) -> None:
    with pytest.raises(CheckpointRefused) as caught:
        open_checkpoint(HOSTILE / entry["file"])
    finding = caught.value.findings[0]
    assert finding.severity == "error"
    assert finding.code.count(".") == 1
    assert finding.remedy.endswith(".")


@pytest.mark.parametrize("entry", entries("yaml", "session"), ids=lambda entry: entry["name"])
def test_a_configuration_fixture_is_refused_with_its_reason(entry: dict[str, Any], canary: Path) -> None:
    read = read_config if entry["kind"] == "yaml" else read_json
    start = time.monotonic()
    with pytest.raises(ConfigRefused) as caught:
        read(HOSTILE / entry["file"])
    assert time.monotonic() - start < entry["limits"]["max_seconds"]
    assert any(word.lower() in str(caught.value).lower() for word in entry["message_should_mention_any"])
    assert not canary.exists()


def test_a_genuine_training_checkpoint_opens_and_all_its_weights_are_read() -> None:
    from core.checkpoints.reader import read_many

    paths = sorted((HOSTILE.parent / "evaluation").glob("*/experiments/**/best.ckpt"))
    assert paths
    for path in paths:
        contents = open_checkpoint(path)
        assert contents.container == "lightning"
        assert "ModelCheckpoint" in json.dumps(plain(contents.root["callbacks"]))
        weights = contents.root["state_dict"]
        read = dict(read_many(contents, weights))
        assert {name: array.shape for name, array in read.items()} == {n: info.shape for n, info in weights.items()}
        assert all(np.isfinite(array).all() for array in read.values() if array.dtype.kind == "f")
