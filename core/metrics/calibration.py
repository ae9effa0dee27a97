"""Does a probability mean what it says?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.records import Array

BINS = 15


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """By bins of equal width over [0, 1]: how many pixels, their mean probability, and the share that is foreground.

    Of an empty bin the last two are NaN.
    """

    counts: Array
    probability: Array
    foreground: Array


def brier(probability: Array, positives: Array) -> float | None:
    """Mean squared difference of probability and truth; None of nothing. Source: Brier, Mon. Weather Rev. 1950."""
    return float(np.mean(np.square(probability - positives, dtype=np.float64))) if probability.size else None


def reliability(probability: Array, positives: Array, bins: int = BINS) -> Reliability:
    """Of the probability of foreground. A bin takes its lower edge, not its upper one; the last takes 1 too."""
    flat, marks = np.ravel(probability), np.ravel(positives)
    place = np.minimum((flat * bins).astype(np.int64), bins - 1)
    counts = np.bincount(place, minlength=bins)
    sums = np.bincount(place, weights=flat, minlength=bins), np.bincount(place[marks], minlength=bins)
    with np.errstate(invalid="ignore"):
        return Reliability(counts, sums[0] / counts, sums[1] / counts)


def expected_calibration_error(table: Reliability) -> float | None:
    """Mean over pixels of how far a bin's probability is from its share of foreground; None without pixels.

    Source: Naeini et al., AAAI 2015; Guo et al., ICML 2017, for the probability of foreground.
    """
    held = table.counts > 0
    if not held.any():
        return None
    gaps = np.abs(table.probability[held] - table.foreground[held])
    return float(np.average(gaps, weights=table.counts[held]))
