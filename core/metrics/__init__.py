"""Measures of a mask against a reference, each with its definition; one that does not exist is None with a reason."""

from core.metrics.definitions import METRICS, Metric
from core.metrics.measures import dice, dice_curve, measure_labels, measure_masks, measure_probability
from core.metrics.pair import Options
from core.metrics.probability import PROBABILITY_METRICS, ProbabilityMetric
from core.metrics.producer_definitions import PRODUCERS, Producer, measure_as

__all__ = [
    "METRICS",
    "PROBABILITY_METRICS",
    "PRODUCERS",
    "Metric",
    "Options",
    "ProbabilityMetric",
    "Producer",
    "dice",
    "dice_curve",
    "measure_as",
    "measure_labels",
    "measure_masks",
    "measure_probability",
]
