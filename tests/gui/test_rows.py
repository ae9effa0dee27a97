"""Several quantities at once, each in a row of every column."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from app.canvas.pane import Pane
from app.window import MainWindow
from tests.gui.hands import wheel
from tests.gui.test_window import open_pair, settle

FIRST, SECOND = "column 1", "column 2"


@pytest.fixture
def two(qtbot: QtBot, window: MainWindow) -> MainWindow:
    open_pair(qtbot, window, "/data/second.ckpt")
    window.actions_by_id["view.rows-quantities"].trigger()
    settle(qtbot, window)
    return window


def rows(window: MainWindow, key: str) -> list[Pane]:
    return window.parts.view.column(key).grid.seen()


def test_each_column_shows_the_chosen_quantities_below_one_another(two: MainWindow) -> None:
    for key in (FIRST, SECOND):
        seen = rows(two, key)
        assert [pane.caption.split(" ")[0] for pane in seen] == ["Mask", "Probability", "State"]
        tops = [pane.view.geometry().top() for pane in seen]
        assert tops == sorted(set(tops))
        assert seen[0].view.mask_item.isVisible()
        assert not seen[0].view.map_item.isVisible()
        assert seen[1].view.map_item.isVisible()
    said = [pane.view.marks.above[0] for pane in rows(two, FIRST)]
    assert said[1] == "Probability \N{MIDDLE DOT} final result \N{MIDDLE DOT} 0 to 1"


def test_rows_share_camera_and_step(two: MainWindow) -> None:
    wheel(rows(two, SECOND)[2].view.viewport(), 2)
    zooms = {pane.view.lens().zoom for key in (FIRST, SECOND) for pane in rows(two, key)}
    assert len(zooms) == 1
    two.parts.steps.slider.setValue(1)
    assert all("t = 0.400" in pane.caption for key in (FIRST, SECOND) for pane in rows(two, key))


def test_quantities_are_chosen_in_the_menu_and_one_stays(two: MainWindow) -> None:
    controls = two.parts.bar.rows
    assert controls.which.isVisible()
    controls.entries["estimate"].trigger()
    assert two.store.rows.quantities == ("mask", "probability", "state", "estimate")
    for name in ("mask", "probability", "state"):
        controls.entries[name].trigger()
    assert [pane.caption.split(" ")[0] for pane in rows(two, FIRST)] == ["Estimate"]
    controls.entries["estimate"].trigger()
    assert two.store.rows.quantities == ("estimate",)
    assert controls.entries["estimate"].isChecked()  # as it is, not as it was wished


def test_planes_again(two: MainWindow) -> None:
    two.parts.bar.rows.mode.setCurrentIndex(0)
    two.parts.bar.rows.mode.activated.emit(0)
    assert [len(rows(two, key)) for key in (FIRST, SECOND)] == [1, 1]
    assert not rows(two, FIRST)[0].view.marks.above
    assert not two.parts.bar.rows.which.isVisible()


def test_a_swipe_goes_through_all_rows(two: MainWindow) -> None:
    two.store.set_comparison(mode="swipe")
    active = two.store.active_column
    assert all(pane.view.divider is not None for pane in rows(two, active))
    assert all(pane.other_frame is not None for pane in rows(two, active))
