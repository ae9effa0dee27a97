"""The steps of a run that goes on, thinned as it gets longer: a thousand whole pictures would fill the memory."""

from __future__ import annotations

from typing import Literal

from app.canvas.axis import step_words
from app.canvas.frame import LiveStep

MOST_KEPT = 64


class LiveSteps:
    """Steps in the order they came. Of a long run every second is kept, then every fourth, and so on."""

    def __init__(self) -> None:
        self.kept: list[LiveStep] = []
        self.newest: LiveStep | None = None
        self.total = 0
        self._apart = 1

    def add(self, live: LiveStep, total: int) -> Literal["nothing", "newest", "one", "all"]:
        """Take a step of a run of `total`; returns what is another now: only the newest step, one more kept, or all."""
        before, self.newest, self.total = self.newest, live, total
        if before is not None and before.step is live.step:
            return "nothing"  # the run has gone on, but not to another step
        if before is None or live.step.index <= before.step.index:
            self.kept, self._apart = [live], 1
            return "all"
        if live.step.index - self.kept[-1].step.index < self._apart:
            return "newest"
        self.kept.append(live)
        return self._thin() if len(self.kept) > MOST_KEPT else "one"

    def _thin(self) -> Literal["all"]:
        self.kept, self._apart = self.kept[::2], 2 * self._apart
        return "all"

    def words(self) -> str:
        """How far the run is."""
        if self.newest is None:
            return ""
        if self.newest.axis == "time":
            return f"running, step {self.newest.step.index + 1} of {self.total}"
        return f"running, {step_words(self.newest.axis, self.newest.step)}"
