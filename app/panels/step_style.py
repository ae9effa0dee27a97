"""How the steps panel looks where the style sheet of the program does not say."""

from __future__ import annotations

from PySide6.QtGui import QColor, QPalette

from app.theme import Theme


def slider_palette(palette: QPalette, theme: Theme) -> QPalette:
    """A slider that has nothing to move over must not look as if it had."""
    for role in (QPalette.ColorRole.Highlight, QPalette.ColorRole.Button):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.border))
    return palette


def button_style(theme: Theme) -> str:
    """Which quantity is chosen must be seen at a glance, in both themes."""
    return (
        f"QToolButton {{ color: {theme.text}; background: {theme.surface_alt}; border: 1px solid {theme.border};"
        f" border-radius: 4px; padding: 2px 6px; }}"
        f"QToolButton:hover, QToolButton:focus {{ border-color: {theme.accent}; }}"
        f"QToolButton::menu-indicator {{ subcontrol-position: right center; right: 3px; }}"
        f"QToolButton:checked {{ color: {theme.accent_text}; background: {theme.accent}; }}"
    )
