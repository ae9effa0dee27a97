"""NIfTI: one head stored in every axis order looks the same, and world coordinates agree with other readers."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from core.errors import ImageRefused
from core.images import read_image
from core.records import Image
from tests.shared_data import DATA, SHARED, needs_shared

GEOMETRY = DATA / "geometry"


def world(image: Image, *index: float) -> np.ndarray[Any, Any]:
    assert image.affine is not None
    return np.asarray(image.affine @ [*index, 1])[:3]


def stored_files() -> list[Any]:
    if not SHARED.is_dir():
        return []
    files = json.loads((GEOMETRY / "expected.json").read_text())["files"]
    return [pytest.param(GEOMETRY / key, facts["nibabel"], id=key) for key, facts in files.items()
            if key.endswith((".nii", ".nii.gz")) and "voxel_at_centre" in facts["nibabel"]]  # fmt: skip


@needs_shared
@pytest.mark.parametrize(("path", "facts"), stored_files())
def test_the_voxel_at_a_place_in_space_has_the_value_that_another_reader_found(
    path: Path, facts: dict[str, Any]
) -> None:
    image, value = read_image(path), facts["voxel_at_centre"]["value"]
    if image.affine is None or not isinstance(value, float):
        pytest.skip("has no place in space, or several values there")
    place = nibabel.load(path).affine @ [*facts["voxel_at_centre"]["ijk"][:3], 1]
    index = np.rint(np.linalg.inv(image.affine) @ place)[:3].astype(int)
    assert image.voxels[tuple(index)] == pytest.approx(value, rel=1e-5)


@needs_shared
def test_one_head_stored_in_every_axis_order_looks_the_same() -> None:
    images = [read_image(path) for path in sorted((GEOMETRY / "nifti_space").glob("*.nii.gz"))]
    assert len(images) > 20
    for image in images[1:]:
        np.testing.assert_array_equal(image.voxels, images[0].voxels)
        np.testing.assert_allclose(image.affine, images[0].affine, atol=1e-4)
    first = images[0]
    assert first.voxels.shape == (67, 79, 64)
    assert world(first, 1, 0, 0)[2] > world(first, 0, 0, 0)[2]  # slices towards the head
    assert world(first, 0, 1, 0)[1] < world(first, 0, 0, 0)[1]  # rows towards the back
    assert world(first, 0, 0, 1)[0] < world(first, 0, 0, 0)[0]  # columns towards the patient's left
    assert first.spacing_mm == pytest.approx((2.366486, 2.389754, 2.385232), abs=1e-5)


def save(path: Path, values: Any, affine: Any) -> Path:
    nibabel.save(nibabel.Nifti1Image(values, affine), path)
    return path


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_single_slice_keeps_its_plane(tmp_path: Path, axis: int) -> None:
    shape = [5, 6, 7]
    shape[axis] = 1
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    image = read_image(save(tmp_path / "a.nii", values, np.eye(4)))
    assert image.voxels.shape[0] == 1
    assert sorted(image.voxels.shape[1:]) == sorted(length for length in shape if length > 1)


def test_nifti_2_is_read(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    nibabel.save(nibabel.Nifti2Image(values, np.diag([-1, -1, 1, 1])), tmp_path / "a.nii")
    np.testing.assert_array_equal(read_image(tmp_path / "a.nii").voxels, values.transpose(2, 1, 0))


def codes(image: Image) -> list[str]:
    return [finding.code for finding in image.findings]


def test_a_file_without_orientation_is_shown_as_stored_with_its_spacing(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    header = nibabel.Nifti1Image(values, None)
    header.header["pixdim"][1:4] = (0.5, 2, 3)
    nibabel.save(header, tmp_path / "a.nii")
    image = read_image(tmp_path / "a.nii")
    assert codes(image) == ["image.orientation-unknown"]
    assert image.affine is None
    assert image.spacing_mm == (3, 2, 0.5)
    np.testing.assert_array_equal(image.voxels, values.transpose(2, 1, 0))


@pytest.mark.parametrize(
    ("sform", "codes_of_forms", "code", "kept"),
    [
        ([[1, 0, 0, 5], [0, 1, 0, 0], [0, 0, 1, 0]], (1, 1), "image.sform-qform", True),
        ([[1, 0, 0, 5], [0, 1, 0, 0], [0, 0, 1, 0]], (4, 1), "image.two-spaces", True),
        ([[-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], (1, 1), "image.orientation-contradicts", False),
        ([[1, 0, 0, 0.01], [0, 1, 0, 0], [0, 0, 1, 0]], (1, 1), None, True),
    ],
)
def test_two_orientations_in_one_file(
    tmp_path: Path, sform: list[list[float]], codes_of_forms: tuple[int, int], code: str | None, kept: bool
) -> None:
    stored = nibabel.Nifti1Image(np.arange(60, dtype=np.int16).reshape(3, 4, 5), None)
    stored.set_sform(np.array([*sform, [0, 0, 0, 1]]), codes_of_forms[0])
    stored.set_qform(np.eye(4), codes_of_forms[1])
    nibabel.save(stored, tmp_path / "a.nii")
    image = read_image(tmp_path / "a.nii")
    assert codes(image) == ([code] if code else [])
    assert (image.affine is not None) == kept
    assert (image.spacing_mm is not None) == kept
    if kept:  # the sform counts
        assert nibabel.affines.apply_affine(image.affine, [0, 3, 2])[0] == pytest.approx(sform[0][3])


def test_a_sheared_grid_keeps_its_places_and_has_no_spacing(tmp_path: Path) -> None:
    affine = np.array([[1, 0, 0, 0], [0, 1, 0.3, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    image = read_image(save(tmp_path / "a.nii", np.arange(60, dtype=np.int16).reshape(3, 4, 5), affine))
    assert codes(image)[-1] == "image.shear"
    assert image.affine is not None
    assert image.spacing_mm is None


def test_integers_stay_integers_and_are_scaled_to_the_smallest_type_that_fits(tmp_path: Path) -> None:
    values = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    path = save(tmp_path / "a.nii", values, np.diag([-1, -1, 1, 1]))
    assert read_image(path).voxels.dtype == np.int16
    for slope, intercept, dtype in ((2, -1000, np.int16), (1000, 0, np.int32), (0.5, 0, np.float32)):
        whole = bytearray(path.read_bytes())
        whole[112:120] = np.array([slope, intercept], "<f4").tobytes()
        (tmp_path / "b.nii").write_bytes(whole)
        voxels = read_image(tmp_path / "b.nii").voxels
        assert voxels.dtype == dtype
        np.testing.assert_array_equal(voxels, values.transpose(2, 1, 0).astype(np.float64) * slope + intercept)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_one_frame_of_a_time_series_is_read(tmp_path: Path, ending: str) -> None:
    values = np.arange(120, dtype=np.int16).reshape(2, 3, 4, 5)
    path = save(tmp_path / f"a{ending}", values, np.diag([-1, -1, 1, 1]))
    for frame in range(5):
        image = read_image(path, frame=frame)
        assert (image.frame, image.frames) == (frame, 5)
        np.testing.assert_array_equal(image.voxels, values[..., frame].transpose(2, 1, 0))
    with pytest.raises(ImageRefused, match="no frame 5"):
        read_image(path, frame=5)


def test_two_further_axes_are_refused_and_a_vector_is_read_by_component(tmp_path: Path) -> None:
    both = save(tmp_path / "a.nii", np.zeros((2, 3, 4, 2, 3), np.int16), np.eye(4))
    with pytest.raises(ImageRefused, match="5-D"):
        read_image(both)
    values = np.arange(72, dtype=np.int16).reshape(2, 3, 4, 1, 3)
    image = read_image(save(tmp_path / "b.nii", values, np.diag([-1, -1, 1, 1])), frame=2)
    assert codes(image) == ["image.components"]
    np.testing.assert_array_equal(image.voxels, values[..., 0, 2].transpose(2, 1, 0))


def test_a_pair_needs_its_other_half_in_the_same_folder(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    nibabel.save(nibabel.Nifti1Pair(values, np.diag([-1, -1, 1, 1])), tmp_path / "a.img")
    np.testing.assert_array_equal(read_image(tmp_path / "a.hdr").voxels, values.transpose(2, 1, 0))
    np.testing.assert_array_equal(read_image(tmp_path / "a.img").voxels, values.transpose(2, 1, 0))
    (tmp_path / "a.img").rename(tmp_path / "b.raw")
    with pytest.raises(ImageRefused, match="missing"):
        read_image(tmp_path / "a.hdr")
    (tmp_path / "a.img").symlink_to(tmp_path / "b.raw")
    with pytest.raises(ImageRefused, match="outside its folder"):
        read_image(tmp_path / "a.hdr")


def test_analyze_has_no_orientation_and_is_not_given_one(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    nibabel.save(nibabel.AnalyzeImage(values, np.diag([2, 3, 4, 1])), tmp_path / "a.img")
    image = read_image(tmp_path / "a.hdr")
    assert codes(image) == ["image.orientation-unknown"]
    assert (image.affine, image.spacing_mm) == (None, (4, 3, 2))
    np.testing.assert_array_equal(image.voxels, values.transpose(2, 1, 0))


def test_a_gzip_of_several_members_is_read(tmp_path: Path) -> None:
    """Parallel compressors write such files."""
    values = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    plain = save(tmp_path / "a.nii", values, np.diag([-1, -1, 1, 1])).read_bytes()
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(plain[:400]) + gzip.compress(plain[400:]))
    np.testing.assert_array_equal(read_image(tmp_path / "a.nii.gz").voxels, values.transpose(2, 1, 0))


def test_a_gzip_with_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii.gz", np.arange(60, dtype=np.float32).reshape(3, 4, 5), np.eye(4))
    whole = bytearray(path.read_bytes())
    whole[-6] ^= 1
    path.write_bytes(whole)
    with pytest.raises(ImageRefused, match="damaged"):
        read_image(path)


def test_a_gzip_that_lacks_its_checksum_is_refused(tmp_path: Path) -> None:
    """All voxels are there, but nothing says that they are the right ones."""
    path = save(tmp_path / "a.nii.gz", np.arange(60, dtype=np.float32).reshape(3, 4, 5), np.eye(4))
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ImageRefused, match="incomplete"):
        read_image(path)


def test_a_gzip_bomb_behind_an_honest_header_is_refused(tmp_path: Path) -> None:
    plain = save(tmp_path / "a.nii", np.arange(60, dtype=np.float32).reshape(3, 4, 5), np.eye(4)).read_bytes()
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(plain + bytes(20 * 1024**2)))
    with pytest.raises(ImageRefused, match="far more than its header"):
        read_image(tmp_path / "a.nii.gz")


def test_an_infinite_slope_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", np.arange(60, dtype=np.int16).reshape(3, 4, 5), np.eye(4))
    whole = bytearray(path.read_bytes())
    whole[112:116] = np.float32(np.inf).tobytes()
    path.write_bytes(whole)
    with pytest.raises(ImageRefused, match="scaling"):
        read_image(path)
