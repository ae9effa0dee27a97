"""One run of a checkpoint on one slice: windows, a sampler for each batch of them, and the merge (flow spec 10)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from core.inference.stacks import stack_of
from core.inference.windows import WindowPlan, plan_whole, plan_windows
from core.records import CheckpointReport, RunSettings
from core.sampling.draws import Draws, SeededDraws, WindowDraws
from core.sampling.point import Point
from core.segmenters.conditions import WindowConditions
from core.segmenters.merging import MergedStep, Merging, Ranges, StepMerger, in_order, in_rounds
from core.segmenters.protocol import Plan


@dataclass(slots=True, kw_only=True)
class Run(ABC):
    """Everything one run needs, apart from the image; what a family does differently is in its own class.

    `tick` is called before every network call and may raise `Cancelled`. `conditions` None = FiLM off.
    """

    network: nn.Module
    report: CheckpointReport
    settings: RunSettings
    plan: Plan
    device: torch.device
    tick: Callable[[], None]
    conditions: WindowConditions | None = None
    merging: Merging = field(init=False)

    def __post_init__(self) -> None:
        self.merging = Ranges.of(self.report, self.settings)

    @property
    def state_range(self) -> tuple[float, float]:
        """See `Prediction.state_range`."""
        return self.merging.low, self.merging.high

    @property
    def joins_slices(self) -> bool:
        """Whether slices may share network calls: what a window comes to does not depend on its neighbours in a batch,
        and no window is told anything that is kept by its number."""
        return self.conditions is None

    def windows(self, size: tuple[int, int]) -> WindowPlan:
        """The window plan for an image (H, W) in the network's axes."""
        assert self.report.image_size is not None
        return plan_windows(size, self.report.image_size) if self.report.sliding_window else plan_whole(size)

    def steps(self, image: Tensor, draws: Draws, slices: int = 1) -> Iterator[MergedStep]:
        """Run one sample on a normalised image (1, 1, H, W); steps come in order, the last one is the result.

        Several `slices` lie under one another, (1, 1, slices * H, W), and draw from `StackDraws`.
        """
        one = self.windows((image.shape[-2] // slices, image.shape[-1]))
        windows = one if slices == 1 else stack_of(one, slices)
        samplers = self.samplers(windows, windows.pad(image), draws)
        merger = StepMerger(windows, self.merging, self.device)
        rounds = in_rounds(samplers, self.plan.steps) if isinstance(draws, SeededDraws) else in_order(samplers)
        for number, point in rounds:
            step = merger.add(point, windows.batches[number])
            if step is not None:
                yield step

    def samplers(self, windows: WindowPlan, padded: Tensor, draws: Draws) -> list[Iterator[Point]]:
        """A generator for each batch of windows: nothing is drawn or computed before its first point is asked for."""
        return [self.sampler(windows.cut(padded, numbers), numbers, draws) for numbers in windows.batches]

    @abstractmethod
    def sampler(self, image: Tensor, numbers: range, draws: Draws) -> Iterator[Point]:
        """The points of one batch of windows `numbers`, image (n, 1, h, w)."""

    def call(self, image: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
        """The network with a batch of windows bound."""

        def network(state: Tensor, t: Tensor) -> Tensor:
            self.tick()
            out: Tensor = self.network(state, t, image)
            return out

        return network


def source_of(draws: Draws, numbers: range) -> Draws:
    """Seeded draws belong to a window, so that neither batch size nor order changes a result; recorded ones do not."""
    if isinstance(draws, SeededDraws):
        return WindowDraws([draws.child(number) for number in numbers])
    return draws
