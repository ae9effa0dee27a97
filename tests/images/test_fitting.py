"""A reference on another grid: drawn where it lies, measured only when a person says how."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from core import pipeline
from core.errors import ShapeMismatch
from core.images.fitting import read_reference
from core.images.reading import read_image
from core.records import Case
from tests.shared_data import DATA, needs_shared

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def write(path: Path, values: np.ndarray, affine: np.ndarray) -> Path:
    nibabel.save(nibabel.Nifti1Image(values, affine), path)
    return path


@pytest.fixture
def image(tmp_path: Path) -> Path:
    values = np.random.default_rng(0).integers(0, 200, (8, 9, 10)).astype(np.int16)
    return write(tmp_path / "image.nii.gz", values, AFFINE)


def finer_mask(tmp_path: Path) -> Path:
    """One block of the image's voxels, drawn on a grid of half the step: world 4..8 mm along each axis."""
    values = np.zeros((16, 18, 20), dtype=np.uint8)
    values[4:8, 4:8, 4:8] = 3
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = -0.5  # the outer faces of the two grids are the same
    return write(tmp_path / "mask.nii.gz", values, affine)


def shifted_mask(tmp_path: Path) -> Path:
    """Of the image's shape, one voxel (2 mm) off to the right."""
    values = np.zeros((8, 9, 10), dtype=np.uint8)
    values[3, 4, 5] = 1
    affine = AFFINE.copy()
    affine[0, 3] = 2.0
    return write(tmp_path / "mask.nii.gz", values, affine)


def places(case: Case, number: int) -> np.ndarray:
    """RAS millimetres of the voxels of a label, on the grid of the image."""
    assert case.reference is not None
    return np.array(
        [pipeline.world_of(case.image, tuple(voxel)) for voxel in np.argwhere(case.reference.labels == number)]
    )


def codes(case: Case) -> set[str]:
    assert case.reference is not None
    return {finding.code for finding in case.reference.findings}


def test_a_finer_reference_is_shown_where_it_lies_and_not_measured(tmp_path: Path, image: Path) -> None:
    case = pipeline.open_case(image, finer_mask(tmp_path))
    assert case.reference is not None
    assert case.reference.placed == "shown"
    assert codes(case) == {"labels.other-shape"}
    marked = places(case, 3)
    assert len(marked) == 8
    np.testing.assert_array_equal(np.unique(marked), [4, 6])  # the centres that lie between 3.5 and 7.5 mm
    with pytest.raises(ShapeMismatch, match="Resample"):
        pipeline.measure(case.reference.labels > 0, case.reference)


def test_resampled_by_choice_it_is_measured(tmp_path: Path, image: Path) -> None:
    case = pipeline.open_case(image, finer_mask(tmp_path), other_grid="resample")
    assert case.reference is not None
    assert case.reference.placed == "resampled"
    assert codes(case) == {"labels.resampled"}
    assert pipeline.measure(case.reference.labels > 0, case.reference)["dice"].value == 1.0


def test_equal_shapes_in_other_places_are_moved_or_laid_voxel_on_voxel(tmp_path: Path, image: Path) -> None:
    mask = shifted_mask(tmp_path)
    shown = pipeline.open_case(image, mask)
    laid = pipeline.open_case(image, mask, other_grid="voxels")
    assert shown.reference is not None
    assert laid.reference is not None
    assert codes(shown) == {"labels.other-grid"}
    assert codes(laid) == {"labels.other-place"}
    np.testing.assert_allclose(places(shown, 1), [[8, 8, 10]])
    np.testing.assert_allclose(places(laid, 1), [[6, 8, 10]])
    assert laid.reference.placed == "as-stored"


def test_refusing_and_impossible_wishes_name_both_files(tmp_path: Path, image: Path) -> None:
    with pytest.raises(ShapeMismatch, match=r"mask\.nii\.gz.*image\.nii\.gz"):
        pipeline.open_case(image, finer_mask(tmp_path), other_grid="refuse")
    with pytest.raises(ShapeMismatch, match="voxel on voxel"):
        pipeline.open_case(image, finer_mask(tmp_path), other_grid="voxels")


def test_without_geometry_shapes_must_agree(tmp_path: Path, image: Path) -> None:
    np.save(tmp_path / "other.npy", np.zeros((3, 4, 5), dtype=np.uint8))
    np.save(tmp_path / "same.npy", np.ones(read_image(image).voxels.shape, dtype=np.uint8))
    with pytest.raises(ShapeMismatch, match="3 x 4 x 5"):
        read_reference(tmp_path / "other.npy", read_image(image))
    same = read_reference(tmp_path / "same.npy", read_image(image))
    assert same.placed == "as-stored"
    assert {finding.code for finding in same.findings} == {"labels.place-unknown"}


@needs_shared
def test_an_atlas_of_another_size_lands_on_the_brain() -> None:
    folder = DATA / "volumes" / "aal_on_mni2009"
    case = pipeline.open_case(folder / "MNI152_2009_template.nii.gz", folder / "aal.nii.gz")
    assert case.reference is not None
    assert case.reference.placed == "shown"
    inside = case.image.voxels[case.reference.labels > 0]
    outside = case.image.voxels[case.reference.labels == 0]
    assert np.median(inside) > 50 > np.median(outside)
    assert np.mean(inside > 20) > 0.9 > 0.2 > np.mean(outside > 20)
