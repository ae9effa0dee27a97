"""A network with one batch of windows and its condition bound: what a sampler calls with (state, t)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.networks.film import AS_TRAINED, FilmControl
from core.records import CheckpointReport, JunctionGateReport
from core.segmenters.junction import junction_gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Callable as `Field`. `tick` is called before every network call and may raise `Cancelled`.

    `condition` (B, cond_dim) or None = FiLM off; `gate` settings or None = no junction gate.
    """

    network: nn.Module
    report: CheckpointReport
    image: Tensor
    tick: Callable[[], None]
    condition: Tensor | None = None
    control: FilmControl = AS_TRAINED
    gate: JunctionGateReport | None = None

    def __call__(self, state: Tensor, t: Tensor) -> Tensor:
        return self._select(self._activate(self._output(state, t)))

    def _output(self, state: Tensor, t: Tensor) -> Tensor:
        if self.condition is None:
            return self._call(state, t)
        out = self._call(state, t, condition=self.condition, control=self.control)
        if self.gate is None:
            return out
        gate = junction_gate(out, self.gate)
        return self._call(state, t, condition=self.condition, control=self.control, gate=gate)

    def _call(self, state: Tensor, t: Tensor, **film: object) -> Tensor:
        self.tick()
        out: Tensor = self.network(state, t, self.image, **film)
        return out

    def _activate(self, out: Tensor) -> Tensor:
        """soft-seg's velocity activation, on the whole output, before a channel is chosen (spec 9.1)."""
        if self.report.v_activation == "tanh":
            return torch.tanh(out)
        if self.report.v_activation == "clamp":
            bound = self.report.v_clamp_value or 1.0
            return out.clamp(-bound, bound)
        return out

    def _select(self, out: Tensor) -> Tensor:
        """Where the network has more outputs than the state has channels, one of them drives it."""
        if out.shape[1] == (self.report.state_channels or 1):
            return out
        used = self.report.used_output_channel or 0
        return out[:, used : used + 1]
