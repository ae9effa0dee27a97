"""The animation of the scrub, asked for in the window: what is chosen is drawn, by the genuine writer."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.animation_dialog import AnimationDialog
from app.window import MainWindow
from core import pipeline
from core.progress import Progress
from core.records import AnimationOptions
from tests.gui.standins import FakePipeline
from tests.gui.test_window import open_pair, settle


def dialog_of(window: MainWindow) -> AnimationDialog:
    window.actions_by_id["file.animation"].trigger()
    (dialog,) = window.findChildren(AnimationDialog)
    return dialog


def choose(monkeypatch: pytest.MonkeyPatch, path: Path) -> list[str]:
    """The file dialog answers `path`; what it proposed is kept."""
    proposed: list[str] = []

    def answer(parent: object, title: str, name: str, kinds: str) -> tuple[str, str]:
        proposed.append(name)
        return str(path), kinds

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    return proposed


def test_nothing_is_on_offer_without_a_result(window: MainWindow) -> None:
    assert not window.actions_by_id["file.animation"].isEnabled()


def test_the_chosen_columns_are_written_as_a_gif(
    qtbot: QtBot, window: MainWindow, verbs: FakePipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    open_pair(qtbot, window, "/data/other.ckpt")
    window.store.set_threshold("column 1", 0.3)
    settle(qtbot, window)
    proposed = choose(monkeypatch, tmp_path / "scrub")
    drawn: list[tuple[Any, AnimationOptions]] = []
    genuine = pipeline.animate

    def animate(columns: Any, *words: Any, **options: Any) -> Any:
        drawn.append((columns, options["options"]))
        return genuine(columns, *words, **options)

    monkeypatch.setattr(pipeline, "animate", animate)
    window.parts.view.set_window_level(20.0, 150.0)
    dialog = dialog_of(window)
    qtbot.addWidget(dialog)
    dialog.columns["column 2"].setChecked(False)
    dialog.fps.setValue(4.0)
    dialog.save.click()
    settle(qtbot, window)
    ((columns, options),) = drawn
    assert proposed == ["01_steps.gif"]
    assert [(item.name, item.colour) for item in columns] == [("best.ckpt", window.store.columns["column 1"].colour)]
    assert columns[0].prediction.threshold == 0.3
    assert (options.window, options.fps) == ((20.0, 150.0), 4.0)
    with Pillow.open(tmp_path / "scrub.gif") as film:
        assert film.n_frames == 6
        assert np.asarray(film.convert("RGB")).std() > 0
    assert "6 pictures" in window.store.notes[-1].text


def test_at_least_one_column_is_needed(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    open_pair(qtbot, window)
    dialog = dialog_of(window)
    qtbot.addWidget(dialog)
    dialog.columns["column 1"].setChecked(False)
    assert not dialog.save.isEnabled()
    dialog.reject()


def test_without_the_extra_only_gif_is_offered_and_the_reason_is_said(qtbot: QtBot) -> None:
    dialog = AnimationDialog({"a": "one & two"}, AnimationOptions(), "MP4 needs the extra `video`.")
    qtbot.addWidget(dialog)
    assert [dialog.format.itemData(row) for row in range(dialog.format.count())] == [".gif"]
    assert dialog.columns["a"].text() == "one && two"
    both = AnimationDialog({"a": "one"}, AnimationOptions())
    qtbot.addWidget(both)
    assert [both.format.itemData(row) for row in range(both.format.count())] == [".gif", ".mp4"]


def test_an_animation_is_cancelled_like_a_run_and_leaves_nothing(
    qtbot: QtBot, window: MainWindow, verbs: FakePipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    open_pair(qtbot, window)
    began = threading.Event()

    def animate(*words: Any, report: Any, **options: Any) -> None:
        while True:
            report(Progress(done=1, total=4, stage="animation"))
            began.set()
            began.wait(0.002)

    monkeypatch.setattr(pipeline, "animate", animate)
    window.animations.save(str(tmp_path / "scrub.gif"), ["column 1"], AnimationOptions())
    qtbot.waitUntil(began.is_set)
    qtbot.waitUntil(lambda: window.parts.status.bar.isVisible() and window.parts.status.bar.maximum() > 0)
    assert "scrub.gif" in window.parts.status.work.text()
    qtbot.waitUntil(window.actions_by_id["run.cancel"].isEnabled)
    window.actions_by_id["run.cancel"].trigger()
    settle(qtbot, window)
    assert not window.animations.busy
    assert not list(tmp_path.glob("scrub*"))
    assert all(note.severity != "error" for note in window.store.notes)


def test_a_folder_that_cannot_be_written_is_named(
    qtbot: QtBot, window: MainWindow, verbs: FakePipeline, tmp_path: Path
) -> None:
    open_pair(qtbot, window)
    (tmp_path / "file").write_text("no folder")
    window.animations.save(str(tmp_path / "file" / "scrub.gif"), ["column 1"], AnimationOptions())
    settle(qtbot, window)
    assert window.store.notes[-1].severity == "error"
    assert "scrub.gif could not be written" in window.store.notes[-1].text
