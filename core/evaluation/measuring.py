"""The numbers of one case: every metric under every set of definitions that was asked for."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import ShapeMismatch
from core.evaluation.records import MeasuredValue
from core.metrics.requests import Request, measure_request
from core.records import Array, Case, LabelMap, Prediction

TOLERANCES = (1.0, 2.0)
"""Of the normalised surface distance, in mm, or px where the spacing is unknown: as the window measures."""


def measure_case(
    prediction: Prediction, case: Case, region: Array | None, definitions: Sequence[str]
) -> tuple[MeasuredValue, ...]:
    """All metrics of a prediction against the reference of its case, which must lie on the image's grid.

    `region`: (slices, rows, columns) bool, only there is measured; for the standard definitions alone, else ValueError.
    Raises ShapeMismatch, with the reader's words, for a reference that lies elsewhere.
    """
    reference = _reference_of(case, prediction)
    return tuple(
        MeasuredValue(definitions=name, metric=value)
        for name in definitions
        for value in measure_request(_request(prediction, reference, region, name)).values
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
