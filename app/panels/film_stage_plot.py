"""One stage: gamma around 1 above beta around 0, both by channel."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.panels.widgets.text import PlainLabel
from app.theme import DARK, Theme
from core.records import Array, StageModulation, StageRange

GAMMA, BETA = "\N{GREEK SMALL LETTER GAMMA}", "\N{GREEK SMALL LETTER BETA}"
AXIS_WIDTH, PLOT_HEIGHT = 46, 92
BAND_OPACITY = 70  # of 255
ROOM = 0.06


class StagePlot(QWidget):
    """The numbers under the pointer stand over the plots. A stage that the run left out is grey and says so."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._modulation: StageModulation | None = None
        self._range: StageRange | None = None
        self._window = 0
        self.title, self.values = PlainLabel(role="heading"), PlainLabel(role="muted")
        self.gamma, self.beta = ChannelPlot(GAMMA, 1.0), ChannelPlot(BETA, 0.0, named=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        column.setSpacing(0)
        for part in (self.title, self.values, self.gamma, self.beta):
            column.addWidget(part)
        for plot in (self.gamma, self.beta):
            plot.channel_hovered.connect(self._on_hovered)
        self._on_hovered(None)

    def show_stage(self, modulation: StageModulation, limits: StageRange, window: int) -> None:
        """`window`: which row of gamma and beta is drawn as the line."""
        self._modulation, self._range = modulation, limits
        self._window = min(window, len(modulation.gamma) - 1)
        left_out = "" if modulation.active else ", left out of this run"
        self.title.setText(f"Stage {modulation.stage} \N{MIDDLE DOT} {modulation.gamma.shape[1]} channels{left_out}")
        self.title.setEnabled(modulation.active)
        several = len(modulation.gamma) > 1
        pairs = (
            (self.gamma, modulation.gamma, limits.gamma_low, limits.gamma_high, limits.gamma_limits),
            (self.beta, modulation.beta, limits.beta_low, limits.beta_high, limits.beta_limits),
        )
        for plot, rows, low, high, ends in pairs:
            plot.show_values(rows[self._window], (low, high) if several else None, ends, active=modulation.active)
        self._on_hovered(None)

    def set_theme(self, theme: Theme) -> None:
        for plot in (self.gamma, self.beta):
            plot.set_theme(theme)

    def _on_hovered(self, channel: int | None) -> None:
        if channel is None or self._modulation is None or self._range is None:
            self.values.setText("Hold the mouse over a plot for its numbers.")
            return
        words = [
            f"{name} {_number(rows, self._window, channel)} ({low[channel]:.3f} to {high[channel]:.3f})"
            for name, rows, low, high in (
                (GAMMA, self._modulation.gamma, self._range.gamma_low, self._range.gamma_high),
                (BETA, self._modulation.beta, self._range.beta_low, self._range.beta_high),
            )
        ]
        self.values.setText(f"Channel {channel}: {', '.join(words)}")
        for plot in (self.gamma, self.beta):
            plot.mark(channel)


class ChannelPlot(pg.PlotWidget):
    """Values by channel, with a dashed line at the identity. `channel_hovered` carries None when the mouse leaves."""

    channel_hovered = Signal(object)

    def __init__(self, name: str, identity: float, *, named: bool = False) -> None:
        super().__init__(enableMenu=False)
        self._theme, self._active, self._channels = DARK, True, 0
        self._identity = pg.InfiniteLine(angle=0, pos=identity)
        self._marker = pg.InfiniteLine(angle=90)
        self._low, self._high = pg.PlotCurveItem(), pg.PlotCurveItem()
        self._band = pg.FillBetweenItem(self._low, self._high)
        self.line = pg.PlotDataItem(symbol="o", symbolSize=3)
        item = self.getPlotItem()
        for part in (self._band, self._identity, self._marker, self._low, self._high, self.line):
            item.addItem(part)
        item.setMouseEnabled(x=False, y=False)
        item.hideButtons()
        item.setLabel("left", name)
        item.getAxis("left").setWidth(AXIS_WIDTH)
        item.getAxis("left").enableAutoSIPrefix(False)  # else 0.2 is written as 200, times 0.001
        item.getAxis("bottom").setStyle(showValues=named)
        if named:
            item.setLabel("bottom", "channel")
        item.showGrid(x=False, y=True, alpha=0.15)
        self.setAcceptDrops(False)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setMouseTracking(True)
        self.viewport().installEventFilter(self)
        self.setFixedHeight(PLOT_HEIGHT + (26 if named else 0))
        self._marker.hide()

    def show_values(
        self, values: Array, band: tuple[Array, Array] | None, limits: tuple[float, float], *, active: bool
    ) -> None:
        """Values (channels,), the band's edges (None: no band), and the lowest and highest that must fit."""
        channels = list(range(len(values)))
        self._channels, self._active = len(values), active
        self.line.setData(channels, values)
        self._low.setData(channels, band[0] if band else values)
        self._high.setData(channels, band[1] if band else values)
        self._band.setVisible(band is not None)
        low, high = limits if limits[0] < limits[1] else (limits[0] - 1, limits[1] + 1)
        self.getPlotItem().setRange(xRange=(-0.5, len(values) - 0.5), yRange=(low, high), padding=ROOM)
        self.set_theme(self._theme)

    def mark(self, channel: int | None) -> None:
        self._marker.setVisible(channel is not None)
        if channel is not None:
            self._marker.setPos(channel)

    def shown(self) -> list[float]:
        """Heights of the drawn line."""
        return [float(value) for value in self.line.getData()[1]]

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        colour = QColor(theme.accent if self._active else theme.muted)
        pale = QColor(colour)
        pale.setAlpha(BAND_OPACITY)
        self.setBackground(QColor(theme.surface))
        for name in ("bottom", "left"):
            axis = self.getPlotItem().getAxis(name)
            axis.setPen(theme.border)
            axis.setTextPen(theme.muted)
        self._identity.setPen(pg.mkPen(theme.text, width=1, style=Qt.PenStyle.DashLine))
        self._marker.setPen(pg.mkPen(theme.muted, width=1))
        self.line.setPen(pg.mkPen(colour, width=1.5))
        self.line.setSymbolBrush(colour)
        self.line.setSymbolPen(None)
        self._band.setBrush(pale)
        for edge in (self._low, self._high):
            edge.setPen(None)

    def channel_at(self, x: float) -> int | None:
        """The channel nearest to a place in the viewport; None outside the axes."""
        view = self.getPlotItem().vb
        inside = view.mapSceneToView(QPointF(self.mapToScene(round(x), self.height() // 2)))
        channel = round(inside.x())
        return channel if 0 <= channel < self._channels else None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A move asks for the numbers there; the wheel scrolls the panel."""
        if event.type() == QEvent.Type.Wheel:
            event.ignore()
            return True
        if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseMove:
            self.channel_hovered.emit(self.channel_at(event.position().x()))
        elif event.type() == QEvent.Type.Leave:
            self.mark(None)
            self.channel_hovered.emit(None)
        return False


def _number(rows: Array, window: int, channel: int) -> str:
    return f"{rows[window, channel]:.3f}"
