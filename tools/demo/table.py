"""Dice of every demo checkpoint through core.pipeline: on the demo cases, and on real angiograms it never saw."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from core import pipeline
from core.records import Array, Case, FilmSettings, RunSettings
from core.segmenters.segmenter import Segmenter
from tools.demo.cases import NAMES, image_path, label_path
from tools.demo.features import window_feature
from tools.demo.profiles import DARK, windows_of
from tools.demo.recipes import RECIPES
from tools.demo.windows import normalise

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


def print_real_table(out: Path, xca: Path, limit: int | None, shrink: int, say: Say) -> None:
    """`xca`: a folder with images/NN.png and labels/NN_gt.png; `limit` None = all of them, else evenly chosen ones.

    `shrink` n: blocks of n x n pixels are averaged first, so that vessels have the width of the training pictures'.
    """
    paths = sorted((xca / "images").glob("*.png"))
    chosen = paths if limit is None else [paths[i] for i in np.linspace(0, len(paths) - 1, limit).round().astype(int)]
    say(f"{len(chosen)} of {len(paths)} real angiograms, shrunk {shrink} x")
    say("| checkpoint | mean Dice | lowest | highest |")
    for recipe in RECIPES:
        segmenter = pipeline.load(out / recipe.checkpoint, device="cpu")
        scores = [_real_dice(segmenter, xca, path, shrink) for path in chosen]
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


def _real_dice(segmenter: Segmenter, xca: Path, path: Path, shrink: int) -> float:
    case = _shrunk(pipeline.open_case(path, xca / "labels" / f"{path.stem}_gt.png"), shrink)
    condition = None
    if segmenter.conditioner is not None:  # no profile of these pictures is cached: it is made here, vessels dark
        features = [window_feature(window[0], DARK) for window in windows_of(_as_seen(case.image.voxels[0]))]
        condition = segmenter.condition(np.concatenate(features).astype(np.float32))
    return dice(segmenter, case, LAST, condition)


def _shrunk(case: Case, by: int) -> Case:
    assert case.reference is not None
    labels = _block_means(case.reference.labels[0] > 0, by) > 0.5
    image = replace(case.image, voxels=_block_means(case.image.voxels[0], by)[None])
    return replace(case, image=image, reference=replace(case.reference, labels=labels[None].astype(np.uint8)))


def _block_means(plane: Array, by: int) -> Array:
    rows, columns = (side // by for side in plane.shape)
    blocks = plane[: rows * by, : columns * by].astype(np.float32).reshape(rows, by, columns, by)
    means: Array = blocks.mean(axis=(1, 3))
    return means


def _as_seen(plane: Array) -> Array:
    """As the network sees a picture: normalised and transposed."""
    return np.ascontiguousarray(normalise(plane).T)
