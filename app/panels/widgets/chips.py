"""Colour chips and badges: who a result belongs to, and what is different about it."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.panels.widgets.text import PlainLabel, plain_tooltip
from app.theme import Theme

BadgeKind = Literal["quiet", "loud"]
_PADDING = 6
_BEHIND = "#4a4f55"


class ColourChip(QWidget):
    """A small square in the colour of a column; a line of that colour when it stands for an outline.

    `hatch` (`/` or `\\`): dark stripes, as in a picture of classes.
    """

    def __init__(self, colour: str, *, line: bool = False, hatch: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colour, self._hatch = QColor(colour), hatch
        self._line = line
        self.setFixedSize(self.sizeHint())

    def sizeHint(self) -> QSize:
        return QSize(18, 12) if self._line else QSize(12, 12)

    def colour(self) -> str:
        """The colour as `#rrggbb`."""
        return self._colour.name()

    def set_colour(self, colour: str) -> None:
        self._colour = QColor(colour)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._line:
            painter.fillRect(QRectF(0, 4, 18, 4), Qt.GlobalColor.black)
            painter.fillRect(QRectF(0, 5, 18, 2), self._colour)
        else:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            if self._colour.alpha() < 255:  # as it looks over an image, which is dark in both themes
                painter.setBrush(QColor(_BEHIND))
                painter.drawRoundedRect(QRectF(0, 0, 12, 12), 3, 3)
            painter.setBrush(self._colour)
            painter.drawRoundedRect(QRectF(0, 0, 12, 12), 3, 3)
            if self._hatch:
                slope = Qt.BrushStyle.BDiagPattern if self._hatch == "/" else Qt.BrushStyle.FDiagPattern
                painter.setBrush(QBrush(self._colour.darker(250), slope))
                painter.drawRoundedRect(QRectF(0, 0, 12, 12), 3, 3)
        painter.end()


class Badge(PlainLabel):
    """A few words in a frame. It wraps rather than loses a letter: what it says must never be cut off."""

    def __init__(
        self, text: str, kind: BadgeKind, theme: Theme, *, tip: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(text, wrap=True, parent=parent)
        self.kind: BadgeKind = kind
        self.setToolTip(plain_tooltip(tip or text))
        self.setIndent(0)  # else Qt indents a framed label by half a letter, and the text wraps too early
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.set_theme(theme)

    def sizeHint(self) -> QSize:
        """One line: text, padding and frame. A narrower place gets `heightForWidth`."""
        self.ensurePolished()
        text = self.fontMetrics().size(0, self.text())
        return QSize(text.width() + 2 * _PADDING + 6, text.height() + 4)

    def set_theme(self, theme: Theme) -> None:
        colour = theme.warning if self.kind == "loud" else theme.muted
        weight = 600 if self.kind == "loud" else 400
        self.setStyleSheet(
            f"color: {colour}; border: 1px solid {colour}; border-radius: 4px;"
            f" padding: 1px {_PADDING}px; font-weight: {weight};"
        )
