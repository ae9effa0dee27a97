"""What steps run along, in words: flow time, the falling noise level, or nothing where one network call does it all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.records import Axis, Prediction, Step

ONE_CALL = "one network call"
NO_STEPS = f"{ONE_CALL}: no steps"
NO_NETWORK = "labels of a file: no steps"
_ENDS_AND_MIDDLE = ((0.0, "0"), (0.5, "0.5"), (1.0, "1"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveAxis:
    """The axis below a curve over steps: always noise at the left and mask at the right. `own`: of one family, whose
    steps lie at their own values; None = at `Step.t`, which all families have. `ticks`: (place, word)."""

    label: str
    own: Axis | None = None
    falling: bool = False
    ticks: tuple[tuple[float, str], ...] = _ENDS_AND_MIDDLE

    def place(self, step: Step) -> float:
        """Where a step lies on this axis."""
        return step.noise_level if self.own == "noise" and step.noise_level is not None else step.t


TIME = CurveAxis(label="t", own="time")
NOISE = CurveAxis(label="noise level", own="noise", falling=True)
NOTHING = CurveAxis(label="one call", own="none", ticks=())
MIXED = CurveAxis(label="noise \N{RIGHTWARDS ARROW} mask")


def curve_axis(predictions: Iterable[Prediction]) -> CurveAxis:
    """The axis on which the steps of all these predictions can be drawn together."""
    found = {prediction.axis for prediction in predictions}
    if len(found) > 1:
        return MIXED
    return {"noise": NOISE, "none": NOTHING}.get(next(iter(found), "time"), TIME)


def step_words(axis: Axis, step: Step) -> str:
    """`t = 0.200`, `noise 0.83 · t = 40 of 50`: diffusion counts its own steps down, from T - 1 to 0."""
    if axis == "none":
        return ONE_CALL
    if axis == "noise" and step.timestep is not None:
        of = step.index + step.timestep + 1  # both count the same T steps, from the two ends
        return f"{noise_words(step)} \N{MIDDLE DOT} t = {step.timestep} of {of}"
    return f"t = {step.t:.3f}"


def position_words(prediction: Prediction | None, index: int | None) -> str:
    """Where the slider stands: the kept step at `index`, None = the final result."""
    if prediction is None:
        return "no result yet"
    if prediction.axis == "none":
        return NO_STEPS if prediction.steps else NO_NETWORK
    if index is None:
        return "final result" if prediction.steps else "final result, no steps kept"
    words = step_words(prediction.axis, prediction.steps[index])
    if prediction.axis == "noise":
        return words
    return f"{words} \N{MIDDLE DOT} {index + 1} of {len(prediction.steps)}"


def step_label(axis: Axis, step: Step) -> str:
    """The same in a word, for below a small picture."""
    if axis == "noise" and step.noise_level is not None:
        return noise_words(step)
    return "result" if axis == "none" else f"{step.t:.3f}"


def noise_words(step: Step) -> str:
    return "" if step.noise_level is None else f"noise {step.noise_level:.2f}"
