"""From points of window batches to steps of the whole image, merged in the producer's range (spec section 10)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from core.inference.windows import Canvas, WindowPlan
from core.records import Array, CheckpointReport, RunSettings
from core.sampling.point import Point

MOST_KEPT = 64
"""Steps kept of a long run unless all are asked for: a thousand steps of a 512 x 512 image would be three gigabytes."""
KEPT_BYTES = 1 << 30
"""What the kept steps of a run may take unless all are asked for; of a large volume only the result is kept."""
STEP_BYTES = 12
"""Of a voxel in a step: state, estimate and probability in float32."""


class Merging(Protocol):
    """What of a point is merged over windows, and how a merged estimate becomes the score that is cut.

    `channels`: of what is merged. `low`, `high`: the score's range.
    """

    @property
    def channels(self) -> int: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...

    def shown(self, state: Tensor) -> Tensor:
        """The channel of the state to show: (n, K, h, w) -> (n, 1, h, w)."""

    def to_merge(self, estimate: Tensor) -> Tensor:
        """(n, K, h, w) -> (n, channels, h, w)."""

    def from_merge(self, merged: Tensor) -> Tensor:
        """(1, channels, H, W) -> score (1, 1, H, W)."""

    def probability(self, score: Tensor) -> Tensor:
        """Score -> [0, 1], of any shape."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """Flows and diffusion: one channel becomes the mask. `clips`: sofl-seg merges probabilities, soft-seg raw
    states."""

    low: float
    high: float
    clips: bool
    channel: int
    channels: int = 1

    @staticmethod
    def of(report: CheckpointReport, settings: RunSettings) -> Ranges:
        low, high = settings.value_range or report.value_range or (0.0, 1.0)
        several = (report.state_channels or 1) > 1
        channel = (report.used_output_channel or 0) if several else 0
        clips = report.producer == "sofl-seg" and report.family == "flow"
        return Ranges(low, high, clips, channel)

    def shown(self, state: Tensor) -> Tensor:
        return state[:, self.channel : self.channel + 1]

    def to_merge(self, estimate: Tensor) -> Tensor:
        x = self.shown(estimate)
        return ((x - self.low) / (self.high - self.low)).clamp(0, 1) if self.clips else x

    def from_merge(self, merged: Tensor) -> Tensor:
        return merged * (self.high - self.low) + self.low if self.clips else merged

    def probability(self, score: Tensor) -> Tensor:
        return ((score - self.low) / (self.high - self.low)).clamp(0, 1)


@dataclass(frozen=True, slots=True)
class TwoClasses:
    """Supervised networks: the logits of background and foreground are merged, the softmax is taken afterwards."""

    channels: int = 2
    low: float = 0.0
    high: float = 1.0

    def shown(self, state: Tensor) -> Tensor:
        return state[:, 1:2] - state[:, 0:1]

    def to_merge(self, estimate: Tensor) -> Tensor:
        return estimate

    def from_merge(self, merged: Tensor) -> Tensor:
        margin = self.shown(merged)
        p = torch.sigmoid(margin)
        # The mask is argmax, ties to background. A margin too small for p to show would be lost at the cut of 0.5.
        return torch.where((margin > 0) & (p <= 0.5), _JUST_ABOVE_HALF, p)

    def probability(self, score: Tensor) -> Tensor:
        return score


_JUST_ABOVE_HALF = float(np.nextafter(np.float32(0.5), np.float32(1)))


@dataclass(slots=True)
class MergedStep:
    """One grid point of a whole slice: `state` and `estimate` (the score) (1, 1, H, W); the rest as in `Point`."""

    index: int
    t: float
    state: Tensor
    estimate: Tensor
    timestep: int | None = None
    noise_level: float | None = None


class StepMerger:
    """Collects the points of all window batches; a step is finished when every batch has delivered it."""

    def __init__(self, plan: WindowPlan, merging: Merging, device: torch.device) -> None:
        self._plan, self._merging, self._device = plan, merging, device
        self._open: dict[int, tuple[Canvas, Canvas, int]] = {}

    def add(self, point: Point, numbers: range) -> MergedStep | None:
        """Lay down one batch of a grid point; returns the step when it was the last batch."""
        state, estimate, seen = self._open.pop(point.index) if point.index in self._open else self._new()
        state.add(self._merging.shown(point.state), numbers)
        estimate.add(self._merging.to_merge(point.estimate), numbers)
        seen += 1
        if seen < len(self._plan.batches):
            self._open[point.index] = (state, estimate, seen)
            return None
        score = self._merging.from_merge(estimate.merged)
        return MergedStep(point.index, point.t, state.merged, score, point.timestep, point.noise_level)

    def _new(self) -> tuple[Canvas, Canvas, int]:
        return Canvas(self._plan, 1, self._device), Canvas(self._plan, self._merging.channels, self._device), 0


def kept_indices(settings: RunSettings, steps: int, voxels: int = 1) -> frozenset[int]:
    """Grid points to keep of an image with so many voxels; the last one always is.

    t maps to round(t * (steps - 1)), half to even (spec section 11).
    """
    last = steps - 1
    most = max(1, min(MOST_KEPT, KEPT_BYTES // (STEP_BYTES * voxels)))
    if settings.keep == "all" or (settings.keep == "auto" and steps <= most):
        return frozenset(range(steps))
    if settings.keep == "auto":
        return frozenset({last, *(round(k * last / (most - 1)) for k in range(most) if most > 1)})
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
