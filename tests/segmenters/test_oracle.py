"""Whole runs against an oracle written from the spec with MONAI's window inferer and torchdiffeq, draw for draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.inferers.inferer import SlidingWindowInferer
from skimage.morphology import skeletonize
from torch import Tensor
from torchdiffeq import odeint

from core import pipeline
from core.records import FilmSettings, RunSettings
from core.segmenters import Segmenter
from tests.builders import CFM, DFM, FILM, FILM_CONFIG, SOFT, write_checkpoint

SIDE = 16
SIZES = [(16, 16), (9, 13), (9, 40), (37, 45), (16, 23)]
FEW = [(9, 13), (16, 40)]
"""For the adaptive solver, which takes its time: smaller than a window on both axes; two windows side by side."""
SOFT2HARD = {
    "flow_weight": 1.0,
    "hard_weight": 1.0,
    "soft_weight": 0.1,
    "soft2hard_weight": 0.1,
    "soft_sharpness": 10.0,
}
GATE = {"enabled": True, "threshold": 0.5, "degree_threshold": 2, "radius_px": 2, "gate_value_in_junction": 0.25}
COND_DIM = 12


class Recorder:
    """Draws in the order they are asked for, as numpy float64; empty like a list that nothing was recorded in."""

    def __init__(self, seed: int = 5) -> None:
        self._generator = np.random.default_rng(seed)
        self.shapes: list[tuple[str, tuple[int, ...]]] = []

    def __len__(self) -> int:
        return 0

    def normal(self, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        self.shapes.append(("normal", tuple(shape)))
        return self._generator.standard_normal(shape)

    def uniform(self, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        self.shapes.append(("uniform", tuple(shape)))
        return self._generator.random(shape)


@dataclass
class Oracle:
    """The producers' test step by the words of the spec. `rows`: conditions in window order, None = FiLM off."""

    network: torch.nn.Module
    draws: Recorder
    mode: str
    steps: int = 4
    heun: bool = False
    channels: int = 1
    activation: Callable[[Tensor], Tensor] = lambda v: v
    rows: Tensor | None = None
    gate: dict[str, Any] | None = None
    preliminary: bool = False
    next_row: int = field(default=0, init=False)

    def __call__(self, image: Tensor) -> Tensor:
        self.next_row = 0
        inferer = SlidingWindowInferer((SIDE, SIDE), sw_batch_size=4, overlap=0.25, mode="gaussian", sigma_scale=0.125)
        if self.mode == "soft":
            return self._infer(inferer, image, self._soft)
        if self.mode == "dfm":
            return self._infer(inferer, image, self._dfm)
        noise = self._normal((1, self.channels, *image.shape[-2:]))
        return 2 * self._infer(inferer, torch.cat((image, noise), dim=1), self._cfm) - 1

    def _infer(self, inferer: SlidingWindowInferer, image: Tensor, predictor: Callable[[Tensor], Tensor]) -> Tensor:
        out = inferer(image, predictor)
        assert isinstance(out, Tensor)
        return out

    def _normal(self, shape: tuple[int, ...]) -> Tensor:
        return torch.from_numpy(self.draws.normal(shape)).float()

    def _soft(self, patch: Tensor) -> Tensor:
        return self._solve(patch, self._normal((len(patch), self.channels, SIDE, SIDE)))

    def _cfm(self, both: Tensor) -> Tensor:
        return ((self._solve(both[:, :1], both[:, 1:]) + 1) / 2).clamp(0, 1)

    def _solve(self, patch: Tensor, noise: Tensor) -> Tensor:
        rows = self._take(len(patch))

        def velocity(t: Tensor, x: Tensor) -> Tensor:
            return self.activation(self._network(x, t.expand(len(x)), patch, rows))

        grid = torch.linspace(0, 1, self.steps)
        out: Tensor = odeint(velocity, noise, grid, atol=1e-4, rtol=1e-4, method="dopri5")[-1]
        return out

    def _take(self, count: int) -> Tensor | None:
        if self.rows is None:
            return None
        self.next_row += count
        return self.rows[self.next_row - count : self.next_row]

    def _network(self, x: Tensor, t: Tensor, patch: Tensor, rows: Tensor | None) -> Tensor:
        out: Tensor = self.network(x, t, patch, rows)
        if self.gate is None or rows is None:
            return out
        gates = np.stack([gate_by_distance(item[0], self.gate) for item in torch.sigmoid(out).numpy()])
        gated: Tensor = self.network(x, t, patch, rows, gate=torch.from_numpy(gates)[:, None])
        return gated

    def _dfm(self, patch: Tensor) -> Tensor:
        if self.preliminary:
            self._bernoulli_flow(patch, None)
        return self._bernoulli_flow(patch, self._take(len(patch))).clamp(0, 1)

    def _bernoulli_flow(self, patch: Tensor, rows: Tensor | None) -> Tensor:
        n, eps = self.steps, 1e-6
        p = torch.full((len(patch), 1, SIDE, SIDE), 0.5)
        x = self._draw(p)
        p1 = p
        for k in range(n):
            p1 = torch.sigmoid(self._network(x, torch.full((len(patch),), k / n), patch, rows))
            v = (p1 - p) / (1 - k / n + eps)
            if not self.heun:
                p = (p + v / n).clamp(0, 1)
                x = self._draw(p)
                continue
            p_ = (p + v / n).clamp(0, 1)
            p1_ = torch.sigmoid(self._network(self._draw(p_), torch.full((len(patch),), (k + 1) / n), patch, rows))
            v_ = (p1_ - p_) / (1 - (k + 1) / n + eps)
            p = (p + (v + v_) / (2 * n)).clamp(0, 1)
            x = self._draw(p)
        return p1

    def _draw(self, p: Tensor) -> Tensor:
        return (torch.from_numpy(self.draws.uniform(tuple(p.shape))) < p).float()


