"""Which windows an image is offered, which it starts with, inverting, and a window from a box."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtWidgets import QApplication

from app.canvas.colour_maps import GREY, INVERTED, colourise, table, windowed_colour
from app.canvas.columns import ColumnsView
from app.canvas.window_level import FULL_RANGE, OWN_WINDOW, full_range, of_box, presets, starting
from core.records import Image
from tests.gui import fakes
from tests.gui.test_canvas_pixels import pixels
from tests.gui.test_volume_views import NONE, RIGHT, look, panes, point, send, view, volume

__all__ = ["view"]
CONTROL = Qt.KeyboardModifier.ControlModifier


def ct(**more: object) -> Image:
    voxels = np.linspace(-1024, 2000, 6000).astype(np.int16).reshape(1, 60, 100)
    return Image(voxels=voxels, name="ct", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("image", [ct(unit="HU", modality="CT"), ct()], ids=["says so", "a NIfTI, by its values"])
def test_a_ct_is_offered_its_organs_first_and_starts_with_soft_tissue(image: Image) -> None:
    offers = presets(image)
    assert [offer.name.removesuffix(" (HU)") for offer in offers[:5]] == [
        "Brain",
        "Lung",
        "Bone",
        "Soft tissue",
        "Angiography",
    ]
    assert (offers[0].low, offers[0].high) == (0.0, 80.0)
    assert (offers[1].low, offers[1].high) == (-1350.0, 150.0)
    assert starting(offers).name == "Soft tissue (HU)"
    assert full_range(offers) == 3024.0


@pytest.mark.parametrize(
    "image",
    [
        ct(modality="MR"),
        replace(ct(), voxels=(ct().voxels * 4).astype(np.int16)),
        replace(ct(), voxels=ct().voxels.astype(np.float32)),
        fakes.image(),
        fakes.image(slices=3),
    ],
)
def test_what_is_no_ct_is_offered_no_hounsfield_units(image: Image) -> None:
    offers = presets(image)
    assert not any("HU" in offer.name for offer in offers)
    assert offers[0].name == starting(offers).name == FULL_RANGE


def test_the_window_of_the_file_comes_first_and_is_the_one_to_start_with() -> None:
    offers = presets(replace(fakes.image(), window=(100.0, 50.0), modality="XA"))
    assert (offers[0].name, offers[0].low, offers[0].high) == (OWN_WINDOW, 75.0, 125.0)
    assert starting(offers) is offers[0]
    both = presets(ct(unit="HU", window=(40.0, 400.0)))
    assert starting(both).name == OWN_WINDOW
    assert [offer.start for offer in both].count(True) == 1


def test_inverted_greys_and_colours_are_the_others_turned_round() -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    plain, turned = np.zeros((3, 4), np.uint32), np.zeros((3, 4), np.uint32)
    colourise(values, 0.0, 11.0, GREY, plain)
    colourise(values, 0.0, 11.0, INVERTED, turned)
    assert np.array_equal((plain & 255) + (turned & 255), np.full((3, 4), 255))
    assert np.array_equal(table(INVERTED), table(GREY)[::-1])
    colours = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    windowed_colour(colours, 0, 255, plain)
    windowed_colour(colours, 0, 255, turned, inverted=True)
    assert np.array_equal((plain >> 8 & 255) + (turned >> 8 & 255), np.full((3, 4), 255))


def test_an_inverted_picture_is_painted_so_and_says_so(view: ColumnsView) -> None:
    look(view, view="axial")
    view.set_bare(True)
    pane = panes(view)["axial"]
    where = point(pane.view, 12, 20)

    def seen() -> int:
        return int(pixels(pane.view.grab().toImage())[int(where.y()), int(where.x())][0])

    before = seen()
    view.toggle_inverted()
    QApplication.processEvents()
    assert seen() == pytest.approx(255 - before, abs=1)
    assert "Inverted" in pane.view.marks.above
    view.reset_view()
    assert not view.inverted()
    assert seen() == before


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_box_gives_the_window_of_what_it_encloses(view: ColumnsView, plane: str) -> None:
    look(view, view=plane)
    pane = panes(view)[plane]
    start, end = point(pane.view, 3.1, 4.2), point(pane.view, 8.9, 12.8)
    send(pane.view, QEvent.Type.MouseButtonPress, end, RIGHT, RIGHT, CONTROL)  # from any corner
    send(pane.view, QEvent.Type.MouseMove, start, NONE, RIGHT, CONTROL)
    before = view.window_level()
    send(pane.view, QEvent.Type.MouseButtonRelease, start, RIGHT, NONE, CONTROL)
    assert pane._section is not None
    enclosed = pane._section.plane(volume().voxels)[3:10, 4:14]
    assert view.window_level() == (float(enclosed.min()), float(enclosed.max())) != before


def test_a_click_encloses_nothing_and_a_plain_right_drag_is_the_usual_one(view: ColumnsView) -> None:
    look(view, view="axial")
    picture, before = panes(view)["axial"].view, view.window_level()
    for kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease):
        send(picture, kind, QPointF(60, 60), RIGHT, RIGHT, CONTROL)
    assert view.window_level() == before
    send(picture, QEvent.Type.MouseButtonPress, QPointF(60, 60), RIGHT, RIGHT)
    send(picture, QEvent.Type.MouseMove, QPointF(90, 60), NONE, RIGHT)
    low, high = view.window_level()
    assert high - low > before[1] - before[0]


def test_a_box_of_one_value_or_of_none_is_no_division_by_zero() -> None:
    low, high = of_box(np.full((3, 3), 7)) or (0.0, 0.0)
    assert low == 7.0 < high
    assert of_box(np.full((2, 2), np.nan)) is None
    assert of_box(np.zeros((0, 4))) is None
