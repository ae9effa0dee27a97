"""Quantities of more than one result, on masks made by hand whose answers are known, in the real window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.canvas.frame import Frame
from app.canvas.quantities import Classes, Scale
from app.window import MainWindow
from core import pipeline
from core.progress import Report
from core.records import Array, Case, Image, LabelMap, Prediction, RunSettings, Step, frozen_array
from tests.gui.standins import FakePipeline
from tests.gui.test_canvas_pixels import pixels
from tests.gui.test_window import drop, settle

FIRST, SECOND = "column 1", "column 2"
SHAPE = (1, 20, 30)


def box(rows: slice, columns: slice) -> Array:
    made = np.zeros(SHAPE, bool)
    made[0, rows, columns] = True
    return made


REFERENCE = box(slice(4, 10), slice(4, 14))  # 60 voxels
MASKS = {
    "a.ckpt": box(slice(4, 10), slice(6, 18)),  # 48 right, 24 too many, 12 missed
    "b.ckpt": box(slice(4, 10), slice(4, 10)),  # 36 right, 24 missed
    "film.ckpt": box(slice(4, 10), slice(4, 14)),
}


def grown(mask: Array, settings: RunSettings, *, film: bool) -> Prediction:
    """Three kept steps: nothing, the left half of the picture, all of `mask`. With FiLM off it is less sure."""
    sure = 0.9 if settings.film.mode != "off" or not film else 0.7
    half = mask & (np.arange(SHAPE[2]) < 12)
    steps = []
    for index, known in enumerate((np.zeros(SHAPE, bool), half, mask)):
        values = frozen_array(np.where(known, sure, 0.1), np.float32)
        state = frozen_array(np.where(known, 1.0, 0.0), np.float32)
        t = (0.25, 0.5, 1.0)[index]
        steps.append(Step(index=index, t=t, state=state, estimate=values, probability=values, calls=index + 1))
    last = steps[-1].estimate
    return Prediction(
        score=last,
        probability=last,
        mask=frozen_array(last > 0.5),
        threshold=0.5,
        value_range=(0.0, 1.0),
        steps=tuple(steps),
        settings=settings,
        condition=frozen_array(np.ones((1, 2)), np.float32) if film and settings.film.mode != "off" else None,
    )


@pytest.fixture
def boxes(window: MainWindow, verbs: FakePipeline, monkeypatch: pytest.MonkeyPatch) -> MainWindow:
    """The window over masks made by hand instead of the fakes' vessels."""

    def segment(segmenter: object, image: Image, settings: RunSettings, report: Report) -> Prediction:
        name = segmenter.report.path.rsplit("/", 1)[-1]  # type: ignore[attr-defined]
        verbs.runs.append((name, image.name, settings))
        return grown(MASKS[name], settings, film=name.startswith("film"))

    def open_case(image: str, reference: str | None = None, *_: object, **__: object) -> Case:
        picture = Image(voxels=frozen_array(np.full(SHAPE, 100), np.float32), name="boxes.png", path=image)
        labels = LabelMap(labels=frozen_array(REFERENCE.astype(np.uint8)), name="reference.png")
        return Case(name="boxes", image=picture, reference=labels if reference else None)

    monkeypatch.setattr(pipeline, "segment", segment)
    monkeypatch.setattr(pipeline, "open_case", open_case)
    return window


def opened(qtbot: QtBot, window: MainWindow, *names: str, reference: bool = True) -> MainWindow:
    mask = ["/data/01.mask"] if reference else []
    drop(window.parts.view, [*(f"/data/{name}" for name in names), "/data/01.png", *mask])
    settle(qtbot, window)
    return window


def choose(qtbot: QtBot, window: MainWindow, name: str) -> None:
    """As a person does: the menu beside the buttons, by its keys."""
    more = window.parts.steps.more
    menu, entry = more.menu(), window.parts.steps.entries[name]
    menu.popup(more.mapToGlobal(more.rect().bottomLeft()))
    menu.setActiveAction(entry)
    qtbot.keyClick(menu, Qt.Key.Key_Return)
    assert window.store.quantity == name
    qtbot.waitUntil(lambda: window.queue.idle)
    qtbot.wait(40)
    qtbot.waitUntil(lambda: window.queue.idle)


def frame(window: MainWindow, key: str = FIRST) -> Frame:
    return window.parts.view.column(key).grid.panes[0].frame


def legend(window: MainWindow, key: str = FIRST) -> tuple[str, ...]:
    return window.parts.view.column(key).footer.classes.words()


