"""Window and level: which intensities are drawn black and white, and the presets that suit one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.canvas.scene import in_colour
from core.records import Array, Image

FULL_RANGE, OWN_WINDOW = "Full range", "The file's own"
_SAMPLE = 500_000
"""Presets look at about this many voxels: enough for a percentile, and quick enough for the GUI thread."""
_DRAG_PX = 400.0
"""Dragging this many screen pixels moves the window by the whole range of the image."""


_CT = (
    ("Brain", 40.0, 80.0),
    ("Lung", -600.0, 1500.0),
    ("Bone", 400.0, 1800.0),
    ("Soft tissue", 50.0, 400.0),
    ("Angiography", 300.0, 700.0),
)
"""Level and width in Hounsfield units, as they are usual in reading rooms."""
_CT_START = "Soft tissue"
_AIR, _PADDING, _BONE = (-1100.0, -900.0), (-3024.0, -2048.0, -2000.0), 300.0
"""Whole numbers whose lowest is air, or what scanners write outside their circle, and that reach up to bone, are taken
to be Hounsfield units where the file does not say: a matter of what is offered, not of any number that is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPreset:
    """A named window; `low` is drawn black, `high` white. `start`: the one that an image is first seen through."""

    name: str
    low: float
    high: float
    start: bool = False


def presets(image: Image) -> tuple[WindowPreset, ...]:
    """The windows on offer for `image`, in its own intensities; exactly one of them is the one to start with.

    Of a CT those of its organs come first; then the window that the file recommends, the full range, and others that
    follow from the values. A picture that is drawn in its colours (0..255) starts with just these, whatever numbers a
    network gets of it.
    """
    drawn = image.colour if in_colour(image) and image.colour is not None else image.voxels
    values = sample(drawn)
    if values.size == 0:
        return (WindowPreset(name=FULL_RANGE, low=0.0, high=1.0, start=True),)
    offers = _of_values(values, coloured=in_colour(image))
    if not in_colour(image):
        own = [] if image.window is None else [(OWN_WINDOW, *_ends(*image.window))]
        organs = [(f"{name} (HU)", *_ends(level, width)) for name, level, width in _CT]
        offers = [*organs, *own, *offers] if in_hounsfield_units(image, values) else [*own, *offers]
    names = [name for name, _, _ in offers]
    start = next(name for name in (OWN_WINDOW, f"{_CT_START} (HU)", FULL_RANGE) if name in names)
    return tuple(
        WindowPreset(name=name, low=float(low), high=float(max(high, low + 1e-6)), start=name == start)
        for name, low, high in offers
    )


def starting(offers: Sequence[WindowPreset]) -> WindowPreset:
    """The preset to start with."""
    return next((offer for offer in offers if offer.start), WindowPreset(name="", low=0.0, high=1.0))


def full_range(offers: Sequence[WindowPreset]) -> float:
    """From the lowest to the highest value of the image."""
    return next((offer.high - offer.low for offer in offers if offer.name == FULL_RANGE), 1.0)


def in_hounsfield_units(image: Image, values: Array) -> bool:
    """The file says so, or, where it says nothing (NIfTI), whole numbers reach from air to bone."""
    if image.unit or image.modality:
        return image.unit == "HU" or image.modality == "CT"
    lowest, highest = float(values.min()), float(values.max())
    empty = _AIR[0] <= lowest <= _AIR[1] or lowest in _PADDING
    return values.dtype.kind == "i" and empty and highest >= _BONE


def of_box(values: Array) -> tuple[float, float] | None:
    """The window that shows just the `values` of a box, from the lowest to the highest; None when it holds none."""
    known = values[np.isfinite(values)]
    if known.size == 0:
        return None
    low, high = float(known.min()), float(known.max())
    return low, max(high, low + max(abs(low) * 1e-6, 1e-6))


def _of_values(values: Array, *, coloured: bool) -> list[tuple[str, float, float]]:
    low, high = (0.0, 255.0) if coloured else (float(values.min()), float(values.max()))
    q1, q99, q5, q95, half = (float(value) for value in np.percentile(values, (1, 99, 5, 95, 50)))
    percentiles = [("1\N{EN DASH}99 %", q1, q99), ("5\N{EN DASH}95 %", q5, q95)]
    return [(FULL_RANGE, low, high), *percentiles, ("Dark half", low, half), ("Bright half", half, high)]


def _ends(level: float, width: float) -> tuple[float, float]:
    return level - width / 2, level + width / 2


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
