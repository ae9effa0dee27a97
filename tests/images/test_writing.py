"""What is written reads back the same, and a file appears whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from core.errors import ImageRefused, ShapeMismatch
from core.images import read_image, read_labels, write_labels, write_probability
from tests.shared_data import DATA, needs_shared


def random_mask(*shape: int) -> Any:
    return np.random.default_rng(0).random(shape) > 0.7


@pytest.mark.parametrize("name", ["a.png", "a.nii.gz", "a.nii", "a.npy", "A.PNG"])
def test_a_mask_reads_back(tmp_path: Path, name: str) -> None:
    mask = random_mask(13, 17)
    write_labels(mask, tmp_path / name)
    np.testing.assert_array_equal(read_labels(tmp_path / name).labels[0], mask.astype(np.uint8))


def test_a_mask_is_an_8_bit_png_of_0_and_255(tmp_path: Path) -> None:
    write_labels(random_mask(13, 17), tmp_path / "a.png")
    values = read_image(tmp_path / "a.png").voxels
    assert set(np.unique(values)) == {0, 255}


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrays(np.int32, array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=5), elements=st.integers(-5, 70_000)))
def test_a_label_volume_reads_back(tmp_path: Path, labels: Any) -> None:
    write_labels(labels, tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.nii.gz").labels, labels)


@needs_shared
@pytest.mark.parametrize("name", ["ALS", "SPL", "RAI"])
def test_labels_lie_where_their_image_lies(tmp_path: Path, name: str) -> None:
    image = read_image(DATA / "geometry" / "nifti_space" / f"{name}.nii.gz")
    mask = image.voxels > 40
    write_labels(mask, tmp_path / "mask.nii.gz", like=image)
    read = read_labels(tmp_path / "mask.nii.gz", like=image)
    assert read.findings == ()
    np.testing.assert_array_equal(read.labels, mask)
    np.testing.assert_allclose(read.affine, image.affine, atol=1e-4)
    theirs = nibabel.load(tmp_path / "mask.nii.gz")  # an independent reader finds the same voxels in the same places
    image_values = nibabel.as_closest_canonical(nibabel.load(DATA / "geometry" / "nifti_space" / f"{name}.nii.gz"))
    np.testing.assert_array_equal(
        nibabel.as_closest_canonical(theirs).get_fdata() > 0, image_values.get_fdata(dtype=np.float32) > 40
    )


def test_a_label_map_carries_its_own_grid(tmp_path: Path) -> None:
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    nibabel.save(nibabel.Nifti1Image(np.arange(60, dtype=np.int16).reshape(3, 4, 5), affine), tmp_path / "a.nii.gz")
    labels = read_labels(tmp_path / "a.nii.gz")
    write_labels(labels, tmp_path / "b.nii.gz")
    again = read_labels(tmp_path / "b.nii.gz")
    np.testing.assert_array_equal(again.labels, labels.labels)
    np.testing.assert_allclose(again.affine, labels.affine)
    assert again.spacing_mm == pytest.approx((4, 3, 2))


def test_a_probability_reads_back_to_16_bits(tmp_path: Path) -> None:
    probability = np.random.default_rng(0).random((1, 9, 11), dtype=np.float32)
    write_probability(tmp_path / "a.png", probability)
    np.testing.assert_allclose(read_image(tmp_path / "a.png").voxels / 65535, probability, atol=0.5 / 65535 + 1e-7)
    for name in ("a.npy", "a.nii.gz"):
        write_probability(tmp_path / name, probability)
        np.testing.assert_array_equal(read_image(tmp_path / name).voxels, probability)


@pytest.mark.parametrize(
    ("labels", "name", "why"),
    [
        (np.array([[0, 2]]), "a.png", "labels from 0 to 2"),
        (np.zeros((2, 3, 4), bool), "a.png", "one slice"),
        (np.zeros((3, 4), bool), "a.jpg", "not written"),
        (np.zeros((3, 4)), "a.png", "whole numbers"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(tmp_path: Path, labels: Any, name: str, why: str) -> None:
    with pytest.raises(ImageRefused, match=why):
        write_labels(labels, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_score_is_no_probability(tmp_path: Path) -> None:
    for wrong in (-0.1, 1.5, np.nan):
        with pytest.raises(ImageRefused, match=r"\[0, 1\]"):
            write_probability(tmp_path / "a.png", np.array([[0.5, wrong]]))


def test_labels_on_another_grid_are_refused(tmp_path: Path) -> None:
    write_labels(random_mask(4, 5), tmp_path / "a.png")
    with pytest.raises(ShapeMismatch, match=r"\(1, 5, 4\)"):
        write_labels(random_mask(5, 4), tmp_path / "b.nii.gz", like=read_image(tmp_path / "a.png"))


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_labels(random_mask(4, 5), tmp_path / "a.png")
    before = path.read_bytes()

    def full(picture: object, part: Path, remark: str) -> None:
        part.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr("core.images.writing.save_png", full)
    with pytest.raises(OSError, match="No space"):
        write_labels(~random_mask(4, 5), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
