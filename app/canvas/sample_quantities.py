"""What several samples of one run say, as pictures: how far they lie apart, how unsure they are, and their votes."""

from __future__ import annotations

from collections.abc import Callable

from app.canvas.colour_maps import VIRIDIS
from app.canvas.moment import Entry, Moment, Painted, Scale

DEVIATION, ENTROPY, VOTES, VOTE_MASK = "deviation", "entropy", "votes", "vote mask"
MOST_DEVIATION = 0.5
"""Of numbers in [0, 1]: half of them at each end."""
LACKING = "it needs several samples that are kept: run them in the Uncertainty panel"


def _paint_deviation(moment: Moment) -> Painted:
    scale = Scale(low=0.0, high=MOST_DEVIATION, colours=VIRIDIS)
    return Painted(values=moment.plane(moment.maps[DEVIATION]), scale=scale, mask=moment.mask())


def _paint_entropy(moment: Moment) -> Painted:
    scale = Scale(low=0.0, high=1.0, colours=VIRIDIS)
    return Painted(values=moment.plane(moment.maps[ENTROPY]), scale=scale, mask=moment.mask(), words="bits")


def _paint_votes(moment: Moment) -> Painted:
    """The number of samples that mark a voxel; the outline is what enough of them mark."""
    prediction = moment.prediction
    assert prediction is not None, "lacking says so"
    mask = moment.plane(moment.maps[VOTE_MASK]) > 0 if VOTE_MASK in moment.maps else None
    scale = Scale(low=0.0, high=float(len(prediction.members)), colours=VIRIDIS)
    return Painted(values=moment.plane(moment.maps[VOTES]), scale=scale, mask=mask)


def _without(name: str) -> Callable[[Moment], str]:
    def lacking(moment: Moment) -> str:
        return "" if name in moment.maps and moment.prediction is not None else LACKING

    return lacking


SAMPLE_ENTRIES = (
    Entry(
        name=DEVIATION,
        title="Deviation",
        tip="Standard deviation of the probability over the samples",
        paint=_paint_deviation,
        lacking=_without(DEVIATION),
        group="Samples",
    ),
    Entry(
        name=ENTROPY,
        title="Entropy",
        tip="Entropy of the mean probability, in bits: 1 = as good as a coin",
        paint=_paint_entropy,
        lacking=_without(ENTROPY),
        group="Samples",
    ),
    Entry(
        name=VOTES,
        title="Votes",
        tip="How many samples mark a voxel",
        paint=_paint_votes,
        lacking=_without(VOTES),
        group="Samples",
    ),
)
