"""What a caller may ask to have measured, in one record; `measure_request` finds out how."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.metrics.definitions import Metric, registry
from core.metrics.measures import measure_labels, measure_masks, measure_probability
from core.metrics.pair import Options
from core.metrics.probability import PROBABILITY_METRICS, ProbabilityMetric
from core.metrics.producer_definitions import PRODUCERS, measure_as
from core.records import Array, LabelMap, Measurement, Prediction


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Request:
    """The arguments of `core.pipeline.measure`, which says what they mean."""

    prediction: Prediction | Array
    reference: LabelMap | Array
    labels: Sequence[int] | Literal["each"] | None
    roi: LabelMap | Array | None
    spacing_mm: tuple[float, ...] | None
    definitions: str
    names: Collection[str] | None
    tolerances: tuple[float, ...]
    band: float | None
    match_iou: float


def measure_request(request: Request) -> Measurement:
    predicted = request.prediction.mask if isinstance(request.prediction, Prediction) else request.prediction
    prediction, reference = np.asarray(predicted), _labels(request.reference)
    roi = None if request.roi is None else _labels(request.roi) > 0
    if request.definitions != "standard":
        return _as_producer(request, prediction > 0, reference > 0)
    masks, scores = _chosen(request)
    options = Options(spacing_mm=_spacing(request), band=request.band, match_iou=request.match_iou)
    if request.labels is not None:
        wanted = None if request.labels == "each" else request.labels
        return measure_labels(prediction, reference, wanted, roi=roi, options=options, metrics=masks)
    measured = measure_masks(prediction > 0, reference > 0, roi=roi, options=options, metrics=masks)
    if not isinstance(request.prediction, Prediction):
        return measured
    ranked = measure_probability(request.prediction.probability, reference > 0, roi=roi, metrics=scores)
    return Measurement(values=(*measured.values, *ranked.values))


def _as_producer(request: Request, prediction: Array, reference: Array) -> Measurement:
    producer = next((known for known in PRODUCERS if known.name == request.definitions), None)
    if producer is None:
        names = ", ".join(["standard", *(known.name for known in PRODUCERS)])
        raise ValueError(f"There are no definitions called {request.definitions}. There are: {names}.")
    if request.roi is not None or request.labels is not None:
        raise ValueError(
            f"{producer.name} measures all foreground of the whole image: choose the standard definitions for single "
            "labels or a region of interest."
        )
    measured = measure_as(producer, prediction, reference)
    wanted = (value for value in measured.values if request.names is None or value.name in request.names)
    return Measurement(values=tuple(wanted), definitions=producer.name)


def _chosen(request: Request) -> tuple[tuple[Metric, ...], tuple[ProbabilityMetric, ...]]:
    """The measures that are wanted, in the order of the registry."""
    masks, names = registry(request.tolerances), request.names
    if names is None:
        return masks, PROBABILITY_METRICS
    known = [metric.name for metric in masks] + [metric.name for metric in PROBABILITY_METRICS]
    if unknown := sorted(set(names) - set(known)):
        raise KeyError(f"There is no measure called {', '.join(unknown)}. There are: {', '.join(known)}.")
    return (
        tuple(metric for metric in masks if metric.name in names),
        tuple(metric for metric in PROBABILITY_METRICS if metric.name in names),
    )


def _labels(given: LabelMap | Array) -> Array:
    return np.asarray(given.labels if isinstance(given, LabelMap) else given)


def _spacing(request: Request) -> tuple[float, float, float] | None:
    """(slice, row, column) mm. Two numbers are of a picture's rows and columns."""
    given = request.spacing_mm
    if given is None:
        return request.reference.spacing_mm if isinstance(request.reference, LabelMap) else None
    if len(given) not in (2, 3) or not all(np.isfinite(given)) or min(given) <= 0:
        raise ValueError(f"A spacing is 2 or 3 positive numbers of millimetres (slice, row, column), not {given}.")
    thickness, row, column = given if len(given) == 3 else (1.0, *given)
    return thickness, row, column
