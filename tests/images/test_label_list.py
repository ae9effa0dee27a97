"""Labels are listed with their voxels and a place that is really inside; label maps are known by their patches."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core import pipeline
from core.images import looks_like_mask, read_labels
from core.images.labels import is_patchwork
from core.progress import Cancelled, Progress
from core.records import LabelMap
from tests.shared_data import DATA, SHARED, needs_shared

SPECIAL = ("cta_aorta/iliac", "echo4d/seg4d_11f.nii")
"""An empty mask, and labels that were interpolated into fractions: nothing in the content says what they are."""


def label_map(values: np.ndarray, **about: object) -> LabelMap:
    return LabelMap(labels=values, name="labels", **about)  # type: ignore[arg-type]


def ring() -> np.ndarray:
    """A ring around an empty middle in slice 2, and one voxel of it in slice 0."""
    values = np.zeros((4, 11, 11), dtype=np.int32)
    values[2, 2:9, 2:9] = 7
    values[2, 4:7, 4:7] = 0
    values[0, 0, 0] = 7
    return values


def test_the_place_of_a_label_is_inside_it_and_where_most_of_it_is() -> None:
    (listed,) = pipeline.list_labels(
        label_map(ring(), names={7: "annulus"}, codes={7: "SCT:1"}, colours={7: (1, 2, 3)})
    )
    assert (listed.number, listed.name, listed.code, listed.colour) == (7, "annulus", "SCT:1", (1, 2, 3))
    assert listed.voxels == 49 - 9 + 1
    assert listed.centre[0] == 2
    assert ring()[listed.centre] == 7


@pytest.mark.parametrize("numbers", [(1, 2, 300), (5, 70_000), (-3, 4)])
def test_any_numbers_are_counted(numbers: tuple[int, ...]) -> None:
    values = np.zeros((2, 6, 6), dtype=np.int32)
    for place, number in enumerate(numbers):
        values[1, place, : place + 1] = number
    listed = pipeline.list_labels(label_map(values))
    assert [(label.number, label.voxels) for label in listed] == [
        (number, place + 1) for place, number in sorted(enumerate(numbers), key=lambda item: item[1])
    ]
    assert all(values[label.centre] == label.number for label in listed)


def test_an_empty_map_has_no_labels_and_a_long_one_can_be_cancelled() -> None:
    def stop(progress: Progress) -> None:
        if progress.done == 2:
            raise Cancelled

    assert pipeline.list_labels(label_map(np.zeros((3, 4, 4), dtype=np.uint8))) == ()
    with pytest.raises(Cancelled):
        pipeline.list_labels(label_map(ring()), stop)


@needs_shared
def test_real_label_maps_have_the_counts_that_are_expected() -> None:
    items = json.loads((DATA / "volumes" / "manifest.json").read_text())["items"]
    counted = [item for item in items if "counts" in item.get("label", {}) and not item["path"].startswith("echo4d")]
    assert len(counted) >= 10
    for item in counted:
        wanted = {int(float(number)): count for number, count in item["label"]["counts"].items() if float(number) != 0}
        labels = read_labels(DATA / "volumes" / item["path"])
        assert {label.number: label.voxels for label in pipeline.list_labels(labels)} == wanted, item["path"]


def volumes(role: str) -> list[str]:
    if not SHARED.is_dir():
        return []
    items = json.loads((DATA / "volumes" / "manifest.json").read_text())["items"]
    return [item["path"] for item in items if item["role"] == role and not item["path"].startswith(SPECIAL)]


@needs_shared
@pytest.mark.parametrize("path", volumes("label"))
def test_a_label_volume_is_taken_for_a_mask(path: str) -> None:
    assert looks_like_mask(DATA / "volumes" / path)


@needs_shared
@pytest.mark.parametrize("path", volumes("image"))
def test_an_image_volume_is_not(path: str) -> None:
    assert not looks_like_mask(DATA / "volumes" / path)


def test_noise_of_small_whole_numbers_is_no_patchwork() -> None:
    noise = np.random.default_rng(0).integers(0, 4, (10, 40, 40)) * (
        np.random.default_rng(1).random((10, 40, 40)) > 0.4
    )
    assert not is_patchwork(noise)
    blocks = np.kron(noise, np.ones((1, 8, 8), dtype=int))
    assert is_patchwork(blocks)
    assert not is_patchwork(blocks - 1)
    assert not is_patchwork(blocks + 0.5)
