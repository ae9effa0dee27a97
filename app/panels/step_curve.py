"""Dice against t: one line for each checkpoint, a point for each kept step, and where the slider stands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from app.panels.widgets.text import PlainLabel
from app.theme import DARK, Theme

Curve = tuple[float | None, ...]


class StepCurve(QStackedWidget):
    """The curves, or a sentence why there are none. A click asks for the step nearest to that t."""

    t_requested = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = DARK
        self.plot = pg.PlotWidget(enableMenu=False)
        self.reason = PlainLabel(role="muted", wrap=True)
        self.reason.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._marker = pg.InfiniteLine(angle=90, pos=1.0)
        self._curves: dict[str, pg.PlotDataItem] = {}
        self._set_up()
        self.set_theme(DARK)

    def _set_up(self) -> None:
        item = self.plot.getPlotItem()
        item.setMouseEnabled(x=False, y=False)
        item.hideButtons()
        item.setLabel("bottom", "t")
        item.setLabel("left", "Dice")
        item.setRange(xRange=(0, 1), yRange=(0, 1), padding=0.06)
        for name in ("left", "bottom"):  # few enough for the narrowest panel, and never without the 1
            item.getAxis(name).setTicks([[(0, "0"), (0.5, "0.5"), (1, "1")], [(0.25, ""), (0.75, "")]])
        item.showGrid(x=True, y=True, alpha=0.15)
        item.addItem(self._marker)
        self.plot.setAcceptDrops(False)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.viewport().installEventFilter(self)
        self.addWidget(self.reason)
        self.addWidget(self.plot)
        self.setMinimumSize(110, 90)

    def show_curves(self, curves: Mapping[str, tuple[str, Sequence[float], Curve]], reason: str = "") -> None:
        """(colour, t of each step, Dice of each step) by key, or `reason` why there are none.

        A Dice that does not exist leaves a gap, not a zero.
        """
        self.reason.setText(reason)
        for old in self._curves.values():
            self.plot.removeItem(old)
        self._curves = {key: self._line(*curve) for key, curve in curves.items()}
        self.setCurrentWidget(self.plot if self._curves else self.reason)

    def _line(self, colour: str, t: Sequence[float], dice: Curve) -> pg.PlotDataItem:
        heights = [math.nan if value is None else value for value in dice]
        pen, brush = pg.mkPen(colour, width=2), pg.mkBrush(colour)
        size = 6 if len(heights) <= 25 else 3
        return self.plot.plot(
            list(t), heights, pen=pen, symbol="o", symbolSize=size, symbolBrush=brush, symbolPen=None, connect="finite"
        )

    def shown(self) -> dict[str, list[float]]:
        """Heights of the drawn curves by key; NaN where Dice does not exist."""
        return {key: list(item.getData()[1]) for key, item in self._curves.items()}

    def set_t(self, t: float | None) -> None:
        """Where the slider stands; the final result has no place on the axis."""
        self._marker.setVisible(t is not None)
        if t is not None:
            self._marker.setPos(t)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """A press or drag on the plot is a wish for a t; pyqtgraph itself does not get it."""
        if not isinstance(event, QMouseEvent) or watched is not self.plot.viewport():
            return False
        if event.buttons() & Qt.MouseButton.LeftButton:
            where = self.plot.mapToScene(event.position().toPoint())
            t = self.plot.getPlotItem().vb.mapSceneToView(QPointF(where)).x()
            self.t_requested.emit(min(max(float(t), 0.0), 1.0))
            return True
        return False

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.plot.setBackground(QColor(theme.surface))
        for name in ("bottom", "left"):
            axis = self.plot.getPlotItem().getAxis(name)
            axis.setPen(theme.border)
            axis.setTextPen(theme.muted)
        self._marker.setPen(pg.mkPen(theme.text, width=1, style=Qt.PenStyle.DashLine))
