"""What a column can be drawn as, one entry of a table each: buttons, rows, captions and legends all come from it.

A new quantity is a function from a `Moment` to a `Painted` and an entry in `TABLE`. What takes longer than a few
milliseconds is computed by a controller in the background, handed to the view with `set_map(key, name, values)`, and
found in `Moment.maps`.
"""

from __future__ import annotations

from app.canvas.colour_maps import GREY, VIRIDIS
from app.canvas.derived import DERIVED
from app.canvas.moment import Classes, Computed, Entry, Kind, Moment, Painted, Quantity, Range, Scale
from app.canvas.sample_quantities import SAMPLE_ENTRIES

LOGITS = "Logit difference"
"""What a supervised network has for a state: the foreground logit minus the background logit."""


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
        *DERIVED,
        *SAMPLE_ENTRIES,
    )
}
"""By name, in the order of the buttons and menus."""
BASIC: tuple[Quantity, ...] = ("mask", "estimate", "probability", "state")
"""Those with a button of their own; the others are in a menu."""
FALLBACK: Quantity = "probability"
"""What a running step is drawn as while a quantity lacks something: it needs nothing but the step."""

__all__ = [
    "BASIC",
    "FALLBACK",
    "LOGITS",
    "TABLE",
    "Classes",
    "Computed",
    "Entry",
    "Kind",
    "Moment",
    "Painted",
    "Quantity",
    "Range",
    "Scale",
]
