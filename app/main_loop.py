"""From the command line to the window and back: `run` opens it, and without a screen takes its picture instead."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pyqtgraph as pg
from PySide6.QtCore import QEventLoop, QSize, QTimer
from PySide6.QtWidgets import QApplication

from app.jobs import Job
from app.settings import Settings
from app.window import MainWindow
from core import pipeline

FAILED = 1
POLL_MS = 100
SETTLE_MS = 400  # delayed panels and thumbnails are drawn by then
LONGEST_MS = 10 * 60 * 1000
PICTURE = "flowglass-demo.png"
PICTURE_SIZE = QSize(1600, 1000)


def run(files: Sequence[str], demo: bool = False, screenshot: str | None = None) -> int:
    """Show the window with `files` opened; returns the exit code when it is closed.

    With `screenshot`, or for the demo where there is no screen: wait for all runs, write a picture of the window, say
    where it is, and leave; the code is 1 if a run failed.
    """
    if demo and screenshot is None and not has_screen():
        screenshot = PICTURE
    if not has_screen():
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = make_application()
    window = MainWindow(Settings())
    if not has_screen():
        window.resize(PICTURE_SIZE)  # the offscreen platform pretends to a screen too small to show anything on
    window.show()
    window.queue.start(Job(pipeline.warm_up, "Getting ready"), lane="model")
    QTimer.singleShot(0, lambda: window.open(files))
    return application.exec() if screenshot is None else take_picture(window, Path(screenshot))


def make_application() -> QApplication:
    existing = QApplication.instance()
    application = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    application.setApplicationName("flowglass")
    application.setApplicationDisplayName("Flowglass")
    pg.setConfigOptions(imageAxisOrder="row-major")
    return application


def has_screen() -> bool:
    """Whether a window can be shown: always, except on a Unix without a display."""
    if "QT_QPA_PLATFORM" in os.environ:
        return os.environ["QT_QPA_PLATFORM"] not in {"offscreen", "minimal"}
    if sys.platform in {"win32", "darwin"}:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def take_picture(window: MainWindow, path: Path) -> int:
    """Wait for everything to end, write the window to `path`, and close it."""
    ended = wait_until_idle(window)
    written = window.grab().save(str(path), "PNG")
    states = [window.store.run_state(column).state for column in window.store.columns]
    window.close()
    if not written:
        print(f"{path}: the picture could not be written. Check that the folder exists.", file=sys.stderr)
    else:
        print(f"The picture of the window is in {path.resolve()}")
    return 0 if ended and written and all(state == "result" for state in states) else FAILED


def wait_until_idle(window: MainWindow, longest_ms: int = LONGEST_MS) -> bool:
    """Run the event loop until no job is left for a while; False if that takes longer than `longest_ms`."""
    loop, quiet = QEventLoop(), 0
    poll = QTimer(interval=POLL_MS)

    def look() -> None:
        nonlocal quiet
        quiet = quiet + POLL_MS if window.queue.idle else 0
        if quiet > SETTLE_MS:
            loop.exit(0)

    poll.timeout.connect(look)
    poll.start()
    QTimer.singleShot(longest_ms, loop, lambda: loop.exit(FAILED))
    return loop.exec() == 0
