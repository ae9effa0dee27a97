"""The frozen records of comparisons. Import them from `core.records`, which hands them on.

Arrays are (slices, rows, columns), read-only and own their memory. `unit` of a length is `mm` where the spacing of the
image is known, else `px`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from core.records import Array, CheckpointReport, Difference, Direction, Measurement, Prediction, RunSettings

__all__ = [
    "AGREE_BACKGROUND",
    "FALSE_NEGATIVE",
    "FALSE_POSITIVE",
    "TRUE_POSITIVE",
    "Agreement",
    "BlockDifference",
    "ChangeMap",
    "CommitMap",
    "DialPoint",
    "ErrorDetection",
    "ErrorMap",
    "FieldDifference",
    "LengthUnit",
    "Member",
    "PassportDifference",
    "PassportTable",
    "ResultKey",
    "StepCurve",
    "StepMap",
    "StepQuantity",
    "SurfaceMap",
    "TopologyItem",
    "TopologyKind",
    "TopologyReport",
    "Uncertainty",
]

LengthUnit = Literal["mm", "px"]
AGREE_BACKGROUND, TRUE_POSITIVE, FALSE_POSITIVE, FALSE_NEGATIVE = 0, 1, 2, 3
"""Codes of an `ErrorMap`."""


# ---- difference -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ErrorMap:
    """What became of each voxel of a mask under a reference. `codes`: uint8, see the constants beside this record.

    `tp`, `fp`, `fn`, `tn` count voxels.
    """

    codes: Array
    tp: int
    fp: int
    fn: int
    tn: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChangeMap:
    """From a first prediction to a second. `probability`: float32 in [-1, 1], second minus first. `mask`: int8, +1 only
    the second marks the voxel, -1 only the first, 0 they agree. `counts`: the same in figures."""

    probability: Array
    mask: Array
    counts: Difference


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurfaceMap:
    """How far each boundary voxel of a mask is from the boundary of the reference.

    A boundary voxel is a foreground voxel with a face neighbour (4 in a slice, 6 in a volume) that is background, or
    that lies on the edge of the image. `distance`: float32, NaN off the mask's boundary; positive outside the
    reference (too far out), negative inside it (too far in), 0 on its boundary. `mean`: of the absolute values over
    `voxels` boundary voxels; `lowest`, `highest` are signed. These are None, with a `reason`, where either mask is
    empty.
    """

    distance: Array
    unit: LengthUnit
    voxels: int
    mean: float | None
    lowest: float | None
    highest: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Agreement:
    """How several masks of one image agree, without any reference.

    `votes`: uint16, how many of the `masks` masks mark the voxel. `concordance[i][j]`: Dice of masks i and j; None
    where both are empty. `mean_concordance`: over the pairs for which it exists, `pairs` of them; None, with a
    `reason`, for none. `unanimous`: voxels that all mark; `disputed`: that some mark and some do not.
    """

    votes: Array
    masks: int
    concordance: tuple[tuple[float | None, ...], ...]
    mean_concordance: float | None
    pairs: int
    unanimous: int
    disputed: int
    reason: str = ""


# ---- steps ----------------------------------------------------------------------------------------------------------

StepQuantity = Literal["state", "estimate", "probability", "change", "velocity", "film"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StepMap:
    """One quantity of one kept step. `values`: float32, None with a `reason` where it does not exist.

    - `state`, `estimate`, `probability`: as in `Step`.
    - `change`: probability minus that of the kept step before; the first has none.
    - `velocity`: magnitude of (next state - state) / (next t - t), over the next kept step; the last has none. Of a
      diffusion run t is the share of steps done. A discrete flow's state is 0 or 1 and jumps.
    - `film`: probability minus that of the same step run with FiLM off.

    `limits`: lowest and highest value that a legend needs; symmetric around 0 where `signed`.
    """

    quantity: StepQuantity
    index: int
    t: float
    values: Array | None
    limits: tuple[float, float] = (0.0, 1.0)
    signed: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCurve:
    """A number against t, one for each kept step in order. `values[k]` None: `reasons[k]` says why.

    `name`: a metric of `Measurement`, or `changed` (share of voxels whose label is another than at the kept step
    before), `open` (share whose label will still change after this step) or `calls` (network calls so far).
    """

    name: str
    t: tuple[float, ...]
    values: tuple[float | None, ...]
    reasons: tuple[str, ...]
    direction: Direction = "none"
    unit: str = ""
    definition: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CommitMap:
    """When each voxel made up its mind. `position`: int32, the last kept step (counted from 0) at which its label
    (estimate above threshold) was another than at the kept step before; 0 = it never changed. `t`: float32, of that
    step. `flips`: uint16, how often it changed. `changed`: how many voxels did at all.

    `reason`: why it says nothing (a single kept step), or "".
    """

    position: Array
    t: Array
    flips: Array
    changed: int
    steps: int
    reason: str = ""


# ---- topology of vessels --------------------------------------------------------------------------------------------

TopologyKind = Literal["break", "bridge", "lost-branch", "island", "lost-loop", "false-loop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyItem:
    """One thing that is wrong with how a mask hangs together, and where.

    - `break`: a stretch of the reference's centreline that the prediction does not mark and around which its two sides
      are not connected nearby.
    - `bridge`: the same with the roles changed: the prediction connects what is separate nearby in the reference.
    - `lost-branch`: a branch, a subtree or a whole piece of the reference that ends where nothing is predicted, further
      from the prediction than the vessel is wide.
    - `island`: a connected piece of the prediction that touches no reference.
    - `lost-loop`, `false-loop`: a hole of one mask without its counterpart in the other (2D only).

    `position`: a voxel (slice, row, column) in its middle; `box`: (first, past the last) along each axis. `length`
    along the centreline (of a loop: the circumference of a disc of its area) and `calibre`, the mean diameter along
    it (None of loops), in the report's unit. `voxels`: of the centreline, of a loop those of the hole.
    """

    kind: TopologyKind
    position: tuple[int, int, int]
    box: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    length: float
    calibre: float | None
    voxels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyReport:
    """How a predicted tree of vessels differs from the reference; `items` longest first.

    `betti_*`: components and holes (tunnels in 3D) by the Euler characteristic, under `connectivity`. `near_junctions`
    of the `false_positives` voxels lie within `radius_px` of one of the `junctions` forks of the reference's
    centreline. `loops_reason`: why no loops are listed, or "".
    """

    items: tuple[TopologyItem, ...]
    unit: LengthUnit
    betti_prediction: tuple[int, int]
    betti_reference: tuple[int, int]
    connectivity: str
    false_positives: int
    near_junctions: int
    junctions: int
    radius_px: float
    loops_reason: str = ""

    def count(self, kind: TopologyKind) -> int:
        return sum(item.kind == kind for item in self.items)


# ---- uncertainty ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Member:
    """One sample of a prediction. `score`, `probability`: float32, as in `Prediction`, before averaging.

    `sample`: its number; with the `seed` of the run that is all its randomness. `seed` None: the draws were recorded
    ones, so it cannot be repeated from a number.
    """

    sample: int
    seed: int | None
    score: Array
    probability: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Uncertainty:
    """What the samples of a prediction say together. Arrays float32 but `votes`.

    `mean` of the members' probabilities (of the prediction's own where members were not kept); `deviation`: their
    standard deviation (of the population), None for one sample; `entropy`: of the mean, in bits, 0 to 1. `votes`:
    uint16, how many members, each cut at the prediction's threshold, mark a voxel; None where members were not kept,
    and `reason` then says what to do.

    `disagreement[k]`: 1 - Dice of member k's mask and the prediction's, None where both are empty; `order`: positions
    of members, the one that disagrees most first.
    """

    mean: Array
    deviation: Array | None
    entropy: Array
    votes: Array | None
    samples: int
    disagreement: tuple[float | None, ...] = ()
    order: tuple[int, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDetection:
    """Whether an uncertainty is higher where a mask is wrong. `measure`: what was looked at (`deviation`, `entropy`).

    `auroc`: the chance that it is higher at a wrong voxel than at a right one, ties counting half. `baseline`: the same
    for nearness to the mask's boundary, which needs no samples at all. None, with a reason, where it does not exist.
    `verdict`: a sentence.
    """

    measure: Literal["deviation", "entropy"]
    auroc: float | None
    baseline: float | None
    errors: int
    voxels: int
    verdict: str
    reason: str = ""
    baseline_reason: str = ""


# ---- steps dial -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DialPoint:
    """One run of the steps dial. `seconds` of the run, without loading; `calls` of the network; `measurement` None
    without a reference. `own`: steps and solver are the checkpoint's own."""

    settings: RunSettings
    prediction: Prediction
    seconds: float
    calls: int
    measurement: Measurement | None
    own: bool


