"""Masks for the tests of measures: drawn by hand, random, and those of the fixtures."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from tests.shared_data import FIXTURES, SHARED

METRIC_FIXTURES = FIXTURES / "metrics"


def drawn(*rows: str) -> Any:
    return np.array([[mark == "#" for mark in row] for row in rows])


def blobs(shape: tuple[int, ...], seed: int, share: float = 0.3) -> Any:
    """Smooth random objects that cover `share` of the image."""
    field = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 2)
    return field > np.quantile(field, 1 - share)


def fixture_pairs() -> list[Any]:
    if not SHARED.is_dir():
        return []
    listed = json.loads((METRIC_FIXTURES / "expected.json").read_text())["pairs"]
    return [pytest.param(pair, id=pair["name"]) for pair in listed]


def masks_of(pair: dict[str, Any]) -> tuple[Any, Any]:
    """Prediction and reference as stored."""
    with np.load(METRIC_FIXTURES / "pairs.npz") as stored:
        return stored[f"{pair['index']:03d}_pred"] > 0, stored[f"{pair['index']:03d}_target"] > 0
