"""One run of a diffusion checkpoint on one slice: the whole sampler per batch of windows (diffusion spec 2, 5)."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from core.networks.diffusion.network import Denoiser
from core.sampling.diffusion import sample_bernoulli, sample_cold, sample_gaussian
from core.sampling.draws import Draws
from core.sampling.point import Point
from core.segmenters.run import Run, source_of


class DiffusionRun(Run):
    """Noise to mask along all steps of the schedule; results in [0, 1] are merged."""

    @property
    def state_range(self) -> tuple[float, float]:
        return (0.0, 1.0) if self.report.sampler == "bernoulli" else (-1.0, 1.0)

    def sampler(self, image: Tensor, numbers: range, draws: Draws) -> Iterator[Point]:
        assert isinstance(self.network, Denoiser), "the report said so"
        tables, network = self.network.diffusion_model.tables, self.call(image)
        if self.report.sampler == "cold":
            return sample_cold(network, image, tables)
        sample = sample_bernoulli if self.report.sampler == "bernoulli" else sample_gaussian
        return sample(network, tuple(image.shape), source_of(draws, numbers), self.device, tables)
