"""The junction gate: FiLM is switched off around branch points of the network's own prediction (spec section 8)."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from skimage.morphology import skeletonize
from torch import Tensor

from core.records import Array, JunctionGateReport

CROSS = ndimage.generate_binary_structure(2, 1)
EIGHT = np.ones((3, 3), dtype=np.int64)


def junction_gate(output: Tensor, settings: JunctionGateReport) -> Tensor:
    """Network output (B, C, H, W) -> gate (B, 1, H, W) float32: 1 outside junctions, `gate_value` inside.

    The sigmoid is taken of channel 0 whatever it means (in cfm it is a velocity): so did the producer.
    """
    masks = (torch.sigmoid(output[:, 0]) > settings.threshold).cpu().numpy()
    gates = np.stack([_gate(mask, settings) for mask in masks])[:, None]  # (B, 1, H, W)
    return torch.from_numpy(gates).to(output.device)


def _gate(mask: Array, settings: JunctionGateReport) -> Array:
    inside = _near_junctions(mask, settings)
    return np.where(inside, np.float32(settings.gate_value), np.float32(1))


def _near_junctions(mask: Array, settings: JunctionGateReport) -> Array:
    if not mask.any():
        return np.zeros_like(mask)
    skeleton: Array = skeletonize(mask)  # type: ignore[no-untyped-call]
    neighbours = ndimage.convolve(skeleton.astype(np.int64), EIGHT, mode="constant") - skeleton
    seeds = skeleton & (neighbours >= settings.degree_threshold)
    if not seeds.any() or settings.radius_px < 1:  # scipy reads "0 iterations" as "until nothing changes"
        return np.asarray(seeds)
    grown: Array = ndimage.binary_dilation(seeds, CROSS, iterations=settings.radius_px)
    return grown
