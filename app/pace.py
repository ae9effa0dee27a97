"""How long a run still takes, judged by its last half minute."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

SAMPLING = "sampling"
"""The stage of a run that is worth an estimate: its steps take equally long."""
LOOKED_AT_S = 30.0
LEAST_S, LEAST_STEPS = 2.0, 3
"""The first step of a run is often the slowest, so nothing is said before that time or that many steps."""
MOST_POINTS = 4000


class Pace:
    """Told how far the run is whenever that changes. A step back means another run, and begins again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._points: deque[tuple[float, int]] = deque(maxlen=MOST_POINTS)
        self._total = 0

    def note(self, done: int, total: int) -> None:
        if total != self._total or (self._points and done < self._points[-1][1]):
            self._points.clear()
            self._total = total
        if not self._points or done > self._points[-1][1]:
            self._points.append((self._clock(), done))
        while len(self._points) > LEAST_STEPS and self._points[-1][0] - self._points[0][0] > LOOKED_AT_S:
            self._points.popleft()

    def left_s(self) -> float | None:
        """Seconds until the end at the present pace; None while that cannot be said."""
        if len(self._points) < LEAST_STEPS:
            return None
        (began, first), (latest, done) = self._points[0], self._points[-1]
        if latest - began < LEAST_S and done - first < self._total / 2:
            return None
        left = (self._total - done) * (latest - began) / (done - first)
        return max(left - (self._clock() - latest), 0.0)


def left_words(seconds: float | None) -> str:
    """`about 2 h 10 min left`; empty where nothing is known."""
    if seconds is None:
        return ""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 90:
        return f"about {round(seconds / 10) * 10} s left"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min left"
    if minutes >= 120:
        minutes = round(minutes / 10) * 10  # beyond two hours nobody counts single minutes
    hours, rest = divmod(minutes, 60)
    return f"about {hours} h {rest} min left" if rest else f"about {hours} h left"
