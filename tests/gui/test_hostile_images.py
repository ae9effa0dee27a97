"""Hostile and odd images dropped on the window: each is shown or refused in words, and the window goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.settings import Settings
from app.window import MainWindow
from tests.gui.conftest import check_nothing_runs
from tests.gui.dropping import drop
from tests.hostile.manifest import HOSTILE, entries
from tests.shared_data import needs_shared


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    made = MainWindow(Settings(tmp_path / "settings.ini"))
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    yield made
    check_nothing_runs(made.queue)


def told(qtbot: QtBot, window: MainWindow, path: Path) -> tuple[str, str]:
    """What became of a dropped image, and all that was said about it."""
    before = len(window.store.notes)
    assert drop(window.parts.view, [path])
    qtbot.waitUntil(lambda: str(path) in window.store.cases or len(window.store.notes) > before + 1, timeout=20_000)
    qtbot.waitUntil(lambda: window.queue.idle, timeout=20_000)
    notes = window.store.notes[before:]
    item = window.store.cases.get(str(path))
    assert item is not None
    assert item.state in ("ready", "failed")
    return item.state, "\n".join(f"{note.text}\n{note.remedy}" for note in notes if note.severity != "ok")


@needs_shared
def test_every_hostile_image_is_shown_or_refused_in_words(qtbot: QtBot, window: MainWindow) -> None:
    wrong = []
    for entry in entries("image"):
        state, said = told(qtbot, window, HOSTILE / entry["file"])
        wrong += [f"{entry['file']}: {state}, {said!r}"] * (not as_the_manifest_says(entry, state, said))
        assert "Traceback" not in said
        assert window.isVisible()
    assert wrong == []


def as_the_manifest_says(entry: dict[str, Any], state: str, said: str) -> bool:
    outcome = "open" if state == "ready" else "refuse"
    words = entry.get("message_should_mention_any") or ()
    mentioned = not words or any(word.lower() in said.lower() for word in words)
    return outcome in {entry["expected"], *entry["also_ok"]} and mentioned and bool(said or outcome == "open")


@needs_shared
def test_a_refused_image_leaves_nothing_of_the_one_before_on_the_screen(qtbot: QtBot, window: MainWindow) -> None:
    assert told(qtbot, window, HOSTILE / "ok_normal.nii.gz")[0] == "ready"
    assert window.parts.view.case() is not None
    state, said = told(qtbot, window, HOSTILE / "truncated_pixels.nii")
    assert state == "failed"
    assert window.parts.view.case() is None
    assert window.parts.banner.isVisible()
    assert said.startswith(window.parts.banner.text.text())
