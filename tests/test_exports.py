"""A prediction on disk: its steps carry names that say where they lie, and the record says it in numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from core import pipeline
from core.images import read_image, read_labels
from core.records import Deviation, Image, Prediction, RunSettings, frozen_array
from tests.gui import fakes


def saved(prediction: Prediction, folder: Path) -> tuple[list[str], dict[str, object]]:
    """Names of the step files, sorted, and the record of the run."""
    pipeline.save(prediction, fakes.image(8, 12), folder, "case", steps=True)
    record: dict[str, object] = json.loads((folder / "case_run.json").read_text(encoding="utf-8"))
    return sorted(path.name for path in (folder / "case_steps").iterdir()), record


def test_steps_of_a_diffusion_run_are_named_by_timestep_and_noise(tmp_path: Path) -> None:
    names, record = saved(fakes.diffusion((1, 8, 12), timesteps=1000, keep=3), tmp_path)
    assert names[0] == "step_000_timestep999_noise1.000_probability.png"
    assert names[2] == "step_500_timestep499_noise0.707_probability.png"
    assert names[5] == "step_999_timestep000_noise0.002_state.png"
    assert (record["axis"], record["state_range"]) == ("noise", [-1.0, 1.0])
    assert [step["timestep"] for step in record["steps"]] == [999, 499, 0]  # type: ignore[attr-defined]
    assert record["steps"][1]["noise_level"] == pytest.approx(0.7071, abs=1e-4)  # type: ignore[index]


def test_the_one_step_of_a_supervised_network_is_its_logits(tmp_path: Path) -> None:
    names, record = saved(fakes.supervised((1, 8, 12)), tmp_path)
    assert names == ["one_call_logit_difference.png", "one_call_probability.png"]
    assert record["axis"] == "none"
    assert "timestep" not in record["steps"][0]  # type: ignore[index]


def test_flow_steps_keep_their_names(tmp_path: Path) -> None:
    names, record = saved(fakes.prediction((1, 8, 12), steps=2), tmp_path)
    assert names[:2] == ["step_000_t0.500_probability.png", "step_000_t0.500_state.png"]
    assert record["axis"] == "time"


def test_a_state_is_written_over_its_own_range(tmp_path: Path) -> None:
    """A state of 0 in [-1, 1] is a middle grey, though the result's range is [0, 1]."""
    prediction = fakes.diffusion((1, 8, 12), timesteps=1000, keep=3)
    names, _ = saved(prediction, tmp_path)
    written = read_image(tmp_path / "case_steps" / names[3]).voxels.astype(np.float64)
    expected = np.clip((prediction.steps[1].state + 1) / 2, 0, 1)
    assert names[3] == "step_500_timestep499_noise0.707_state.png"
    assert written / 65535 == pytest.approx(expected, abs=1e-4)


def test_each_file_of_a_run_with_film_off_says_so(tmp_path: Path) -> None:
    """A picture is passed on without its record."""
    made = replace(fakes.prediction((1, 8, 12)), deviations=(Deviation(code="film.off", label="FiLM off"),))
    pipeline.save(made, fakes.image(8, 12), tmp_path, "a", steps=True)
    pictures = list(tmp_path.rglob("*.png"))
    assert len(pictures) > 4
    assert {said_in(path) for path in pictures} == {"Flowglass: not as trained: FiLM off"}
    pipeline.save(replace(made, deviations=()), fakes.image(8, 12), tmp_path, "b")
    assert said_in(tmp_path / "b_mask.png") == "Flowglass: as trained"


def said_in(path: Path) -> str:
    with Pillow.open(path) as picture:
        return str(picture.info["Description"])


@pytest.mark.parametrize("name", ["nifti", "nrrd", "mha", "tiff"])
def test_each_format_gives_back_the_mask_and_its_place(name: str, tmp_path: Path) -> None:
    mask = np.zeros((3, 6, 7), dtype=bool)
    mask[1, 2:4, 3:6] = True
    affine = np.array([[0, 0, -0.5, 10], [0, -0.7, 0, 20], [2, 0, 0, -30], [0, 0, 0, 1]], dtype=np.float64)
    image = Image(voxels=np.zeros(mask.shape, np.float32), name="scan", affine=affine, spacing_mm=(2.0, 0.7, 0.5))
    made = prediction_of(mask)
    files = pipeline.save(made, image, tmp_path, "scan", file_format=name)
    back = read_labels(files[0])
    np.testing.assert_array_equal(back.labels > 0, mask)
    probability = read_image(files[1])
    np.testing.assert_allclose(probability.voxels / (65535 if name == "tiff" else 1), made.probability, atol=1e-4)
    if name != "tiff":  # pages have no place in space
        corner = np.array([2, 5, 6, 1])
        np.testing.assert_allclose(back.affine @ corner, affine @ corner, atol=1e-3)


def prediction_of(mask: np.ndarray) -> Prediction:
    """Foreground at 0.9, the rest at 0.1."""
    probability = frozen_array(np.where(mask, 0.9, 0.1), np.float32)
    return Prediction(
        score=probability,
        probability=probability,
        mask=frozen_array(mask),
        threshold=0.5,
        value_range=(0.0, 1.0),
        steps=(),
        settings=RunSettings(),
    )
