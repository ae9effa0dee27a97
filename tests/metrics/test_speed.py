"""The speed that is promised, by the time of the process: others on the machine do not count."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from core import pipeline
from tests.bench.bench_metrics import organs, vessels


def seconds(work: Callable[[], object], runs: int) -> float:
    taken = []
    for _ in range(runs):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def test_all_measures_of_a_picture_take_less_than_sixty_milliseconds() -> None:
    prediction, reference = vessels()
    pipeline.measure(prediction, reference)  # imports
    assert seconds(lambda: pipeline.measure(prediction, reference), 5) < 0.060


def test_all_measures_of_five_organs_in_a_large_volume_take_less_than_three_seconds() -> None:
    prediction, reference = organs()
    measured = []
    assert seconds(lambda: measured.append(pipeline.measure(prediction, reference, labels="each")), 1) < 3
    assert {value.label for value in measured[0].values} == {1, 2, 3, 4, 5}


def test_the_cost_follows_the_objects_not_the_volume() -> None:
    large = np.zeros((200, 300, 300), np.uint8)
    large[90:100, 90:105, 90:105] = 1
    small = large[85:105, 85:110, 85:110]
    alone = seconds(lambda: pipeline.measure(small, small, labels=(1,)), 3)
    assert seconds(lambda: pipeline.measure(large, large, labels=(1,)), 3) < alone + 0.25
