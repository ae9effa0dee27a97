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


def count(prediction: Array, reference: Array) -> Counts:
    """Both boolean and of one shape."""
    tp = int(np.count_nonzero(prediction & reference))
    predicted, actual = int(np.count_nonzero(prediction)), int(np.count_nonzero(reference))
    return Counts(tp, predicted - tp, actual - tp, prediction.size - predicted - actual + tp)


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


def _ratio(part: int, whole: int, reason: str) -> Score:
    return (part / whole, "") if whole else (None, reason)