def test_errors_are_counted_and_hatched_in_two_directions(qtbot: QtBot, boxes: MainWindow) -> None:
    opened(qtbot, boxes, "a.ckpt")
    choose(qtbot, boxes, "errors")
    assert legend(boxes) == ("FP 24", "FN 12", "TP 48")
    codes = frame(boxes).values
    assert codes is not None
    assert np.count_nonzero(codes == 3) == 48
    assert np.all(codes[4:10, 14:18] == 1)
    assert np.all(codes[4:10, 4:6] == 2)
    hatches = {kind.words[:2]: kind.hatch for kind in frame(boxes).scale.kinds if kind.words}  # type: ignore[union-attr]
    assert hatches == {"TP": "", "FP": "/", "FN": "\\"}
    view = boxes.parts.view.column(FIRST).view
    assert not view.reference_item.isVisible(), "its outline would hide thin errors"
    boxes.parts.steps.slider.setValue(1)
    assert legend(boxes) == ("FP 0", "FN 24", "TP 36")
    assert "t = 0.500" in frame(boxes).caption


def test_the_stripes_of_added_and_missed_voxels_run_in_two_directions(qtbot: QtBot, boxes: MainWindow) -> None:
    opened(qtbot, boxes, "a.ckpt")
    choose(qtbot, boxes, "errors")
    view = boxes.parts.view.column(FIRST).view
    drawn = pixels(view.grab().toImage())

    def patch(column: int) -> Array:
        """The middle of a voxel and its neighbours, dark or bright."""
        at = view.mapFromScene(view.map_item.mapToScene(column, 7.0))
        grey = drawn[at.y() - 8 : at.y() + 8, at.x() - 8 : at.x() + 8].mean(axis=-1)
        return np.asarray(grey > grey.mean(), dtype=float)

    added, missed = patch(16), patch(5)
    rising = [np.mean(some[1:, :-1] == some[:-1, 1:]) for some in (added, missed)]
    falling = [np.mean(some[:-1, :-1] == some[1:, 1:]) for some in (added, missed)]
    assert rising[0] > 0.95 > falling[0], "along the rising stripes nothing changes"
    assert falling[1] > 0.95 > rising[1]


def test_errors_follow_the_threshold_and_need_a_reference(qtbot: QtBot, boxes: MainWindow) -> None:
    opened(qtbot, boxes, "a.ckpt", reference=False)
    choose(qtbot, boxes, "errors")
    assert "needs a reference" in frame(boxes).caption
    drop(boxes.parts.view, ["/data/01.mask"])
    settle(qtbot, boxes)
    assert legend(boxes) == ("FP 24", "FN 12", "TP 48")
    boxes.store.set_threshold(FIRST, 0.95)
    assert legend(boxes) == ("FP 0", "FN 60", "TP 0")
    settle(qtbot, boxes)


def test_two_columns_are_held_against_each_other(qtbot: QtBot, boxes: MainWindow) -> None:
    opened(qtbot, boxes, "a.ckpt", "b.ckpt")
    choose(qtbot, boxes, "difference")
    assert legend(boxes, FIRST) == ("Here 48", "There 12", "Both 24")
    assert legend(boxes, SECOND) == ("Here 12", "There 48", "Both 24")
    assert "against b.ckpt" in frame(boxes, FIRST).caption
    choose(qtbot, boxes, "probability-difference")
    values = frame(boxes, FIRST).values
    assert values is not None
    assert values[5, 15] == pytest.approx(0.8)
    assert values[5, 4] == pytest.approx(-0.8)
    assert values[0, 0] == 0


def test_a_column_is_never_held_against_a_result_that_is_gone(qtbot: QtBot, boxes: MainWindow) -> None:
    opened(qtbot, boxes, "a.ckpt", "b.ckpt")
    choose(qtbot, boxes, "difference")
    boxes.store.remove_column(SECOND)
    assert frame(boxes).caption.endswith("needs another column with a result")
    assert frame(boxes).values is None
    settle(qtbot, boxes)


def test_agreement_counts_the_columns_that_mark_a_voxel(qtbot: QtBot, boxes: MainWindow) -> None:
    opened(qtbot, boxes, "a.ckpt", "b.ckpt")
    boxes.add_reference_column()
    settle(qtbot, boxes)
    choose(qtbot, boxes, "agreement")
    values = frame(boxes).values
    assert values is not None
    assert [values[5, column] for column in (0, 7, 11, 16)] == [0, 3, 2, 1]
    assert legend(boxes) == ("1: 24", "2: 36", "3: 24")
    assert "of 3 masks" in frame(boxes).caption


