"""Several cases at once, each in a row of every column; the active row is the active case."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.canvas.pane import Pane
from app.window import MainWindow
from tests.gui.dropping import drop
from tests.gui.hands import wheel
from tests.gui.standins import FakePipeline
from tests.gui.test_window import settle

FIRST, SECOND = "column 1", "column 2"
FILES = ["/data/best.ckpt", "/data/second.ckpt", *(f"/data/0{number}.png" for number in range(1, 5)), "/data/01.mask"]


@pytest.fixture
def cases(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> MainWindow:
    """Two columns, four cases; the first three are seen at once."""
    drop(window.parts.view, FILES)
    settle(qtbot, window)
    window.actions_by_id["view.rows-cases"].trigger()
    qtbot.waitUntil(lambda: filled(window, 3), timeout=20_000)
    return window


def filled(window: MainWindow, count: int) -> bool:
    """Every row of every column has its result."""
    found = [rows(window, key) for key in window.store.columns]
    seen = all(len(panes) == count and all(pane.frame.mask is not None for pane in panes) for panes in found)
    return seen and window.queue.idle and not window.rows.busy


def rows(window: MainWindow, key: str) -> list[Pane]:
    return window.parts.view.column(key).grid.seen()


def names(window: MainWindow, key: str) -> list[str]:
    return [pane.view.marks.above[0].split(" \N{MIDDLE DOT} ")[0] for pane in rows(window, key)]


def test_each_column_is_run_on_each_case(cases: MainWindow, verbs: FakePipeline) -> None:
    wanted = {(checkpoint, f"0{number}.png") for checkpoint in ("best.ckpt", "second.ckpt") for number in (1, 2, 3)}
    assert {run[:2] for run in verbs.runs} == wanted
    assert len(verbs.runs) == len(wanted)  # once each
    for key in (FIRST, SECOND):
        assert names(cases, key) == ["\N{BLACK RIGHT-POINTING SMALL TRIANGLE} 01.png", "02.png", "03.png"]
        assert all(pane.view.mask_item.isVisible() for pane in rows(cases, key))
        assert [pane.frame.caption for pane in rows(cases, key)] == ["Mask \N{MIDDLE DOT} final result"] * 3


def test_a_click_on_a_row_makes_its_case_the_active_one(qtbot: QtBot, cases: MainWindow, verbs: FakePipeline) -> None:
    before = len(verbs.runs)
    qtbot.mouseClick(rows(cases, SECOND)[1].view.viewport(), Qt.MouseButton.LeftButton)
    settle(qtbot, cases)
    qtbot.waitUntil(lambda: filled(cases, 3))
    assert cases.store.case.name == "02.png"
    assert cases.store.active_column == SECOND
    assert names(cases, FIRST) == ["01.png", "\N{BLACK RIGHT-POINTING SMALL TRIANGLE} 02.png", "03.png"]
    assert len(verbs.runs) == before  # every result is there already
    assert all(pane.view.mask_item.isVisible() for pane in rows(cases, FIRST))


def test_the_case_after_the_last_row_begins_another_block(qtbot: QtBot, cases: MainWindow, verbs: FakePipeline) -> None:
    cases.opening.show_case("/data/04.png")
    qtbot.waitUntil(lambda: filled(cases, 1))
    assert names(cases, FIRST) == ["\N{BLACK RIGHT-POINTING SMALL TRIANGLE} 04.png"]
    assert ("best.ckpt", "04.png") in {run[:2] for run in verbs.runs}


def test_results_come_as_they_are_ready(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    drop(window.parts.view, ["/data/best.ckpt", "/data/01.png", "/data/02.png"])
    settle(qtbot, window)
    verbs.hold = True
    verbs.began.clear()
    window.store.set_rows(mode="cases")
    qtbot.waitUntil(verbs.began.is_set)
    qtbot.waitUntil(lambda: len(rows(window, FIRST)) == 2)
    assert rows(window, FIRST)[0].frame.mask is not None
    assert rows(window, FIRST)[1].frame.caption == "Waiting or running"
    assert rows(window, FIRST)[1].frame.mask is None
    assert window.actions_by_id["run.cancel"].isEnabled() or window.rows.busy
    verbs.gate.set()
    qtbot.waitUntil(lambda: rows(window, FIRST)[1].frame.mask is not None)
    settle(qtbot, window)


def test_cancel_reaches_the_rows(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    drop(window.parts.view, ["/data/best.ckpt", "/data/01.png", "/data/02.png"])
    settle(qtbot, window)
    verbs.hold = True
    verbs.began.clear()
    window.store.set_rows(mode="cases")
    qtbot.waitUntil(verbs.began.is_set)
    window.cancel_all()
    qtbot.waitUntil(lambda: rows(window, FIRST)[1].frame.caption == "Cancelled, no result")
    assert not window.rows.busy


def test_planes_again_stop_what_only_the_rows_wanted(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    drop(window.parts.view, ["/data/best.ckpt", "/data/01.png", "/data/02.png"])
    settle(qtbot, window)
    verbs.hold = True
    verbs.began.clear()
    window.store.set_rows(mode="cases")
    qtbot.waitUntil(verbs.began.is_set)
    window.store.set_rows(mode="planes")
    qtbot.waitUntil(lambda: not window.rows.busy)
    settle(qtbot, window)
    assert len(rows(window, FIRST)) == 1
    assert rows(window, FIRST)[0].row is None


def test_hands_in_the_row_of_another_case_move_nothing(cases: MainWindow) -> None:
    scene = cases.parts.view.scene_of(FIRST)
    wheel(rows(cases, FIRST)[1].view.viewport(), 2)
    assert cases.parts.view.scene_of(FIRST) is scene
    wheel(rows(cases, FIRST)[0].view.viewport(), 2)
    zooms = {pane.view.lens().zoom for key in (FIRST, SECOND) for pane in rows(cases, key)}
    assert len(zooms) == 1  # the others follow the active row


def test_a_case_that_cannot_be_read_says_why_in_its_row(qtbot: QtBot, window: MainWindow) -> None:
    drop(window.parts.view, ["/data/best.ckpt", "/data/01.png", "/data/broken.png"])
    settle(qtbot, window)
    window.store.set_rows(mode="cases")
    qtbot.waitUntil(lambda: len(rows(window, FIRST)) == 2 and len(rows(window, FIRST)[1].view.marks.above) == 2)
    qtbot.waitUntil(lambda: "ends too early" in rows(window, FIRST)[1].view.marks.above[1])
    assert "ends too early" in rows(window, FIRST)[1].view.marks.above[1]


def test_a_swipe_holds_the_same_case_of_both_columns_against_one_another(cases: MainWindow) -> None:
    cases.store.set_comparison(mode="swipe")
    active = rows(cases, cases.store.active_column)
    assert all(pane.other_frame is not None and pane.other_frame.mask is not None for pane in active)
