"""What is linked is the same in all columns; what is not changes only where a person changes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from app.canvas.scene import Scene
from app.items import LINKS
from app.window import MainWindow
from core.records import Case
from tests.gui import fakes
from tests.gui.hands import drag, wheel
from tests.gui.standins import FakePipeline
from tests.gui.test_window import open_pair, settle

FIRST, SECOND, THIRD = "column 1", "column 2", "column 3"


@pytest.fixture
def three(qtbot: QtBot, window: MainWindow, verbs: FakePipeline, monkeypatch: pytest.MonkeyPatch) -> MainWindow:
    """Three columns of a volume of 9 slices; the first is active."""
    volume = fakes.case(slices=9)

    def open_volume(image: str, *_: object, **__: object) -> Case:
        return replace(volume, name="01.png", image=replace(volume.image, name="01.png", path=image))

    monkeypatch.setattr("core.pipeline.open_case", open_volume)
    open_pair(qtbot, window, "/data/second.ckpt", "/data/third.ckpt")
    window.store.activate_column(FIRST)
    return window


def port(window: MainWindow, key: str) -> object:
    return window.parts.view.column(key).view.viewport()


def scene(window: MainWindow, key: str) -> Scene:
    return window.parts.view.scene_of(key)


def zoom(window: MainWindow, key: str) -> None:
    wheel(port(window, key), 2, Qt.KeyboardModifier.ControlModifier)


def pan(window: MainWindow, key: str) -> None:
    drag(port(window, key), QPoint(20, 10), Qt.MouseButton.MiddleButton)


def turn(window: MainWindow, key: str) -> None:
    wheel(port(window, key), 1)


def cross(window: MainWindow, key: str) -> None:
    drag(port(window, key), QPoint(15 + 4 * len(window.store.links), 10))  # to another place each time


def level(window: MainWindow, key: str) -> None:
    drag(port(window, key), QPoint(25, 5), Qt.MouseButton.RightButton)


SEEN: dict[str, Callable[[Scene], object]] = {
    "camera": lambda scene: scene.cameras.get("acquired"),
    "slice": lambda scene: scene.cross,
    "window": lambda scene: (scene.low, scene.high),
    "step": lambda scene: scene.t,
}


@pytest.mark.parametrize(
    ("link", "do"), [("camera", zoom), ("camera", pan), ("slice", turn), ("slice", cross), ("window", level)]
)
def test_a_hand_in_one_column_moves_all_or_only_that_one(
    three: MainWindow, link: str, do: Callable[[MainWindow, str], None]
) -> None:
    seen, keys = SEEN[link], (FIRST, SECOND, THIRD)
    start = seen(scene(three, FIRST))
    do(three, SECOND)
    linked = [seen(scene(three, key)) for key in keys]
    assert linked[0] == linked[1] == linked[2] != start
    three.parts.bar.links.entries[link].trigger()
    assert link not in three.store.links
    do(three, SECOND)
    first, second, third = (seen(scene(three, key)) for key in keys)
    assert first == third == linked[0]
    assert second != linked[0]
    three.store.activate_column(SECOND)
    three.actions_by_id[f"view.link-{link}"].trigger()
    assert all(seen(scene(three, key)) == second for key in keys)
    assert three.store.links == frozenset(LINKS)


def test_the_wheel_over_a_column_that_is_not_active_turns_that_one(three: MainWindow) -> None:
    three.store.set_link("slice", False)
    turned: list[int] = []
    three.parts.view.slice_changed.connect(turned.append)
    turn(three, THIRD)
    assert [scene(three, key).index for key in (FIRST, SECOND, THIRD)] == [4, 4, 5]
    assert three.store.active_column == FIRST
    assert turned == []  # what the steps panel shows is still the slice of the active column
    three.store.activate_column(THIRD)
    assert turned == [5]


def test_keys_and_bars_change_the_active_column(qtbot: QtBot, three: MainWindow) -> None:
    for link in LINKS:
        three.store.set_link(link, False)
    three.store.activate_column(SECOND)
    three.parts.view.setFocus()
    qtbot.keyClick(three.parts.view, Qt.Key.Key_Up)
    three.parts.bar.presets.setCurrentIndex(1)
    three.parts.bar.presets.activated.emit(1)
    moved, others = scene(three, SECOND), [scene(three, key) for key in (FIRST, THIRD)]
    assert moved.index == 5
    assert [other.index for other in others] == [4, 4]
    assert all((other.low, other.high) != (moved.low, moved.high) for other in others)


def test_each_column_stands_at_its_own_step(qtbot: QtBot, three: MainWindow) -> None:
    three.parts.steps.slider.setValue(1)
    assert [scene(three, key).t for key in (FIRST, SECOND, THIRD)] == [0.4, 0.4, 0.4]
    three.store.set_link("step", False)
    three.parts.steps.slider.setValue(3)
    assert [scene(three, key).t for key in (FIRST, SECOND, THIRD)] == [0.8, 0.4, 0.4]
    three.store.activate_column(SECOND)
    assert three.parts.steps.slider.value() == 1
    assert [scene(three, key).t for key in (FIRST, SECOND, THIRD)] == [0.8, 0.4, 0.4]
    three.parts.steps.slider.setValue(5)
    assert [scene(three, key).t for key in (FIRST, SECOND, THIRD)] == [0.8, None, 0.4]
    three.store.activate_column(FIRST)
    assert three.parts.steps.slider.value() == 3
    three.store.set_link("step", True)
    assert [scene(three, key).t for key in (FIRST, SECOND, THIRD)] == [0.8, 0.8, 0.8]


def test_the_bar_says_the_window_of_the_active_column(three: MainWindow) -> None:
    three.store.set_link("window", False)
    level(three, SECOND)
    assert three.store.active_column == SECOND  # a press makes it so
    assert three.parts.bar.presets.currentText() == "By hand"
    three.store.activate_column(FIRST)
    assert three.parts.bar.presets.currentText() != "By hand"


def test_the_button_says_what_is_linked(three: MainWindow) -> None:
    links = three.parts.bar.links
    assert links.isVisible()
    assert links.text().strip() == "Linked: all"
    three.store.set_link("camera", False)
    three.store.set_link("window", False)
    assert links.text().strip() == "Linked: slice, step"
    three.store.set_link("slice", False)
    three.store.set_link("step", False)
    assert links.text().strip() == "Not linked"
    assert three.actions_by_id["view.link-step"].text() == "Link step"
    three.store.set_link("step", True)
    assert three.actions_by_id["view.link-step"].text() == "Unlink step"


def test_one_column_has_nothing_to_link(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    assert not window.parts.bar.links.isVisible()
    assert not window.actions_by_id["view.link-camera"].isEnabled()


def test_another_case_is_another_for_all(qtbot: QtBot, three: MainWindow) -> None:
    for link in LINKS:
        three.store.set_link(link, False)
    zoom(three, SECOND)
    turn(three, THIRD)
    three.open(["/data/02.png"])
    settle(qtbot, three)
    scenes = [scene(three, key) for key in (FIRST, SECOND, THIRD)]
    assert {SEEN["slice"](one) for one in scenes} == {(4, 48, 64)}
    assert all(not one.cameras for one in scenes)


def test_left_and_right_change_places_in_each_column_around_its_own_middle(three: MainWindow) -> None:
    three.store.set_link("camera", False)
    pan(three, SECOND)
    before = scene(three, SECOND).cameras["acquired"].centre
    three.store.set_volume(convention="neurological")
    assert scene(three, FIRST).cameras.get("acquired") is None
    assert scene(three, SECOND).cameras["acquired"].centre is not None
    three.store.set_volume(convention="radiological")
    assert np.allclose(scene(three, SECOND).cameras["acquired"].centre, before)


def test_what_did_not_change_is_not_drawn_again(three: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    for key in (FIRST, SECOND, THIRD):
        column = three.parts.view.column(key)
        monkeypatch.setattr(column, "draw", lambda scene, key=key: drawn.append(key))
    three.store.set_link("slice", False)
    turn(three, THIRD)
    assert drawn == [THIRD]
