"""Window and level: which intensities are drawn black and white, and the presets that suit one image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.canvas.scene import in_colour
from core.records import Array, Image

_SAMPLE = 500_000
"""Presets look at about this many voxels: enough for a percentile, and quick enough for the GUI thread."""
_DRAG_PX = 400.0
"""Dragging this many screen pixels moves the window by the whole range of the image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPreset:
    """A named window; `low` is drawn black, `high` white."""

    name: str
    low: float
    high: float


def presets(image: Image) -> tuple[WindowPreset, ...]:
    """The windows on offer for `image`, in its own intensities; the first is the one to start with.

    A picture that is drawn in its colours (0..255) starts with just these, whatever numbers a network gets of it.
    """
    drawn = image.colour if in_colour(image) and image.colour is not None else image.voxels
    values = sample(drawn)
    if values.size == 0:
        return (WindowPreset(name="Full range", low=0.0, high=1.0),)
    low, high = (0.0, 255.0) if in_colour(image) else (float(values.min()), float(values.max()))
    quantiles = np.percentile(values, (1, 99, 5, 95, 50))
    offers = [("Full range", low, high), ("1\N{EN DASH}99 %", *quantiles[:2]), ("5\N{EN DASH}95 %", *quantiles[2:4])]
    offers += [("Dark half", low, quantiles[4]), ("Bright half", quantiles[4], high)]
    return tuple(WindowPreset(name=name, low=float(a), high=float(max(b, a + 1e-6))) for name, a, b in offers)


def sample(voxels: Array) -> Array:
    """At most about `_SAMPLE` finite voxels, taken evenly; the whole of a small image, so its extremes are exact."""
    if voxels.flags.c_contiguous:
        taken = voxels.reshape(-1)[:: max(1, voxels.size // _SAMPLE)]
    else:  # reshaping would copy all of it
        step = max(1, round((voxels.size / _SAMPLE) ** (1 / voxels.ndim)))
        taken = voxels[(slice(None, None, step),) * voxels.ndim].reshape(-1)
    return taken[np.isfinite(taken)]


def dragged(low: float, high: float, full: float, dx: float, dy: float) -> tuple[float, float]:
    """The window after a right drag: to the right widens, upwards brightens. `full`: the range of the image."""
    unit = full / _DRAG_PX
    width = max(high - low + dx * unit, full / 1000, 1e-6)
    level = (low + high) / 2 + dy * unit
    return level - width / 2, level + width / 2
