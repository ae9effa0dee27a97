"""Volumes under the hands of a person: planes, letters, crosshair, wheel, keys, layouts, convention and slabs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.canvas.colour_maps import colourise, levels, table
from app.canvas.columns import ColumnsView
from app.canvas.pane import Pane
from app.canvas.slice_view import SliceView
from app.items import VolumeView
from app.status import hover_text
from app.theme import LIGHT
from app.window import MainWindow
from core.records import Case, CasePaths, Image, LabelMap, Prediction, RunSettings
from tests.gui import fakes
from tests.gui.test_canvas_pixels import pixels

SHAPE = (20, 24, 30)
"""Axial slices of (slice, row, column) that grow to S, P and L: what the NIfTI reader makes of any file."""
AFFINE = np.array([[0, 0, -1.0, 14.5], [0, -2.0, 0, 23.0], [3.0, 0, 0, -30.0], [0, 0, 0, 1]])
BLUE = LIGHT.column_colours[0]
LEFT, RIGHT, MIDDLE, NONE = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.RightButton,
    Qt.MouseButton.MiddleButton,
    Qt.MouseButton.NoButton,
)
PLAIN = Qt.KeyboardModifier.NoModifier


def volume(*, geometry: bool = True) -> Image:
    """Grey that grows along every axis, so that each voxel of a slice differs from its neighbours."""
    s, r, c = np.indices(SHAPE)
    voxels = (s * 100 + r * 10 + c).astype(np.int16)
    return Image(
        voxels=voxels, name="v", affine=AFFINE if geometry else None, spacing_mm=(3, 2, 1) if geometry else None
    )


def prediction(mask: Any) -> Prediction:
    score = mask.astype(np.float32)
    limits = (0.0, 1.0)
    return Prediction(
        score=score,
        probability=score,
        mask=mask,
        threshold=0.5,
        value_range=limits,
        steps=(),
        settings=RunSettings(),
    )


def box(*sides: slice) -> Any:
    mask = np.zeros(SHAPE, bool)
    mask[sides] = True
    return mask


@pytest.fixture
def view(qtbot: QtBot) -> ColumnsView:
    """Two columns on one volume with geometry."""
    made = ColumnsView(LIGHT)
    qtbot.addWidget(made)
    made.resize(1000, 700)
    made.set_case(Case(name="v", image=volume()))
    made.add_column("a", "one.ckpt", BLUE)
    made.add_column("b", "two.ckpt", LIGHT.column_colours[1])
    made.show()
    qtbot.waitExposed(made)
    QApplication.processEvents()
    return made


def panes(view: ColumnsView, key: str = "a") -> dict[str, Pane]:
    return {pane.name: pane for pane in view.column(key).grid.seen()}


def look(columns: ColumnsView, /, **changes: Any) -> None:
    columns.set_volume(VolumeView(**changes))
    QApplication.processEvents()


def send(slice_view: SliceView, kind: QEvent.Type, where: QPointF, button: Any, held: Any, keys: Any = PLAIN) -> None:
    QApplication.sendEvent(slice_view.viewport(), QMouseEvent(kind, where, where, button, held, keys))


def point(slice_view: SliceView, row: float, column: float) -> QPointF:
    return QPointF(*slice_view.lens().to_screen(column, row))


def wheel(slice_view: SliceView, notches: int, keys: Any = PLAIN) -> None:
    where, phase = QPointF(slice_view.viewport().rect().center()), Qt.ScrollPhase.NoScrollPhase
    turned = QWheelEvent(where, where, QPoint(), QPoint(0, 120 * notches), NONE, keys, phase, False)
    QApplication.sendEvent(slice_view.viewport(), turned)


def grey(slice_view: SliceView, row: int, column: int) -> int:
    """The grey that is painted in the middle of a pixel of the picture."""
    where = point(slice_view, row, column)
    return int(pixels(slice_view.grab().toImage())[int(where.y()), int(where.x())][0])


# ---- planes and letters ----


def test_four_views_show_their_planes_upright_with_their_letters(view: ColumnsView) -> None:
    look(view, layout=4)
    found = panes(view)
    assert list(found) == ["axial", "coronal", "sagittal", "acquired"]
    edges = {name: "".join(pane.view.marks.edges) for name, pane in found.items()}  # left, right, top, bottom
    assert edges == {"axial": "RLAP", "coronal": "RLSI", "sagittal": "APSI", "acquired": "RLAP"}
    for pane in found.values():
        assert pane.view.isVisible()
        assert pane.view.marks.below[-1] == "Radiological"


def test_the_pixels_of_a_coronal_view_are_the_voxels_of_its_slice(view: ColumnsView) -> None:
    """Rows of the picture run from the head (last slice) down; what is painted is the window over the stored value."""
    look(view, view="coronal")
    view.set_cross((10, 5, 12))
    view.set_overlay_style(fill=True, outline=True, opacity=1.0, visible=False, reference_visible=False)
    low, high = view.window_level()
    shown = view.column("a").view
    for row, column in ((1, 2), (17, 25), (4, 20)):
        wanted = levels(np.array([view.case().image.voxels[19 - row, 5, column]]), low, high)[0]
        assert grey(shown, row, column) == wanted


def test_the_proportions_of_each_plane_follow_its_spacing(view: ColumnsView) -> None:
    look(view, layout=4)
    ratios = {}
    for name, pane in panes(view).items():
        across, down = pane.view.lens().scale
        ratios[name] = down / across
    assert ratios == pytest.approx({"axial": 2.0, "coronal": 3.0, "sagittal": 1.5, "acquired": 2.0})


def test_without_geometry_there_are_no_letters_and_that_is_said(view: ColumnsView) -> None:
    view.set_case(Case(name="bare", image=volume(geometry=False)))
    look(view, layout=4)
    for pane in panes(view).values():
        assert pane.view.marks.edges == ("", "", "", "")
        assert "Orientation unknown: as stored" in pane.view.marks.above
        assert "No spacing: square pixels" in pane.view.marks.above
        assert not any("logical" in line or "mm" in line for line in pane.view.marks.below)
    assert [pane.view.marks.above[0] for pane in panes(view).values()][:3] == [
        "Slice by slice",
        "Across the rows",
        "Across the columns",
    ]


def test_two_views_show_two_different_planes(view: ColumnsView) -> None:
    look(view, layout=2)
    assert list(panes(view)) == ["axial", "coronal"], "as acquired would be axial again"
    sagittal_first = np.array(AFFINE)[:, [2, 1, 0, 3]]
    view.set_case(Case(name="other", image=Image(voxels=volume().voxels, name="o", affine=sagittal_first)))
    assert list(panes(view)) == ["axial", "acquired"]


def test_a_single_picture_has_one_view_and_no_crosshair_whatever_the_layout(view: ColumnsView) -> None:
    look(view, layout=4, projection="max")
    view.set_case(fakes.case())
    assert list(panes(view)) == ["acquired"]
    marks = view.column("a").view.marks
    assert marks.cross is None
    assert marks.above == marks.below == ()


def test_a_single_slice_with_geometry_has_letters_and_the_convention(view: ColumnsView) -> None:
    one = Image(voxels=volume().voxels[:1], name="one", affine=AFFINE, spacing_mm=(3, 2, 1))
    view.set_case(Case(name="one", image=one))
    marks = view.column("a").view.marks
    assert "".join(marks.edges) == "RLAP"
    assert marks.below == ("Radiological",)


# ---- the convention ----


@pytest.mark.parametrize("plane", ["axial", "coronal"])
def test_the_convention_mirrors_image_mask_and_letters_together(view: ColumnsView, plane: Any) -> None:
    mask = box(slice(None), slice(None), slice(0, 6))  # the patient's right
    view.set_overlay_style(fill=True, outline=False, opacity=1.0, visible=True, reference_visible=False)
    view.set_prediction("a", prediction(mask))
    look(view, view=plane)
    pane = panes(view)[plane]
    before, mask_before = pane.view.image_item._buffer.copy(), pane.view.mask_item._buffer.copy()
    assert pane.view.marks.edges[:2] == ("R", "L")
    assert mask_before[0, 0]
    assert not mask_before[0, -1]
    look(view, view=plane, convention="neurological")
    assert pane.view.marks.edges[:2] == ("L", "R")
    assert pane.view.marks.below[-1] == "Neurological"
    assert np.array_equal(pane.view.image_item._buffer, before[:, ::-1])
    assert np.array_equal(pane.view.mask_item._buffer, mask_before[:, ::-1])


def test_a_zoomed_view_sees_the_same_voxels_after_left_and_right_change_places(view: ColumnsView) -> None:
    look(view, view="axial")
    wheel(view.column("a").view, 5, Qt.KeyboardModifier.ControlModifier)
    send(view.column("a").view, QEvent.Type.MouseButtonPress, QPointF(100, 100), MIDDLE, MIDDLE)
    send(view.column("a").view, QEvent.Type.MouseMove, QPointF(160, 130), NONE, MIDDLE)
    send(view.column("a").view, QEvent.Type.MouseButtonRelease, QPointF(160, 130), MIDDLE, NONE)
    x, y = view.column("a").view.lens().centre
    assert x != (SHAPE[2] - 1) / 2
    look(view, view="axial", convention="neurological")
    assert view.column("a").view.lens().centre == pytest.approx((SHAPE[2] - 1 - x, y))


# ---- the crosshair ----


def test_a_left_drag_moves_the_crosshair_and_the_other_planes_go_to_its_slices(view: ColumnsView) -> None:
    look(view, layout=4)
    axial, camera = panes(view)["axial"].view, view.camera("axial")
    seen: list[object] = []
    view.cross_changed.connect(seen.append)
    send(axial, QEvent.Type.MouseButtonPress, point(axial, 3, 4), LEFT, LEFT)
    assert view.cross() == (10, 3, 4)
    send(axial, QEvent.Type.MouseMove, point(axial, 20, 25), NONE, LEFT)
    assert seen == [(10, 3, 4), (10, 20, 25)]
    for key in "ab":
        marks = {name: pane.view.marks for name, pane in panes(view, key).items()}
        assert marks["axial"].cross == (25, 20)
        assert marks["coronal"].below[0] == "Slice 21/24 \N{MIDDLE DOT} P 17.0 mm"
        assert marks["coronal"].cross == (25, 9), "slice 10 of 20 from the head down"
        assert marks["sagittal"].below[0] == "Slice 26/30 \N{MIDDLE DOT} L 10.5 mm"
        assert marks["sagittal"].cross == (20, 9)
    assert view.camera("axial") == camera, "the picture stays where it is"


def test_a_drag_beyond_the_picture_stops_at_its_last_voxel(view: ColumnsView) -> None:
    look(view, view="coronal")
    shown = view.column("a").view
    send(shown, QEvent.Type.MouseButtonPress, point(shown, -30, 90), LEFT, LEFT)
    assert view.cross() == (19, 12, 29)


def test_shift_and_the_pointer_move_the_crosshair_without_a_button(view: ColumnsView) -> None:
    look(view, layout=4)
    sagittal = panes(view)["sagittal"].view
    send(sagittal, QEvent.Type.MouseMove, point(sagittal, 2, 7), NONE, NONE)
    assert view.cross() == (10, 12, 15)
    send(sagittal, QEvent.Type.MouseMove, point(sagittal, 2, 7), NONE, NONE, Qt.KeyboardModifier.ShiftModifier)
    assert view.cross() == (17, 7, 15)


def test_a_middle_drag_moves_the_picture_and_a_right_drag_the_window_but_not_the_crosshair(view: ColumnsView) -> None:
    look(view, view="axial")
    shown, window = view.column("a").view, view.window_level()
    for button in (MIDDLE, RIGHT):
        send(shown, QEvent.Type.MouseButtonPress, QPointF(100, 100), button, button)
        send(shown, QEvent.Type.MouseMove, QPointF(120, 90), NONE, button)
        send(shown, QEvent.Type.MouseButtonRelease, QPointF(120, 90), button, NONE)
    assert view.cross() == (10, 12, 15)
    assert view.camera("axial").centre is not None
    assert view.window_level() != window


def test_a_left_drag_moves_a_single_picture(view: ColumnsView) -> None:
    view.set_case(fakes.case())
    shown = view.column("a").view
    send(shown, QEvent.Type.MouseButtonPress, QPointF(100, 100), LEFT, LEFT)
    send(shown, QEvent.Type.MouseMove, QPointF(140, 100), NONE, LEFT)
    assert view.camera().centre is not None
    assert view.cross() == (0, 48, 64)


def test_the_crosshair_is_painted_where_it_is_and_space_takes_it_away(view: ColumnsView) -> None:
    look(view, view="axial")
    view.set_window_level(1e6, 2e6)  # all of the image is black
    view.set_cross((10, 6, 8))
    shown = view.column("a").view
    where = point(shown, 6, 8)
    drawn = pixels(shown.grab().toImage())[..., 0]
    assert drawn[int(where.y()) - 40, int(where.x()) - 1 : int(where.x()) + 2].max() > 150
    assert drawn[int(where.y()) - 4 : int(where.y()) + 5, int(where.x()) - 4 : int(where.x()) + 5].max() == 0
    view.set_bare(True)
    assert pixels(shown.grab().toImage())[int(where.y()) - 40, int(where.x()) - 1 : int(where.x()) + 2].max() == 0
    assert shown.marks.edges[:2] == ("R", "L"), "the letters stay"


def test_the_status_line_says_where_the_pointer_is_and_else_the_crosshair(view: ColumnsView) -> None:
    seen: list[Any] = []
    view.hovered.connect(seen.append)
    look(view, view="coronal")
    shown = view.column("a").view
    send(shown, QEvent.Type.MouseMove, point(shown, 2, 7), NONE, NONE)
    info = seen[-1]
    assert (info.slice, info.row, info.column, info.crosshair) == (17, 12, 7, False)
    assert info.value == view.case().image.voxels[17, 12, 7]
    assert info.world == (7.5, -1.0, 21.0)
    text = hover_text(info, {}, SHAPE[0])
    assert text.startswith("Row 12, column 7, slice 18 of 20 \N{MIDDLE DOT} R 7.5, P 1.0, S 21.0 mm")
    wheel(shown, 1)
    assert (seen[-1].slice, seen[-1].row, seen[-1].column) == (17, 13, 7), "it rests, and the slice is another"
    QApplication.sendEvent(shown, QEvent(QEvent.Type.Leave))
    assert (seen[-1].slice, seen[-1].row, seen[-1].column, seen[-1].crosshair) == (10, 13, 15, True)
    assert hover_text(seen[-1], {}, SHAPE[0]).startswith("Crosshair: row 13, column 15, slice 11 of 20")


# ---- wheel and keys ----


def test_the_wheel_turns_the_slices_of_the_view_under_it_in_all_columns(view: ColumnsView) -> None:
    look(view, layout=4)
    zoom = panes(view)["coronal"].view.lens().zoom
    wheel(panes(view)["coronal"].view, 1)
    wheel(panes(view, "b")["sagittal"].view, -1)
    assert view.cross() == (10, 13, 14)
    assert "Slice 14/24" in panes(view, "b")["coronal"].view.marks.below[0]
    wheel(panes(view)["coronal"].view, 1, Qt.KeyboardModifier.ControlModifier)
    assert view.cross() == (10, 13, 14)
    assert panes(view, "b")["coronal"].view.lens().zoom > zoom
    assert panes(view)["axial"].view.lens().zoom == panes(view, "b")["axial"].view.lens().zoom


# ---- layouts ----


def test_a_double_click_shows_one_view_alone_and_brings_all_back(qtbot: QtBot, view: ColumnsView) -> None:
    look(view, layout=4)
    qtbot.mouseDClick(panes(view, "b")["sagittal"].view.viewport(), LEFT)
    assert [view.column(key).isVisible() for key in "ab"] == [False, True]
    assert list(panes(view, "b")) == ["sagittal"]
    assert sum(pane.view.isVisible() for pane in view.column("b").grid.panes) == 1
    qtbot.mouseDClick(panes(view, "b")["sagittal"].view.viewport(), LEFT)
    assert [view.column(key).isVisible() for key in "ab"] == [True, True]
    assert len(panes(view, "b")) == 4
    assert all(pane.view.isVisible() for pane in panes(view, "b").values())


def test_a_view_of_the_image_alone_can_be_maximised(qtbot: QtBot, view: ColumnsView) -> None:
    for key in "ab":
        view.remove_column(key)
    look(view, layout=4)
    grid = view._alone.grid
    qtbot.mouseDClick(grid.seen()[1].view.viewport(), LEFT)
    assert [pane.name for pane in grid.seen()] == ["coronal"]
    qtbot.mouseDClick(grid.seen()[0].view.viewport(), LEFT)
    assert len(grid.seen()) == 4


def test_another_layout_ends_what_was_maximised(qtbot: QtBot, view: ColumnsView) -> None:
    look(view, layout=4)
    qtbot.mouseDClick(panes(view)["coronal"].view.viewport(), LEFT)
    look(view, layout=2)
    assert [view.column(key).isVisible() for key in "ab"] == [True, True]
    assert list(panes(view)) == ["axial", "coronal"]


def test_the_room_is_shared_evenly(view: ColumnsView) -> None:
    look(view, layout=4)
    sizes = [(pane.view.width(), pane.view.height()) for pane in panes(view).values()]
    assert max(w for w, _ in sizes) - min(w for w, _ in sizes) <= 1
    assert max(h for _, h in sizes) - min(h for _, h in sizes) <= 1
    look(view, view="axial")
    grid = view.column("a").grid
    assert (grid.panes[0].view.width(), grid.panes[0].view.height()) == (grid.width(), grid.height())


# ---- what lies over the image ----


def test_masks_and_reference_follow_the_plane(view: ColumnsView) -> None:
    mask = box(slice(15, 20), slice(12, 13), slice(0, 10))  # near the head, on the right
    labels = LabelMap(labels=mask.astype(np.int16), name="r")
    view.set_case(Case(name="v", image=volume(), reference=labels))
    view.set_prediction("a", prediction(mask))
    look(view, view="coronal")
    drawn = panes(view)["coronal"].view
    assert (drawn.mask_item._buffer != 0)[:5, :10].all()
    assert (drawn.mask_item._buffer != 0).sum() == 50
    outline = drawn.reference_item.boundingRect()
    assert (outline.left(), outline.right(), outline.top(), outline.bottom()) == (-2.5, 11.5, -2.5, 6.5)
    wheel(drawn, 1)
    assert not drawn.mask_item._buffer.any()
    assert view.info_of((16, 12, 3)).probability == {"a": 1.0}
    assert view.info_of((16, 12, 3)).reference == 1


def test_a_slab_projects_the_image_unites_the_masks_and_says_so(view: ColumnsView) -> None:
    view.set_prediction("a", prediction(box(slice(8, 9), slice(0, 3)) | box(slice(12, 13), slice(20, 24))))
    look(view, view="axial", projection="max", thickness=6)  # slices 8 to 13
    pane, image = panes(view)["axial"], volume()
    assert pane.view.marks.above == ("Axial", "Max, 6 slices, 18.0 mm", "Masks: union of slices")
    expected = np.empty(SHAPE[1:], np.uint32)
    colourise(image.voxels[13].astype(np.float32), *view.window_level(), "grey", expected)
    assert np.array_equal(pane.view.image_item._buffer, expected), "the greatest of the slab is its last slice"
    assert np.array_equal(pane.view.mask_item._buffer.any(axis=1), np.isin(np.arange(24), [0, 1, 2, 20, 21, 22, 23]))
    view.set_quantity("probability")
    assert "Values: middle slice" in pane.view.marks.above
    look(view, view="axial")
    assert pane.view.marks.above == ("Axial",)
    assert not pane.view.mask_item.isVisible()


def test_a_threshold_holds_in_every_slice_of_a_slab(view: ColumnsView) -> None:
    view.set_prediction("a", prediction(box(slice(8, 9), slice(0, 3))))
    look(view, view="axial", projection="mean", thickness=6)
    view.set_threshold("a", -1.0)
    assert panes(view)["axial"].view.mask_item._buffer.all()
    view.set_threshold("a", 0.9)
    assert (panes(view)["axial"].view.mask_item._buffer != 0).sum() == 3 * SHAPE[2]


def test_only_the_views_that_a_crosshair_leaves_behind_are_drawn_again(
    view: ColumnsView, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(view, layout=4)
    drawn: list[SliceView] = []
    monkeypatch.setattr(SliceView, "show_image", lambda self, *_, **__: drawn.append(self))
    view.set_cross((10, 12, 20))  # only the sagittal slice is another
    assert drawn == [panes(view, key)["sagittal"].view for key in "ab"]


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int8, np.uint8, ">i2"])
def test_small_integers_have_the_colours_that_arithmetic_gives_them(dtype: Any) -> None:
    limits = np.iinfo(np.dtype(dtype))
    values = np.linspace(limits.min, limits.max, 999).astype(dtype).reshape(27, 37)[::-1, ::2]
    looked_up = np.empty(values.shape, np.uint32)
    low, high = limits.min * 0.3 + 7, limits.max * 0.6
    colourise(values, low, high, "viridis", looked_up)
    assert np.array_equal(looked_up, table("viridis")[levels(values, low, high)])


# ---- in the window ----


@pytest.fixture
def opened(qtbot: QtBot, window: MainWindow) -> MainWindow:
    """A window on a volume."""
    case = Case(name="v", image=volume())
    window.store.add_case(CasePaths(name="v", image="/v.nii"))
    window.store.add_case(CasePaths(name="w", image="/w.nii"))
    window.store.activate_case("/v.nii")
    window.store.set_case("/v.nii", case)
    QApplication.processEvents()
    return window


def test_the_bar_shows_planes_for_volumes_only(opened: MainWindow) -> None:
    controls = opened.parts.bar.volume
    assert all(group.isVisible() for group in controls.groups)
    assert not controls.thickness.isVisible()
    opened.store.set_case("/v.nii", fakes.case())
    assert not any(group.isVisible() for group in controls.groups)
    assert not opened.actions_by_id["view.layout-4"].isEnabled()


def test_the_bar_and_the_keys_change_what_is_seen(qtbot: QtBot, opened: MainWindow) -> None:
    controls, view = opened.parts.bar.volume, opened.parts.view
    controls.layout_box.activated.emit(2)
    assert [pane.name for pane in view._alone.grid.seen()] == ["axial", "coronal", "sagittal", "acquired"]
    assert not controls.view_box.isVisible()
    opened.actions_by_id["view.plane-coronal"].trigger()
    assert [pane.name for pane in view._alone.grid.seen()] == ["coronal"]
    assert controls.view_box.currentText() == "Coronal"
    opened.actions_by_id["view.convention"].trigger()
    assert controls.convention_box.currentText() == "Neurological"
    assert view._alone.view.marks.edges[:2] == ("L", "R")
    opened.actions_by_id["view.slab"].trigger()
    controls.thickness.setValue(4)
    assert view._alone.view.marks.above == ("Coronal", "Max, 4 slices, 8.0 mm")
    assert controls.size.text() == "8.0 mm"


def press(qtbot: QtBot, opened: MainWindow, *keys: str) -> None:
    """Keys of a person whose window is in front and who looks at the pictures."""
    opened.activateWindow()
    qtbot.waitUntil(opened.isActiveWindow)
    opened.parts.view.setFocus()
    for key in keys:
        qtbot.keyClick(opened.parts.view, getattr(Qt.Key, f"Key_{key}"))


def test_keys_turn_the_slices_of_the_view_that_was_clicked(qtbot: QtBot, opened: MainWindow) -> None:
    opened.store.set_volume(layout=4)
    QApplication.processEvents()
    coronal = next(pane.view for pane in opened.parts.view._alone.grid.seen() if pane.name == "coronal")
    send(coronal, QEvent.Type.MouseButtonPress, QPointF(5, 5), MIDDLE, MIDDLE)
    for key, row in (("Up", 13), ("PageUp", 23), ("Down", 22), ("PageDown", 12), ("PageDown", 2), ("PageDown", 0)):
        press(qtbot, opened, key)
        assert opened.parts.view.cross() == (10, row, 15)


def test_arrows_turn_slices_and_go_to_another_case_and_page_keys_no_longer_do(qtbot: QtBot, opened: MainWindow) -> None:
    opened.store.set_volume(view="sagittal")
    asked: list[int] = []
    opened.step_case = asked.append  # type: ignore[assignment]
    press(qtbot, opened, "Up", "Left", "Right")
    assert opened.parts.view.cross() == (10, 12, 16)
    assert asked == [-1, 1]
    opened.store.set_case("/v.nii", fakes.case())
    press(qtbot, opened, "PageDown", "Down")
    assert asked == [-1, 1], "of a single picture there is no other slice"


def test_keys_of_the_pictures_are_left_to_lists_and_sliders(qtbot: QtBot, opened: MainWindow) -> None:
    opened.activateWindow()
    qtbot.waitUntil(opened.isActiveWindow)
    slider = opened.parts.bar.opacity
    slider.setFocus()
    before = slider.value()
    qtbot.keyClick(slider, Qt.Key.Key_Up)
    assert slider.value() == before + 1
    assert opened.parts.view.cross() == (10, 12, 15)


def test_a_volume_without_place_offers_the_axes_of_its_array(opened: MainWindow) -> None:
    opened.store.set_case("/v.nii", Case(name="bare", image=volume(geometry=False)))
    box = opened.parts.bar.volume.view_box
    names = [box.itemText(at) for at in range(box.count())]
    assert names == ["Slice by slice", "Across the rows", "Across the columns", "As acquired"]


def test_the_colour_of_a_column_reaches_all_of_its_views(view: ColumnsView) -> None:
    look(view, layout=4)
    view.set_overlay_style(fill=True, outline=False, opacity=1.0, visible=True, reference_visible=False)
    view.set_prediction("a", prediction(np.ones(SHAPE, bool)))
    view.add_column("a", "one.ckpt", "#123456")
    for pane in panes(view).values():
        assert set(pane.view.mask_item._buffer.ravel().tolist()) == {QColor("#123456").rgba()}
