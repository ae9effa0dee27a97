"""The schedule and the diffusion samplers against what can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core import pipeline
from core.sampling.diffusion import sample_bernoulli, sample_cold, sample_gaussian
from core.sampling.draws import SeededDraws
from core.sampling.schedule import cosine_tables
from tests.producers import write_file

CPU = torch.device("cpu")
SHAPE = (2, 1, 4, 5)


def tables(steps: int, *, alphas: bool = False) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(table) for name, table in cosine_tables(steps, alphas=alphas).items()}


class Counted:
    """A network that always answers the same, and counts who asked for which step."""

    def __init__(self, answer: float) -> None:
        self.answer, self.asked = answer, list[int]()

    def __call__(self, state: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        assert t.shape == (len(state),)
        self.asked.append(int(t[0]))
        return torch.full_like(state, self.answer)


@pytest.mark.parametrize("steps", [1, 2, 50, 1000])
def test_the_schedule_goes_from_clean_to_noise(steps: int) -> None:
    found = cosine_tables(steps)
    total = found["alphas_cumprod"]
    assert total.dtype == np.float32
    assert (np.diff(total) < 0).all()
    assert 0 <= total[-1] < 0.01 or steps < 3
    assert (found["betas"] > 0).all()
    assert found["betas"].max() <= np.float32(0.999)
    assert found["posterior_variance"][0] == 0  # nothing is uncertain once the mask is known
    np.testing.assert_allclose(found["posterior_mean_coef1"][0], 1, rtol=1e-6)
    np.testing.assert_allclose(
        found["sqrt_alphas_cumprod"] ** 2 + found["sqrt_one_minus_alphas_cumprod"] ** 2, 1, rtol=1e-5
    )


def test_the_posterior_is_bayes_rule() -> None:
    """Mean and variance of q(x_{t-1} | x_t, x_0) from the three Gaussians themselves."""
    found = {name: table.astype(np.float64) for name, table in cosine_tables(20).items()}
    t = 7
    alpha, before = 1 - found["betas"][t], found["alphas_cumprod_prev"][t]
    precision = alpha / found["betas"][t] + 1 / (1 - before)
    np.testing.assert_allclose(found["posterior_variance"][t], 1 / precision, rtol=1e-4)
    np.testing.assert_allclose(
        found["posterior_mean_coef2"][t], np.sqrt(alpha) / found["betas"][t] / precision, rtol=1e-4
    )
    np.testing.assert_allclose(found["posterior_mean_coef1"][t], np.sqrt(before) / (1 - before) / precision, rtol=1e-4)


def test_every_step_is_asked_once_from_the_noisiest_down() -> None:
    network = Counted(0.5)
    points = list(sample_gaussian(network, SHAPE, SeededDraws(0), CPU, tables(9)))
    assert network.asked == list(range(8, -1, -1))
    assert [point.timestep for point in points] == network.asked
    assert [point.index for point in points] == list(range(9))
    assert [point.t for point in points] == pytest.approx(np.linspace(0, 1, 9))
    assert all((point.estimate == 0.75).all() for point in points)


def test_a_denoiser_that_knows_the_mask_ends_there() -> None:
    """Gaussian: states approach the mask; what lies outside [-1, 1] is cut."""
    *_, last = sample_gaussian(Counted(-3.0), SHAPE, SeededDraws(1), CPU, tables(200))
    assert (last.estimate == 0).all()
    assert float((last.state + 1).abs().max()) < 0.1
    assert last.noise_level == pytest.approx(float(tables(200)["sqrt_one_minus_alphas_cumprod"][0]))


@pytest.mark.parametrize("mask", [0.0, 1.0])
def test_bernoulli_states_settle_on_a_known_mask(mask: float) -> None:
    *_, last = sample_bernoulli(Counted(mask), (1, 1, 50, 50), SeededDraws(2), CPU, tables(100, alphas=True))
    assert set(last.state.unique().tolist()) <= {0.0, 1.0}
    assert float((last.state == mask).float().mean()) > 0.98
    assert (last.estimate == mask).all()


def test_cold_diffusion_starts_from_the_image_and_draws_nothing() -> None:
    image = torch.linspace(-1, 1, 20).reshape(1, 1, 4, 5)
    first, *_, last = sample_cold(Counted(1.0), image, tables(30))
    assert torch.equal(first.state, image)
    table = tables(30)
    wanted = table["sqrt_alphas_cumprod"][0] + table["sqrt_one_minus_alphas_cumprod"][0] * image
    torch.testing.assert_close(last.state, wanted)


def test_a_schedule_that_is_not_cosine_is_used_and_said(tmp_path: Path) -> None:
    path = write_file(tmp_path / "other.ckpt", "berdiff", 3)
    stored = torch.load(path, weights_only=True)
    stored["state_dict"]["diffusion_model.betas"] += 0.01
    torch.save(stored, path)
    segmenter = pipeline.load(path, device="cpu")
    assert "schedule.not-cosine" in {finding.code for finding in segmenter.report.findings}
    assert torch.equal(segmenter.network.diffusion_model.tables["betas"], stored["state_dict"]["diffusion_model.betas"])  # type: ignore[union-attr,operator]
    usual = pipeline.load(write_file(tmp_path / "usual.ckpt", "berdiff", 3), device="cpu")
    assert "schedule.not-cosine" not in {finding.code for finding in usual.report.findings}
