"""Every format, read back by other programs' readers and by ours: the same values in the same places."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from core.errors import ImageRefused, ShapeMismatch
from core.images import read_image, read_labels, write_labels, write_probability
from core.images.geometry import spacing_mm, to_index, to_world
from core.images.writing import WRITABLE
from core.records import Image, LabelMap
from tests.images.affines import affine_from, affines
from tests.shared_data import DATA, needs_shared

sitk: Any = import_module("SimpleITK")
SHAPE = (3, 4, 5)
SCREEN = affine_from((2, 1, 0), (False, True, True), (3, 2, 1), (0, 0, 0), (10, 20, 30))
VOLUMES = (".nii", ".nii.gz", ".nrrd", ".seg.nrrd", ".mha")
NAMES = {1: "aorta", 2: "대동맥", 5: "a~b^c|d\\e\nf"}
COLOURS = {1: (255, 0, 10), 5: (1, 2, 3)}
MANY = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


def label_map(affine: Any, **more: Any) -> LabelMap:
    labels = np.random.default_rng(0).integers(0, 6, SHAPE).astype(np.uint8)
    spacing = None if affine is None else spacing_mm(affine)
    return LabelMap(**{"labels": labels, "name": "m", "affine": affine, "spacing_mm": spacing, **more})


def probability(shape: tuple[int, ...] = SHAPE) -> Any:
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def same_in_space(values: Any, affine: Any, read: Any, read_affine: Any) -> None:
    """Each voxel that was read lies on a voxel that was written, and has its value."""
    voxels = np.argwhere(np.ones(read.shape))
    index = to_index(affine, to_world(read_affine, voxels))
    np.testing.assert_allclose(index, np.rint(index), atol=0.01)
    np.testing.assert_allclose(to_world(affine, np.rint(index)), to_world(read_affine, voxels), atol=0.01)  # mm
    np.testing.assert_array_equal(values[tuple(np.rint(index).astype(int).T)], read.reshape(-1))
    assert read.size == values.size


def by_nibabel(path: Path) -> tuple[Any, Any]:
    image = nibabel.load(path)
    return np.asarray(image.dataobj), image.affine


def by_itk(path: Path) -> tuple[Any, Any]:
    """(i, j, k) values, and their affine to RAS."""
    image = sitk.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image).transpose(2, 1, 0), np.diag([-1, -1, 1, 1]) @ affine


@MANY
@given(affines(), st.sampled_from(VOLUMES))
def test_labels_read_back_by_other_readers(tmp_path: Path, affine: Any, ending: str) -> None:
    labels = label_map(affine)
    path = write_labels(labels, tmp_path / f"a{ending}")
    for reader in (by_nibabel, by_itk) if ".nii" in ending else (by_itk,):
        same_in_space(labels.labels, affine, *reader(path))


@MANY
@given(affines(), st.sampled_from(VOLUMES))
def test_labels_read_back_by_our_own_reader(tmp_path: Path, affine: Any, ending: str) -> None:
    labels = label_map(affine)
    read = read_labels(write_labels(labels, tmp_path / f"a{ending}"))
    same_in_space(labels.labels, affine, read.labels, read.affine)
    assert sorted(read.spacing_mm or ()) == pytest.approx(sorted(labels.spacing_mm or ()), rel=1e-5)
    assert read.findings == ()


@MANY
@given(affines(), st.sampled_from([ending for ending in VOLUMES if ending != ".seg.nrrd"]))
def test_probabilities_read_back(tmp_path: Path, affine: Any, ending: str) -> None:
    values = probability()
    like = Image(voxels=values, name="i", affine=affine, spacing_mm=spacing_mm(affine))
    path = write_probability(tmp_path / f"a{ending}", values, like=like)
    same_in_space(values, affine, *by_itk(path))
    read = read_image(path)
    same_in_space(values, affine, read.voxels, read.affine)


@pytest.mark.parametrize("ending", VOLUMES)
def test_on_the_screens_own_grid_the_array_is_the_same(tmp_path: Path, ending: str) -> None:
    labels = label_map(SCREEN)
    read = read_labels(write_labels(labels, tmp_path / f"a{ending}"))
    np.testing.assert_array_equal(read.labels, labels.labels)
    np.testing.assert_allclose(read.affine, SCREEN, atol=1e-5)
    assert read.spacing_mm == pytest.approx((3, 2, 1))


@pytest.mark.parametrize("ending", VOLUMES)
def test_a_sheared_grid_keeps_its_shear(tmp_path: Path, ending: str) -> None:
    sheared = SCREEN.copy()
    sheared[1, 0] = 0.8
    labels = label_map(sheared)
    path = write_labels(labels, tmp_path / f"a{ending}")
    read = read_labels(path)
    same_in_space(labels.labels, sheared, read.labels, read.affine)
    assert read.spacing_mm is None
    assert [found.code for found in read.findings] == ["image.shear"]
    if ".nii" in ending:
        same_in_space(labels.labels, sheared, *by_nibabel(path))


@pytest.mark.parametrize("spacing", [None, (3.0, 0.5, 0.25)])
@pytest.mark.parametrize("ending", VOLUMES)
def test_without_geometry_none_is_made_up(tmp_path: Path, ending: str, spacing: Any) -> None:
    """No left and right; the order is kept, and the spacing if it is known."""
    labels = label_map(None, spacing_mm=spacing)
    read = read_labels(write_labels(labels, tmp_path / f"a{ending}"))
    np.testing.assert_array_equal(read.labels, labels.labels)
    assert read.affine is None
    if spacing is not None or ".nii" not in ending:  # a NIfTI header always has a spacing
        assert read.spacing_mm == spacing


@pytest.mark.parametrize("ending", VOLUMES)
@pytest.mark.parametrize(("low", "high"), [(0, 255), (0, 256), (-3, 40_000), (0, 2**31 - 1)])
def test_labels_of_any_size_are_whole(tmp_path: Path, ending: str, low: int, high: int) -> None:
    labels = np.full(SHAPE, low, np.int64)
    labels[1, 2, 3] = high
    if ending == ".seg.nrrd" and low < 0:
        return
    values, _ = by_itk(write_labels(labels, tmp_path / f"a{ending}"))
    np.testing.assert_array_equal(values.transpose(2, 1, 0), labels)


def test_labels_beyond_32_bits_are_refused(tmp_path: Path) -> None:
    for ending in VOLUMES:
        with pytest.raises(ImageRefused, match="32 bits"):
            write_labels(np.full(SHAPE, 2**31), tmp_path / f"a{ending}")
    assert list(tmp_path.iterdir()) == []


def test_labels_that_lie_elsewhere_are_not_moved_in_silence(tmp_path: Path) -> None:
    mirrored = SCREEN @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, 4], [0, 0, 0, 1]], dtype=float)
    image = Image(voxels=np.zeros(SHAPE), name="head.nii", affine=mirrored, spacing_mm=(3, 2, 1))
    with pytest.raises(ShapeMismatch, match="one is mirrored against the other"):
        write_labels(label_map(SCREEN), tmp_path / "a.nii.gz", like=image)
    assert list(tmp_path.iterdir()) == []
    write_labels(label_map(None), tmp_path / "a.nii.gz", like=image)  # it says nothing else, so the image decides
    assert read_labels(tmp_path / "a.nii.gz").affine is not None


# ---- names, colours, codes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".seg.nrrd", ".nrrd"])
def test_names_colours_and_codes_stay(tmp_path: Path, ending: str) -> None:
    labels = label_map(SCREEN, names=NAMES, colours=COLOURS, codes={1: "SCT:15825003"})
    read = read_labels(write_labels(labels, tmp_path / f"a{ending}"))
    assert {label: read.names[label] for label in (1, 2)} == {1: "aorta", 2: "대동맥"}
    assert read.names[5].startswith("a~b^c|d")
    assert read.names[3] == "Label 3"
    assert {label: read.colours[label] for label in COLOURS} == COLOURS
    assert read.codes == {1: "SCT:15825003"}
    np.testing.assert_array_equal(read.labels, labels.labels)


def test_other_programs_find_the_segments(tmp_path: Path) -> None:
    path = write_labels(label_map(SCREEN, names=NAMES, colours=COLOURS), tmp_path / "a.seg.nrrd")
    image = sitk.ReadImage(str(path))
    assert image.GetMetaData("Segment0_Name") == "aorta"
    assert image.GetMetaData("Segment0_LabelValue") == "1"
    assert image.GetMetaData("Segment0_Color") == "1 0 0.0392157"
    assert image.GetMetaData("Segment4_LabelValue") == "5"
    assert "Segment5_ID" not in image.GetMetaDataKeys()
    assert image.GetMetaData("Segment1_ColorAutoGenerated") == "1"


def test_a_plain_nrrd_of_a_mask_says_nothing_of_segments(tmp_path: Path) -> None:
    image = sitk.ReadImage(str(write_labels(label_map(SCREEN), tmp_path / "a.nrrd")))
    assert not [key for key in image.GetMetaDataKeys() if key.startswith("Segment")]


def test_a_name_cannot_end_the_header(tmp_path: Path) -> None:
    """A line break in a name must not become a field of its own, nor the empty line before the voxels."""
    wild = {1: "x\n\nsizes: 1 1 1", 2: "y\r\nencoding: raw"}
    labels = label_map(SCREEN, names=wild)
    path = write_labels(labels, tmp_path / "a.seg.nrrd")
    np.testing.assert_array_equal(by_itk(path)[0].transpose(2, 1, 0), labels.labels)
    np.testing.assert_array_equal(read_labels(path).labels, labels.labels)


# ---- pictures --------------------------------------------------------------------------------------------------------


def pages(path: Path) -> Any:
    with Pillow.open(path) as picture:
        count = getattr(picture, "n_frames", 1)
        result = []
        for number in range(count):
            picture.seek(number)
            result.append(np.array(picture))
        return np.stack(result)


@pytest.mark.parametrize("ending", [".tif", ".tiff", ".TIF"])
def test_a_volume_is_the_pages_of_a_tiff(tmp_path: Path, ending: str) -> None:
    mask = probability() > 0.5
    path = write_labels(mask, tmp_path / f"a{ending}")
    np.testing.assert_array_equal(pages(path), mask * np.uint8(255))
    np.testing.assert_array_equal(read_labels(path).labels, mask)
    path = write_probability(tmp_path / f"b{ending}", probability())
    np.testing.assert_allclose(pages(path) / 65535, probability(), atol=0.5 / 65535 + 1e-7)
    np.testing.assert_array_equal(read_image(path).voxels, pages(path))


def test_a_tiff_holds_two_labels(tmp_path: Path) -> None:
    with pytest.raises(ImageRefused, match="labels from 0 to 5"):
        write_labels(label_map(SCREEN), tmp_path / "a.tif")
    assert list(tmp_path.iterdir()) == []


# ---- endings ---------------------------------------------------------------------------------------------------------


def test_each_ending_that_is_named_is_written(tmp_path: Path) -> None:
    for ending in WRITABLE["labels"]:
        if ending != ".dcm":
            assert write_labels(np.eye(4, dtype=bool), tmp_path / f"m{ending}").stat().st_size > 0
    for ending in WRITABLE["probability"]:
        if ending != ".dcm":
            assert write_probability(tmp_path / f"p{ending}", np.eye(4)).stat().st_size > 0
    with pytest.raises(ImageRefused, match=r"a\.seg\.nrrd: this kind of file is not written"):
        write_probability(tmp_path / "a.seg.nrrd", np.eye(4))
    with pytest.raises(ImageRefused, match=r"Use one of .*\.seg\.nrrd"):
        write_labels(np.eye(4, dtype=bool), tmp_path / "a.jpg")


@pytest.mark.parametrize("ending", [ending for ending in WRITABLE["labels"] if ending != ".dcm"])
def test_an_empty_mask_is_a_mask(tmp_path: Path, ending: str) -> None:
    path = write_labels(np.zeros((1, 4, 5), bool), tmp_path / f"a{ending}")
    assert not read_labels(path).labels.any()


@needs_shared
def test_a_segmentation_of_slicer_stays_what_it_was(tmp_path: Path) -> None:
    labels = read_labels(DATA / "volumes" / "slicer_ctchest" / "Segmentation.seg.nrrd")
    read = read_labels(write_labels(labels, tmp_path / "a.seg.nrrd"))
    assert len(labels.names) == 7
    assert (read.names, read.colours, read.codes) == (labels.names, labels.colours, labels.codes)
    np.testing.assert_array_equal(read.labels, labels.labels)
    np.testing.assert_allclose(read.affine, labels.affine, atol=1e-9)
    values, affine = by_itk(tmp_path / "a.seg.nrrd")
    theirs, their_affine = by_itk(DATA / "volumes" / "slicer_ctchest" / "Segmentation.seg.nrrd")
    voxels = np.argwhere(theirs)[::97]
    index = np.rint(to_index(affine, to_world(their_affine, voxels))).astype(int)
    np.testing.assert_array_equal(values[tuple(index.T)], theirs[tuple(voxels.T)])


# ---- what is said of the values ----------------------------------------------------------------------------------

REMARK = "Flowglass: not as trained: FiLM off"
LONG = f"{REMARK}; told “다른 말” by hand" + "; threshold 0.25, trained 0.5" * 4


def said_in(path: Path) -> str:
    """The remark as another program finds it."""
    if path.suffix in (".png", ".tif"):
        with Pillow.open(path) as picture:
            return str(picture.info.get("Description", "") if path.suffix == ".png" else picture.tag_v2[270])  # type: ignore[attr-defined]
    if path.name.endswith((".nii", ".nii.gz")):
        header = nibabel.load(path).header
        whole = [extension.get_content().decode() for extension in header.extensions]
        return whole[0] if whole else bytes(header["descrip"]).decode().rstrip("\0")
    if path.suffix == ".mha":
        lines = path.read_bytes().partition(b"ElementDataFile")[0].decode("ascii").splitlines()
        return next(line.removeprefix("Comment = ") for line in lines if line.startswith("Comment"))
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    return str(reader.GetMetaData("Description"))


@pytest.mark.parametrize("ending", [*VOLUMES, ".png", ".tif"])
def test_a_mask_that_is_passed_on_alone_says_how_it_was_made(tmp_path: Path, ending: str) -> None:
    labels = label_map(SCREEN).labels > 2
    shown = labels[:1] if ending == ".png" else labels
    path = write_labels(shown, tmp_path / f"a{ending}", remark=REMARK)
    assert said_in(path) == REMARK
    np.testing.assert_array_equal(read_labels(path).labels > 0, shown)
    if ending != ".seg.nrrd":
        soft = write_probability(tmp_path / f"b{ending}", probability(shown.shape), remark=REMARK)
        assert said_in(soft) == REMARK
        full = 65_535 if ending in (".png", ".tif") else 1
        np.testing.assert_allclose(read_image(soft).voxels / full, probability(shown.shape), atol=1e-5)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".png"])
def test_a_long_remark_in_any_language_is_whole(tmp_path: Path, ending: str) -> None:
    mask = np.arange(20).reshape(1, 4, 5) > 7
    path = write_labels(mask, tmp_path / f"a{ending}", remark=LONG)
    assert said_in(path) == LONG
    np.testing.assert_array_equal(read_labels(path).labels > 0, mask)


def test_without_a_remark_nothing_is_said(tmp_path: Path) -> None:
    png = write_labels(np.ones((4, 5), bool), tmp_path / "a.png")
    nifti = write_labels(np.ones((4, 5), bool), tmp_path / "a.nii")
    assert said_in(png) == ""
    assert said_in(nifti) == ""
