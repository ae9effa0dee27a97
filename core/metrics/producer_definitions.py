"""The producers' measures as a registry: what each means, and in one sentence how that differs from the standard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.errors import ShapeMismatch
from core.metrics.producers import Values, sofl_seg, soft_seg
from core.records import Array, Direction, Measurement, MetricValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerMetric:
    """`note` is empty where the definition is the standard one."""

    name: str
    definition: str
    note: str = ""
    direction: Direction = "higher"


@dataclass(frozen=True, slots=True, kw_only=True)
class Producer:
    """`compute` takes both masks as (columns, rows) bool and has a value, or NaN, for each of `metrics`."""

    name: str
    source: str
    compute: Callable[[Array, Array], Values]
    metrics: tuple[ProducerMetric, ...]


TOPOLOGY = (
    ProducerMetric(
        name="betti_0_error",
        definition="Difference in the number of 4-connected components.",
        note="The standard number counts pieces that touch at corners as one; here a diagonal line is many pieces.",
        direction="lower",
    ),
    ProducerMetric(
        name="betti_1_error",
        definition="Difference in: by how many the 4-connected components grow in one erosion by a 3 x 3 cross, at "
        "least 0.",
        note="This counts thin connections that one erosion cuts, not holes: a ring has 0, and a broken ring no error. "
        "The standard number counts holes.",
        direction="lower",
    ),
    ProducerMetric(
        name="cldice",
        definition="clDice with 1e-5 added to each denominator.",
        note="Two empty masks have 0 here, where the standard value does not exist; a perfect match is a little below "
        "1.",
    ),
)

SOFT_SEG = Producer(
    name="soft-seg",
    source="yongjoon02/soft-seg a675dbd, test step, torchmetrics >= 1.9",
    compute=soft_seg,
    metrics=(
        ProducerMetric(
            name="dice",
            definition="Mean over image columns but the first of 2TP / (2TP + FP + FN) of the column, leaving out "
            "those that are empty in both masks.",
            note="An average over image columns taken for classes, the first of them left out as background; the "
            "standard Dice is of the whole image.",
        ),
        ProducerMetric(
            name="iou",
            definition="TP / (TP + FN): pixels whose reference is background are ignored.",
            note="False positives are not seen: this is the standard recall, and 1 for an image predicted full.",
        ),
        ProducerMetric(
            name="precision",
            definition="1 when all of the reference is found, 1/2 when some, 0 when nothing (macro average over "
            "classes, pixels whose reference is background ignored).",
            note="It can only be 0, 1/2 or 1 and does not see false positives, which the standard precision counts.",
        ),
        ProducerMetric(
            name="recall",
            definition="TP / (TP + FN), halved unless it is 1 (macro average with a class that is always 0).",
            note="Half the standard recall, unless the recall is perfect.",
        ),
        *TOPOLOGY,
    ),
)

SOFL_SEG = Producer(
    name="sofl-seg",
    source="yongjoon02/sofl-seg 2f7d8e1, test step",
    compute=sofl_seg,
    metrics=(
        ProducerMetric(
            name="dice",
            definition="2TP / (2TP + FP + FN); NaN when both masks are empty.",
            note="As the standard one, but one image with two empty masks makes the mean of a data set NaN.",
        ),
        *(
            ProducerMetric(
                name=name,
                definition=f"{formula}; 0 when the denominator is 0.",
                note="As the standard one, but 0 where that does not exist.",
            )
            for name, formula in (
                ("iou", "TP / (TP + FP + FN)"),
                ("precision", "TP / (TP + FP)"),
                ("recall", "TP / (TP + FN)"),
                ("specificity", "TN / (TN + FP)"),
            )
        ),
        *TOPOLOGY,
    ),
)

PRODUCERS: tuple[Producer, ...] = (SOFT_SEG, SOFL_SEG)


def measure_as(producer: Producer, prediction: Array, reference: Array) -> Measurement:
    """What a producer would report for one image. Masks: (1, rows, columns) or (rows, columns) bool, as one sees them.

    Raises ShapeMismatch for a volume: the producers measure pictures.
    """
    flat = [mask[0] if mask.ndim == 3 and len(mask) == 1 else mask for mask in (prediction, reference)]
    if flat[0].ndim != 2 or flat[0].shape != flat[1].shape:
        raise ShapeMismatch(
            f"The definitions of {producer.name} are for pictures of one size; these are {prediction.shape} and "
            f"{reference.shape}. Choose the standard definitions."
        )
    numbers = producer.compute(flat[0].T, flat[1].T)
    values = tuple(_value(producer, metric, numbers[metric.name]) for metric in producer.metrics)
    return Measurement(values=values, definitions=producer.name)


def _value(producer: Producer, metric: ProducerMetric, number: float) -> MetricValue:
    lost = bool(np.isnan(number))
    return MetricValue(
        name=metric.name,
        value=None if lost else number,
        reason=f"{producer.name} has NaN here, and so for the mean of the whole data set" if lost else "",
        higher_is_better=metric.direction == "higher",
        definition=metric.definition,
        unit="count" if metric.name.startswith("betti") else "",
        direction=metric.direction,
        source=producer.source,
        definitions=producer.name,
        note=metric.note,
    )