def gate_by_distance(p: np.ndarray[Any, Any], gate: dict[str, Any]) -> np.ndarray[Any, Any]:
    """Spec section 8 with loops: neighbours counted one by one, the neighbourhood as an L1 distance."""
    skeleton = np.pad(skeletonize(p > gate["threshold"]), 1)
    seeds = [
        (r, c)
        for r, c in zip(*np.nonzero(skeleton), strict=True)
        if skeleton[r - 1 : r + 2, c - 1 : c + 2].sum() - 1 >= gate["degree_threshold"]
    ]
    out = np.ones(p.shape, dtype=np.float32)
    for r, c in np.ndindex(p.shape):
        if any(abs(r + 1 - a) + abs(c + 1 - b) <= gate["radius_px"] for a, b in seeds):
            out[r, c] = gate["gate_value_in_junction"]
    return out


def picture(size: tuple[int, int]) -> np.ndarray[Any, Any]:
    return np.random.default_rng(size[1]).integers(0, 256, size, dtype=np.uint8)


def as_seen(image: np.ndarray[Any, Any]) -> Tensor:
    """Transposed, min-max to [-1, 1] as MONAI's ScaleIntensity does it."""
    values = image.T.astype(np.float32)
    return torch.from_numpy((values - values.min()) / (values.max() - values.min()) * 2 - 1)[None, None]


def stronger(segmenter: Segmenter, factor: float = 6.0) -> Segmenter:
    """Outputs of some size, so that thresholds, clamps and gates have something to do."""
    last = segmenter.network.unet
    for layer in (last.base_unet.final_conv, getattr(last, "hard_head", None), getattr(last, "soft_head", None)):
        if layer is not None:
            layer.weight.mul_(factor)
    return segmenter


def check(segmenter: Segmenter, oracle: Oracle, size: tuple[int, int], samples: int = 1, **given: Any) -> None:
    image, draws = picture(size), Recorder()
    prediction = pipeline.segment(segmenter, image, RunSettings(samples=samples), random=draws, **given)
    with torch.inference_mode():
        wanted = torch.stack([oracle(as_seen(image)) for _ in range(samples)]).mean(dim=0)[0, 0].T.numpy()
    assert draws.shapes == oracle.draws.shapes
    assert np.abs(prediction.score[0] - wanted).max() < 2e-5
    near = np.abs(wanted - prediction.threshold) < 1e-4
    assert np.array_equal(prediction.mask[0] | near, (wanted > prediction.threshold) | near)
    assert 0.02 < prediction.mask.mean() < 0.98, "a mask that is all one value would prove little"


@pytest.mark.parametrize("size", FEW, ids=str)
def test_soft_seg_draws_noise_for_every_batch_and_merges_raw_states(tmp_path: Path, size: tuple[int, int]) -> None:
    dialect = SOFT | {"v_activation": "clamp", "v_clamp_value": 0.3}
    segmenter = stronger(pipeline.load(write_checkpoint(tmp_path / "a.ckpt", dialect), device="cpu"), 2.0)
    oracle = Oracle(segmenter.network, Recorder(), "soft", activation=lambda v: v.clamp(-0.3, 0.3))
    check(segmenter, oracle, size)


@pytest.mark.parametrize("arch", ["medsegdiff_flow_soft2hard", "medsegdiff_flow_multitask"])
def test_soft_seg_with_two_channels_keeps_the_hard_one(tmp_path: Path, arch: str) -> None:
    head: Any = "soft2hard" if arch.endswith("soft2hard") else "multitask"
    path = write_checkpoint(tmp_path / "a.ckpt", SOFT2HARD, head=head, arch=arch)
    stored = torch.load(path, weights_only=True)
    stored["hyper_parameters"].pop("loss_type")
    torch.save(stored, path)
    segmenter = pipeline.load(path, device="cpu")
    check(segmenter, Oracle(segmenter.network, Recorder(), "soft", channels=2), (13, 21), samples=2)


