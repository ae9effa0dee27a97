"""The commands of the topology lens."""

from __future__ import annotations

from app.commands.command import Command, has_result, separator

MENU = "&View|&Topology of vessels"

TOPOLOGY: tuple[Command, ...] = (
    Command(
        id="view.topology",
        menu=MENU,
        title="&Show what is wrong with the vessels",
        shortcut="Ctrl+Shift+T",
        call=lambda window: window.show_topology(),
    ),
    *(
        Command(
            id=f"view.{word}-item",
            menu=MENU,
            title=f"&{word.capitalize()} break, bridge, branch, island or loop",
            shortcut=key,
            call=lambda window, by=by: window.step_item(by),
            enabled=has_result,
        )
        for word, key, by in (("next", "N", 1), ("previous", "P", -1))
    ),
    separator(MENU, "view.previous-item"),
    Command(
        id="view.item-marks",
        menu=MENU,
        title="&Mark all of them on the pictures, or only the chosen one",
        call=lambda window: window.parts.topology.set_marked(not window.parts.topology.marks.isChecked()),
    ),
)
