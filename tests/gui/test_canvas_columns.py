"""The columns: what each state shows, what links them, and what a person can do with hands and keys."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QFocusEvent, QGuiApplication, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.canvas.column import Column
from app.canvas.columns import ColumnsView
from app.canvas.frame import LiveStep
from app.canvas.scene import HoverInfo
from app.items import DropPlace
from app.panels.widgets.chips import Badge
from app.theme import DARK, LIGHT
from core.records import Case, Deviation, Image
from tests.gui import fakes
from tests.gui.test_canvas_pixels import pixels

BLUE, ORANGE = LIGHT.column_colours[0], LIGHT.column_colours[1]
FILM_OFF = Deviation(code="film.off", label="FiLM off")


@pytest.fixture
def columns(qtbot: QtBot) -> ColumnsView:
    """Two columns on one case, none with a result yet."""
    view = ColumnsView(LIGHT)
    qtbot.addWidget(view)
    view.resize(800, 500)
    view.set_case(fakes.case())
    view.add_column("a", "best.ckpt", BLUE)
    view.add_column("b", "last.ckpt", ORANGE)
    view.show()
    qtbot.waitExposed(view)
    QApplication.processEvents()
    return view


def coloured(column: Column) -> int:
    """How many pixels of the view are not grey: overlay, outline or map."""
    rgb = pixels(column.view.grab().toImage())
    return int((np.ptp(rgb, axis=2) > 40).sum())


def plain_style(view: ColumnsView) -> None:
    """Fill only, opaque, no reference: the pixels of the mask have the column's colour."""
    view.set_overlay_style(fill=True, outline=False, opacity=1.0, visible=True, reference_visible=False)


def mouse(kind: QEvent.Type, where: QPoint, button: Qt.MouseButton, held: Qt.MouseButton) -> QMouseEvent:
    return QMouseEvent(kind, QPointF(where), QPointF(where), button, held, Qt.KeyboardModifier.NoModifier)


def drag(column: Column, button: Qt.MouseButton, by: QPoint) -> None:
    start, port = column.view.viewport().rect().center(), column.view.viewport()
    QApplication.sendEvent(port, mouse(QEvent.Type.MouseButtonPress, start, button, button))
    QApplication.sendEvent(port, mouse(QEvent.Type.MouseMove, start + by, Qt.MouseButton.NoButton, button))
    QApplication.sendEvent(port, mouse(QEvent.Type.MouseButtonRelease, start + by, button, Qt.MouseButton.NoButton))


