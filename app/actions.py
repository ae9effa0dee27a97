"""Every command once, as data: id, title, shortcut, what it calls. The menus and the list of shortcuts come from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

from app.commands.command import (
    SEPARATOR,
    SUBMENU,
    Command,
    has_case,
    has_result,
    has_volume,
    separator,
)
from app.commands.comparing import COLUMNS, COMPARED, LINKED, ROWS, has_run
from app.commands.looking import CASES, LOOKING, QUANTITIES
from app.commands.topology import TOPOLOGY
from app.items import CONVENTIONS, LAYOUT_NAMES, LAYOUTS, PROJECTIONS, VIEW_NAMES, VIEWS
from app.keymap import Keymap, native

if TYPE_CHECKING:
    from app.window import MainWindow

MENUS = ("&File", "&Run", "&View", "&Help")


def _next(values: tuple[str, ...], now: str) -> str:
    """The value after `now`, round and round."""
    return values[(values.index(now) + 1) % len(values)]


def _busy(window: MainWindow) -> bool:
    own = (window.effects, window.models, window.rows, window.dial, window.maps, window.topology, window.animations)
    return window.store.outcomes.busy or any(part.busy for part in own)


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
    separator("&File", "file.demo"),
    Command(
        id="file.save-result",
        menu="&File",
        title="&Save result\N{HORIZONTAL ELLIPSIS}",
        shortcut="Ctrl+S",
        call=lambda window: window.ask_result_folder(),
        enabled=has_result,
    ),
    *(
        Command(
            id=f"file.picture-{scale}x",
            menu="&File",
            title=f"Save picture of the view, &{scale}x\N{HORIZONTAL ELLIPSIS}",
            shortcut=f"Ctrl+Shift+{scale}",
            call=lambda window, scale=scale: window.ask_picture_file(scale),
            enabled=has_case,
        )
        for scale in (1, 2, 4)
    ),
    Command(
        id="file.copy-picture",
        menu="&File",
        title="&Copy picture of the view",
        shortcut="Ctrl+Shift+C",
        call=lambda window: window.copy_picture(),
        enabled=has_case,
    ),
    Command(
        id="file.animation",
        menu="&File",
        title="Save a&nimation of the steps\N{HORIZONTAL ELLIPSIS}",
        shortcut="Ctrl+Shift+A",
        call=lambda window: window.ask_animation(),
        enabled=lambda window: bool(window.animations.shown()),
    ),
    separator("&File", "file.copy-picture"),
    Command(id="file.quit", menu="&File", title="&Quit", shortcut="Ctrl+Q", call=lambda window: window.close()),
    Command(
        id="run.again",
        menu="&Run",
        title="&Run",
        shortcut="Ctrl+R",
        call=lambda window: window.run_active(),
        enabled=has_run,
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
        id="run.keep-on-disk",
        menu="&Run",
        title="&Keep results on disk",
        call=lambda window: window.toggle_kept_results(),
        words=lambda window: f"{'Do not k' if window.settings.keep_results else 'K'}eep results on disk",
    ),
    Command(
        id="run.forget-disk",
        menu="&Run",
        title="Remove results &from disk",
        call=lambda window: window.forget_kept_results(),
    ),
    Command(
        id="run.copy-command",
        menu="&Run",
        title="Copy run as c&ommand",
        shortcut="Ctrl+Alt+C",
        call=lambda window: window.copy_command(),
        enabled=has_run,
    ),
    separator("&Run", "run.copy-command"),
    *CASES,
    *COLUMNS,
    Command(
        id="view.reset",
        menu="&View",
        title="&Reset pan, zoom and window",
        shortcut="R",
        call=lambda window: window.parts.view.reset_view(),
        enabled=has_case,
    ),
    Command(
        id="view.mask",
        menu="&View",
        title="Show or hide the &masks",
        shortcut="M",
        call=lambda window: window.toggle_overlay("visible"),
        enabled=has_case,
    ),
    Command(
        id="view.reference",
        menu="&View",
        title="Show or hide the r&eference",
        shortcut="G",
        call=lambda window: window.toggle_overlay("reference_visible"),
        enabled=has_case,
    ),
    Command(
        id="view.own-threshold",
        menu="&View",
        title="The checkpoint's &own threshold",
        shortcut="T",
        call=lambda window: window.reset_threshold(),
        enabled=has_run,
    ),
    Command(
        id="view.previous-step",
        menu="&View",
        title="&Previous step",
        shortcut="Ctrl+Left",
        call=lambda window: window.move_step(-1),
        enabled=has_result,
        repeats=True,
    ),
    Command(
        id="view.next-step",
        menu="&View",
        title="&Next step",
        shortcut="Ctrl+Right",
        call=lambda window: window.move_step(1),
        enabled=has_result,
        repeats=True,
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
        enabled=has_result,
    ),
    *(
        Command(
            id=f"view.{word}-label",
            menu="&View",
            title=f"{word.capitalize()} &label",
            shortcut=key,
            call=lambda window, by=by: window.labels.step(by),
            enabled=lambda window: bool(window.store.labels),
        )
        for word, key, by in (("previous", ",", -1), ("next", ".", 1))
    ),
    separator("&View", "view.final"),
    *(
        Command(
            id=f"view.layout-{layout}",
            menu="&View",
            title="Li&ghtbox of a volume" if layout == "lightbox" else f"&{LAYOUT_NAMES[layout]} of a volume",
            shortcut=f"Alt+{9 if layout == 'lightbox' else layout}",
            call=lambda window, layout=layout: window.store.set_volume(layout=layout),
            enabled=has_volume,
        )
        for layout in LAYOUTS
    ),
    *(
        Command(
            id=f"view.plane-{view}",
            menu="&View",
            title=f"Plane: {VIEW_NAMES[view].lower()}",
            shortcut=f"F{number}",
            call=lambda window, view=view: window.store.set_volume(view=view, layout=1),
            enabled=has_volume,
        )
        for number, view in enumerate(VIEWS, 5)
    ),
    Command(
        id="view.convention",
        menu="&View",
        title="S&wap left and right (radiological, neurological)",
        shortcut="L",
        call=lambda window: window.store.set_volume(convention=_next(CONVENTIONS, window.store.volume.convention)),
        enabled=has_case,
    ),
    Command(
        id="view.slab",
        menu="&View",
        title="S&lab: off, maximum, minimum, mean",
        shortcut="Shift+P",
        call=lambda window: window.store.set_volume(projection=_next(PROJECTIONS, window.store.volume.projection)),
        enabled=has_volume,
    ),
    Command(
        id="view.three-dimensions",
        menu="&View",
        title="Masks of a volume in &3D",
        shortcut="Ctrl+3",
        call=lambda window: window.show_3d(),
        enabled=has_volume,
    ),
    separator("&View", "view.slab"),
    *LOOKING,
    *QUANTITIES,
    *ROWS,
    *LINKED,
    *COMPARED,
    *TOPOLOGY,
    separator("&View", "view.looking"),
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
        shortcut="?",
        call=lambda window: window.show_shortcuts(),
    ),
    Command(
        id="help.edit-shortcuts",
        menu="&Help",
        title="&Change shortcuts\N{HORIZONTAL ELLIPSIS}",
        call=lambda window: window.edit_shortcuts(),
    ),
    Command(
        id="help.palette",
        menu="&Help",
        title="Command &palette",
        shortcut="Ctrl+K",
        call=lambda window: window.show_palette(),
    ),
    Command(id="help.about", menu="&Help", title="&About Flowglass", call=lambda window: window.show_about()),
)

MOUSE = (
    ("Wheel", "The next slice of a volume; a single picture is zoomed"),
    ("Ctrl + wheel", "The other of the two: zoom a volume; the next frame of a film"),
    ("Left drag", "The crosshair of a volume; a single picture is moved"),
    ("Middle drag", "Move the picture"),
    ("Right drag", "Window and level"),
    ("Ctrl + right drag", "Window and level of what a box encloses"),
    ("Shift + move", "The crosshair of a volume follows, in all views"),
    ("Drag the head", "Put a column in another place"),
    ("Double click", "One view of one column alone, or all of them again; in a lightbox, that slice alone"),
)


def make_actions(window: MainWindow, keymap: Keymap) -> dict[str, QAction]:
    """A QAction for each command, in the menu it names. Returns them by id."""
    menus: dict[str, QMenu] = {}
    for title in MENUS:
        menus[title] = window.menuBar().addMenu(title)
    made = {}
    for command in COMMANDS:
        if command.held:
            continue
        menu = _menu(menus, command.menu)
        if command.title == SEPARATOR:
            menu.addSeparator()
            continue
        made[command.id] = action = QAction(command.title, window)
        action.setAutoRepeat(command.repeats)
        action.triggered.connect(lambda _=False, command=command: command.call(window))
        menu.addAction(action)
        if command.where == "pictures":
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            window.parts.view.addAction(action)
    give_keys(made, keymap)
    return made


def _menu(menus: dict[str, QMenu], title: str) -> QMenu:
    """The menu or submenu of that title; a submenu is made when it is first named."""
    if title not in menus:
        parent, _, own = title.partition(SUBMENU)
        menus[title] = menus[parent].addMenu(own)
    return menus[title]


def give_keys(actions: dict[str, QAction], keymap: Keymap) -> None:
    """The keys that are in force now."""
    for name, action in actions.items():
        action.setShortcut(QKeySequence(keymap.key(name)))


def refresh_actions(window: MainWindow, actions: dict[str, QAction]) -> None:
    for command in COMMANDS:
        if command.id in actions:
            actions[command.id].setEnabled(command.enabled(window))
            if command.words is not None:
                actions[command.id].setText(command.words(window))


def shortcut_lines(keymap: Keymap) -> list[tuple[str, str]]:
    """Key and what it does, of everything that has one; the mouse at the end."""
    keys = ((keymap.key(command.id), command) for command in keymap.commands)
    return [*((native(key), command.plain_title) for key, command in keys if key), *MOUSE]
