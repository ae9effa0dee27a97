"""What changed from one prediction to another: pixels of the mask, and the probability."""

from __future__ import annotations

import numpy as np

from core.errors import ShapeMismatch
from core.records import Difference, Prediction


def change_between(first: Prediction, second: Prediction) -> Difference:
    """See `Difference`. Raises `ShapeMismatch` when the two are not of one image's size."""
    if first.mask.shape != second.mask.shape:
        raise ShapeMismatch(
            f"One prediction has shape {first.mask.shape} and the other {second.mask.shape}: only predictions of one "
            "image can be compared. Run both on the same case."
        )
    appeared = int(np.count_nonzero(second.mask & ~first.mask))
    vanished = int(np.count_nonzero(first.mask & ~second.mask))
    change = np.abs(second.probability.astype(np.float64) - first.probability)
    return Difference(
        pixels=appeared + vanished,
        appeared=appeared,
        vanished=vanished,
        share=(appeared + vanished) / first.mask.size,
        mean_change=float(change.mean()),
        largest_change=float(change.max()),
    )
