"""Several slices of a volume in one network call: each of them alone would leave most of a batch empty."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.inference.windows import WindowPlan


@dataclass(frozen=True, slots=True)
class StackPlan(WindowPlan):
    """`slices` images of one size under one another, (1, C, slices * H, W), each padded and cut like `one`.

    No window reaches from one slice into the next. Windows are numbered slice after slice.
    """

    slices: int = 1
    one: WindowPlan | None = None

    def pad(self, image: Tensor) -> Tensor:
        """(1, C, slices * H, W) with zeros around every slice."""
        assert self.one is not None
        one = self.one
        return torch.cat([one.pad(part) for part in torch.split(image, one.size[0], dim=-2)], dim=-2)

    def crop(self, image: Tensor) -> Tensor:
        """Undo `pad`."""
        assert self.one is not None
        one = self.one
        return torch.cat([one.crop(part) for part in torch.split(image, one.padded[0], dim=-2)], dim=-2)


def stack_of(one: WindowPlan, slices: int) -> StackPlan:
    """The plan for so many slices that are each cut like `one`."""
    height = one.padded[0]
    return StackPlan(
        size=(slices * one.size[0], one.size[1]),
        padded=(slices * height, one.padded[1]),
        before=one.before,
        roi=one.roi,
        origins=tuple((number * height + row, column) for number in range(slices) for row, column in one.origins),
        weighted=one.weighted,
        batch=one.batch,
        slices=slices,
        one=one,
    )


def slices_together(one: WindowPlan, device: torch.device) -> int:
    """How many slices share their network calls: as many as fill one batch, and on a CPU one.

    A CPU is busy with one window: four at once took it as long as one after another, and rounded differently, so that
    a slice was not bit for bit what it is alone.
    """
    return 1 if device.type == "cpu" else max(1, one.batch // len(one.origins))
