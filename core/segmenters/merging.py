"""From points of window batches to steps of the whole image, merged in the producer's range (spec section 10)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral

import torch
from torch import Tensor

from core.inference.windows import Canvas, WindowPlan
from core.records import Array, CheckpointReport, RunSettings
from core.sampling.point import Point

MOST_KEPT = 64
"""Steps kept of a long run unless all are asked for: a thousand steps of a 512 x 512 image would be three gigabytes."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """How a result is mapped for merging, and back. `clips`: sofl-seg merges probabilities, soft-seg raw states."""

    low: float
    high: float
    clips: bool
    channel: int

    @staticmethod
    def of(report: CheckpointReport, settings: RunSettings) -> Ranges:
        low, high = settings.value_range or report.value_range or (0.0, 1.0)
        several = (report.state_channels or 1) > 1
        channel = (report.used_output_channel or 0) if several else 0
        return Ranges(low, high, clips=report.producer == "sofl-seg", channel=channel)

    def pick(self, windows: Tensor) -> Tensor:
        """The channel that becomes the mask: (n, K, h, w) -> (n, 1, h, w)."""
        return windows[:, self.channel : self.channel + 1]

    def to_merge(self, x: Tensor) -> Tensor:
        return ((x - self.low) / (self.high - self.low)).clamp(0, 1) if self.clips else x

    def from_merge(self, merged: Tensor) -> Tensor:
        return merged * (self.high - self.low) + self.low if self.clips else merged

    def probability(self, score: Tensor) -> Tensor:
        return ((score - self.low) / (self.high - self.low)).clamp(0, 1)


@dataclass(slots=True)
class MergedStep:
    """One grid point of a whole slice: `state` and `estimate` (1, 1, H, W) in the checkpoint's range."""

    index: int
    t: float
    state: Tensor
    estimate: Tensor


class StepMerger:
    """Collects the points of all window batches; a step is finished when every batch has delivered it."""

    def __init__(self, plan: WindowPlan, ranges: Ranges, device: torch.device) -> None:
        self._plan, self._ranges, self._device = plan, ranges, device
        self._open: dict[int, tuple[Canvas, Canvas, int]] = {}

    def add(self, point: Point, numbers: range) -> MergedStep | None:
        """Lay down one batch of a grid point; returns the step when it was the last batch."""
        state, estimate, seen = self._open.pop(point.index, (self._canvas(), self._canvas(), 0))
        state.add(self._ranges.pick(point.state), numbers)
        estimate.add(self._ranges.to_merge(self._ranges.pick(point.estimate)), numbers)
        seen += 1
        if seen < len(self._plan.batches):
            self._open[point.index] = (state, estimate, seen)
            return None
        return MergedStep(point.index, point.t, state.merged, self._ranges.from_merge(estimate.merged))

    def _canvas(self) -> Canvas:
        return Canvas(self._plan, 1, self._device)


def kept_indices(settings: RunSettings, steps: int) -> frozenset[int]:
    """Grid points to keep; the last one always is. t maps to round(t * (steps - 1)), half to even (spec section 11)."""
    last = steps - 1
    if settings.keep == "all" or (settings.keep == "auto" and steps <= MOST_KEPT):
        return frozenset(range(steps))
    if settings.keep == "auto":
        return frozenset(round(k * last / (MOST_KEPT - 1)) for k in range(MOST_KEPT))
    if settings.keep == "last":
        return frozenset((last,))
    wished = {_index(wish, last) for wish in settings.keep}
    return frozenset({index for index in wished if 0 <= index < steps} | {last})


def _index(wish: float | int | Integral, last: int) -> int:
    if isinstance(wish, (int, Integral)):  # Integral: numpy's integers are no `int`
        return int(wish)
    return round(min(max(float(wish), 0.0), 1.0) * last)


def in_rounds(samplers: Sequence[Iterator[Point]], steps: int) -> Iterator[tuple[int, Point]]:
    """Advance all window batches together, one grid point at a time: (batch number, point)."""
    for _ in range(steps):
        for number, sampler in enumerate(samplers):
            yield number, next(sampler)


def in_order(samplers: Sequence[Iterator[Point]]) -> Iterator[tuple[int, Point]]:
    """Run one window batch to its end before the next begins, as the producer does: recorded draws need this order."""
    for number, sampler in enumerate(samplers):
        for point in sampler:
            yield number, point


def to_numpy(image: Tensor) -> Array:
    """(1, 1, H, W) as the network saw it -> (rows, columns) float32 as a person sees it: axes swapped back."""
    return image[0, 0].T.contiguous().cpu().numpy().copy()
