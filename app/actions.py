"""Every command once, as data: id, title, shortcut, what it calls. The menus and the list of shortcuts come from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence

from app.items import CONVENTIONS, LAYOUTS, PROJECTIONS, VIEW_NAMES, VIEWS

if TYPE_CHECKING:
    from app.window import MainWindow

MENUS = ("&File", "&Run", "&View", "&Help")
SEPARATOR = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """`id` starts with its menu; `call` gets the window. `enabled` is asked whenever the store changes."""

    id: str
    menu: str
    title: str
    call: Callable[[MainWindow], object]
    shortcut: str = ""
    enabled: Callable[[MainWindow], bool] = lambda window: True


def _has_column(window: MainWindow) -> bool:
    return window.store.active_column is not None


def _has_run(window: MainWindow) -> bool:
    """The active column is a checkpoint's: labels are not run."""
    column = window.store.columns.get(window.store.active_column or "")
    return column is not None and column.kind == "checkpoint"


def _has_result(window: MainWindow) -> bool:
    column = window.store.active_column
    return column is not None and window.store.run_state(column).state == "result"


def _has_case(window: MainWindow) -> bool:
    return window.store.case is not None


def _can_add_reference(window: MainWindow) -> bool:
    """Once is enough."""
    return _has_case(window) and all(column.kind != "reference" for column in window.store.columns.values())


def _can_move(window: MainWindow, by: int) -> bool:
    """The active column has a neighbour on that side."""
    order, active = list(window.store.columns), window.store.active_column
    return active in order and 0 <= order.index(active) + by < len(order)


def _has_volume(window: MainWindow) -> bool:
    return window.store.case is not None and window.parts.view.is_volume()


def _next(values: tuple[str, ...], now: str) -> str:
    """The value after `now`, round and round."""
    return values[(values.index(now) + 1) % len(values)]


def _busy(window: MainWindow) -> bool:
    return window.store.outcomes.busy or window.effects.busy or window.models.busy


def _separator(menu: str, after: str) -> Command:
    return Command(id=f"{after}.separator", menu=menu, title=SEPARATOR, call=lambda window: None)


