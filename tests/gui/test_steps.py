"""The steps panel: position, quantity, thumbnails in turns, curves that belong to what is shown."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.canvas.colour_maps import table
from app.canvas.columns import ColumnsView
from app.canvas.frame import Frame, frame_of, live_frame
from app.canvas.frame import LiveStep as Live
from app.canvas.quantities import Scale
from app.panels.steps import StepsPanel
from app.panels.thumbnails import HEIGHT, thumbnail
from app.theme import LIGHT
from core.records import Prediction
from tests.gui import fakes
from tests.gui.test_canvas_pixels import pixels

BLUE, ORANGE = LIGHT.column_colours[:2]


@pytest.fixture
def panel(qtbot: QtBot) -> StepsPanel:
    made = StepsPanel(LIGHT)
    qtbot.addWidget(made)
    made.resize(900, 170)
    made.show()
    return made


def entries(*predictions: Prediction) -> list[tuple[str, str, str, Prediction]]:
    keys, colours = ("a", "b"), (BLUE, ORANGE)
    return [(keys[i], f"{keys[i]}.ckpt", colours[i], prediction) for i, prediction in enumerate(predictions)]


def heard(panel: StepsPanel) -> list[object]:
    seen: list[object] = []
    panel.step_changed.connect(seen.append)
    return seen


# ---- position ----


def test_the_slider_runs_over_the_kept_steps_and_ends_at_the_final_result(panel: StepsPanel) -> None:
    panel.set_predictions(entries(fakes.prediction(steps=5)), "a")
    assert panel.index() is None
    assert panel.where.text() == "final result"
    seen = heard(panel)
    panel.slider.setValue(0)
    assert panel.where.text() == "t = 0.200 · 1 of 5"
    panel.slider.setValue(5)
    assert seen == [0, None]


def test_the_same_prediction_keeps_its_position_and_another_goes_back(panel: StepsPanel) -> None:
    first, second = fakes.prediction(steps=5), fakes.prediction(steps=5)
    panel.set_predictions(entries(first), "a")
    panel.choose(2)
    seen = heard(panel)
    panel.set_predictions(entries(first, second), "a")
    assert panel.index() == 2
    panel.set_predictions(entries(second), "a")
    assert panel.index() is None
    assert seen == [None]


def test_a_prediction_without_kept_steps_has_only_its_final_result(panel: StepsPanel) -> None:
    panel.set_predictions(entries(fakes.prediction(steps=0)), "a")
    assert not panel.slider.isVisible()
    assert panel.where.text() == "final result, no steps kept"


def test_no_result_says_so(panel: StepsPanel) -> None:
    assert panel.where.text() == "no result yet"
    panel.set_predictions(entries(fakes.prediction()), "a")
    panel.set_predictions([], "a")
    assert panel.where.text() == "no result yet"
    assert panel.strip.made() == 0


def test_a_click_on_a_thumbnail_goes_there(qtbot: QtBot, panel: StepsPanel) -> None:
    panel.set_predictions(entries(fakes.prediction(steps=3)), "a")
    strip = panel.strip.widget()
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=strip.place(1).center())
    assert panel.index() == 1


def test_the_quantity_is_announced_once_per_wish(qtbot: QtBot, panel: StepsPanel) -> None:
    seen: list[str] = []
    panel.quantity_changed.connect(seen.append)
    panel._buttons["state"].click()
    panel.set_quantity("estimate")
    assert seen == ["state"]
    assert panel._buttons["estimate"].isChecked()


# ---- pictures ----


def test_thumbnails_are_made_in_short_turns(qtbot: QtBot, panel: StepsPanel) -> None:
    """Fifty steps of 512 x 512: setting them is quick, and no turn comes near the 100 ms that a window may pause."""
    prediction = fakes.prediction((1, 512, 512), 2)
    many = tuple(prediction.steps[index % 2] for index in range(50))
    turns: list[float] = []
    make = panel.strip._make_some

    def timed() -> None:
        start = time.perf_counter()
        make()
        turns.append(time.perf_counter() - start)

    panel.strip._timer.timeout.disconnect()
    panel.strip._timer.timeout.connect(timed)
    start = time.perf_counter()
    makers = [lambda step=step: live_frame(Live(step=step), "probability", None, 0) for step in many]
    panel.strip.set_makers(makers, [f"{index}" for index in range(50)], BLUE)
    assert time.perf_counter() - start < 0.05
    assert panel.strip.made() == 0
    qtbot.waitUntil(lambda: panel.strip.made() == 50)
    assert len(turns) > 1
    assert max(turns) < 0.1
    qtbot.waitUntil(lambda: not panel.strip._timer.isActive())


def test_a_thumbnail_shows_its_frame(qtbot: QtBot) -> None:
    half = np.zeros((40, 80), bool)
    half[:, 40:] = True
    small = pixels(thumbnail(Frame(caption="", mask=half, fill=True), ORANGE))
    assert small.shape == (HEIGHT, 2 * HEIGHT, 3)
    assert (small[:, :50] == 0).all()
    assert (small[:, -50:] == QColor(ORANGE).getRgb()[:3]).all()
    values = Frame(caption="", values=half.astype(np.float32), scale=Scale(low=0, high=1, colours="viridis"))
    top = QColor.fromRgba(int(table("viridis")[255])).getRgb()[:3]
    assert (pixels(thumbnail(values, ORANGE))[:, -50:] == top).all()


def test_live_steps_are_shown_until_the_result_comes(qtbot: QtBot, panel: StepsPanel) -> None:
    prediction = fakes.prediction(steps=5)
    panel.set_predictions([], "a")
    for step in prediction.steps[:3]:
        panel.set_live_step("a", Live(step=step, value_range=(0.0, 1.0), threshold=0.5), 5)
    qtbot.waitUntil(lambda: panel.strip.made() == 3)
    assert panel.where.text() == "running, step 3 of 5"
    panel.set_live_step("a", Live(step=prediction.steps[0]), 5)
    qtbot.waitUntil(lambda: panel.strip.made() == 1)
    panel.set_predictions(entries(prediction), "a")
    qtbot.waitUntil(lambda: panel.strip.made() == 6)


def test_a_run_that_ended_without_a_result_leaves_no_pictures(panel: StepsPanel) -> None:
    panel.set_predictions([], "a")
    panel.set_live_step("a", Live(step=fakes.prediction().steps[0]), 5)
    panel.set_live_step("a", None, 0)
    assert panel.strip.made() == 0
    assert panel.where.text() == "no result yet"


def test_live_steps_of_another_column_do_not_disturb(qtbot: QtBot, panel: StepsPanel) -> None:
    panel.set_predictions(entries(fakes.prediction(steps=5)), "a")
    panel.choose(2)
    panel.set_live_step("b", Live(step=fakes.prediction().steps[0]), 5)
    assert panel.index() == 2
    qtbot.waitUntil(lambda: panel.strip.made() == 6)


# ---- curves ----


def test_a_dice_that_does_not_exist_is_a_gap(panel: StepsPanel) -> None:
    panel.set_predictions(entries(fakes.prediction(steps=3), fakes.prediction(steps=2)), "a")
    assert panel.curve.reason.text() == "Dice along the steps needs a reference."
    assert panel.curve.currentWidget() is panel.curve.reason
    panel.set_curves({"a": (None, 0.5, 0.9), "b": (0.1, 0.2)})
    assert panel.curve.currentWidget() is panel.curve.plot
    drawn = panel.curve.shown()
    assert math.isnan(drawn["a"][0])
    assert drawn["a"][1:] == [0.5, 0.9]
    assert drawn["b"] == [0.1, 0.2]


def test_a_curve_of_another_run_is_not_drawn(panel: StepsPanel) -> None:
    panel.set_predictions(entries(fakes.prediction(steps=3)), "a")
    panel.set_curves({"a": (0.1, 0.2), "gone": (0.1, 0.2, 0.3)})
    assert panel.curve.shown() == {}
    panel.set_curves({"a": (0.1, 0.2, 0.3)})
    panel.set_predictions(entries(fakes.prediction(steps=3)), "a")
    assert panel.curve.shown() == {}, "the same number of steps does not make it the same run"


def test_a_press_on_the_curve_goes_to_the_nearest_step(qtbot: QtBot, panel: StepsPanel) -> None:
    panel.set_predictions(entries(fakes.prediction(steps=5)), "a")
    panel.set_curves({"a": (0.1, 0.2, 0.3, 0.4, 0.5)})
    QCoreApplication.processEvents()
    box = panel.curve.plot.getPlotItem().vb
    where = panel.curve.plot.mapFromScene(box.mapViewToScene(QPointF(0.63, 0.5)))
    qtbot.mousePress(panel.curve.plot.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert panel.index() == 2
    assert panel.curve._marker.value() == pytest.approx(0.6)


# ---- frames ----


def test_the_mask_of_a_step_is_its_estimate_cut_at_the_threshold() -> None:
    prediction = fakes.prediction(value_range=(-1.0, 1.0))
    frame = frame_of(prediction, 0.4, "mask", None, 0)
    assert np.array_equal(frame.mask, prediction.steps[1].estimate[0] > prediction.threshold)
    assert np.array_equal(frame_of(prediction, 0.4, "mask", 0.7, 0).mask, prediction.steps[1].estimate[0] > 0.7)


def test_the_final_mask_is_the_one_of_the_prediction() -> None:
    prediction = fakes.prediction()
    assert np.array_equal(frame_of(prediction, None, "mask", None, 0).mask, prediction.mask[0])
    assert frame_of(prediction, None, "state", None, 0).values is not None


def test_scrubbing_fifty_steps_in_two_columns_is_quick(qtbot: QtBot) -> None:
    """512 x 512: a step of both columns, painted, stays far below the pause that is allowed; figures are printed."""
    view = ColumnsView(LIGHT)
    qtbot.addWidget(view)
    view.resize(1200, 700)
    view.set_case(fakes.case(512, 512))
    prediction = fakes.prediction((1, 512, 512), 50)
    for key, colour in (("a", BLUE), ("b", ORANGE)):
        view.add_column(key, key, colour)
        view.set_prediction(key, prediction)
    view.show()
    QCoreApplication.processEvents()
    buffers = [id(view.column(key).view.mask_item._buffer) for key in "ab"]
    spent: list[float] = []
    for index in range(50):
        start = time.perf_counter()
        view.set_step(index)
        for key in "ab":
            view.column(key).view.viewport().repaint()
        spent.append(time.perf_counter() - start)
    print(f"scrub: median {np.median(spent) * 1e3:.1f} ms, worst {max(spent) * 1e3:.1f} ms")
    assert np.median(spent) < 0.1
    assert [id(view.column(key).view.mask_item._buffer) for key in "ab"] == buffers


def test_the_chosen_picture_is_in_sight_when_the_strip_is_longer_than_its_room(qtbot: QtBot, panel: StepsPanel) -> None:
    """The pictures turn out wider than they were thought to be, and the panel changes its width."""
    panel.set_predictions(entries(fakes.prediction((1, 48, 192), steps=12)), "a")
    qtbot.waitUntil(lambda: panel.strip.made() == 13)
    for width in (900, 600, 1200):
        panel.resize(width, 170)
        QApplication.processEvents()
        place = panel.strip._strip.place(12).translated(-panel.strip.horizontalScrollBar().value(), 0)
        assert place.left() >= 0
        assert place.right() <= panel.strip.viewport().width()


def test_the_quantities_keep_their_words_in_a_narrow_panel(panel: StepsPanel) -> None:
    panel.set_predictions(entries(fakes.prediction(steps=12)), "a")
    panel.resize(460, 170)
    QApplication.processEvents()
    for button in panel._buttons.values():
        assert button.width() >= button.sizeHint().width()


def test_an_outline_of_many_lines_waits_until_its_step_rests(qtbot: QtBot) -> None:
    view = ColumnsView()
    qtbot.addWidget(view)
    view.resize(500, 420)
    view.show()
    view.set_case(fakes.case(256, 256))
    view.add_column("a", "noise.ckpt", "#56B4E9")
    noise = np.random.default_rng(0).random((1, 256, 256)) < 0.03
    view.set_prediction("a", replace(fakes.prediction((1, 256, 256)), mask=noise))
    slice_view = view.column("a").view
    assert slice_view.mask_item.isVisible()
    assert not slice_view.outline_item.isVisible()
    view.grab_view(1)  # a picture of the view does not wait
    assert slice_view.outline_item.isVisible()
    other = np.random.default_rng(1).random((1, 256, 256)) < 0.03
    view.set_prediction("a", replace(fakes.prediction((1, 256, 256)), mask=other))
    assert not slice_view.outline_item.isVisible()
    qtbot.waitUntil(slice_view.outline_item.isVisible)
