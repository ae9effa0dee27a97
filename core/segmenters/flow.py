"""One run of a flow checkpoint on one slice: noise, solver, FiLM, junction gate (flow spec 6 to 10)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from core.inference.windows import WindowPlan
from core.networks.film import FilmControl
from core.sampling.continuous import FIXED, sample_continuous, sample_fixed
from core.sampling.discrete import bernoulli, draw_count, sample_discrete
from core.sampling.draws import Draws, as_tensor
from core.sampling.point import Point
from core.segmenters.binding import Binding
from core.segmenters.run import Run, source_of


class FlowRun(Run):
    """A flow: noise to mask along an ODE, or a Bernoulli state whose probability follows one."""

    @property
    def joins_slices(self) -> bool:
        """The step size of dopri5 follows the error of the whole batch: its windows are those of the producer."""
        return self.report.mode == "dfm_binary" and super().joins_slices

    def samplers(self, windows: WindowPlan, padded: Tensor, draws: Draws) -> list[Iterator[Point]]:
        noise = self._image_noise(windows, draws)
        noises = [None if noise is None else windows.cut(noise, numbers) for numbers in windows.batches]
        return [
            self.sampler(windows.cut(padded, numbers), numbers, draws, start)
            for numbers, start in zip(windows.batches, noises, strict=True)
        ]

    def _image_noise(self, windows: WindowPlan, draws: Draws) -> Tensor | None:
        """sofl-seg's cfm draws one noise image and cuts windows out of it; the others draw per window batch."""
        if self.report.producer != "sofl-seg" or self.report.mode != "cfm_continuous":
            return None
        shape = (1, self.report.state_channels or 1, *windows.size)
        return windows.pad(as_tensor(draws.normal(shape), shape, self.device))

    def sampler(self, image: Tensor, numbers: range, draws: Draws, noise: Tensor | None = None) -> Iterator[Point]:
        source = source_of(draws, numbers)
        binding = self._bind(image, numbers, source)
        shape = (len(image), self.report.state_channels or 1, *image.shape[-2:])
        if self.report.mode == "dfm_binary":
            yield from self._discrete(binding, shape, source)
            return
        start = as_tensor(source.normal(shape), shape, self.device) if noise is None else noise
        if self.plan.solver in FIXED:
            yield from sample_fixed(binding, start, self.plan.steps, self.plan.solver)
        else:
            yield from sample_continuous(binding, start, self.plan.steps)

    def _discrete(self, binding: Binding, shape: tuple[int, ...], source: Draws) -> Iterator[Point]:
        eps = self.report.dfm_eps if self.report.dfm_eps is not None else 1e-6
        heun = self.plan.solver == "heun"
        return sample_discrete(binding, shape, source, self.device, steps=self.plan.steps, eps=eps, heun=heun)

    def _bind(self, image: Tensor, numbers: range, source: Draws) -> Binding:
        bare = Binding(network=self.network, report=self.report, image=image, tick=self.tick)
        if self.conditions is None:
            return bare
        film = self.settings.film
        self._consume_mask_draws(bare, source)
        condition = self.conditions.for_batch(image, numbers, lambda: self._preliminary_mask(bare, source))
        return Binding(
            network=self.network,
            report=self.report,
            image=image,
            tick=self.tick,
            condition=condition,
            control=FilmControl(strength=film.strength, stages=film.stages),
            gate=self.report.junction_gate if self.plan.gated else None,
        )

    def _preliminary_mask(self, bare: Binding, source: Draws) -> Tensor:
        """A whole FiLM-off sampling of the same windows, which is drawn into what the language model sees."""
        assert self.report.film is not None
        shape = (len(bare.image), 1, *bare.image.shape[-2:])
        *_, last = self._discrete(bare, shape, source)
        return (last.estimate > self.report.film.pred_threshold).to(torch.float32)

    def _consume_mask_draws(self, bare: Binding, source: Draws) -> None:
        """Where the condition is known the FiLM-off pass is not needed, but its draws come first all the same."""
        if self.conditions is None or not self.conditions.draws_mask or self.conditions.needs_mask:
            return
        shape = (len(bare.image), 1, *bare.image.shape[-2:])
        for _ in range(draw_count(self.plan.steps, self.plan.solver == "heun")):
            bernoulli(torch.full(shape, 0.5, device=self.device), source)
