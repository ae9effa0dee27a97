"""Where random numbers come from. A source draws in the producer's order, or replays what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor


class Draws(Protocol):
    """`normal(shape)`: standard normal; `uniform(shape)`: in [0, 1). A Bernoulli draw with p is `uniform(shape) < p`.

    Either may return a numpy array or a tensor of exactly that shape.
    """

    def normal(self, shape: tuple[int, ...]) -> Any: ...
    def uniform(self, shape: tuple[int, ...]) -> Any: ...


class SeededDraws:
    """Draws from one seed, on the CPU whatever device runs the network, so that devices see the same numbers."""

    def __init__(self, *seed: int) -> None:
        self._seed = seed
        state = np.random.SeedSequence([abs(part) for part in seed]).generate_state(2, np.uint32)
        # manual_seed takes one 64-bit number; the mask keeps it positive.
        self._generator = torch.Generator().manual_seed(int(state[0]) | (int(state[1]) & 0x7FFFFFFF) << 32)

    def normal(self, shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, generator=self._generator)

    def uniform(self, shape: tuple[int, ...]) -> Tensor:
        return torch.rand(shape, generator=self._generator)

    def child(self, *key: int) -> SeededDraws:
        """An independent source; the same key gives the same source, whatever was drawn before."""
        return SeededDraws(*self._seed, *key)


class StackDraws(SeededDraws):
    """Draws of several slices that are run together: each window has the source that it would have in its slice alone.

    `slices`: the sources of the slices; windows are numbered slice after slice, `windows` to each.
    """

    def __init__(self, slices: Sequence[SeededDraws], windows: int) -> None:
        self._slices, self._windows = slices, windows

    def normal(self, shape: tuple[int, ...]) -> Tensor:
        raise NotImplementedError("only windows draw here: what draws a whole slice at once is run slice by slice")

    uniform = normal

    def child(self, *key: int) -> SeededDraws:
        number, window = divmod(key[0], self._windows)
        return self._slices[number].child(window, *key[1:])


class WindowDraws:
    """One independent source per row of a batch, so that batch size and order of work do not change a result."""

    def __init__(self, sources: Sequence[SeededDraws]) -> None:
        self._sources = sources

    def normal(self, shape: tuple[int, ...]) -> Tensor:
        return torch.cat([source.normal((1, *shape[1:])) for source in self._sources])

    def uniform(self, shape: tuple[int, ...]) -> Tensor:
        return torch.cat([source.uniform((1, *shape[1:])) for source in self._sources])


def as_tensor(draw: Any, shape: tuple[int, ...], device: torch.device) -> Tensor:
    """A draw as float32 on `device`; ValueError when a recorded draw has another shape than the one asked for."""
    tensor = draw.detach() if isinstance(draw, Tensor) else torch.from_numpy(np.array(draw))  # copied: may be read-only
    if tuple(tensor.shape) != tuple(shape):
        raise ValueError(f"the source of draws returned shape {list(tensor.shape)} where {list(shape)} was asked for")
    return tensor.to(device=device, dtype=torch.float32)
