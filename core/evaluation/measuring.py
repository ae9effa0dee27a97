"""The numbers of one case: every metric under every set of definitions that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from core.errors import ShapeMismatch
from core.evaluation.records import MeasuredValue
from core.metrics.producers import sofl_seg_sample
from core.metrics.requests import Request, measure_request
from core.records import Array, Case, LabelMap, MetricValue, Prediction

TOLERANCES = (1.0, 2.0)
"""Of the normalised surface distance, in mm, or px where the spacing is unknown: as the window measures."""

SAMPLES = "sofl-seg samples"
"""What sofl-seg writes in its table of samples, which is not what its test step reports; recorded for that table."""


def measure_case(
    prediction: Prediction, case: Case, region: Array | None, definitions: Sequence[str]
) -> tuple[MeasuredValue, ...]:
    """All metrics of a prediction against the reference of its case, which must lie on the image's grid.

    `region`: (slices, rows, columns) bool, only there is measured; for the standard definitions alone, else ValueError.
    Raises ShapeMismatch, with the reader's words, for a reference that lies elsewhere.
    """
    reference = _reference_of(case, prediction)
    measured = [
        MeasuredValue(definitions=name, metric=value)
        for name in definitions
        for value in measure_request(_request(prediction, reference, region, name)).values
    ]
    samples = _samples(prediction, reference) if "sofl-seg" in definitions else ()
    return (*measured, *samples)


def _samples(prediction: Prediction, reference: LabelMap) -> tuple[MeasuredValue, ...]:
    """sofl-seg's second set of formulas, for one picture; its masks are (columns, rows)."""
    values = sofl_seg_sample((prediction.mask[0] > 0).T, (reference.labels[0] > 0).T)
    return tuple(
        MeasuredValue(
            definitions=SAMPLES,
            metric=MetricValue(name=name, value=None if isnan(value) else value, definitions=SAMPLES),
        )
        for name, value in values.items()
    )


def _reference_of(case: Case, prediction: Prediction) -> LabelMap:
    reference = case.reference
    if reference is None:
        raise ShapeMismatch(f"{case.name} has no reference. Add one.")
    if reference.placed == "shown":
        said = next((known for known in reference.findings if known.code.startswith("labels.other-")), None)
        raise ShapeMismatch(
            f"{said.message} {said.remedy}" if said else f"{case.name}: the reference lies elsewhere than the image."
        )
    if reference.labels.shape != prediction.mask.shape:
        raise ShapeMismatch(
            f"{case.name}: the reference has shape {reference.labels.shape}, the image {prediction.mask.shape}. "
            "Resample one of them."
        )
    return reference


def _request(prediction: Prediction, reference: LabelMap, region: Array | None, definitions: str) -> Request:
    return Request(
        prediction=prediction,
        reference=reference,
        labels=None,
        roi=region,
        spacing_mm=None,
        definitions=definitions,
        names=None,
        tolerances=TOLERANCES,
        band=None,
        match_iou=0.5,
    )
