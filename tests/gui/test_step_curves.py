"""The choice of curves along the steps, with numbers that are known: three kept steps of masks made by hand."""

from __future__ import annotations

import math

import pytest
from PySide6.QtCore import QPointF, Qt
from pytestqt.qtbot import QtBot

from app.window import MainWindow
from tests.gui.test_derived import FIRST, SECOND, boxes, opened  # noqa: F401  a fixture
from tests.gui.test_window import settle


def pick(qtbot: QtBot, window: MainWindow, name: str) -> None:
    """As a person does, by keys."""
    which = window.parts.steps.which
    which.setFocus()
    wanted = which.findData(name)
    while which.currentIndex() != wanted:
        qtbot.keyClick(which, Qt.Key.Key_Down if which.currentIndex() < wanted else Qt.Key.Key_Up)
    settle(qtbot, window)


def drawn(window: MainWindow, key: str = FIRST) -> list[float]:
    return window.parts.steps.curve.shown()[key]


def test_measures_and_what_needs_no_reference_are_drawn_for_all_columns(qtbot: QtBot, boxes: MainWindow) -> None:  # noqa: F811
    opened(qtbot, boxes, "a.ckpt", "b.ckpt")
    pick(qtbot, boxes, "iou")
    assert drawn(boxes) == pytest.approx([0, 36 / 60, 48 / 84])
    assert drawn(boxes, SECOND) == pytest.approx([0, 36 / 60, 36 / 60])
    pick(qtbot, boxes, "open")
    assert drawn(boxes) == pytest.approx([72 / 600, 36 / 600, 0])
    pick(qtbot, boxes, "changed")
    assert math.isnan(drawn(boxes)[0])
    assert drawn(boxes)[1:] == pytest.approx([36 / 600, 36 / 600])
    pick(qtbot, boxes, "calls")
    assert drawn(boxes) == [1, 2, 3]
    top = boxes.parts.steps.curve.plot.getPlotItem().vb.viewRange()[1][1]
    assert 3 <= top < 4


def test_a_curve_without_a_reference_says_so(qtbot: QtBot, boxes: MainWindow) -> None:  # noqa: F811
    opened(qtbot, boxes, "a.ckpt", reference=False)
    pick(qtbot, boxes, "recall")
    curve = boxes.parts.steps.curve
    assert curve.currentWidget() is curve.reason
    assert curve.reason.text() == "Recall along the steps needs a reference."
    pick(qtbot, boxes, "open")
    assert drawn(boxes)[0] == pytest.approx(72 / 600)


def test_a_click_on_any_curve_goes_to_its_step(qtbot: QtBot, boxes: MainWindow) -> None:  # noqa: F811
    opened(qtbot, boxes, "a.ckpt")
    pick(qtbot, boxes, "calls")
    plot = boxes.parts.steps.curve.plot
    where = plot.mapFromScene(plot.getPlotItem().vb.mapViewToScene(QPointF(0.52, 1.5)))
    qtbot.mousePress(plot.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert boxes.store.step == 1
    assert boxes.parts.view.column(FIRST).shown_t() == 0.5
