"""How far the columns agree, pair by pair, on masks made by hand."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication
from pytestqt.qtbot import QtBot

from app.window import MainWindow
from tests.gui.test_derived import FIRST, SECOND, boxes, opened  # noqa: F401  a fixture
from tests.gui.test_window import settle


def cell(window: MainWindow, row: int, column: int, role: Qt.ItemDataRole = Qt.ItemDataRole.DisplayRole) -> object:
    model = window.parts.concordance.model
    return model.index(row, column).data(role)


def looked_at(qtbot: QtBot, window: MainWindow) -> None:
    window.actions_by_id["view.concordance"].trigger()
    settle(qtbot, window)


def test_the_table_holds_the_dice_of_each_pair_and_needs_no_reference(qtbot: QtBot, boxes: MainWindow) -> None:  # noqa: F811
    opened(qtbot, boxes, "a.ckpt", "b.ckpt", reference=False)
    looked_at(qtbot, boxes)
    panel = boxes.parts.concordance
    assert panel.isVisible()
    assert cell(boxes, 0, 1) == cell(boxes, 1, 0) == "0.444"  # 2 x 24 / (72 + 36)
    assert cell(boxes, 0, 0) == ""
    colour = cell(boxes, 0, 1, Qt.ItemDataRole.BackgroundRole)
    assert isinstance(colour, QColor)
    assert colour.isValid()
    assert "Dice of 2 masks" in panel.words.text()
    assert "All mark 24 voxels, only some 60" in panel.words.text()
    qtbot.mouseClick(panel.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "Dice\ta.ckpt\tb.ckpt\na.ckpt\t\t0.444\nb.ckpt\t0.444\t"


def test_it_follows_columns_and_thresholds_and_is_quiet_for_one(qtbot: QtBot, boxes: MainWindow) -> None:  # noqa: F811
    opened(qtbot, boxes, "a.ckpt", "b.ckpt")
    looked_at(qtbot, boxes)
    boxes.add_reference_column()
    settle(qtbot, boxes)
    assert [cell(boxes, 2, 0), cell(boxes, 2, 1)] == ["0.727", "0.750"]  # 96 / 132, 72 / 96
    boxes.store.set_threshold(FIRST, 0.95)
    settle(qtbot, boxes)
    assert cell(boxes, 0, 1) == "0.000"
    boxes.store.remove_column("column 3")
    boxes.store.remove_column(SECOND)
    settle(qtbot, boxes)
    panel = boxes.parts.concordance
    assert panel.table.isHidden()
    assert "Two columns" in panel.words.text()
    assert not boxes.actions_by_id["view.concordance"].isEnabled()
