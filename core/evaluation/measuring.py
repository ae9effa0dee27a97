"""The numbers of one case: every metric under every set of definitions that was asked for."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import ShapeMismatch
from core.evaluation.records import MeasuredValue
from core.metrics import measure_masks
from core.records import Array, Case, Prediction


def measure_case(
    prediction: Prediction, case: Case, region: Array | None, definitions: Sequence[str]
) -> tuple[MeasuredValue, ...]:
    """All metrics of a prediction against the reference of its case, which must lie on the image's grid."""
    reference = case.reference
    if reference is None or reference.labels.shape != prediction.mask.shape:
        raise ShapeMismatch(f"{case.name}: the reference does not lie on the grid of the image. Resample it.")
    foreground = reference.labels > 0
    return tuple(
        MeasuredValue(definitions=name, metric=value)
        for name in definitions
        for value in measure_masks(prediction.mask.copy(), foreground).values
    )
