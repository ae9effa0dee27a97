"""The commands for looking at pictures: slices and frames, overlay, windows, checkpoints. Their keys are those of a
reading room, see the table of conventions in the README."""

from __future__ import annotations

from app.canvas.quantities import TABLE
from app.commands import doing
from app.commands.command import Command, can_play, has_case, has_cases, has_frames, has_result, separator

WINDOWS, SLICES = "&View|&Window", "&View|Slices and &frames"
PRESET_KEYS = 5

LOOKING: tuple[Command, ...] = (
    Command(
        id="view.overlay",
        menu="&View",
        title="Show or hide the whole o&verlay",
        shortcut="S",
        call=doing.toggle_whole_overlay,
        enabled=has_case,
    ),
    Command(
        id="view.bare",
        menu="&View",
        title="The image only, while held",
        shortcut="Space",
        call=lambda window: None,
        held=True,
    ),
    Command(
        id="view.outline",
        menu="&View",
        title="Outline of the mas&ks",
        shortcut="O",
        call=lambda window: window.toggle_overlay("outline"),
        enabled=has_case,
    ),
    Command(
        id="view.less-opaque",
        menu="&View",
        title="Overlay less opa&que",
        shortcut="A",
        call=lambda window: doing.change_opacity(window, -0.1),
        enabled=has_case,
        repeats=True,
    ),
    Command(
        id="view.more-opaque",
        menu="&View",
        title="Overlay more opaq&ue",
        shortcut="D",
        call=lambda window: doing.change_opacity(window, 0.1),
        enabled=has_case,
        repeats=True,
    ),
    Command(
        id="view.previous-checkpoint",
        menu="&View",
        title="Previous c&heckpoint",
        shortcut="[",
        call=lambda window: doing.step_checkpoint(window, -1),
        enabled=doing.has_other_checkpoint,
    ),
    Command(
        id="view.next-checkpoint",
        menu="&View",
        title="Next checkpo&int",
        shortcut="]",
        call=lambda window: doing.step_checkpoint(window, 1),
        enabled=doing.has_other_checkpoint,
    ),
    *(
        Command(
            id=f"view.preset-{number}",
            menu=WINDOWS,
            title=f"Window preset &{number}",
            shortcut=str(number),
            call=lambda window, number=number: doing.use_preset(window, number - 1),
            enabled=lambda window, number=number: number <= len(window.parts.view.presets()),
            words=lambda window, number=number: doing.preset_words(window, number - 1),
        )
        for number in range(1, PRESET_KEYS + 1)
    ),
    separator(WINDOWS, "view.preset-5"),
    Command(
        id="view.invert",
        menu=WINDOWS,
        title="&Invert black and white",
        shortcut="I",
        call=lambda window: window.parts.view.toggle_inverted(),
        enabled=has_case,
    ),
    *(
        Command(
            id=f"view.{name}",
            menu=SLICES,
            title=title,
            shortcut=key,
            call=lambda window, by=by: doing.turn(window, by),
            enabled=can_play,
            where="pictures",
            repeats=True,
        )
        for name, title, key, by in (
            ("next-slice", "&Next slice (of a film: frame)", "Up", 1),
            ("previous-slice", "&Previous slice (of a film: frame)", "Down", -1),
            ("ten-slices-on", "Ten slices &on", "PgUp", 10),
            ("ten-slices-back", "Ten slices &back", "PgDown", -10),
        )
    ),
    separator(SLICES, "view.ten-slices-back"),
    Command(
        id="view.previous-frame",
        menu=SLICES,
        title="P&revious frame or moment",
        shortcut="Alt+Left",
        call=lambda window: window.frames.step(-1),
        enabled=has_frames,
        repeats=True,
    ),
    Command(
        id="view.next-frame",
        menu=SLICES,
        title="Ne&xt frame or moment",
        shortcut="Alt+Right",
        call=lambda window: window.frames.step(1),
        enabled=has_frames,
        repeats=True,
    ),
    Command(
        id="view.cine",
        menu=SLICES,
        title="&Cine: play or pause",
        shortcut="C",
        call=lambda window: window.cine.toggle(),
        enabled=can_play,
    ),
)

CASES: tuple[Command, ...] = tuple(
    Command(
        id=f"run.{name}-case",
        menu="&Run",
        title=f"&{name.capitalize()} case",
        shortcut=key,
        call=lambda window, by=by: window.step_case(by),
        enabled=has_cases,
        where="pictures",
        repeats=True,
    )
    for name, key, by in (("previous", "Left", -1), ("next", "Right", 1))
)

QUANTITIES: tuple[Command, ...] = tuple(
    Command(
        id=f"view.quantity-{name}",
        menu="&View|&Quantity",
        title=f"Show: {entry.title.lower() if entry.title != 'FiLM effect' else entry.title}",
        call=lambda window, name=name: window.store.set_quantity(name),
        enabled=has_result,
    )
    for name, entry in TABLE.items()
)
