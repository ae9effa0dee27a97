"""Results by key: what each run came to, what runs now, and the numbers. Part of the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app.items import MeasureKey, RunKey, RunState
from app.jobs import Failure
from core import pipeline
from core.progress import Progress
from core.records import Measurement, Prediction

BYTES_KEPT = 1 << 30  # predictions with all their steps are large; the oldest are computed again when asked for
WAITING = RunState(state="waiting", message="Waiting for its turn")


class Outcomes:
    """A result is filed under the key it was computed for, whatever is shown by then."""

    def __init__(self, bytes_kept: int = BYTES_KEPT) -> None:
        self.measurements: dict[MeasureKey, Measurement | Failure] = {}
        self.curves: dict[RunKey, tuple[float | None, ...]] = {}
        self.other_curves: dict[tuple[RunKey, str], tuple[float | None, ...]] = {}
        """Along the steps, by name: all but Dice."""
        self._ended: dict[RunKey, Prediction | Failure] = {}
        self._running: dict[str, tuple[RunKey, Progress | None]] = {}
        self._cancelled: dict[str, RunKey] = {}
        self._bytes_kept = bytes_kept

    def outcome(self, key: RunKey) -> Prediction | Failure | None:
        return self._ended.get(key)

    def running(self, column: str) -> RunKey | None:
        """The key of the run that a column waits for."""
        return self._running[column][0] if column in self._running else None

    def progress_of(self, column: str) -> Progress | None:
        """How far the run is that a column waits for; None before it begins."""
        return self._running[column][1] if column in self._running else None

    @property
    def busy(self) -> bool:
        return bool(self._running)

    def was_cancelled(self, column: str, key: RunKey) -> bool:
        return self._cancelled.get(column) == key

    def state(self, column: str, key: RunKey) -> RunState:
        """What the column shows if it wants `key`."""
        ended = self._ended.get(key)
        if self.running(column) == key:
            progress = self._running[column][1]
            return RunState(state="running", progress=progress) if progress else WAITING
        if isinstance(ended, Failure):
            return RunState(state="error", failure=ended)
        if ended is not None:
            self._ended[key] = self._ended.pop(key)  # what is looked at is the last to go
            return RunState(state="result", prediction=ended)
        if self.was_cancelled(column, key):
            return RunState(state="cancelled", message="Cancelled. Press Run to start again.")
        return WAITING

    def start(self, column: str, key: RunKey) -> None:
        """A run for `key` is queued; what it came to before is void."""
        self._ended.pop(key, None)
        self._cancelled.pop(column, None)
        self._running[column] = (key, None)

    def progress(self, column: str, key: RunKey, progress: Progress) -> bool:
        """Note the progress of a run; False if the column waits for another one by now."""
        current = self.running(column) == key
        if current:
            known = self._running[column][1]
            if progress.step is None and known is not None:  # the last step stays until the next
                progress = replace(progress, step=known.step)
            self._running[column] = (key, progress)
        return current

    def stop(self, column: str) -> None:
        """The column waits for nothing any more; its run, if any, counts as cancelled."""
        if column in self._running:
            self._cancelled[column] = self._running.pop(column)[0]

    def abandon(self, column: str) -> None:
        """The column waits for another run by now; the old one is neither shown nor counts as cancelled."""
        self._running.pop(column, None)

    def file(self, column: str, key: RunKey, outcome: Prediction | Failure) -> None:
        """Keep what a run came to. The oldest predictions go when they take too much memory."""
        self._ended.pop(key, None)
        self._ended[key] = outcome
        if self.running(column) == key:
            del self._running[column]
        self._make_room(key)

    def forget(self, matches: Callable[[RunKey], bool]) -> None:
        """Drop the results whose key matches."""
        self._ended = {key: value for key, value in self._ended.items() if not matches(key)}
        self.forget_measurements(matches)

    def forget_measurements(self, matches: Callable[[RunKey], bool]) -> None:
        """Drop the numbers whose key matches, not the predictions."""
        self.curves = {key: value for key, value in self.curves.items() if not matches(key)}
        self.other_curves = {key: value for key, value in self.other_curves.items() if not matches(key[0])}
        self.measurements = {key: value for key, value in self.measurements.items() if not matches(key.run)}

    def _make_room(self, newest: RunKey) -> None:
        sizes = {key: pipeline.size_bytes(value) for key, value in self._ended.items() if isinstance(value, Prediction)}
        total = sum(sizes.values())
        for key, size in sizes.items():
            if total <= self._bytes_kept or key == newest:
                break
            self._ended.pop(key)
            total -= size
