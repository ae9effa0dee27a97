"""Two checkpoints of the library compared in a dialog."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QTableView
from pytestqt.qtbot import QtBot

from app.passport_dialog import PassportDialog
from app.window import MainWindow
from core import pipeline
from core.progress import Progress, Report, silent
from core.records import BlockDifference, FieldDifference, PassportDifference
from tests.gui import fakes
from tests.gui.standins import FakePipeline
from tests.gui.test_window import open_pair, settle

FIRST, SECOND = "/data/best.ckpt", "/data/second.ckpt"


def difference(first: str, second: str) -> PassportDifference:
    block = BlockDifference(block="ups.0", parameters=1200, tensors=3, mean_absolute=0.1, relative=0.25, cosine=0.9)
    return PassportDifference(
        first=replace(fakes.report(), path=first),
        second=replace(fakes.report(), path=second),
        settings=(FieldDifference(name="threshold", first=0.5, second=0.0),),
        training=(FieldDifference(name="epoch", first=3, second=None),),
        metrics=(),
        blocks=(block, replace(block, block="downs.0", mean_absolute=0.0, relative=0.0, cosine=1.0)),
        alike=(FieldDifference(name="family", first="flow", second="flow"),),
    )


@pytest.fixture
def two(
    qtbot: QtBot, window: MainWindow, verbs: FakePipeline, monkeypatch: pytest.MonkeyPatch
) -> tuple[MainWindow, list[tuple[str, str]]]:
    """Two checkpoints in the library, and what was compared."""
    compared: list[tuple[str, str]] = []

    def compare(first: str, second: str, report: Report = silent) -> PassportDifference:
        compared.append((first, second))
        return difference(first, second)

    monkeypatch.setattr(pipeline, "compare_checkpoints", compare)
    open_pair(qtbot, window, SECOND)
    return window, compared


def select_both(window: MainWindow) -> None:
    view = window.parts.library.checkpoints
    for row, flags in enumerate((Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier)):
        place = view.visualRect(view.model().index(row, 0)).center()
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, flags, place)


def opened(qtbot: QtBot, window: MainWindow) -> PassportDialog:
    qtbot.waitUntil(lambda: bool(window.passports.open) and bool(window.passports.open[0].tables))
    return window.passports.open[0]


def cells(dialog: PassportDialog, section: int) -> list[list[str]]:
    view = dialog.sections[section].findChild(QTableView)
    model = view.model()
    rows = range(model.rowCount())
    return [[model.index(row, column).data() for column in range(model.columnCount())] for row in rows]


def test_two_can_be_selected_and_compared_from_the_menu(
    qtbot: QtBot, two: tuple[MainWindow, list[tuple[str, str]]]
) -> None:
    window, compared = two
    select_both(window)
    settle(qtbot, window)
    view = window.parts.library.checkpoints
    assert view.selected() == (FIRST, SECOND)
    actions = {action.text(): action for action in view.menu_for(FIRST).actions()}
    actions["Compare passports"].trigger()
    dialog = opened(qtbot, window)
    assert compared == [(FIRST, SECOND)]
    assert [label.text() for label in dialog.names] == ["best.ckpt", "second.ckpt"]
    assert cells(dialog, 0) == [["threshold", "0.5", "0"]]
    assert cells(dialog, 1) == [["epoch", "3", "\N{EN DASH}"]]
    assert cells(dialog, 3) == [["ups.0", "1,200", "0.1", "25.00%", "0.9"]]
    dialog.close()


def test_a_single_one_has_nothing_to_be_compared_with(two: tuple[MainWindow, list[tuple[str, str]]]) -> None:
    view = two[0].parts.library.checkpoints
    view.choose(FIRST)
    assert view.selected() == (FIRST,)
    assert "Compare passports" not in [action.text() for action in view.menu_for(FIRST).actions()]


def test_the_command_takes_the_selected_two_or_those_of_the_columns(
    qtbot: QtBot, two: tuple[MainWindow, list[tuple[str, str]]]
) -> None:
    window, compared = two
    window.store.activate_column("column 2")
    window.actions_by_id["run.compare-passports"].trigger()
    opened(qtbot, window).close()
    assert compared == [(SECOND, FIRST)]
    select_both(window)
    settle(qtbot, window)
    window.actions_by_id["run.compare-passports"].trigger()
    opened(qtbot, window).close()
    assert compared[1:] == [(FIRST, SECOND)]


def test_the_command_needs_two(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    assert not window.actions_by_id["run.compare-passports"].isEnabled()


def test_what_is_the_same_is_shown_on_demand_and_copied(
    qtbot: QtBot, two: tuple[MainWindow, list[tuple[str, str]]]
) -> None:
    window, _ = two
    window.compare_passports()
    dialog = opened(qtbot, window)
    assert "family" not in dialog.text()
    dialog.alike.click()
    assert ["family", "flow", "flow"] in cells(dialog, 0)
    assert [row[0] for row in cells(dialog, 3)] == ["ups.0", "downs.0"]
    dialog.copy_button.click()
    assert "family\tflow\tflow" in QGuiApplication.clipboard().text()
    dialog.close()


def test_closing_the_dialog_stops_the_reading(
    qtbot: QtBot, two: tuple[MainWindow, list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    window, began, gate = two[0], threading.Event(), threading.Event()

    def compare(first: str, second: str, report: Report = silent) -> PassportDifference:
        report(Progress(done=1, total=7, stage="comparing weights"))
        began.set()
        while not gate.wait(0.002):
            report(Progress(done=2, total=7, stage="comparing weights"))
        return difference(first, second)

    monkeypatch.setattr(pipeline, "compare_checkpoints", compare)
    window.compare_passports()
    dialog = window.passports.open[0]
    qtbot.waitUntil(lambda: "comparing weights  2 / 7" in dialog.bar.text())
    dialog.close()
    qtbot.waitUntil(lambda: window.queue.idle)  # without the gate: it was cancelled
    assert window.passports.open == []


def test_what_went_wrong_is_said_in_the_dialog(
    qtbot: QtBot, two: tuple[MainWindow, list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def compare(*args: Any) -> PassportDifference:
        raise OSError("the disk is gone")

    monkeypatch.setattr(pipeline, "compare_checkpoints", compare)
    two[0].compare_passports()
    dialog = two[0].passports.open[0]
    qtbot.waitUntil(lambda: "the disk is gone" in dialog.message.text())
    assert not dialog.copy_button.isEnabled()
    dialog.close()


def test_selecting_another_column_keeps_the_selection_in_the_library_true(
    qtbot: QtBot, two: tuple[MainWindow, list[tuple[str, str]]]
) -> None:
    window, view = two[0], two[0].parts.library.checkpoints
    window.store.activate_column("column 1")
    assert view.selected() == (FIRST,)
    window.store.activate_column("column 2")
    assert view.selected() == (SECOND,)
    view.selectionModel().select(view.model().index(0, 0), QItemSelectionModel.SelectionFlag.Select)
    assert view.selected() == (FIRST, SECOND)
