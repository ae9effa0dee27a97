"""The command palette by the keyboard, and the search behind it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.command_palette import CommandPalette, Entry, found_in, palette_entries
from app.fuzzy import score
from app.window import MainWindow
from tests.gui.test_keymap import front
from tests.gui.test_window import open_pair, settle


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("inv", "Invert black and white"),
        ("nxt slice", "Next slice"),
        ("BLACK", "Invert black and white"),
        ("데", "데이터"),
    ],
)
def test_letters_in_their_order_are_found(typed: str, title: str) -> None:
    assert score(typed, title) is not None


@pytest.mark.parametrize(("typed", "title"), [("vni", "Invert"), ("xyz", "Invert"), ("nex invert", "Invert")])
def test_other_letters_or_another_order_are_not(typed: str, title: str) -> None:
    assert score(typed, title) is None


def test_beginnings_of_words_and_letters_that_follow_each_other_count_more() -> None:
    best = score("wl", "Window level")
    scattered = score("wl", "Show all")
    assert best is not None
    assert scattered is None or best > scattered
    whole, parted = score("slab", "Slab of slices"), score("slab", "Save label")
    assert whole is not None
    assert parted is None or whole > parted


def test_what_cannot_be_done_now_comes_last() -> None:
    entries = [
        Entry(title="Slab", kind="View", call=lambda: None, enabled=False),
        Entry(title="A slab of something", kind="View", call=lambda: None),
    ]
    assert [entry.title for entry in found_in(entries, "slab")] == ["A slab of something", "Slab"]


def open_palette(qtbot: QtBot, window: MainWindow) -> CommandPalette:
    front(qtbot, window)
    qtbot.keyClick(window.parts.view, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    shown = window.findChild(CommandPalette)
    shown.activateWindow()
    qtbot.waitUntil(shown.isActiveWindow)
    return shown


def titles(palette: CommandPalette) -> list[str]:
    return [palette.model.index(row, 0).data() for row in range(palette.model.rowCount())]


def test_a_command_is_found_and_given_without_the_mouse(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    palette = open_palette(qtbot, window)
    assert palette.line.hasFocus()
    qtbot.keyClicks(palette.line, "opaque")
    assert titles(palette) == ["Overlay less opaque", "Overlay more opaque"]
    before = window.store.overlay.opacity
    qtbot.keyClick(palette.line, Qt.Key.Key_Down)
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert window.store.overlay.opacity == pytest.approx(before + 0.1)
    qtbot.waitUntil(lambda: window.findChild(CommandPalette) is None)


def test_escape_leaves_and_does_nothing(qtbot: QtBot, window: MainWindow) -> None:
    palette = open_palette(qtbot, window)
    qtbot.keyClick(palette.line, Qt.Key.Key_Escape)
    assert not palette.isVisible()


def test_cases_and_checkpoints_are_found_too(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    window.open(["/data/02.png"])
    settle(qtbot, window)
    assert window.store.active_case == "/data/02.png"
    palette = open_palette(qtbot, window)
    qtbot.keyClicks(palette.line, "01.png")
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert window.store.active_case == "/data/01.png"
    kinds = {entry.title: entry.kind for entry in palette_entries(window)}
    assert kinds["best.ckpt"] == "Checkpoint"
    settle(qtbot, window)


def test_what_cannot_be_done_is_listed_but_not_done(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    palette = open_palette(qtbot, window)
    qtbot.keyClicks(palette.line, "lightbox")
    entry = palette.model.index(0, 0).data(Qt.ItemDataRole.UserRole)
    assert (entry.title, entry.enabled) == ("Lightbox of a volume", False)
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.isVisible()
    assert window.store.volume.layout == 1


def test_it_shows_the_edited_keys_and_what_the_presets_are_called(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    window.keymap.set_key("view.invert", "Ctrl+I")
    known = {entry.title: entry for entry in palette_entries(window)}
    assert known["Invert black and white"].key == "Ctrl+I"
    assert known["Window: Full range"].key == "1"
    assert "Command palette" not in known


def test_nothing_found_says_so(qtbot: QtBot, window: MainWindow) -> None:
    palette = open_palette(qtbot, window)
    qtbot.keyClicks(palette.line, "zzz")
    assert palette.nothing.isVisible()
    qtbot.keyClick(palette.line, Qt.Key.Key_Down)
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.isVisible()