# ---- passports ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDifference:
    """One thing of which two checkpoints say something else: plain JSON values, None where one is silent."""

    name: str
    first: Any
    second: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockDifference:
    """How far the weights of a block went from the first checkpoint to the second, over those that both have.

    `mean_absolute`: of the change of each number; `relative`: norm of the change over norm of the first; `cosine`: of
    the angle between both. None, with a `reason`, where it does not exist.
    """

    block: str
    parameters: int
    tensors: int
    mean_absolute: float | None
    relative: float | None
    cosine: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassportDifference:
    """What differs between two checkpoints. `settings`: all that decides a run; `training`: counters, data set and
    hyper-parameters (`hyper_parameters.lr`); `metrics`: reported scores, by name and weights (`val/dice (model)`),
    and by producer where there are two: each defines its scores itself, and no line holds two definitions.

    `blocks`: of the weights in use, in the order of the first file; empty, with `blocks_reason`, unless both are the
    same kind of network. `left_out`: weights that only one of them has, or has in another shape, or that are no
    fractions.
    """

    first: CheckpointReport
    second: CheckpointReport
    settings: tuple[FieldDifference, ...]
    training: tuple[FieldDifference, ...]
    metrics: tuple[FieldDifference, ...]
    blocks: tuple[BlockDifference, ...]
    left_out: int = 0
    blocks_reason: str = ""
    alike: tuple[FieldDifference, ...] = ()
    """Everything of settings, training and scores that both say the same of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassportTable:
    """A part of a comparison of passports as text: `rows` of as many cells as there are `headers`; `remark` says what
    is not in it."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remark: str = ""


# ---- memory of results ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultKey:
    """Under what a prediction is kept: everything that decides it. `checkpoint`, `image`: which file in which state;
    `options`: of loading, name and JSON text. Made by `core.pipeline.result_key`."""

    checkpoint: str
    image: str
    settings: RunSettings
    options: tuple[tuple[str, str], ...] = ()
