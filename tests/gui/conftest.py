"""What every test of the window has: a queue that must be empty when the test is over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.jobs import JobQueue


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[JobQueue]:
    """A queue of jobs; the test fails if one of them outlives it."""
    queue = JobQueue()
    yield queue
    left = [job.title for job in queue.jobs if not job.over]
    assert queue.shutdown(5_000), f"these jobs do not stop when cancelled: {left}"
    assert not left, f"these jobs outlived the test: {left}"
    qtbot.waitUntil(lambda: queue.idle)
