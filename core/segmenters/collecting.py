"""The kept steps of a slice, averaged over samples as they arrive, and the slices of an image stacked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from core.records import Array, Member, Step, frozen_array
from core.segmenters.merging import MergedStep, Merging, to_numpy


@dataclass(frozen=True, slots=True, eq=False)
class SliceResult:
    """Kept steps in order, the last one is the result; `spread` (slices, rows, columns), None for one sample.

    `members`: score and probability (slices, rows, columns) of each sample, if they are kept.
    """

    spread: Array | None
    steps: tuple[Step, ...]
    members: tuple[tuple[Array, Array], ...] = ()


class SampleMean:
    """Estimates are means over samples (spec 9.3); the state shown is that of the first sample, since a mean of random
    states is nobody's state."""

    def __init__(self, merging: Merging, slices: int = 1, *, keep_members: bool = False) -> None:
        self._merging, self._slices, self._keep_members = merging, slices, keep_members
        self._first: dict[int, tuple[MergedStep, int]] = {}
        self._estimates: dict[int, list[Tensor]] = {}
        self._last = 0

    def add(self, step: MergedStep, calls: int, *, last: bool) -> None:
        """Take a finished step of one sample; `last` marks the result."""
        self._first.setdefault(step.index, (step, calls))
        kept = self._estimates.setdefault(step.index, [])
        if last:
            self._last = step.index
        if kept and not last:
            kept[0] = kept[0] + step.estimate  # a running sum: only results are kept one by one, for the spread
        else:
            kept.append(step.estimate)

    def result(self) -> SliceResult:
        finals = torch.stack(self._estimates[self._last])
        samples = len(finals)
        score = finals.mean(dim=0)
        spread = self._merging.probability(finals).std(dim=0, correction=0) if samples > 1 else None
        means = {index: sums[0] / samples for index, sums in sorted(self._estimates.items())} | {self._last: score}
        steps = tuple(self._step(index, mean) for index, mean in means.items())
        members = tuple(map(self._member, finals)) if self._keep_members else ()
        return SliceResult(None if spread is None else planes_of(spread, self._slices), steps, members)

    def _member(self, final: Tensor) -> tuple[Array, Array]:
        return planes_of(final, self._slices), planes_of(self._merging.probability(final), self._slices)

    def _step(self, index: int, estimate: Tensor) -> Step:
        step, calls = self._first[index]
        return to_step(step, estimate, self._merging, calls, self._slices)


def planes_of(image: Tensor, slices: int) -> Array:
    """(1, 1, slices * H, W) as the network saw it -> (slices, rows, columns) as a person sees it."""
    stacked = to_numpy(image)  # (rows, slices * columns)
    return np.ascontiguousarray(np.moveaxis(stacked.reshape(stacked.shape[0], slices, -1), 1, 0))


def to_step(step: MergedStep, estimate: Tensor, merging: Merging, calls: int, slices: int = 1) -> Step:
    """A merged step as the record that leaves torch: (slices, rows, columns) arrays as a person sees them."""
    return Step(
        index=step.index,
        t=step.t,
        state=frozen_array(planes_of(step.state, slices)),
        estimate=frozen_array(planes_of(estimate, slices)),
        probability=frozen_array(planes_of(merging.probability(estimate), slices)),
        calls=calls,
        timestep=step.timestep,
        noise_level=step.noise_level,
    )


def stack_steps(slices: Sequence[Sequence[Step]]) -> tuple[Step, ...]:
    """Steps of every slice -> steps of the volume; all slices have the same grid points."""
    return tuple(_stack(steps) for steps in zip(*slices, strict=True))


def _stack(steps: Sequence[Step]) -> Step:
    if len(steps) == 1:
        return steps[0]
    state, estimate, probability = (
        frozen_array(np.concatenate([getattr(step, name) for step in steps]))
        for name in ("state", "estimate", "probability")
    )
    calls = sum(step.calls for step in steps)
    return replace(steps[0], state=state, estimate=estimate, probability=probability, calls=calls)


def stack_members(slices: Sequence[SliceResult], along: int, first: int, seed: int | None) -> tuple[Member, ...]:
    """The samples of every slice -> samples of the volume, planes back along array axis `along`."""
    return tuple(
        Member(
            sample=first + number,
            seed=seed,
            score=_volume([score for score, _ in planes], along),
            probability=_volume([probability for _, probability in planes], along),
        )
        for number, planes in enumerate(zip(*(item.members for item in slices), strict=True))
    )


def _volume(planes: Sequence[Array], along: int) -> Array:
    return frozen_array(np.moveaxis(np.concatenate(planes), 0, along))


def turned(step: Step, along: int) -> Step:
    """Planes that were run along array axis `along`, back where they were in the image."""
    if along == 0:
        return step
    state, estimate, probability = (
        frozen_array(np.moveaxis(array, 0, along)) for array in (step.state, step.estimate, step.probability)
    )
    return replace(step, state=state, estimate=estimate, probability=probability)
