"""What is drawn over a voxel lies over that voxel: the grabbed picture is compared pixel by pixel with the arrays."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from app.canvas.camera import Camera, Lens, Plane
from app.canvas.colour_maps import colourise, table
from app.canvas.contour import boundary_segments, corners, label_segments
from app.canvas.frame import Scale
from app.canvas.items import outline_path
from app.canvas.slice_view import SliceView
from core.records import Array

MASK_COLOUR, REFERENCE_COLOUR = "#e69f00", "#f0e442"
ROWS, COLUMNS = 23, 31
GREY = np.random.default_rng(1).integers(0, 256, (ROWS, COLUMNS)).astype(np.float32)
MASK = np.random.default_rng(2).random((ROWS, COLUMNS)) < 0.4
CAMERAS = [
    Camera(),
    Camera(centre=(12.0, 9.0), zoom=1.0),
    Camera(centre=(3.3, 20.7), zoom=2.7),
    Camera(centre=(15.0, 11.0), zoom=7.0),
    Camera(centre=(30.4, 0.2), zoom=13.37),
    Camera(centre=(15.25, 11.75), zoom=64.0),
]


def shown_view(qtbot: QtBot, camera: Camera, aspect: float = 1.0) -> SliceView:
    view = SliceView(MASK_COLOUR, REFERENCE_COLOUR)
    qtbot.addWidget(view)
    view.resize(211, 157)
    view.show()
    view.look(Plane(rows=ROWS, columns=COLUMNS, aspect=aspect), camera)
    view.show_image(GREY, 0, 255)
    return view


def pixels(image: QImage) -> Array:
    """(rows, columns, 3) int of a picture, RGB."""
    rgb = image.convertToFormat(QImage.Format.Format_RGB32)
    flat = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), rgb.bytesPerLine() // 4, 4)
    return flat[:, : rgb.width(), 2::-1].astype(int)


def voxel_of_each_pixel(lens: Lens, shape: tuple[int, int]) -> tuple[Array, Array, Array]:
    """Row and column under each pixel's centre, written independently of the code, and where that is beyond doubt.

    In doubt: the pixel's centre lies within a hundredth of a pixel of a voxel's side, or beside the picture.
    """
    (left, right), (top, bottom) = lens.ranges()
    x = left + (np.arange(shape[1]) + 0.5) / shape[1] * (right - left)
    y = top + (np.arange(shape[0]) + 0.5) / shape[0] * (bottom - top)
    column, row = np.floor(x + 0.5).astype(int), np.floor(y + 0.5).astype(int)
    safe = [np.abs((v + 0.5) - np.round(v + 0.5)) * s > 0.01 for v, s in zip((x, y), lens.scale, strict=True)]
    inside = [(column >= 0) & (column < COLUMNS), (row >= 0) & (row < ROWS)]
    sure = (safe[1] & inside[1])[:, None] & (safe[0] & inside[0])[None, :]
    return np.clip(row, 0, ROWS - 1), np.clip(column, 0, COLUMNS - 1), sure


@pytest.mark.parametrize("aspect", [1.0, 1.7])
@pytest.mark.parametrize("camera", CAMERAS)
def test_every_pixel_shows_the_voxel_under_it(qtbot: QtBot, camera: Camera, aspect: float) -> None:
    view = shown_view(qtbot, camera, aspect)
    view.own.show_mask(MASK, MASK_COLOUR, 1.0)
    drawn = pixels(view.grab().toImage())
    row, column, sure = voxel_of_each_pixel(view.lens(), drawn.shape[:2])
    assert sure.sum() > 200
    grey = np.repeat(GREY.astype(int)[..., None], 3, axis=2)
    expected = np.where(MASK[..., None], QColor(MASK_COLOUR).getRgb()[:3], grey)[np.ix_(row, column)]
    assert np.array_equal(drawn[sure], expected[sure])


@pytest.mark.parametrize("camera", CAMERAS[2:])
def test_the_outline_runs_along_the_sides_of_the_mask(qtbot: QtBot, camera: Camera) -> None:
    """At most two pixels from a side between mask and background, and every such side in sight is drawn."""
    view = shown_view(qtbot, camera)
    view.show_image(np.zeros_like(GREY), 0, 255)
    view.show_outline(view.outline_item, outline_path(MASK))
    drawn = (pixels(view.grab().toImage()) == QColor(MASK_COLOUR).getRgb()[:3]).all(axis=2)
    lens = view.lens()
    x, y = boundary_segments(MASK)
    near = np.zeros_like(drawn)
    for start in range(0, len(x), 2):
        ends = [lens.to_screen(x[i], y[i]) for i in (start, start + 1)]
        (x0, y0), (x1, y1) = ends
        box = [int(max(v, 0)) for v in (min(y0, y1) - 2, max(y0, y1) + 3, min(x0, x1) - 2, max(x0, x1) + 3)]
        near[box[0] : box[1], box[2] : box[3]] = True
        middle = (int((y0 + y1) / 2), int((x0 + x1) / 2))
        if 2 < middle[0] < drawn.shape[0] - 2 and 2 < middle[1] < drawn.shape[1] - 2:
            assert drawn[middle[0] - 2 : middle[0] + 3, middle[1] - 2 : middle[1] + 3].any()
    assert drawn.any()
    assert not (drawn & ~near).any()


def test_the_boundary_of_one_voxel_is_its_four_sides() -> None:
    mask = np.zeros((4, 5), bool)
    mask[1, 3] = True
    x, y = boundary_segments(mask)
    sides = {frozenset(((x[i], y[i]), (x[i + 1], y[i + 1]))) for i in range(0, len(x), 2)}
    corners = [(2.5, 0.5), (3.5, 0.5), (3.5, 1.5), (2.5, 1.5)]
    assert sides == {frozenset((corners[i], corners[(i + 1) % 4])) for i in range(4)}


def test_a_mask_at_the_rim_is_closed_and_an_empty_one_has_no_line() -> None:
    x, y = boundary_segments(np.ones((3, 4), bool))
    assert len(x) == 8
    assert (x.min(), x.max(), y.min(), y.max()) == (-0.5, 3.5, -0.5, 2.5)
    assert boundary_segments(np.zeros((3, 4), bool))[0].size == 0


def test_the_boundary_is_as_long_as_the_sides_between_mask_and_background() -> None:
    x, y = boundary_segments(MASK)
    length = np.abs(np.diff(x.reshape(-1, 2))).sum() + np.abs(np.diff(y.reshape(-1, 2))).sum()
    padded = np.pad(MASK, 1).astype(int)
    assert length == np.abs(np.diff(padded, axis=0)).sum() + np.abs(np.diff(padded, axis=1)).sum()


@pytest.mark.parametrize("aspect", [1.0, 2.5, 0.4])
def test_the_whole_picture_is_seen_in_its_true_proportions(qtbot: QtBot, aspect: float) -> None:
    view = shown_view(qtbot, Camera(), aspect)
    view.show_image(np.full_like(GREY, 255), 0, 255)
    white = (pixels(view.grab().toImage()) == 255).all(axis=2)
    rows, columns = np.flatnonzero(white.any(axis=1)), np.flatnonzero(white.any(axis=0))
    height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    assert height / width == pytest.approx(ROWS * aspect / COLUMNS, rel=2 / min(height, width))
    assert rows[0] > 0
    assert columns[0] > 0


def test_values_beyond_the_scale_take_the_end_colours_and_nan_none() -> None:
    values = np.array([[-3.0, 0.0, 1.0, 9.0, np.nan]], np.float32)
    out = np.empty(values.shape, np.uint32)
    colourise(values, 0.0, 1.0, "viridis", out)
    first, last = table("viridis")[0], table("viridis")[255]
    assert out.tolist() == [[first, first, last, last, 0]]


def test_a_map_covers_the_image_and_goes_away(qtbot: QtBot) -> None:
    view = shown_view(qtbot, CAMERAS[3])
    before = pixels(view.grab().toImage())
    view.own.show_map(np.ones((ROWS, COLUMNS), np.float32), Scale(low=0, high=1, colours="viridis"))
    covered = pixels(view.grab().toImage())
    top = QColor.fromRgba(int(table("viridis")[255])).getRgb()[:3]
    assert (covered[70:80, 100:110] == top).all()
    view.own.show_map(None, None)
    assert np.array_equal(pixels(view.grab().toImage()), before)


@pytest.mark.parametrize("factor", [1.3, 0.8, 4.0])
def test_zooming_keeps_the_voxel_under_the_pointer(factor: float) -> None:
    lens = Lens(plane=Plane(rows=200, columns=300), camera=Camera(centre=(150, 100), zoom=3.0), width=400, height=300)
    after = Lens(plane=lens.plane, camera=lens.zoomed(factor, 123.0, 211.0), width=400, height=300)
    assert after.to_voxel(123.0, 211.0) == pytest.approx(lens.to_voxel(123.0, 211.0))
    assert after.zoom == pytest.approx(3.0 * factor)


def test_screen_to_voxel_and_back() -> None:
    lens = Lens(
        plane=Plane(rows=20, columns=30, aspect=1.5), camera=Camera(centre=(4, 5), zoom=3), width=400, height=300
    )
    assert lens.to_screen(*lens.to_voxel(17.0, 29.0)) == pytest.approx((17.0, 29.0))
    assert lens.voxel_at(*lens.to_screen(6.0, 7.0)) == (7, 6)
    assert lens.voxel_at(*lens.to_screen(5.51, 7.49)) == (7, 6)
    assert lens.voxel_at(*lens.to_screen(-0.51, 7.0)) is None


def test_the_picture_cannot_be_dragged_out_of_sight() -> None:
    lens = Lens(plane=Plane(rows=20, columns=30), camera=Camera(), width=400, height=300)
    assert lens.panned(1e6, -1e6).centre == (-0.5, 19.5)


def test_a_large_picture_is_shown_at_once_and_completed_in_turns(qtbot: QtBot) -> None:
    """Every colour is right at the end, and in the meantime there is a picture whose every n-th voxel is right."""
    large = np.random.default_rng(5).integers(0, 256, (1300, 1100)).astype(np.float32)
    view = shown_view(qtbot, Camera())
    view.look(Plane(rows=1300, columns=1100), Camera())
    view.show_image(large, 0, 255)
    item = view.image_item
    assert item._rows_done < 1300, "the window gets its turn before the picture is complete"
    assert (item._coarse == table("grey")[large[::2, ::2].astype(int)]).all()
    assert pixels(view.grab().toImage()).std() > 20
    qtbot.waitUntil(lambda: item._rows_done == 1300)
    assert (item._buffer == table("grey")[large.astype(int)]).all()


def test_a_large_picture_does_not_move_when_it_is_completed(qtbot: QtBot) -> None:
    large = np.zeros((1300, 1100), np.float32)
    large[400:700, 300:900] = 255
    view = shown_view(qtbot, Camera())
    view.look(Plane(rows=1300, columns=1100), Camera(centre=(300.0, 400.0), zoom=4.0))
    view.show_image(large, 0, 255)
    coarse = pixels(view.grab().toImage())
    view.finish()
    assert (pixels(view.grab().toImage()) == coarse).all()


def test_the_edge_of_a_mask_has_at_least_as_many_lines_as_corners() -> None:
    random = np.random.default_rng(3)
    for share in (0.02, 0.5, 0.9):
        mask = random.random((40, 51)) < share
        x, _ = boundary_segments(mask)
        assert 0 < corners(mask) <= x.size // 2
    box = np.zeros((9, 9), bool)
    box[2:5, 3:8] = True
    assert corners(box) == boundary_segments(box)[0].size // 2 == 4


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", [np.uint8, np.int32])
def test_the_lines_of_all_labels_are_those_of_each_alone(seed: int, kind: type) -> None:
    draw = np.random.default_rng(seed)
    plane = np.kron(draw.integers(0, 6, (7, 9)), np.ones((3, 2))).astype(kind)
    plane[draw.integers(0, 21, 20), draw.integers(0, 18, 20)] = 2
    found = label_segments(plane, np.array([0, 1, 2, 4, 5, 77]), most=4)
    assert found is not None
    assert set(found) == {1, 2, 4, 5} & set(np.unique(plane).tolist())
    for number, (x, y) in found.items():
        alone_x, alone_y = boundary_segments(plane == number)
        assert lines_of(x, y) == lines_of(alone_x, alone_y)


def lines_of(x: np.ndarray, y: np.ndarray) -> list[tuple[float, ...]]:
    return sorted(zip(x[::2], y[::2], x[1::2], y[1::2], strict=True))


def test_no_labels_have_no_lines() -> None:
    assert label_segments(np.zeros((3, 4), np.uint8), np.array([1]), most=1) == {}
    assert label_segments(np.ones((3, 4), np.uint8), np.array([], int), most=1) == {}


def test_a_mosaic_of_labels_has_no_lines_at_all() -> None:
    plane = np.arange(12).reshape(3, 4)
    assert label_segments(plane, np.arange(1, 12), most=10) is None
    assert label_segments(plane, np.arange(1, 11), most=10) is not None
