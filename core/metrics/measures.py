"""`measure_masks`: every standard measure of one mask against one reference."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cache

from core.errors import ShapeMismatch
from core.metrics.definitions import METRICS
from core.metrics.overlap import (
    Score,
    count,
    dice_score,
    iou_score,
    precision_score,
    recall_score,
    specificity_score,
)
from core.metrics.topology import betti_numbers, cldice_score
from core.records import Array, Measurement, MetricValue


def measure_masks(prediction: Array, reference: Array, names: Collection[str] | None = None) -> Measurement:
    """`METRICS`, all or only those in `names`. Masks: (slices, rows, columns) or (rows, columns) bool on one grid.

    Raises ShapeMismatch for two grids, and TypeError for an array that is not boolean: whether 1, 255 or "> 0" is
    foreground is the caller's knowledge.
    """
    prediction, reference = _volume(prediction), _volume(reference)
    _check(prediction, reference)
    scores = _scores(prediction, reference)
    wished = [metric for metric in METRICS if names is None or metric.name in names]
    found = {metric.name: scores[metric.name]() for metric in wished}
    return Measurement(
        values=tuple(
            MetricValue(
                name=metric.name,
                value=found[metric.name][0],
                reason=found[metric.name][1],
                higher_is_better=metric.higher_is_better,
                definition=metric.definition,
            )
            for metric in wished
        )
    )


def dice(prediction: Array, reference: Array) -> float | None:
    """Dice of two boolean masks of one shape, in [0, 1]; None when both are empty."""
    _check(prediction, reference)
    return dice_score(count(prediction, reference))[0]


def dice_curve(predictions: Iterable[Array], reference: Array) -> list[float | None]:
    """Dice of each mask, such as those of the steps of a trajectory, against one reference."""
    return [dice(prediction, reference) for prediction in predictions]


def _scores(prediction: Array, reference: Array) -> dict[str, Callable[[], Score]]:
    """How each is computed, so that only what is asked for is."""
    counts = count(prediction, reference)
    betti = cache(lambda: (betti_numbers(prediction), betti_numbers(reference)))
    return {
        "dice": lambda: dice_score(counts),
        "iou": lambda: iou_score(counts),
        "precision": lambda: precision_score(counts),
        "recall": lambda: recall_score(counts),
        "specificity": lambda: specificity_score(counts),
        "cldice": lambda: cldice_score(prediction, reference),
        "betti_0_error": lambda: _betti_error(*betti(), 0),
        "betti_1_error": lambda: _betti_error(*betti(), 1),
    }


def _betti_error(predicted: tuple[int, int], actual: tuple[int, int], dimension: int) -> Score:
    return float(abs(predicted[dimension] - actual[dimension])), ""


def _volume(mask: Array) -> Array:
    return mask[None] if mask.ndim == 2 else mask


def _check(prediction: Array, reference: Array) -> None:
    if prediction.shape != reference.shape:
        raise ShapeMismatch(
            f"The prediction has shape {prediction.shape} and the reference {reference.shape}: a measure "
            "needs both on one grid. Choose the reference of this image."
        )
    for name, mask in (("prediction", prediction), ("reference", reference)):
        if mask.dtype != bool:
            raise TypeError(f"The {name} is {mask.dtype}, not bool: say what counts as foreground, such as labels > 0.")
