"""Frames of films and time series, each with its own reference or none."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from core import pipeline
from core.errors import ImageRefused
from core.records import Image
from tests.shared_data import DATA, needs_shared

ECHO = DATA / "volumes" / "echo4d"


def write(path: Path, voxels: np.ndarray) -> Path:  # type: ignore[type-arg]
    nib.save(nib.Nifti1Image(voxels, np.diag([1.0, 1.0, 2.0, 1.0])), path)  # type: ignore[no-untyped-call]
    return path


def film(folder: Path, frames: int) -> Path:
    """Every voxel of frame k is 10 k."""
    values = np.zeros((4, 5, 3, frames), np.int16) + 10 * np.arange(frames, dtype=np.int16)
    return write(folder / "film.nii.gz", values)


def masks(folder: Path, frames: int) -> Path:
    """Frame k marks k + 1 voxels."""
    labels = np.zeros((4, 5, 3, frames), np.uint8)
    for frame in range(frames):
        labels.reshape(60, frames)[: frame + 1, frame] = 1
    return write(folder / "masks.nii.gz", labels[..., 0] if frames == 1 else labels)


def test_a_label_map_with_as_many_frames_follows_the_image(tmp_path: Path) -> None:
    image, reference = film(tmp_path, 4), masks(tmp_path, 4)
    for frame in range(4):
        case = pipeline.open_case(image, reference, frame=frame)
        assert (case.image.frame, case.image.frames) == (frame, 4)
        assert set(np.unique(case.image.voxels)) == {10 * frame}
        assert case.reference is not None
        assert case.reference.frame == frame
        assert case.reference.labels.sum() == frame + 1


@pytest.mark.parametrize("frames", [1, 3])
def test_a_label_map_with_other_frames_is_shown_with_the_first_only_and_that_is_said(
    tmp_path: Path, frames: int
) -> None:
    image, reference = film(tmp_path, 4), masks(tmp_path, frames)
    first, later = (pipeline.open_case(image, reference, frame=frame) for frame in (0, 2))
    assert first.reference is not None
    assert later.reference is None
    for case in (first, later):
        assert "labels.other-frames" in [finding.code for finding in case.image.findings]


def test_a_single_image_has_nothing_to_say_about_frames(tmp_path: Path) -> None:
    values = np.zeros((4, 5, 3), np.int16)
    case = pipeline.open_case(write(tmp_path / "one.nii.gz", values), masks(tmp_path, 1))
    assert case.reference is not None
    assert "labels.other-frames" not in [finding.code for finding in case.image.findings]


def test_there_is_no_frame_beyond_the_last(tmp_path: Path) -> None:
    with pytest.raises(ImageRefused, match="there is no frame 4"):
        pipeline.open_case(film(tmp_path, 4), frame=4)


@needs_shared
def test_an_echo_and_its_segmentation_go_through_time_together() -> None:
    moments = [
        pipeline.open_case(ECHO / "img4d_11f.nii.gz", ECHO / "seg4d_11f_label1.nii.gz", frame=k) for k in (0, 5, 10)
    ]
    for case, frame in zip(moments, (0, 5, 10), strict=True):
        assert case.reference is not None
        assert (case.image.frame, case.reference.frame) == (frame, frame)
        assert case.reference.labels.shape == case.image.voxels.shape
        raw = np.asarray(nib.load(ECHO / "seg4d_11f_label1.nii.gz").dataobj)[..., frame]  # type: ignore[attr-defined]
        assert int((case.reference.labels > 0).sum()) == int((raw > 0).sum())
    sizes = {int((case.reference.labels > 0).sum()) for case in moments if case.reference}
    assert len(sizes) > 1, "a beating heart"


def test_results_of_two_frames_have_two_names() -> None:
    voxels = np.zeros((1, 2, 2), np.float32)
    assert pipeline.frame_suffix(Image(voxels=voxels, name="x")) == ""
    assert pipeline.frame_suffix(Image(voxels=voxels, name="x", frame=7, frames=40)) == "_frame8"
