"""Genuine run folders: the masks that the producers' own evaluation saved come out pixel by pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from core import pipeline
from core.records import Prediction, RunSettings
from core.segmenters import Segmenter
from tests.golden.cases import Array, Replay
from tests.shared_data import FIXTURES, needs_shared

pytestmark = needs_shared
FOLDER = FIXTURES / "evaluation"
IMAGES = FOLDER / "data" / "xca_full" / "test" / "image"
PREDICTED = sorted(path.parent for path in FOLDER.glob("*/results/evaluation/*/*/predictions"))


def checkpoint_of(run: Path) -> Path:
    codebase, model = run.parents[3], run.parent.name
    return codebase / "experiments" / model / "xca" / run.name / "checkpoints" / "best.ckpt"


def samples(run: Path) -> list[Path]:
    return sorted(folder for folder in (run / "predictions").iterdir() if folder.is_dir())


def recorded_draws(run: Path) -> list[Array]:
    """berdiff: uniforms in the order of the whole evaluation; the others need none."""
    if run.parent.name != "berdiff":
        return []
    with np.load(run.parents[3] / "tensors.npz") as stored:
        return [stored[key] for key in sorted(stored.files) if key.startswith("berdiff_draw_")]


def predict(segmenter: Segmenter, image: Path, random: Replay) -> Prediction:
    case = pipeline.open_case(image)
    drawn = random if random.left else None
    return pipeline.segment(segmenter, case.image, RunSettings(protocol="as-evaluated", keep="last"), random=drawn)


def test_there_are_runs_of_both_code_bases() -> None:
    assert {(run.parents[3].name, run.parent.name) for run in PREDICTED} >= {
        ("soft-seg", "nnunet"),
        ("soft-seg", "berdiff"),
        ("sofl-seg", "nnunet"),
        ("sofl-seg", "colddiff"),
    }


@pytest.mark.parametrize("run", PREDICTED, ids=lambda run: f"{run.parents[3].name}-{run.name}")
def test_the_masks_are_those_of_the_producer(run: Path) -> None:
    segmenter = pipeline.load(checkpoint_of(run), device="cpu")
    random = Replay(uniforms=recorded_draws(run))
    assert len(samples(run)) >= 4
    for folder in samples(run):
        prediction = predict(segmenter, IMAGES / f"{folder.name}.png", random)
        wanted = np.asarray(Picture.open(folder / "prediction.png")) > 127
        np.testing.assert_array_equal(prediction.mask[0], wanted, err_msg=folder.name)
    assert random.left == 0
