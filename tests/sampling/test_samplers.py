"""Samplers against what they must equal: torchdiffeq, ODEs solved by hand, and the counting of draws."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torchdiffeq import odeint

from core.sampling.continuous import FIXED, TOLERANCE, sample_continuous, sample_fixed
from core.sampling.discrete import draw_count, sample_discrete
from core.sampling.draws import SeededDraws, WindowDraws, as_tensor


def wavy(x: Tensor, t: Tensor) -> Tensor:
    return torch.sin(7 * t)[:, None, None, None] * x + torch.cos(3 * x)


def test_continuous_points_are_torchdiffeqs_to_the_last_bit() -> None:
    noise = torch.randn(3, 2, 5, 4, generator=torch.Generator().manual_seed(1))
    grid = torch.linspace(0, 1, 9)
    whole = odeint(lambda t, x: wavy(x, t.expand(3)), noise, grid, method="dopri5", rtol=TOLERANCE, atol=TOLERANCE)
    points = list(sample_continuous(wavy, noise, 9))
    assert torch.equal(torch.stack([point.state for point in points]), whole)
    assert [point.index for point in points] == list(range(9))


def test_an_ode_solved_by_hand() -> None:
    """dx/dt = x from 1: x(t) = e^t, and the clean estimate at t is e^t + (1 - t) e^t."""
    points = list(sample_continuous(lambda x, t: x, torch.ones(1, 1, 1, 1), 5))
    for point in points:
        assert float(point.state) == pytest.approx(math.exp(point.t), abs=1e-3)
        assert float(point.estimate) == pytest.approx((2 - point.t) * math.exp(point.t), abs=5e-3)
    assert torch.equal(points[-1].state, points[-1].estimate)


def test_a_straight_flow_knows_its_end_from_the_start() -> None:
    """With the constant velocity target - noise every estimate is the target."""
    noise, target = torch.randn(1, 1, 4, 4), torch.full((1, 1, 4, 4), 0.7)
    for point in sample_continuous(lambda x, t: target - noise, noise, 4):
        assert torch.allclose(point.estimate, target, atol=1e-5)


@pytest.mark.parametrize("solver", FIXED)
def test_fixed_steps_are_torchdiffeqs(solver: str) -> None:
    noise = torch.randn(3, 2, 5, 4, generator=torch.Generator().manual_seed(1))
    calls: list[float] = []

    def counted(x: Tensor, t: Tensor) -> Tensor:
        calls.append(float(t[0]))
        return wavy(x, t)

    points = list(sample_fixed(counted, noise, 9, solver))
    assert len(calls) == (8 if solver == "euler" else 16)
    method = {"heun": "heun2"}.get(solver, solver)
    whole = odeint(lambda t, x: wavy(x, t.expand(3)), noise, torch.linspace(0, 1, 9), method=method)
    assert torch.allclose(torch.stack([point.state for point in points]), whole, atol=1e-6)
    assert [point.index for point in points] == list(range(9))
    assert torch.equal(points[-1].state, points[-1].estimate)


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("midpoint", 2), ("heun", 2)])
def test_fixed_steps_have_the_order_of_their_solver(solver: str, order: int) -> None:
    """dx/dt = x from 1: half the step, and the error at the end is 2 ** order times smaller."""

    def error(steps: int) -> float:
        start = torch.ones(1, 1, 1, 1, dtype=torch.float64)
        *_, last = sample_fixed(lambda x, t: x, start, steps + 1, solver)
        return abs(float(last.state) - math.e)

    assert error(16) / error(32) == pytest.approx(2**order, rel=0.1)


def test_the_first_estimate_of_fixed_steps_needs_no_more_than_the_velocity() -> None:
    (first, *_) = sample_fixed(lambda x, t: 2 * x, torch.ones(1, 1, 1, 1), 3, "heun")
    assert float(first.estimate) == 3


class Counting(SeededDraws):
    drawn = 0

    def uniform(self, shape: tuple[int, ...]) -> Tensor:
        self.drawn += 1
        return super().uniform(shape)


@pytest.mark.parametrize("heun", [False, True])
def test_discrete_sampling_draws_and_calls_as_often_as_the_producer(heun: bool) -> None:
    calls: list[float] = []

    def logits(x: Tensor, t: Tensor) -> Tensor:
        calls.append(float(t[0]))
        assert set(x.unique().tolist()) <= {0.0, 1.0}
        return torch.full_like(x, 2.0)

    draws = Counting(3)
    points = list(sample_discrete(logits, (2, 1, 4, 4), draws, torch.device("cpu"), steps=5, eps=1e-6, heun=heun))
    assert draws.drawn == draw_count(5, heun) == (11 if heun else 6)
    assert len(calls) == (10 if heun else 5)
    assert [point.t for point in points] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
    assert torch.allclose(points[-1].estimate, torch.sigmoid(torch.tensor(2.0)))


def test_a_certain_network_turns_every_pixel_on() -> None:
    draws = SeededDraws(0)
    field = lambda x, t: torch.full_like(x, 30.0)  # noqa: E731
    points = list(sample_discrete(field, (1, 1, 8, 8), draws, torch.device("cpu"), steps=4, eps=1e-6, heun=False))
    shares = [float(point.state.mean()) for point in points]
    assert shares[0] < 0.8
    assert shares[-1] > 0.85


def test_a_seed_repeats_and_children_are_independent_of_order() -> None:
    first, again = SeededDraws(5), SeededDraws(5)
    assert torch.equal(first.normal((3,)), again.normal((3,)))
    assert torch.equal(first.child(2).uniform((4,)), again.child(2).uniform((4,)))
    assert not torch.equal(first.child(2).uniform((4,)), first.child(3).uniform((4,)))
    assert not torch.equal(SeededDraws(5).normal((3,)), SeededDraws(6).normal((3,)))


def test_draws_of_a_window_do_not_depend_on_its_batch() -> None:
    alone = WindowDraws([SeededDraws(1).child(7)]).normal((1, 2, 3))
    together = WindowDraws([SeededDraws(1).child(n) for n in (6, 7)]).normal((2, 2, 3))
    assert torch.equal(alone[0], together[1])


def test_a_recorded_draw_of_another_shape_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"\[2, 3\].*\[3, 2\]"):
        as_tensor(torch.zeros(2, 3), (3, 2), torch.device("cpu"))
