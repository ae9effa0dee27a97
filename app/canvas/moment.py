"""What a quantity is made of: a moment of a run in one section, what lies beside it, and what it is painted as."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.canvas.cutting import plane_of, union_of
from core.records import Array, Axis, Prediction, Step

if TYPE_CHECKING:
    from core.pipeline import Section

Quantity = str
Range = tuple[float, float]


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
    (empty: not named). `#aarrggbb` is seen through. `hatch` `/` or `\\\\`: told apart without colour, too."""

    colour: str
    words: str = ""
    hatch: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """How whole numbers become colours: value n is drawn in the colour of `kinds[n]`."""

    kinds: tuple[Kind, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Computed:
    """What was computed in the background, and of what: it is drawn of nothing else.

    `values` on the grid of the image, or None where only the ends of a scale are needed. `of`: what it belongs to
    besides the prediction (step, threshold). `reason`: why there is nothing.
    """

    values: Array | None = None
    limits: Range = (0.0, 1.0)
    words: str = ""
    reason: str = ""
    of: tuple[object, ...] = ()
    reference: Array | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Peer:
    """The result of a column, cut at `cut` (None: its own threshold)."""

    title: str
    prediction: Prediction
    cut: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Company:
    """The results that a column is held against: `peers` of all columns, its own among them; `other` the one that is
    compared with it; `bare` the same run with FiLM off, or in `bare_words` why there is none."""

    peers: tuple[Peer, ...] = ()
    other: Peer | None = None
    bare: Prediction | None = None
    bare_words: str = ""


ALONE = Company()


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
    `t`: what is asked for between noise and mask, None = the final result. `company`: the results of other columns.
    """

    at: int | Section
    axis: Axis
    step: Step | None = None
    prediction: Prediction | None = None
    value_range: Range | None = None
    state_range: Range | None = None
    cut: float | None = None
    reference: Array | None = None
    maps: Mapping[str, Array | Computed] = field(default_factory=dict)
    t: float | None = None
    company: Company = ALONE

    def plane(self, volume: Array) -> Array:
        """Its section of an array on the grid of the image."""
        return plane_of(volume, self.at)

    def union(self, volume: Array, holds: Callable[[Array], Array]) -> Array:
        """Where `holds` is true in the section, or in any slice of a slab."""
        return union_of(volume, self.at, holds)

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


def nearest_step(prediction: Prediction, t: float) -> Step | None:
    """The kept step nearest to `t`, from 0 (noise) to 1 (mask); None when no step was kept."""
    return min(prediction.steps, key=lambda step: abs(step.t - t), default=None)


def _always(moment: Moment) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """A quantity. `lacking` says in words why it cannot be shown at a moment, and is empty where it can.

    `title_on`: its name where steps run along another axis than time. `group`: with which others it stands in a menu.
    `timeless`: it is the same at every step. `alone`: a prediction is all it needs, so the strip of steps shows it;
    others are of few or thin voxels, which the outline of the reference would hide.
    """

    name: Quantity
    title: str
    tip: str
    paint: Callable[[Moment], Painted]
    lacking: Callable[[Moment], str] = _always
    title_on: Mapping[Axis, str] = field(default_factory=dict)
    group: str = ""
    timeless: bool = False
    alone: bool = True

    def title_for(self, axis: Axis) -> str:
        return self.title_on.get(axis, self.title)
