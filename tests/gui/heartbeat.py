"""The longest pause of the GUI thread: a timer that should fire every few milliseconds, and how late it was."""

from __future__ import annotations

import time
from types import TracebackType

from PySide6.QtCore import QTimer

INTERVAL_MS = 5


class Heartbeat:
    """`with Heartbeat() as beat: ...` and then `beat.longest_ms`: the longest time in which no event was handled.

    The body must run the event loop (`qtbot.waitUntil`, `qtbot.waitSignal`) while that is to be measured.
    """

    def __init__(self) -> None:
        self.pauses_ms: list[float] = []
        self._last = 0.0
        self._timer = QTimer(interval=INTERVAL_MS)
        self._timer.timeout.connect(self._on_beat)

    @property
    def longest_ms(self) -> float:
        return max(self.pauses_ms, default=0.0)

    def __enter__(self) -> Heartbeat:
        self._last = time.perf_counter()
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._on_beat()
        self._timer.stop()

    def _on_beat(self) -> None:
        now = time.perf_counter()
        self.pauses_ms.append((now - self._last) * 1000)
        self._last = now
