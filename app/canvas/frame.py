"""What one column shows of its prediction: step or final, which values, which mask, which words. No widget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.canvas.colour_maps import GREY, VIRIDIS
from core.records import Array, Prediction, Step

Quantity = Literal["mask", "state", "estimate", "probability"]
QUANTITIES: tuple[Quantity, ...] = ("mask", "estimate", "probability", "state")
QUANTITY_NAMES = {"mask": "Mask", "state": "State", "estimate": "Estimate", "probability": "Probability"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How values become colours: `low`, `high` are the ends of map `colours`; `clipped`: values may lie beyond."""

    low: float
    high: float
    colours: str
    clipped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One column's picture of one slice: `values` (rows, columns) with their `scale`, or None; `mask` bool or None.

    `fill`: the mask itself is the picture; otherwise it only lends its outline. `probability` is for the pointer.
    `t` None: the final result. `caption` says in words what is shown.
    """

    caption: str
    t: float | None = None
    values: Array | None = None
    scale: Scale | None = None
    mask: Array | None = None
    fill: bool = False
    probability: Array | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LiveStep:
    """A step of a run that goes on. Without `value_range` and `threshold` only its probability can be shown."""

    step: Step
    value_range: tuple[float, float] | None = None
    threshold: float | None = None


def nearest_step(prediction: Prediction, t: float) -> Step | None:
    """The kept step nearest to `t`; None when no step was kept."""
    return min(prediction.steps, key=lambda step: abs(step.t - t), default=None)


def frame_of(prediction: Prediction, t: float | None, quantity: Quantity, threshold: float | None, index: int) -> Frame:
    """Slice `index` of a finished prediction at the kept step nearest to `t`, or of its final result for None.

    A `threshold` of None is the prediction's own: its final mask is then the one it came with.
    """
    step = None if t is None else nearest_step(prediction, t)
    if step is not None:
        cut = prediction.threshold if threshold is None else threshold
        where = f"t = {step.t:.3f} \N{MIDDLE DOT} step {step.index}"
        return _step_frame(quantity, where, step, cut, prediction.value_range, index)
    where = "final result" if t is None else "final result, no steps kept"
    score = plane_of(prediction.score, index)
    mask = plane_of(prediction.mask, index).astype(bool) if threshold is None else score > threshold
    planes = {"state": score, "estimate": score, "probability": plane_of(prediction.probability, index)}
    return _frame(quantity, where, None, planes, mask, prediction.value_range)


def live_frame(live: LiveStep, quantity: Quantity, threshold: float | None, index: int) -> Frame:
    """Slice `index` of a step just computed; its probability where the quantity has no scale or threshold yet."""
    cut = live.threshold if threshold is None else threshold
    known = cut is not None if quantity == "mask" else live.value_range is not None
    where = f"running, t = {live.step.t:.3f} \N{MIDDLE DOT} step {live.step.index}"
    return _step_frame(quantity if known else "probability", where, live.step, cut, live.value_range, index)


def _step_frame(
    quantity: Quantity, where: str, step: Step, cut: float | None, value_range: tuple[float, float] | None, index: int
) -> Frame:
    estimate = plane_of(step.estimate, index)
    planes = {"state": plane_of(step.state, index), "estimate": estimate}
    planes["probability"] = plane_of(step.probability, index)
    return _frame(quantity, where, step.t, planes, None if cut is None else estimate > cut, value_range)


def _frame(
    quantity: Quantity,
    where: str,
    t: float | None,
    planes: dict[str, Array],
    mask: Array | None,
    value_range: tuple[float, float] | None,
) -> Frame:
    caption = f"{QUANTITY_NAMES[quantity]} \N{MIDDLE DOT} {where}"
    probability = planes["probability"]
    if quantity == "mask":
        return Frame(caption=caption, t=t, mask=mask, fill=True, probability=probability)
    edge = None if quantity == "state" else mask  # noise has no edge
    scale = scale_of(quantity, value_range)
    return Frame(caption=caption, t=t, values=planes[quantity], scale=scale, mask=edge, probability=probability)


def scale_of(quantity: Quantity, value_range: tuple[float, float] | None) -> Scale:
    """Probability runs from 0 to 1; state and estimate over the checkpoint's range, which a cfm state may leave."""
    if quantity == "probability" or value_range is None:
        return Scale(low=0.0, high=1.0, colours=VIRIDIS)
    return Scale(low=value_range[0], high=value_range[1], colours=GREY, clipped=True)


def plane_of(volume: Array, index: int) -> Array:
    """Slice `index` of (slices, rows, columns) without a copy; the nearest one where there is no such slice."""
    plane: Array = volume[min(max(index, 0), volume.shape[0] - 1)]
    return plane
