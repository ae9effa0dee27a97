"""The producers' sliding window (MONAI SlidingWindowInferer, gaussian, overlap 0.25), as data (spec section 10).

MONAI's own inferer runs one window batch to its end before the next begins; we need to merge every step of the
trajectory and to advance windows together, so the plan and the weights are ours. A test compares both with MONAI's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

OVERLAP = 0.25
BATCH = 4
SIGMA = 0.125
SMALLEST_WEIGHT = 1e-3


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """Where windows lie on an image of `size` (H, W) padded to `padded` with `before` (top, left) zeros.

    `origins`: (row, column) of each window in the padded image; `roi`: (rows, columns) of a window.
    `weighted`: windows are merged with gaussian weights.
    """

    size: tuple[int, int]
    padded: tuple[int, int]
    before: tuple[int, int]
    roi: tuple[int, int]
    origins: tuple[tuple[int, int], ...]
    weighted: bool = True
    batch: int = BATCH

    @property
    def batches(self) -> tuple[range, ...]:
        """Window numbers of each batch, in the producer's order."""
        count = len(self.origins)
        return tuple(range(start, min(start + self.batch, count)) for start in range(0, count, self.batch))

    def pad(self, image: Tensor) -> Tensor:
        """(..., H, W) padded with zeros to the plan's size."""
        top, left = self.before
        bottom, right = self.padded[0] - self.size[0] - top, self.padded[1] - self.size[1] - left
        return F.pad(image, (left, right, top, bottom))

    def cut(self, image: Tensor, numbers: range) -> Tensor:
        """Windows of a padded image (1, C, H, W) as a batch (n, C, h, w)."""
        rows, columns = self.roi
        parts = [image[:, :, r : r + rows, c : c + columns] for r, c in (self.origins[n] for n in numbers)]
        return torch.cat(parts)

    def crop(self, image: Tensor) -> Tensor:
        """Undo `pad`: (..., padded H, padded W) -> (..., H, W)."""
        top, left = self.before
        return image[..., top : top + self.size[0], left : left + self.size[1]]


def plan_windows(size: tuple[int, int], side: int) -> WindowPlan:
    """Square windows of `side` over an image (H, W), overlapping by a quarter; the last one ends at the border."""
    padded = (max(size[0], side), max(size[1], side))
    before = ((padded[0] - size[0]) // 2, (padded[1] - size[1]) // 2)
    origins = tuple((r, c) for r in _starts(padded[0], side) for c in _starts(padded[1], side))
    return WindowPlan(size, padded, before, (side, side), origins)


def plan_whole(size: tuple[int, int]) -> WindowPlan:
    """The whole image as its only window."""
    return WindowPlan(size, size, (0, 0), size, ((0, 0),), weighted=False)


def _starts(length: int, side: int) -> list[int]:
    interval = side if length == side else int(side * (1 - OVERLAP))
    count = next(n for n in range(1, length + 2) if (n - 1) * interval + side >= length)
    return [min(n * interval, length - side) for n in range(count)]


def gaussian_weights(roi: tuple[int, int], device: torch.device) -> Tensor:
    """(h, w) float32: product of centred gaussians with sigma = side / 8, clipped below."""
    rows, columns = (_gaussian(side, device) for side in roi)
    weights = rows[:, None] * columns[None, :]
    return weights.clamp_min(max(float(weights.min()), SMALLEST_WEIGHT))


def _gaussian(side: int, device: torch.device) -> Tensor:
    x = torch.arange(side, dtype=torch.float32, device=device) - (side - 1) / 2
    return torch.exp(x**2 / (-2 * (SIGMA * side) ** 2))


class Canvas:
    """Accumulates weighted windows of C channels; `merged` is their mean on the unpadded image (1, C, H, W)."""

    def __init__(self, plan: WindowPlan, channels: int, device: torch.device) -> None:
        self._plan = plan
        self._sum = torch.zeros(1, channels, *plan.padded, device=device)
        self._weight = torch.zeros(1, 1, *plan.padded, device=device)
        self._weights = gaussian_weights(plan.roi, device) if plan.weighted else torch.ones(plan.roi, device=device)

    def add(self, windows: Tensor, numbers: range) -> None:
        """Lay windows (n, C, h, w) down at their places."""
        rows, columns = self._plan.roi
        for window, number in zip(windows, numbers, strict=True):
            r, c = self._plan.origins[number]
            self._sum[0, :, r : r + rows, c : c + columns] += window * self._weights
            self._weight[0, :, r : r + rows, c : c + columns] += self._weights

    @property
    def merged(self) -> Tensor:
        """Places that no window has reached yet are 0."""
        return self._plan.crop(self._sum / self._weight.clamp_min(torch.finfo(torch.float32).tiny))