def wheel(column: Column, where: QPoint, notches: int, keys: Qt.KeyboardModifier) -> None:
    event = QWheelEvent(
        QPointF(where),
        QPointF(where),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        keys,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(column.view.viewport(), event)


# ---- what is shown ----


def test_an_empty_view_invites(qtbot: QtBot) -> None:
    view = ColumnsView(DARK)
    qtbot.addWidget(view)
    view.show()
    assert view.hint.isVisible()
    assert view.hint.headline.text() == "Drop a checkpoint and an image here"
    view.set_case(fakes.case())
    assert not view.hint.isVisible()
    view.set_case(None)
    assert view.hint.isVisible()


def test_the_mask_is_drawn_in_the_colour_of_its_column(columns: ColumnsView) -> None:
    plain_style(columns)
    columns.set_prediction("a", fakes.prediction())
    drawn = pixels(columns.column("a").view.grab().toImage())
    lens = columns.column("a").view.lens()
    truth = fakes.prediction().mask[0]
    for row, column in [(48, 5), (10, 64), (80, 100), *map(tuple, np.argwhere(truth)[::50])]:
        x, y = lens.to_screen(column, row)
        is_blue = tuple(drawn[int(y), int(x)]) == QColor(BLUE).getRgb()[:3]
        assert is_blue == bool(truth[row, column])
    assert coloured(columns.column("b")) == 0


@pytest.mark.parametrize("state", ["empty", "waiting", "running", "error", "cancelled"])
def test_no_state_but_result_shows_an_old_result(columns: ColumnsView, state: str) -> None:
    plain_style(columns)
    columns.set_prediction("a", fakes.prediction(deviations=(FILM_OFF,)))
    columns.set_summary("a", "Dice 0.912")
    assert coloured(columns.column("a")) > 100
    columns.set_state("a", state, "why")
    assert coloured(columns.column("a")) == 0
    column = columns.column("a")
    assert column.header.summary.text() == ""
    assert column.header.badge_texts() == ()
    assert columns.info_at(48, 64).probability == {}


def test_another_case_drops_the_results_and_another_reference_does_not(columns: ColumnsView) -> None:
    columns.set_prediction("a", fakes.prediction())
    before = columns.case()
    assert before is not None
    columns.set_case(Case(name=before.name, image=before.image))
    assert columns.column("a").state == "result"
    columns.set_case(fakes.case())
    assert columns.column("a").state == "empty"
    assert columns.column("a").prediction is None


def test_a_result_of_another_size_is_an_error(columns: ColumnsView) -> None:
    columns.set_prediction("a", fakes.prediction((1, 40, 50)))
    column = columns.column("a")
    assert column.state == "error"
    assert "1 x 40 x 50" in column.message.text()
    assert "1 x 96 x 128" in column.message.text()


def test_an_error_is_plain_text_and_can_be_copied(columns: ColumnsView) -> None:
    reason = "<img src=x onerror=boom> & a \u202e name\nsecond line"
    columns.set_state("a", "error", reason, "Do <b>this</b>.")
    column = columns.column("a")
    assert column.message.isVisible()
    assert not column.view.isVisible()
    shown = column.message.body.toPlainText()
    assert "<img src=x onerror=boom> & a \\u202e name\nsecond line" in shown
    assert "Do <b>this</b>." in shown
    column.message.copy_button.click()
    assert QGuiApplication.clipboard().text() == column.message.text()
    columns.set_prediction("a", fakes.prediction())
    assert column.view.isVisible()


def test_a_running_column_shows_its_steps_and_can_be_cancelled(qtbot: QtBot, columns: ColumnsView) -> None:
    plain_style(columns)
    column, step = columns.column("a"), fakes.prediction().steps[3]
    columns.set_live_step("a", LiveStep(step=step, value_range=(0.0, 1.0), threshold=0.5))
    assert coloured(column) == 0, "a step counts only while the column is running"
    columns.set_state("a", "running", "Sampling")
    columns.set_live_step("a", LiveStep(step=step, value_range=(0.0, 1.0), threshold=0.5))
    columns.set_progress("a", 4, 5, "100%p")
    assert coloured(column) > 100
    assert column.footer.caption.text() == "Mask · running, t = 0.800 · step 3"
    assert column.header.progress.text() == "100%p  4 / 5"
    with qtbot.waitSignal(columns.cancel_requested) as heard:
        column.header.cancel_button.click()
    assert heard.args == ["a"]
    columns.set_prediction("a", fakes.prediction())
    assert not column.header.progress.isVisible()


def test_a_live_step_without_range_and_threshold_shows_its_probability(columns: ColumnsView) -> None:
    columns.set_state("a", "running")
    columns.set_live_step("a", LiveStep(step=fakes.prediction().steps[3]))
    assert columns.column("a").footer.caption.text().startswith("Probability")
    assert columns.column("a").footer.scale_bar.ends() == ("0", "1")


# ---- t, quantity, threshold ----


def test_columns_show_their_kept_step_nearest_in_t(columns: ColumnsView) -> None:
    columns.set_prediction("a", fakes.prediction(steps=5))
    columns.set_prediction("b", fakes.prediction(steps=3))
    columns.set_step(1)  # t = 0.4 of 0.2, 0.4, ...
    assert columns.column("a").shown_t() == pytest.approx(0.4)
    assert columns.column("b").shown_t() == pytest.approx(1 / 3)
    assert "t = 0.333" in columns.column("b").footer.caption.text()
    columns.set_step(None)
    assert columns.column("b").shown_t() is None
    assert columns.column("b").footer.caption.text() == "Mask · final result"


def test_state_maps_run_over_the_range_of_the_checkpoint_and_say_that_they_are_clipped(columns: ColumnsView) -> None:
    columns.set_prediction("a", fakes.prediction(value_range=(-1.0, 1.0)))
    columns.set_step(0)
    columns.set_quantity("state")
    bar = columns.column("a").footer.scale_bar
    assert bar.ends() == ("\u2264 \N{MINUS SIGN}1", "\u2265 1")
    columns.set_quantity("probability")
    assert bar.ends() == ("0", "1")
    columns.set_quantity("mask")
    assert not bar.isVisible()


def test_a_threshold_acts_at_once_and_is_named(columns: ColumnsView) -> None:
    plain_style(columns)
    columns.set_prediction("a", fakes.prediction())  # scores 0.1 and 0.9
    own = coloured(columns.column("a"))
    columns.set_threshold("a", 0.95)
    assert coloured(columns.column("a")) == 0
    assert columns.column("a").header.badge_texts() == ("as-trained", "cut at 0.95, trained 0.5")
    columns.set_threshold("a", 0.05)
    assert coloured(columns.column("a")) > 2 * own
    columns.set_threshold("a", None)
    assert coloured(columns.column("a")) == own
    assert columns.column("a").header.badge_texts() == ("as-trained",)


def test_space_held_shows_the_bare_image(qtbot: QtBot, columns: ColumnsView) -> None:
    columns.set_prediction("a", fakes.prediction())
    assert coloured(columns.column("a")) > 100
    columns.setFocus()
    qtbot.keyPress(columns, Qt.Key.Key_Space)
    assert coloured(columns.column("a")) == 0, "reference and result are both away"
    qtbot.keyRelease(columns, Qt.Key.Key_Space)
    assert coloured(columns.column("a")) > 100


def test_losing_the_focus_ends_the_bare_image(qtbot: QtBot, columns: ColumnsView) -> None:
    columns.set_prediction("a", fakes.prediction())
    columns.set_bare(True)
    columns.clearFocus()
    QApplication.sendEvent(columns, QFocusEvent(QEvent.Type.FocusOut))
    assert coloured(columns.column("a")) > 100


# ---- names and badges ----


def test_badges_are_never_cut_off(qtbot: QtBot, columns: ColumnsView) -> None:
    long = Deviation(code="film.strength", label="FiLM strength 0.50 in stages 0 and 2 only, threshold of the user")
    columns.set_prediction("a", fakes.prediction(protocol="as-evaluated", deviations=(FILM_OFF, long)))
    columns.setMinimumSize(1, 1)  # a window may be forced to be smaller than its layout asks for
    columns.resize(300, 240)
    QApplication.processEvents()
    column = columns.column("a")
    assert column.header.badge_texts() == ("as-evaluated", "FiLM off", long.label)
    for badge in column.header.badges():
        assert badge.isVisible()
        assert badge.height() >= badge.heightForWidth(badge.width())
        assert column.header.rect().contains(badge.rect().translated(badge.mapTo(column.header, QPoint())))
    assert column.rect().contains(column.header.geometry())


def test_badges_of_a_new_result_have_room_at_once(qtbot: QtBot, columns: ColumnsView) -> None:
    """Without a change of size in between, which would lay everything out again."""
    columns.set_prediction("a", fakes.prediction())
    columns.setMinimumSize(1, 1)
    columns.resize(140, 600)
    qtbot.wait(50)
    others = [Deviation(code=f"other.{number}", label=f"{number} samples instead of 1") for number in (2, 3)]
    columns.set_prediction("a", fakes.prediction(deviations=(FILM_OFF, *others)))
    qtbot.wait(50)
    header = columns.column("a").header
    assert len(header.badges()) == 4
    for badge in header.badges():
        assert badge.height() >= badge.heightForWidth(badge.width())
        assert header.rect().contains(badge.rect().translated(badge.mapTo(header, QPoint())))


def test_in_a_low_column_the_picture_gives_way_to_the_labels(qtbot: QtBot, columns: ColumnsView) -> None:
    columns.setMinimumSize(1, 1)
    columns.resize(300, 250)
    others = [Deviation(code=f"other.{number}", label=f"{number} samples instead of 1") for number in (2, 3)]
    columns.set_prediction("a", fakes.prediction(deviations=(FILM_OFF, *others)))
    qtbot.wait(50)
    column = columns.column("a")
    assert column.header.height() >= column.header.needed
    assert column.pages.geometry().top() > column.header.geometry().bottom()
    assert column.rect().contains(column.footer.geometry())


def test_where_not_every_label_fits_one_says_how_many_there_are(qtbot: QtBot, columns: ColumnsView) -> None:
    columns.setMinimumSize(1, 1)
    columns.resize(220, 200)
    others = [Deviation(code=f"other.{number}", label=f"{number} samples instead of 1") for number in (2, 3)]
    columns.set_prediction("a", fakes.prediction(deviations=(FILM_OFF, *others)))
    qtbot.wait(50)
    header = columns.column("a").header
    seen = [badge for badge in header.findChildren(Badge) if badge.isVisible()]
    seen.sort(key=Badge.y)
    assert [badge.text() for badge in seen] == ["as-trained", "3 \u00d7 not as trained"]
    assert all(label in seen[1].toolTip() for label in ("FiLM off", "2 samples instead of 1", "3 samples instead of 1"))
    for badge in seen:
        assert badge.height() >= badge.heightForWidth(badge.width())
        assert header.rect().contains(badge.rect().translated(badge.mapTo(header, QPoint())))
    columns.resize(700, 500)
    qtbot.wait(50)
    assert all(badge.isVisible() for badge in header.badges())
    columns.set_prediction("a", fakes.prediction(deviations=(FILM_OFF,)))
    columns.resize(220, 200)
    qtbot.wait(50)
    assert [badge.text() for badge in header.badges() if badge.isVisible()] == ["as-trained", "FiLM off"]


def test_the_deviations_of_a_prediction_cannot_be_taken_away(columns: ColumnsView) -> None:
    columns.set_prediction("a", fakes.prediction(deviations=(FILM_OFF,)))
    columns.set_badges("a", ())
    assert "FiLM off" in columns.column("a").header.badge_texts()
    columns.set_badges("a", (FILM_OFF,))
    assert columns.column("a").header.badge_texts().count("FiLM off") == 1


def test_a_long_name_is_elided_and_its_tooltip_is_whole_and_plain(columns: ColumnsView) -> None:
    name = "혈관조영_" + "x" * 200 + "<b>.ckpt"
    columns.add_column("a", name, BLUE)
    title = columns.column("a").header.title
    assert title.text() == name
    assert "\N{HORIZONTAL ELLIPSIS}" in title.shown_text()
    assert "&lt;b&gt;.ckpt" in title.toolTip()
    assert columns.column("a").width() < columns.width()


# ---- linked views ----


def test_columns_share_pan_and_zoom(columns: ColumnsView) -> None:
    a, b = columns.column("a"), columns.column("b")
    where = QPoint(100, 80)
    under = a.view.lens().to_voxel(100, 80)
    wheel(a, where, 3, Qt.KeyboardModifier.NoModifier)
    assert a.view.lens().to_voxel(100, 80) == pytest.approx(under)
    assert b.view.lens().zoom == a.view.lens().zoom > 0
    before = a.view.lens().to_voxel(0, 0)
    drag(a, Qt.MouseButton.LeftButton, QPoint(20, -10))
    zoom = a.view.lens().zoom
    assert a.view.lens().to_voxel(20, -10) == pytest.approx(before)
    assert b.view.lens().centre == a.view.lens().centre
    columns.reset_view()
    assert a.view.lens().zoom < zoom


def test_a_right_drag_changes_the_window_of_all_columns(qtbot: QtBot, columns: ColumnsView) -> None:
    low, high = columns.window_level()
    before = pixels(columns.column("b").view.grab().toImage()).mean()
    with qtbot.waitSignal(columns.window_level_changed):
        drag(columns.column("a"), Qt.MouseButton.RightButton, QPoint(0, -40))
    assert columns.window_level()[1] - columns.window_level()[0] == pytest.approx(high - low)
    assert columns.window_level()[0] < low
    assert pixels(columns.column("b").view.grab().toImage()).mean() > before, "upwards brightens"
    drag(columns.column("a"), Qt.MouseButton.RightButton, QPoint(60, 0))
    assert columns.window_level()[1] - columns.window_level()[0] > high - low


def test_the_wheel_turns_the_slices_of_a_volume(columns: ColumnsView) -> None:
    seen: list[int] = []
    columns.slice_changed.connect(seen.append)
    columns.set_case(fakes.case(slices=5))
    assert seen == [2], "a volume opens in its middle"
    seen.clear()
    zoom = columns.column("a").view.lens().zoom
    for notches in (1, 1, 1, -1):
        wheel(columns.column("a"), QPoint(50, 50), notches, Qt.KeyboardModifier.NoModifier)
    assert seen == [3, 4, 3]
    assert columns.column("a").view.lens().zoom == zoom
    wheel(columns.column("a"), QPoint(50, 50), 1, Qt.KeyboardModifier.ControlModifier)
    assert columns.column("a").view.lens().zoom > zoom
    assert seen == [3, 4, 3]


def test_a_double_click_maximises_and_brings_back(qtbot: QtBot, columns: ColumnsView) -> None:
    port = columns.column("b").view.viewport()
    qtbot.mouseDClick(port, Qt.MouseButton.LeftButton)
    assert [columns.column(key).isVisible() for key in "ab"] == [False, True]
    qtbot.mouseDClick(port, Qt.MouseButton.LeftButton)
    assert [columns.column(key).isVisible() for key in "ab"] == [True, True]


def test_columns_can_be_removed_and_reordered(columns: ColumnsView) -> None:
    columns.set_column_order(["b", "a"])
    QApplication.processEvents()
    assert columns.keys() == ("b", "a")
    assert columns.column("b").x() < columns.column("a").x()
    columns.remove_column("a")
    assert columns.keys() == ("b",)
    assert columns.active() == "b"
    columns.remove_column("b")
    assert columns.active() is None


def test_clicking_a_column_makes_it_active(qtbot: QtBot, columns: ColumnsView) -> None:
    with qtbot.waitSignal(columns.column_activated) as heard:
        qtbot.mouseClick(columns.column("b").view.viewport(), Qt.MouseButton.LeftButton)
    assert heard.args == ["b"]
    assert columns.active() == "b"


# ---- pointer, spacing, drops, pictures ----


def test_the_pointer_tells_value_probability_and_reference(columns: ColumnsView) -> None:
    columns.set_prediction("a", fakes.prediction())
    seen: list[object] = []
    columns.hovered.connect(seen.append)
    x, y = columns.column("a").view.lens().to_screen(64, 20)
    where = QPoint(round(x), round(y))
    none = Qt.MouseButton.NoButton
    QApplication.sendEvent(columns.column("a").view.viewport(), mouse(QEvent.Type.MouseMove, where, none, none))
    info = seen[-1]
    case = columns.case()
    assert case is not None
    assert case.reference is not None
    assert (info.row, info.column) == columns.column("a").view.lens().voxel_at(where.x(), where.y())
    assert info.value == case.image.voxels[0, info.row, info.column]
    assert info.probability == {"a": pytest.approx(fakes.prediction().probability[0, info.row, info.column])}
    assert info.reference == case.reference.labels[0, info.row, info.column]
    QApplication.sendEvent(columns.column("a").view.viewport(), mouse(QEvent.Type.MouseMove, QPoint(0, 0), none, none))
    assert seen[-1] is None


def test_the_spacing_decides_the_proportions(columns: ColumnsView) -> None:
    image = fakes.image(spacing_mm=(1.0, 0.9, 0.3))
    columns.set_case(Case(name="long voxels", image=image))
    across, down = columns.column("a").view.lens().scale
    assert down / across == pytest.approx(3.0)


def test_a_colour_picture_is_shown_in_its_colours(columns: ColumnsView) -> None:
    colour = np.zeros((96, 128, 3), np.uint8)
    colour[..., 0] = 200
    grey = fakes.image()
    columns.set_case(Case(name="fundus", image=Image(voxels=grey.voxels * 0 + 60, name="f.png", colour=colour)))
    columns.set_window_level(0.0, 255.0)
    x, y = columns.column("a").view.lens().to_screen(10, 10)
    assert tuple(pixels(columns.column("a").view.grab().toImage())[int(y), int(x)]) == (200, 0, 0)


def test_files_dropped_on_a_column_name_the_column(columns: ColumnsView) -> None:
    seen: list[tuple[object, object]] = []
    columns.files_dropped.connect(lambda paths, key: seen.append((paths, key)))
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/tmp/모델.ckpt"), QUrl("https://example.org/x.ckpt")])
    where = QPointF(columns.column("b").geometry().center())
    event = QDropEvent(where, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(where.toPoint(), event.possibleActions(), data, event.buttons(), event.modifiers())
    QApplication.sendEvent(columns, enter)
    QApplication.sendEvent(columns, event)
    assert seen == [(("/tmp/모델.ckpt",), DropPlace(column="b", index=1))]


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_a_picture_of_the_view_is_drawn_at_its_own_scale(columns: ColumnsView, scale: int) -> None:
    plain_style(columns)
    columns.set_prediction("a", fakes.prediction())
    image = columns.grab_view(scale)
    assert (image.width(), image.height()) == (columns.width() * scale, columns.height() * scale)
    drawn, view = pixels(image), columns.column("a").view
    origin = view.viewport().mapTo(columns, QPoint(0, 0))
    truth = fakes.prediction().mask[0]
    edges = np.argwhere(truth[:, 1:] & ~truth[:, :-1])[::20]  # the last voxel before the mask, and the first in it
    for row, column in edges:
        x, y = view.lens().to_screen(column + 0.5, row)  # the side between the two
        place = [(origin.x() + x) * scale, (origin.y() + y) * scale]
        inside, outside = (drawn[int(place[1]), round(place[0] + by)] for by in (1, -2))
        assert tuple(inside) == QColor(BLUE).getRgb()[:3]
        assert tuple(outside) != QColor(BLUE).getRgb()[:3]


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_outlines_are_as_wide_in_a_larger_picture(columns: ColumnsView, scale: int) -> None:
    """A line along a row of voxels is one pixel of the screen wide, so `scale` pixels of the picture."""
    mask = np.zeros((1, 96, 128), bool)
    mask[:, 40:, :] = True
    columns.set_overlay_style(fill=False, outline=True, opacity=1.0, visible=True, reference_visible=False)
    columns.set_prediction("a", replace(fakes.prediction(), mask=mask))
    view = columns.column("a").view
    x, _ = view.lens().to_screen(64, 40)
    origin = view.viewport().mapTo(columns, QPoint(0, 0))
    top, bottom = ((origin.y() + view.lens().to_screen(64, row)[1]) * scale for row in (36, 44))
    strip = pixels(columns.grab_view(scale))[int(top) : int(bottom), int((origin.x() + x) * scale)]
    assert (strip == QColor(BLUE).getRgb()[:3]).all(axis=1).sum() == scale


def test_presets_fit_the_image(columns: ColumnsView) -> None:
    case = columns.case()
    assert case is not None
    first = columns.presets()[0]
    assert (first.low, first.high) == (case.image.voxels.min(), case.image.voxels.max())
    assert columns.window_level() == (first.low, first.high)
    assert all(preset.low < preset.high for preset in columns.presets())


def test_noise_has_no_outline_and_says_so(columns: ColumnsView) -> None:
    columns.set_case(fakes.case(512, 512))
    columns.set_overlay_style(fill=False, outline=True, opacity=1.0, visible=True, reference_visible=False)
    columns.set_prediction("a", fakes.prediction((1, 512, 512), 20))
    columns.set_threshold("a", 0.5)
    columns.set_step(0)  # 60 % of the estimate is the truth, at t = 0.05
    columns.set_threshold("a", 0.2)
    caption = columns.column("a").footer.caption.text()
    assert "too noisy for an outline" in caption
    assert coloured(columns.column("a")) > 100, "the mask is filled instead"
    columns.set_step(None)
    assert "noisy" not in columns.column("a").footer.caption.text()


def test_an_image_without_a_reference_or_column_is_shown_alone(qtbot: QtBot) -> None:
    view = ColumnsView(LIGHT)
    qtbot.addWidget(view)
    view.show()
    view.set_case(fakes.case(reference=False))
    alone = view._alone
    assert alone.isVisible()
    assert not alone.header.close_button.isVisible()
    assert pixels(alone.view.grab().toImage()).std() > 20
    view.add_column("a", "a.ckpt", BLUE)
    assert not alone.isVisible()


def test_a_colour_picture_starts_with_its_own_colours(columns: ColumnsView) -> None:
    """The window of the numbers that a network gets (here 3 to 12) is nothing to see its colours through."""
    colour = np.full((96, 128, 3), (40, 150, 90), np.uint8)
    numbers = np.linspace(3, 12, 96 * 128, dtype=np.float32).reshape(1, 96, 128)
    columns.set_case(Case(name="palette", image=Image(voxels=numbers, name="palette.png", colour=colour)))
    x, y = columns.column("a").view.lens().to_screen(10, 10)
    assert tuple(pixels(columns.column("a").view.grab().toImage())[int(y), int(x)]) == (40, 150, 90)


def test_pictures_lie_at_one_height_whatever_their_heads_say(columns: ColumnsView) -> None:
    columns.set_prediction("a", fakes.prediction(deviations=tuple(replace(FILM_OFF, label=str(n) * 30) for n in "123")))
    columns.set_state("b", "running", "Running")
    QApplication.processEvents()
    heights = {columns.column(key).header.height() for key in "ab"}
    tops = {columns.column(key).view.mapTo(columns, QPoint(0, 0)).y() for key in "ab"}
    assert len(heights) == len(tops) == 1
    columns.set_prediction("a", fakes.prediction())
    QApplication.processEvents()
    assert columns.column("b").header.height() < heights.pop(), "the room is given back"


def test_what_lies_under_a_resting_pointer_is_always_what_is_shown(columns: ColumnsView) -> None:
    columns.set_case(fakes.case(slices=3))
    seen: list[object] = []
    columns.hovered.connect(seen.append)
    view, none = columns.column("a").view, Qt.MouseButton.NoButton
    where = view.viewport().rect().center()
    QApplication.sendEvent(view.viewport(), mouse(QEvent.Type.MouseMove, where, none, none))
    columns.set_slice(2)
    assert isinstance(seen[-1], HoverInfo)
    assert seen[-1].slice == 2
    columns.set_prediction("a", fakes.prediction((3, 96, 128)))
    assert seen[-1].probability.keys() == {"a"}
    columns.set_state("a", "running")
    assert not seen[-1].probability


def test_the_slice_of_a_volume_is_named(columns: ColumnsView) -> None:
    columns.set_case(fakes.case(slices=3))
    columns.set_slice(2)
    assert "slice 3 of 3" in columns.column("a").footer.caption.text()


def test_the_image_alone_is_up_to_date_when_the_last_column_goes(columns: ColumnsView) -> None:
    other = fakes.case(64, 64, reference=False)
    columns.set_case(other)
    for key in "ab":
        columns.remove_column(key)
    QApplication.processEvents()
    assert columns._alone.view.image_item._buffer.shape == (64, 64)


def test_a_number_is_never_cut_however_narrow_its_column(columns: ColumnsView) -> None:
    columns.resize(260, 400)
    columns.set_kind("a", "sofl-seg, dfm with FiLM")
    columns.set_prediction("a", fakes.prediction())
    columns.set_summary("a", "Dice 0.915")
    QApplication.processEvents()
    summary = columns.column("a").header.summary
    assert summary.width() >= summary.sizeHint().width()
