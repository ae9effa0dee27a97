"""The commands of the columns: add them, move them, link them, hold one against another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.commands.command import Command, has_case, has_column
from app.items import FASTEST, LINK_NAMES, LINKS, ROW_MODES, ROW_NAMES, SLOWEST

if TYPE_CHECKING:
    from app.window import MainWindow


def has_run(window: MainWindow) -> bool:
    """The active column is a checkpoint's: labels are not run."""
    column = window.store.columns.get(window.store.active_column or "")
    return column is not None and column.kind == "checkpoint"


def can_add_reference(window: MainWindow) -> bool:
    """Once is enough."""
    return has_case(window) and all(column.kind != "reference" for column in window.store.columns.values())


def can_move(window: MainWindow, by: int) -> bool:
    """The active column has a neighbour on that side."""
    order, active = list(window.store.columns), window.store.active_column
    return active in order and 0 <= order.index(active) + by < len(order)


def has_columns(window: MainWindow) -> bool:
    return len(window.store.columns) > 1


ROWS = tuple(
    Command(
        id=f"view.rows-{mode}",
        menu="&View|&Rows",
        title=f"Rows: {ROW_NAMES[mode].lower()}",
        call=lambda window, mode=mode: window.store.set_rows(mode=mode),
        enabled=has_case,
    )
    for mode in ROW_MODES
)

LINKED = tuple(
    Command(
        id=f"view.link-{link}",
        menu="&View|Lin&ked",
        title=f"Link {LINK_NAMES[link].lower()}",
        call=lambda window, link=link: window.store.set_link(link, link not in window.store.links),
        enabled=has_columns,
        words=lambda window, link=link: (
            f"{'Unlink' if link in window.store.links else 'Link'} {LINK_NAMES[link].lower()}"
        ),
    )
    for link in LINKS
)

COMPARED = (
    *(
        Command(
            id=f"view.{mode}",
            menu="&View|Co&mpare two columns",
            title=title,
            shortcut=key,
            call=lambda window, mode=mode: _toggle(window, mode),
            enabled=has_columns,
            words=lambda window, mode=mode, title=title: (
                "&Side by side again" if window.store.comparison.mode == mode else title
            ),
        )
        for mode, title, key in (("swipe", "S&wipe", "W"), ("blink", "&Blink", "Shift+B"))
    ),
    Command(
        id="view.next-other",
        menu="&View|Co&mpare two columns",
        title="With the &next column",
        shortcut="Shift+N",
        call=lambda window: _with_next(window),
        enabled=has_columns,
    ),
    *(
        Command(
            id=f"view.blink-{word}",
            menu="&View|Co&mpare two columns",
            title=f"Blink {word}",
            call=lambda window, by=by: _change_rate(window, by),
            enabled=lambda window: window.store.comparison.mode == "blink",
            repeats=True,
        )
        for word, by in (("faster", 0.5), ("slower", -0.5))
    ),
    Command(
        id="view.concordance",
        menu="&View|Co&mpare two columns",
        title="C&oncordance of all columns",
        call=lambda window: window.show_concordance(),
        enabled=has_columns,
    ),
    Command(
        id="view.other",
        menu="&View",
        title="The other column's result, while held",
        shortcut="B",
        call=lambda window: None,
        held=True,
    ),
)


def _toggle(window: MainWindow, mode: str) -> None:
    window.store.set_comparison(mode="off" if window.store.comparison.mode == mode else mode)


def _with_next(window: MainWindow) -> None:
    """Hold the active column against the one after the other, round and round."""
    store = window.store
    others = [key for key in store.columns if key != store.active_column]
    now = store.other_column()
    if now is not None:
        store.set_comparison(other=others[(others.index(now) + 1) % len(others)])


def _change_rate(window: MainWindow, by: float) -> None:
    rate = window.store.comparison.per_second + by
    window.store.set_comparison(per_second=min(max(rate, SLOWEST), FASTEST))


COLUMNS = (
    Command(
        id="run.add-reference",
        menu="&Run",
        title="Add column: r&eference",
        call=lambda window: window.add_reference_column(),
        enabled=can_add_reference,
    ),
    Command(
        id="run.open-mask",
        menu="&Run",
        title="Open &mask as column\N{HORIZONTAL ELLIPSIS}",
        call=lambda window: window.ask_mask_column(),
        enabled=has_case,
    ),
    *(
        Command(
            id=f"run.move-column-{side}",
            menu="&Run",
            title=f"Move column {side}",
            shortcut=f"Ctrl+Shift+{side.capitalize()}",
            call=lambda window, by=by: window.move_column(by),
            enabled=lambda window, by=by: can_move(window, by),
        )
        for side, by in (("left", -1), ("right", 1))
    ),
    Command(
        id="run.compare-passports",
        menu="&Run",
        title="Com&pare passports of two checkpoints",
        shortcut="Ctrl+Shift+P",
        call=lambda window: window.compare_passports(),
        enabled=lambda window: window.passports_to_compare() is not None,
    ),
    Command(
        id="run.close-column",
        menu="&Run",
        title="C&lose column",
        shortcut="Ctrl+W",
        call=lambda window: window.close_column(),
        enabled=has_column,
    ),
)