def test_the_surface_distance_is_signed_and_of_the_step_that_is_shown(qtbot: QtBot, boxes: MainWindow) -> None:
    opened(qtbot, boxes, "a.ckpt")
    choose(qtbot, boxes, "surface")
    values = frame(boxes).values
    assert values is not None
    assert values[6, 17] == 4  # the edge of the reference is at column 13
    assert values[6, 6] == -2
    assert np.isnan(values[6, 10])
    assert "px" in frame(boxes).caption
    boxes.parts.steps.slider.setValue(0)
    assert frame(boxes).values is None, "what was computed of another step must not be drawn"
    assert "being computed" in frame(boxes).caption
    qtbot.waitUntil(lambda: "empty" in frame(boxes).caption)
    boxes.parts.steps.slider.setValue(1)
    qtbot.waitUntil(lambda: frame(boxes).values is not None)
    now = frame(boxes).values
    assert now is not None
    assert now[6, 11] == -2


def test_change_and_velocity_are_those_between_kept_steps(qtbot: QtBot, boxes: MainWindow) -> None:
    opened(qtbot, boxes, "a.ckpt")
    choose(qtbot, boxes, "change")
    assert "move the slider to a step" in frame(boxes).caption
    boxes.parts.steps.slider.setValue(0)
    assert "the first kept step has none before it" in frame(boxes).caption
    boxes.parts.steps.slider.setValue(2)
    values, scale = frame(boxes).values, frame(boxes).scale
    assert values is not None
    assert isinstance(scale, Scale)
    assert values[5, 14] == pytest.approx(0.8)
    assert values[5, 7] == 0
    assert (scale.low, scale.high) == (-0.8, 0.8)
    choose(qtbot, boxes, "velocity")
    assert "the last step moves no further" in frame(boxes).caption
    boxes.parts.steps.slider.setValue(1)
    values = frame(boxes).values
    assert values is not None
    assert values[5, 14] == pytest.approx(2.0)  # from 0 to 1 in half a unit of t


def test_commit_time_is_the_last_change_of_a_label(qtbot: QtBot, boxes: MainWindow) -> None:
    opened(qtbot, boxes, "a.ckpt")
    choose(qtbot, boxes, "commit")
    values = frame(boxes).values
    assert values is not None
    assert values[5, 7] == 0.5
    assert values[5, 15] == 1.0
    assert np.isnan(values[0, 0])
    assert "12.0% changed" in frame(boxes).caption  # 72 of 600
    boxes.store.set_threshold(FIRST, 0.95)
    assert frame(boxes).values is None
    qtbot.waitUntil(lambda: " 0.0% changed" in frame(boxes).caption)
    settle(qtbot, boxes)


def test_the_effect_of_film_needs_a_run_without_it_which_is_offered(
    qtbot: QtBot, boxes: MainWindow, verbs: FakePipeline
) -> None:
    opened(qtbot, boxes, "film.ckpt")
    button = boxes.parts.steps.bare_button
    assert not button.isVisible()
    choose(qtbot, boxes, "film")
    assert "needs the same run with FiLM off" in frame(boxes).caption
    assert button.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: frame(boxes).values is not None)
    assert [run[2].film.mode for run in verbs.runs] == ["auto", "off"]
    values = frame(boxes).values
    assert values is not None
    assert values[5, 7] == pytest.approx(0.2)
    assert not button.isVisible()
    assert boxes.store.columns[FIRST].settings.film.mode == "auto"
    boxes.parts.steps.slider.setValue(1)
    values = frame(boxes).values
    assert values is not None
    assert values[5, 7] == pytest.approx(0.2)
    assert values[5, 13] == 0
    settle(qtbot, boxes)


def test_a_run_without_film_says_that_there_is_no_effect(qtbot: QtBot, boxes: MainWindow) -> None:
    opened(qtbot, boxes, "a.ckpt")
    choose(qtbot, boxes, "film")
    assert "this run used no FiLM" in frame(boxes).caption
    assert not boxes.parts.steps.bare_button.isVisible()


def test_rows_show_them_too_and_name_their_classes(qtbot: QtBot, boxes: MainWindow) -> None:
    opened(qtbot, boxes, "a.ckpt")
    boxes.store.set_rows(mode="quantities", quantities=("mask", "errors", "commit"))
    settle(qtbot, boxes)
    panes = boxes.parts.view.column(FIRST).grid.seen()
    assert isinstance(panes[1].frame.scale, Classes)
    assert "FP 24, FN 12, TP 48" in panes[1].view.marks.above[0]
    assert panes[2].frame.values is not None


def test_a_map_of_a_run_that_is_not_wanted_any_more_is_not_drawn(qtbot: QtBot, boxes: MainWindow) -> None:
    opened(qtbot, boxes, "a.ckpt")
    choose(qtbot, boxes, "surface")
    column = boxes.store.columns[FIRST]
    boxes.store.change_column(FIRST, settings=replace(column.settings, seed=5))
    assert boxes.parts.view.column(FIRST).map_of("surface") is None
    settle(qtbot, boxes)
    qtbot.waitUntil(lambda: frame(boxes).values is not None)
