"""Films and time series in the window: the slider, reading in the background, cine, and whose result is whose."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from pytestqt.qtbot import QtBot

from app.controllers.frames import FrameCache
from app.window import MainWindow
from core.errors import ImageRefused
from core.records import Case
from tests.gui import fakes
from tests.gui.standins import FakePipeline
from tests.gui.test_keymap import front
from tests.gui.test_volume_views import LEFT, opened, send, wheel
from tests.gui.test_window import settle

__all__ = ["opened"]
FILM, FRAMES = "/data/film.png", 6


@pytest.fixture
def film(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> MainWindow:
    """A window on a film with a checkpoint that was run on its first frame."""
    verbs.films["film.png"] = FRAMES
    window.open(["/data/best.ckpt", FILM])
    settle(qtbot, window)
    return window


def frame(window: MainWindow) -> int:
    assert window.store.case is not None
    return window.store.case.image.frame


def shown_frame(window: MainWindow) -> int:
    """Of the image that is drawn."""
    case = window.parts.view.case()
    assert case is not None
    return case.image.frame


def go(qtbot: QtBot, window: MainWindow, to: int) -> None:
    window.parts.bar.time.slider.setValue(to)
    qtbot.waitUntil(lambda: frame(window) == to)
    assert shown_frame(window) == to


def test_the_slider_is_there_for_films_only(qtbot: QtBot, film: MainWindow) -> None:
    controls = film.parts.bar.time
    assert controls.slider.isVisible()
    assert controls.play.isVisible()
    assert (controls.slider.maximum(), controls.words.text()) == (FRAMES - 1, f"1 of {FRAMES}")
    film.open(["/data/01.png"])
    settle(qtbot, film)
    assert not controls.slider.isVisible()
    assert not controls.play.isVisible()


def test_a_frame_is_read_shown_and_named(qtbot: QtBot, film: MainWindow) -> None:
    before = film.parts.view.case().image.voxels  # type: ignore[union-attr]
    go(qtbot, film, 3)
    assert film.parts.bar.time.words.text() == f"4 of {FRAMES}"
    after = film.parts.view.case().image.voxels  # type: ignore[union-attr]
    assert np.array_equal(after, before + 3)


def test_another_frame_is_seen_through_the_same_window_at_the_same_place(qtbot: QtBot, film: MainWindow) -> None:
    view = film.parts.view
    view.set_window_level(50.0, 90.0)
    view.toggle_inverted()
    wheel(view.column("column 1").view, 2)
    seen = view.camera()
    assert seen.zoom is not None
    go(qtbot, film, 2)
    assert (view.window_level(), view.inverted(), view.camera()) == ((50.0, 90.0), True, seen)


def test_a_prediction_of_one_frame_is_never_drawn_on_another(
    qtbot: QtBot, film: MainWindow, verbs: FakePipeline
) -> None:
    column = film.parts.view.column("column 1")
    first = column.prediction
    assert first is not None
    verbs.hold = True
    verbs.gate.clear()
    go(qtbot, film, 1)
    assert column.prediction is None
    assert column.state != "result"
    verbs.began.clear()
    qtbot.waitUntil(verbs.began.is_set)  # one stays with the frame: it is run
    assert column.prediction is None
    go(qtbot, film, 0)
    assert column.prediction is first, "what was predicted on the first frame is known"
    verbs.gate.set()
    settle(qtbot, film)
    assert column.prediction is first, "nor is the result of a frame that was left drawn when it comes"


def test_keys_of_results_hold_the_frame(qtbot: QtBot, film: MainWindow) -> None:
    first = film.store.run_key("column 1")
    go(qtbot, film, 4)
    second = film.store.run_key("column 1")
    assert first is not None
    assert second is not None
    assert first != second
    assert replace(second, frame=0) == first
    settle(qtbot, film)


def test_frames_that_are_only_passed_are_not_run(qtbot: QtBot, film: MainWindow, verbs: FakePipeline) -> None:
    runs = len(verbs.runs)
    for to in (1, 2, 3):
        go(qtbot, film, to)
    column = film.parts.view.column("column 1")
    assert column.state == "empty"
    qtbot.waitUntil(lambda: column.state == "result")
    settle(qtbot, film)
    assert len(verbs.runs) == runs + 1


def test_the_newest_wish_wins_and_the_window_never_waits(qtbot: QtBot, film: MainWindow, verbs: FakePipeline) -> None:
    for number in (2, 4):
        verbs.held_frames[number] = threading.Event()
    slider = film.parts.bar.time.slider
    slider.setValue(2)
    slider.setValue(4)
    assert frame(film) == 0, "nothing was read on the thread of the window"
    verbs.held_frames[4].set()
    qtbot.waitUntil(lambda: frame(film) == 4)
    verbs.held_frames[2].set()
    settle(qtbot, film)
    assert frame(film) == shown_frame(film) == slider.value() == 4


def test_a_wish_for_a_frame_whose_reading_was_cancelled_is_fulfilled(
    qtbot: QtBot, film: MainWindow, verbs: FakePipeline
) -> None:
    gates = {number: threading.Event() for number in range(1, FRAMES)}
    verbs.held_frames.update(gates)
    for wish in (1, 2, 3, 4, 5, 3):  # both threads are busy with the first two
        film.frames.show(wish)
    for gate in gates.values():
        gate.set()
    qtbot.waitUntil(lambda: frame(film) == 3)
    settle(qtbot, film)
    assert frame(film) == 3


def test_neighbours_are_read_ahead_and_nothing_twice(qtbot: QtBot, film: MainWindow, verbs: FakePipeline) -> None:
    go(qtbot, film, 1)
    settle(qtbot, film)
    read = [number for name, number in verbs.frames_read if name == "film.png"]
    assert sorted(read) == list(range(FRAMES))
    for to in (3, 5, 2):
        film.frames.show(to)
        assert frame(film) == to, "it is at hand"
    settle(qtbot, film)
    assert len([1 for name, _ in verbs.frames_read if name == "film.png"]) == FRAMES


def test_the_cache_keeps_to_its_budget() -> None:
    image = fakes.image()
    cache = FrameCache(bytes_kept=3 * image.voxels.nbytes)
    key = ("film", 0, None)
    cache.use(key)
    for number in range(5):
        cache.put(key, Case(name="film", image=replace(image, frame=number, frames=5)))
    assert [cache.get(number) is not None for number in range(5)] == [False, False, True, True, True]
    assert cache.size_bytes() == 3 * image.voxels.nbytes
    assert not cache.has_room_for(1)
    cache.put(("other", 0, None), Case(name="other", image=replace(image, frame=0, frames=5)))
    assert cache.get(0) is None, "a frame of another case came too late"
    cache.use(("film", 1, None))
    assert cache.get(4) is None, "the file was read again"


def test_arrows_and_the_wheel_with_control_turn_the_frames_of_a_film(qtbot: QtBot, film: MainWindow) -> None:
    front(qtbot, film)
    view = film.parts.view
    qtbot.keyClick(view, Qt.Key.Key_Up)
    qtbot.waitUntil(lambda: frame(film) == 1)
    wheel(view.column("column 1").view, 1, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: frame(film) == 2)
    qtbot.keyClick(view, Qt.Key.Key_PageUp)
    qtbot.waitUntil(lambda: frame(film) == FRAMES - 1)
    settle(qtbot, film)


def test_cine_plays_round_and_round_runs_nothing_and_stops_at_a_click(
    qtbot: QtBot, film: MainWindow, verbs: FakePipeline
) -> None:
    front(qtbot, film)
    runs, seen = len(verbs.runs), []
    film.store.case_changed.connect(lambda _: seen.append(frame(film)))
    film.parts.bar.time.fps.setValue(60)
    qtbot.keyClick(film.parts.view, Qt.Key.Key_C)
    assert film.parts.bar.time.play.text() == "Pause"
    qtbot.waitUntil(lambda: seen[:7] == [1, 2, 3, 4, 5, 0, 1])
    assert len(verbs.runs) == runs
    picture = film.parts.view.column("column 1").view
    send(picture, QEvent.Type.MouseButtonPress, QPointF(5, 5), LEFT, LEFT)
    assert not film.store.playing
    assert film.parts.bar.time.play.text() == "Play"
    stopped = frame(film)
    film.cine.tick()  # one that was on its way
    settle(qtbot, film)
    assert frame(film) in (stopped, (stopped + 1) % FRAMES)


def test_a_frame_that_is_still_being_read_is_waited_for(qtbot: QtBot, film: MainWindow, verbs: FakePipeline) -> None:
    verbs.held_frames[1] = threading.Event()
    film.cine.toggle()
    film.cine.tick()
    film.cine.tick()
    film.cine.tick()
    assert film.frames.wanted == 1
    film.cine.stop()
    verbs.held_frames[1].set()
    settle(qtbot, film)


def test_a_frame_that_cannot_be_read_leaves_the_one_before_and_says_so(
    qtbot: QtBot, film: MainWindow, verbs: FakePipeline
) -> None:
    verbs.errors["film.png"] = ImageRefused("film.png: the file is gone. Check the drive.")
    film.parts.bar.time.slider.setValue(5)
    settle(qtbot, film)
    assert frame(film) == film.parts.bar.time.slider.value() == 0
    assert any("the file is gone" in note.text for note in film.store.notes)


def test_the_result_of_a_frame_is_saved_and_repeated_as_that_frame(
    qtbot: QtBot, film: MainWindow, tmp_path: Path
) -> None:
    go(qtbot, film, 2)
    qtbot.waitUntil(lambda: film.parts.view.column("column 1").state == "result")
    settle(qtbot, film)
    film.exports.save_prediction("column 1", str(tmp_path))
    settle(qtbot, film)
    assert any("film_frame3_best" in note.text for note in film.store.notes)
    assert "--frame 3" in film.exports.copy_command("column 1")


def test_another_case_forgets_the_wish(qtbot: QtBot, film: MainWindow, verbs: FakePipeline) -> None:
    film.open(["/data/01.png"])
    settle(qtbot, film)
    film.opening.show_case(FILM)
    verbs.held_frames[3] = threading.Event()
    film.frames.show(3)
    film.opening.show_case("/data/01.png")
    verbs.held_frames[3].set()
    settle(qtbot, film)
    assert film.store.active_case == "/data/01.png"
    assert shown_frame(film) == 0
    assert film.store.cases[FILM].case.image.frame == 0  # type: ignore[union-attr]


def test_a_reference_that_is_dropped_later_is_that_of_the_frame_that_is_shown(
    qtbot: QtBot, film: MainWindow, verbs: FakePipeline
) -> None:
    go(qtbot, film, 2)
    settle(qtbot, film)
    film.opening.open_reference("/data/film.mask")
    settle(qtbot, film)
    assert verbs.frames_read[-1] == ("film.png", 2)
    assert frame(film) == shown_frame(film) == 2
    assert film.store.case is not None
    assert film.store.case.reference is not None
    go(qtbot, film, 3)
    assert film.store.case.reference is not None
    settle(qtbot, film)


def test_what_is_measured_on_one_frame_is_measured_again_when_one_left_too_early(
    qtbot: QtBot, film: MainWindow
) -> None:
    film.opening.open_reference("/data/film.mask")
    settle(qtbot, film)
    first = film.store.run_key("column 1")
    assert first is not None
    assert film.store.outcomes.curves[first]
    assert film.store.measurement("column 1") is not None
    go(qtbot, film, 1)
    assert film.store.measurement("column 1") is None
    settle(qtbot, film)
    qtbot.waitUntil(lambda: film.store.measurement("column 1") is not None)
    settle(qtbot, film)


def test_cine_of_a_volume_goes_through_its_slices_and_begins_again(qtbot: QtBot, opened: MainWindow) -> None:
    view = opened.parts.view
    opened.store.set_volume(view="axial")
    assert opened.parts.bar.time.play.isVisible()
    assert not opened.parts.bar.time.slider.isVisible()
    view.set_cross((18, 3, 4))
    seen: list[int] = []
    view.slice_changed.connect(seen.append)
    opened.parts.bar.time.fps.setValue(60)
    opened.parts.bar.time.play.click()
    qtbot.waitUntil(lambda: len(seen) >= 4)
    opened.parts.bar.time.play.click()
    assert seen[:4] == [19, 0, 1, 2]
    assert view.cross()[1:] == (3, 4)
    settle(qtbot, opened)


def test_there_is_nothing_to_play_in_a_single_picture(qtbot: QtBot, window: MainWindow) -> None:
    window.open(["/data/01.png"])
    settle(qtbot, window)
    window.cine.toggle()
    assert not window.store.playing
    assert not window.actions_by_id["view.cine"].isEnabled()
