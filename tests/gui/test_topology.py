"""The topology lens in the window, on vessels drawn by hand whose faults are known."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.canvas.camera import Camera, Lens, Plane, close_up
from app.controllers import topology as controller
from app.items import Marker
from app.window import MainWindow
from core import pipeline
from core.progress import Report, silent
from core.records import (
    Array,
    LabelMap,
    Prediction,
    RunSettings,
    TopologyItem,
    TopologyReport,
    frozen_array,
)
from tests.gui import fakes
from tests.gui.standins import FakePipeline
from tests.gui.test_window import open_pair, settle

ROWS, COLUMNS = 96, 128
GAP = (60, 66)


def vessel(*gaps: tuple[int, int]) -> Array:
    """A horizontal vessel, 5 px wide, from column 10 to 117 in row 40, without the columns of `gaps`."""
    mask = np.zeros((1, ROWS, COLUMNS), bool)
    mask[0, 38:43, 10:118] = True
    for first, past in gaps:
        mask[0, :, first:past] = False
    return mask


def result(mask: Array, settings: RunSettings) -> Prediction:
    """A finished run with this mask: 0.9 inside, 0.1 outside, and a weak spot of 0.6 in the columns 80 to 90."""
    probability = np.where(mask, 0.9, 0.1).astype(np.float32)
    probability[:, :, 80:90] = np.where(mask[:, :, 80:90], 0.6, 0.1)
    score = frozen_array(probability, np.float32)
    made = fakes.prediction((1, ROWS, COLUMNS), steps=2)
    return replace(made, score=score, probability=score, mask=frozen_array(mask), threshold=0.5, settings=settings)


@pytest.fixture
def lens(qtbot: QtBot, window: MainWindow, verbs: FakePipeline, monkeypatch: pytest.MonkeyPatch) -> MainWindow:
    """One column whose vessel has a gap of six pixels, under a reference without; an island where there is none."""

    def segment(segmenter: Any, image: Any, settings: RunSettings, report: Report) -> Prediction:
        mask = vessel(GAP)
        mask[0, 72, 20:40] = True
        return result(mask, settings)

    def open_labels(path: str, image: Any) -> LabelMap:
        return LabelMap(labels=frozen_array(vessel().astype(np.uint8)), name="01.mask", path=path)

    def open_case(image: str, reference: str | None = None, *args: Any, **more: Any) -> Any:
        made = verbs.open_case(image, reference, *args, **more)
        known = None if reference is None else open_labels(reference, made.image)
        return replace(made, reference=known)

    monkeypatch.setattr(pipeline, "segment", segment)
    monkeypatch.setattr(pipeline, "open_labels", open_labels)
    monkeypatch.setattr(pipeline, "open_case", open_case)
    open_pair(qtbot, window)
    window.resize(1400, 900)
    return window


def shown(qtbot: QtBot, window: MainWindow) -> TopologyReport:
    window.show_topology()
    qtbot.waitUntil(lambda: window.topology.report is not None)
    assert window.topology.report is not None
    return window.topology.report


def listed(window: MainWindow) -> list[str]:
    table = window.parts.topology.table.model()
    return [table.index(row, 0).data() for row in range(table.rowCount())]


def markers(window: MainWindow, key: str = "column 1") -> tuple[Marker, ...]:
    return window.parts.view.scene_of(key).markers


def inside(voxel: tuple[int, ...], item: TopologyItem) -> bool:
    return all(first <= at < past for at, (first, past) in zip(voxel, item.box, strict=True))


def test_nothing_is_computed_for_a_panel_that_nobody_sees(qtbot: QtBot, lens: MainWindow) -> None:
    settle(qtbot, lens)
    assert not lens.parts.topology.is_seen()
    assert lens.topology.report is None
    assert markers(lens) == ()


def test_the_gap_and_the_island_are_counted_and_listed(qtbot: QtBot, lens: MainWindow) -> None:
    report, panel = shown(qtbot, lens), lens.parts.topology
    assert {kind: report.count(kind) for kind in ("break", "island", "bridge")} == {
        "break": 1,
        "island": 1,
        "bridge": 0,
    }
    assert listed(lens) == ["Island", "Break"]  # longest first
    assert panel.kinds["break"].text() == "Breaks 1"
    assert not panel.kinds["bridge"].isEnabled()
    assert "Pieces (Betti 0): 3 in the result, 1 in the reference." in panel.facts.text()
    assert "8-connected" in panel.facts.text()
    assert "False-positive pixels: 20," in panel.facts.text()
    assert panel.about.text() == "Final result, cut at 0.5, against the reference 01.mask"


def test_n_flies_to_the_gap_and_p_back(qtbot: QtBot, lens: MainWindow) -> None:
    shown(qtbot, lens)
    view, panel = lens.parts.view, lens.parts.topology
    panel.kinds["island"].click()
    assert listed(lens) == ["Break"]
    lens.activateWindow()
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_N)
    gap = lens.topology.chosen
    assert gap is not None
    assert gap.kind == "break"
    assert GAP[0] <= view.cross()[2] < GAP[1]
    assert inside(view.cross(), gap)
    assert panel.table.selectionModel().selectedRows()[0].data() == "Break"
    panel.kinds["island"].click()
    qtbot.keyClick(view, Qt.Key.Key_P)
    assert lens.topology.chosen is not None
    assert lens.topology.chosen.kind == "island"
    assert inside(view.cross(), lens.topology.chosen)
    qtbot.keyClick(view, Qt.Key.Key_P)  # round and round
    assert lens.topology.chosen is gap


def test_the_picture_is_zoomed_to_the_item(qtbot: QtBot, lens: MainWindow) -> None:
    shown(qtbot, lens)
    before = lens.parts.view.column("column 1").view.lens().zoom
    lens.step_item(1)
    lens.step_item(1)
    gap, seen = lens.topology.chosen, lens.parts.view.column("column 1").view.lens()
    assert gap is not None
    assert seen.zoom > before
    assert seen.centre == (pytest.approx(62.5), pytest.approx(40))
    (left, right), (top, bottom) = seen.ranges()
    assert left < gap.box[2][0] - 0.5 < gap.box[2][1] - 0.5 < right
    assert top < gap.box[1][0] - 0.5 < gap.box[1][1] - 0.5 < bottom


def test_n_makes_the_list_when_there_is_none_yet(qtbot: QtBot, lens: MainWindow) -> None:
    lens.step_item(1)
    qtbot.waitUntil(lambda: lens.topology.chosen is not None)
    assert lens.parts.topology.is_seen()
    assert inside(lens.parts.view.cross(), lens.topology.chosen)  # type: ignore[arg-type]


def test_a_double_click_flies_to_an_item(qtbot: QtBot, lens: MainWindow) -> None:
    shown(qtbot, lens)
    table = lens.parts.topology.table
    table.doubleClicked.emit(table.model().index(1, 0))
    assert lens.topology.chosen is not None
    assert lens.topology.chosen.kind == "break"


def test_items_are_marked_where_they_are_and_the_marks_can_be_switched_off(qtbot: QtBot, lens: MainWindow) -> None:
    shown(qtbot, lens)
    view, panel = lens.parts.view, lens.parts.topology
    assert [(mark.label, mark.chosen) for mark in markers(lens)] == [("Island 20.0 px", False), ("Break 6.0 px", False)]
    plain = view.column("column 1").view.grab().toImage()
    panel.marks.click()
    assert markers(lens) == ()
    assert view.column("column 1").view.grab().toImage() != plain
    lens.step_item(1)
    assert [(mark.label, mark.chosen) for mark in markers(lens)] == [("Island 20.0 px", True)]
    panel.marks.click()
    assert [mark.chosen for mark in markers(lens)] == [True, False]
    (ring,) = (ring for ring in view.column("column 1").view.marks.rings if ring.chosen)
    left, top, right, bottom = ring.box
    assert left < ring.place[0] < right
    assert top < ring.place[1] < bottom
    view.set_bare(True)
    assert view.column("column 1").view.marks.rings == ()


def test_other_columns_show_only_where_the_chosen_one_is(qtbot: QtBot, lens: MainWindow) -> None:
    lens.store.add_labels_column("reference")
    lens.store.activate_column("column 1")
    shown(qtbot, lens)
    assert markers(lens, "column 2") == ()
    lens.step_item(1)
    assert [(mark.label, mark.chosen) for mark in markers(lens, "column 2")] == [("", True)]


def test_marks_go_with_the_panel_and_come_back(qtbot: QtBot, lens: MainWindow) -> None:
    shown(qtbot, lens)
    lens.film_dock.raise_()
    qtbot.waitUntil(lambda: not lens.parts.topology.is_seen())
    assert markers(lens) == ()
    lens.show_topology()
    qtbot.waitUntil(lambda: len(markers(lens)) == 2)


def test_a_moved_threshold_takes_the_list_away_and_brings_its_own(qtbot: QtBot, lens: MainWindow) -> None:
    shown(qtbot, lens)
    lens.store.set_threshold("column 1", 0.7)
    assert lens.topology.report is None  # nothing stale, from the first moment on
    assert markers(lens) == ()
    assert listed(lens) == []
    qtbot.waitUntil(lambda: lens.topology.report is not None)
    assert lens.topology.report is not None
    assert lens.topology.report.count("break") == 2  # the weak spot is gone too
    assert "cut at 0.7," in lens.parts.topology.about.text()
    lens.store.set_threshold("column 1", None)
    qtbot.waitUntil(lambda: lens.topology.report is not None and lens.topology.report.count("break") == 1)


def test_while_a_slider_moves_nothing_is_computed(
    qtbot: QtBot, lens: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown(qtbot, lens)
    cuts = []
    known = pipeline.topology

    def counted(prediction: Prediction, *args: Any, **more: Any) -> TopologyReport:
        cuts.append(prediction.threshold)
        return known(prediction, *args, **more)

    monkeypatch.setattr(pipeline, "topology", counted)
    for percent in range(60, 76):
        lens.store.set_threshold("column 1", percent / 100)
    qtbot.waitUntil(lambda: lens.topology.report is not None)
    assert cuts == [0.75]


def test_the_list_can_be_sorted_and_n_follows_it(qtbot: QtBot, lens: MainWindow) -> None:
    shown(qtbot, lens)
    lens.parts.topology.table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert listed(lens) == ["Break", "Island"]
    lens.step_item(1)
    assert lens.topology.chosen is not None
    assert lens.topology.chosen.kind == "break"


def test_a_least_length_leaves_the_short_ones_out(qtbot: QtBot, lens: MainWindow) -> None:
    shown(qtbot, lens)
    panel = lens.parts.topology
    panel.least.setValue(10)
    assert listed(lens) == ["Island"]
    assert len(markers(lens)) == 1
    panel.least.setValue(50)
    assert listed(lens) == []
    assert "other kinds" in panel.remark.text()
    assert not panel.next_button.isEnabled()


def test_the_copied_table_says_whose_it_is_and_what_is_listed(qtbot: QtBot, lens: MainWindow) -> None:
    shown(qtbot, lens)
    lens.parts.topology.copy_button.click()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0] == "best.ckpt. Final result, cut at 0.5, against the reference 01.mask"
    assert lines[1].startswith("Breaks 1; False bridges 0;")
    assert lines[-3:] == [
        "Kind\tLength (px)\tCalibre (px)\tRow, column",
        "Island\t20.0\t1.0\t73, 30",
        "Break\t6.0\t5.0\t41, 63",
    ]


def test_work_can_be_cancelled_and_begun_again(qtbot: QtBot, lens: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, known, panel = threading.Event(), pipeline.topology, lens.parts.topology

    def slow(*args: Any, report: Report = silent) -> TopologyReport:
        found = known(*args, report=report)
        assert gate.wait(10)
        known(*args, report=report)  # stops at the first report when it was cancelled
        return found

    monkeypatch.setattr(pipeline, "topology", slow)
    lens.show_topology()
    qtbot.waitUntil(lambda: "5 / 6" in panel.bar.text())
    assert panel.cancel_button.isVisible()
    panel.cancel_button.click()
    gate.set()
    assert panel.message.text() == controller.CANCELLED
    qtbot.waitUntil(lambda: lens.queue.idle)
    assert lens.topology.report is None
    panel.compute_button.click()
    qtbot.waitUntil(lambda: lens.topology.report is not None)


def test_a_late_list_is_not_shown_for_another_result(
    qtbot: QtBot, lens: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, known = threading.Event(), pipeline.topology

    def slow(prediction: Prediction, *args: Any, **more: Any) -> TopologyReport:
        if prediction.threshold == 0.5:
            assert gate.wait(10)
        return known(prediction, *args)

    monkeypatch.setattr(pipeline, "topology", slow)
    lens.show_topology()
    qtbot.waitUntil(lambda: lens.topology.busy)
    lens.store.set_threshold("column 1", 0.7)
    qtbot.waitUntil(lambda: lens.topology.report is not None)
    gate.set()
    qtbot.waitUntil(lambda: lens.queue.idle)
    assert lens.topology.report is not None
    assert lens.topology.report.count("break") == 2


# ---- what is missing -------------------------------------------------------------------------------------------------


def test_without_anything_it_says_what_to_drop(qtbot: QtBot, window: MainWindow) -> None:
    window.show_topology()
    qtbot.waitUntil(window.parts.topology.is_seen)
    assert window.parts.topology.message.text() == controller.NO_CASE


def test_without_a_reference_it_says_so(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    window.open(["/data/best.ckpt", "/data/01.png"])
    settle(qtbot, window)
    window.show_topology()
    qtbot.waitUntil(window.parts.topology.is_seen)
    assert window.parts.topology.message.text() == controller.NO_REFERENCE


def test_the_reference_is_not_held_against_itself(qtbot: QtBot, lens: MainWindow) -> None:
    shown(qtbot, lens)
    lens.store.add_labels_column("reference")
    assert lens.topology.report is None
    assert lens.parts.topology.message.text() == controller.ITSELF


def test_a_reference_on_another_grid_is_offered_for_resampling(qtbot: QtBot, lens: MainWindow) -> None:
    case = lens.store.case
    assert case is not None
    assert case.reference is not None
    shown(qtbot, lens)
    wished: list[str] = []
    lens.topology.resample_requested.disconnect()
    lens.topology.resample_requested.connect(wished.append)
    item = lens.store.cases[case.image.path]
    elsewhere = replace(case, reference=replace(case.reference, placed="shown"))
    lens.store.set_case_reference(item.paths, elsewhere)
    assert lens.topology.report is None
    assert lens.parts.topology.message.text() == controller.OTHER_GRID
    lens.parts.topology.resample_button.click()
    assert wished == [item.id]


def test_while_a_run_goes_on_there_is_no_list_of_the_one_before(
    qtbot: QtBot, lens: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown(qtbot, lens)
    lens.store.change_column("column 1", settings=RunSettings(seed=5))
    assert lens.topology.report is None
    assert "has no result yet" in lens.parts.topology.message.text()
    qtbot.waitUntil(lambda: lens.topology.report is not None)


def test_an_error_is_told_and_can_be_tried_again(
    qtbot: QtBot, lens: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = pipeline.topology
    monkeypatch.setattr(pipeline, "topology", lambda *args, **more: pipeline.sha256(Path("/nowhere/at/all")) and 1 / 0)
    lens.show_topology()
    qtbot.waitUntil(lambda: "ZeroDivisionError" in lens.parts.topology.message.text())
    monkeypatch.setattr(pipeline, "topology", known)
    lens.parts.topology.compute_button.click()
    qtbot.waitUntil(lambda: lens.topology.report is not None)


# ---- the camera ------------------------------------------------------------------------------------------------------


def test_a_close_look_keeps_the_surroundings_in_sight() -> None:
    plane = Plane(rows=512, columns=512)
    whole = Lens(plane=plane, camera=Camera(), width=400, height=400)
    small = close_up(whole, (99.5, 199.5, 101.5, 201.5))
    assert (small.centre, small.zoom) == ((100.5, 200.5), 8.0)
    long = close_up(whole, (0.0, 0.0, 100.0, 20.0))
    assert long.zoom == pytest.approx(400 / 100 / 3)
    assert close_up(whole, (0.0, 0.0, 512.0, 512.0)).zoom == plane.fit(400, 400)
