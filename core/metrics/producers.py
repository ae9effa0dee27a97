"""What the producers' evaluations call Dice, IoU, ...: reproduced to the last digit, where that is not the usual thing.

`soft-seg` and `sofl-seg` measure the image as they load it, with its axes swapped: arrays here are (columns, rows).
Their numbers are float32, as torchmetrics computed them; NaN where they print NaN. How they differ from the standard
ones stands in `core.metrics.producer_definitions`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy import ndimage

from core.metrics.overlap import count
from core.metrics.topology import skeleton
from core.records import Array

SMOOTH, TINY = 1e-5, 1e-8
LANES = 8
Values = dict[str, float]


def soft_seg(prediction: Array, reference: Array) -> Values:
    """What soft-seg's test step returns for one image, both masks (columns, rows) bool."""
    counts = count(prediction, reference)
    recall = _share(counts.tp, counts.tp + counts.fn, float("nan"))
    present, missed = counts.tp + counts.fn > 0, counts.fn > 0
    return {
        "dice": column_dice(prediction, reference),
        "iou": recall,
        "precision": float(counts.tp > 0) / (present + missed) if present else 0.0,
        "recall": _single(np.float32(recall) / np.float32(1 + missed)) if present else 0.0,
        **_topology(prediction, reference),
    }


def sofl_seg(prediction: Array, reference: Array) -> Values:
    """What sofl-seg's test step returns for one image, both masks (columns, rows) bool."""
    counts = count(prediction, reference)
    return {
        "dice": _share(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn, float("nan")),
        "iou": _share(counts.tp, counts.tp + counts.fp + counts.fn),
        "precision": _share(counts.tp, counts.tp + counts.fp),
        "recall": _share(counts.tp, counts.tp + counts.fn),
        "specificity": _share(counts.tn, counts.tn + counts.fp),
        **_topology(prediction, reference),
    }


def sofl_seg_sample(prediction: Array, reference: Array) -> Values:
    """What sofl-seg writes in its table of samples: other formulas, in float64, each denominator 1e-8 larger."""
    counts = count(prediction, reference)
    tp, fp, fn, tn = counts.tp, counts.fp, counts.fn, counts.tn
    return {
        "dice": 2 * tp / (2 * tp + fp + fn + TINY),
        "iou": tp / (tp + fp + fn + TINY),
        "precision": tp / (tp + fp + TINY),
        "recall": tp / (tp + fn + TINY),
        "specificity": tn / (tn + fp + TINY),
        **_topology(prediction, reference),
    }


def column_dice(prediction: Array, reference: Array) -> float:
    """Dice of each image column, averaged over those that are not empty in both; the first column is left out.

    What DiceScore of torchmetrics >= 1.9 makes of masks where it expects classes. NaN when no column is left.
    """
    shared = np.count_nonzero(prediction & reference, axis=1)[1:].astype(np.float32)
    marked = (np.count_nonzero(prediction, axis=1) + np.count_nonzero(reference, axis=1))[1:].astype(np.float32)
    held = marked > 0
    if not held.any():
        return float("nan")
    scores = np.divide(2 * shared, marked, out=np.zeros_like(marked), where=held)
    return _single(torch_sum(scores) / np.float32(np.count_nonzero(held)))


def torch_sum(values: Array) -> np.float32:
    """The sum of (n,) float32 in the order in which torch adds on x86 processors: it decides on the last digit.

    Eight lanes side by side, then what is left over and the lanes one by one. As in ATen/native/cpu/SumKernel.cpp, for
    fewer than 8192 values.
    """
    if len(values) < LANES:
        return np.float32(_four_at_a_time(values))
    lanes = values[: len(values) // LANES * LANES].reshape(-1, LANES)
    return np.float32(_in_turn([_in_turn(values[lanes.size :]), *_four_at_a_time(lanes)]))


def _four_at_a_time(items: Array) -> Any:
    """The sum over the first axis: four sums, each in blocks of 16; what is left over goes to the first of them."""
    quads = items[: len(items) // 4 * 4].reshape(-1, 4, *items.shape[1:])
    whole = len(quads) // 16 * 16
    blocks = [_in_turn(quads[start : start + 16]) for start in range(0, whole, 16)]
    sums = _in_turn(quads[whole:]) + _in_turn(blocks) + np.zeros_like(items, shape=(4, *items.shape[1:]))
    return _in_turn([_in_turn([sums[0], *items[4 * len(quads) :]]), *sums[1:]])


def _in_turn(parts: Iterable[Any]) -> Any:
    """Added one after the other, from 0."""
    total: Any = np.float32(0)
    for part in parts:
        total = total + part
    return total


def pooled_dice(prediction: Array, reference: Array) -> float:
    """The same of torchmetrics 1.8: all columns but the first together. NaN when they are empty in both masks."""
    counts = count(prediction[1:], reference[1:])
    return _share(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn, float("nan"))


def erosion_holes(mask: Array) -> int:
    """Their Betti-1: by how many the 4-connected components grow when the mask is eroded once by a cross."""
    eroded = ndimage.binary_erosion(mask)
    return max(0, int(ndimage.label(eroded)[1]) - int(ndimage.label(mask)[1]))


def _topology(prediction: Array, reference: Array) -> Values:
    components = [int(ndimage.label(mask)[1]) for mask in (prediction, reference)]
    return {
        "betti_0_error": float(abs(components[0] - components[1])),
        "betti_1_error": float(abs(erosion_holes(prediction) - erosion_holes(reference))),
        "cldice": smoothed_cldice(prediction, reference),
    }


def smoothed_cldice(prediction: Array, reference: Array) -> float:
    """clDice with 1e-5 added to each denominator: 0 for two empty masks, and a little below 1 for equal ones."""
    predicted, actual = _skeleton(prediction), _skeleton(reference)
    precision = _smoothed(predicted & reference, predicted)
    sensitivity = _smoothed(actual & prediction, actual)
    return _single(np.float32(2) * (precision * sensitivity) / (precision + sensitivity + np.float32(SMOOTH)))


def _smoothed(part: Array, whole: Array) -> np.float32:
    return np.float32(np.count_nonzero(part)) / (np.float32(np.count_nonzero(whole)) + np.float32(SMOOTH))


def _skeleton(mask: Array) -> Array:
    return skeleton(mask[np.newaxis])[0] if mask.any() else mask


def _share(part: int, whole: int, otherwise: float = 0.0) -> float:
    return _single(np.float32(part) / np.float32(whole)) if whole else otherwise


def _single(value: Any) -> float:
    """Rounded to float32, as a Python number."""
    return float(np.float32(value))