COMMANDS: tuple[Command, ...] = (
    Command(
        id="file.open",
        menu="&File",
        title="&Open files\N{HORIZONTAL ELLIPSIS}",
        shortcut="Ctrl+O",
        call=lambda window: window.ask_files(),
    ),
    Command(
        id="file.open-folder",
        menu="&File",
        title="Open &folder\N{HORIZONTAL ELLIPSIS}",
        shortcut="Ctrl+Shift+O",
        call=lambda window: window.ask_folder(),
    ),
    Command(
        id="file.demo",
        menu="&File",
        title="Open the &demo",
        call=lambda window: window.open_demo(),
        enabled=lambda window: window.has_demo,
    ),
    _separator("&File", "file.demo"),
    Command(
        id="file.save-result",
        menu="&File",
        title="&Save result\N{HORIZONTAL ELLIPSIS}",
        shortcut="Ctrl+S",
        call=lambda window: window.ask_result_folder(),
        enabled=_has_result,
    ),
    *(
        Command(
            id=f"file.picture-{scale}x",
            menu="&File",
            title=f"Save picture of the view, &{scale}x\N{HORIZONTAL ELLIPSIS}",
            shortcut=f"Ctrl+Shift+{scale}",
            call=lambda window, scale=scale: window.ask_picture_file(scale),
            enabled=_has_case,
        )
        for scale in (1, 2, 4)
    ),
    Command(
        id="file.copy-picture",
        menu="&File",
        title="&Copy picture of the view",
        shortcut="Ctrl+Shift+C",
        call=lambda window: window.copy_picture(),
        enabled=_has_case,
    ),
    _separator("&File", "file.copy-picture"),
    Command(id="file.quit", menu="&File", title="&Quit", shortcut="Ctrl+Q", call=lambda window: window.close()),
    Command(
        id="run.again",
        menu="&Run",
        title="&Run",
        shortcut="Ctrl+R",
        call=lambda window: window.run_active(),
        enabled=_has_run,
    ),
    Command(
        id="run.cancel",
        menu="&Run",
        title="&Cancel all runs",
        shortcut="Esc",
        call=lambda window: window.cancel_all(),
        enabled=_busy,
    ),
    Command(
        id="run.copy-command",
        menu="&Run",
        title="Copy run as c&ommand",
        shortcut="Ctrl+Alt+C",
        call=lambda window: window.copy_command(),
        enabled=_has_run,
    ),
    _separator("&Run", "run.copy-command"),
    Command(
        id="run.previous-case",
        menu="&Run",
        title="&Previous case",
        shortcut="PgUp",
        call=lambda window: window.step_case(-1),
        enabled=lambda window: len(window.store.cases) > 1,
    ),
    Command(
        id="run.next-case",
        menu="&Run",
        title="&Next case",
        shortcut="PgDown",
        call=lambda window: window.step_case(1),
        enabled=lambda window: len(window.store.cases) > 1,
    ),
    Command(
        id="run.add-reference",
        menu="&Run",
        title="Add column: r&eference",
        call=lambda window: window.add_reference_column(),
        enabled=_can_add_reference,
    ),
    Command(
        id="run.open-mask",
        menu="&Run",
        title="Open &mask as column\N{HORIZONTAL ELLIPSIS}",
        call=lambda window: window.ask_mask_column(),
        enabled=_has_case,
    ),
    *(
        Command(
            id=f"run.move-column-{side}",
            menu="&Run",
            title=f"Move column {side}",
            shortcut=f"Ctrl+Shift+{side.capitalize()}",
            call=lambda window, by=by: window.move_column(by),
            enabled=lambda window, by=by: _can_move(window, by),
        )
        for side, by in (("left", -1), ("right", 1))
    ),
    Command(
        id="run.close-column",
        menu="&Run",
        title="C&lose column",
        shortcut="Ctrl+W",
        call=lambda window: window.close_column(),
        enabled=_has_column,
    ),
    Command(
        id="view.reset",
        menu="&View",
        title="&Reset pan, zoom and window",
        shortcut="Ctrl+0",
        call=lambda window: window.parts.view.reset_view(),
        enabled=_has_case,
    ),
    Command(
        id="view.mask",
        menu="&View",
        title="Show or hide the &masks",
        shortcut="M",
        call=lambda window: window.toggle_overlay("visible"),
        enabled=_has_case,
    ),
    Command(
        id="view.reference",
        menu="&View",
        title="Show or hide the r&eference",
        shortcut="G",
        call=lambda window: window.toggle_overlay("reference_visible"),
        enabled=_has_case,
    ),
    Command(
        id="view.own-threshold",
        menu="&View",
        title="The checkpoint's &own threshold",
        shortcut="T",
        call=lambda window: window.reset_threshold(),
        enabled=_has_run,
    ),
    Command(
        id="view.previous-step",
        menu="&View",
        title="&Previous step",
        shortcut="Ctrl+Left",
        call=lambda window: window.move_step(-1),
        enabled=_has_result,
    ),
    Command(
        id="view.next-step",
        menu="&View",
        title="&Next step",
        shortcut="Ctrl+Right",
        call=lambda window: window.move_step(1),
        enabled=_has_result,
    ),
    Command(
        id="view.film",
        menu="&View",
        title="What &conditions it (FiLM)",
        shortcut="Ctrl+Shift+F",
        call=lambda window: window.show_film(),
    ),
    Command(
        id="view.final",
        menu="&View",
        title="&Final result",
        shortcut="Ctrl+End",
        call=lambda window: window.parts.steps.choose(None),
        enabled=_has_result,
    ),
    _separator("&View", "view.final"),
    *(
        Command(
            id=f"view.layout-{count}",
            menu="&View",
            title=f"&{count} view{'s' if count > 1 else ''} of a volume",
            shortcut=f"Alt+{count}",
            call=lambda window, count=count: window.store.set_volume(layout=count),
            enabled=_has_volume,
        )
        for count in LAYOUTS
    ),
    *(
        Command(
            id=f"view.plane-{view}",
            menu="&View",
            title=f"Plane: {VIEW_NAMES[view].lower()}",
            shortcut=f"F{number}",
            call=lambda window, view=view: window.store.set_volume(view=view, layout=1),
            enabled=_has_volume,
        )
        for number, view in enumerate(VIEWS, 5)
    ),
    Command(
        id="view.convention",
        menu="&View",
        title="S&wap left and right (radiological, neurological)",
        shortcut="L",
        call=lambda window: window.store.set_volume(convention=_next(CONVENTIONS, window.store.volume.convention)),
        enabled=_has_case,
    ),
    Command(
        id="view.slab",
        menu="&View",
        title="S&lab: off, maximum, minimum, mean",
        shortcut="P",
        call=lambda window: window.store.set_volume(projection=_next(PROJECTIONS, window.store.volume.projection)),
        enabled=_has_volume,
    ),
    _separator("&View", "view.slab"),
    *(
        Command(
            id=f"view.theme-{choice}",
            menu="&View",
            title=f"Theme: {choice}",
            call=lambda window, choice=choice: window.choose_theme(choice),
        )
        for choice in ("system", "light", "dark")
    ),
    Command(
        id="help.shortcuts",
        menu="&Help",
        title="&Shortcuts",
        shortcut="F1",
        call=lambda window: window.show_shortcuts(),
    ),
    Command(id="help.about", menu="&Help", title="&About Flowglass", call=lambda window: window.show_about()),
)

MOUSE = (
    ("Wheel", "Zoom at the pointer; in a volume, the next slice (Ctrl + wheel zooms)"),
    ("Left drag", "Move the picture; in a volume, the crosshair (middle drag moves the picture)"),
    ("Shift + move", "The crosshair of a volume follows, and all views with it"),
    ("Up, Down", "Next and previous slice of a volume (in the pictures)"),
    ("PgUp, PgDown", "Ten slices of a volume (in the pictures)"),
    ("Left, Right", "Previous and next case (in the pictures)"),
    ("Right drag", "Window and level"),
    ("Double click", "One view of one column alone, or all of them again"),
    ("Drag the head", "Put a column in another place"),
    ("Hold Space", "The bare image"),
    ("R", "Reset pan, zoom and window (in the pictures)"),
)


def make_actions(window: MainWindow) -> dict[str, QAction]:
    """A QAction for each command, in the menu it names. Returns them by id."""
    menus = {title: window.menuBar().addMenu(title) for title in MENUS}
    made = {}
    for command in COMMANDS:
        if command.title == SEPARATOR:
            menus[command.menu].addSeparator()
            continue
        action = QAction(command.title, window)
        action.setShortcut(QKeySequence(command.shortcut))
        action.triggered.connect(lambda _=False, command=command: command.call(window))
        menus[command.menu].addAction(action)
        made[command.id] = action
    return made


def refresh_actions(window: MainWindow, actions: dict[str, QAction]) -> None:
    for command in COMMANDS:
        if command.id in actions:
            actions[command.id].setEnabled(command.enabled(window))


def shortcut_lines() -> list[tuple[str, str]]:
    """Key and what it does, of everything that has one."""
    keys = [(command.shortcut, command.title) for command in COMMANDS if command.shortcut]
    plain = [(key, title.replace("&", "").rstrip("\N{HORIZONTAL ELLIPSIS}")) for key, title in keys]
    return [*plain, *MOUSE]
