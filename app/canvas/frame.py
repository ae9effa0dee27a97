"""What one column shows of its prediction: step or final, which values, which mask, which words. No widget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.canvas.axis import step_words
from app.canvas.moment import ALONE, Company, nearest_step
from app.canvas.quantities import FALLBACK, TABLE, Classes, Computed, Moment, Quantity, Range, Scale
from core.records import Array, Axis, Prediction, Step

if TYPE_CHECKING:
    from core.pipeline import Section

_DOT = " \N{MIDDLE DOT} "


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One column's picture of one slice: `values` (rows, columns) with their `scale`, or None; `mask` bool or None.

    `fill`: the mask itself is the picture; otherwise it only lends its outline. `t` None: the final
    result. `caption` says in words what is shown. `lined`: the outline of the reference may lie over it.
    """

    caption: str
    t: float | None = None
    values: Array | None = None
    scale: Scale | Classes | None = None
    mask: Array | None = None
    fill: bool = False
    lined: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LiveStep:
    """A step of a run that goes on. Without `value_range` and `threshold` only its probability can be shown, and
    without `state_range` its state over `value_range`."""

    step: Step
    value_range: Range | None = None
    threshold: float | None = None
    state_range: Range | None = None
    axis: Axis = "time"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beside:
    """What a quantity may need besides the prediction: the reference (labels on the grid of the image), and maps
    that were computed in the background, by name; the results of other columns."""

    reference: Array | None = None
    maps: Mapping[str, Array | Computed] = field(default_factory=dict)
    company: Company = ALONE


NOTHING_BESIDE = Beside()


def frame_of(
    prediction: Prediction,
    t: float | None,
    quantity: Quantity,
    threshold: float | None,
    at: int | Section,
    beside: Beside = NOTHING_BESIDE,
) -> Frame:
    """Slice or section `at` of a finished prediction at the kept step nearest to `t`, or of its final result for None.

    A `threshold` of None is the prediction's own: its final mask is then the one it came with. The only step of a
    supervised network is its final result.
    """
    step = None if t is None else nearest_step(prediction, t)
    moment = Moment(
        at=at,
        axis=prediction.axis,
        step=step,
        prediction=prediction,
        value_range=prediction.value_range,
        state_range=prediction.state_range,
        cut=threshold,
        reference=beside.reference,
        maps=beside.maps,
        t=t,
        company=beside.company,
    )
    words = _final_words(prediction, t) if step is None else _where(prediction.axis, step)
    return _frame(quantity, words, moment)


def _final_words(prediction: Prediction, t: float | None) -> str:
    if prediction.axis == "none":
        return step_words("none", prediction.steps[-1]) if prediction.steps else "as stored"
    return "final result" if t is None else "final result, no steps kept"


def live_frame(live: LiveStep, quantity: Quantity, threshold: float | None, at: int | Section) -> Frame:
    """Slice or section `at` of a step just computed; its probability where the quantity has no scale or threshold."""
    moment = Moment(
        at=at,
        axis=live.axis,
        step=live.step,
        value_range=live.value_range,
        state_range=live.state_range or live.value_range,
        cut=live.threshold if threshold is None else threshold,
    )
    known = not TABLE[quantity].lacking(moment)
    return _frame(quantity if known else FALLBACK, f"running, {_where(live.axis, live.step)}", moment)


def _where(axis: Axis, step: Step) -> str:
    words = step_words(axis, step)
    return f"{words}{_DOT}step {step.index}" if axis == "time" else words


def _frame(quantity: Quantity, where: str, moment: Moment) -> Frame:
    """The picture of a quantity, or why there is none."""
    entry, t = TABLE[quantity], None if moment.step is None else moment.step.t
    title, lacking = entry.title_for(moment.axis), entry.lacking(moment)
    if lacking:
        return Frame(caption=f"{title}{_DOT}{lacking}", t=t)
    painted = entry.paint(moment)
    return Frame(
        caption=_DOT.join(filter(None, (title, "" if entry.timeless else where, painted.words))),
        t=t,
        values=painted.values,
        scale=painted.scale,
        mask=painted.mask,
        fill=painted.fill,
        lined=entry.alone,
    )


__all__ = ["NOTHING_BESIDE", "Beside", "Frame", "LiveStep", "frame_of", "live_frame", "nearest_step"]
