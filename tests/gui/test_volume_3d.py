"""The tab of three dimensions: words where it cannot draw, and with OpenGL the genuine view."""

from __future__ import annotations

import sys
from importlib import util
from types import ModuleType

import numpy as np
import pytest
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSlider, QWidget
from pytestqt.qtbot import QtBot

from app.panels import volume_3d, volume_3d_gl
from app.panels.volume_3d_gl import NO_PACKAGE, gl_problem
from app.window import MainWindow
from core import pipeline
from core.records import Case, CasePaths, LabelMap, Space, Surface, Texture, frozen_array
from tests.gui import fakes
from tests.gui.standins import FakePipeline
from tests.gui.test_window import settle

VOLUME = (12, 40, 48)


class FakeView(QWidget):
    """In the place of the view of OpenGL: keeps what it was told to show."""

    pick_requested = Signal(object, object, float)

    def __init__(self) -> None:
        super().__init__()
        self.surfaces: dict[str, tuple[Surface, str, float]] = {}
        self.texture: Texture | None = None
        self.cross: tuple[float, float, float] | None = None
        self.space: Space | None = None

    def set_space(self, space: Space) -> None:
        self.space = space

    def set_surfaces(self, surfaces: dict[str, tuple[Surface, str, float]]) -> None:
        self.surfaces = surfaces

    def set_look(self, key: str, colour: str, opacity: float) -> None:
        self.surfaces[key] = (self.surfaces[key][0], colour, opacity)

    def set_texture(self, texture: Texture | None) -> None:
        self.texture = texture

    def set_cross(self, point: tuple[float, float, float]) -> None:
        self.cross = point

    def reset_view(self) -> None:
        pass


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine with OpenGL, without touching it."""
    module = ModuleType("app.panels.volume_3d_view")
    module.View3D = FakeView  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "app.panels.volume_3d_view", module)
    monkeypatch.setattr(volume_3d, "gl_problem", lambda: "")


def volume_case(slices: int = VOLUME[0]) -> Case:
    picture = fakes.image(VOLUME[1], VOLUME[2], slices, spacing_mm=(2.0, 1.0, 1.0))
    labels = np.zeros(picture.voxels.shape, np.int16)
    labels[:, 10:20, 20:30] = 3
    return Case(name="volume.nii.gz", image=picture, reference=LabelMap(labels=frozen_array(labels), name="truth"))


def show(qtbot: QtBot, window: MainWindow, case: Case) -> None:
    name = window.store.add_case(CasePaths(name=case.name, image=f"/data/{case.name}"))
    window.store.set_case(name, case)
    window.store.activate_case(name)
    settle(qtbot, window)


def fake_view(window: MainWindow) -> FakeView:
    view = window.parts.volume_3d.view
    assert isinstance(view, FakeView)
    return view


def look(qtbot: QtBot, window: MainWindow) -> None:
    window.show_3d()
    qtbot.waitUntil(lambda: window.parts.volume_3d.looked_at)
    settle(qtbot, window)
    qtbot.wait(300)  # changes in a row are shown once
    settle(qtbot, window)


def test_the_offscreen_platform_says_in_words_that_it_cannot_draw(qtbot: QtBot, window: MainWindow) -> None:
    if not gl_problem():
        pytest.skip("this platform has OpenGL")
    show(qtbot, window, volume_case())
    look(qtbot, window)
    panel = window.parts.volume_3d
    assert not panel.shows_view()
    assert panel.message.text() == gl_problem()
    assert panel.view is None
    assert "Everything else works" in panel.message.text()


def test_without_pyopengl_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume_3d_gl.util, "find_spec", lambda name: None)
    assert gl_problem() == NO_PACKAGE
    assert "`volume`" in NO_PACKAGE


def test_a_context_that_cannot_be_made_is_said(monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> None:
    monkeypatch.setattr(volume_3d_gl.util, "find_spec", lambda name: object())
    monkeypatch.setattr(volume_3d_gl, "WITHOUT", frozenset())
    monkeypatch.setattr(volume_3d_gl, "_has_context", lambda: False)
    assert gl_problem() == volume_3d_gl.NO_CONTEXT


@pytest.mark.usefixtures("drawing")
def test_nothing_is_made_before_somebody_looks(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    genuine = pipeline.surface
    monkeypatch.setattr(pipeline, "surface", lambda *words: made.append(words) or genuine(*words))
    show(qtbot, window, volume_case())
    qtbot.wait(300)
    assert made == []
    assert window.parts.volume_3d.view is None
    look(qtbot, window)
    assert len(made) == 1
    window.store.set_overlay(opacity=0.2)
    window.volume_3d.refresh()
    settle(qtbot, window)
    assert len(made) == 1  # what has not changed is not made again


@pytest.mark.usefixtures("drawing")
def test_a_single_picture_is_not_a_volume(qtbot: QtBot, window: MainWindow) -> None:
    show(qtbot, window, volume_case())
    look(qtbot, window)
    assert window.parts.volume_3d.shows_view()
    show(qtbot, window, fakes.case(40, 48))
    look(qtbot, window)
    assert not window.parts.volume_3d.shows_view()
    assert "needs a volume" in window.parts.volume_3d.message.text()


@pytest.mark.usefixtures("drawing")
def test_each_result_and_the_reference_are_surfaces_in_their_colours(
    qtbot: QtBot, window: MainWindow, verbs: FakePipeline
) -> None:
    show(qtbot, window, volume_case())
    window.opening.open_checkpoint("/data/best.ckpt")
    settle(qtbot, window)
    look(qtbot, window)
    shown = fake_view(window).surfaces
    assert set(shown) == {"column 1", "reference"}
    assert shown["column 1"][1] == window.store.columns["column 1"].colour
    assert shown["reference"][1] == window.theme.reference
    low, high = shown["reference"][0].vertices.min(axis=0), shown["reference"][0].vertices.max(axis=0)
    np.testing.assert_allclose((low, high), ([19.5, 9.5, -1.0], [29.5, 19.5, 23.0]), atol=1e-4)
    before = shown["column 1"][0]
    window.store.set_threshold("column 1", 2.0)  # nothing is above it
    look(qtbot, window)
    after = fake_view(window).surfaces["column 1"][0]
    assert after is not before
    assert len(after.faces) == 0
    assert "empty, there is no surface" in window.parts.volume_3d.facts.text()


@pytest.mark.usefixtures("drawing")
def test_opacity_is_kept_when_the_surfaces_are_made_again(
    qtbot: QtBot, window: MainWindow, verbs: FakePipeline
) -> None:
    show(qtbot, window, volume_case())
    look(qtbot, window)
    slider = window.parts.volume_3d.rows.itemAtPosition(0, 2).widget()
    assert isinstance(slider, QSlider)
    slider.setValue(20)
    assert fake_view(window).surfaces["reference"][2] == 0.2
    window.opening.open_checkpoint("/data/best.ckpt")
    settle(qtbot, window)
    look(qtbot, window)
    assert fake_view(window).surfaces["reference"][2] == 0.2


@pytest.mark.usefixtures("drawing")
def test_the_crosshair_is_linked_both_ways(qtbot: QtBot, window: MainWindow) -> None:
    show(qtbot, window, volume_case())
    look(qtbot, window)
    window.parts.view.set_cross((2, 30, 40))
    assert fake_view(window).cross == (40.0, 30.0, 4.0)
    fake_view(window).pick_requested.emit((24.0, -100.0, 11.0), (0.0, 1.0, 0.0), 0.02)
    settle(qtbot, window)
    assert window.parts.view.cross() == pytest.approx((5, 10, 24), abs=1)
    before = window.parts.view.cross()
    fake_view(window).pick_requested.emit((24.0, -100.0, 11.0), (0.0, -1.0, 0.0), 0.02)
    settle(qtbot, window)
    assert window.parts.view.cross() == before  # beside all surfaces


@pytest.mark.usefixtures("drawing")
def test_the_image_behind_follows_the_window(qtbot: QtBot, window: MainWindow) -> None:
    show(qtbot, window, volume_case())
    look(qtbot, window)
    assert fake_view(window).texture is None
    window.parts.volume_3d.image_box.setChecked(True)
    settle(qtbot, window)
    first = fake_view(window).texture
    assert first is not None
    window.parts.view.set_window_level(0.0, 1.0)
    look(qtbot, window)
    second = fake_view(window).texture
    assert second is not None
    assert second.levels.mean() > first.levels.mean()
    window.parts.volume_3d.image_box.setChecked(False)
    assert fake_view(window).texture is None


@pytest.mark.skipif(util.find_spec("OpenGL") is None, reason="PyOpenGL, the extra `volume`, is not installed")
def test_with_opengl_a_surface_is_drawn_in_its_colour_and_found_by_a_click(qtbot: QtBot, window: MainWindow) -> None:
    problem = gl_problem()
    if problem:
        pytest.skip(problem)
    show(qtbot, window, volume_case())
    look(qtbot, window)
    view = window.parts.volume_3d.view
    assert view is not None
    picture = view.grabFramebuffer()
    counts = [picture.pixelColor(x, y) for x in range(0, picture.width(), 3) for y in range(0, picture.height(), 3)]
    yellow = sum(colour.red() > 1.5 * colour.blue() and colour.green() > 1.5 * colour.blue() for colour in counts)
    assert yellow > 20
    point = (24.5, 19.5, 11.0)  # the middle of the front of the block
    view.ask_for(view.place_of(point))
    settle(qtbot, window)
    assert window.parts.view.cross() == pytest.approx((6, 20, 24), abs=2)


@pytest.mark.skipif(util.find_spec("OpenGL") is None, reason="PyOpenGL, the extra `volume`, is not installed")
def test_a_tab_that_is_pulled_out_and_put_back_draws_on(qtbot: QtBot, window: MainWindow) -> None:
    problem = gl_problem()
    if problem:
        pytest.skip(problem)
    show(qtbot, window, volume_case())
    look(qtbot, window)
    panel = window.parts.volume_3d
    panel.image_box.setChecked(True)
    settle(qtbot, window)
    for floating in (True, False):
        window.volume_dock.setFloating(floating)
        qtbot.wait(300)
        assert panel.view is not None
        picture = panel.view.grabFramebuffer()
        middle = picture.pixelColor(picture.width() // 2, picture.height() // 2)
        assert middle.lightness() > 40
