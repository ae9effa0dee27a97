"""The golden flow cases: files, recorded arrays, and a source of draws that replays what was recorded."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tests.shared_data import FIXTURES

Array = np.ndarray[Any, np.dtype[Any]]
FLOW = FIXTURES / "flow"


@dataclass(frozen=True)
class GoldenCase:
    folder: Path

    @property
    def checkpoint(self) -> Path:
        return self.folder / "case.ckpt"

    @cached_property
    def meta(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.folder / "meta.json").read_text())
        return loaded

    @cached_property
    def arrays(self) -> dict[str, Array]:
        with np.load(self.folder / "case.npz") as stored:
            return {name: stored[name] for name in stored.files}

    @property
    def expected(self) -> dict[str, Any]:
        expected: dict[str, Any] = self.meta["expected"]
        return expected

    @property
    def tolerances(self) -> dict[str, float]:
        tolerances: dict[str, float] = self.meta["tolerances"]
        return tolerances


def golden_cases() -> list[GoldenCase]:
    """Every flow case beside the project; none on a user's machine."""
    if not FLOW.is_dir():
        return []
    cases = (GoldenCase(folder) for folder in sorted(FLOW.iterdir()) if (folder / "meta.json").is_file())
    return list(cases)


class Replay:
    """Recorded draws in the producer's order; asking for another shape, or for more than was recorded, fails."""

    def __init__(self, normals: Iterable[Array] = (), uniforms: Iterable[Array] = ()) -> None:
        self.normals, self.uniforms = deque(normals), deque(uniforms)

    def normal(self, shape: tuple[int, ...]) -> Array:
        return _next(self.normals, shape)

    def uniform(self, shape: tuple[int, ...]) -> Array:
        return _next(self.uniforms, shape)

    @property
    def left(self) -> int:
        return len(self.normals) + len(self.uniforms)


def _next(recorded: deque[Array], shape: tuple[int, ...]) -> Array:
    draw = recorded.popleft()
    assert draw.shape == tuple(shape), f"{shape} was asked for where {draw.shape} was recorded"
    return draw


def uniforms(u16: Array) -> list[Array]:
    """Recorded 16-bit draws (draws, B, 1, H, W) as uniforms: a Bernoulli draw is `uniform < p`."""
    return [((draw.astype(np.float64) + 0.5) / 65536).astype(np.float32) for draw in u16]


def window_draws(case: GoldenCase, prefix: str = "") -> Replay:
    """The draws of the recorded sliding-window run, in the producer's order."""
    stored = case.arrays
    batches = sorted(
        (name for name in stored if name.startswith(f"{prefix}sw_u16_batch")),
        key=lambda name: int(name.rpartition("batch")[2]),
    )
    if batches:
        return Replay(uniforms=[draw for name in batches for draw in uniforms(stored[name])])
    if "sw_noise_full" in stored:
        return Replay(normals=list(stored["sw_noise_full"]))
    return Replay(normals=[row[start : start + 4] for row in stored["sw_noise"] for start in range(0, len(row), 4)])
