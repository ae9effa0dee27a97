"""The window: panels that show records and announce wishes, controllers that decide, jobs that compute."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from core import pipeline


def run(files: Sequence[str], demo: bool = False, screenshot: str | None = None) -> int:
    """Open the window; see `app.main_loop.run`. Imported here only when called, so that importing `app` loads no Qt."""
    if sys.platform == "win32":
        pipeline.warm_up()  # there, torch >= 2.9 must be imported before Qt, or loading its libraries fails

    from app.main_loop import run as run_window

    return run_window(files, demo, screenshot)
