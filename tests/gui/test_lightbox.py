"""The lightbox: which slices it shows, how it moves, and the way to one slice and back."""

from __future__ import annotations

from itertools import pairwise

import pytest
from PySide6.QtCore import QEvent, QPointF
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.canvas.camera import Plane
from app.canvas.columns import ColumnsView
from app.canvas.lightbox import Grid, grid_for, tile_slices
from app.canvas.pane import Pane
from app.items import VolumeView
from app.window import MainWindow
from tests.gui.test_volume_views import LEFT, box, look, opened, point, prediction, send, view, wheel

__all__ = ["opened", "view"]


@pytest.mark.parametrize("slices", [1, 2, 7, 20, 181])
@pytest.mark.parametrize("places", [1, 6, 30])
@pytest.mark.parametrize("every", [0, 1, 3])
@pytest.mark.parametrize("tile", [None, 0, 4])
def test_tiles_are_evenly_spaced_and_the_slice_of_the_crosshair_is_among_them(
    slices: int, places: int, every: int, tile: int | None
) -> None:
    for at in range(slices):
        tiles = tile_slices(slices, places, every, at, tile)
        known = [index for index in tiles if index is not None]
        assert len(tiles) == places
        assert at in known
        assert all(0 <= index < slices for index in known)
        assert len({second - first for first, second in pairwise(known)}) <= 1
        assert None not in tiles[: len(known)], "empty places come last"
        step = every or -(-slices // places)
        if len(known) < places:
            assert known[0] < step or places == 1, "nothing is left over at one end while the other is empty"
            assert known[-1] + step >= slices


def test_without_a_distance_the_whole_volume_is_shown() -> None:
    tiles = tile_slices(100, 12, 0, 50, None)
    known = [index for index in tiles if index is not None]
    assert known[0] < 9
    assert known[-1] + 9 >= 100


def test_a_tile_that_was_clicked_keeps_its_slice() -> None:
    tiles = tile_slices(100, 12, 2, 50, 3)
    for place, index in enumerate(tiles):
        assert index is not None
        assert tile_slices(100, 12, 2, index, place) == tiles


@pytest.mark.parametrize(("width", "height"), [(100, 80), (400, 300), (1600, 900), (300, 1200)])
@pytest.mark.parametrize(
    "plane", [Plane(rows=512, columns=512), Plane(rows=30, columns=200), Plane(rows=200, columns=30)]
)
def test_a_grid_fills_its_room_with_tiles_that_can_be_read(width: int, height: int, plane: Plane) -> None:
    grid = grid_for(width, height, plane, slices=500)
    assert 1 <= grid.places <= 30
    assert grid_for(width, height, plane, slices=1) == Grid(rows=1, columns=1)


def tiles(columns: ColumnsView, key: str = "a") -> list[Pane]:
    return [pane for pane in columns.column(key).grid.seen() if pane._section is not None]


def indices(columns: ColumnsView, key: str = "a") -> list[int]:
    return [pane._section.index for pane in tiles(columns, key) if pane._section is not None]


def test_slices_of_one_plane_lie_beside_each_other_with_their_masks(view: ColumnsView) -> None:
    view.set_prediction("a", prediction(box(slice(0, 5), slice(0, 10), slice(0, 10))))
    look(view, view="axial", layout="lightbox", every=2)
    shown = indices(view)
    assert len(shown) > 4
    assert {second - first for first, second in pairwise(shown)} == {2}
    assert shown == indices(view, "b")
    for pane in tiles(view):
        assert pane._section is not None
        assert pane.view.mask_item.isVisible() is True
        assert bool(pane.frame.mask.any()) == (pane._section.index < 5)  # type: ignore[union-attr]
        assert pane.view.marks.edges == ("R", "L", "A", "P")
        assert (pane.view.marks.cross is not None) == (pane._section.index == view.cross()[0])
    assert [bool(pane.view.marks.above) for pane in tiles(view)] == [True] + [False] * (len(shown) - 1)


def test_the_wheel_moves_the_range(view: ColumnsView) -> None:
    look(view, view="axial", layout="lightbox", every=1)
    before, cross = indices(view), view.cross()
    assert len(before) < 20
    wheel(tiles(view)[0].view, 1)
    assert indices(view) == [index + 1 for index in before]
    assert view.cross()[0] == cross[0] + 1
    for _ in range(30):
        wheel(tiles(view)[0].view, 1)
    assert indices(view)[-1] == 19, "it ends with the volume, and no place is empty"


def test_a_drag_in_a_tile_moves_the_crosshair_in_its_slice(view: ColumnsView) -> None:
    look(view, view="axial", layout="lightbox", every=1)
    before, tile = indices(view), tiles(view)[1]
    send(tile.view, QEvent.Type.MouseButtonPress, point(tile.view, 5, 6), LEFT, LEFT)
    assert view.cross() == (before[1], 5, 6)
    send(tile.view, QEvent.Type.MouseMove, point(tile.view, 15, 20), LEFT, LEFT)
    assert view.cross() == (before[1], 15, 20)
    assert indices(view) == before


def test_a_double_click_goes_to_that_slice_alone_and_another_one_back(qtbot: QtBot, opened: MainWindow) -> None:
    opened.store.set_volume(view="axial", layout="lightbox", every=1)
    QApplication.processEvents()
    grid = opened.parts.view._alone.grid
    tile = grid.seen()[2]
    assert tile._section is not None
    wanted = tile._section.index
    where = point(tile.view, 5, 6)
    for kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease, QEvent.Type.MouseButtonDblClick):
        send(tile.view, kind, where, LEFT, LEFT)
    assert opened.store.volume == VolumeView(view="axial", layout=1, every=1)
    assert opened.parts.view.cross() == (wanted, 5, 6)
    send(grid.seen()[0].view, QEvent.Type.MouseButtonDblClick, QPointF(9, 9), LEFT, LEFT)
    assert opened.store.volume.layout == "lightbox"


def test_a_double_click_maximises_as_ever_when_nobody_came_from_a_lightbox(opened: MainWindow) -> None:
    opened.store.set_volume(view="axial", layout="lightbox")
    opened.store.set_volume(layout=1)
    send(opened.parts.view._alone.view, QEvent.Type.MouseButtonDblClick, QPointF(9, 9), LEFT, LEFT)
    assert opened.store.volume.layout == 1


def test_the_number_of_tiles_follows_the_room(view: ColumnsView) -> None:
    look(view, view="axial", layout="lightbox", every=1)
    many = len(indices(view))
    view.resize(500, 300)
    QApplication.processEvents()
    assert 0 < len(indices(view)) < many
    look(view, layout=4)
    assert [pane.name for pane in view.column("a").grid.seen()] == ["axial", "coronal", "sagittal", "acquired"]
    assert all(pane.view.isVisible() for pane in view.column("a").grid.seen())


def test_the_bar_offers_the_plane_and_the_distance(opened: MainWindow) -> None:
    controls = opened.parts.bar.volume
    controls.layout_box.activated.emit(3)
    assert opened.store.volume.layout == "lightbox"
    assert controls.view_box.isVisible()
    assert controls.every.isVisible()
    controls.view_box.activated.emit(1)
    assert (opened.store.volume.view, opened.store.volume.layout) == ("coronal", "lightbox")
    controls.every.setValue(3)
    assert opened.store.volume.every == 3
    opened.store.set_volume(layout=4)
    assert not controls.every.isVisible()
