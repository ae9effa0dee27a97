"""One command as data, and the conditions under which commands can be given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from app.window import MainWindow

SEPARATOR = "-"
SUBMENU = "|"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """`id` starts with its menu; `call` gets the window. `enabled` is asked whenever the store changes.

    `menu` may name a submenu behind a bar (`&View|&Slices`). `shortcut` is the key that it has from the start: what a
    person made of it is in the `Keymap`. `where`: everywhere in the window, or only while the pictures have the focus,
    for keys that lists and sliders need themselves. `held`: it lasts while its key is held, and is in no menu.
    `repeats`: again and again while the key is held. `words`: the title when it depends on what is open.
    """

    id: str
    menu: str
    title: str
    call: Callable[[MainWindow], object]
    shortcut: str = ""
    enabled: Callable[[MainWindow], bool] = lambda window: True
    where: Literal["window", "pictures"] = "window"
    held: bool = False
    repeats: bool = False
    words: Callable[[MainWindow], str] | None = None

    @property
    def plain_title(self) -> str:
        """Without the marks of a menu: `Open files`."""
        return plain(self.title)


def plain(title: str) -> str:
    return title.replace("&", "").rstrip("\N{HORIZONTAL ELLIPSIS}")


def separator(menu: str, after: str) -> Command:
    return Command(id=f"{after}.separator", menu=menu, title=SEPARATOR, call=lambda window: None)


def has_column(window: MainWindow) -> bool:
    return window.store.active_column is not None


def has_result(window: MainWindow) -> bool:
    column = window.store.active_column
    return column is not None and window.store.run_state(column).state == "result"


def has_case(window: MainWindow) -> bool:
    return window.store.case is not None


def has_volume(window: MainWindow) -> bool:
    return window.store.case is not None and window.parts.view.is_volume()


def has_frames(window: MainWindow) -> bool:
    case = window.store.case
    return case is not None and case.image.frames > 1


def can_play(window: MainWindow) -> bool:
    """There is something to go through: slices or frames."""
    return has_volume(window) or has_frames(window)


def has_cases(window: MainWindow) -> bool:
    return len(window.store.cases) > 1
