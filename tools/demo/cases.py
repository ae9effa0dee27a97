"""The four demo cases, in the folder layout of the producers' data sets: xca/test/{image,label}/0000.png."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tools.demo.angiograms import DEMO_LOOK, Angiogram, draw_angiogram
from tools.demo.windows import SHAPE

# Chosen by eye among the first twenty before a network had seen them: trees that fill the frame; the third is seen
# through a round field of view, the fourth has a bright ghost.
CASE_SEEDS = (13, 7, 17, 14)
GHOSTS = (False, False, False, True)
NAMES = tuple(f"{number:04d}.png" for number in range(len(CASE_SEEDS)))
DATA = "xca"


def draw_cases() -> list[Angiogram]:
    """The training pool comes from another seed sequence, so no demo case is in it."""
    return [
        draw_angiogram(np.random.default_rng((7, 2026, seed)), SHAPE, DEMO_LOOK, ghost=ghost)
        for seed, ghost in zip(CASE_SEEDS, GHOSTS, strict=True)
    ]


def write_cases(out: Path) -> None:
    for name, case in zip(NAMES, draw_cases(), strict=True):
        _write(image_path(out, name), case.image)
        _write(image_path(out, name).parent.parent / "label" / name, np.where(case.hard, 255, 0).astype(np.uint8))


def image_path(out: Path, name: str) -> Path:
    return out / DATA / "test" / "image" / name


def label_path(out: Path, name: str) -> Path:
    return out / DATA / "test" / "label" / name


def _write(path: Path, pixels: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
