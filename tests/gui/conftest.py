"""What every test of the window has: a queue that must be empty at the end, a stand-in for core, a window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.jobs import JobQueue
from app.settings import Settings
from app.window import MainWindow
from tests.gui import standins


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[JobQueue]:
    """A queue of jobs; the test fails if one of them outlives it."""
    queue = JobQueue()
    yield queue
    check_nothing_runs(queue)
    qtbot.waitUntil(lambda: queue.idle)


@pytest.fixture
def verbs(monkeypatch: pytest.MonkeyPatch) -> standins.FakePipeline:
    """The pipeline without files and without torch."""
    return standins.install(monkeypatch)


@pytest.fixture
def window(qtbot: QtBot, verbs: standins.FakePipeline, tmp_path: Path) -> Iterator[MainWindow]:
    """A shown window with its own settings; the test fails if one of its jobs outlives it."""
    shown = MainWindow(Settings(tmp_path / "settings.ini"))
    qtbot.addWidget(shown)
    shown.resize(1280, 800)
    shown.show()
    qtbot.waitExposed(shown)
    yield shown
    verbs.gate.set()
    qtbot.waitUntil(lambda: shown.queue.idle)
    check_nothing_runs(shown.queue)


@pytest.fixture
def genuine_window(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    """A shown window on the real pipeline, with its own settings; every job has ended when the test has."""
    shown = MainWindow(Settings(tmp_path / "settings.ini"))
    qtbot.addWidget(shown)
    shown.resize(1300, 900)
    shown.show()
    yield shown
    qtbot.waitUntil(lambda: shown.queue.idle, timeout=60_000)
    check_nothing_runs(shown.queue)


def check_nothing_runs(queue: JobQueue) -> None:
    left = [job.title for job in queue.jobs if not job.over]
    assert queue.shutdown(5_000), f"these jobs do not stop when cancelled: {left}"
    assert not left, f"these jobs outlived the test: {left}"
