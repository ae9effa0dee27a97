"""Fixtures too large to store: a skeleton checkpoint, and a recipe of seeded draws that fills its tensors."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

SKELETON, RECIPE = "skeleton.ckpt", "weights_recipe.json"


def has_recipe(case_folder: Path) -> bool:
    return (case_folder / SKELETON).is_file() and (case_folder / RECIPE).is_file()


def filled_state(case_folder: Path) -> dict[str, Tensor]:
    """The state dict of a recipe case with its true weights; every tensor is checked against its sha256."""
    state: dict[str, Tensor] = filled_checkpoint(case_folder)["state_dict"]
    return state


def write_filled(case_folder: Path, target: Path) -> Path:
    """Save the complete checkpoint of a recipe case under `target` (a file name), and return it."""
    torch.save(filled_checkpoint(case_folder), target)
    return target


def filled_checkpoint(case_folder: Path) -> dict[str, Any]:
    """Everything that the training run saved, weights filled in. AssertionError if a draw is not the recorded one."""
    checkpoint: dict[str, Any] = torch.load(case_folder / SKELETON, weights_only=True)
    recipe = json.loads((case_folder / RECIPE).read_text())["tensors"]
    state = checkpoint["state_dict"]
    assert {item["key"] for item in recipe} == set(state), "the recipe and the skeleton name different tensors"
    for item in recipe:
        tensor = state[item["key"]].contiguous() if item["dist"] == "keep" else _drawn(item)
        assert hashlib.sha256(_bytes(tensor)).hexdigest() == item["sha256"], f"{item['key']} is not as recorded"
        state[item["key"]] = tensor
    return checkpoint


def _drawn(item: dict[str, Any]) -> Tensor:
    # In float64, cast last: the order decides the last bit, and with it the sha256.
    random, shape, a, b = np.random.RandomState(item["seed"]), item["shape"], item["a"], item["b"]
    match item["dist"]:
        case "normal":
            values = a + b * random.standard_normal(shape)
        case "uniform":
            values = a + (b - a) * random.random_sample(shape)
        case other:
            raise AssertionError(f"{item['key']}: unknown distribution {other!r}")
    return torch.from_numpy(np.asarray(values, dtype=np.float32))


def _bytes(tensor: Tensor) -> bytes:
    array = tensor.numpy()
    return array.astype(array.dtype.newbyteorder("<")).tobytes()
