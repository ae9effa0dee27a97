"""Hands and keys on the whole window: who gets them, and what stands under the pointer."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.status import hover_text
from app.window import MainWindow
from tests.gui.test_window import open_pair


def test_space_shows_the_bare_image_wherever_the_focus_is(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    for part in (window.parts.library.cases, window.parts.steps.slider):
        part.setFocus()
        assert QApplication.focusWidget() is part
        qtbot.keyPress(part, Qt.Key.Key_Space)
        assert window.parts.view._scene.bare
        qtbot.keyRelease(part, Qt.Key.Key_Space)
        assert not window.parts.view._scene.bare


def test_a_clicked_box_does_not_take_space_for_itself(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    window.activateWindow()
    window.parts.view.setFocus()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is window.parts.view)
    qtbot.mouseClick(
        window.parts.bar.fill, Qt.MouseButton.LeftButton, pos=QPoint(8, window.parts.bar.fill.height() // 2)
    )
    assert not window.parts.bar.fill.isChecked()
    focused = QApplication.focusWidget()
    qtbot.keyPress(focused, Qt.Key.Key_Space)
    assert window.parts.view._scene.bare
    qtbot.keyRelease(focused, Qt.Key.Key_Space)
    assert not window.parts.bar.fill.isChecked()


def test_probabilities_of_several_columns_stand_in_their_order(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    shown = window.parts.view.info_at(10, 20)
    assert shown is not None
    text = hover_text(replace(shown, probability={"b": 0.25}), {"a": "one.ckpt", "b": "two.ckpt"}, 1)
    assert text.endswith("columns from the left: p = \N{EN DASH} | 0.25")
