"""While something runs, the window goes on: no pause of the GUI thread reaches 100 ms."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from app.window import MainWindow
from core.progress import Progress, Report
from tests.gui import fakes
from tests.gui.dropping import drop
from tests.gui.heartbeat import Heartbeat
from tests.gui.standins import FakePipeline

LIMIT_MS = 100
STEPS = 60


def busy_work(report: Report) -> None:
    """Half a second that holds the interpreter as sampling does: numpy between stretches of plain Python."""
    truth = np.stack([fakes.vessels(512, 512)])
    for index in range(STEPS):
        step = fakes.step(index, (index + 1) / STEPS, truth, (0.0, 1.0))
        total = sum(number * number for number in range(20_000))
        report(Progress(done=index + 1, total=STEPS, stage="sampling", step=step if total else None))


@pytest.mark.timeout(120)
def test_the_window_does_not_stall_during_a_run(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    drop(window.parts.view, ["/data/best.ckpt", "/data/01.png", "/data/01.mask"])  # fonts and styles are loaded by this
    qtbot.waitUntil(lambda: window.queue.idle)
    verbs.work = busy_work
    before = len(verbs.runs)
    with Heartbeat() as beat:
        for seed in (1, 2):
            window.parts.run.seed.setValue(seed)
            window.parts.run.run_button.click()
            qtbot.waitUntil(lambda: window.queue.idle, timeout=60_000)
            qtbot.wait(200)
    assert len(verbs.runs) == before + 2
    assert beat.longest_ms < LIMIT_MS, sorted(beat.pauses_ms)[-5:]


def test_the_heartbeat_sees_a_pause(qtbot: QtBot) -> None:
    """Else the test above could pass because the timer never fires."""
    with Heartbeat() as beat:
        qtbot.wait(30)
        time.sleep(0.15)
        QCoreApplication.processEvents()
    assert beat.longest_ms > 140
    assert len(beat.pauses_ms) > 3
