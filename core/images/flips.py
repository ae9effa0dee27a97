"""Is a mask the mirror image of the one it should fit? A warning for exports that lost their orientation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from core.errors import ShapeMismatch
from core.images.geometry import affine_problem, axis_codes
from core.images.raster import warning
from core.records import Array, Finding

MIN_FLIPPED_DICE = 0.5
"""A mirrored mask must fit reasonably by itself: two thin trees that miss each other gain by chance, but not so far."""
MIN_GAIN = 0.25
"""And better than as it lies by this much. Measured on the 92 vessel masks of the test data, two by two: the mask of
another patient gains at most 0.24 by any flip and never gets beyond 0.26; a mask against its own mirror image gains at
least 0.6. A nearly symmetric organ gains nothing: mirrored or not, it fits."""
MIN_VOXELS = 20
"""A few voxels are mirrored onto each other by chance."""
MAX_COMPARED = 8 * 1024 * 1024
"""Larger volumes are compared on every second, third, ... slice, which says the same and takes no second."""
WORDS = {"L": "left-right", "R": "left-right", "A": "front-back", "P": "front-back", "S": "head-feet", "I": "head-feet"}
SCREEN_WORDS = ("first slice-last slice", "top-bottom", "left-right on the picture")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """Array axes that are reversed, after rows and columns have been swapped if `transposed`."""

    axes: tuple[int, ...]
    transposed: bool = False

    def apply(self, volume: Array) -> Array:
        """A view."""
        turned = volume.swapaxes(1, 2) if self.transposed else volume
        return turned[tuple(slice(None, None, -1) if axis in self.axes else slice(None) for axis in range(3))]


def flip_suspected(prediction: Array, reference: Array, affine: Array | None = None) -> tuple[Finding, ...]:
    """A warning `labels.flip-suspected` when a mirrored prediction fits the reference far better than it does as it is.

    Both: (slices, rows, columns) bool or integers on one grid, 0 = background, else ShapeMismatch. Tried: every set of
    axes reversed and, for square slices, the same with rows and columns swapped. The rule: Dice of the best is at least
    0.5 and at least 0.25 above that of the prediction as it lies; nothing is said of masks under 20 voxels.
    """
    prediction, reference = np.asarray(prediction), np.asarray(reference)
    if prediction.shape != reference.shape or prediction.ndim != 3:
        raise ShapeMismatch(f"Two masks on one grid are compared, not {prediction.shape} and {reference.shape}.")
    if min(np.count_nonzero(prediction), np.count_nonzero(reference)) < MIN_VOXELS:
        return ()
    if not _both_of_many(prediction, reference):
        prediction, reference = prediction > 0, reference > 0
    as_is = _dice(prediction, reference)
    if as_is > 1 - MIN_GAIN:
        return ()
    best, dice = max(
        ((flip, _dice(flip.apply(prediction), reference)) for flip in _flips(prediction.shape)),
        key=lambda found: found[1],
        default=(Flip(axes=()), 0.0),
    )
    if dice < MIN_FLIPPED_DICE or dice - as_is < MIN_GAIN:
        return ()
    return (_finding(best, dice, as_is, affine),)


def _flips(shape: tuple[int, ...]) -> Iterator[Flip]:
    """Simple ones first: of two that fit equally well the simpler is named."""
    axes = [axis for axis in range(3) if shape[axis] > 1]
    sets = [chosen for count in range(len(axes) + 1) for chosen in combinations(axes, count)]
    yield from (Flip(axes=chosen) for chosen in sets if chosen)
    if shape[1] == shape[2] > 1:
        yield from (Flip(axes=chosen, transposed=True) for chosen in sets)


def _both_of_many(prediction: Array, reference: Array) -> bool:
    """Both carry the same several labels: then left and right organs must not be taken for each other."""
    some = [mask[:: _stride(mask)] for mask in (prediction, reference) if mask.dtype != bool]
    found = [set(np.unique(mask[mask > 0]).tolist()) for mask in some]
    return len(found) == 2 and len(found[0] & found[1]) > 1


def _dice(first: Array, second: Array) -> float:
    """Of equal labels, on slices that are evenly spread over a large volume. 0 where both are empty."""
    first, second = first[:: _stride(first)], second[:: _stride(second)]
    marked = np.count_nonzero(first) + np.count_nonzero(second)
    shared = np.count_nonzero((first == second) & (first != 0))
    return 2 * shared / marked if marked else 0.0


def _stride(volume: Array) -> int:
    return math.ceil(volume.size / MAX_COMPARED)


def _finding(flip: Flip, dice: float, as_is: float, affine: Array | None) -> Finding:
    return warning(
        "labels.flip-suspected",
        f"The two masks fit far better when one is {in_words(flip, affine)}: Dice {dice:.2f} instead of {as_is:.2f}.",
        "Check how both files were exported; what is measured now compares different places.",
    )


def in_words(flip: Flip, affine: Array | None) -> str:
    """`mirrored left-right`, `with rows and columns swapped, then mirrored top-bottom`; by the body where known."""
    words: tuple[str, ...] = SCREEN_WORDS
    if affine is not None and not affine_problem(affine):
        words = tuple(WORDS[code] for code in axis_codes(affine))
    mirrored = "mirrored " + " and ".join(words[axis] for axis in flip.axes) if flip.axes else ""
    if not flip.transposed:
        return mirrored
    return "with rows and columns swapped" + (f", then {mirrored}" if mirrored else "")
