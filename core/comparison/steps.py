"""What the steps of one prediction tell: quantities of a step, curves over t, and when each voxel was decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from core.comparison.grids import Spacing, as_masks, check_one_grid
from core.metrics.definitions import METRICS, Metric
from core.metrics.measures import measure_masks
from core.metrics.pair import Options
from core.records import Array, CommitMap, Measurement, Prediction, Step, StepCurve, StepMap, StepQuantity, frozen_array

OWN_CURVES = {
    "changed": "Share of voxels whose label is another than at the kept step before.",
    "open": "Share of voxels whose label will still change after this step.",
    "calls": "Network calls so far.",
}
Found = tuple[Array | None, str]
"""Values, or None and the reason why there are none."""


def step_map(prediction: Prediction, position: int, quantity: StepQuantity, bare: Prediction | None = None) -> StepMap:
    """See `StepMap`. `position` counts kept steps and may be negative, else IndexError. `bare`: the same run, FiLM off.

    Raises `ShapeMismatch` when `bare` is of another image.
    """
    position = range(len(prediction.steps))[position]
    step = prediction.steps[position]
    values, reason = _values(prediction, position, quantity, bare)
    signed = quantity in ("change", "film")
    return StepMap(
        quantity=quantity,
        index=step.index,
        t=step.t,
        values=None if values is None else frozen_array(values, np.float32),
        limits=_limits(prediction, quantity, values),
        signed=signed,
        reason=reason,
    )


def _values(prediction: Prediction, position: int, quantity: StepQuantity, bare: Prediction | None) -> Found:
    step = prediction.steps[position]
    if quantity == "change":
        return _change(prediction.steps, position)
    if quantity == "velocity":
        return _velocity(prediction, position)
    if quantity == "film":
        return _film_effect(step, bare)
    plain: Array = getattr(step, quantity)
    return plain, ""


def _change(steps: Sequence[Step], position: int) -> Found:
    if position == 0:
        return None, "the first kept step has none before it to differ from"
    return steps[position].probability - steps[position - 1].probability, ""


def _velocity(prediction: Prediction, position: int) -> Found:
    steps = prediction.steps
    if prediction.axis == "none":
        return None, "a supervised network does not move: it is called once"
    if position == len(steps) - 1:
        return None, "the last step moves no further"
    here, there = steps[position], steps[position + 1]
    return np.abs(there.state - here.state) / np.float32(there.t - here.t), ""


def _film_effect(step: Step, bare: Prediction | None) -> Found:
    if bare is None:
        return None, "it needs the same run with FiLM off"
    same = next((other for other in bare.steps if other.index == step.index), None)
    if same is None:
        return None, f"the run with FiLM off did not keep step {step.index}"
    check_one_grid(step.probability, same.probability)
    return step.probability - same.probability, ""


def _limits(prediction: Prediction, quantity: StepQuantity, values: Array | None) -> tuple[float, float]:
    if quantity == "state":
        return prediction.state_range
    if quantity == "estimate":
        return prediction.value_range
    if quantity == "probability" or values is None:
        return 0.0, 1.0
    highest = float(np.abs(values).max()) or 1.0
    return (0.0 if quantity == "velocity" else -highest), highest


# ---- labels over the steps -------------------------------------------------------------------------------------------


def labels_of(prediction: Prediction) -> Iterator[Array]:
    """The mask of every kept step: its estimate cut at the prediction's threshold."""
    return (step.estimate > prediction.threshold for step in prediction.steps)


def commit_map(prediction: Prediction) -> CommitMap:
    """See `CommitMap`. Raises ValueError for a prediction without steps."""
    if not prediction.steps:
        raise ValueError("a prediction without steps has no history to look at")
    shape = prediction.steps[0].estimate.shape
    position, flips = np.zeros(shape, np.int32), np.zeros(shape, np.uint16)
    before: Array | None = None
    for number, labels in enumerate(labels_of(prediction)):
        if before is not None:
            turned = labels != before
            position[turned] = number
            flips += turned
        before = labels
    times = np.array([step.t for step in prediction.steps], np.float32)
    return CommitMap(
        position=frozen_array(position),
        t=frozen_array(times[position]),
        flips=frozen_array(flips),
        changed=int(np.count_nonzero(flips)),
        steps=len(times),
        reason="" if len(times) > 1 else "only one step was kept, so no label could change",
    )


def step_curves(
    prediction: Prediction, reference: Array | None, names: Sequence[str], spacing_mm: Spacing | None = None
) -> tuple[StepCurve, ...]:
    """The curves called `names`, in that order; see `StepCurve`. Raises KeyError for a name that is none.

    `reference` None: the curves of metrics have no values. Costs one measurement per step if any metric is asked for.
    """
    metrics = {metric.name: metric for metric in METRICS}
    unknown = [name for name in names if name not in metrics and name not in OWN_CURVES]
    if unknown:
        raise KeyError(unknown[0])
    measured = _measured(prediction, reference, [metrics[name] for name in names if name in metrics], spacing_mm)
    own: dict[str, Callable[[Prediction], list[float | None]]] = {"changed": _changed, "open": _open, "calls": _calls}
    t = tuple(step.t for step in prediction.steps)
    curves = []
    for name in names:
        if name in own:
            values = own[name](prediction)
            reasons = ["" if value is not None else "no kept step lies before the first" for value in values]
        else:
            values, reasons = _of_metric(measured, name, len(t))
        curves.append(
            StepCurve(
                name=name,
                t=t,
                values=tuple(values),
                reasons=tuple(reasons),
                direction=metrics[name].direction if name in metrics else "none",
                unit=measured[0][name].unit if measured and name in metrics else "",
                definition=metrics[name].definition if name in metrics else OWN_CURVES[name],
            )
        )
    return tuple(curves)


def _measured(
    prediction: Prediction, reference: Array | None, metrics: Sequence[Metric], spacing_mm: Spacing | None
) -> list[Measurement]:
    if reference is None or not metrics:
        return []
    (actual,), options = as_masks(reference), Options(spacing_mm=spacing_mm)
    return [measure_masks(labels, actual, options=options, metrics=metrics) for labels in labels_of(prediction)]


def _of_metric(measured: Sequence[Measurement], name: str, steps: int) -> tuple[list[float | None], list[str]]:
    if not measured:
        return [None] * steps, ["there is no reference to measure against"] * steps
    return [one[name].value for one in measured], [one[name].reason for one in measured]


def _changed(prediction: Prediction) -> list[float | None]:
    shares: list[float | None] = []
    before: Array | None = None
    for labels in labels_of(prediction):
        shares.append(None if before is None else float(np.mean(labels != before)))
        before = labels
    return shares


def _open(prediction: Prediction) -> list[float | None]:
    position = commit_map(prediction).position
    ended = np.bincount(position.ravel(), minlength=len(prediction.steps))
    return [float(left) / position.size for left in position.size - np.cumsum(ended)]


def _calls(prediction: Prediction) -> list[float | None]:
    return [float(step.calls) for step in prediction.steps]
