"""Columns that no checkpoint made: the reference of the case, and imported masks."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.window import MainWindow
from core.errors import ShapeMismatch
from tests.gui.dropping import drop
from tests.gui.standins import FakePipeline
from tests.gui.test_window import open_pair, settle, shown


def test_the_reference_is_a_column_like_any_other(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    open_pair(qtbot, window)
    window.actions_by_id["run.add-reference"].trigger()
    settle(qtbot, window)
    column = window.parts.view.column("column 2")
    assert shown(window) == ["result", "result"]
    assert column.header.title.text() == "Reference"
    assert column.header.kind.text() == "mask of the case, reference.png"
    assert column.header.badge_texts() == ()  # it is not "as trained"
    assert column.footer.caption.text() == "Mask \N{MIDDLE DOT} as stored"
    assert column.prediction is not None
    assert (column.prediction.mask == (window.store.case.reference.labels > 0)).all()
    assert len(verbs.runs) == 1  # no network ran for it
    assert not window.actions_by_id["run.add-reference"].isEnabled()


def test_a_reference_is_not_measured_against_itself(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    window.actions_by_id["run.add-reference"].trigger()
    settle(qtbot, window)
    assert window.store.measurement("column 2") is None
    assert window.parts.view.column("column 2").header.summary.text() == ""
    assert "Reference: the others are measured against it" in window.parts.measurements.model.reasons()
    assert window.store.measurement("column 1") is not None


def test_a_reference_column_follows_the_case_and_its_reference(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    window.actions_by_id["run.add-reference"].trigger()
    settle(qtbot, window)
    before = window.store.run_key("column 2")
    drop(window.parts.library, ["/data/other.mask"])
    settle(qtbot, window)
    assert window.store.run_key("column 2") != before
    prediction = window.store.run_state("column 2").prediction
    assert prediction is not None
    assert (prediction.mask == (window.store.case.reference.labels > 0)).all()
    drop(window.parts.library, ["/data/02.png"])
    settle(qtbot, window)
    assert window.store.run_state("column 2").state == "empty"
    assert "no reference" in window.store.run_state("column 2").message
    assert window.parts.view.column("column 2").header.kind.text() == "this case has none"


def test_an_imported_mask_is_measured_and_named_after_its_file(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_pair(qtbot, window)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("/data/expert 2.mask", ""))
    window.actions_by_id["run.open-mask"].trigger()
    settle(qtbot, window)
    column = window.parts.view.column("column 2")
    assert column.state == "result"
    assert column.header.title.text() == "expert 2.mask"
    assert column.header.kind.text() == "imported mask"
    assert column.header.summary.text().startswith("Dice")


def test_a_line_of_the_messages_opens_its_mask_as_a_column(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    window.parts.library.messages.open_as_requested.emit("/data/expert.mask", "column")
    settle(qtbot, window)
    assert window.store.columns["column 2"].source == str(Path("/data/expert.mask"))
    assert shown(window) == ["result", "result"]


def test_a_mask_of_another_grid_is_refused_with_the_reason(
    qtbot: QtBot, window: MainWindow, verbs: FakePipeline
) -> None:
    verbs.errors["small.mask"] = ShapeMismatch("small.mask has 1 x 9 x 9 voxels and the image 1 x 96 x 128.")
    open_pair(qtbot, window)
    window.opening.open_mask_column("/data/small.mask")
    settle(qtbot, window)
    column = window.parts.view.column("column 2")
    assert column.state == "error"
    assert "1 x 9 x 9" in column.message.text()


def test_labels_are_neither_run_nor_cut_nor_repeated(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    window.actions_by_id["run.add-reference"].trigger()
    settle(qtbot, window)
    assert window.store.active_column == "column 2"
    assert not window.parts.run.isEnabled()
    assert not window.parts.bar.slider.isEnabled()
    for command in ("run.again", "run.copy-command", "view.own-threshold"):
        assert not window.actions_by_id[command].isEnabled()
    assert "no checkpoint made" in window.film._why_nothing(window.store.columns["column 2"])
    assert window.parts.steps.where.text() == "labels of a file: no steps"
    window.store.set_quantity("state")
    caption = window.parts.view.column("column 2").footer.caption.text()
    assert caption.endswith("labels of a file have none")


def test_the_result_of_a_mask_is_saved_under_its_name(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    open_pair(qtbot, window)
    window.opening.open_mask_column("/data/expert.mask")
    settle(qtbot, window)
    window.exports.save_prediction("column 2", str(tmp_path))
    settle(qtbot, window)
    assert [file.name for file in tmp_path.glob("*.txt")] == ["01_expert.mask.txt"]
