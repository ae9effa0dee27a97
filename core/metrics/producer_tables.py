"""What the producers' evaluations write, to the last digit: `sample_metrics.csv`, `evaluation_<data>.csv`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.metrics.producers import Values

SAMPLE_COLUMNS = (
    "sample_name",
    "dice",
    "iou",
    "precision",
    "recall",
    "specificity",
    "cldice",
    "connectivity",
    "density_error",
    "betti_0_error",
    "betti_1_error",
)
"""`connectivity` and `density_error` are always 0; soft-seg has no specificity, and 0 in its place."""


def sample_row(name: str, values: Values) -> str:
    """One image. `values`: of `soft_seg`, or of `sofl_seg_sample`."""
    return ",".join([name, *(str(values.get(column, 0.0)) for column in SAMPLE_COLUMNS[1:])])


def plain_average_row(rows: Sequence[Values]) -> str:
    """The last row of soft-seg: plain means, in which a NaN spreads."""
    means = (float(np.mean([row.get(column, 0.0) for row in rows])) for column in SAMPLE_COLUMNS[1:])
    return ",".join(["AVERAGE", *map(str, means)])


def spread_average_row(rows: Sequence[Values]) -> str:
    """The last row of sofl-seg: mean ± population standard deviation."""
    columns = ([row.get(column, 0.0) for row in rows] for column in SAMPLE_COLUMNS[1:])
    return ",".join(["AVERAGE±STD", *(f"{np.mean(column):.6f}±{np.std(column):.6f}" for column in columns)])


def mean_over_images(rows: Sequence[Values]) -> Values:
    """What Lightning reports at the end of a test: float32 sums, in the order of the images, over their number."""
    return {name: _running_mean([row[name] for row in rows]) for name in rows[0]}


def table_row(model: str, dataset: str, means: Mapping[str, float], experiment: str) -> str:
    """One model. The measures in the order in which Lightning returned them, NaN as an empty field."""
    fields = ("" if np.isnan(mean) else f"{mean:.6f}" for mean in means.values())
    return ",".join([model, dataset, *fields, experiment])


def table_header(means: Mapping[str, float]) -> str:
    return ",".join(["Model", "Dataset", *means, "Experiment_ID"])


def _running_mean(values: Sequence[float]) -> float:
    total = np.float32(0)
    for value in values:
        total = np.float32(total + np.float32(value))
    return float(total / np.float32(len(values)))
