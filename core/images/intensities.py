"""Intensities: the producers' normalisation, and what a person should know about odd values."""

from __future__ import annotations

import numpy as np

from core.images.raster import warning
from core.records import Array, Finding


def normalise(image: Array) -> Array:
    """(v - min) / (max - min) * 2 - 1 over the whole image, float32: what the producers' loaders feed the network.

    Same operations in the same order as MONAI's ScaleIntensity(minv=-1, maxv=1), so equal to the last bit. A constant
    image has no range: the result is -v (spec flow-models 11), out of [-1, 1]; `read_image` warns of such an image. One
    NaN makes everything NaN. Source: the producers' data modules, spec evaluation 2.2 step 5.
    """
    values = np.asarray(image, dtype=np.float32)
    low, high = values.min(), values.max()
    if low == high:
        return np.asarray(values * np.float32(-1))
    return np.asarray((values - low) / (high - low) * np.float32(2) + np.float32(-1))


def label_range(values: Array) -> Array:
    """Min-max to [0, 1], float32; a constant array becomes 0 everywhere (spec evaluation 2.2 step 6)."""
    values = np.asarray(values, dtype=np.float32)
    low, high = values.min(), values.max()
    if low == high:
        return np.asarray(values * np.float32(0))
    return np.asarray((values - low) / (high - low))


def value_findings(voxels: Array, name: str) -> tuple[Finding, ...]:
    """Warnings about values that no window or network can use: NaN, infinity, no contrast.

    Looked at slice by slice: of a large volume, no second one is made in memory.
    """
    bad = sum(plane.size - int(np.count_nonzero(np.isfinite(plane))) for plane in voxels) if _may_be_bad(voxels) else 0
    if bad == voxels.size:
        return (
            warning(
                "image.no-valid-values",
                f"{name} has no valid values: every pixel is NaN or infinite.",
                "Export the image again; a prediction on it means nothing.",
            ),
        )
    if bad:
        return (
            warning(
                "image.non-finite",
                f"{name} has {bad:,} values that are NaN or infinite.",
                "Replace them before running a checkpoint: one NaN spreads over the whole prediction.",
            ),
        )
    first = voxels.flat[0]
    if not any((plane != first).any() for plane in voxels):
        return (
            warning(
                "image.constant",
                f"{name} is constant: every pixel is {first:g}.",
                "The producers' normalisation is undefined here (it gives minus the value); check the file.",
            ),
        )
    return ()


def _may_be_bad(voxels: Array) -> bool:
    return voxels.dtype.kind == "f"
