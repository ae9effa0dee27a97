"""What a column can be drawn as, one entry of a table each: buttons, rows, captions and legends all come from it.

A new quantity is a function from a `Moment` to a `Painted` and an entry in `TABLE`. What takes longer than a few
milliseconds is computed by a controller in the background, handed to the view with `set_map(key, name, values)`, and
found in `Moment.maps`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.canvas.colour_maps import GREY, VIRIDIS
from app.canvas.cutting import plane_of, union_of
from core.records import Array, Axis, Prediction, Step

if TYPE_CHECKING:
    from core.pipeline import Section

Quantity = str
Range = tuple[float, float]
LOGITS = "Logit difference"
"""What a supervised network has for a state: the foreground logit minus the background logit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How values become colours: `low`, `high` are the ends of map `colours`; `clipped`: values may lie beyond."""

    low: float
    high: float
    colours: str
    clipped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One class of a picture of classes: its colour `#rrggbb` (empty: transparent), and its words in the legend
    (empty: not named)."""

    colour: str
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """How whole numbers become colours: value n is drawn in the colour of `kinds[n]`."""

    kinds: tuple[Kind, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Painted:
    """What a quantity looks like in one section: `values` (rows, columns) with their `scale`, a `mask`, or both.

    `fill`: the mask itself is the picture; otherwise it only lends its outline. `words`: added to the caption.
    """

    values: Array | None = None
    scale: Scale | Classes | None = None
    mask: Array | None = None
    fill: bool = False
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moment:
    """One point of a trajectory in one section `at`: a kept or a running `step`, or None for the final result.

    `prediction`: None while the run goes on. `cut`: the threshold; None is the prediction's own, or not known yet of a
    run. `reference`: labels on the grid of the image, or None. `maps`: what was computed in the background, by name.
    """

    at: int | Section
    axis: Axis
    step: Step | None = None
    prediction: Prediction | None = None
    value_range: Range | None = None
    state_range: Range | None = None
    cut: float | None = None
    reference: Array | None = None
    maps: Mapping[str, Array] = field(default_factory=dict)

    def plane(self, volume: Array) -> Array:
        """Its section of an array on the grid of the image."""
        return plane_of(volume, self.at)

    def probability(self) -> Array:
        """All slices, in [0, 1]."""
        if self.step is not None:
            return self.step.probability
        assert self.prediction is not None
        return self.prediction.probability

    def estimate(self) -> Array:
        """All slices, in the value range."""
        if self.step is not None:
            return self.step.estimate
        assert self.prediction is not None
        return self.prediction.score

    def state(self) -> Array:
        """All slices. The state of the final result is the last that the network saw."""
        if self.step is not None:
            return self.step.state
        assert self.prediction is not None
        return self.prediction.steps[-1].state if self.prediction.steps else self.prediction.score

    def mask(self) -> Array | None:
        """The mask in the section; None where no threshold is known yet."""
        own, cut = self.prediction, self.cut
        if self.step is None and own is not None and cut is None:
            return union_of(own.mask, self.at, lambda some: some.astype(bool, copy=False))
        level = own.threshold if cut is None and own is not None else cut
        return None if level is None else union_of(self.estimate(), self.at, lambda some: some > level)


def _always(moment: Moment) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """A quantity. `lacking` says in words why it cannot be shown at a moment, and is empty where it can.

    `title_on`: its name where steps run along another axis than time.
    """

    name: Quantity
    title: str
    tip: str
    paint: Callable[[Moment], Painted]
    lacking: Callable[[Moment], str] = _always
    title_on: Mapping[Axis, str] = field(default_factory=dict)

    def title_for(self, axis: Axis) -> str:
        return self.title_on.get(axis, self.title)


def _scale(limits: Range | None) -> Scale:
    """Grey over `limits`, which a cfm state may leave; a probability where no range is known."""
    if limits is None:
        return Scale(low=0.0, high=1.0, colours=VIRIDIS)
    return Scale(low=limits[0], high=limits[1], colours=GREY, clipped=True)


def _paint_mask(moment: Moment) -> Painted:
    return Painted(mask=moment.mask(), fill=True)


def _paint_estimate(moment: Moment) -> Painted:
    values = moment.plane(moment.estimate())
    return Painted(values=values, scale=_scale(moment.value_range), mask=moment.mask())


def _paint_probability(moment: Moment) -> Painted:
    return Painted(values=moment.plane(moment.probability()), scale=_scale(None), mask=moment.mask())


def _paint_state(moment: Moment) -> Painted:
    edge = moment.mask() if moment.axis == "none" else None  # noise has no edge
    return Painted(values=moment.plane(moment.state()), scale=_scale(moment.state_range), mask=edge)


def _without_threshold(moment: Moment) -> str:
    return "the threshold is not known yet" if moment.prediction is None and moment.cut is None else ""


def _without_state(moment: Moment) -> str:
    own = moment.prediction
    if own is not None and own.axis == "none" and not own.steps:
        return "labels of a file have none"
    return _without_range(moment)


def _without_range(moment: Moment) -> str:
    return "the value range is not known yet" if moment.value_range is None else ""


TABLE: dict[Quantity, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            name="mask",
            title="Mask",
            tip="The estimate cut at the threshold",
            paint=_paint_mask,
            lacking=_without_threshold,
        ),
        Entry(
            name="estimate",
            title="Estimate",
            tip="The clean mask as the network believes it at this step",
            paint=_paint_estimate,
            lacking=_without_range,
        ),
        Entry(
            name="probability",
            title="Probability",
            tip="The estimate mapped to 0..1",
            paint=_paint_probability,
        ),
        Entry(
            name="state",
            title="State",
            tip="x_t: what the sampler holds at this step, noise at first",
            paint=_paint_state,
            lacking=_without_state,
            title_on={"none": LOGITS},
        ),
    )
}
"""By name, in the order of the buttons."""
FALLBACK: Quantity = "probability"
"""What a running step is drawn as while a quantity lacks something: it needs nothing but the step."""
