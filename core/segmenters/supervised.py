"""One run of a supervised checkpoint on one slice: one network call per batch of windows (diffusion spec 2)."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from core.sampling.draws import Draws
from core.sampling.point import Point
from core.segmenters.merging import TwoClasses
from core.segmenters.run import Run


class SupervisedRun(Run):
    """No noise and no steps: the logits are merged, and the larger one wins."""

    def __post_init__(self) -> None:
        self.merging = TwoClasses()

    @property
    def state_range(self) -> tuple[float, float]:
        return -10.0, 10.0  # logits beyond are as good as certain

    def sampler(self, image: Tensor, numbers: range, draws: Draws) -> Iterator[Point]:
        self.tick()
        logits = self.network(None, None, image)
        yield Point(0, 1.0, logits, logits)
