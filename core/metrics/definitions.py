"""The standard measures, in the order in which they are shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """`name` is the key in a Measurement, `definition` says how it is computed."""

    name: str
    definition: str
    higher_is_better: bool = True


METRICS: tuple[Metric, ...] = (
    Metric(name="dice", definition="2TP / (2TP + FP + FN)."),
    Metric(name="iou", definition="TP / (TP + FP + FN), also called Jaccard index."),
    Metric(name="precision", definition="TP / (TP + FP)."),
    Metric(name="recall", definition="TP / (TP + FN), also called sensitivity."),
    Metric(name="specificity", definition="TN / (TN + FP)."),
    Metric(
        name="cldice",
        definition="Harmonic mean of the share of the predicted skeleton inside the reference and the share of the "
        "reference's skeleton inside the prediction; skeletons by scikit-image skeletonize, no smoothing term "
        "(Shit et al., CVPR 2021).",
    ),
    Metric(
        name="betti_0_error",
        definition="Difference in the number of connected components; 8-connected (26-connected in 3D).",
        higher_is_better=False,
    ),
    Metric(
        name="betti_1_error",
        definition="Difference in the number of holes (tunnels in 3D), from the Euler characteristic; foreground "
        "8-connected and background 4-connected (26 and 6 in 3D).",
        higher_is_better=False,
    ),
)
