"""Keys that a person can change: where they are kept, who has one, and what the window makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.actions import COMMANDS, MOUSE, shortcut_lines
from app.dialogs import ShortcutsDialog
from app.keymap import Keymap
from app.panels.widgets.text import PlainLabel
from app.settings import Settings
from app.shortcut_editor import ShortcutEditor, key_of
from app.window import MainWindow
from tests.gui.test_window import open_pair, settle

CONVENTIONS = {
    "view.next-slice": "Up",
    "view.previous-slice": "Down",
    "view.ten-slices-on": "PgUp",
    "view.ten-slices-back": "PgDown",
    "run.previous-case": "Left",
    "run.next-case": "Right",
    "view.overlay": "S",
    "view.bare": "Space",
    "view.less-opaque": "A",
    "view.more-opaque": "D",
    "view.outline": "O",
    "view.previous-checkpoint": "[",
    "view.next-checkpoint": "]",
    "view.reset": "R",
    "view.invert": "I",
    "view.cine": "C",
    **{f"view.preset-{number}": str(number) for number in range(1, 6)},
    "help.shortcuts": "?",
    "help.palette": "Ctrl+K",
}
"""The table at the end of the issue."""


@pytest.fixture
def keymap(qtbot: QtBot, tmp_path: Path) -> Keymap:
    return Keymap(COMMANDS, Settings(tmp_path / "settings.ini"))


def front(qtbot: QtBot, window: MainWindow) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.parts.view.setFocus()


def test_the_keys_from_the_start_are_those_of_the_conventions(keymap: Keymap) -> None:
    assert {command: keymap.key(command) for command in CONVENTIONS} == CONVENTIONS


def test_a_changed_key_is_kept_for_the_next_session_and_only_the_changes_are_stored(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.ini")
    first = Keymap(COMMANDS, settings)
    first.set_key("view.invert", "Ctrl+,")
    first.set_key("view.cine", "")
    settings.sync()
    again = Keymap(COMMANDS, Settings(tmp_path / "settings.ini"))
    assert (again.key("view.invert"), again.key("view.cine"), again.key("view.reset")) == ("Ctrl+,", "", "R")
    assert set(Settings(tmp_path / "settings.ini").keys()) == {"view.invert", "view.cine"}
    again.set_key("view.invert", "I")
    assert set(Settings(tmp_path / "settings.ini").keys()) == {"view.cine"}, "back at its own key, nothing is stored"


def test_what_another_program_wrote_into_the_settings_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "settings.ini"
    path.write_text("[keys]\nview.invert=Nonsense+\nno.such-command=X\nview.cine=ctrl+p\n", encoding="utf-8")
    keymap = Keymap(COMMANDS, Settings(path))
    assert keymap.key("view.invert") == "I"
    assert keymap.key("view.cine") == "Ctrl+P"


def test_a_key_has_one_command(keymap: Keymap) -> None:
    keymap.set_key("view.invert", "R")
    assert keymap.key("view.reset") == ""
    assert [command.id for command in keymap.holders("R")] == ["view.invert"]
    keymap.reset("view.reset")
    assert (keymap.key("view.reset"), keymap.key("view.invert")) == ("R", "")
    keymap.reset_all()
    assert all(keymap.key(command.id) == keymap.usual(command.id) for command in keymap.commands)


def test_a_held_key_takes_no_modifier(keymap: Keymap) -> None:
    held = next(command for command in keymap.commands if command.held)
    assert keymap.problem(held, "Ctrl+B")
    assert not keymap.problem(held, "B")
    assert not keymap.problem(held, "")


def test_the_list_shows_the_edited_keys_and_the_mouse(keymap: Keymap) -> None:
    keymap.set_key("view.invert", "Ctrl+I")
    lines = shortcut_lines(keymap)
    assert ("Ctrl+I", "Invert black and white") in lines
    assert lines[-len(MOUSE) :] == list(MOUSE)


@pytest.mark.parametrize(
    ("key", "modifiers", "text", "written"),
    [
        (Qt.Key.Key_Question, Qt.KeyboardModifier.ShiftModifier, "?", "?"),
        (Qt.Key.Key_A, Qt.KeyboardModifier.ShiftModifier, "A", "Shift+A"),
        (Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier, "\x0b", "Ctrl+K"),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier, "", "Shift+Left"),
        (Qt.Key.Key_Control, Qt.KeyboardModifier.ControlModifier, "", ""),
        (Qt.Key.Key_5, Qt.KeyboardModifier.KeypadModifier, "5", "5"),
    ],
)
def test_what_is_pressed_is_written_as_people_write_it(
    key: Qt.Key, modifiers: Qt.KeyboardModifier, text: str, written: str
) -> None:
    assert key_of(QKeyEvent(QKeyEvent.Type.KeyPress, key, modifiers, text)) == written


# ---- the editor ----


@pytest.fixture
def editor(qtbot: QtBot, window: MainWindow) -> ShortcutEditor:
    window.edit_shortcuts()
    shown = window.findChild(ShortcutEditor)
    qtbot.waitExposed(shown)
    return shown


def choose(editor: ShortcutEditor, title: str) -> None:
    found = editor.table.findItems(title, Qt.MatchFlag.MatchExactly)
    assert len(found) == 1
    editor.table.scrollToItem(found[0])
    where = editor.table.visualItemRect(found[0])
    x = editor.table.header().sectionViewportPosition(2) + 4
    QApplication.processEvents()
    QTest.mouseClick(editor.table.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, where.center().y()))


def test_a_click_on_a_key_records_the_next_one_that_is_pressed(
    qtbot: QtBot, window: MainWindow, editor: ShortcutEditor
) -> None:
    editor.activateWindow()
    qtbot.waitUntil(editor.isActiveWindow)
    choose(editor, "Invert black and white")
    assert editor.recorder.hasFocus()
    qtbot.keyClick(editor.recorder, Qt.Key.Key_Y)
    assert window.keymap.key("view.invert") == "Y"
    assert window.actions_by_id["view.invert"].shortcut().toString() == "Y"
    assert editor.recorder.text() == "Y"


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, Qt.Key.Key_Tab, Qt.Key.Key_Return])
def test_keys_that_dialogs_use_themselves_can_be_recorded(
    qtbot: QtBot, window: MainWindow, editor: ShortcutEditor, key: Qt.Key
) -> None:
    window.keymap.set_key("run.cancel", "")
    choose(editor, "Invert black and white")
    qtbot.keyClick(editor.recorder, key)
    assert window.keymap.key("view.invert") == key.name.removeprefix("Key_").replace("Escape", "Esc")
    assert editor.isVisible()


def test_a_key_that_another_command_has_is_only_taken_when_that_is_confirmed(
    qtbot: QtBot, window: MainWindow, editor: ShortcutEditor
) -> None:
    choose(editor, "Invert black and white")
    qtbot.keyClick(editor.recorder, Qt.Key.Key_R)
    assert window.keymap.key("view.invert") == "I"
    assert "Reset pan, zoom and window" in editor.clash.text()
    editor.leave.click()
    assert not editor.take.isVisible()
    choose(editor, "Invert black and white")
    qtbot.keyClick(editor.recorder, Qt.Key.Key_R)
    editor.take.click()
    assert (window.keymap.key("view.invert"), window.keymap.key("view.reset")) == ("R", "")
    assert window.actions_by_id["view.reset"].shortcut().isEmpty()


def test_one_or_all_keys_go_back(window: MainWindow, editor: ShortcutEditor) -> None:
    choose(editor, "Invert black and white")
    editor.none.click()
    assert window.keymap.key("view.invert") == ""
    editor.reset.click()
    assert window.keymap.key("view.invert") == "I"
    window.keymap.set_key("view.cine", "Ctrl+P")
    editor.reset_all.click()
    assert window.keymap.key("view.cine") == "C"


def test_the_search_finds_commands_and_keys(editor: ShortcutEditor) -> None:
    editor.search.setText("space")
    seen = [item.text(0) for item in editor._items() if not item.isHidden()]
    assert seen == ["The image only, while held"]
    assert editor.title.text() == seen[0], "what is edited is something that is seen"


# ---- in the window ----


def test_another_held_key_shows_the_bare_image(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    front(qtbot, window)
    window.keymap.set_key("view.bare", "B")
    qtbot.keyPress(window.parts.view, Qt.Key.Key_Space)
    assert not window.parts.view._scene.bare
    qtbot.keyPress(window.parts.view, Qt.Key.Key_B)
    assert window.parts.view._scene.bare
    qtbot.keyRelease(window.parts.view, Qt.Key.Key_B)
    assert not window.parts.view._scene.bare


def test_the_keys_of_the_overlay(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    front(qtbot, window)
    store, view = window.store, window.parts.view
    opacity, outline = store.overlay.opacity, store.overlay.outline
    qtbot.keyClick(view, Qt.Key.Key_D)
    assert store.overlay.opacity == pytest.approx(opacity + 0.1)
    for _ in range(12):
        qtbot.keyClick(view, Qt.Key.Key_A)
    assert store.overlay.opacity == 0.0
    qtbot.keyClick(view, Qt.Key.Key_O)
    assert store.overlay.outline is not outline
    store.set_overlay(reference_visible=False)
    qtbot.keyClick(view, Qt.Key.Key_S)
    assert not store.overlay.visible
    qtbot.keyClick(view, Qt.Key.Key_S)
    assert store.overlay.visible
    assert not store.overlay.reference_visible, "it comes back as it was"


def test_keys_change_the_window_and_invert_and_reset_brings_it_back(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    front(qtbot, window)
    view = window.parts.view
    offers, before = view.presets(), view.window_level()
    qtbot.keyClick(view, Qt.Key.Key_3)
    assert view.window_level() == (offers[2].low, offers[2].high)
    assert window.parts.bar.presets.currentText() == f"{offers[2].name} (3)"
    qtbot.keyClick(view, Qt.Key.Key_I)
    assert view.inverted()
    qtbot.keyClick(view, Qt.Key.Key_R)
    assert (view.window_level(), view.inverted()) == (before, False)


def test_a_letter_that_is_typed_into_a_field_gives_no_command(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    front(qtbot, window)
    spin = window.parts.bar.spin
    spin.setFocus()
    before = window.parts.view.window_level()
    qtbot.keyClick(spin, Qt.Key.Key_3)
    assert window.parts.view.window_level() == before


def test_brackets_go_through_columns_and_with_one_column_through_checkpoints(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    window.open(["/data/second.ckpt"], "library")
    settle(qtbot, window)
    front(qtbot, window)

    def shown() -> list[str]:
        return [column.checkpoint for column in window.store.columns.values()]

    assert shown() == ["/data/best.ckpt"]
    for expected in ("/data/second.ckpt", "/data/best.ckpt"):
        qtbot.keyClick(window.parts.view, Qt.Key.Key_BracketRight)
        settle(qtbot, window)
        assert shown() == [expected]
    runs = len(window.parts.view.keys())
    assert runs == 1
    window.store.add_column("/data/second.ckpt")
    settle(qtbot, window)
    first, second = window.store.columns
    assert window.store.active_column == second
    qtbot.keyClick(window.parts.view, Qt.Key.Key_BracketLeft)
    assert window.store.active_column == first
    assert shown() == ["/data/best.ckpt", "/data/second.ckpt"]


def test_the_question_mark_lists_all_keys_and_leads_to_the_editor(qtbot: QtBot, window: MainWindow) -> None:
    window.keymap.set_key("view.invert", "Ctrl+I")
    front(qtbot, window)
    qtbot.keyClick(window.parts.view, Qt.Key.Key_Question)
    shown = window.findChild(ShortcutsDialog)
    assert "Ctrl+I" in [label.text() for label in shown.findChildren(PlainLabel)]
    shown.change.click()
    assert window.findChild(ShortcutEditor).isVisible()
