"""Every DICOM file and series of the shared data, as pydicom and GDCM read them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from core.errors import ImageRefused
from core.images import read_image, read_labels, series_in
from core.images.dicom_header import read_header
from core.images.dicom_pixels import read_frames
from core.images.reading import read_series
from core.records import Image
from tests.images.test_every_file import check_values, nearest
from tests.shared_data import DATA, SHARED, needs_shared

FOLDER = DATA / "dicom"
NO_IMAGE = {
    "1.2.246.352.71.4.320687012.3190.20090511122144": "RT Structure Set",
    "1.2.246.352.71.5.320687012.24189.20090603083342": "RT Plan",
    "MR_truncated.dcm": "incomplete",
}
LOSSY = {"XA1_JPLY", "XA1_J2KI", "XA1_JLSN"}
SERIES = {"ct3slice", "ct_rt_breast", "lumbar_sag_t1", "mr_nonsquare", "t1_3slice"}


@cache
def facts() -> dict[str, Any]:
    return dict(json.loads((FOLDER / "expected.json").read_text()))


def single_files() -> list[Any]:
    """Every file, but of the large CT series every tenth: its slices have a test of their own as a series."""
    if not SHARED.is_dir():
        return []
    keys = list(facts()["files"])
    large = [key for key in keys if key.startswith(("ct_rt_breast/2.16", "lumbar"))]
    return [pytest.param(key, id=key) for key in keys if key not in large or large.index(key) % 10 == 0]


def frames_of(path: Path) -> list[Image]:
    """Of a film in full colour the ends only, as nothing more is looked at: each needs a decoder of its own."""
    first = read_image(path)
    further = range(1, first.frames)
    if "image.first-channel" in [finding.code for finding in first.findings]:
        further = further[-1:]
    return [first, *(read_image(path, frame=number) for number in further)]


@needs_shared
@pytest.mark.parametrize("key", single_files())
def test_a_file_has_the_pixels_and_the_place_that_other_readers_found(key: str) -> None:
    path, theirs = FOLDER / key, facts()["files"][key]["pydicom"]
    if path.name in NO_IMAGE:
        with pytest.raises(ImageRefused, match=NO_IMAGE[path.name]):
            read_image(path)
        return
    images = frames_of(path)
    first = images[0]
    if path.name != "XA1_JPLY" and first.modality != "SEG":
        check_stored(path, theirs)
        check_units(images, facts()["files"][key])
    if theirs.get("world_first_RAS") and first.modality != "SEG":
        assert nearest(first, theirs["world_first_RAS"]) < 0.01
        assert nearest(first, theirs["world_last_RAS"]) < 0.01
    groups = facts()["files"][key].get("frames")
    if groups and path.name != "liver_1frame.dcm":
        assert nearest(first, groups["first_frame_position_RAS"]) < 0.01 or first.modality == "SEG"
        assert nearest(first, groups["last_frame_position_RAS"]) < 0.01 or first.modality == "SEG"
        assert groups["distinct_positions"] in first.voxels.shape
    if not (theirs.get("world_first_RAS") or groups or first.modality in ("SEG", "RTDOSE")):
        assert first.affine is None


def check_stored(path: Path, theirs: dict[str, Any]) -> None:
    file = read_header(path)
    stored = read_frames([(file, frame) for frame in range(file.frames)])
    assert list(stored.squeeze().shape) == theirs["shape"]
    lossy_colour = file.samples > 1 and not file.native
    tolerance = {"abs": 0.02} if lossy_colour else {"rel": 1e-6, "abs": 1e-6}
    assert stored.min() == pytest.approx(theirs["stored"]["min"])
    assert stored.max() == pytest.approx(theirs["stored"]["max"])
    assert stored.mean(dtype=np.float64) == pytest.approx(theirs["stored"]["mean"], **tolerance)


def check_units(images: list[Image], theirs: dict[str, Any]) -> None:
    """After rescale. pydicom looks at the top of the data set only: for enhanced CT, GDCM's figures are the right ones.
    MONOCHROME1 is mirrored here and not there; of colours one channel is read."""
    codes = {finding.code for image in images for finding in image.findings}
    if "image.first-channel" in codes:
        return
    stats = theirs["pydicom"]["after_modality_lut"]
    if images[0].modality == "CT" and "simpleitk" in theirs:
        stats = theirs["simpleitk"]["stats"]
    voxels = np.stack([image.voxels for image in images])
    if "dicom.monochrome1" in codes:
        voxels = 255 - voxels
    check_values(voxels, stats)


@needs_shared
def test_one_angiogram_in_eight_encodings() -> None:
    read = {path.name: read_image(path) for path in sorted((FOLDER / "wg04_XA1").iterdir())}
    assert len(read) == 8
    plain = read["XA1_UNC"].voxels
    assert plain.dtype == np.uint16
    for name, image in read.items():
        assert image.modality == "XA"
        if name in LOSSY:
            assert 0 < np.abs(image.voxels.astype(int) - plain).mean() < 5
        else:
            np.testing.assert_array_equal(image.voxels, plain, err_msg=name)


@needs_shared
@pytest.mark.parametrize("name", sorted(SERIES))
def test_a_series_is_one_volume_in_its_place(name: str) -> None:
    (series,) = facts()["series"][name]
    image = read_image(FOLDER / name)
    assert sorted(image.voxels.shape) == sorted(series["shape_ijk"])
    assert nearest(image, series["pydicom"]["world_first_RAS"]) < 0.01
    assert nearest(image, series["pydicom"]["world_last_RAS"]) < 0.01
    check_values(image.voxels, series["pydicom"]["stats"])
    assert image.spacing_mm is not None
    gap = series["slice_gaps_mm"]["max"]
    assert sorted(image.spacing_mm) == pytest.approx(sorted([*series["pixel_spacing"], gap]), rel=1e-3)
    assert image.modality == series["modality"]
    assert len(image.files) == series["n_files"]
    ends = {Path(image.files[0]).name, Path(image.files[-1]).name}
    assert ends == {series["first_file"], series["last_file"]}


@needs_shared
@pytest.mark.parametrize("name", sorted(SERIES))
def test_a_slice_of_a_series_lies_where_it_lies_alone(name: str) -> None:
    """Through the world: the middle of one file's slice is found in the volume with the same value."""
    volume = read_image(FOLDER / name)
    assert volume.affine is not None
    for path in (volume.files[0], volume.files[len(volume.files) // 2]):
        alone = read_image(path)
        assert alone.affine is not None
        index = np.array(alone.voxels.shape) // 3
        place = alone.affine @ [*index, 1]
        there = np.rint(np.linalg.inv(volume.affine) @ place)[:3].astype(int)
        assert volume.voxels[tuple(there)] == alone.voxels[tuple(index)]


@needs_shared
def test_axial_slices_and_their_files_go_the_same_way() -> None:
    for name in ("ct3slice", "ct_rt_breast", "t1_3slice"):
        volume = read_image(FOLDER / name)
        assert volume.affine is not None
        for number, path in list(enumerate(volume.files))[::30]:  # each needs a decoder of its own
            alone = read_image(path)
            assert alone.affine is not None
            assert (volume.affine @ [number, 0, 0, 1])[2] == pytest.approx(alone.affine[2, 3], abs=0.01)


@needs_shared
def test_hounsfield_units_and_the_window_of_the_file() -> None:
    image = read_image(FOLDER / "ct3slice")
    assert (image.unit, image.window, image.voxels.dtype) == ("HU", (40.0, 400.0), np.int16)
    assert read_image(FOLDER / "pydicom" / "eCT_Supplemental.dcm").unit == "HU"


@needs_shared
def test_a_segmentation_becomes_labels_with_names_on_the_grid_of_its_series() -> None:
    image = read_image(FOLDER / "ct3slice")
    labels = read_labels(FOLDER / "seg" / "liver.dcm", like=image)
    assert labels.names == {1: "Liver"}
    assert labels.codes == {1: "SRT:T-62000"}
    assert set(labels.colours) == {1}
    assert np.count_nonzero(labels.labels) == 107_098
    other = read_labels(DATA / "volumes" / "dcmqi_ct3" / "liver_seg.nrrd", like=image)
    np.testing.assert_array_equal(labels.labels, other.labels)


@needs_shared
def test_overlapping_segments_are_counted_and_announced() -> None:
    labels = read_labels(FOLDER / "seg" / "partial_overlaps.dcm")
    assert list(labels.names.values()) == ["GREEN", "ORANGE", "PURPLE", "LIGHT_BLUE", "DARK_BLUE"]
    parts = [read_labels(DATA / "volumes" / "dcmqi_ct3" / f"partial_overlaps-{n}.nrrd").labels for n in (1, 2, 3)]
    np.testing.assert_array_equal(labels.labels, np.maximum.reduce(parts))  # the highest number is on top
    hidden = sum(np.count_nonzero(part) for part in parts) - np.count_nonzero(labels.labels)
    (message,) = [finding.message for finding in labels.findings if finding.code == "labels.overlap"]
    assert hidden > 0
    assert f"{hidden:,} voxels" in message


@needs_shared
def test_the_series_of_a_folder_are_listed_with_thumbnails() -> None:
    found = series_in(FOLDER)
    expected = {series["series_uid"]: series for listed in facts()["series"].values() for series in listed}
    by_uid = {series.uid: series for series in found}
    assert [series.images for series in found] == sorted((series.images for series in found), reverse=True)
    for uid, series in expected.items():
        assert by_uid[uid].images == series["n_files"]
        assert (by_uid[uid].rows, by_uid[uid].columns) == (series["rows"], series["columns"])
        assert by_uid[uid].description == series["description"]
        assert Path(by_uid[uid].files[0]).name == series["first_file"]
        thumbnail = by_uid[uid].thumbnail
        assert thumbnail is not None
        assert max(thumbnail.shape) <= 128
        assert thumbnail.dtype == np.uint8
        assert len(np.unique(thumbnail)) > 10
    chosen = read_series(by_uid[facts()["series"]["t1_3slice"][0]["series_uid"]])
    np.testing.assert_array_equal(chosen.voxels, read_image(FOLDER / "t1_3slice").voxels)


@needs_shared
def test_a_folder_of_several_series_is_refused_with_their_names() -> None:
    with pytest.raises(ImageRefused, match=r"2 DICOM series .*Liver Segmentation"):
        read_image(FOLDER / "seg")


@needs_shared
def test_a_sagittal_series_is_turned_to_axial_slices() -> None:
    image = read_image(FOLDER / "lumbar_sag_t1")
    assert nibabel.orientations.aff2axcodes(image.affine) == ("S", "P", "L")
    assert image.voxels.shape == (512, 512, 12)
