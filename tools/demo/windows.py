"""Training windows: a pool of drawn angiograms, normalised as the producers do, cut, turned and mirrored at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.demo.angiograms import draw_angiogram

Floats = NDArray[np.float32]
Rng = np.random.Generator
SHAPE = (112, 160)  # rows, columns: with windows of 64 and overlap 0.25 exactly 2 x 3 windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """(N, rows, columns) float32: images in [-1, 1], hard labels 0 or 1, soft labels in [0, 1]."""

    images: Floats
    hard: Floats
    soft: Floats


def normalise(image: NDArray[Any]) -> Floats:
    """Per image to [-1, 1] (spec section 11)."""
    values = image.astype(np.float32)
    low, high = values.min(), values.max()
    normalised: Floats = (values - low) / (high - low) * 2 - 1
    return normalised


def draw_pool(rng: Rng, count: int) -> Pool:
    drawn = [draw_angiogram(rng, SHAPE) for _ in range(count)]
    return Pool(
        images=np.stack([normalise(one.image) for one in drawn]),
        hard=np.stack([one.hard for one in drawn]).astype(np.float32),
        soft=np.stack([one.soft for one in drawn]).astype(np.float32),
    )


def cut_windows(pool: Pool, rng: Rng, count: int, size: int) -> tuple[Floats, Floats, Floats]:
    """`count` random windows: image, hard, soft, each (count, 1, size, size)."""
    cut = [_cut_window(pool, rng, size) for _ in range(count)]
    image, hard, soft = np.stack(cut, axis=1)[:, :, None]  # each (count, 1, size, size)
    return image, hard, soft


def _cut_window(pool: Pool, rng: Rng, size: int) -> Floats:
    index = rng.integers(len(pool.images))
    top, left = (rng.integers(side - size + 1) for side in SHAPE)
    parts = [part[index, top : top + size, left : left + size] for part in (pool.images, pool.hard, pool.soft)]
    window: Floats = np.rot90(np.stack(parts), int(rng.integers(4)), axes=(1, 2))
    return window[:, :, ::-1] if rng.random() < 0.5 else window
