"""Counts of agreeing and disagreeing pixels, and the ratios made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.records import Array

Score = tuple[float | None, str]
"""A value, or None and the reason why there is none."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Pixels by prediction and reference: true and false positives, false and true negatives."""

    tp: int
    fp: int
    fn: int
    tn: int


def count(prediction: Array, reference: Array, size: int | None = None) -> Counts:
    """Both boolean and of one shape. `size`: pixels in all, if the arrays are a part that holds all foreground."""
    tp = int(np.count_nonzero(prediction & reference))
    predicted, actual = int(np.count_nonzero(prediction)), int(np.count_nonzero(reference))
    whole = prediction.size if size is None else size
    return Counts(tp, predicted - tp, actual - tp, whole - predicted - actual + tp)


def dice_score(counts: Counts) -> Score:
    return _ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn, "both masks are empty")


def iou_score(counts: Counts) -> Score:
    return _ratio(counts.tp, counts.tp + counts.fp + counts.fn, "both masks are empty")


def precision_score(counts: Counts) -> Score:
    return _ratio(counts.tp, counts.tp + counts.fp, "the prediction is empty")


def recall_score(counts: Counts) -> Score:
    return _ratio(counts.tp, counts.tp + counts.fn, "the reference is empty")


def specificity_score(counts: Counts) -> Score:
    return _ratio(counts.tn, counts.tn + counts.fp, "the reference has no background")


def accuracy_score(counts: Counts) -> Score:
    whole = counts.tp + counts.fp + counts.fn + counts.tn
    return _ratio(counts.tp + counts.tn, whole, "the region of interest is empty")


def volume_difference(counts: Counts, pixel: float) -> Score:
    """Predicted minus reference size; `pixel` is the size of one."""
    return (counts.fp - counts.fn) * pixel, ""


def relative_volume_difference(counts: Counts) -> Score:
    return _ratio(counts.fp - counts.fn, counts.tp + counts.fn, "the reference is empty")


def _ratio(part: int, whole: int, reason: str) -> Score:
    return (part / whole, "") if whole else (None, reason)
