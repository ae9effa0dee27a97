"""`measure_masks`, `measure_labels`, `measure_probability`: all standard measures of something against a reference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from scipy import ndimage

from core.errors import ShapeMismatch
from core.metrics.definitions import METRICS, Metric, Unit
from core.metrics.overlap import Score, count, dice_score
from core.metrics.pair import Options, Pair, boxed_pair, make_pair
from core.metrics.probability import PROBABILITY_METRICS, ProbabilityMetric, Scored
from core.records import Array, Measurement, MetricValue

Boxes = dict[int, tuple[slice, ...]]
DEFAULT = Options()


def measure_masks(
    prediction: Array,
    reference: Array,
    *,
    roi: Array | None = None,
    options: Options = DEFAULT,
    metrics: Sequence[Metric] = METRICS,
) -> Measurement:
    """Values of `metrics`. Masks: (slices, rows, columns) or (rows, columns) bool on one grid; `roi` likewise.

    `roi` keeps only its pixels: they alone are counted, and masks end at its edge as they end at the image's.
    Raises ShapeMismatch for two grids, and TypeError for an array that is not boolean: whether 1, 255 or "> 0" is
    foreground is the caller's knowledge.
    """
    prediction, reference, roi = _volume(prediction), _volume(reference), None if roi is None else _volume(roi)
    _check(prediction=prediction, reference=reference, **({} if roi is None else {"roi": roi}))
    if roi is not None:
        prediction, reference = prediction & roi, reference & roi
    size = reference.size if roi is None else int(np.count_nonzero(roi))
    pair = make_pair(prediction, reference, size, options)
    return Measurement(values=tuple(_values(metrics, pair, options, None, roi is not None)))


def measure_labels(
    prediction: Array,
    reference: Array,
    labels: Sequence[int] | None = None,
    *,
    roi: Array | None = None,
    options: Options = DEFAULT,
    metrics: Sequence[Metric] = METRICS,
) -> Measurement:
    """The same for each of `labels`, in turn, of two integer label maps; None = all labels that either has, but 0.

    Each is measured as a mask of its own, inside the box that holds it. Raises as `measure_masks` does.
    """
    prediction, reference, roi = _volume(prediction), _volume(reference), None if roi is None else _volume(roi)
    _check_labels(prediction, reference, roi)
    if roi is not None:
        prediction, reference = np.where(roi, prediction, 0), np.where(roi, reference, 0)
    size = reference.size if roi is None else int(np.count_nonzero(roi))
    boxes = _boxes(prediction), _boxes(reference)
    values: list[MetricValue] = []
    for label in sorted({*boxes[0], *boxes[1]} - {0}) if labels is None else labels:
        box = _around(boxes[0].get(label), boxes[1].get(label))
        spacing = options.spacing_mm or (1.0, 1.0, 1.0)
        masks = prediction[box] == label, reference[box] == label
        pair = boxed_pair(*masks, reference.shape, size, spacing, options)
        values += _values(metrics, pair, options, int(label), roi is not None)
    return Measurement(values=tuple(values))


def measure_probability(
    probability: Array,
    reference: Array,
    *,
    roi: Array | None = None,
    metrics: Sequence[ProbabilityMetric] = PROBABILITY_METRICS,
) -> Measurement:
    """Values of `metrics`. `probability` of foreground in [0, 1] and `reference` bool, of one shape; `roi` likewise."""
    probability, reference, roi = _volume(probability), _volume(reference), None if roi is None else _volume(roi)
    _check(reference=reference, **({} if roi is None else {"roi": roi}))
    _same_grid(probability, reference)
    inside = np.ones(reference.shape, bool) if roi is None else roi
    scored = Scored(probability[inside], reference[inside])
    values = (_value(metric, metric.score(scored), "", None, roi is not None) for metric in metrics)
    return Measurement(values=tuple(values))


def dice(prediction: Array, reference: Array) -> float | None:
    """Dice of two boolean masks of one shape, in [0, 1]; None when both are empty."""
    _check(prediction=prediction, reference=reference)
    return dice_score(count(prediction, reference))[0]


def dice_curve(predictions: Iterable[Array], reference: Array) -> list[float | None]:
    """Dice of each mask, such as those of the steps of a trajectory, against one reference."""
    return [dice(prediction, reference) for prediction in predictions]


def _values(
    metrics: Sequence[Metric], pair: Pair, options: Options, label: int | None, roi: bool
) -> Iterator[MetricValue]:
    known = options.spacing_mm is not None
    for metric in metrics:
        yield _value(metric, metric.score(pair), unit_text(metric.unit, len(pair.shape), known), label, roi)


def _value(metric: Metric | ProbabilityMetric, score: Score, unit: str, label: int | None, roi: bool) -> MetricValue:
    return MetricValue(
        name=metric.name,
        value=score[0],
        reason=score[1],
        higher_is_better=metric.direction == "higher",
        definition=metric.definition,
        unit=unit,
        direction=metric.direction,
        source=metric.source,
        label=label,
        roi=roi,
    )


def unit_text(unit: Unit, axes: int, known: bool) -> str:
    """`mm`, `mm²`, `mm³`, or `px` where the spacing is unknown."""
    if unit in ("", "count"):
        return unit
    if not known:
        return "px"
    return "mm" if unit == "length" else "mm²" if axes == 2 else "mm³"


def _boxes(labels: Array) -> Boxes:
    """The box of each label. Values that are few or small come from one pass, others from one pass each."""
    low, high = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if low >= 0 and high < 2**16:
        found = ndimage.find_objects(labels)
        return {label: box for label, box in enumerate(found, start=1) if box is not None}
    return {
        int(label): ndimage.find_objects((labels == label).astype(np.uint8))[0] for label in np.unique(labels) if label
    }


def _around(first: tuple[slice, ...] | None, second: tuple[slice, ...] | None) -> tuple[slice, ...]:
    if first is None or second is None:
        return first or second or (slice(0, 1),) * 3
    return tuple(slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(first, second, strict=True))


def _volume(mask: Array) -> Array:
    return mask[None] if mask.ndim == 2 else mask


def _check(**masks: Array) -> None:
    for name, mask in masks.items():
        _same_grid(mask, masks["reference"], name)
        if mask.dtype != bool:
            raise TypeError(f"The {name} is {mask.dtype}, not bool: say what counts as foreground, such as labels > 0.")


def _check_labels(prediction: Array, reference: Array, roi: Array | None) -> None:
    if roi is not None:
        _check(roi=roi, reference=reference > 0)
    _same_grid(prediction, reference)
    for name, labels in (("prediction", prediction), ("reference", reference)):
        if labels.dtype.kind not in "iu":
            raise TypeError(f"The {name} is {labels.dtype}, not integer: labels are whole numbers, 0 is background.")


def _same_grid(array: Array, reference: Array, name: str = "prediction") -> None:
    if array.shape != reference.shape:
        raise ShapeMismatch(
            f"The {name} has shape {array.shape} and the reference {reference.shape}: a measure "
            "needs both on one grid. Choose the reference of this image."
        )
