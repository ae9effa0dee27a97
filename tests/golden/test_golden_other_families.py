"""Genuine supervised and diffusion checkpoints: report, network, every step, sliding windows, mask."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core import pipeline
from core.records import CheckpointReport, Prediction, RunSettings
from core.segmenters import Segmenter
from tests.golden.cases import Array, Replay
from tests.golden.recipes import has_recipe, write_filled
from tests.shared_data import FIXTURES, needs_shared

pytestmark = needs_shared
FOLDER = FIXTURES / "supervised_diffusion"
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/meta.json"))
DIFFUSION = [name for name in NAMES if "diff" in name]
SUPERVISED = [name for name in NAMES if "diff" not in name]
STOCHASTIC = [name for name in DIFFUSION if "colddiff" not in name]
SAMPLERS = {"bernoulli diffusion": "bernoulli", "cold diffusion": "cold", "gaussian diffusion": "gaussian"}


@cache
def meta(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / name / "meta.json").read_text())
    return loaded


@cache
def arrays(name: str) -> dict[str, Array]:
    with np.load(FOLDER / name / "case.npz") as stored:
        return {key: stored[key] for key in stored.files}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Case name -> its checkpoint; those that are stored as a recipe are written once."""

    @cache
    def path_of(name: str) -> Path:
        if has_recipe(FOLDER / name):
            return write_filled(FOLDER / name, tmp_path_factory.mktemp(name) / "case.ckpt")
        return FOLDER / name / "case.ckpt"

    return path_of


@pytest.fixture(scope="module")
def loaded(checkpoint: Any) -> Any:
    @cache
    def segmenter_of(name: str, weights: str = "auto") -> Segmenter:
        return pipeline.load(checkpoint(name), device="cpu", weights=weights)

    return segmenter_of


def close(actual: Any, wanted: Array, name: str, kind: str) -> None:
    tolerances = meta(name)["tolerances"]
    rtol = tolerances.get(f"{kind}_rtol", 1e-4)
    np.testing.assert_allclose(np.asarray(actual), wanted, atol=tolerances[f"{kind}_atol"], rtol=rtol)


