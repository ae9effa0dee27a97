"""What one column shows of its prediction: step or final, which values, which mask, which words. No widget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from app.canvas.axis import step_words
from app.canvas.colour_maps import GREY, VIRIDIS
from core.records import Array, Axis, Prediction, Step

if TYPE_CHECKING:
    from core.pipeline import Section

Quantity = Literal["mask", "state", "estimate", "probability"]
QUANTITIES: tuple[Quantity, ...] = ("mask", "estimate", "probability", "state")
QUANTITY_NAMES = {"mask": "Mask", "state": "State", "estimate": "Estimate", "probability": "Probability"}
LOGITS = "Logit difference"
"""What a supervised network has for a state: the foreground logit minus the background logit."""
Range = tuple[float, float]


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

    `fill`: the mask itself is the picture; otherwise it only lends its outline. `probability` is for the pointer, and
    `everywhere` the same of all slices. `t` None: the final result. `caption` says in words what is shown.
    """

    caption: str
    t: float | None = None
    values: Array | None = None
    scale: Scale | None = None
    mask: Array | None = None
    fill: bool = False
    probability: Array | None = None
    everywhere: Array | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LiveStep:
    """A step of a run that goes on. Without `value_range` and `threshold` only its probability can be shown, and
    without `state_range` its state over `value_range`."""

    step: Step
    value_range: Range | None = None
    threshold: float | None = None
    state_range: Range | None = None
    axis: Axis = "time"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ranges:
    """The grey levels of estimates and of states, and what the steps run along."""

    value: Range | None
    state: Range | None
    axis: Axis

    def scale(self, quantity: Quantity) -> Scale:
        """Probability runs from 0 to 1; state and estimate over their ranges, which a cfm state may leave."""
        limits = self.state if quantity == "state" else self.value
        if quantity == "probability" or limits is None:
            return Scale(low=0.0, high=1.0, colours=VIRIDIS)
        return Scale(low=limits[0], high=limits[1], colours=GREY, clipped=True)

    def name(self, quantity: Quantity) -> str:
        return LOGITS if quantity == "state" and self.axis == "none" else QUANTITY_NAMES[quantity]


def nearest_step(prediction: Prediction, t: float) -> Step | None:
    """The kept step nearest to `t`, from 0 (noise) to 1 (mask); None when no step was kept."""
    return min(prediction.steps, key=lambda step: abs(step.t - t), default=None)


def frame_of(
    prediction: Prediction, t: float | None, quantity: Quantity, threshold: float | None, at: int | Section
) -> Frame:
    """Slice or section `at` of a finished prediction at the kept step nearest to `t`, or of its final result for None.

    A `threshold` of None is the prediction's own: its final mask is then the one it came with. The only step of a
    supervised network is its final result.
    """
    ranges = _Ranges(value=prediction.value_range, state=prediction.state_range, axis=prediction.axis)
    step = None if t is None else nearest_step(prediction, t)
    if step is not None:
        cut = prediction.threshold if threshold is None else threshold
        return _step_frame(quantity, _where(prediction.axis, step), step, cut, ranges, at)
    if threshold is None:
        mask = union_of(prediction.mask, at, lambda some: some.astype(bool, copy=False))
    else:
        mask = union_of(prediction.score, at, lambda some: some > threshold)
    planes, words = _final_planes(prediction, at), _final_words(prediction, t)
    return _frame(quantity, words, None, planes, mask, ranges, prediction.probability)


def _final_words(prediction: Prediction, t: float | None) -> str:
    if prediction.axis == "none":
        return step_words("none", prediction.steps[-1]) if prediction.steps else "final result"
    return "final result" if t is None else "final result, no steps kept"


def _final_planes(prediction: Prediction, at: int | Section) -> dict[str, Array]:
    """The state of the final result is the last that the network saw."""
    score = plane_of(prediction.score, at)
    state = plane_of(prediction.steps[-1].state, at) if prediction.steps else score
    return {"state": state, "estimate": score, "probability": plane_of(prediction.probability, at)}


def live_frame(live: LiveStep, quantity: Quantity, threshold: float | None, at: int | Section) -> Frame:
    """Slice or section `at` of a step just computed; its probability where the quantity has no scale or threshold."""
    cut = live.threshold if threshold is None else threshold
    known = cut is not None if quantity == "mask" else live.value_range is not None
    ranges = _Ranges(value=live.value_range, state=live.state_range or live.value_range, axis=live.axis)
    where = f"running, {_where(live.axis, live.step)}"
    return _step_frame(quantity if known else "probability", where, live.step, cut, ranges, at)


def _where(axis: Axis, step: Step) -> str:
    words = step_words(axis, step)
    return f"{words} \N{MIDDLE DOT} step {step.index}" if axis == "time" else words


def _step_frame(
    quantity: Quantity, where: str, step: Step, cut: float | None, ranges: _Ranges, at: int | Section
) -> Frame:
    planes = {"state": plane_of(step.state, at), "estimate": plane_of(step.estimate, at)}
    planes["probability"] = plane_of(step.probability, at)
    mask = None if cut is None else union_of(step.estimate, at, lambda some: some > cut)
    return _frame(quantity, where, step.t, planes, mask, ranges, step.probability)


def _frame(
    quantity: Quantity,
    where: str,
    t: float | None,
    planes: dict[str, Array],
    mask: Array | None,
    ranges: _Ranges,
    everywhere: Array,
) -> Frame:
    caption = f"{ranges.name(quantity)} \N{MIDDLE DOT} {where}"
    pointed = {"probability": planes["probability"], "everywhere": everywhere}
    if quantity == "mask":
        return Frame(caption=caption, t=t, mask=mask, fill=True, **pointed)
    edge = None if quantity == "state" and ranges.axis != "none" else mask  # noise has no edge
    scale = ranges.scale(quantity)
    return Frame(caption=caption, t=t, values=planes[quantity], scale=scale, mask=edge, **pointed)


def plane_of(volume: Array, at: int | Section) -> Array:
    """Slice `at` of (slices, rows, columns) without a copy (the nearest one where there is none), or its section."""
    if not isinstance(at, int):
        return at.plane(volume)
    plane: Array = volume[min(max(at, 0), volume.shape[0] - 1)]
    return plane


def union_of(volume: Array, at: int | Section, holds: Callable[[Array], Array]) -> Array:
    """The bool mask `holds` of a slice, or of all slices of a section together."""
    return holds(plane_of(volume, at)) if isinstance(at, int) else at.union(volume, holds)
