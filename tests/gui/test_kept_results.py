"""Results that are kept on disk come back without a network call; without being asked nothing is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from pytestqt.qtbot import QtBot

from app import window as window_module
from app.settings import Settings
from app.window import MainWindow
from tests.builders import DFM, write_checkpoint


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    checkpoint = write_checkpoint(tmp_path / "best.ckpt", DFM)
    picture = tmp_path / "01.png"
    Pillow.fromarray(np.random.default_rng(0).integers(0, 255, (20, 24), dtype=np.uint8)).save(picture)
    return [str(checkpoint), str(picture)]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(window_module, "results_folder", lambda: str(tmp_path / "kept"))
    return tmp_path / "kept"


def opened(qtbot: QtBot, settings: Path, files: list[str], *, keep: bool) -> MainWindow:
    made = MainWindow(Settings(settings))
    qtbot.addWidget(made, before_close_func=lambda window: qtbot.waitUntil(lambda: window.queue.idle))
    made.settings.keep_results = keep
    made._place_results()
    made.open(files)
    qtbot.waitUntil(lambda: has_result(made) and made.queue.idle, timeout=60_000)
    return made


def has_result(window: MainWindow) -> bool:
    return any(window.store.run_state(column).state == "result" for column in window.store.columns)


def mask(window: MainWindow) -> np.ndarray:
    prediction = window.store.run_state(next(iter(window.store.columns))).prediction
    assert prediction is not None
    return prediction.mask


def test_a_kept_result_comes_back_without_loading_the_network(
    qtbot: QtBot, tmp_path: Path, files: list[str], kept: Path
) -> None:
    first = opened(qtbot, tmp_path / "s.ini", files, keep=True)
    assert len(list(kept.glob("*.safetensors"))) == 1
    again = opened(qtbot, tmp_path / "s.ini", files, keep=True)
    assert not again.runs.segmenters._loaded
    np.testing.assert_array_equal(mask(again), mask(first))


def test_run_again_computes_and_other_settings_are_another_result(
    qtbot: QtBot, tmp_path: Path, files: list[str], kept: Path
) -> None:
    opened(qtbot, tmp_path / "s.ini", files, keep=True)
    again = opened(qtbot, tmp_path / "s.ini", files, keep=True)
    again.runs.rerun(next(iter(again.store.columns)))
    qtbot.waitUntil(lambda: has_result(again) and again.queue.idle, timeout=60_000)
    assert again.runs.segmenters._loaded
    assert len(list(kept.glob("*.safetensors"))) == 1


def test_nothing_is_written_unless_asked_and_all_is_removed_when_asked(
    qtbot: QtBot, tmp_path: Path, files: list[str], kept: Path
) -> None:
    opened(qtbot, tmp_path / "s.ini", files, keep=False)
    assert not kept.exists()
    window = opened(qtbot, tmp_path / "s.ini", files, keep=True)
    window.forget_kept_results()
    qtbot.waitUntil(lambda: window.queue.idle)
    assert list(kept.glob("*.safetensors")) == []
