"""The registry: every standard measure once, in the order in which they are shown.

An entry says what is computed, in which unit, which way is better, after whom, and, in `score`, how. What a measure
answers when a mask is empty stands in its `empty`: a value that does not exist is None with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from core.metrics import centreline, components, overlap, surface
from core.metrics.overlap import Score
from core.metrics.pair import Pair
from core.metrics.topology import cldice_score
from core.records import Direction

Unit = Literal["", "count", "length", "volume"]
TOLERANCES = (1.0, 2.0)
CONNECTED = "foreground touches at corners (8-connected, 26 in 3D), background does not (4, 6 in 3D)"
BOTH, ALONE = "None when both masks are empty, 0 when one is", "None when either mask is empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """`name` is the key in a Measurement. `unit`: `length` is mm or px, `volume` mm² or mm³ or px, by the spacing."""

    name: str
    definition: str
    score: Callable[[Pair], Score]
    unit: Unit = ""
    direction: Direction = "higher"
    source: str = ""
    empty: str = BOTH

    @property
    def higher_is_better(self) -> bool:
        return self.direction == "higher"


def nsd(tolerance: float) -> Metric:
    """Surface Dice at a tolerance, in mm or px."""
    return Metric(
        name=f"nsd_{tolerance:g}",
        definition=f"Normalised surface Dice: share of the boundary pixels of both masks within {tolerance:g} (mm, or "
        "px where the spacing is unknown) of the other's boundary.",
        score=lambda pair: surface.surface_dice(pair.distances, tolerance),
        source="Nikolov et al., arXiv:1809.04430; boundary pixels counted as in MONAI",
        empty=ALONE,
    )


OVERLAP: tuple[Metric, ...] = (
    Metric(
        name="dice",
        definition="2TP / (2TP + FP + FN).",
        score=lambda pair: overlap.dice_score(pair.counts),
        source="Dice, Ecology 1945",
    ),
    Metric(
        name="iou",
        definition="TP / (TP + FP + FN), also called Jaccard index.",
        score=lambda pair: overlap.iou_score(pair.counts),
        source="Jaccard, 1901",
    ),
    Metric(
        name="precision",
        definition="TP / (TP + FP).",
        score=lambda pair: overlap.precision_score(pair.counts),
        empty="None when the prediction is empty",
    ),
    Metric(
        name="recall",
        definition="TP / (TP + FN), also called sensitivity.",
        score=lambda pair: overlap.recall_score(pair.counts),
        empty="None when the reference is empty",
    ),
    Metric(
        name="specificity",
        definition="TN / (TN + FP).",
        score=lambda pair: overlap.specificity_score(pair.counts),
        empty="Defined for empty masks; None when the reference has no background",
    ),
    Metric(
        name="accuracy",
        definition="(TP + TN) / all pixels. Close to 1 wherever background prevails.",
        score=lambda pair: overlap.accuracy_score(pair.counts),
        empty="Defined for empty masks",
    ),
    Metric(
        name="volume_difference",
        definition="Predicted minus reference size (area of a slice, volume of a stack).",
        score=lambda pair: overlap.volume_difference(pair.counts, pair.pixel),
        unit="volume",
        direction="zero",
        empty="Defined for empty masks",
    ),
    Metric(
        name="relative_volume_difference",
        definition="Predicted minus reference size, divided by the reference's.",
        score=lambda pair: overlap.relative_volume_difference(pair.counts),
        direction="zero",
        empty="None when the reference is empty",
    ),
)

SURFACE: tuple[Metric, ...] = (
    Metric(
        name="hd",
        definition="Hausdorff distance: the largest from a boundary pixel of one mask to the other's boundary.",
        score=lambda pair: surface.hausdorff(pair.distances, 100),
        unit="length",
        direction="lower",
        source="Huttenlocher et al., IEEE TPAMI 1993",
        empty=ALONE,
    ),
    Metric(
        name="hd95",
        definition="The larger of the two directed 95th percentiles of boundary distance, linearly interpolated.",
        score=lambda pair: surface.hausdorff(pair.distances, 95),
        unit="length",
        direction="lower",
        source="Huttenlocher et al., IEEE TPAMI 1993, with the 95th percentile for the maximum",
        empty=ALONE,
    ),
    Metric(
        name="assd",
        definition="Average symmetric surface distance: the mean over the boundary pixels of both masks together.",
        score=lambda pair: surface.average_distance(pair.distances),
        unit="length",
        direction="lower",
        source="Heimann et al., IEEE TMI 2009",
        empty=ALONE,
    ),
    *map(nsd, TOLERANCES),
    Metric(
        name="boundary_iou",
        definition="IoU of the bands inside the masks along their boundaries, as wide as 2 % of the image's diagonal "
        "unless another width is asked for. Where objects are thinner than the band it is IoU.",
        score=lambda pair: surface.boundary_iou(pair.prediction.mask, pair.reference.mask, pair.band),
        source="Cheng et al., CVPR 2021",
    ),
)

CENTRELINE: tuple[Metric, ...] = (
    Metric(
        name="cldice",
        definition="Harmonic mean of the share of the predicted skeleton inside the reference and the share of the "
        "reference's skeleton inside the prediction; skeletons by scikit-image skeletonize, no smoothing term.",
        score=lambda pair: cldice_score(
            pair.prediction.mask, pair.reference.mask, (pair.prediction.skeleton, pair.reference.skeleton)
        ),
        source="Shit et al., CVPR 2021",
        empty=ALONE,
    ),
    Metric(
        name="centreline_precision",
        definition="Share of the predicted skeleton's pixels inside the reference.",
        score=lambda pair: centreline.inside(pair.prediction.skeleton, pair.reference.mask, "prediction"),
        source="Shit et al., CVPR 2021, topology precision",
        empty="None when the prediction is empty",
    ),
    Metric(
        name="centreline_recall",
        definition="Share of the reference's skeleton's pixels inside the prediction.",
        score=lambda pair: centreline.inside(pair.reference.skeleton, pair.prediction.mask, "reference"),
        source="Shit et al., CVPR 2021, topology sensitivity",
        empty="None when the reference is empty",
    ),
    Metric(
        name="branch_recall",
        definition="Share of the branches of the reference's skeleton, from end or junction to the next, of which at "
        "least 80 % of the pixels lie in the prediction.",
        score=lambda pair: centreline.branch_recall(pair.reference.centreline, pair.prediction.mask),
        source="Zhang et al., ATM'22, Medical Image Analysis 2023, branches detected",
        empty="None when the reference is empty",
    ),
    Metric(
        name="skeleton_length",
        definition="Length of the predicted skeleton, along its pixels.",
        score=lambda pair: (centreline.length(pair.prediction.centreline, pair.spacing), ""),
        unit="length",
        direction="none",
        empty="0 for an empty mask",
    ),
    Metric(
        name="skeleton_length_reference",
        definition="Length of the reference's skeleton, along its pixels.",
        score=lambda pair: (centreline.length(pair.reference.centreline, pair.spacing), ""),
        unit="length",
        direction="none",
        empty="0 for an empty mask",
    ),
)


def counted(name: str, definition: str, number: Callable[[Pair], int], direction: Direction = "none") -> Metric:
    """A number of things: defined for empty masks, of which it is 0."""
    return Metric(
        name=name,
        definition=definition,
        score=lambda pair: (float(number(pair)), ""),
        unit="count",
        direction=direction,
        empty="Defined for empty masks, which have none",
    )


TOPOLOGY: tuple[Metric, ...] = (
    counted(
        "betti_0_error",
        "Difference in the number of connected components; 8-connected (26-connected in 3D).",
        lambda pair: abs(pair.prediction.labelled[1] - pair.reference.labelled[1]),
        "lower",
    ),
    counted(
        "betti_1_error",
        "Difference in the number of holes (tunnels in 3D), from the Euler characteristic; foreground 8-connected and "
        "background 4-connected (26 and 6 in 3D).",
        lambda pair: abs(pair.prediction.holes - pair.reference.holes),
        "lower",
    ),
    counted("betti_0", f"Components of the prediction; {CONNECTED}.", lambda pair: pair.prediction.labelled[1]),
    counted("betti_0_reference", f"Components of the reference; {CONNECTED}.", lambda pair: pair.reference.labelled[1]),
    counted("betti_1", f"Holes of the prediction (tunnels in 3D); {CONNECTED}.", lambda pair: pair.prediction.holes),
    counted("betti_1_reference", f"Holes of the reference (tunnels); {CONNECTED}.", lambda pair: pair.reference.holes),
    counted("euler", f"Euler characteristic of the prediction; {CONNECTED}.", lambda pair: pair.prediction.euler),
    counted(
        "euler_reference",
        f"Euler characteristic of the reference; {CONNECTED}.",
        lambda pair: pair.reference.euler,
    ),
)

DETECTION: tuple[Metric, ...] = (
    Metric(
        name="panoptic_quality",
        definition="Segmentation quality times recognition quality of the connected components (8- or 26-connected); "
        "a component is found when one of the other mask overlaps it with IoU above 0.5, unless asked otherwise.",
        score=lambda pair: components.panoptic_quality(pair.matching),
        source="Kirillov et al., CVPR 2019, with one class",
    ),
    Metric(
        name="segmentation_quality",
        definition="Mean IoU of the components that were found.",
        score=lambda pair: components.segmentation_quality(pair.matching),
        source="Kirillov et al., CVPR 2019",
        empty="None when no component was found",
    ),
    Metric(
        name="recognition_quality",
        definition="TP / (TP + FP/2 + FN/2) of the components: their F1.",
        score=lambda pair: components.recognition_quality(pair.matching),
        source="Kirillov et al., CVPR 2019",
    ),
    counted(
        "components_tp",
        "Components of the reference that were found.",
        lambda pair: len(pair.matching.matched),
        "higher",
    ),
    counted(
        "components_fp",
        "Components of the prediction that match none of the reference.",
        lambda pair: pair.matching.predicted - len(pair.matching.matched),
        "lower",
    ),
    counted(
        "components_fn",
        "Components of the reference that were not found.",
        lambda pair: pair.matching.actual - len(pair.matching.matched),
        "lower",
    ),
)

METRICS: tuple[Metric, ...] = (*OVERLAP, *SURFACE, *CENTRELINE, *TOPOLOGY, *DETECTION)


def registry(tolerances: Sequence[float]) -> tuple[Metric, ...]:
    """`METRICS` with NSD at these tolerances."""
    names = {metric.name for metric in map(nsd, TOLERANCES)}
    at = next(place for place, metric in enumerate(METRICS) if metric.name in names)
    others = [metric for metric in METRICS if metric.name not in names]
    return (*others[:at], *map(nsd, tolerances), *others[at:])
