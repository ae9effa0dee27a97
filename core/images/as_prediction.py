"""Labels in the place of a prediction: a reference or somebody else's segmentation, to be compared like any other."""

from __future__ import annotations

import numpy as np

from core.errors import ShapeMismatch
from core.images.labels import GRID_TOLERANCE_MM
from core.records import Image, LabelMap, Prediction, RunSettings, frozen_array

LABELS = "labels"
"""The key of `Prediction.provenance` that names the file; no network's prediction has it."""


def prediction_of_labels(labels: LabelMap, image: Image) -> Prediction:
    """Foreground (labels above 0) as a prediction without steps: probability 0 or 1, threshold 0.5.

    `provenance` says which file it was. Raises ShapeMismatch for labels that do not lie on the grid of `image`.
    """
    _check_grid(labels, image)
    mask = labels.labels > 0
    probability = frozen_array(mask, np.float32)
    return Prediction(
        score=probability,
        probability=probability,
        mask=frozen_array(mask),
        threshold=0.5,
        value_range=(0.0, 1.0),
        steps=(),
        settings=RunSettings(),
        device="",
        axis="none",
        provenance={LABELS: labels.path or labels.name, "image": image.path or image.name},
        findings=labels.findings,
    )


def _check_grid(labels: LabelMap, image: Image) -> None:
    """One voxel of the mask for each of the image, in the same place where both files say where that is."""
    sizes = [" x ".join(map(str, array.shape)) for array in (labels.labels, image.voxels)]
    if labels.labels.shape != image.voxels.shape:
        raise ShapeMismatch(
            f"{labels.name} has {sizes[0]} voxels and the image {image.name} has {sizes[1]} (slices x rows x columns). "
            "Choose a mask of this image; masks are not resized."
        )
    if labels.affine is None or image.affine is None:
        return
    last = np.array(image.voxels.shape) - 1
    ends = np.array([[*(last * corner), 1] for corner in np.ndindex(2, 2, 2)])
    apart = float(np.abs(ends @ (labels.affine - image.affine).T).max())
    if apart > GRID_TOLERANCE_MM:
        raise ShapeMismatch(
            f"{labels.name} has the size of the image {image.name} but lies up to {apart:.2f} mm from it. "
            "Resample it onto the image, or choose the mask that was drawn on it."
        )
