"""How well a score ranks positives above negatives, whatever the threshold; and which threshold is best for Dice.

All from one sort of the scores, in which equal ones are one step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.records import Array


def auroc(scores: Array, positives: Array) -> float | None:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting half.

    Arrays of one shape, `positives` bool. None when all or none are positive.
    """
    return Ranking(scores, positives).auroc()


def auprc(scores: Array, positives: Array) -> float | None:
    """Average precision: the sum of precision times the gain in recall, without interpolation; None without positives.

    Source: as in scikit-learn's `average_precision_score`.
    """
    return Ranking(scores, positives).auprc()


def best_threshold(scores: Array, positives: Array) -> tuple[float, float] | None:
    """The threshold t at which the mask scores > t has the largest Dice, and that Dice; None without positives."""
    return Ranking(scores, positives).best_threshold()


@dataclass(frozen=True)
class Ranking:
    """Scores of any shape and which of them are positive (bool, the same shape). Scores must not be NaN."""

    scores: Array
    positives: Array

    def auroc(self) -> float | None:
        hits, taken = self._counts[1:]
        found = int(hits[-1]) if hits.size else 0
        if not 0 < found < self.scores.size:
            return None
        true = np.concatenate([[0], hits]).astype(np.float64)
        false = np.concatenate([[0], taken - hits]).astype(np.float64)
        area = float(np.sum(np.diff(false) * (true[1:] + true[:-1]))) / 2
        return area / (found * (self.scores.size - found))

    def auprc(self) -> float | None:
        hits, taken = self._counts[1:]
        found = int(hits[-1]) if hits.size else 0
        return float(np.sum(np.diff(hits, prepend=0) * (hits / taken))) / found if found else None

    def best_threshold(self) -> tuple[float, float] | None:
        steps, hits, taken = self._counts
        found = int(hits[-1]) if hits.size else 0
        if not found:
            return None
        dice = 2 * hits / (taken + found)
        best = int(np.argmax(dice))
        return _between(steps, best), float(dice[best])

    @cached_property
    def _counts(self) -> tuple[Array, Array, Array]:
        """The distinct scores, falling; how many positives and how many in all score at least that."""
        scores, positives = _sorted(self.scores, self.positives)
        last = np.flatnonzero(np.append(scores[1:] != scores[:-1], True)) if scores.size else np.empty(0, np.int64)
        return scores[last], np.cumsum(positives, dtype=np.int64)[last], last + 1


def _sorted(scores: Array, positives: Array) -> tuple[Array, Array]:
    """Both flat, by falling score."""
    flat, marks = np.ravel(scores), np.ravel(positives)
    if flat.dtype != np.float32:
        order = np.argsort(-flat, kind="stable")
        return flat[order], marks[order]
    # The bits of a float, read as an integer, are in the order of its value once negative ones are turned round. With
    # the mark as one more bit a plain sort of integers does it, which is many times faster than sorting indices.
    bits = np.ascontiguousarray(flat).view(np.int32)
    keys = (np.where(bits < 0, bits ^ 0x7FFFFFFF, bits).astype(np.int64) << 1) | marks
    keys.sort()
    keys = keys[::-1]
    turned = (keys >> 1).astype(np.int32)
    return np.where(turned < 0, turned ^ 0x7FFFFFFF, turned).astype(np.int32).view(np.float32), (keys & 1) > 0


def _between(steps: Array, place: int) -> float:
    """A threshold that keeps the first scores up to `place` and none below: half way to the next one down."""
    if place + 1 == steps.size:
        return float(np.nextafter(steps[place], steps.dtype.type(-np.inf)))
    middle = (steps[place] + steps[place + 1]) / 2
    return float(middle if middle < steps[place] else steps[place + 1])
