"""Columns are added, replaced and put in another order where the person drops or drags them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.window import MainWindow
from core.records import FilmSettings, RunSettings
from tests.gui import fakes
from tests.gui.dropping import beside, drop
from tests.gui.hands import RELEASE, begin_drag, drag, mouse
from tests.gui.standins import FakePipeline
from tests.gui.test_film_panel import FILM
from tests.gui.test_window import open_pair, settle, shown


def titles(window: MainWindow) -> list[str]:
    """Of the columns that are seen, from left to right."""
    view = window.parts.view
    return [view.column(key).title for key in view.places()]


def middle(window: MainWindow, key: str) -> QPoint:
    return window.parts.view.places()[key].center()


def hover(window: MainWindow, at: QPoint) -> None:
    """Carry a file over the columns without letting go."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile("/data/other.ckpt")])
    where = window.parts.view.mapTo(window, at)
    for kind in (QDragEnterEvent, QDragMoveEvent):
        event = kind(where, Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(window.windowHandle(), event)


@pytest.fixture
def three(qtbot: QtBot, window: MainWindow) -> MainWindow:
    """Three columns: best, second, third."""
    open_pair(qtbot, window, "/data/second.ckpt", "/data/third.ckpt")
    assert titles(window) == ["best.ckpt", "second.ckpt", "third.ckpt"]
    return window


# ---- drops ----


def test_a_checkpoint_dropped_on_a_column_takes_its_place(qtbot: QtBot, three: MainWindow) -> None:
    colour = three.store.columns["column 2"].colour
    drop(three.parts.view, ["/data/other.ckpt"], middle(three, "column 2"))
    settle(qtbot, three)
    assert titles(three) == ["best.ckpt", "other.ckpt", "third.ckpt"]
    assert shown(three) == ["result"] * 3
    assert three.store.columns["column 2"].colour == colour
    assert three.store.active_column == "column 2"
    assert "other.ckpt" in three.parts.passport.title.text()


def test_what_applies_to_the_other_checkpoint_too_is_kept(
    qtbot: QtBot, window: MainWindow, verbs: FakePipeline
) -> None:
    open_pair(qtbot, window)
    film = FilmSettings(mode="off", stages=(0,))
    settings = RunSettings(seed=7, steps=3, weights="ema", threshold=0.3, film=film)
    window.store.change_column("column 1", settings=settings)
    window.store.set_threshold("column 1", 0.7)
    settle(qtbot, window)
    drop(window.parts.view, ["/data/other.ckpt"], middle(window, "column 1"))
    settle(qtbot, window)
    kept = window.store.columns["column 1"]
    assert kept.settings == RunSettings(seed=7, steps=3, weights="ema")  # it has no FiLM heads
    assert kept.threshold is None
    assert verbs.runs[-1][0] == "other.ckpt"
    verbs.reports["film.ckpt"] = replace(fakes.report("film.ckpt"), film=FILM, weights=None)
    window.store.change_column("column 1", settings=settings)
    drop(window.parts.view, ["/data/film.ckpt"], middle(window, "column 1"))
    settle(qtbot, window)
    assert window.store.columns["column 1"].settings == RunSettings(seed=7, steps=3, film=FilmSettings(mode="off"))


def test_steps_are_not_kept_where_they_cannot_be_chosen(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    verbs.reports["diffusion.ckpt"] = replace(fakes.report("diffusion.ckpt"), family="diffusion", mode=None)
    open_pair(qtbot, window)
    window.store.change_column("column 1", settings=RunSettings(seed=7, steps=3))
    drop(window.parts.view, ["/data/diffusion.ckpt"], middle(window, "column 1"))
    settle(qtbot, window)
    assert window.store.columns["column 1"].settings == RunSettings(seed=7)


def test_a_refused_checkpoint_takes_no_column_away(qtbot: QtBot, three: MainWindow) -> None:
    drop(three.parts.view, ["/data/refused.ckpt"], middle(three, "column 2"))
    settle(qtbot, three)
    assert titles(three) == ["best.ckpt", "second.ckpt", "third.ckpt"]
    assert three.parts.banner.isVisible()
    assert "12 keys have no place." in "\n".join(three.parts.library.messages.texts())


def test_a_checkpoint_dropped_between_two_columns_gets_one_there(qtbot: QtBot, three: MainWindow) -> None:
    edge = three.parts.view.places()["column 2"]
    drop(three.parts.view, ["/data/other.ckpt"], QPoint(edge.left() + 5, edge.center().y()))
    settle(qtbot, three)
    assert titles(three) == ["best.ckpt", "other.ckpt", "second.ckpt", "third.ckpt"]
    assert shown(three) == ["result"] * 4
    assert list(three.store.columns) == list(three.parts.view.keys())


def test_more_columns_than_can_be_compared_wait_in_the_library(qtbot: QtBot, three: MainWindow) -> None:
    drop(three.parts.view, ["/data/4.ckpt", "/data/5.ckpt"], beside(three.parts.view))
    settle(qtbot, three)
    assert titles(three) == ["best.ckpt", "second.ckpt", "third.ckpt", "4.ckpt"]
    assert "5.ckpt waits in the library" in "\n".join(three.parts.library.messages.texts())


def test_a_mask_dropped_between_the_columns_is_a_column_and_on_one_the_reference(
    qtbot: QtBot, window: MainWindow
) -> None:
    drop(window.parts.view, ["/data/best.ckpt", "/data/01.png"])
    settle(qtbot, window)
    drop(window.parts.view, ["/data/expert.mask"], beside(window.parts.view))
    settle(qtbot, window)
    assert titles(window) == ["best.ckpt", "expert.mask"]
    assert window.store.case.reference is None
    drop(window.parts.view, ["/data/truth.mask"], middle(window, "column 1"))
    settle(qtbot, window)
    assert titles(window) == ["best.ckpt", "expert.mask"]
    assert window.store.case.reference is not None


def test_what_a_drop_would_do_lights_up_before(three: MainWindow) -> None:
    overlay, places = three.parts.view.overlay, three.parts.view.places()
    hover(three, middle(three, "column 2"))
    assert overlay.isVisible()
    assert overlay.zone.words == "Checkpoint: replace second.ckpt"
    assert overlay.zone.lit == places["column 2"]
    hover(three, beside(three.parts.view))
    assert overlay.zone.words == "Checkpoint or mask: add a column here"
    assert overlay.zone.lit.right() == places["column 3"].right()
    QApplication.sendEvent(three.windowHandle(), QDragLeaveEvent())
    assert not overlay.isVisible()


def test_nothing_lights_up_after_a_drop(qtbot: QtBot, three: MainWindow) -> None:
    drop(three.parts.view, ["/data/other.ckpt"], middle(three, "column 2"))
    assert not three.parts.view.overlay.isVisible()
    settle(qtbot, three)


# ---- order ----


def test_a_column_is_dragged_by_its_head(qtbot: QtBot, three: MainWindow) -> None:
    view = three.parts.view
    width = view.places()["column 1"].width()
    head = view.column("column 1").header.title  # the events reach the head through what lies on it
    begin_drag(head, QPoint(round(1.5 * width), 0))
    assert view.overlay.isVisible()
    assert abs(view.overlay.mark - view.places()["column 3"].left()) < 8
    mouse(head, RELEASE, head.rect().center() + QPoint(round(1.5 * width), 0), Qt.MouseButton.LeftButton, Qt.NoButton)
    assert not view.overlay.isVisible()
    assert titles(three) == ["second.ckpt", "best.ckpt", "third.ckpt"]
    assert list(three.store.columns) == ["column 2", "column 1", "column 3"]
    settle(qtbot, three)
    names = [three.parts.measurements.model.text().splitlines()[0].split("\t")[1:]]
    assert names == [["second.ckpt", "best.ckpt", "third.ckpt"]]


def test_a_drag_to_where_it_was_or_far_away_changes_nothing(three: MainWindow) -> None:
    head = three.parts.view.column("column 2").header
    drag(head, QPoint(30, 0))
    drag(head, QPoint(300, -900))
    assert titles(three) == ["best.ckpt", "second.ckpt", "third.ckpt"]
    assert not three.parts.view.overlay.isVisible()


def test_a_click_on_a_head_moves_nothing_and_makes_it_the_active_column(qtbot: QtBot, three: MainWindow) -> None:
    qtbot.mouseClick(three.parts.view.column("column 1").header.title, Qt.MouseButton.LeftButton)
    assert three.store.active_column == "column 1"
    assert titles(three) == ["best.ckpt", "second.ckpt", "third.ckpt"]


def test_the_active_column_moves_with_the_keyboard(qtbot: QtBot, three: MainWindow) -> None:
    three.store.activate_column("column 1")
    left, right = (three.actions_by_id[f"run.move-column-{side}"] for side in ("left", "right"))
    assert not left.isEnabled()
    keys = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    three.parts.view.setFocus()
    qtbot.keyClick(three.parts.view, Qt.Key.Key_Right, keys)
    assert titles(three) == ["second.ckpt", "best.ckpt", "third.ckpt"]
    qtbot.keyClick(three.parts.view, Qt.Key.Key_Right, keys)
    assert titles(three) == ["second.ckpt", "third.ckpt", "best.ckpt"]
    assert not right.isEnabled()
    left.trigger()
    assert titles(three) == ["second.ckpt", "best.ckpt", "third.ckpt"]
