"""The moments of an animation: one axis from noise to mask for all columns, and what each of them shows there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.images.as_prediction import LABELS
from core.images.sections import Section
from core.records import AnimationOptions, Array, Image, Prediction, Step

MOST_MOMENTS = 600
SAME_T = 6
"""Digits to which two moments of t are one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """What a column shows at a moment: `values` (down, across) from `low` to `high`, or None; `mask` bool; `words`."""

    words: str
    values: Array | None
    low: float
    high: float
    mask: Array | None


def moments(predictions: Sequence[Prediction]) -> tuple[tuple[float | None, ...], int]:
    """Every t at which a column has a kept step, in order, then None: the final result. And how many were left out.

    A supervised network has one point, which is its final result.
    """
    known = {round(step.t, SAME_T) for item in predictions if item.axis != "none" for step in item.steps}
    times = sorted(known)
    if len(times) > MOST_MOMENTS:
        places = np.rint(np.linspace(0, len(times) - 1, MOST_MOMENTS)).astype(int)
        times = [times[place] for place in places]
    return (*times, None), len(known) - len(times)


def step_at(prediction: Prediction, t: float | None) -> Step | None:
    """The kept step nearest to `t`; None where the final result is meant."""
    if t is None or prediction.axis == "none":
        return None
    return min(prediction.steps, key=lambda step: abs(step.t - t), default=None)


def look(prediction: Prediction, t: float | None, section: Section, options: AnimationOptions) -> Look:
    """A column at a moment. The mask is cut at the prediction's own threshold."""
    step, quantity = step_at(prediction, t), options.quantity
    cut = prediction.threshold
    if step is None:
        mask = section.union(prediction.mask, lambda some: some.astype(bool, copy=False))
    else:
        mask = section.union(step.estimate, lambda some: some > cut)
    words = final_words(prediction) if step is None else step_words(prediction, step)
    if quantity == "mask":
        return Look(words=words, values=None, low=0.0, high=1.0, mask=mask)
    low, high = limits(prediction, quantity)
    edge = None if quantity == "state" and prediction.axis != "none" else mask  # noise has no edge
    values = section.plane(_volume(prediction, step, quantity))
    return Look(words=words, values=values, low=low, high=high, mask=edge)


def limits(prediction: Prediction, quantity: str) -> tuple[float, float]:
    """Values that are drawn as the ends of the map."""
    ranges = {"state": prediction.state_range, "estimate": prediction.value_range}
    return ranges.get(quantity, (0.0, 1.0))


def _volume(prediction: Prediction, step: Step | None, quantity: str) -> Array:
    """The state of the final result is the last that the network saw."""
    if step is None and quantity == "state" and prediction.steps:
        step = prediction.steps[-1]
    if step is not None:
        chosen: Array = getattr(step, quantity)
        return chosen
    return prediction.probability if quantity == "probability" else prediction.score


def step_words(prediction: Prediction, step: Step) -> str:
    """`t = 0.200 · step 3 · 4 calls`; diffusion counts its own steps down: `noise 0.83 · t = 40 of 50 · 11 calls`."""
    if step.timestep is not None and step.noise_level is not None:
        of = step.index + step.timestep + 1  # both count the same steps, from the two ends
        where = [f"noise {step.noise_level:.2f}", f"t = {step.timestep} of {of}"]
    else:
        where = [f"t = {step.t:.3f}", f"step {step.index}"]
    return " \N{MIDDLE DOT} ".join([*where, *_calls(step.calls)])


def final_words(prediction: Prediction) -> str:
    if is_labels(prediction):
        return "a mask, made by no checkpoint"
    if prediction.axis == "none":
        return "one network call"
    return " \N{MIDDLE DOT} ".join(["final result", *_calls(prediction.calls)])


def is_labels(prediction: Prediction) -> bool:
    """Whether this is a reference or a mask from a file, which no network made."""
    return LABELS in prediction.provenance


def _calls(count: int) -> list[str]:
    return [f"{count} call" if count == 1 else f"{count} calls"] if count else []


def widest_words(prediction: Prediction) -> list[str]:
    """Everything that `look` may say of this column, to leave room for it."""
    return [final_words(prediction), *(step_words(prediction, step) for step in prediction.steps)]


def largest_cross(predictions: Sequence[Prediction], image: Image) -> tuple[int, int, int]:
    """The middle of the slice in which the masks are largest; of empty masks, the middle of the volume."""
    slices, rows, columns = image.voxels.shape
    areas = sum(np.count_nonzero(item.mask, axis=(1, 2)) for item in predictions)
    return (int(np.argmax(areas)) if np.any(areas) else slices // 2), rows // 2, columns // 2
