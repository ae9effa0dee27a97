"""The steps panel: small pictures of the trajectory, a slider over t, what to look at, and Dice against t."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QSizePolicy,
    QSlider,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.canvas.frame import QUANTITIES, QUANTITY_NAMES, Frame, LiveStep, Quantity, frame_of, live_frame
from app.panels.step_curve import Curve, StepCurve
from app.panels.thumbnails import ThumbnailStrip
from app.panels.widgets.chips import ColourChip
from app.panels.widgets.text import ElidedLabel
from app.theme import DARK, Theme
from core.records import Prediction, Step

Entry = tuple[str, str, str, Prediction]  # key, title, colour, prediction
_TIPS = {
    "mask": "The estimate cut at the threshold",
    "state": "x_t: what the sampler holds at t, noise at first",
    "estimate": "The clean mask as the network believes it at t",
    "probability": "The estimate mapped to 0..1",
}


class StepsPanel(QWidget):
    """Scrubs the kept steps of the active prediction; the position behind the last step is the final result."""

    step_changed = Signal(object)  # index of a kept step of the active prediction, None = the final result
    quantity_changed = Signal(str)

    def __init__(self, theme: Theme = DARK, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._entries: dict[str, Entry] = {}
        self._active: str | None = None
        self._live: dict[str, list[LiveStep]] = {}
        self._live_total: dict[str, int] = {}
        self._curves: dict[str, Curve] = {}
        self._quantity: Quantity = "mask"
        self._slice = 0
        self.chip, self.title = ColourChip("#888888"), ElidedLabel(role="heading", least=0)
        self.where = ElidedLabel(role="muted", least=0)  # both give way before the buttons lose their words
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.strip, self.curve = ThumbnailStrip(), StepCurve()
        self._buttons: dict[str, QToolButton] = {}
        self._set_up()
        self.set_theme(theme)
        self._rebuild()

    def _set_up(self) -> None:
        steps = QWidget()
        column = QVBoxLayout(steps)
        column.setContentsMargins(8, 6, 8, 6)
        column.setSpacing(4)
        column.addLayout(self._head())
        column.addWidget(self.strip)
        column.addWidget(self.slider)
        column.addStretch(1)
        halves = QSplitter(Qt.Orientation.Horizontal)
        halves.addWidget(steps)
        halves.addWidget(self.curve)
        halves.setStretchFactor(0, 3)
        halves.setStretchFactor(1, 1)
        halves.setChildrenCollapsible(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(halves)
        self.slider.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.slider.setTickInterval(1)
        self.slider.setPageStep(5)
        keep = self.slider.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self.slider.setSizePolicy(keep)
        self.slider.setAccessibleName("Step of the trajectory")
        self.slider.valueChanged.connect(self._on_slider)
        self.strip.chosen.connect(self._on_thumbnail)
        self.curve.t_requested.connect(self.choose_t)

    def _head(self) -> QHBoxLayout:
        head, group = QHBoxLayout(), QButtonGroup(self)
        head.setSpacing(4)
        head.addWidget(self.chip)
        self.where.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        head.addWidget(self.title, 1)
        head.addWidget(self.where)
        for name in QUANTITIES:
            button = QToolButton()
            button.setText(QUANTITY_NAMES[name])
            button.setToolTip(_TIPS[name])
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(partial(self._on_quantity, name))
            group.addButton(button)
            head.addWidget(button)
            self._buttons[name] = button
        self._buttons["mask"].setChecked(True)
        return head

    # ---- what it has ----

    def set_predictions(self, entries: Sequence[Entry], active_key: str | None) -> None:
        """(key, title, colour, prediction) of every column with a result, and the column whose steps are counted.

        The position is kept while the active prediction is the same; otherwise it goes back to the final result. Curves
        of predictions that changed are taken away: `set_curves` comes after this.
        """
        before = self._entries.get(self._active) if self._active is not None else None
        same = {entry[0] for entry in entries if entry[0] in self._entries and self._entries[entry[0]][3] is entry[3]}
        self._entries = {entry[0]: entry for entry in entries}
        for key in self._entries:
            self._live.pop(key, None)
        self._curves = {key: curve for key, curve in self._curves.items() if key in same}
        self._active = active_key
        after = self._entries.get(active_key) if active_key is not None else None
        if before is not None and after is not None and before[3] is after[3]:
            self._show_curves()
            return
        moved = before is not None and self.index() is not None
        self._rebuild()
        if moved:
            self.step_changed.emit(None)

    def set_curves(self, curves: Mapping[str, Curve]) -> None:
        """Dice of each kept step by key. A curve that does not fit the steps it came for is not drawn."""
        self._curves = {key: tuple(curve) for key, curve in curves.items() if self._fits(key, curve)}
        self._show_curves()

    def set_live_step(
        self,
        key: str,
        step: Step | None,
        total: int,
        value_range: tuple[float, float] | None = None,
        threshold: float | None = None,
    ) -> None:
        """A step of a run that goes on, `total` in all; a step of None ends the run and takes its pictures away."""
        known = self._live.setdefault(key, [])
        if step is None:
            del self._live[key]
            self._rebuild_if_active(key)
            return
        if known and known[-1].step is step:
            return  # the run has gone on, but not to another step
        anew = not known or step.index <= known[-1].step.index
        if anew:
            known.clear()
        known.append(LiveStep(step=step, value_range=value_range, threshold=threshold))
        self._live_total[key] = total
        if anew:
            self._rebuild_if_active(key)
        elif key == self._active and key not in self._entries:
            self.strip.append(self._live_maker(known[-1]), f"{step.t:.3f}")
            self._say_where()

    def set_active(self, key: str | None) -> None:
        """Count the steps of another column from now on; the position goes to its final result."""
        self.set_predictions(tuple(self._entries.values()), key)

    def set_slice(self, index: int) -> None:
        """Which slice the small pictures show."""
        if index != self._slice:
            self._slice = index
            self._fill_strip()

    def set_quantity(self, name: str) -> None:
        """Show another quantity without announcing it."""
        self._quantity = next(known for known in QUANTITIES if known == name)
        self._buttons[name].setChecked(True)
        self._fill_strip()

    def index(self) -> int | None:
        """The chosen kept step; None = the final result."""
        value = self.slider.value()
        return value if value < len(self._steps()) else None

    def choose(self, index: int | None) -> None:
        """Go to a kept step, or to the final result, and announce it."""
        self.slider.setValue(len(self._steps()) if index is None else index)

    def choose_t(self, t: float) -> None:
        """Go to the kept step nearest to `t`."""
        steps = self._steps()
        if steps:
            self.choose(min(range(len(steps)), key=lambda index: abs(steps[index].t - t)))

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.strip.set_theme(theme)
        self.curve.set_theme(theme)
        for button in self._buttons.values():
            button.setStyleSheet(_button_style(theme))

    # ---- showing it ----

    def _prediction(self) -> Prediction | None:
        entry = self._entries.get(self._active) if self._active is not None else None
        return entry[3] if entry is not None else None

    def _steps(self) -> tuple[Step, ...]:
        prediction = self._prediction()
        return prediction.steps if prediction is not None else ()

    def _running(self) -> list[LiveStep]:
        return self._live.get(self._active, []) if self._active is not None and self._prediction() is None else []

    def _rebuild_if_active(self, key: str) -> None:
        if key == self._active and key not in self._entries:
            self._rebuild()

    def _rebuild(self) -> None:
        """Everything anew for another active prediction; the slider stands at the final result."""
        entry = self._entries.get(self._active) if self._active is not None else None
        self.chip.set_colour(entry[2] if entry else self._theme.border)
        self.chip.setVisible(entry is not None)
        self.title.setText(entry[1] if entry else "Steps")
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, len(self._steps()))
            self.slider.setValue(len(self._steps()))
        self.slider.setVisible(bool(self._steps()))
        self._fill_strip()
        self._show_curves()

    def _fill_strip(self) -> None:
        entry = self._entries.get(self._active) if self._active is not None else None
        if entry is not None:
            steps = entry[3].steps
            makers = [self._maker(entry[3], t) for t in (*(step.t for step in steps), None)]
            self.strip.set_makers(makers, [*(f"{step.t:.3f}" for step in steps), "final"], entry[2])
        else:
            running = self._running()
            labels = [f"{live.step.t:.3f}" for live in running]
            self.strip.set_makers([self._live_maker(live) for live in running], labels, self._theme.accent)
        self._say_where()

    def _maker(self, prediction: Prediction, t: float | None) -> Callable[[], Frame]:
        return partial(frame_of, prediction, t, self._quantity, None, self._slice)

    def _live_maker(self, live: LiveStep) -> Callable[[], Frame]:
        return partial(live_frame, live, self._quantity, None, self._slice)

    def _say_where(self) -> None:
        steps, index, running = self._steps(), self.index(), self._running()
        if running:
            text = f"running, step {len(running)} of {self._live_total.get(self._active or '', 0)}"
        elif self._prediction() is None:
            text = "no result yet"
        elif index is None:
            text = "final result" if steps else "final result, no steps kept"
        else:
            text = f"t = {steps[index].t:.3f} \N{MIDDLE DOT} {index + 1} of {len(steps)}"
        self.where.setText(text)
        self.strip.set_current(self.slider.value() if self._prediction() is not None else len(running) - 1)
        self.curve.set_t(None if index is None else steps[index].t)

    def _fits(self, key: str, curve: Curve) -> bool:
        return key in self._entries and len(self._entries[key][3].steps) == len(curve) > 0

    def _show_curves(self) -> None:
        curves = {}
        for key, values in self._curves.items():
            _, _, colour, prediction = self._entries[key]
            curves[key] = (colour, [step.t for step in prediction.steps], values)
        self.curve.show_curves(curves, "Dice against t needs a reference." if self._entries else "")

    # ---- hands ----

    def _on_slider(self) -> None:
        self._say_where()
        self.step_changed.emit(self.index())

    def _on_thumbnail(self, position: int) -> None:
        if self._prediction() is not None:
            self.slider.setValue(position)

    def _on_quantity(self, name: str) -> None:
        self.set_quantity(name)
        self.quantity_changed.emit(name)


def _button_style(theme: Theme) -> str:
    """Which quantity is chosen must be seen at a glance, in both themes."""
    return (
        f"QToolButton {{ color: {theme.text}; background: {theme.surface_alt}; border: 1px solid {theme.border};"
        f" border-radius: 4px; padding: 2px 6px; }}"
        f"QToolButton:hover, QToolButton:focus {{ border-color: {theme.accent}; }}"
        f"QToolButton:checked {{ color: {theme.accent_text}; background: {theme.accent}; }}"
    )
