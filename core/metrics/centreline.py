"""How long centrelines are, and which of their branches were found."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import ndimage

from core.metrics.overlap import Score
from core.records import Array

FOUND = 0.8
"""A branch is found when this share of its pixels lies in the prediction (ATM'22, EXACT'09 for airways)."""


@dataclass(frozen=True, slots=True, eq=False)
class Centreline:
    """A skeleton as a graph. `pixels`: flat indices in the padded array; `neighbours`: (pixels, directions) bool."""

    skeleton: Array
    steps: tuple[tuple[int, ...], ...]
    neighbours: Array


def centreline(skeleton: Array) -> Centreline:
    """Of a boolean skeleton (rows, columns) or (slices, rows, columns)."""
    steps = tuple(step for step in product((-1, 0, 1), repeat=skeleton.ndim) if any(step))
    padded = np.pad(skeleton, 1)
    strides = np.array(padded.strides)
    pixels = np.flatnonzero(padded)
    moves = np.array([int(np.dot(step, strides)) for step in steps])
    return Centreline(skeleton, steps, padded.reshape(-1)[pixels[:, None] + moves])


def length(line: Centreline, spacing: tuple[float, ...]) -> float:
    """The sum of the steps between neighbouring pixels; a diagonal one counts where no shorter ones make its way."""
    index = {step: place for place, step in enumerate(line.steps)}
    total = 0.0
    for step in line.steps[len(line.steps) // 2 :]:  # each pair once: the other half are these backwards
        taken = line.neighbours[:, index[step]].copy()
        for between in _between(step):
            taken &= ~line.neighbours[:, index[between]]
        size = float(np.linalg.norm(np.multiply(step, spacing)))
        total += size * int(np.count_nonzero(taken))
    return total


def branch_recall(reference: Centreline, prediction: Array) -> Score:
    """Share of the branches between ends and junctions, of which at least `FOUND` lies in the prediction (bool)."""
    line = reference.skeleton
    branches = np.zeros_like(line)
    branches[line] = reference.neighbours.sum(axis=1) <= 2
    labels, count = ndimage.label(branches, np.ones((3,) * line.ndim))
    if not count:
        return None, "the reference's centreline has no branch" if line.any() else "the reference is empty"
    sizes = np.bincount(labels[branches], minlength=count + 1)[1:]
    inside = np.bincount(labels[branches & prediction], minlength=count + 1)[1:]
    return int(np.count_nonzero(inside >= FOUND * sizes)) / int(count), ""


def inside(line: Array, mask: Array, whose: str) -> Score:
    """The share of a skeleton's pixels that lie in the other mask."""
    pixels = int(np.count_nonzero(line))
    return (int(np.count_nonzero(line & mask)) / pixels, "") if pixels else (None, f"the {whose} is empty")


def _between(step: tuple[int, ...]) -> list[tuple[int, ...]]:
    """What lies on the way of a diagonal step: steps along some of its axes, not all and not none."""
    choices = product(*((0, part) if part else (0,) for part in step))
    return [choice for choice in choices if any(choice) and choice != step]
