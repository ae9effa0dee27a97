"""Masks and predictions drawn by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.records import Array, Prediction, RunSettings, Step


def drawn(*rows: str) -> Any:
    """A slice (1, rows, columns) from text: `#` is foreground."""
    return np.array([[mark == "#" for mark in row] for row in rows])[None]


def prediction(*estimates: Array, **changes: Any) -> Prediction:
    """A prediction whose steps have these estimates (slices, rows, columns) at t = 0 ... 1, cut at 0.5."""
    last = max(1, len(estimates) - 1)
    steps = tuple(
        Step(index=k, t=k / last, state=image, estimate=image, probability=np.clip(image, 0, 1), calls=2 * k + 1)
        for k, image in enumerate(np.asarray(estimate, np.float32) for estimate in estimates)
    )
    whole: dict[str, Any] = {
        "score": steps[-1].estimate,
        "probability": steps[-1].probability,
        "mask": steps[-1].estimate > 0.5,
        "threshold": 0.5,
        "value_range": (0.0, 1.0),
        "steps": steps,
        "settings": RunSettings(),
    }
    return Prediction(**(whole | changes))
