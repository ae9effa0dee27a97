"""A number along the steps: one line for each checkpoint, a point for each kept step, and where the slider stands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import QGraphicsItem, QStackedWidget, QWidget

from app.canvas.axis import TIME, CurveAxis
from app.panels.widgets.text import PlainLabel
from app.theme import DARK, Theme

Curve = tuple[float | None, ...]
_BETWEEN = [(0.25, ""), (0.75, "")]
CURVES = {
    "dice": "Dice",
    "iou": "IoU",
    "cldice": "clDice",
    "precision": "Precision",
    "recall": "Recall",
    "betti_0_error": "Betti-0 error",
    "betti_1_error": "Betti-1 error",
    "open": "Still changing",
    "changed": "Changed at the step",
    "calls": "Network calls",
}
"""Names of curves and what they are called."""
WITHOUT_REFERENCE = ("open", "changed", "calls")
COUNTS = ("betti_0_error", "betti_1_error", "calls")
"""Not shares between 0 and 1."""
TIPS = {
    "open": "Share of all voxels whose label will still change after the step",
    "changed": "Share of all voxels whose label is another than at the kept step before",
    "calls": "How often the network was called until the step",
}


class StepCurve(QStackedWidget):
    """The curves, or a sentence why there are none. A click asks for the step nearest to that place on the axis."""

    place_requested = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = DARK
        self.plot = pg.PlotWidget(enableMenu=False)
        self.reason = PlainLabel(role="muted", wrap=True)
        self.reason.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._marker = pg.InfiniteLine(angle=90, pos=1.0)
        self.axis = TIME
        self._curves: dict[str, pg.PlotDataItem] = {}
        self._set_up()
        self.set_theme(DARK)

    def _set_up(self) -> None:
        item = self.plot.getPlotItem()
        item.setMouseEnabled(x=False, y=False)
        item.hideButtons()
        item.setRange(xRange=(0, 1), yRange=(0, 1), padding=0.06)
        item.getAxis("left").setTicks([list(TIME.ticks), _BETWEEN])
        self._show_axis()
        item.showGrid(x=True, y=True, alpha=0.15)
        item.addItem(self._marker)
        self.plot.setAcceptDrops(False)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.viewport().installEventFilter(self)
        self.addWidget(self.reason)
        self.addWidget(self.plot)
        self.setMinimumSize(110, 90)

    def _show_axis(self) -> None:
        """Few ticks, enough for the narrowest panel, and never without the 1."""
        item = self.plot.getPlotItem()
        item.setLabel("bottom", self.axis.label)
        item.getAxis("bottom").setTicks([list(self.axis.ticks), _BETWEEN if self.axis.ticks else []])
        item.getViewBox().invertX(self.axis.falling)

    def show_curves(
        self,
        curves: Mapping[str, tuple[str, Sequence[float], Curve]],
        reason: str = "",
        axis: CurveAxis = TIME,
        *,
        counts: bool = False,
    ) -> None:
        """(colour, place of each step on `axis`, number of each step) by key, or `reason` why there are none.

        A number that does not exist leaves a gap, not a zero. `counts`: whole numbers, else between 0 and 1.
        """
        self.reason.setText(reason)
        if axis != self.axis:
            self.axis = axis
            self._show_axis()
        for old in self._curves.values():
            self.plot.removeItem(old)
        self._curves = {key: self._line(*curve) for key, curve in curves.items()}
        self._show_heights(curves, counts)
        self.setCurrentWidget(self.plot if self._curves else self.reason)

    def _show_heights(self, curves: Mapping[str, tuple[str, Sequence[float], Curve]], counts: bool) -> None:
        """From 0 to 1, or for counts to what the highest curve needs."""
        item = self.plot.getPlotItem()
        if not counts:
            item.setYRange(0, 1, padding=0.06)
            item.getAxis("left").setTicks([list(TIME.ticks), _BETWEEN])
            return
        top = max((value for _, _, values in curves.values() for value in values if value is not None), default=1.0)
        top = max(top, 1.0)
        item.setYRange(0, top, padding=0.06)
        item.getAxis("left").setTicks([[(0.0, "0"), (top, f"{top:g}")], [(top / 2, "")]])

    def _line(self, colour: str, places: Sequence[float], values: Curve) -> pg.PlotDataItem:
        heights = [math.nan if value is None else value for value in values]
        pen, brush = pg.mkPen(colour, width=2), pg.mkBrush(colour)
        size = 9 if len(heights) == 1 else 6 if len(heights) <= 25 else 3
        points = {"symbol": "o", "symbolSize": size, "symbolBrush": brush, "symbolPen": None}
        line = self.plot.plot(list(places), heights, pen=pen, connect="finite", **points)
        for part in (line.curve, line.scatter):  # only the marker moves while one scrubs
            part.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        return line

    def shown(self) -> dict[str, list[float]]:
        """Heights of the drawn curves by key; NaN where the number does not exist."""
        return {key: list(item.getData()[1]) for key, item in self._curves.items()}

    def set_place(self, place: float | None) -> None:
        """Where the slider stands; the final result has no place on the axis."""
        self._marker.setVisible(place is not None)
        if place is not None:
            self._marker.setPos(place)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """A press or drag on the plot is a wish for a step; pyqtgraph itself does not get it."""
        if not isinstance(event, QMouseEvent) or watched is not self.plot.viewport():
            return False
        if event.buttons() & Qt.MouseButton.LeftButton:
            where = self.plot.mapToScene(event.position().toPoint())
            place = self.plot.getPlotItem().vb.mapSceneToView(QPointF(where)).x()
            self.place_requested.emit(min(max(float(place), 0.0), 1.0))
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
