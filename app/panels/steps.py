"""The steps panel: small pictures of the trajectory, a slider over its steps, what to look at, and a curve."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QSlider,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.canvas.axis import curve_axis, position_words, step_label
from app.canvas.frame import Frame, LiveStep, frame_of, live_frame
from app.canvas.quantities import BASIC, LOGITS, TABLE, Quantity
from app.panels.live_steps import LiveSteps
from app.panels.quantity_menu import fill_menu
from app.panels.step_curve import COUNTS, CURVES, TIPS, Curve, StepCurve
from app.panels.step_style import button_style, slider_palette
from app.panels.thumbnails import ThumbnailStrip
from app.panels.widgets.chips import ColourChip
from app.panels.widgets.text import ElidedLabel, plain_tooltip
from app.theme import DARK, Theme
from core.records import Prediction, Step

Entry = tuple[str, str, str, Prediction]  # key, title, colour, prediction
_LOGITS_TIP = "The foreground logit minus the background logit: above 0 is foreground"


class StepsPanel(QWidget):
    """Scrubs the kept steps of the active prediction; the position behind the last step is the final result.

    The position itself is a `Step.t`, which all families have: it stays when another column becomes the active one.
    """

    step_changed = Signal(object)  # index of a kept step of the active prediction, None = the final result
    quantity_changed = Signal(str)
    bare_runs_requested = Signal()
    curve_chosen = Signal(str)

    def __init__(self, theme: Theme = DARK, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._entries: dict[str, Entry] = {}
        self._active: str | None = None
        self._live: dict[str, LiveSteps] = {}
        self._t: float | None = None
        self._announced: int | None = None
        self._curves: dict[str, Curve] = {}
        self._quantity: Quantity = "mask"
        self._slice = 0
        self.chip = ColourChip("#888888")
        self.title = ElidedLabel(role="heading", least=0)  # gives way before the buttons lose their words
        self.where = ElidedLabel(role="muted", least=0)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.strip, self.curve = ThumbnailStrip(), StepCurve()
        self.which, self.curve_name, self._measuring = QComboBox(), "dice", False
        self._buttons: dict[str, QToolButton] = {}
        self.more = QToolButton()
        self.entries: dict[str, QAction] = {}
        self.bare_button = QPushButton("Run with FiLM off")
        self._set_up_more()
        self._set_up()
        self.set_theme(theme)
        self._show_choice()
        self._rebuild()

    def _set_up(self) -> None:
        steps = QWidget()
        column = QVBoxLayout(steps)
        column.setContentsMargins(8, 6, 8, 6)
        column.setSpacing(4)
        column.addLayout(self._head())
        column.addWidget(self.strip)
        column.addWidget(self.slider)
        below = QHBoxLayout()
        below.addWidget(self.where, 1)
        below.addWidget(self.bare_button)
        column.addLayout(below)
        column.addStretch(1)
        halves = QSplitter(Qt.Orientation.Horizontal)
        halves.addWidget(steps)
        halves.addWidget(self._curve_part())
        halves.setStretchFactor(0, 3)
        halves.setStretchFactor(1, 1)
        halves.setChildrenCollapsible(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(halves)
        self.bare_button.setToolTip("The same runs once more with FiLM off, in the background, to show what it does")
        self.bare_button.clicked.connect(self.bare_runs_requested)
        self.bare_button.hide()
        self.slider.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.slider.setTickInterval(1)
        self.slider.setPageStep(5)
        keep = self.slider.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self.slider.setSizePolicy(keep)
        self.slider.setAccessibleName("Step of the trajectory")
        self.slider.valueChanged.connect(self._on_slider)
        self.strip.chosen.connect(self._on_thumbnail)
        self.curve.place_requested.connect(self._on_place)

    def _curve_part(self) -> QWidget:
        """The curve under the choice of what it shows."""
        part = QWidget()
        column = QVBoxLayout(part)
        column.setContentsMargins(4, 6, 8, 0)
        column.setSpacing(2)
        for name, title in CURVES.items():
            self.which.addItem(title, name)
            self.which.setItemData(
                self.which.count() - 1, plain_tooltip(TIPS.get(name, "")), Qt.ItemDataRole.ToolTipRole
            )
        self.which.setAccessibleName("Curve along the steps")
        self.which.setToolTip("What the curve shows, at the checkpoint's own threshold")
        self.which.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.which.setMinimumContentsLength(8)
        self.which.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.which.activated.connect(lambda _: self.choose_curve(self.which.currentData()))
        column.addWidget(self.which)
        column.addWidget(self.curve, 1)
        return part

    def choose_curve(self, name: str) -> None:
        """Show another curve, and say so: its numbers may have to be computed first."""
        if name != self.curve_name:
            self.curve_name, self._curves = name, {}
            with QSignalBlocker(self.which):
                self.which.setCurrentIndex(self.which.findData(name))
            self._show_curves()
            self.curve_chosen.emit(name)

    def _head(self) -> QHBoxLayout:
        head, group = QHBoxLayout(), QButtonGroup(self)
        head.setSpacing(4)
        head.addWidget(self.chip)
        head.addWidget(self.title, 1)
        for name in BASIC:
            button, entry = QToolButton(), TABLE[name]
            button.setText(entry.title)
            button.setToolTip(entry.tip)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(partial(self._on_quantity, name))
            group.addButton(button)
            head.addWidget(button)
            self._buttons[name] = button
        group.addButton(self.more)
        head.addWidget(self.more)
        self._buttons["mask"].setChecked(True)
        return head

    def _set_up_more(self) -> None:
        """The quantities that have no button of their own."""
        self.more.setCheckable(True)
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.more.setToolTip("Errors, differences between columns, what happens along the steps")
        menu = QMenu(self.more)
        rest = [name for name in TABLE if name not in BASIC]
        self.entries = fill_menu(menu, rest, lambda name, on: self._on_quantity(name))
        self.more.setMenu(menu)

    # ---- what it has ----

    def set_predictions(self, entries: Sequence[Entry], active_key: str | None) -> None:
        """(key, title, colour, prediction) of every column with a result, and the column whose steps are counted.

        The position is kept while the active prediction is the same, and when another column becomes the active one;
        a new result is looked at first. Curves of predictions that changed are taken away: `set_curves` comes after.
        """
        before, was_active = self._entries, self._active
        self._entries, self._active = {entry[0]: entry for entry in entries}, active_key
        same = {key for key, entry in self._entries.items() if key in before and before[key][3] is entry[3]}
        for key in self._entries:
            self._live.pop(key, None)
        self._curves = {key: curve for key, curve in self._curves.items() if key in same}
        if active_key == was_active and active_key in same:
            self._show_curves()
            return
        if not same or (active_key == was_active and active_key in before):
            self._t = None
        self._rebuild()
        self._announce()

    def set_curves(self, curves: Mapping[str, Curve], *, measuring: bool = False) -> None:
        """The chosen number of each kept step by key. A curve that does not fit the steps it came for is not drawn.

        `measuring`: what is missing is under way.
        """
        self._measuring = measuring
        self._curves = {key: tuple(curve) for key, curve in curves.items() if self._fits(key, curve)}
        self._show_curves()

    def set_live_step(self, key: str, live: LiveStep | None, total: int) -> None:
        """A step of a run that goes on, `total` in all; None ends the run and takes its pictures away."""
        if live is None:
            self._live.pop(key, None)
            self._rebuild_if_active(key)
            return
        changed = self._live.setdefault(key, LiveSteps()).add(live, total)
        if changed == "all":
            self._rebuild_if_active(key)
        elif changed != "nothing" and key == self._active and key not in self._entries:
            if changed == "one":
                self.strip.append(self._live_maker(live), step_label(live.axis, live.step))
            self._say_where()

    def set_active(self, key: str | None) -> None:
        """Count the steps of another column from now on; what is seen stays."""
        self.set_predictions(tuple(self._entries.values()), key)

    def set_slice(self, index: int) -> None:
        """Which slice the small pictures show."""
        if index != self._slice:
            self._slice = index
            self._fill_strip()

    def set_quantity(self, name: str) -> None:
        """Show another quantity without announcing it."""
        self._quantity = TABLE[name].name
        self._show_choice()
        self._fill_strip()

    def _show_choice(self) -> None:
        """Which button, or which entry of the menu, is in force."""
        entry = TABLE[self._quantity]
        self._buttons.get(entry.name, self.more).setChecked(True)
        shown = "More" if entry.name in BASIC else entry.title
        self.more.setText(f"{shown}\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}")  # room for the arrow
        for name, action in self.entries.items():
            with QSignalBlocker(action):
                action.setChecked(name == entry.name)

    def offer_bare_runs(self, on: bool) -> None:
        """Whether runs with FiLM off are wanted for what is shown."""
        self.bare_button.setVisible(on)

    def index(self) -> int | None:
        """The chosen kept step; None = the final result."""
        steps = self._steps()
        if self._t is None or not steps:
            return None
        return self._nearest(lambda step: step.t, self._t)

    def choose(self, index: int | None) -> None:
        """Go to a kept step, or to the final result, and announce it."""
        steps = self._steps()
        self._go_to(None if index is None or not 0 <= index < len(steps) else steps[index].t)

    def set_place(self, t: float | None) -> None:
        """Stand at `t` between noise (0) and mask (1) without announcing it; None = the final result."""
        self._t = t
        self._announced = self.index()
        self._place_slider()
        self._say_where()

    def _go_to(self, t: float | None) -> None:
        self._t = t
        self._place_slider()
        self._say_where()
        self._announce()

    def _nearest(self, place: Callable[[Step], float], wanted: float) -> int:
        steps = self._steps()
        return min(range(len(steps)), key=lambda index: abs(place(steps[index]) - wanted))

    def _announce(self) -> None:
        """Once for every step; not while the active column has none, so that the others stay where they are."""
        if self._prediction() is None and self._t is not None:
            return
        if self.index() != self._announced:
            self._announced = self.index()
            self.step_changed.emit(self._announced)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.strip.set_theme(theme)
        self.curve.set_theme(theme)
        for button in (*self._buttons.values(), self.more):
            button.setStyleSheet(button_style(theme))
        self.slider.setPalette(slider_palette(self.slider.palette(), theme))

    # ---- showing it ----

    def _prediction(self) -> Prediction | None:
        entry = self._entries.get(self._active) if self._active is not None else None
        return entry[3] if entry is not None else None

    def _steps(self) -> tuple[Step, ...]:
        prediction = self._prediction()
        return prediction.steps if prediction is not None else ()

    def _without_steps(self) -> bool:
        """One network call: nothing to scrub."""
        prediction = self._prediction()
        return prediction is not None and prediction.axis == "none"

    def _running(self) -> LiveSteps:
        shown = self._active is not None and self._prediction() is None
        return self._live.get(self._active or "", LiveSteps()) if shown else LiveSteps()

    def _rebuild_if_active(self, key: str) -> None:
        if key == self._active and key not in self._entries:
            self._rebuild()

    def _rebuild(self) -> None:
        """Everything anew for another active prediction."""
        entry = self._entries.get(self._active) if self._active is not None else None
        self.chip.set_colour(entry[2] if entry else self._theme.border)
        self.chip.setVisible(entry is not None)
        self.title.setText(entry[1] if entry else "Steps")
        self.slider.setVisible(bool(self._steps()))
        self.slider.setEnabled(not self._without_steps())
        self.slider.setToolTip(position_words(self._prediction(), None) if self._without_steps() else "")
        self._place_slider()
        self._name_state()
        self._fill_strip()
        self._show_curves()

    def _place_slider(self) -> None:
        """The slider where the position is; the last place is the final result."""
        steps, index = self._steps(), self.index()
        last = index is None or self._without_steps()
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, len(steps))
            self.slider.setValue(len(steps) if last else index or 0)

    def _name_state(self) -> None:
        button = self._buttons["state"]
        button.setText("Logits" if self._without_steps() else TABLE["state"].title)
        button.setToolTip(f"{LOGITS}: {_LOGITS_TIP}" if self._without_steps() else TABLE["state"].tip)

    def _fill_strip(self) -> None:
        entry = self._entries.get(self._active) if self._active is not None else None
        if entry is None:
            running = self._running().kept
            labels = [step_label(live.axis, live.step) for live in running]
            self.strip.set_makers([self._live_maker(live) for live in running], labels, self._theme.accent)
        else:
            prediction = entry[3]
            steps = () if self._without_steps() else prediction.steps
            makers = [self._maker(prediction, t) for t in (*(step.t for step in steps), None)]
            labels = [*(step_label(prediction.axis, step) for step in steps), "result" if not steps else "final"]
            self.strip.set_makers(makers, labels, entry[2])
        self._say_where()

    def _maker(self, prediction: Prediction, t: float | None) -> Callable[[], Frame]:
        return partial(frame_of, prediction, t, self._small(), None, self._slice)

    def _live_maker(self, live: LiveStep) -> Callable[[], Frame]:
        return partial(live_frame, live, self._small(), None, self._slice)

    def _small(self) -> Quantity:
        """What the small pictures show: the mask where a prediction alone does not make the quantity."""
        return self._quantity if TABLE[self._quantity].alone else "mask"

    def _say_where(self) -> None:
        running = self._running()
        self.where.setText(running.words() or position_words(self._prediction(), self.index()))
        known = self._prediction() is not None
        place = 0 if self._without_steps() else self.slider.value()
        self.strip.set_current(place if known else len(running.kept) - 1)
        self._show_marker()

    def _show_marker(self) -> None:
        steps, index = self._steps(), self.index()
        shown = index is not None and not self._without_steps()
        self.curve.set_place(self.curve.axis.place(steps[index or 0]) if shown else None)

    def _fits(self, key: str, curve: Curve) -> bool:
        return key in self._entries and len(self._entries[key][3].steps) == len(curve) > 0

    def _show_curves(self) -> None:
        axis = curve_axis(self._entries[key][3] for key in self._curves)
        curves = {}
        for key, values in self._curves.items():
            _, _, colour, prediction = self._entries[key]
            curves[key] = (colour, [axis.place(step) for step in prediction.steps], values)
        title = CURVES[self.curve_name]
        lacks = "is being measured" if self._measuring else "needs a reference"
        reason = f"{title} along the steps {lacks}." if self._entries else ""
        self.curve.show_curves(curves, reason, axis, counts=self.curve_name in COUNTS)
        self._show_marker()

    # ---- hands ----

    def _on_slider(self, value: int) -> None:
        if self._without_steps():
            self._place_slider()
        else:
            self.choose(value)

    def _on_thumbnail(self, position: int) -> None:
        if self._prediction() is not None and not self._without_steps():
            self.choose(position)

    def _on_place(self, place: float) -> None:
        """A place on the axis of the curves, for the active column the step nearest to it."""
        if self._steps() and not self._without_steps():
            self.choose(self._nearest(self.curve.axis.place, place))

    def _on_quantity(self, name: str) -> None:
        self.set_quantity(name)
        self.quantity_changed.emit(name)
