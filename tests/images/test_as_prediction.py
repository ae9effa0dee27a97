"""Labels in the place of a prediction: the same mask, no steps, and never on another grid than the image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core import pipeline
from core.errors import ShapeMismatch
from core.records import Image, LabelMap

SHAPE = (2, 6, 8)


def _image(affine: np.ndarray | None = None) -> Image:
    return Image(voxels=np.zeros(SHAPE, np.float32), name="a.nii.gz", path="/data/a.nii.gz", affine=affine)


def _labels(affine: np.ndarray | None = None) -> LabelMap:
    labels = np.zeros(SHAPE, np.int16)
    labels[0, 2:4, 3:5] = 2
    labels[1, 0, 0] = 1
    return LabelMap(labels=labels, name="expert.nii.gz", path="/data/expert.nii.gz", affine=affine)


def test_foreground_is_what_the_measures_call_so() -> None:
    made = pipeline.prediction_of_labels(_labels(), _image())
    assert made.mask.sum() == 5
    assert made.mask[0, 2, 3]
    assert made.mask[1, 0, 0]
    assert np.array_equal(made.probability > made.threshold, made.mask)
    assert made.steps == ()
    assert made.axis == "none"
    assert pipeline.measure(made, _labels())["dice"].value == 1.0
    assert not made.mask.flags.writeable
    assert not made.probability.flags.writeable


def test_it_says_which_file_it_was_and_that_no_network_made_it() -> None:
    made = pipeline.prediction_of_labels(_labels(), _image())
    assert made.provenance["labels"] == "/data/expert.nii.gz"
    assert pipeline.from_labels(made)
    assert made.calls == 0
    assert made.deviations == ()


def test_labels_of_another_size_are_refused_with_both_sizes() -> None:
    small = replace(_labels(), labels=np.zeros((2, 6, 7), np.int16))
    with pytest.raises(ShapeMismatch, match=r"expert\.nii\.gz has 2 x 6 x 7 voxels .* 2 x 6 x 8"):
        pipeline.prediction_of_labels(small, _image())


def test_labels_that_lie_elsewhere_are_refused_with_the_distance() -> None:
    moved = np.eye(4)
    moved[0, 3] = 3.0
    with pytest.raises(ShapeMismatch, match=r"up to 3\.00 mm"):
        pipeline.prediction_of_labels(_labels(moved), _image(np.eye(4)))
    assert pipeline.prediction_of_labels(_labels(np.eye(4)), _image(np.eye(4))).mask.any()
    assert pipeline.prediction_of_labels(_labels(moved), _image()).mask.any()  # the image does not say where it is
