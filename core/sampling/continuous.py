"""Continuous flow matching: dx/dt = v(x, t) from noise at t = 0 to a mask at t = 1 (spec 9.1).

With adaptive dopri5, as the producers do, or with a solver of fixed steps, which a person asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torchdiffeq._impl.misc import _check_inputs
from torchdiffeq._impl.odeint import SOLVERS

from core.sampling.point import Field, Point

TOLERANCE = 1e-4


def sample_continuous(velocity: Field, noise: Tensor, timesteps: int) -> Iterator[Point]:
    """Yield `timesteps` points on linspace(0, 1); the last one is x(1).

    The grid only says where the solution is reported (dense interpolation); the solver chooses its own steps, one size
    for the whole batch. The estimate is x_t + (1 - t) v with v the slope of the solver's dense solution at t, which is
    the network's own velocity at the ends of each solver step: no network call is spent on it.
    """
    grid = torch.linspace(0, 1, timesteps, device=noise.device)
    solver = _Dopri5(velocity, noise, grid)
    yield Point(0, 0.0, noise, noise + solver.slope(grid[0]))
    for index in range(1, timesteps):
        t = grid[index]
        state = solver.advance(t)
        last = index == timesteps - 1
        yield Point(index, float(t), state, state if last else state + (1 - t) * solver.slope(t))


FIXED = ("euler", "midpoint", "heun")


def sample_fixed(velocity: Field, noise: Tensor, timesteps: int, solver: str) -> Iterator[Point]:
    """The same points with one step of `FIXED` between two of them: one network call (euler), else two.

    The estimate is x_t + (1 - t) v with the velocity at the start of the step. Results are those of torchdiffeq's
    `euler`, `midpoint` and `heun2`; a contract test compares them.
    """
    grid = torch.linspace(0, 1, timesteps, device=noise.device)

    def slope(t: Tensor, x: Tensor) -> Tensor:
        return velocity(x, t.expand(x.shape[0]))

    state = noise
    for index in range(timesteps - 1):
        t, width = grid[index], grid[index + 1] - grid[index]
        first = slope(t, state)
        yield Point(index, float(t), state, state + (1 - t) * first)
        state = state + width * _mean_slope(slope, solver, t, width, state, first)
    yield Point(timesteps - 1, 1.0, state, state)


def _mean_slope(
    slope: Callable[[Tensor, Tensor], Tensor], solver: str, t: Tensor, width: Tensor, state: Tensor, first: Tensor
) -> Tensor:
    if solver == "midpoint":
        return slope(t + width / 2, state + width / 2 * first)
    if solver == "heun":
        return (first + slope(t + width, state + width * first)) / 2
    return first


class _Dopri5:
    """torchdiffeq's dopri5, advanced from one grid point to the next.

    `odeint` returns everything at the end; a person wants every step as it happens. This drives the same solver object
    in the same order (`_before_integrate`, then `_advance` per point), so results are odeint's to the last bit; a
    contract test compares them. Checked with torchdiffeq 0.2.5.
    """

    def __init__(self, velocity: Field, noise: Tensor, grid: Tensor) -> None:
        def slope_at(t: Tensor, x: Tensor) -> Tensor:
            return velocity(x, t.expand(x.shape[0]))

        _, func, y0, t, rtol, atol, method, options, _, _ = _check_inputs(
            slope_at, noise, grid, TOLERANCE, TOLERANCE, "dopri5", None, None, SOLVERS
        )
        self._solver = SOLVERS[method](func=func, y0=y0, rtol=rtol, atol=atol, **options)
        self._grid = t.to(self._solver.dtype)
        self._solver._before_integrate(self._grid)

    def advance(self, t: Tensor) -> Tensor:
        state: Tensor = self._solver._advance(t.to(self._solver.dtype))
        return state

    def slope(self, t: Tensor) -> Tensor:
        """dx/dt of the dense solution at `t`, which must lie in the solver's last step."""
        rk = self._solver.rk_state
        if rk.t1 == rk.t0:  # before the first step only the first velocity is known
            first: Tensor = rk.f1
            return first
        width = rk.t1 - rk.t0
        x = ((t.to(self._solver.dtype) - rk.t0) / width).to(rk.y1.dtype)
        _, d, c, b, a = rk.interp_coeff  # position = e + d x + c x^2 + b x^3 + a x^4
        out: Tensor = (d + x * (2 * c + x * (3 * b + x * 4 * a))) / width.to(rk.y1.dtype)
        return out
