"""DICOM segmentations: read back by highdicom and by our reader, tied to the images they were made on."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from core.errors import ImageRefused
from core.images import dicom_seg_writing, read_image, read_labels, write_labels, write_probability
from core.records import Image, LabelMap
from tests.shared_data import DATA, needs_shared

highdicom: Any = import_module("highdicom")
DICOM = DATA / "dicom"
SERIES = ("ct3slice", "lumbar_sag_t1", "mr_nonsquare", "enhanced/enh.dcm", "pydicom/eCT_Supplemental.dcm",
          "pydicom/MR_small.dcm")  # fmt: skip
XA = "wg04_XA1/XA1_UNC"
pytestmark = needs_shared


def drawn_on(image: Image, highest: int = 3, **more: Any) -> LabelMap:
    """Random labels, so that no flip, swap or shift can pass for the right place."""
    labels = np.random.default_rng(0).integers(0, highest + 1, image.voxels.shape).astype(np.uint8)
    return LabelMap(labels=labels, name="drawn", **more)


def values_at(labels: Any, affine: Any, world: Any) -> Any:
    index = np.rint(np.linalg.solve(affine, np.vstack([world.T, np.ones(len(world))]))[:3]).astype(int)
    return labels[tuple(index)]


@pytest.mark.parametrize("name", SERIES)
def test_our_reader_finds_the_same_array_in_the_same_place(tmp_path: Path, name: str) -> None:
    image = read_image(DICOM / name)
    labels = drawn_on(image)
    read = read_labels(write_labels(labels, tmp_path / "a.dcm", like=image), like=image)
    np.testing.assert_array_equal(read.labels, labels.labels)
    np.testing.assert_allclose(read.affine, image.affine, atol=1e-3)
    assert read.findings == ()


@pytest.mark.parametrize("name", SERIES)
def test_highdicom_finds_each_label_where_it_was_drawn(tmp_path: Path, name: str) -> None:
    """By the volume geometry that highdicom works out itself, in LPS millimetres."""
    image = read_image(DICOM / name)
    assert image.affine is not None
    labels = drawn_on(image)
    volume = highdicom.seg.segread(write_labels(labels, tmp_path / "a.dcm", like=image)).get_volume(
        combine_segments=True
    )
    voxels = np.random.default_rng(1).integers(0, volume.array.shape, (500, 3))
    lps = volume.map_indices_to_reference(voxels)
    expected = values_at(labels.labels, image.affine, lps * (-1, -1, 1))
    np.testing.assert_array_equal(volume.array[tuple(voxels.T)], expected)
    assert volume.array.size == labels.labels.size


def test_each_frame_refers_to_the_image_that_lies_under_it(tmp_path: Path) -> None:
    image = read_image(DICOM / "ct_rt_breast")
    written = dcmread(write_labels(drawn_on(image, 1), tmp_path / "a.dcm", like=image))
    sources = {item.SOPInstanceUID: item for item in (dcmread(file, stop_before_pixels=True) for file in image.files)}
    one = next(iter(sources.values()))
    assert (written.PatientID, written.StudyInstanceUID) == (one.PatientID, one.StudyInstanceUID)
    assert written.FrameOfReferenceUID == one.FrameOfReferenceUID
    assert written.SeriesInstanceUID != one.SeriesInstanceUID
    referred = {
        item.ReferencedSOPInstanceUID for item in written.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    }
    assert referred == set(sources)
    assert written.ReferencedSeriesSequence[0].SeriesInstanceUID == one.SeriesInstanceUID
    frames = written.PerFrameFunctionalGroupsSequence
    assert len(frames) == len(sources) == 98
    for frame in frames:
        source = sources[frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID]
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        np.testing.assert_allclose(position, source.ImagePositionPatient, atol=1e-3)


def test_names_colours_codes_and_who_made_it(tmp_path: Path) -> None:
    image = read_image(DICOM / "ct3slice")
    labels = drawn_on(
        image, names={1: "간", 2: "liver"}, colours={1: (200, 30, 60)}, codes={2: "SCT:10200004", 3: "nonsense"}
    )
    path = write_labels(labels, tmp_path / "a.dcm", like=image, algorithm="soft-seg best.ckpt")
    read = read_labels(path)
    assert read.names == {1: "간", 2: "liver", 3: "Label 3"}
    assert np.abs(np.subtract(read.colours[1], (200, 30, 60))).max() <= 3  # by way of CIELab
    assert read.codes[2] == "SCT:10200004"
    first = dcmread(path).SegmentSequence[0]
    assert first.SegmentAlgorithmType == "AUTOMATIC"
    assert first.SegmentationAlgorithmIdentificationSequence[0].AlgorithmName == "soft-seg best.ckpt"
    drawn = dcmread(write_labels(labels, tmp_path / "b.dcm", like=image, algorithm=""))
    assert drawn.SegmentSequence[0].SegmentAlgorithmType == "MANUAL"


def test_labels_keep_their_numbers_over_gaps(tmp_path: Path) -> None:
    image = read_image(DICOM / "ct3slice")
    labels = drawn_on(image, 1).labels * np.uint8(4)
    labels[0, 0, 0] = 2
    read = read_labels(write_labels(labels, tmp_path / "a.dcm", like=image))
    np.testing.assert_array_equal(read.labels, labels)


def test_an_empty_mask_covers_the_whole_series(tmp_path: Path) -> None:
    image = read_image(DICOM / "ct3slice")
    labels = np.zeros(image.voxels.shape, bool)
    read = read_labels(write_labels(labels, tmp_path / "a.dcm", like=image), like=image)
    np.testing.assert_array_equal(read.labels, labels)
    labels[1, 100, 200] = True  # on the middle slice alone
    read = read_labels(write_labels(labels, tmp_path / "a.dcm", like=image))
    np.testing.assert_array_equal(read.labels, labels)


def test_very_many_frames_leave_out_the_empty_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicom_seg_writing, "MAX_FRAMES", 2)
    image = read_image(DICOM / "ct3slice")
    labels = np.zeros(image.voxels.shape, bool)
    labels[1, 100, 200] = True
    written = dcmread(write_labels(labels, tmp_path / "a.dcm", like=image))
    assert written.NumberOfFrames == 1


def test_a_probability_has_8_bits(tmp_path: Path) -> None:
    image = read_image(DICOM / "ct3slice")
    probability = np.random.default_rng(0).random(image.voxels.shape, dtype=np.float32)
    written = highdicom.seg.segread(write_probability(tmp_path / "a.dcm", probability, like=image))
    assert (written.SegmentationType, written.MaximumFractionalValue) == ("FRACTIONAL", 255)
    volume = written.get_volume(rescale_fractional=True)
    array = volume.array.reshape(volume.array.shape[:3])
    voxels = np.random.default_rng(1).integers(0, array.shape, (500, 3))
    expected = values_at(probability, image.affine, volume.map_indices_to_reference(voxels) * (-1, -1, 1))
    np.testing.assert_allclose(array[tuple(voxels.T)], expected, atol=0.5 / 255 + 1e-6)


def test_a_single_projection_without_a_place_is_tied_to_its_image(tmp_path: Path) -> None:
    image = read_image(DICOM / XA)
    assert image.affine is None
    labels = drawn_on(image, 1).labels
    written = highdicom.seg.segread(write_labels(labels, tmp_path / "a.dcm", like=image))
    source = dcmread(DICOM / XA, stop_before_pixels=True)
    np.testing.assert_array_equal(
        written.get_pixels_by_source_instance([source.SOPInstanceUID], combine_segments=True), labels
    )


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda image: replace(image, files=()), "was not read from one"),
        (lambda image: replace(image, files=image.files[:2]), "2 images do not cover all of it"),
        (lambda image: replace(image, files=(*image.files, image.files[0])), "several images of each place"),
        (lambda image: replace(image, affine=image.affine @ np.diag([1, 1, 1.01, 1])), "lies elsewhere"),
        (lambda image: replace(image, affine=None, voxels=image.voxels[:, 1:]), "it has the shape"),
    ],
)
def test_what_does_not_belong_to_the_series_is_refused(tmp_path: Path, spoil: Any, why: str) -> None:
    image = spoil(read_image(DICOM / "ct3slice"))
    with pytest.raises(ImageRefused, match=why):
        write_labels(np.ones(image.voxels.shape, bool), tmp_path / "a.dcm", like=image)
    assert list(tmp_path.iterdir()) == []


def test_a_mask_from_nowhere_has_no_series(tmp_path: Path) -> None:
    with pytest.raises(ImageRefused, match=r"Write \.seg\.nrrd or \.nii\.gz"):
        write_labels(np.ones((1, 4, 5), bool), tmp_path / "a.dcm")


def test_numbers_that_no_segment_has_are_refused(tmp_path: Path) -> None:
    image = read_image(DICOM / "ct3slice")
    for wrong in (-1, 1_001):
        with pytest.raises(ImageRefused, match="from 1 up"):
            write_labels(np.full(image.voxels.shape, wrong), tmp_path / "a.dcm", like=image)


def test_a_film_is_refused_by_name(tmp_path: Path) -> None:
    image = read_image(DICOM / "single" / "1.2.40.0.13.1.1.286145458149728631212017302675002118581")
    with pytest.raises(ImageRefused, match="film of 8 images"):
        write_labels(np.ones(image.voxels.shape, bool), tmp_path / "a.dcm", like=image)


def test_a_segmentation_says_how_it_was_made(tmp_path: Path) -> None:
    image = read_image(DICOM / "ct3slice")
    remark = "Flowglass: not as trained: FiLM off; threshold 0.25, trained 0.5; 2 samples instead of 1"
    path = write_labels(drawn_on(image), tmp_path / "a.dcm", like=image, remark=remark)
    data = dcmread(path)
    assert data.ImageComments == remark
    assert data.SeriesDescription.startswith("Flowglass: not as trained: FiLM off")
    assert len(data.SeriesDescription) <= 64
    np.testing.assert_array_equal(read_labels(path, like=image).labels, drawn_on(image).labels)
