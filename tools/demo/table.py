"""Dice of every demo checkpoint through core.pipeline: on the demo cases, and on real angiograms it never saw."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from core import pipeline
from core.records import Array, Case, FilmSettings, RunSettings
from core.segmenters.segmenter import Segmenter
from tools.demo.cases import NAMES, image_path, label_path
from tools.demo.features import window_feature
from tools.demo.profiles import DARK, as_seen, windows_of
from tools.demo.recipes import RECIPES

Say = Callable[[str], None]
LAST = RunSettings(keep="last")
FILM_OFF = RunSettings(keep="last", film=FilmSettings(mode="off"))


def print_demo_table(out: Path, say: Say) -> None:
    say("| checkpoint | " + " | ".join(NAMES) + " | mean | seconds per case |")
    for recipe in RECIPES:
        segmenter = pipeline.load(out / recipe.checkpoint, device="cpu")
        say(_row(recipe.name, segmenter, out, LAST))
        if recipe.film:
            say(_row(f"{recipe.name}, FiLM off", segmenter, out, FILM_OFF))


def print_real_table(out: Path, xca: Path, limit: int | None, say: Say) -> None:
    """`xca`: a folder with images/NN.png and labels/NN_gt.png; `limit` None = all of them, else evenly chosen ones."""
    paths = sorted((xca / "images").glob("*.png"))
    chosen = paths if limit is None else [paths[i] for i in np.linspace(0, len(paths) - 1, limit).round().astype(int)]
    say(f"| checkpoint | mean Dice on {len(chosen)} of {len(paths)} real angiograms | lowest | highest |")
    for recipe in RECIPES:
        segmenter = pipeline.load(out / recipe.checkpoint, device="cpu")
        scores = [_real_dice(segmenter, xca, path) for path in chosen]
        say(f"| {recipe.name} | {np.mean(scores):.3f} | {min(scores):.3f} | {max(scores):.3f} |")


def demo_case(out: Path, name: str) -> Case:
    return pipeline.open_case(image_path(out, name), label_path(out, name))


def dice(segmenter: Segmenter, case: Case, settings: RunSettings, condition: Array | None = None) -> float:
    assert case.reference is not None
    prediction = pipeline.segment(segmenter, case.image, settings, condition=condition)
    return pipeline.measure(prediction, case.reference)["dice"].value or 0.0


def _row(title: str, segmenter: Segmenter, out: Path, settings: RunSettings) -> str:
    began = time.monotonic()
    scores = [dice(segmenter, demo_case(out, name), settings) for name in NAMES]
    seconds = (time.monotonic() - began) / len(NAMES)
    cells = " | ".join(f"{score:.3f}" for score in (*scores, np.mean(scores)))
    return f"| {title} | {cells} | {seconds:.1f} |"


def _real_dice(segmenter: Segmenter, xca: Path, path: Path) -> float:
    case = pipeline.open_case(path, xca / "labels" / f"{path.stem}_gt.png")
    condition = None
    if segmenter.conditioner is not None:  # no profile of these pictures is cached: it is made here, vessels dark
        features = [window_feature(window[0], DARK) for window in windows_of(as_seen(path))]
        condition = segmenter.condition(np.concatenate(features).astype(np.float32))
    return dice(segmenter, case, LAST, condition)
