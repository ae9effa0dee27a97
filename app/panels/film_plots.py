"""Gain (gamma) and offset (beta) of each stage by channel: the window that is looked at against the range over all."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from app.panels.film_controls import leave_the_wheel
from app.panels.film_stage_plot import StagePlot
from app.panels.widgets.text import PlainLabel
from app.theme import DARK, Theme
from core.records import FilmSummary, Prediction

MOST_AT_ONCE = 4
NOTHING = "There is nothing to plot: no run has used FiLM yet."
BAND = "Line: this window. Band: from the lowest to the highest of all windows. Dashed: the identity."
LINE = "Line: the one window there is. Dashed: the identity."
AS_TRAINED = "Shown as trained, before the strength of {strength:g} that this run applied."


class FilmPlots(QWidget):
    """One plot for each stage below each other; with more than four of them, one at a time."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme: Theme = DARK
        self._prediction: Prediction | None = None
        self._summary: FilmSummary | None = None
        self._window = 0
        self.plots: list[StagePlot] = []
        self.note, self.choice = PlainLabel(role="muted", wrap=True), QComboBox()
        self.choice.setAccessibleName("Stage")
        self.choice.currentIndexChanged.connect(lambda _: self._show_stages())
        leave_the_wheel(self, (self.choice,))
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(self.note)
        self._column.addWidget(self.choice)
        self.show_modulation(None, None, 0)

    def show_modulation(self, prediction: Prediction | None, summary: FilmSummary | None, window: int) -> None:
        """What the heads made of the conditions of a run; None while there is none."""
        self._prediction, self._summary, self._window = prediction, summary, window
        stages = [item.stage for item in prediction.modulation] if prediction else []
        self.note.setText(self._note(prediction) if stages else NOTHING)
        self._offer(stages)
        self._show_stages()

    def show_window(self, window: int) -> None:
        self._window = window
        self._show_stages()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for plot in self.plots:
            plot.set_theme(theme)

    def _note(self, prediction: Prediction | None) -> str:
        strength = prediction.settings.film.strength if prediction else 1.0
        several = self._summary is not None and self._summary.windows > 1
        more = f" {AS_TRAINED.format(strength=strength)}" if strength != 1 else ""
        return (BAND if several else LINE) + more

    def _offer(self, stages: list[int]) -> None:
        self.choice.setVisible(len(stages) > MOST_AT_ONCE)
        if [self.choice.itemData(row) for row in range(self.choice.count())] != stages:
            self.choice.blockSignals(True)
            self.choice.clear()
            for stage in stages:
                self.choice.addItem(f"Stage {stage}", stage)
            self.choice.blockSignals(False)

    def _show_stages(self) -> None:
        every = self._prediction.modulation if self._prediction else ()
        one = len(every) > MOST_AT_ONCE
        shown = [item for item in every if not one or item.stage == self.choice.currentData()]
        self._make(len(shown))
        ranges = {item.stage: item for item in self._summary.ranges} if self._summary else {}
        for plot, item in zip(self.plots, shown, strict=False):
            plot.show_stage(item, ranges[item.stage], self._window)
        for number, plot in enumerate(self.plots):
            plot.setVisible(number < len(shown))

    def _make(self, count: int) -> None:
        """Plots are costly: they are made when first needed, and kept."""
        while len(self.plots) < count:
            plot = StagePlot()
            plot.set_theme(self._theme)
            self._column.addWidget(plot)
            self.plots.append(plot)
