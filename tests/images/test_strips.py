"""Slices across the columns of a large volume come from strips that hold what the volume holds."""

from __future__ import annotations

import gc
import random

import numpy as np
import pytest

from core.images import strips
from core.images.strips import across_columns
from core.records import Array


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small volumes count as large here."""
    monkeypatch.setattr(strips, "LEAST_BYTES", 0)
    monkeypatch.setattr(strips, "_known", {})


def volume(columns: int = 100, seed: int = 0) -> Array:
    made = np.random.default_rng(seed).integers(0, 9999, (7, 5, columns)).astype(np.int16)
    made.setflags(write=False)
    return made


def walks() -> list[list[int]]:
    draw, wander = random.Random(0), [50]
    for _ in range(400):
        wander.append(min(max(wander[-1] + draw.choice([1, 1, 1, -1, 0, 7, -13]), 0), 99))
    there = list(range(100))
    return [there, there[::-1], there + there[::-1], [5, 6, 90, 91, 92, 6, 7, 5, 4, 3], wander]


@pytest.mark.parametrize("walk", walks())
def test_every_slice_of_a_walk_is_that_of_the_volume(walk: list[int]) -> None:
    whole = volume()
    for index in walk:
        plane = across_columns(whole, index)
        np.testing.assert_array_equal(plane, whole[:, :, index])
        assert not plane.flags.writeable


def test_who_goes_step_by_step_gets_slices_in_one_piece_and_who_jumps_a_view() -> None:
    whole = volume()
    assert np.shares_memory(across_columns(whole, 40), whole)
    for index in (41, 42, 60, 61, 62, 61):
        plane = across_columns(whole, index)
        assert plane.flags.c_contiguous == (index != 60)


def test_the_strip_ahead_is_gathered_in_even_parts_before_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, gathered = np.zeros((64, 5, 200), np.int16), []
    whole.setflags(write=False)
    genuine = strips._Strip.gather

    def counting(strip: strips._Strip, of: Array, turns: int) -> None:
        before = strip._done
        genuine(strip, of, turns)
        gathered[-1] += (strip._done - before) * (strip.stop - strip.start)

    monkeypatch.setattr(strips._Strip, "gather", counting)
    for index in range(20, 150):
        gathered.append(0)
        across_columns(whole, index)
    assert gathered[0] == 0
    assert max(gathered[10:]) <= 2 * 64  # slices of one column each, where a whole strip has 32 * 64
    assert sum(gathered) <= 64 * 180


def test_two_volumes_do_not_meet_and_one_that_is_gone_leaves_nothing() -> None:
    first, second = volume(seed=1), volume(seed=2)
    for index in range(30, 50):
        np.testing.assert_array_equal(across_columns(first, index), first[:, :, index])
        np.testing.assert_array_equal(across_columns(second, index), second[:, :, index])
    del first
    gc.collect()
    across_columns(second, 50)
    assert len(strips._known) == 1


def test_what_may_be_written_to_is_never_remembered() -> None:
    whole = np.zeros((7, 5, 100), np.int16)
    for index in range(10, 20):
        across_columns(whole, index)
    whole += 1
    assert across_columns(whole, 15).all()
