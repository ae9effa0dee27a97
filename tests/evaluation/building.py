"""Tiny data sets and plans: pictures of 24 x 31 pixels with a bright disc, and checkpoints of random weights."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from core.evaluation.datasets import find_data_set
from core.evaluation.records import EvaluationPlan, MeasuredValue, TaskResult
from core.records import MetricValue, RunSettings

SHAPE = (24, 31)


def draw_pair(image: Path, reference: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    row, column = random.integers(6, 18, 2)
    disc = (np.arange(SHAPE[0])[:, None] - row) ** 2 + (np.arange(SHAPE[1])[None] - column) ** 2 < 20
    save(image, (random.integers(0, 120, SHAPE) + 120 * disc).astype(np.uint8))
    save(reference, (disc * 255).astype(np.uint8))


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.fromarray(pixels).save(path)


def producers_tree(folder: Path, count: int, *, split: str = "test", corrupt: Iterable[int] = ()) -> Path:
    """`<folder>/<split>/{image,label}/0000.png ...`; the images whose number is in `corrupt` are cut short."""
    for number in range(count):
        image = folder / split / "image" / f"{number:04d}.png"
        draw_pair(image, folder / split / "label" / image.name, number)
        if number in set(corrupt):
            image.write_bytes(image.read_bytes()[:100])
    return folder


def make_plan(data: Path, *checkpoints: Path, **changes: object) -> EvaluationPlan:
    """Two steps of each case; `changes` of the plan."""
    given: dict[str, object] = {"settings": RunSettings(steps=2, keep="last"), **changes}
    return EvaluationPlan(
        checkpoints=tuple(map(str, checkpoints)),
        data=find_data_set(data),
        **given,  # type: ignore[arg-type]
    )


def dice_result(plan: EvaluationPlan, case: int, value: float | None, checkpoint: int = 0) -> TaskResult:
    metric = MetricValue(name="dice", value=value, reason="" if value is not None else "both empty", unit="")
    return TaskResult(
        checkpoint=plan.checkpoints[checkpoint],
        case=plan.data.cases[case].name,
        status="done",
        values=(MeasuredValue(definitions="standard", metric=metric),),
    )
