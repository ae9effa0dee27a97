"""Several samples of a column and the dial of steps and solvers, with a small genuine checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from pytestqt.qtbot import QtBot

from app.window import MainWindow
from core import pipeline
from core.records import Prediction, RunSettings
from tests.builders import DFM, write_checkpoint


@pytest.fixture
def window(qtbot: QtBot, genuine_window: MainWindow, tmp_path: Path) -> MainWindow:
    """A column with a result, and a reference that is a block in the middle."""
    checkpoint = write_checkpoint(tmp_path / "best.ckpt", DFM | {"timesteps": 6})
    picture, mask = np.random.default_rng(0).integers(0, 255, (20, 24), dtype=np.uint8), np.zeros((20, 24), np.uint8)
    mask[6:14, 6:18] = 255
    Pillow.fromarray(picture).save(tmp_path / "01.png")
    Pillow.fromarray(mask).save(tmp_path / "01_gt.png")
    made = genuine_window
    made.open([str(checkpoint), str(tmp_path / "01.png")])
    settle(qtbot, made)
    return made


def settle(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: window.queue.idle and result(window) is not None, timeout=60_000)


def result(window: MainWindow) -> Prediction | None:
    column = window.store.active_column
    return None if column is None else window.store.run_state(column).prediction


def sampled(qtbot: QtBot, window: MainWindow, count: int = 4) -> Prediction:
    panel = window.parts.uncertainty
    window.uncertainty_dock.raise_()
    panel.samples.setValue(count)
    panel.run_button.click()
    qtbot.waitUntil(lambda: panel.gallery.count() == count and window.queue.idle, timeout=60_000)
    found = result(window)
    assert found is not None
    return found


def test_one_sample_says_nothing_of_uncertainty(window: MainWindow) -> None:
    assert window.parts.uncertainty.state.text() == "One sample so far."
    assert window.parts.uncertainty.run_button.isEnabled()


def test_samples_are_run_kept_and_labelled(qtbot: QtBot, window: MainWindow) -> None:
    prediction = sampled(qtbot, window)
    assert len(prediction.members) == 4
    assert "4 samples instead of 1" in [deviation.label for deviation in prediction.deviations]
    assert "wrong" in window.parts.uncertainty.verdicts.text()


def test_the_vote_slider_measures_what_enough_samples_mark(qtbot: QtBot, window: MainWindow) -> None:
    prediction, panel = sampled(qtbot, window), window.parts.uncertainty
    case = window.store.case
    assert case is not None
    assert case.reference is not None
    for least in (1, 4):
        panel.least.setValue(least)
        mask = pipeline.vote_mask(pipeline.uncertainty(prediction), least)
        wanted = pipeline.measure(mask, case.reference, names=("dice",))["dice"].value
        assert panel.rule.text() == f"Kept if at least {least} of 4 samples agree"
        qtbot.waitUntil(lambda wanted=wanted: panel.scores.text().startswith(f"Dice {wanted:.3f}"))


def test_votes_are_drawn_with_the_outline_of_enough_of_them(qtbot: QtBot, window: MainWindow) -> None:
    prediction = sampled(qtbot, window)
    votes = pipeline.uncertainty(prediction).votes
    assert votes is not None
    window.parts.uncertainty.quantity_requested.emit("votes")
    window.parts.uncertainty.least.setValue(4)
    (pane,) = window.parts.view.column(window.store.active_column or "").grid.seen()
    np.testing.assert_array_equal(pane.frame.values, votes[0])
    np.testing.assert_array_equal(pane.frame.mask, votes[0] >= 4)


def test_a_sample_opens_alone_and_is_the_same(qtbot: QtBot, window: MainWindow) -> None:
    prediction, panel = sampled(qtbot, window), window.parts.uncertainty
    position = panel.gallery.item(0).data(256)
    assert position == pipeline.uncertainty(prediction).order[0]
    panel.gallery.itemDoubleClicked.emit(panel.gallery.item(0))
    assert len(window.store.columns) == 2
    settle(qtbot, window)
    alone = result(window)
    assert alone is not None
    np.testing.assert_array_equal(alone.score, prediction.members[position].score)


def test_the_dial_runs_each_setting_and_marks_the_producers(qtbot: QtBot, window: MainWindow) -> None:
    panel = window.parts.dial
    window.dial_dock.raise_()
    panel.steps.setText("1, 3")
    panel.all_solvers.setChecked(True)
    panel.run_button.click()
    qtbot.waitUntil(lambda: not window.dial.busy and window.queue.idle, timeout=60_000)
    lines = panel._lines
    assert {(line.solver, line.steps) for line in lines} == {
        ("euler", "6"),
        ("euler", "1"),
        ("euler", "3"),
        ("heun", "1"),
        ("heun", "3"),
    }
    assert [line.steps for line in lines if line.own] == ["6"]
    assert all(line.seconds is not None and line.dice is not None and not line.reason for line in lines)
    assert lines[0].calls == 6 * lines[1].calls  # type: ignore[operator]
    own = result(window)
    case = window.store.case
    assert own is not None
    assert case is not None
    assert case.reference is not None
    assert lines[0].dice == pipeline.measure(own, case.reference)["dice"].value


def test_a_line_of_the_dial_opens_as_a_labelled_column(qtbot: QtBot, window: MainWindow) -> None:
    window.parts.dial.open_requested.emit(RunSettings(steps=3, keep="last"))
    settle(qtbot, window)
    assert len(window.store.columns) == 2
    shown = result(window)
    assert shown is not None
    assert [deviation.label for deviation in shown.deviations] == ["3 steps instead of 6"]


@pytest.mark.parametrize("words", ["", "two", "0, 4", "1.5"])
def test_steps_that_are_no_numbers_are_refused_in_words(window: MainWindow, words: str) -> None:
    window.parts.dial.steps.setText(words)
    window.parts.dial.run_button.click()
    assert "whole numbers" in window.parts.dial.state.text()
    assert not window.dial.busy


def test_another_case_or_setting_stops_the_dial(qtbot: QtBot, window: MainWindow) -> None:
    window.parts.dial.steps.setText("1, 2, 3, 4, 5, 6, 7, 8")
    window.parts.dial.run_button.click()
    assert window.dial.busy
    column = window.store.active_column
    assert column is not None
    window.store.change_column(column, settings=RunSettings(seed=5))
    assert not window.dial.busy
    settle(qtbot, window)
    assert window.parts.dial._lines == ()
