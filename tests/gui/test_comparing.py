"""Swipe, blink and hold: another column's result in the place of the active one's, and never without saying so."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.canvas.column import Column
from app.window import MainWindow
from core.records import Array, Deviation, RunSettings
from tests.gui.hands import MOVE, begin_drag, drag, hold, let_go, mouse, wheel
from tests.gui.standins import FakePipeline
from tests.gui.test_canvas_pixels import pixels
from tests.gui.test_window import open_pair, settle

FIRST, SECOND, THIRD = "column 1", "column 2", "column 3"
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def three(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> MainWindow:
    """Three columns whose results differ: the seed moves the vessels. Masks are filled and opaque."""
    open_pair(qtbot, window, "/data/second.ckpt", "/data/third.ckpt")
    for seed, key in enumerate((FIRST, SECOND, THIRD)):
        window.store.change_column(key, settings=RunSettings(seed=12 * seed))
    window.store.set_overlay(fill=True, outline=False, opacity=1.0, reference_visible=False)
    settle(qtbot, window)
    window.store.activate_column(SECOND)
    window.store.activate_column(FIRST)
    return window


def column(window: MainWindow, key: str) -> Column:
    return window.parts.view.column(key)


def colour_mask(window: MainWindow, key: str, of: str) -> Array:
    """(rows, columns) of the screen: where the pictures of `key` have the colour of column `of`."""
    rgb = pixels(column(window, key).view.grab().toImage())
    wanted = QColor(window.store.columns[of].colour)
    return np.abs(rgb - [wanted.red(), wanted.green(), wanted.blue()]).max(axis=-1) <= 2


def expected(window: MainWindow, key: str, of: str) -> Array:
    """Where a mask of `of` should be seen in the view of `key`, in voxels of the picture."""
    prediction = column(window, of).prediction
    assert prediction is not None
    return prediction.mask[0]


def assert_shows(window: MainWindow, key: str, of: str) -> None:
    """The whole view of `key` has the mask of `of` in its colour, and no other column's."""
    view, seen = column(window, key).view, colour_mask(window, key, of)
    ys, xs = np.nonzero(seen)
    lens = view.lens()
    hit = [lens.voxel_at(x + 0.5, y + 0.5) for y, x in zip(ys, xs, strict=True)]
    mask = expected(window, key, of)
    assert len(hit) > 1000
    inside = sum(place is not None and bool(mask[place]) for place in hit)
    assert inside > 0.97 * len(hit)  # a pixel whose middle lies on the side of a voxel may go either way
    for other in {FIRST, SECOND, THIRD} - {of}:
        assert not colour_mask(window, key, other).any()


# ---- hold ----


def test_the_other_result_is_seen_as_long_as_the_key_is_held(qtbot: QtBot, three: MainWindow) -> None:
    view, head = three.parts.view, column(three, FIRST).header
    view.setFocus()
    assert_shows(three, FIRST, FIRST)
    hold(view, Qt.Key.Key_B)
    assert_shows(three, FIRST, SECOND)
    assert head.title.text() == "second.ckpt"
    assert head.chip.colour() == three.store.columns[SECOND].colour.lower()
    assert head.kind.text() == "in the place of best.ckpt"
    assert column(three, FIRST).footer.caption.text().startswith("second.ckpt \N{MIDDLE DOT} Mask")
    assert_shows(three, SECOND, SECOND)
    let_go(view, Qt.Key.Key_B)
    assert_shows(three, FIRST, FIRST)
    assert head.title.text() == "best.ckpt"
    assert head.kind.text() != "in the place of best.ckpt"
    assert column(three, FIRST).footer.caption.text().startswith("Mask")


def test_the_picture_does_not_move_while_results_take_turns(qtbot: QtBot, three: MainWindow) -> None:
    long = " and ".join(f"label {number}" for number in range(9))
    three.parts.view.set_badges(FIRST, (Deviation(code="x", label=long),))
    QApplication.processEvents()
    view = column(three, FIRST).view
    before = view.mapTo(three, QPoint()), view.size()
    hold(three.parts.view, Qt.Key.Key_B)
    QApplication.processEvents()
    assert (view.mapTo(three, QPoint()), view.size()) == before
    let_go(three.parts.view, Qt.Key.Key_B)
    QApplication.processEvents()
    assert (view.mapTo(three, QPoint()), view.size()) == before