@pytest.mark.parametrize("size", FEW, ids=str)
@pytest.mark.parametrize("head", ["single", "multitask"])
def test_sofl_cfm_cuts_windows_out_of_one_noise_image(tmp_path: Path, head: Any, size: tuple[int, int]) -> None:
    arch = "medsegdiff_flow" if head == "single" else "medsegdiff_flow_multitask"
    path = write_checkpoint(tmp_path / "a.ckpt", CFM, head=head, arch=arch)
    segmenter = pipeline.load(path, device="cpu")
    oracle = Oracle(segmenter.network, Recorder(), "cfm", channels=1 if head == "single" else 2)
    check(segmenter, oracle, size, samples=2 if head == "single" else 1)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("sampler", ["euler", "heun"])
def test_sofl_dfm_draws_in_every_batch(tmp_path: Path, sampler: str, size: tuple[int, int]) -> None:
    segmenter = pipeline.load(write_checkpoint(tmp_path / "a.ckpt", DFM | {"dfm_sampler": sampler}), device="cpu")
    check(stronger(segmenter), Oracle(segmenter.network, Recorder(), "dfm", heun=sampler == "heun"), size, samples=2)


def film_checkpoint(path: Path, dialect: dict[str, Any], **config: Any) -> Segmenter:
    gate = config.pop("gate", None)
    settings = {"vlm_film_config": FILM_CONFIG | config, "junction_gating_config": gate}
    segmenter = pipeline.load(write_checkpoint(path, dialect | FILM | settings, film=True), device="cpu")
    return stronger(segmenter, 6.0 if dialect is not CFM else 1.5)


def conditions(count: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).normal(size=(count, COND_DIM)) * 2


@pytest.mark.parametrize("dialect", [CFM, DFM, DFM | {"dfm_sampler": "heun"}], ids=["cfm", "euler", "heun"])
@pytest.mark.parametrize("gate", [None, GATE], ids=["open", "gated"])
def test_film_gets_the_row_of_each_window_and_the_gate_costs_a_second_call(
    tmp_path: Path, dialect: dict[str, Any], gate: dict[str, Any] | None
) -> None:
    segmenter = film_checkpoint(tmp_path / "a.ckpt", dialect, gate=gate)
    size = (16, 23) if dialect is CFM else (37, 45)
    rows = conditions(2 if dialect is CFM else 12)
    oracle = Oracle(segmenter.network, Recorder(), "cfm" if dialect is CFM else "dfm", gate=gate)
    oracle.rows, oracle.heun = torch.from_numpy(rows).float(), dialect.get("dfm_sampler") == "heun"
    check(segmenter, oracle, size, condition=rows)


@pytest.mark.parametrize("sampler", ["euler", "heun"])
@pytest.mark.parametrize("mode", ["overlay", "mask_only"])
def test_draws_of_the_preliminary_pass_come_before_those_of_each_batch(tmp_path: Path, mode: str, sampler: str) -> None:
    segmenter = film_checkpoint(tmp_path / "a.ckpt", DFM | {"dfm_sampler": sampler}, input_mode=mode)
    rows = conditions(12)
    oracle = Oracle(segmenter.network, Recorder(), "dfm", heun=sampler == "heun", preliminary=True)
    oracle.rows = torch.from_numpy(rows).float()
    check(segmenter, oracle, (37, 45), condition=rows)


def test_a_whole_image_checkpoint_runs_without_windows(tmp_path: Path) -> None:
    """Sides other than the window's: the frequency maps are resized; no weights, no padding."""
    dialect = DFM | {"use_sliding_infer": False}
    segmenter = stronger(pipeline.load(write_checkpoint(tmp_path / "a.ckpt", dialect), device="cpu"))
    image, draws, again = picture((22, 36)), Recorder(), Recorder()
    prediction = pipeline.segment(segmenter, image, random=draws)
    assert draws.shapes == [("uniform", (1, 1, 36, 22))] * 5
    oracle = Oracle(segmenter.network, again, "dfm")
    seen = as_seen(image)
    with torch.inference_mode():
        p = torch.full((1, 1, 36, 22), 0.5)
        x = oracle._draw(p)
        for k in range(4):
            p1 = torch.sigmoid(segmenter.network(x, torch.tensor([k / 4]), seen))
            p = (p + (p1 - p) / (1 - k / 4 + 1e-6) / 4).clamp(0, 1)
            x = oracle._draw(p)
    assert np.abs(prediction.score[0] - p1[0, 0].T.numpy()).max() < 2e-5


def test_shuffled_conditions_change_places_within_their_batch_only(tmp_path: Path) -> None:
    segmenter = film_checkpoint(tmp_path / "a.ckpt", DFM)
    rows = conditions(12).astype(np.float32)
    shuffled = RunSettings(film=FilmSettings(mode="shuffle"))
    prediction = pipeline.segment(segmenter, picture((37, 45)), shuffled, condition=rows)
    assert prediction.condition is not None
    orders = [torch.randperm(4, generator=torch.Generator().manual_seed(1234)).numpy() + start for start in (0, 4, 8)]
    assert np.array_equal(prediction.condition, rows[np.concatenate(orders)])
