"""Measures of a probability map, whatever the threshold it is cut at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from core.metrics import calibration
from core.metrics.overlap import Score
from core.metrics.ranking import Ranking
from core.records import Array, Direction

NO_POSITIVES, ONE_KIND = "the reference is empty", "the reference is all foreground or all background"
NOTHING = "the region of interest is empty"


@dataclass(frozen=True, eq=False)
class Scored:
    """Probabilities in [0, 1] of the pixels that are measured, and which of them are foreground (bool)."""

    probability: Array
    positives: Array

    @cached_property
    def ranking(self) -> Ranking:
        return Ranking(self.probability, self.positives)

    @cached_property
    def best(self) -> tuple[float, float] | None:
        return self.ranking.best_threshold()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbabilityMetric:
    """As `Metric`, of a `Scored`."""

    name: str
    definition: str
    score: Callable[[Scored], Score]
    direction: Direction = "higher"
    source: str = ""
    empty: str = "None when the reference is empty"
    unit: str = ""


def _or(value: float | None, reason: str) -> Score:
    return (value, "") if value is not None else (None, reason)


PROBABILITY_METRICS: tuple[ProbabilityMetric, ...] = (
    ProbabilityMetric(
        name="auroc",
        definition="Area under the ROC curve of the probability: the chance that a foreground pixel has a higher one "
        "than a background pixel.",
        score=lambda scored: _or(scored.ranking.auroc(), ONE_KIND),
        source="Hanley and McNeil, Radiology 1982",
        empty="None when the reference is all foreground or all background",
    ),
    ProbabilityMetric(
        name="auprc",
        definition="Average precision of the probability: precision times gain in recall, without interpolation.",
        score=lambda scored: _or(scored.ranking.auprc(), NO_POSITIVES),
        source="Davis and Goadrich, ICML 2006; summed as in scikit-learn",
    ),
    ProbabilityMetric(
        name="brier",
        definition="Mean squared difference between probability and truth.",
        score=lambda scored: _or(calibration.brier(scored.probability, scored.positives), NOTHING),
        direction="lower",
        source="Brier, Monthly Weather Review 1950",
        empty="Defined for empty masks",
    ),
    ProbabilityMetric(
        name="ece",
        definition=f"Expected calibration error: mean distance, over {calibration.BINS} bins of equal width of the "
        "foreground probability, between it and the share of foreground.",
        score=lambda scored: _or(
            calibration.expected_calibration_error(calibration.reliability(scored.probability, scored.positives)),
            NOTHING,
        ),
        direction="lower",
        source="Naeini et al., AAAI 2015; Guo et al., ICML 2017",
        empty="Defined for empty masks",
    ),
    ProbabilityMetric(
        name="best_threshold",
        definition="The threshold of the probability with the largest Dice on this case. Chosen with the reference at "
        "hand: it describes the case, and is no fair setting for a test.",
        score=lambda scored: _or(scored.best[0] if scored.best else None, NO_POSITIVES),
        direction="none",
    ),
    ProbabilityMetric(
        name="best_dice",
        definition="Dice at the best threshold: what no choice of a threshold could exceed on this case.",
        score=lambda scored: _or(scored.best[1] if scored.best else None, NO_POSITIVES),
    ),
)
