"""Colours of the window, light and dark. Widgets get a `Theme` through `set_theme` and name no colour themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

ThemeName = Literal["light", "dark"]

# Okabe and Ito, "Color universal design", 2008: told apart with any colour vision. They lie over grey images, which are
# dark in both themes, so both use them; yellow is left to the reference, and black has no place on an image.
COLUMN_COLOURS = ("#56B4E9", "#E69F00", "#CC79A7", "#009E73", "#D55E00", "#0072B2")
REFERENCE_COLOUR = "#F0E442"


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """Colours as `#rrggbb`. `canvas_background` lies around images: dark in both, so that grey values look the same."""

    name: ThemeName
    background: str
    surface: str
    surface_alt: str
    text: str
    muted: str
    accent: str
    accent_text: str
    border: str
    canvas_background: str
    canvas_text: str
    warning: str
    error: str
    ok: str
    column_colours: tuple[str, ...] = COLUMN_COLOURS
    reference: str = REFERENCE_COLOUR

    def column_colour(self, index: int) -> str:
        """The colour of the column at `index`; they repeat after the last."""
        return self.column_colours[index % len(self.column_colours)]


LIGHT = Theme(
    name="light",
    background="#eef0f3",
    surface="#ffffff",
    surface_alt="#f5f6f8",
    text="#1b1f24",
    muted="#59626d",
    accent="#0b62b5",
    accent_text="#ffffff",
    border="#cdd3da",
    canvas_background="#14171a",
    canvas_text="#e4e8ec",
    warning="#8a5300",
    error="#b3261e",
    ok="#1b6e3c",
)
DARK = Theme(
    name="dark",
    background="#1b1e22",
    surface="#24282d",
    surface_alt="#2b3036",
    text="#e6e9ec",
    muted="#a0a9b3",
    accent="#62b0f2",
    accent_text="#10151a",
    border="#3d444c",
    canvas_background="#0e1012",
    canvas_text="#e4e8ec",
    warning="#f0b45a",
    error="#ff8a80",
    ok="#7fd49a",
)
THEMES: dict[str, Theme] = {LIGHT.name: LIGHT, DARK.name: DARK}


def apply_theme(app: QApplication, theme: Theme) -> None:
    """Give the whole program the palette and style sheet of `theme`; cheap enough to call again at any time."""
    app.setStyle("Fusion")  # the one style that takes every colour of the palette on all three systems
    app.setPalette(palette(theme))
    app.setStyleSheet(style_sheet(theme))


def system_theme(app: QApplication) -> Theme:
    """The theme that fits the desktop; light where the desktop does not say."""
    return DARK if app.styleHints().colorScheme() == Qt.ColorScheme.Dark else LIGHT


def palette(theme: Theme) -> QPalette:
    """The Qt palette of `theme`, disabled colours included."""
    made = QPalette()
    roles = {
        QPalette.ColorRole.Window: theme.background,
        QPalette.ColorRole.WindowText: theme.text,
        QPalette.ColorRole.Base: theme.surface,
        QPalette.ColorRole.AlternateBase: theme.surface_alt,
        QPalette.ColorRole.Text: theme.text,
        QPalette.ColorRole.Button: theme.surface_alt,
        QPalette.ColorRole.ButtonText: theme.text,
        QPalette.ColorRole.BrightText: theme.error,
        QPalette.ColorRole.Highlight: theme.accent,
        QPalette.ColorRole.HighlightedText: theme.accent_text,
        QPalette.ColorRole.Link: theme.accent,
        QPalette.ColorRole.ToolTipBase: theme.surface,
        QPalette.ColorRole.ToolTipText: theme.text,
        QPalette.ColorRole.PlaceholderText: theme.muted,
        QPalette.ColorRole.Accent: theme.accent,
    }
    for role, colour in roles.items():
        made.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.muted))
    return made


def style_sheet(theme: Theme) -> str:
    """What a palette cannot say: spacing, borders, headings (`role` property) and severities (`severity` property)."""
    return f"""
    QToolTip {{ color: {theme.text}; background: {theme.surface}; border: 1px solid {theme.border}; padding: 4px; }}
    QMainWindow::separator {{ background: {theme.background}; width: 6px; height: 6px; }}
    QMainWindow::separator:hover {{ background: {theme.accent}; }}
    QDockWidget {{ font-weight: 600; color: {theme.text}; }}
    QDockWidget::title {{ background: {theme.background}; padding: 6px 8px; }}
    QTreeView, QTableView, QListView, QPlainTextEdit {{
        background: {theme.surface}; alternate-background-color: {theme.surface_alt}; color: {theme.text};
        border: 1px solid {theme.border}; border-radius: 4px; font-weight: 400; }}
    QHeaderView::section {{ background: {theme.surface_alt}; color: {theme.muted}; border: none; padding: 4px 6px;
        border-bottom: 1px solid {theme.border}; font-weight: 600; }}
    QToolBar {{ background: {theme.surface}; border: none; border-bottom: 1px solid {theme.border}; spacing: 6px;
        padding: 4px 6px; }}
    QStatusBar {{ background: {theme.surface}; border-top: 1px solid {theme.border}; }}
    QStatusBar::item {{ border: none; }}
    QScrollArea {{ border: none; background: transparent; }}
    QCheckBox::indicator:unchecked {{ border: 1px solid {theme.muted}; border-radius: 2px;
        background: {theme.surface}; }}
    QFrame#card, QFrame#banner {{ background: {theme.surface}; border: 1px solid {theme.border};
        border-left: 3px solid {theme.muted}; border-radius: 3px; }}
    QFrame#card[severity="error"], QFrame#banner[severity="error"] {{ border-left-color: {theme.error}; }}
    QFrame#card[severity="warning"], QFrame#banner[severity="warning"] {{ border-left-color: {theme.warning}; }}
    QLabel[role="heading"] {{ font-weight: 600; color: {theme.text}; }}
    QLabel[role="muted"] {{ color: {theme.muted}; font-weight: 400; }}
    QLabel[severity="error"] {{ color: {theme.error}; font-weight: 600; }}
    QLabel[severity="warning"] {{ color: {theme.warning}; font-weight: 600; }}
    QLabel[severity="note"] {{ color: {theme.muted}; font-weight: 400; }}
    QLabel[severity="ok"] {{ color: {theme.ok}; font-weight: 600; }}
    """
