"""What the commands for looking do, where that is more than one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.window import MainWindow


def toggle_whole_overlay(window: MainWindow) -> None:
    """Masks and reference away together, and back as they were."""
    store, shown = window.store, ("visible", "reference_visible")
    seen = {name: True for name in shown if getattr(store.overlay, name)}
    if seen:
        window.overlay_before = seen
        store.set_overlay(visible=False, reference_visible=False)
    else:
        store.set_overlay(**(window.overlay_before or dict.fromkeys(shown, True)))


def change_opacity(window: MainWindow, by: float) -> None:
    opacity = round(min(max(window.store.overlay.opacity + by, 0.0), 1.0), 2)
    window.store.set_overlay(opacity=opacity)


def turn(window: MainWindow, by: int) -> None:
    """Slices of a volume; a film has none, and goes on by frames."""
    if window.parts.view.is_volume():
        window.parts.view.turn(by)
    else:
        window.frames.step(by)


def use_preset(window: MainWindow, index: int) -> None:
    preset = window.parts.view.presets()[index]
    window.parts.view.set_window_level(preset.low, preset.high)


def preset_words(window: MainWindow, index: int) -> str:
    presets = window.parts.view.presets()
    return f"Window: {presets[index].name}" if index < len(presets) else f"Window preset {index + 1}"


def has_other_checkpoint(window: MainWindow) -> bool:
    return len(window.store.columns) > 1 or len(_usable(window)) > len(window.store.columns)


def step_checkpoint(window: MainWindow, by: int) -> None:
    """Another column becomes the active one; a single column shows the next checkpoint of the library."""
    store = window.store
    columns = list(store.columns)
    if len(columns) > 1:
        at = columns.index(store.active_column) if store.active_column in store.columns else -by
        store.activate_column(columns[(at + by) % len(columns)])
        return
    checkpoints = _usable(window)
    if columns:
        shown = store.columns[columns[0]].checkpoint
        at = checkpoints.index(shown) if shown in checkpoints else -by
        wanted = checkpoints[(at + by) % len(checkpoints)] if checkpoints else shown
        if wanted != shown:
            store.remove_column(columns[0])
            store.add_column(wanted)
    elif checkpoints:
        store.add_column(checkpoints[0 if by > 0 else -1])


def _usable(window: MainWindow) -> list[str]:
    """Checkpoints of the library that are not refused, in its order."""
    return [checkpoint for checkpoint, item in window.store.checkpoints.items() if not item.refused]
