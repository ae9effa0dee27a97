"""Quantities of more than one result: against the reference, between columns, from step to step."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from app.canvas.colour_maps import ON_DARK, ON_IMAGE, VIRIDIS, table
from app.canvas.moment import Classes, Computed, Entry, Kind, Moment, Painted, Peer, Scale, nearest_step
from core import pipeline
from core.records import Array, Prediction, Step, StepQuantity

REFERENCE, COLUMNS, STEPS = "Against the reference", "Between columns", "Along the steps"
RUNNING, COMPUTING = "when the run is done", "being computed"
FAINT, ADDED, MISSED = "#59ffffff", "#e69f00", "#56b4e9"
"""Okabe and Ito: these two are told apart by any eye, and hatched in two directions for a print without colour."""


# ---- two masks -------------------------------------------------------------------------------------------------------


def _two_masks(mine: Array, theirs: Array, words: tuple[str, str, str], note: str = "") -> Painted:
    """What only the first of two masks of one section marks, only the second, and both, with how many voxels each."""
    codes = mine.view(np.uint8) | theirs.view(np.uint8) << 1
    marked, other, shared = (int(np.count_nonzero(some)) for some in (mine, theirs, mine & theirs))
    added, missed, both = (
        f"{name} {number}" for name, number in zip(words, (marked - shared, other - shared, shared), strict=True)
    )
    kinds = (
        Kind(colour=""),
        Kind(colour=ADDED, words=added, hatch="/"),
        Kind(colour=MISSED, words=missed, hatch="\\"),
        Kind(colour=FAINT, words=both),
    )
    return Painted(values=codes, scale=Classes(kinds=kinds), words=note)


def _own_mask(moment: Moment) -> Array:
    mask = moment.mask()
    assert mask is not None  # `lacking` says when it is not known
    return mask


def _of_slice(moment: Moment) -> str:
    """What is counted is what is seen."""
    many = moment.prediction is not None and moment.prediction.mask.shape[0] > 1
    return "counts of this view" if many else ""


def _without_reference(moment: Moment) -> str:
    if moment.prediction is None:
        return RUNNING
    return "" if moment.reference is not None else "needs a reference on the grid of the image"


def _paint_errors(moment: Moment) -> Painted:
    assert moment.reference is not None
    actual = moment.union(moment.reference, lambda some: some > 0)
    return _two_masks(_own_mask(moment), actual, ("FP", "FN", "TP"), _of_slice(moment))


def _of_peer(peer: Peer, moment: Moment) -> Moment:
    """Another result in the section of `moment`, at its step nearest to the same t."""
    shown = peer.prediction
    step = None if moment.t is None else nearest_step(shown, moment.t)
    return Moment(at=moment.at, axis=shown.axis, step=step, prediction=shown, cut=peer.cut)


def mask_of(peer: Peer, moment: Moment) -> Array:
    """The mask of another result in the section of `moment`."""
    return _own_mask(_of_peer(peer, moment))


def _without_other(moment: Moment) -> str:
    if moment.prediction is None:
        return RUNNING
    other = moment.company.other
    if other is None:
        return "needs another column with a result"
    same = other.prediction.mask.shape == moment.prediction.mask.shape
    return "" if same else f"{other.title} is of another size"


def _paint_difference(moment: Moment) -> Painted:
    other = moment.company.other
    assert other is not None
    note = ", ".join(filter(None, (f"against {other.title}", _of_slice(moment))))
    return _two_masks(_own_mask(moment), mask_of(other, moment), ("Here", "There", "Both"), note)


def _paint_probability_difference(moment: Moment) -> Painted:
    other = moment.company.other
    assert other is not None
    values = moment.plane(moment.probability()) - moment.plane(_of_peer(other, moment).probability())
    return Painted(values=values, scale=Scale(low=-1.0, high=1.0, colours=ON_DARK), words=f"here minus {other.title}")


def _without_peers(moment: Moment) -> str:
    if moment.prediction is None:
        return RUNNING
    return "" if len(_fitting(moment)) > 1 else "needs at least two columns with a result"


def _fitting(moment: Moment) -> tuple[Peer, ...]:
    shape = moment.probability().shape
    return tuple(peer for peer in moment.company.peers if peer.prediction.mask.shape == shape)


def _paint_agreement(moment: Moment) -> Painted:
    """Votes; a voxel that no column marks is left to the image."""
    peers = _fitting(moment)
    votes = np.zeros(moment.plane(moment.probability()).shape, np.uint8)
    for peer in peers:
        votes += mask_of(peer, moment)
    colours = _shades(len(peers))
    counts = [int(np.count_nonzero(votes == number)) for number in range(1, len(peers) + 1)]
    kinds = [
        Kind(colour=shade, words=f"{number}: {count}")
        for number, (shade, count) in enumerate(zip(colours, counts, strict=True), 1)
    ]
    note = ", ".join(filter(None, (f"of {len(peers)} masks", _of_slice(moment))))
    return Painted(values=votes, scale=Classes(kinds=(Kind(colour=""), *kinds)), words=note)


@lru_cache(maxsize=8)
def _shades(count: int) -> tuple[str, ...]:
    """Even in lightness, the brightest for all."""
    return tuple(
        f"#{int(table(VIRIDIS)[round(255 * number / count)]) & 0xFFFFFF:06x}" for number in range(1, count + 1)
    )


# ---- what is computed in the background ------------------------------------------------------------------------------


def moment_key(name: str, step: Step | None, cut: float | None) -> tuple[object, ...]:
    """What a computed map belongs to, besides the prediction."""
    if name == "surface":
        return (None if step is None else step.index, cut)
    return (cut,) if name == "commit" else ()


def _found(moment: Moment, name: str) -> Computed | None:
    """What was computed of exactly this moment; what is there of another counts as not there."""
    known = moment.maps.get(name)
    if not isinstance(known, Computed) or known.of != moment_key(name, moment.step, moment.cut):
        return None
    return known if name != "surface" or known.reference is moment.reference else None


def _until_found(moment: Moment, name: str) -> str:
    known = _found(moment, name)
    return COMPUTING if known is None else known.reason


def _values_of(moment: Moment, name: str) -> Computed:
    known = _found(moment, name)
    assert known is not None
    return known


def _without_surface(moment: Moment) -> str:
    return _without_reference(moment) or _until_found(moment, "surface")


def _paint_surface(moment: Moment) -> Painted:
    known = _values_of(moment, "surface")
    assert known.values is not None
    low, high = known.limits
    scale = Scale(low=low, high=high, colours=ON_IMAGE)
    return Painted(values=moment.plane(known.values), scale=scale, words=known.words)


def _without_history(moment: Moment) -> str:
    own = moment.prediction
    if own is None:
        return RUNNING
    if own.axis == "none":
        return "one network call: no steps"
    return "" if len(own.steps) > 1 else "needs at least two kept steps"


def _without_commit(moment: Moment) -> str:
    return _without_history(moment) or _until_found(moment, "commit")


def _paint_commit(moment: Moment) -> Painted:
    known = _values_of(moment, "commit")
    assert known.values is not None
    scale = Scale(low=0.0, high=1.0, colours=VIRIDIS)
    return Painted(values=moment.plane(known.values), scale=scale, words=known.words)


# ---- from step to step -----------------------------------------------------------------------------------------------


def _without_step(moment: Moment) -> str:
    lacks = _without_history(moment)
    return lacks or ("" if moment.step is not None else "move the slider to a step")


def _place(moment: Moment) -> int:
    assert moment.prediction is not None
    return next(number for number, step in enumerate(moment.prediction.steps) if step is moment.step)


def _without_change(moment: Moment) -> str:
    lacks = _without_step(moment)
    if not lacks and _place(moment) == 0:
        lacks = "the first kept step has none before it"
    return lacks or _until_found(moment, "change")


def _without_velocity(moment: Moment) -> str:
    lacks = _without_step(moment)
    if not lacks and moment.prediction is not None and moment.step is moment.prediction.steps[-1]:
        lacks = "the last step moves no further"
    return lacks or _until_found(moment, "velocity")


def _without_film(moment: Moment) -> str:
    own, company = moment.prediction, moment.company
    if own is None:
        return RUNNING
    if own.condition is None:
        return "this run used no FiLM"
    if company.bare is None:
        return company.bare_words or "needs the same run with FiLM off"
    if moment.step is not None and _bare_step(moment) is None:
        return "the run with FiLM off did not keep this step"
    return _until_found(moment, "film")


def _bare_step(moment: Moment) -> Step | None:
    steps = moment.company.bare.steps if moment.company.bare is not None else ()
    return next((step for step in steps if moment.step is not None and step.index == moment.step.index), None)


def _cut_step(moment: Moment, step: Step) -> Step:
    """The step in the section alone: one slice."""
    arrays = {name: moment.plane(getattr(step, name))[None] for name in ("state", "estimate", "probability")}
    return replace(step, **arrays)


def _step_values(moment: Moment, quantity: StepQuantity) -> Array:
    """A quantity of the step in the section, as core defines it."""
    own, place = moment.prediction, _place(moment)
    assert own is not None
    first = max(place - 1, 0)
    around = tuple(_cut_step(moment, step) for step in own.steps[first : place + 2])
    bare, same = moment.company.bare, _bare_step(moment)
    without = replace(bare, steps=(_cut_step(moment, same),)) if bare is not None and same is not None else None
    found = pipeline.step_map(replace(own, steps=around), place - first, quantity, without)
    assert found.values is not None
    values: Array = found.values[0]
    return values


def _paint_change(moment: Moment) -> Painted:
    low, high = _values_of(moment, "change").limits
    return Painted(values=_step_values(moment, "change"), scale=Scale(low=low, high=high, colours=ON_DARK))


def _paint_velocity(moment: Moment) -> Painted:
    low, high = _values_of(moment, "velocity").limits
    return Painted(values=_step_values(moment, "velocity"), scale=Scale(low=low, high=high, colours=VIRIDIS))


def _paint_film(moment: Moment) -> Painted:
    low, high = _values_of(moment, "film").limits
    values = _step_values(moment, "film") if moment.step is not None else _final_film(moment)
    scale = Scale(low=low, high=high, colours=ON_DARK)
    return Painted(values=values, scale=scale, words="with minus without FiLM")


def _final_film(moment: Moment) -> Array:
    own, bare = moment.prediction, moment.company.bare
    assert own is not None
    assert bare is not None
    return moment.plane(own.probability) - moment.plane(bare.probability)


def has_film_effect(prediction: Prediction | None) -> bool:
    """Whether a run without FiLM would be another one."""
    return prediction is not None and prediction.condition is not None


DERIVED: tuple[Entry, ...] = (
    Entry(
        name="errors",
        title="Errors",
        tip="Against the reference: what is right (faint), too much (FP) and missed (FN)",
        paint=_paint_errors,
        lacking=_without_reference,
        group=REFERENCE,
        alone=False,
    ),
    Entry(
        name="surface",
        title="Surface distance",
        tip="How far the edge of the mask lies from the edge of the reference: red outside it, blue inside",
        paint=_paint_surface,
        lacking=_without_surface,
        group=REFERENCE,
        alone=False,
    ),
    Entry(
        name="difference",
        title="Difference",
        tip="Here: what only this column marks. There: what only the other one does",
        paint=_paint_difference,
        lacking=_without_other,
        group=COLUMNS,
        alone=False,
    ),
    Entry(
        name="probability-difference",
        title="Probability difference",
        tip="Probability of this column minus that of the other one",
        paint=_paint_probability_difference,
        lacking=_without_other,
        group=COLUMNS,
        alone=False,
    ),
    Entry(
        name="agreement",
        title="Agreement",
        tip="How many of the columns mark a voxel; needs no reference",
        paint=_paint_agreement,
        lacking=_without_peers,
        group=COLUMNS,
        alone=False,
    ),
    Entry(
        name="change",
        title="Change",
        tip="Change of the probability since the kept step before",
        paint=_paint_change,
        lacking=_without_change,
        group=STEPS,
        alone=False,
    ),
    Entry(
        name="velocity",
        title="Velocity",
        tip="How fast the state moves on to the next kept step, per unit of t",
        paint=_paint_velocity,
        lacking=_without_velocity,
        group=STEPS,
        alone=False,
    ),
    Entry(
        name="commit",
        title="Commit time",
        tip="The last step at which the label of a voxel changed; one that never changed is left to the image",
        paint=_paint_commit,
        lacking=_without_commit,
        group=STEPS,
        timeless=True,
        alone=False,
    ),
    Entry(
        name="film",
        title="FiLM effect",
        tip="Probability with FiLM minus that of the same run with FiLM off",
        paint=_paint_film,
        lacking=_without_film,
        group=STEPS,
        alone=False,
    ),
)
"""In the order of the menus, by group."""
