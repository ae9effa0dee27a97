"""Which connected components of the reference were found: matched by overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, sparse
from scipy.optimize import linear_sum_assignment

from core.metrics.overlap import Score
from core.records import Array

MATCH = 0.5


@dataclass(frozen=True, slots=True)
class Matching:
    """Components of both masks and the IoU of each matched pair."""

    predicted: int
    actual: int
    matched: tuple[float, ...]


def label(mask: Array) -> tuple[Array, int]:
    """Components that touch at corners too (8- or 26-connected), numbered from 1."""
    labels, count = ndimage.label(mask, np.ones((3,) * mask.ndim))
    return labels, int(count)


def match(prediction: tuple[Array, int], reference: tuple[Array, int], threshold: float = MATCH) -> Matching:
    """Match labelled components, as `label` returns them, whose IoU is more than `threshold`.

    From one half upwards a component has at most one partner; below, those pairs are taken whose IoU add up to most.
    """
    (predicted, n_predicted), (actual, n_actual) = prediction, reference
    both = (predicted > 0) & (actual > 0)
    pairs = predicted[both].astype(np.int64) * (n_actual + 1) + actual[both]
    keys, shared = np.unique(pairs, return_counts=True)
    rows, columns = keys // (n_actual + 1), keys % (n_actual + 1)
    union = _sizes(predicted, n_predicted)[rows] + _sizes(actual, n_actual)[columns] - shared
    overlaps = shared / union
    kept = overlaps > threshold
    matched = overlaps[kept] if threshold >= MATCH else _assign(rows[kept], columns[kept], overlaps[kept])
    return Matching(n_predicted, n_actual, tuple(matched.tolist()))


def panoptic_quality(matching: Matching) -> Score:
    """SQ times RQ. Source: Kirillov et al., "Panoptic Segmentation", CVPR 2019, eq. 1."""
    found, reason = recognition_quality(matching)
    if found is None:
        return None, reason
    return (found * sum(matching.matched) / len(matching.matched) if matching.matched else 0.0), ""


def segmentation_quality(matching: Matching) -> Score:
    """The mean IoU of the matched components."""
    if not matching.matched:
        return None, "no component of the prediction matches one of the reference"
    return sum(matching.matched) / len(matching.matched), ""


def recognition_quality(matching: Matching) -> Score:
    """TP / (TP + FP / 2 + FN / 2), that is F1 of the components."""
    both = matching.predicted + matching.actual
    return (2 * len(matching.matched) / both, "") if both else (None, "both masks are empty: no component to find")


def _sizes(labels: Array, count: int) -> Array:
    return np.bincount(labels[labels > 0], minlength=count + 1)


def _assign(rows: Array, columns: Array, overlaps: Array) -> Array:
    """The IoU of the pairs chosen so that no component has two partners."""
    if not rows.size:
        return overlaps
    row_of, column_of = np.unique(rows, return_inverse=True)[1], np.unique(columns, return_inverse=True)[1]
    table = sparse.coo_array((overlaps, (row_of, column_of))).toarray()
    gains = table[linear_sum_assignment(table, maximize=True)]
    return np.asarray(gains[gains > 0])
