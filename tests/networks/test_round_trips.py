"""Every line of the registry: build, save as the producer does, inspect, load; nothing is lost on the way."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from core import pipeline
from core.checkpoints.identify import identify_checkpoint
from core.checkpoints.reader import open_checkpoint
from core.errors import CheckpointRefused
from core.networks import ARCHITECTURES
from core.records import RunSettings
from tests.producers import BY_NAME, CONFIGS, random_config, random_weights, write_file

NAMES = [architecture.name for architecture in ARCHITECTURES]


def test_every_architecture_is_tried() -> None:
    assert set(CONFIGS) == set(NAMES)
    assert len(BY_NAME) == len(ARCHITECTURES)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", NAMES)
def test_a_saved_network_comes_back(name: str, seed: int, tmp_path: Path) -> None:
    path = write_file(tmp_path / "best.ckpt", name, seed)
    found = identify_checkpoint(open_checkpoint(path))
    assert found.report.status in ("ok", "ambiguous"), found.report.findings
    assert (found.report.arch, found.config) == (name, random_config(name, seed))
    assert not [item for item in found.report.findings if item.code == "hparams.disagrees"]
    network = pipeline.load(path, device="cpu").network
    wanted = random_weights(BY_NAME[name], random_config(name, seed), seed)
    loaded = network.state_dict()
    assert loaded.keys() == wanted.keys()
    assert all(torch.equal(loaded[key], value) and loaded[key].dtype == value.dtype for key, value in wanted.items())


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_network_predicts(name: str, tmp_path: Path) -> None:
    """On an image that is no multiple of anything, with a seed, twice the same."""
    segmenter = pipeline.load(write_file(tmp_path / "best.ckpt", name, 1), device="cpu")
    image = np.random.default_rng(0).normal(size=(21, 37)).astype(np.float32)
    steps = 2 if segmenter.report.family == "flow" else None
    first, second = (pipeline.segment(segmenter, image, RunSettings(steps=steps, keep="last")) for _ in range(2))
    assert first.mask.shape == (1, 21, 37)
    assert np.isfinite(first.score).all()
    np.testing.assert_array_equal(first.score, second.score)
    assert ((first.probability >= 0) & (first.probability <= 1)).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", ["missing", "extra", "shape"])
def test_a_damaged_network_is_refused(name: str, change: str, tmp_path: Path) -> None:
    path = write_file(tmp_path / "best.ckpt", name)
    stored = torch.load(path, weights_only=True)
    state = stored["state_dict"]
    prefix = "diffusion_model.model." if BY_NAME[name].family == "diffusion" else ""
    key = [key for key in state if key.startswith(prefix) and key.endswith("bias")][3]
    if change == "missing":
        del state[key]
    elif change == "extra":
        state[key + "_of_another"] = torch.zeros(3)
    else:
        state[key] = torch.zeros(len(state[key]) + 1)
    torch.save(stored, path)
    with pytest.raises(CheckpointRefused, match=rf"(network|no {name} has).*{re.escape(key)}"):
        pipeline.load(path, device="cpu")
