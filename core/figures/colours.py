"""Colours of figures: greys through a window, a map for values, and a mask laid over a picture."""

from __future__ import annotations

from functools import cache

import numpy as np

from core.records import Array

_VIRIDIS = (
    (0.2777273272234177, 0.005407344544966578, 0.3340998053353061),
    (0.1050930431085774, 1.404613529898575, 1.384590162594685),
    (-0.3308618287255563, 0.214847559468213, 0.09509516302823659),
    (-4.634230498983486, -5.799100973351585, -19.33244095627987),
    (6.228269936347081, 14.17993336680509, 56.69055260068105),
    (4.776384997670288, -13.74514537774601, -65.35303263337234),
    (-5.435455855934631, 4.645852612178535, 26.3124352495832),
)
"""Coefficients of t^0 .. t^6 for red, green, blue: a fit of the map of van der Walt and Smith (M. Zucker, Shadertoy
WlfXRN, CC0), within 4 of 255 of the table."""


def rgb(colour: str) -> tuple[int, int, int]:
    """`#rrggbb` as three numbers of 0 to 255."""
    value = int(colour.removeprefix("#"), 16)
    return value >> 16, value >> 8 & 255, value & 255


@cache
def grey() -> Array:
    """(256, 3) uint8, black to white."""
    return np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


@cache
def viridis() -> Array:
    """(256, 3) uint8, even in lightness and safe for the colour-blind."""
    t = np.linspace(0, 1, 256)
    powers = np.stack([t**power for power in range(len(_VIRIDIS))])
    return np.asarray(np.rint(255 * np.clip(powers.T @ np.array(_VIRIDIS), 0, 1)), dtype=np.uint8)


def levels(values: Array, low: float, high: float) -> Array:
    """uint8: 0 at `low` and below, 255 at `high` and above; what is not a number is 0."""
    scaled = (np.asarray(values, dtype=np.float64) - low) * (255 / max(high - low, 1e-12))
    return np.rint(np.nan_to_num(np.clip(scaled, 0, 255), nan=0.0)).astype(np.uint8)


def blend(picture: Array, mask: Array, colour: tuple[int, int, int], opacity: float) -> None:
    """Lay `colour` over `picture` (rows, columns, 3) uint8 where `mask` holds, in place."""
    under = picture[mask].astype(np.float64)
    picture[mask] = np.rint(under * (1 - opacity) + np.array(colour) * opacity).astype(np.uint8)


def border(mask: Array, width: int) -> Array:
    """The pixels of `mask` within `width` of its edge; the edge of the picture is none."""
    inner = np.pad(mask, width, mode="edge")
    for axis in (0, 1):
        inner = np.minimum.reduce([np.roll(inner, by, axis=axis) for by in range(-width, width + 1)])
    cut: Array = inner[width:-width, width:-width]
    return mask & ~cut
