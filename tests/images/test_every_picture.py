"""Every picture of the shared data: its size, grey values and colours as Pillow and OpenCV found them, and its mask."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from core.images import read_image, read_labels
from tests.shared_data import DATA, SHARED, needs_shared

SETS = ("fundus", "octa", "xca")
JPEG_LEVELS = 3
"""Two decoders of one JPEG may differ by as much in a pixel: the standard leaves the rounding open."""


@cache
def facts_of(name: str, which: str = "expected") -> dict[str, Any]:
    return dict(json.loads((DATA / name / f"{which}.json").read_text()))


@cache
def items_of(name: str) -> dict[str, dict[str, Any]]:
    return {item["path"]: item for item in facts_of(name, "manifest")["items"]}


def pictures(*, masks: bool = False) -> list[Any]:
    if not SHARED.is_dir():
        return []
    found = [(name, key) for name in SETS for key in facts_of(name)["files"]]
    return [
        pytest.param(name, key, id=f"{name}/{key}")
        for name, key in found
        if not masks or "values" in items_of(name)[key].get("label", {})
    ]


@needs_shared
@pytest.mark.parametrize(("name", "key"), pictures())
def test_a_picture_has_the_values_that_other_readers_found(name: str, key: str) -> None:
    theirs, item = facts_of(name)["files"][key], items_of(name)[key]
    image = read_image(DATA / name / key)
    values = image.voxels[0] if image.colour is None else image.colour
    assert list(values.shape) == item["shape"]
    assert image.affine is None
    stats = theirs["pillow"]
    assert (values.size, float(values.min()), float(values.max())) == (stats["n"], stats["min"], stats["max"])
    assert values.mean(dtype=np.float64) == pytest.approx(stats["mean"], rel=1e-5)
    tolerance = JPEG_LEVELS if key.endswith(".jpg") else 0
    for place, expected in theirs["pixel_samples_row_col"].items():
        row, column = map(int, place.split(","))
        np.testing.assert_allclose(values[row, column], expected, atol=tolerance)
    if image.colour is not None:
        means = image.colour.mean(axis=(0, 1), dtype=np.float64)
        np.testing.assert_allclose(means, theirs["per_channel_mean_RGB"], atol=1e-3)
        np.testing.assert_array_equal(image.voxels[0], image.colour[..., 0])


@needs_shared
@pytest.mark.parametrize(("name", "key"), pictures(masks=True))
def test_a_mask_has_the_foreground_of_the_manifest(name: str, key: str) -> None:
    expected = items_of(name)[key]["label"]
    labels = read_labels(DATA / name / key).labels
    assert np.count_nonzero(labels) == expected["foreground_pixels_gt127"]


@needs_shared
@pytest.mark.parametrize("name", SETS)
def test_no_picture_of_a_set_is_left_out(name: str) -> None:
    assert set(facts_of(name)["files"]) == set(items_of(name))