def test_there_are_cases_of_every_kind() -> None:
    assert {meta(name)["arch"] for name in NAMES} == {
        "csnet", "dscnet", "nnunet", "medsegdiff", "segdiff", "berdiff", "colddiff",
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_report_says_what_the_producer_would(name: str, checkpoint: Any) -> None:
    expected, report = meta(name)["expected_detection"], pipeline.inspect(checkpoint(name))
    assert report.status == "ok", report.findings
    assert report.family == expected["task"]
    assert expected["dialect"].startswith(report.producer or "nobody")
    assert (report.arch, report.in_channels) == (expected["arch"], expected["input_channels"])
    assert report.out_channels == expected["output_channels"]
    assert (report.image_size, report.timesteps) == (expected["window_size"], expected["timesteps"])
    assert (report.num_ensemble, report.threshold) == (expected["num_ensemble"], 0.5)
    assert report.module_class == meta(name)["lightning_class"].rpartition(".")[2]
    check_weights(report, expected)


def check_weights(report: CheckpointReport, expected: dict[str, Any]) -> None:
    assert report.weights is not None
    used = "ema" if expected["weights_used_for_prediction"].startswith("ema_model") else "model"
    assert (report.weights.used, report.weights.evaluated) == (used, used)
    assert ("ema" in report.weights.available) is expected["ema_present"]


@pytest.mark.parametrize("name", DIFFUSION)
def test_the_sampler_is_the_one_of_the_network(name: str, checkpoint: Any) -> None:
    report = pipeline.inspect(checkpoint(name))
    family = meta(name)["expected_detection"]["family"].lower()
    wanted = next(sampler for sampler in ("gaussian", "bernoulli", "cold") if sampler in family)
    assert report.sampler == wanted


@pytest.mark.parametrize("name", DIFFUSION)
def test_the_denoiser_gives_the_recorded_output(name: str, loaded: Any) -> None:
    stored, network = arrays(name), loaded(name).network
    x, t, image = (torch.from_numpy(stored[key]) for key in ("denoiser_x", "denoiser_t", "image"))
    with torch.inference_mode():
        close(network(x, t, image).numpy(), stored["denoiser_out"], name, "single_forward")


@pytest.mark.parametrize("name", [name for name in DIFFUSION if "ema" in name])
def test_the_other_weights_can_be_chosen_and_give_another_output(name: str, loaded: Any) -> None:
    stored, network = arrays(name), loaded(name, "model").network
    x, t, image = (torch.from_numpy(stored[key]) for key in ("denoiser_x", "denoiser_t", "image"))
    with torch.inference_mode():
        out = network(x, t, image).numpy()
    close(out, stored["denoiser_out_nonema"], name, "single_forward")
    assert np.abs(out - stored["denoiser_out"]).max() > 1e-2


@pytest.mark.parametrize("name", DIFFUSION)
def test_the_stored_schedule_is_the_cosine_one(name: str, loaded: Any) -> None:
    tables = loaded(name).network.diffusion_model.tables
    np.testing.assert_array_equal(tables["betas"].numpy(), arrays(name)["schedule_betas"])
    np.testing.assert_array_equal(tables["alphas_cumprod"].numpy(), arrays(name)["schedule_alphas_cumprod"])


@pytest.mark.parametrize("name", SUPERVISED)
def test_the_network_gives_the_recorded_logits(name: str, loaded: Any) -> None:
    stored = arrays(name)
    with torch.inference_mode():
        logits = loaded(name).network(None, None, torch.from_numpy(stored["image"]))
    close(logits.numpy(), stored["logits"], name, "single_forward")
    close(logits.softmax(dim=1)[:, 1].numpy(), stored["prob_foreground"], name, "single_forward")


def replay(name: str, stage: str) -> Replay:
    keys = sorted(key for key in arrays(name) if key.startswith(f"{stage}_draw_"))
    draws = [arrays(name)[key] for key in keys]
    return Replay(uniforms=draws) if "berdiff" in name else Replay(normals=draws)


def run(name: str, stage: str, segmenter: Segmenter) -> tuple[Prediction, Replay]:
    """The recorded sliding-window run `full` or `small`, through the public pipeline."""
    image, random = arrays(name)[f"{stage}_image"][0, 0].T, replay(name, stage)
    return pipeline.segment(segmenter, image, RunSettings(keep="all"), random=random), random


def check_mask(name: str, stage: str, prediction: Prediction, boundary: Array) -> None:
    wrong = (arrays(name)[f"{stage}_mask"][0].astype(bool) != prediction.mask[0].T) & (np.abs(boundary) > 1e-3)
    assert not wrong.any()


@pytest.mark.parametrize("stage", ["full", "small"])
@pytest.mark.parametrize("name", DIFFUSION)
def test_sliding_windows_give_the_recorded_result(name: str, stage: str, loaded: Any) -> None:
    prediction, random = run(name, stage, loaded(name))
    wanted = arrays(name)[f"{stage}_pred"][0, 0]
    close(prediction.score[0].T, wanted, name, "sliding")
    check_mask(name, stage, prediction, wanted - 0.5)
    assert random.left == 0
    assert len(prediction.steps) == meta(name)["expected_detection"]["timesteps"]


@pytest.mark.parametrize("stage", ["full", "small"])
@pytest.mark.parametrize("name", SUPERVISED)
def test_sliding_windows_give_the_recorded_logits(name: str, stage: str, loaded: Any) -> None:
    prediction, _ = run(name, stage, loaded(name))
    logits = arrays(name)[f"{stage}_logits"][0]
    margin = logits[1] - logits[0]
    (step,) = prediction.steps
    close(step.state[0].T, margin, name, "sliding")
    check_mask(name, stage, prediction, margin)
    np.testing.assert_allclose(prediction.score[0].T, 1 / (1 + np.exp(-margin)), atol=1e-4)
    assert (prediction.axis, prediction.settings.samples) == ("none", None)


@pytest.mark.parametrize("name", DIFFUSION)
def test_every_step_is_the_recorded_one(name: str, loaded: Any) -> None:
    """The recorded batch of two images is one window each; its draws are split between two runs."""
    stored, segmenter = arrays(name), loaded(name)
    for number in range(2):
        draws = [draw[number : number + 1] for draw in replay_arrays(name, "sample")]
        random = Replay(uniforms=draws) if "berdiff" in name else Replay(normals=draws)
        settings = RunSettings(keep="all", samples=1)
        prediction = pipeline.segment(segmenter, stored["image"][number, 0].T, settings, random=random)
        check_steps(name, number, prediction)


def replay_arrays(name: str, stage: str) -> list[Array]:
    return [arrays(name)[key] for key in sorted(arrays(name)) if key.startswith(f"{stage}_draw_")]


def check_steps(name: str, number: int, prediction: Prediction) -> None:
    stored, last = arrays(name), len(prediction.steps) - 1
    for step in prediction.steps:
        assert step.timestep == last - step.index  # recorded estimates are numbered by t, states by order
        close(step.estimate[0].T, stored["sample_x0_steps"][step.timestep, number, 0], name, "sliding")
        np.testing.assert_allclose(
            step.state[0].T,
            stored["sample_traj_x"][step.index, number, 0],
            atol=meta(name)["tolerances"]["sampled_atol"],
        )
    levels = [step.noise_level for step in prediction.steps]
    assert levels == sorted(levels, reverse=True)  # type: ignore[type-var]
    assert [step.t for step in prediction.steps] == pytest.approx(np.linspace(0, 1, last + 1))
    np.testing.assert_allclose(prediction.score[0].T, stored["sample_final"][number, 0], atol=2e-4)
    assert prediction.axis == "noise"


@pytest.mark.parametrize("name", [name for name in STOCHASTIC if "ber" not in name])
def test_recorded_draws_in_another_order_give_another_result(name: str, loaded: Any) -> None:
    image, draws = arrays(name)["full_image"][0, 0].T, replay_arrays(name, "full")
    shuffled = Replay(normals=[np.ascontiguousarray(draw[::-1]) for draw in draws])
    prediction = pipeline.segment(loaded(name), image, random=shuffled)
    assert np.abs(prediction.score[0].T - arrays(name)["full_pred"][0, 0]).max() > 1e-2


@pytest.mark.parametrize("name", DIFFUSION)
def test_seeded_runs_repeat_themselves(name: str, loaded: Any) -> None:
    image = arrays(name)["small_image"][0, 0].T
    first, again, other = (pipeline.segment(loaded(name), image, RunSettings(seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.score, again.score)
    assert np.array_equal(first.score, other.score) is ("colddiff" in name)