def test_holding_works_wherever_the_focus_is_and_ends_with_it(qtbot: QtBot, three: MainWindow) -> None:
    tree = three.parts.library.checkpoints
    tree.setFocus()
    hold(QApplication.focusWidget(), Qt.Key.Key_B)
    assert column(three, FIRST).header.title.text() == "second.ckpt"
    three.parts.bar.spin.setFocus()
    assert column(three, FIRST).header.title.text() == "best.ckpt"


def test_the_numbers_and_marks_in_the_head_are_those_of_what_is_seen(qtbot: QtBot, three: MainWindow) -> None:
    view, head = three.parts.view, column(three, FIRST).header
    three.store.set_threshold(SECOND, 0.8)
    settle(qtbot, three)
    view.set_summary(FIRST, "Dice 0.111")
    view.set_summary(SECOND, "Dice 0.222")
    hold(view, Qt.Key.Key_B)
    assert head.summary.text() == "Dice 0.222"
    assert "cut at 0.8, trained 0.5" in head.badge_texts()
    view.set_summary(SECOND, "Dice 0.333")  # it goes on while it is seen elsewhere
    assert head.summary.text() == "Dice 0.333"
    let_go(view, Qt.Key.Key_B)
    assert head.summary.text() == "Dice 0.111"
    assert "cut at 0.8, trained 0.5" not in head.badge_texts()


def test_the_pointer_tells_each_column_its_own_probability(three: MainWindow) -> None:
    view = three.parts.view
    mask = column(three, FIRST).prediction.mask[0] & ~column(three, SECOND).prediction.mask[0]
    row, place = np.argwhere(mask)[0]
    before = view.info_at(int(row), int(place)).probability
    assert before[FIRST] != before[SECOND]
    hold(view, Qt.Key.Key_B)
    assert view.info_at(int(row), int(place)).probability == before


def test_a_column_without_a_result_shows_none_in_the_place_of_another(qtbot: QtBot, three: MainWindow) -> None:
    view = three.parts.view
    view.set_state(SECOND, "error", "It ran out of memory.", "Close something.")
    hold(view, Qt.Key.Key_B)
    assert column(three, FIRST).message.isVisible()
    assert "It ran out of memory." in column(three, FIRST).message.text()
    let_go(view, Qt.Key.Key_B)
    assert not column(three, FIRST).message.isVisible()
    assert_shows(three, FIRST, FIRST)


# ---- swipe ----


def test_right_of_the_line_the_other_result_is_seen(qtbot: QtBot, three: MainWindow) -> None:
    qtbot.keyClick(three.parts.view, Qt.Key.Key_W)
    view, head = column(three, FIRST).view, column(three, FIRST).header
    middle = view.viewport().width() // 2
    own, other = colour_mask(three, FIRST, FIRST), colour_mask(three, FIRST, SECOND)
    assert own[:, : middle - 4].any()
    assert not own[:, middle + 4 :].any()
    assert other[:, middle + 4 :].any()
    tags = slice(60, None)  # below the tags, which are in the two colours too
    assert not other[tags, : middle - 4].any()
    assert head.title.text() == "best.ckpt"
    assert head.beside_words().startswith("right: second.ckpt Dice 0.5")
    assert view.divider.left[1] == "best.ckpt"
    assert view.divider.right == (three.store.columns[SECOND].colour, "second.ckpt")
    qtbot.keyClick(three.parts.view, Qt.Key.Key_W)
    assert view.divider is None
    assert head.beside_words() == ""
    assert_shows(three, FIRST, FIRST)


