"""The window: panels that show records and announce wishes, controllers that decide, jobs that compute."""

from __future__ import annotations

from collections.abc import Sequence


def run(files: Sequence[str], demo: bool = False, screenshot: str | None = None) -> int:
    """Open the window; see `app.main_loop.run`. Imported here only when called, so that importing `app` loads no Qt."""
    from app.main_loop import run as run_window

    return run_window(files, demo, screenshot)
