"""What several samples of one image say: mean, spread, entropy, votes, and whether that points at the errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from scipy import ndimage

from core.comparison.grids import Spacing, as_masks, check_one_grid, flat, sampling_of
from core.metrics import dice
from core.metrics.ranking import auroc
from core.records import Array, ErrorDetection, Member, Prediction, RunSettings, Uncertainty, frozen_array

NAMES = {"deviation": "The standard deviation over samples", "entropy": "The entropy"}
NOT_KEPT = "The samples themselves were not kept. Run again with members kept."
ONE = "There is one sample only. Run with several."


def uncertainty(prediction: Prediction) -> Uncertainty:
    """See `Uncertainty`."""
    members = prediction.members
    samples = len(members) or (1 if prediction.spread is None else int(prediction.provenance.get("samples", 1)))
    if not members:
        return Uncertainty(
            mean=prediction.probability,
            deviation=prediction.spread,
            entropy=_entropy(prediction.probability),
            votes=None,
            samples=samples,
            reason=ONE if prediction.spread is None else NOT_KEPT,
        )
    stack = np.stack([member.probability for member in members]).astype(np.float64)
    mean = stack.mean(axis=0)
    masks = [member.score > prediction.threshold for member in members]
    disagreement = tuple(_disagreement(mask, prediction.mask) for mask in masks)
    return Uncertainty(
        mean=frozen_array(mean, np.float32),
        deviation=frozen_array(stack.std(axis=0), np.float32) if len(members) > 1 else None,
        entropy=_entropy(mean),
        votes=frozen_array(np.sum(masks, axis=0), np.uint16),
        samples=samples,
        disagreement=disagreement,
        order=_most_first(disagreement),
        reason="" if len(members) > 1 else ONE,
    )


def vote_mask(found: Uncertainty, least: int) -> Array:
    """Voxels that at least so many samples mark, bool. Raises ValueError where nobody voted, or for less than one."""
    if found.votes is None:
        raise ValueError(found.reason)
    if not 1 <= least <= found.samples:
        raise ValueError(f"A vote needs at least 1 and at most {found.samples} of the samples, not {least}.")
    return frozen_array(found.votes >= least)


def member_settings(prediction: Prediction, member: Member) -> RunSettings:
    """The settings with which the same segmenter computes this member alone, to the last bit on the same device."""
    if member.seed is None:
        raise ValueError("This sample was made from recorded draws: no seed repeats it.")
    alone = replace(prediction.settings, seed=member.seed, first_sample=member.sample)
    return replace(alone, samples=1, keep_members=False)


def _entropy(probability: Array) -> Array:
    """Of a coin with this probability, in bits."""
    p = np.clip(probability.astype(np.float64), 0, 1)
    parts = [-q * np.log2(np.where(q > 0, q, 1)) for q in (p, 1 - p)]
    return frozen_array(parts[0] + parts[1], np.float32)


def _disagreement(mask: Array, mean_mask: Array) -> float | None:
    agreed = dice(mask, mean_mask)
    return None if agreed is None else 1 - agreed


def _most_first(disagreement: Sequence[float | None]) -> tuple[int, ...]:
    known = [-1.0 if value is None else value for value in disagreement]
    return tuple(sorted(range(len(known)), key=lambda k: (-known[k], k)))


# ---- does it find the errors? ----------------------------------------------------------------------------------------


def detect_errors(
    prediction: Prediction,
    reference: Array,
    measure: Literal["deviation", "entropy"],
    spacing_mm: Spacing | None = None,
) -> ErrorDetection:
    """See `ErrorDetection`. Raises `ShapeMismatch` unless prediction and reference lie on one grid."""
    predicted, actual = as_masks(prediction.mask, reference)
    found = uncertainty(prediction)
    values = found.deviation if measure == "deviation" else found.entropy
    wrong = predicted != actual
    errors = int(np.count_nonzero(wrong))
    reason = ONE if values is None else _no_ranking(errors, wrong.size)
    score = None if values is None else rank(values, wrong)
    near = _nearness(predicted, spacing_mm)
    baseline_reason = "the mask has no boundary" if near is None else _no_ranking(errors, wrong.size)
    baseline = None if near is None else rank(near, wrong)
    return ErrorDetection(
        measure=measure,
        auroc=score,
        baseline=baseline,
        errors=errors,
        voxels=wrong.size,
        verdict=_verdict(measure, score, baseline, errors, wrong.size, reason),
        reason=reason,
        baseline_reason=baseline_reason,
    )


def rank(values: Array, wrong: Array) -> float | None:
    """AUROC of `values` for `wrong` (bool), ties counting half; None unless there are both wrong and right voxels."""
    check_one_grid(values, wrong)
    return auroc(values, wrong)


def _nearness(mask: Array, spacing_mm: Spacing | None) -> Array | None:
    """Minus the distance of each voxel to the nearest one of the other label; None where there is only one label."""
    if mask.all() or not mask.any():
        return None
    plane, sampling = flat(mask), sampling_of(mask, spacing_mm)
    inside, outside = (ndimage.distance_transform_edt(part, sampling=sampling) for part in (plane, ~plane))
    return -np.asarray(np.where(plane, inside, outside), np.float32).reshape(mask.shape)


def _no_ranking(errors: int, voxels: int) -> str:
    if errors == 0:
        return "no voxel is wrong, so there is no error to find"
    return "every voxel is wrong, so there is nothing to tell errors from" if errors == voxels else ""


def _verdict(measure: str, score: float | None, baseline: float | None, errors: int, voxels: int, reason: str) -> str:
    if score is None:
        return f"Whether it finds the errors cannot be said: {reason[0].lower()}{reason[1:].rstrip('.')}."
    counted = f"AUROC {score:.3f}, {errors:,} wrong of {voxels:,} voxels"
    if score <= 0.5:
        return f"{NAMES[measure]} does not find the errors on this case: no better than chance ({counted})."
    if baseline is None:
        return (
            f"{NAMES[measure]} is higher where the mask is wrong ({counted}); the mask has no boundary to compare with."
        )
    if score > baseline:
        than = "better than the distance to the boundary does"
    else:
        than = "but no better than the distance to the boundary does"
    return f"{NAMES[measure]} finds the errors on this case, {than} ({counted}; boundary: {baseline:.3f})."
