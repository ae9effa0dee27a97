"""Measures of a mask against a reference, each with its definition; one that does not exist is None with a reason."""

from core.metrics.definitions import METRICS, Metric
from core.metrics.measures import dice, dice_curve, measure_masks

__all__ = ["METRICS", "Metric", "dice", "dice_curve", "measure_masks"]
