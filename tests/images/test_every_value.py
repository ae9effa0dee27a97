"""Every voxel of the shared volumes lies where other readers put it; every DICOM file has the pixels that they found.

The tests of every file look at corners and means; here the whole affine, a voxel in the middle, and each stored bit.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import ImageRefused
from core.images import read_image
from core.images.dicom_header import read_header
from core.images.dicom_pixels import read_frames
from core.images.dicom_places import place_of
from core.records import Array
from tests.images.test_every_dicom import FOLDER, NO_IMAGE, facts
from tests.images.test_every_file import NO_ORIENTATION, facts_of, volume_files
from tests.shared_data import DATA, SHARED, needs_shared

FLIP = np.diag([-1.0, -1.0, 1.0])
"""LPS to RAS."""
NOT_DATA = {"README.md", "manifest.json", "expected.json", "expected_metrics.json"}
SETS = ("dicom", "fundus", "geometry", "octa", "volumes", "xca")
ANOTHER_DECODER = {"XA1_JPLY", "XA1_J2KI", "XA1_JLSN"}
"""Lossy: decoders may round differently."""


def same_voxels(ours: Array, theirs: Array) -> None:
    """One grid counted in another order: from their index to ours it is whole steps along one axis each."""
    steps = np.linalg.inv(ours)[:3, :3] @ theirs[:3, :3]
    np.testing.assert_allclose(steps, np.rint(steps), atol=2e-3)
    assert (np.abs(np.rint(steps)).sum(axis=0) == 1).all()
    assert (np.abs(np.rint(steps)).sum(axis=1) == 1).all()


def index_of(ours: Array, theirs: Array, voxel: list[int]) -> tuple[int, ...]:
    exact = (np.linalg.inv(ours) @ theirs @ [*voxel[:3], 1])[:3]
    np.testing.assert_allclose(exact, np.rint(exact), atol=0.02)
    return tuple(int(step) for step in np.rint(exact))


def first_number(value: Any) -> float:
    """Of colours the first channel is read, of complex numbers the magnitude."""
    if not isinstance(value, str):
        return float(value)
    return float(value.strip("[]").split()[0]) if value.startswith("[") else abs(complex(value))


@needs_shared
@pytest.mark.parametrize(("name", "key"), volume_files())
def test_all_voxels_lie_where_other_readers_put_them(name: str, key: str) -> None:
    image, theirs = read_image(DATA / name / key), facts_of(name)["files"][key]
    if image.affine is None:
        assert Path(key).name in NO_ORIENTATION
        return
    best = theirs.get("nibabel") or theirs.get("pynrrd")
    affine = None if best is None else np.array(best["affine_RAS"])
    if affine is not None and affine.shape == (4, 4):
        same_voxels(image.affine, affine)
    itk = theirs["simpleitk"]
    if theirs["compare"].get("world_agree") and len(itk["spacing"]) >= 3:
        turned = np.reshape(itk["direction_LPS"], (len(itk["spacing"]),) * 2)[:3, :3] * itk["spacing"][:3]
        same_voxels(image.affine, np.block([[FLIP @ turned, np.zeros((3, 1))], [0.0, 0.0, 0.0, 1.0]]))
        assert sorted(image.voxels.shape) == sorted(itk["size"][:3])
    centre = (best or {}).get("voxel_at_centre")
    if centre is not None and affine is not None:
        found = image.voxels[index_of(image.affine, affine, centre["ijk"])]
        assert float(found) == pytest.approx(first_number(centre["value"]), rel=1e-5, abs=1e-5)


def dicom_files() -> list[Any]:
    return [pytest.param(key, id=key) for key in facts()["files"]] if SHARED.is_dir() else []


@cache
def stored_of_series(name: str) -> dict[str, Array]:
    """A series of single frames in one call: each call may need a decoder of its own."""
    paths = sorted(path for path in (FOLDER / name).iterdir() if path.name not in NO_IMAGE)
    frames = read_frames([(read_header(path), 0) for path in paths])
    return {path.name: frame for path, frame in zip(paths, frames, strict=True)}


def stored_of(path: Path) -> Array:
    if path.parent.name in ("ct_rt_breast", "lumbar_sag_t1"):
        return stored_of_series(path.parent.name)[path.name]
    file = read_header(path)
    return read_frames([(file, frame) for frame in range(file.frames)])


@needs_shared
@pytest.mark.parametrize("key", dicom_files())
def test_every_dicom_file_has_the_stored_pixels_and_the_place_that_pydicom_found(key: str) -> None:
    path, theirs = FOLDER / key, facts()["files"][key]
    if path.name in NO_IMAGE:
        with pytest.raises(ImageRefused, match=NO_IMAGE[path.name]):
            read_image(path)
        return
    file, stored = read_header(path), stored_of(path)
    if "error" in theirs["pydicom"]:  # pydicom has no decoder for it: SimpleITK's size and range
        assert sorted(stored.squeeze().shape) == sorted(size for size in theirs["simpleitk"]["size"] if size > 1)
        return
    pixels = theirs["pydicom"]
    assert list(stored.squeeze().shape) == pixels["shape"]
    assert stored.size == pixels["stored"]["n"]
    if path.name not in ANOTHER_DECODER and (file.samples == 1 or file.native):
        little = stored.astype(stored.dtype.newbyteorder("<"))
        assert hashlib.sha256(little.tobytes()).hexdigest() == theirs["sha256_of_stored_pixels_le"]
        flat = stored.reshape(-1)
        assert [flat[0], flat[-1]] == [pixels["corner_samples"]["first"][0], pixels["corner_samples"]["last"][0]]
    if "normal_RAS" in pixels:
        place = place_of(file.data)
        np.testing.assert_allclose(FLIP @ place.normal, pixels["normal_RAS"], atol=1e-4)
        assert place.position is not None
        np.testing.assert_allclose(FLIP @ place.position, pixels["world_first_RAS"], atol=0.01)


@needs_shared
def test_no_file_of_the_shared_data_is_left_out() -> None:
    """What lies in the folders is what the manifests list, and what they list has figures, which tests go through."""
    assert {folder.name for folder in DATA.iterdir() if folder.is_dir()} == set(SETS)
    for name in SETS:
        folder = DATA / name
        on_disk = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        listed = {item["path"] for item in json.loads((folder / "manifest.json").read_text())["items"]}
        assert on_disk - NOT_DATA == listed
        with_figures = set(json.loads((folder / "expected.json").read_text())["files"])
        assert {Path(key).name for key in listed - with_figures} <= {"MRIcrop-seg.label", "ras.img"}
