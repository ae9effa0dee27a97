"""Where a mask is wrong, where two predictions differ, how far two surfaces are apart, and where many masks agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from core.comparison.grids import Spacing, as_masks, flat, sampling_of, unit_of
from core.metrics import dice
from core.metrics.change import change_between
from core.metrics.overlap import count
from core.metrics.surface import boundary
from core.records import (
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    TRUE_POSITIVE,
    Agreement,
    Array,
    ChangeMap,
    ErrorMap,
    Prediction,
    SurfaceMap,
    frozen_array,
)


def error_map(prediction: Array, reference: Array) -> ErrorMap:
    """See `ErrorMap`. Masks of one grid, else `ShapeMismatch`."""
    predicted, actual = as_masks(prediction, reference)
    codes = np.zeros(predicted.shape, np.uint8)
    codes[predicted & actual] = TRUE_POSITIVE
    codes[predicted & ~actual] = FALSE_POSITIVE
    codes[actual & ~predicted] = FALSE_NEGATIVE
    counts = count(predicted, actual)
    return ErrorMap(codes=frozen_array(codes), tp=counts.tp, fp=counts.fp, fn=counts.fn, tn=counts.tn)


def change_map(first: Prediction, second: Prediction) -> ChangeMap:
    """See `ChangeMap`. Raises `ShapeMismatch` when the two are not of one image's size."""
    counts = change_between(first, second)
    return ChangeMap(
        probability=frozen_array(second.probability - first.probability, np.float32),
        mask=frozen_array(second.mask.astype(np.int8) - first.mask.astype(np.int8)),
        counts=counts,
    )


def surface_map(prediction: Array, reference: Array, spacing_mm: Spacing | None = None) -> SurfaceMap:
    """See `SurfaceMap`. Distances are Euclidean, between the centres of voxels."""
    predicted, actual = as_masks(prediction, reference)
    distance = np.full(predicted.shape, np.nan, np.float32)
    unit = unit_of(spacing_mm)
    if not predicted.any() or not actual.any():
        which = "both masks are" if predicted.any() == actual.any() else "one of the masks is"
        reason = f"{which} empty: there is no surface to measure to"
        return SurfaceMap(
            distance=frozen_array(distance), unit=unit, voxels=0, mean=None, lowest=None, highest=None, reason=reason
        )
    edge = boundary(flat(predicted)).reshape(predicted.shape)
    away = ndimage.distance_transform_edt(~boundary(flat(actual)), sampling=sampling_of(actual, spacing_mm))
    signed = np.where(actual, -1.0, 1.0) * np.asarray(away).reshape(actual.shape)
    values = signed[edge]
    distance[edge] = values
    return SurfaceMap(
        distance=frozen_array(distance),
        unit=unit,
        voxels=len(values),
        mean=float(np.abs(values).mean()),
        lowest=float(values.min()),
        highest=float(values.max()),
    )


def agreement(masks: Sequence[Array]) -> Agreement:
    """See `Agreement`. At least one mask; all on one grid, else `ShapeMismatch`."""
    if not masks:
        raise ValueError("an agreement needs at least one mask")
    taken = as_masks(*masks)
    votes = np.zeros(taken[0].shape, np.uint16)
    for mask in taken:
        votes += mask
    table = _concordance(taken)
    known = [value for row, values in enumerate(table) for value in values[row + 1 :] if value is not None]
    return Agreement(
        votes=frozen_array(votes),
        masks=len(taken),
        concordance=table,
        mean_concordance=float(np.mean(known)) if known else None,
        pairs=len(known),
        unanimous=int(np.count_nonzero(votes == len(taken))),
        disputed=int(np.count_nonzero((votes > 0) & (votes < len(taken)))),
        reason="" if known else "no two masks of which one marks anything",
    )


def _concordance(masks: Sequence[Array]) -> tuple[tuple[float | None, ...], ...]:
    size = len(masks)
    table: list[list[float | None]] = [[None] * size for _ in range(size)]
    for row in range(size):
        for column in range(row, size):
            table[row][column] = table[column][row] = dice(masks[row], masks[column])
    return tuple(map(tuple, table))
