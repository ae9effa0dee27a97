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
REFUSED = {
    "functional": "4-D",
    "example_nifti2": "4-D",
    "example4d": "4-D",
    "V1": "4-D|5-D",
    "tensor_rgb": "4-D|5-D",
    "complex": "complex",
}
OTHER_KINDS = {".mha", ".hdr", ".img"}


def volumes() -> list[Any]:
    if not SHARED.is_dir():
        return []
    files = json.loads((GEOMETRY / "expected.json").read_text())["files"]
    return [pytest.param(GEOMETRY / key, facts["nibabel"], id=key) for key, facts in files.items()
            if Path(key).suffix not in OTHER_KINDS]  # fmt: skip


def world(image: Image, *index: float) -> np.ndarray[Any, Any]:
    assert image.affine is not None
    return np.asarray(image.affine @ [*index, 1])[:3]


@needs_shared
@pytest.mark.parametrize(("path", "facts"), volumes())
def test_corners_and_values_agree_with_other_readers(path: Path, facts: dict[str, Any]) -> None:
    why = REFUSED.get(path.name.split(".")[0])
    if why:
        with pytest.raises(ImageRefused, match=why):
            read_image(path)
        return
    image = read_image(path)
    corners = [world(image, *(place * (np.array(image.voxels.shape) - 1))) for place in np.ndindex(2, 2, 2)]
    for stored in (facts["world_first_RAS"], facts["world_last_RAS"]):  # a corner stays a corner, whatever the order
        assert min(np.abs(np.array(stored) - corner).max() for corner in corners) < 2e-3
    if "first-channel" not in str(image.findings):
        stats = facts["stats"]
        assert image.voxels.min() == pytest.approx(stats["min"], rel=1e-6)
        assert image.voxels.max() == pytest.approx(stats["max"], rel=1e-6)
        assert np.nanmean(image.voxels, dtype=np.float64) == pytest.approx(stats["mean"], rel=1e-5)
    if "voxel_at_centre" in facts and "first-channel" not in str(image.findings):
        check_voxel(image, nibabel.load(path).affine, facts["voxel_at_centre"])


def check_voxel(image: Image, stored: Any, centre: dict[str, Any]) -> None:
    """The voxel at the place in space that the other reader names holds the value that it read there."""
    place = stored @ [*centre["ijk"], 1]
    index = np.rint(np.linalg.inv(image.affine) @ place)[:3].astype(int)
    assert image.voxels[tuple(index)] == pytest.approx(centre["value"], rel=1e-5)


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


def test_no_orientation_in_the_file_is_announced(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.arange(24, dtype=np.float32).reshape(2, 3, 4), None)
    nibabel.save(image, tmp_path / "a.nii")
    assert [finding.code for finding in read_image(tmp_path / "a.nii").findings] == ["image.orientation-assumed"]


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