def test_the_line_is_dragged_and_stays_on_the_screen(qtbot: QtBot, three: MainWindow) -> None:
    three.store.set_comparison(mode="swipe")
    view = column(three, FIRST).view
    port, camera = view.viewport(), three.parts.view.scene_of(FIRST).cameras
    middle = port.rect().center()
    drag(port, QPoint(-middle.x() // 2, 0), LEFT, middle)
    assert view.divider.at == pytest.approx(0.25, abs=0.02)
    assert three.parts.view.scene_of(FIRST).cameras == camera  # the picture was not moved
    x = round(view.divider.x(port.width()))
    below = slice(60, None)
    assert not colour_mask(three, FIRST, FIRST)[below, x + 4 :].any()
    assert not colour_mask(three, FIRST, SECOND)[below, : x - 4].any()
    wheel(port, 3)  # zooming moves the picture below it
    assert view.divider.at == pytest.approx(0.25, abs=0.02)
    assert not colour_mask(three, FIRST, SECOND)[below, : x - 4].any()
    drag(port, QPoint(0, 40), LEFT, QPoint(port.width() - 20, middle.y()))
    assert three.parts.view.scene_of(FIRST).cameras != camera  # beside the line the picture is moved as ever


def test_a_drag_of_the_line_beyond_the_edge_stops_there(three: MainWindow) -> None:
    three.store.set_comparison(mode="swipe")
    port = column(three, FIRST).view.viewport()
    begin_drag(port, QPoint(5000, 0), LEFT)
    assert column(three, FIRST).view.divider.at == 1.0


def test_the_pointer_shows_that_the_line_can_be_taken(three: MainWindow) -> None:
    three.store.set_comparison(mode="swipe")
    port = column(three, FIRST).view.viewport()
    none = Qt.MouseButton.NoButton
    mouse(port, MOVE, port.rect().center(), none, none)
    assert port.cursor().shape() == Qt.CursorShape.SplitHCursor
    mouse(port, MOVE, QPoint(10, 10), none, none)
    assert port.cursor().shape() == Qt.CursorShape.ArrowCursor


def test_both_captions_are_given_where_they_differ(three: MainWindow) -> None:
    three.store.set_comparison(mode="swipe")
    caption = column(three, FIRST).footer.caption
    assert caption.text() == "Mask \N{MIDDLE DOT} final result"
    three.parts.view.set_state(SECOND, "cancelled")
    assert caption.text() == "Mask \N{MIDDLE DOT} final result | Cancelled, no result"


# ---- blink ----


def test_the_two_take_turns_at_the_chosen_rate(qtbot: QtBot, three: MainWindow) -> None:
    three.store.set_comparison(mode="blink", per_second=6.0)
    titles: list[str] = []
    three.parts.view.comparing._clock.timeout.connect(lambda: titles.append(column(three, FIRST).header.title.text()))
    assert three.parts.view.comparing._clock.interval() == 167
    qtbot.waitUntil(lambda: len(titles) >= 4)
    assert titles[:4] in (["best.ckpt", "second.ckpt"] * 2, ["second.ckpt", "best.ckpt"] * 2)
    three.actions_by_id["view.blink"].trigger()
    assert not three.parts.view.comparing._clock.isActive()
    assert_shows(three, FIRST, FIRST)


def test_the_rate_is_set_in_the_bar_and_with_commands(three: MainWindow) -> None:
    rate = three.parts.bar.compare.rate
    assert not rate.isVisible()
    three.store.set_comparison(mode="blink")
    assert rate.isVisible()
    rate.setValue(4.0)
    assert three.parts.view.comparing._clock.interval() == 250
    three.actions_by_id["view.blink-slower"].trigger()
    assert rate.value() == 3.5


# ---- which other ----


def test_the_other_is_the_one_that_was_active_before_or_the_chosen_one(qtbot: QtBot, three: MainWindow) -> None:
    store, bar = three.store, three.parts.bar.compare
    store.activate_column(THIRD)
    store.activate_column(SECOND)
    assert store.other_column() == THIRD
    assert bar.other.currentText() == "third.ckpt"
    assert [bar.other.itemText(row) for row in range(bar.other.count())] == ["best.ckpt", "third.ckpt"]
    bar.other.setCurrentIndex(0)
    bar.other.activated.emit(0)
    assert store.other_column() == FIRST
    store.activate_column(FIRST)  # it cannot be held against itself
    assert store.other_column() == SECOND
    qtbot.keyClick(three.parts.view, Qt.Key.Key_N, Qt.KeyboardModifier.ShiftModifier)
    assert store.other_column() == THIRD


def test_a_swipe_goes_on_in_the_column_that_becomes_active(three: MainWindow) -> None:
    three.store.set_comparison(mode="swipe")
    three.store.activate_column(THIRD)
    assert column(three, FIRST).view.divider is None
    assert column(three, THIRD).view.divider.right[1] == "best.ckpt"
    assert_shows(three, FIRST, FIRST)


def test_a_closed_column_is_not_seen_any_more(qtbot: QtBot, three: MainWindow) -> None:
    three.store.set_comparison(mode="swipe")
    three.store.remove_column(SECOND)
    assert column(three, FIRST).view.divider.right[1] == "third.ckpt"
    three.store.remove_column(THIRD)
    assert column(three, FIRST).view.divider is None
    assert not three.parts.bar.compare.isVisible()
    settle(qtbot, three)
    assert column(three, FIRST).header.title.text() == "best.ckpt"
