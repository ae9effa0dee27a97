"""Without a screen: wait for the runs, write a picture of the window, say how it went with the exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.main_loop import has_screen, run
from tests.gui.standins import FakePipeline


def test_the_picture_is_taken_after_the_runs(
    qtbot: QtBot, verbs: FakePipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "window.png"
    assert run(["/data/best.ckpt", "/data/01.png"], screenshot=str(path)) == 0
    assert [run[0] for run in verbs.runs] == ["best.ckpt"]
    assert QImage(str(path)).width() >= 720
    assert str(path) in capsys.readouterr().out


def test_a_refused_file_fails_the_picture(qtbot: QtBot, verbs: FakePipeline, tmp_path: Path) -> None:
    assert run(["/data/refused.ckpt", "/data/01.png"], screenshot=str(tmp_path / "window.png")) == 1


def test_a_picture_that_cannot_be_written_fails(
    qtbot: QtBot, verbs: FakePipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([], screenshot=str(tmp_path / "missing" / "window.png")) == 1
    assert "could not be written" in capsys.readouterr().err


def test_the_demo_without_a_screen_takes_a_picture_here(
    qtbot: QtBot, verbs: FakePipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert not has_screen()
    assert run(["/data/best.ckpt", "/data/01.png"], demo=True) == 0
    assert (tmp_path / "flowglass-demo.png").is_file()
