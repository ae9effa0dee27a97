"""A mirrored mask raises the alarm; symmetric, empty, poor or unlucky ones do not."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from core.errors import ShapeMismatch
from core.images import flips, list_cases, read_image, read_labels
from core.images.flips import Flip, flip_suspected
from tests.images.affines import affine_from
from tests.shared_data import DATA, needs_shared

SCREEN = affine_from((2, 1, 0), (False, True, True), (3, 2, 1), (0, 0, 0), (10, 20, 30))


def lump(shape: tuple[int, int, int] = (12, 20, 24)) -> Any:
    """Lies in one corner, and has no symmetry."""
    mask = np.zeros(shape, bool)
    mask[-4:, 2:9, 3:8] = True
    mask[-2:, 2:4, 3:11] = True
    return mask


def worse(mask: Any, share: float = 0.15) -> Any:
    """A prediction that misses a part and adds another."""
    random = np.random.default_rng(1).random(mask.shape)
    return (mask & (random > share)) | (ndimage.binary_dilation(mask) & (random > 0.9))


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ((0,), "mirrored head-feet"),
        ((1,), "mirrored front-back"),
        ((2,), "mirrored left-right"),
        ((1, 2), "mirrored front-back and left-right"),
        ((0, 1, 2), "mirrored head-feet and front-back and left-right"),
    ],
)
def test_a_mirrored_prediction_is_named_by_the_body(axes: Any, words: str) -> None:
    (finding,) = flip_suspected(Flip(axes=axes).apply(worse(lump())), lump(), SCREEN)
    assert (finding.severity, finding.code) == ("warning", "labels.flip-suspected")
    assert f"is {words}: Dice 0." in finding.message


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (lambda mask: mask[:, ::-1], "mirrored top-bottom"),
        (lambda mask: mask[:, :, ::-1], "mirrored left-right on the picture"),
        (lambda mask: mask[:, ::-1, ::-1], "mirrored top-bottom and left-right on the picture"),
        (lambda mask: mask.swapaxes(1, 2), "with rows and columns swapped"),
        (lambda mask: np.rot90(mask, axes=(1, 2)), "with rows and columns swapped, then mirrored"),
    ],
)
def test_a_square_picture_is_named_by_the_screen(turn: Any, words: str) -> None:
    mask = lump((1, 24, 24)) | lump((8, 24, 24)).any(axis=0)[np.newaxis]
    (finding,) = flip_suspected(turn(worse(mask)), mask)
    assert f"is {words}" in finding.message


def test_what_fits_as_it_lies_is_left_alone() -> None:
    assert flip_suspected(worse(lump()), lump(), SCREEN) == ()
    assert flip_suspected(lump(), lump(), SCREEN) == ()


def test_a_symmetric_mask_raises_no_alarm() -> None:
    mask = lump() | lump()[:, :, ::-1]
    assert flip_suspected(worse(mask)[:, :, ::-1], mask, SCREEN) == ()
    poor = mask & (np.random.default_rng(0).random(mask.shape) < 0.3)
    assert flip_suspected(poor, mask, SCREEN) == ()


def test_a_little_better_by_chance_raises_no_alarm() -> None:
    """An organ near the middle and a poor prediction of it: Dice 0.71 as it lies, 0.79 mirrored."""
    reference, prediction = np.zeros((4, 20, 24), bool), np.zeros((4, 20, 24), bool)
    reference[:, :, 4:19] = prediction[:, :, 9:22] = True
    assert flips._dice(prediction[:, :, ::-1], reference) > flips._dice(prediction, reference) + 0.05
    assert flip_suspected(prediction, reference, SCREEN) == ()


def test_empty_full_and_tiny_masks_raise_no_alarm() -> None:
    empty, full, tiny = np.zeros((12, 20, 24), bool), np.ones((12, 20, 24), bool), np.zeros((12, 20, 24), bool)
    tiny[0, 0, :19] = True
    for first, second in ((empty, empty), (empty, lump()), (lump(), empty), (full, full), (full, lump())):
        assert flip_suspected(first, second) == ()
    assert flip_suspected(tiny[:, ::-1], tiny) == ()
    tiny[0, 0, 19] = True
    assert flip_suspected(tiny[:, ::-1], tiny) != ()


def test_a_poor_prediction_is_poor_in_every_direction() -> None:
    assert flip_suspected(np.roll(lump(), 9, axis=2), lump(), SCREEN) == ()
    half = lump()[:, :, ::-1] & (np.random.default_rng(0).random(lump().shape) < 0.25)
    assert flip_suspected(half, lump(), SCREEN) == ()  # mirrored, its Dice is 0.4: too little to say anything


def test_left_and_right_organs_are_not_taken_for_each_other() -> None:
    """The shape is symmetric, the labels are not: only they show that the prediction is mirrored."""
    reference = lump().astype(np.uint8) + 2 * lump()[:, :, ::-1]
    (finding,) = flip_suspected(reference[:, :, ::-1], reference, SCREEN)
    assert "left-right" in finding.message
    assert flip_suspected(reference[:, :, ::-1] > 0, reference, SCREEN) == ()
    assert flip_suspected((reference[:, :, ::-1] > 0) * 7, reference, SCREEN) == ()


@given(st.integers(0, 10_000), st.sampled_from([0, 1, 2]))
def test_noise_raises_no_alarm(seed: int, axis: int) -> None:
    random = np.random.default_rng(seed)
    first, second = random.random((2, 3, 9, 9)) > 0.8
    assert flip_suspected(np.flip(first, axis), second) == ()


def test_large_volumes_are_judged_on_some_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every second slice of the volume, whichever way it is turned, must be compared with the same of the other."""
    mask = np.zeros((24, 20, 24), bool)
    mask[16:, 2:9, 3:8] = True
    whole = [flip_suspected(Flip(axes=axes).apply(mask), mask)[0].message for axes in ((0,), (1,), (2,))]
    monkeypatch.setattr(flips, "MAX_COMPARED", mask.size // 2)
    assert [flip_suspected(Flip(axes=axes).apply(mask), mask)[0].message for axes in ((0,), (1,), (2,))] == whole


def test_two_grids_are_not_compared() -> None:
    with pytest.raises(ShapeMismatch):
        flip_suspected(lump(), lump()[1:])


@needs_shared
@pytest.mark.parametrize("folder", ["fundus/drive", "fundus/chase_x3", "octa/ROSSA", "octa/OCTA500_3M", "xca"])
def test_vessel_trees_of_patients(folder: str) -> None:
    """The mask of another patient is no flip, whatever is tried; the own mask mirrored is one, always."""
    masks = [read_labels(case.reference).labels for case in list_cases(DATA / folder) if case.reference]
    assert len(masks) >= 3
    for mask, other in pairwise(masks):
        assert flip_suspected(worse(mask), mask) == ()
        assert flip_suspected(worse(mask)[:, :, ::-1], mask) != ()
        assert flip_suspected(worse(mask)[:, ::-1], mask) != ()
        assert mask.shape != other.shape or flip_suspected(mask, other) == ()


@needs_shared
def test_a_mask_whose_orientation_was_lost_is_noticed(tmp_path: Any) -> None:
    """The aorta saved by a tool that forgot the affine: the array is right, the place is mirrored twice."""
    folder = DATA / "volumes" / "cta_aorta"
    image, aorta = read_image(folder / "ct_cropped.nii.gz"), read_labels(folder / "aorta.nii.gz")
    assert flip_suspected(aorta.labels, aorta.labels, image.affine) == ()
    stored = nibabel.load(folder / "aorta.nii.gz")
    lost = np.diag([1.5, 1.5, 1.5, 1])
    nibabel.save(nibabel.Nifti1Image(np.asarray(stored.dataobj, np.uint8), lost), tmp_path / "lost.nii.gz")
    (finding,) = flip_suspected(read_labels(tmp_path / "lost.nii.gz").labels, aorta.labels, image.affine)
    assert "mirrored front-back and left-right" in finding.message
