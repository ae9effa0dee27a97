"""Reference masks become what the producers' loaders made of them; label maps keep their integers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image as Pillow

from core.errors import ImageRefused, ShapeMismatch
from core.images import looks_like_mask, read_image, read_labels
from tests.shared_data import DATA, FIXTURES, SHARED, needs_shared

LOADING = FIXTURES / "evaluation" / "loading"


def loading_files() -> list[str]:
    folder = LOADING / "files" / "label"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def codes(record: Any) -> set[str]:
    return {finding.code for finding in record.findings}


@needs_shared
@pytest.mark.parametrize("name", loading_files())
def test_a_mask_is_what_the_producers_metrics_got(name: str) -> None:
    with np.load(LOADING / "loaded_soft-seg.npz") as loaded:
        theirs = loaded[f"xca__{name}__label"][0].T > 0.5
    labels = read_labels(LOADING / "files" / "label" / name)
    np.testing.assert_array_equal(labels.labels[0], theirs.astype(np.uint8))
    special = {"c": "labels.constant", "d": "labels.constant", "j": "labels.grey-levels"}
    assert (special.get(name[0]) in codes(labels)) == (name[0] in special)


def real_masks() -> list[Any]:
    if not SHARED.is_dir():
        return []
    cases = []
    for name in ("xca", "fundus", "octa"):
        listed = json.loads((DATA / name / "expected_metrics.json").read_text())["cases"]
        cases += [
            pytest.param(DATA / name / key, facts["label_foreground"], id=f"{name}/{key}")
            for key, facts in listed.items()
        ]
    return cases


@needs_shared
@pytest.mark.parametrize(("path", "foreground"), real_masks())
def test_real_masks_have_the_foreground_that_was_counted_elsewhere(path: Path, foreground: int) -> None:
    labels = read_labels(path).labels
    assert int(labels.sum()) == foreground
    assert set(np.unique(labels)) == {0, 1}


def test_a_mask_of_another_size_is_an_error_that_names_both(tmp_path: Path) -> None:
    Pillow.fromarray(np.eye(8, dtype=np.uint8)).save(tmp_path / "image.png")
    Pillow.fromarray(np.eye(9, 8, dtype=np.uint8)).save(tmp_path / "mask.png")
    image = read_image(tmp_path / "image.png")
    with pytest.raises(ShapeMismatch, match=r"mask.png has shape 1 x 9 x 8 .*image.png has 1 x 8 x 8"):
        read_labels(tmp_path / "mask.png", like=image)


def test_a_label_map_elsewhere_in_space_is_announced(tmp_path: Path) -> None:
    values = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    moved = np.eye(4)
    moved[0, 3] = 7
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / "image.nii.gz")
    nibabel.save(nibabel.Nifti1Image(values, moved), tmp_path / "labels.nii.gz")
    image = read_image(tmp_path / "image.nii.gz")
    assert codes(read_labels(tmp_path / "labels.nii.gz", like=image)) == {"labels.other-place"}
    same = read_labels(tmp_path / "image.nii.gz", like=image)
    assert codes(same) == set()
    np.testing.assert_array_equal(same.labels, image.voxels)


def test_a_probability_map_is_no_label_map(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", np.array([[0.0, 0.3], [1.0, 0.9]]))
    with pytest.raises(ImageRefused, match="fractions"):
        read_labels(tmp_path / "p.npy")


@pytest.mark.parametrize(
    ("values", "labels", "code"),
    [
        ([[0, 255], [255, 0]], [[0, 1], [1, 0]], {"labels.two-values"}),
        ([[0, 3], [255, 0]], [[0, 3], [255, 0]], set()),
        ([[False, True], [True, False]], [[0, 1], [1, 0]], set()),
    ],
)
def test_npy_labels(tmp_path: Path, values: Any, labels: Any, code: set[str]) -> None:
    np.save(tmp_path / "a.npy", np.array(values))
    read = read_labels(tmp_path / "a.npy")
    assert read.labels[0].tolist() == labels
    assert codes(read) == code


@needs_shared
def test_masks_are_told_from_images() -> None:
    for number in ("01", "02", "03"):
        assert looks_like_mask(DATA / "xca" / "labels" / f"{number}_gt.png")
        assert not looks_like_mask(DATA / "xca" / "images" / f"{number}.png")
    assert looks_like_mask(DATA / "fundus" / "drive" / "1st_manual" / "21_manual1.gif")
    assert not looks_like_mask(DATA / "fundus" / "drive" / "images" / "21_training.tif")
    assert not looks_like_mask(FIXTURES / "hostile" / "truncated.png")


@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [(0, 255, np.uint8), (0, 256, np.int16), (-1, 7, np.int16), (0, 32_768, np.int32), (-40_000, 1, np.int32)],
)
def test_labels_take_no_more_room_than_their_numbers_need(tmp_path: Path, low: int, high: int, kind: type) -> None:
    values = np.zeros((3, 4, 5), np.float64)
    values[0, 1, 2], values[2, 3, 4], values[1, 0, 0] = low, high, 1
    np.save(tmp_path / "labels.npy", values[:, ::-1])
    labels = read_labels(tmp_path / "labels.npy").labels
    assert labels.dtype == kind
    assert (int(labels[0, 2, 2]), int(labels[2, 0, 4])) == (low, high)
    assert labels.flags.c_contiguous
    assert not labels.flags.writeable
