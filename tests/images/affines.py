"""Random affines for property tests: any axis order, flips, slants, spacings and positions."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

Affine = np.ndarray[Any, np.dtype[np.float64]]


def affine_from(
    order: tuple[int, int, int],
    flips: tuple[bool, bool, bool],
    steps: tuple[float, float, float],
    angles: tuple[float, float, float],
    origin: tuple[float, float, float],
) -> Affine:
    """Array axis `a` runs along world axis `order[a]`, reversed where `flips[a]`; then all is turned by `angles`."""
    unit = np.zeros((3, 3))
    for axis, world in enumerate(order):
        unit[world, axis] = -1 if flips[axis] else 1
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ unit * steps
    affine[:3, 3] = origin
    return affine


def triples(one: Any) -> Any:
    return st.tuples(one, one, one)


def affines(largest_angle: float = 40) -> st.SearchStrategy[Affine]:
    """Straight ones are as likely as oblique ones."""
    return st.builds(
        affine_from,
        st.permutations(range(3)).map(tuple),
        triples(st.booleans()),
        triples(st.floats(0.05, 8)),
        st.one_of(st.just((0.0, 0.0, 0.0)), triples(st.floats(-largest_angle, largest_angle))),
        triples(st.floats(-400, 400)),
    )
