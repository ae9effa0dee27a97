"""The head of a column: whose result it is, its number, and everything about it that is not as trained."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLayout, QProgressBar, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.canvas.legend import WholeLabel
from app.panels.widgets.chips import Badge, BadgeKind, ColourChip
from app.panels.widgets.flow_layout import FlowLayout
from app.panels.widgets.progress import PlainProgressBar
from app.panels.widgets.text import ElidedLabel, PlainLabel, plain_tooltip, printable
from app.theme import Theme

UNLIMITED = 1 << 20


class ColumnHeader(QWidget):
    """Chip and name; what it is and its number; badges in as many lines as they need; progress while something runs."""

    close_requested = Signal()
    cancel_requested = Signal()
    room_changed = Signal()  # it needs another height

    def __init__(self, title: str, colour: str, theme: Theme, *, closable: bool = True) -> None:
        super().__init__()
        self._theme = theme
        self._badges: list[Badge] = []
        self._brief = Badge("", "loud", theme)  # for all loud ones where there is no room for each
        self.needed, self._least, self._floor, self._most = 0, 0, 0, UNLIMITED
        self._fitting = False
        self._tried: tuple[object, ...] = ()
        self.chip, self.title = ColourChip(colour), ElidedLabel(title, role="heading")
        # What it is gives way before a number is cut: half of `Dice 0.915` is another number.
        self.kind, self.summary = ElidedLabel("", role="muted", least=0), PlainLabel(role="heading")
        self.numbers = PlainLabel(role="muted", wrap=True)
        self._beside_chip, self._beside_name = ColourChip(colour), ElidedLabel("", role="heading", least=0)
        self._beside_numbers = WholeLabel("", role="heading")  # half of a number is another number
        self._said: tuple[object, ...] | None = None
        self.close_button = _tool_button("\N{MULTIPLICATION SIGN}", f"Close {title}", self.close_requested)
        self.cancel_button = _tool_button("Cancel", "Stop this run", self.cancel_requested)
        self.progress = PlainProgressBar()
        self._set_up(closable)

    def _set_up(self, closable: bool) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(8, 6, 8, 6)
        whole.setSpacing(4)
        self._beside, line = QWidget(), _line(self._beside_chip, self._beside_name, self._beside_numbers)
        line.setContentsMargins(0, 0, 0, 0)
        self._beside.setLayout(line)
        self._beside.hide()
        self._badge_area = QWidget()
        FlowLayout(self._badge_area)
        self._badge_area.hide()
        whole.addLayout(_line(self.chip, self.title, self.close_button))
        whole.addLayout(_line(self.kind, self.summary))
        whole.addWidget(self.numbers)
        whole.addWidget(self._beside)
        whole.addWidget(self._badge_area)
        whole.addLayout(_line(self.progress, self.cancel_button))
        whole.addStretch(1)
        for widget in (self.chip, self.close_button):
            widget.setVisible(closable)
        for part in (self.kind, self.summary, self.numbers):
            part.hide()
        self.show_progress(None, 0, "")
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_owner(self, title: str) -> None:
        """Whose column it is, whatever is seen in it: that is the one to close."""
        self.close_button.setToolTip(plain_tooltip(f"Close {title}"))

    def dress(
        self, title: str, colour: str, kind: str, summary: str, badges: Sequence[tuple[str, BadgeKind, str]]
    ) -> None:
        """Say whose result is seen below, which need not be the column's own for the moment."""
        said = (title, colour, kind, summary, tuple(badges))
        if said == self._said:
            return
        before, self._said = self._said, said
        self.title.setText(title)
        self.chip.set_colour(colour)
        self.set_kind(kind)
        self.set_summary(summary)
        if before is None or before[-1] != said[-1]:
            self.set_badges(badges)

    def keep_height(self, kept: bool) -> None:
        """Not become lower for now: what takes turns must stay where it is."""
        floor = self.needed if kept and not self._floor else self._floor if kept else 0
        if floor != self._floor:
            self._floor = floor
            self._keep_room()

    def set_beside(self, whose: tuple[str, str, str] | None) -> None:
        """Colour, name and numbers of the result that is seen right of the divider; None without one."""
        if whose is not None:
            colour, name, numbers = whose
            self._beside_chip.set_colour(colour)
            self._beside_name.setText(f"\N{BLACK RIGHT-POINTING SMALL TRIANGLE} {name}")
            self._beside_name.setToolTip(plain_tooltip(f"Right of the line: {name}\n{numbers}"))
            self._beside_numbers.setText(numbers.partition("\n")[0])
            self._beside.setAccessibleName(f"right: {name} {numbers}")
        if self._beside.isHidden() != (whose is None):
            self._beside.setVisible(whose is not None)
            self._keep_room()

    def beside_words(self) -> str:
        """What is said of the result right of the divider; empty without one."""
        return "" if self._beside.isHidden() else self._beside.accessibleName()

    def set_kind(self, text: str) -> None:
        """What the checkpoint is, in a few words: names of runs look alike."""
        self.kind.setText(text)
        self.kind.setVisible(bool(text))

    def set_summary(self, text: str) -> None:
        """The first line beside what it is, the others below."""
        first, _, others = text.partition("\n")
        self.summary.setText(first)
        self.summary.setVisible(bool(first))
        self.numbers.setText(others)
        if self.numbers.isHidden() == bool(others):
            self.numbers.setVisible(bool(others))
            self._keep_room()

    def set_badges(self, badges: Sequence[tuple[str, BadgeKind, str]]) -> None:
        """Replace all badges: (text, kind, tooltip) each."""
        layout = self._badge_area.layout()
        assert layout is not None
        for old in self._badges:
            layout.removeWidget(old)
            old.hide()
            old.deleteLater()
        layout.removeWidget(self._brief)
        self._badges = [Badge(text, kind, self._theme, tip=tip) for text, kind, tip in badges]
        for badge in (*self._badges, self._brief):
            layout.addWidget(badge)
            badge.setVisible(
                badge is not self._brief
            )  # Qt shows it a moment later; until then it would count as one that needs no room
        self._name_brief()
        self._badge_area.setVisible(bool(self._badges))
        self._badge_area.updateGeometry()  # or its height with the badges that are gone is remembered
        self._keep_room()

    def badge_texts(self) -> tuple[str, ...]:
        return tuple(badge.text() for badge in self._badges)

    def badges(self) -> tuple[Badge, ...]:
        return tuple(self._badges)

    def show_progress(self, done: int | None, total: int, text: str) -> None:
        """A bar of `done` of `total`; busy without a number when `total` is 0; no bar when `done` is None."""
        running = done is not None
        self.progress.setVisible(running)
        self.cancel_button.setVisible(running)
        self.progress.show_progress(done or 0, total, text)
        self._keep_room()

    def _keep_room(self) -> None:
        """Claim the height that all lines of badges need at this width, so that no layout can squeeze them."""
        layout = self.layout()
        if layout is None or self._fitting:
            return
        self._fitting = True  # hiding a badge resizes this, and would ask for the room again
        need = max(self._fitted_height(layout), self._floor)
        self._fitting = False
        self.setMinimumHeight(max(need, self._least))
        if need != self.needed:
            self.needed = need
            self.room_changed.emit()

    def _fitted_height(self, layout: QLayout) -> int:
        """The height with every badge, or where that is too much with one for all loud ones."""
        tried = (self.width(), self._most, self.progress.isHidden(), self.numbers.isHidden(), self._beside.isHidden())
        if self._brief.isHidden() or tried != self._tried:
            self._tried = tried
            self._gather(False)
            need = self._height_needed(layout)
            if need <= self._most or not self._gather(True):
                return need
        return self._height_needed(layout)

    def _height_needed(self, layout: QLayout) -> int:
        layout.activate()
        return layout.heightForWidth(self.width()) if layout.hasHeightForWidth() else layout.minimumSize().height()

    def _name_brief(self) -> None:
        words = [badge.text() for badge in self._badges if badge.kind == "loud"]
        self._brief.setText(f"{len(words)} \N{MULTIPLICATION SIGN} not as trained")
        self._brief.setToolTip(plain_tooltip("\n".join(words)))
        self._brief.setAccessibleName(printable(f"Not as trained: {'; '.join(words)}"))

    def _gather(self, brief: bool) -> bool:
        """Whether one badge takes the place of all loud ones, if that is wished and there are several."""
        loud = [badge for badge in self._badges if badge.kind == "loud"]
        brief = brief and len(loud) > 1
        if self._brief.isHidden() == brief:
            for badge in loud:
                badge.setVisible(not brief)
            self._brief.setVisible(brief)
            self._badge_area.updateGeometry()
        return brief

    def set_room(self, most: int) -> None:
        """How high the column lets it be: where that is too little for every badge, the loud ones become one."""
        if most != self._most:
            self._most = most
            self._keep_room()

    def set_least_height(self, height: int) -> None:
        """Be as high as the heads beside it: pictures that are compared lie at one height."""
        self._least = height
        self.setMinimumHeight(max(self.needed, height))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._keep_room()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for badge in (*self._badges, self._brief):
            badge.set_theme(theme)


def _line(*widgets: QWidget) -> QHBoxLayout:
    line = QHBoxLayout()
    line.setSpacing(6)
    for widget in widgets:
        line.addWidget(widget, 1 if isinstance(widget, (ElidedLabel, QProgressBar)) else 0)
    return line


def _tool_button(text: str, tip: str, signal: object) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(plain_tooltip(tip))
    button.setAccessibleName(printable(tip))
    button.setAutoRaise(text != "Cancel")
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must not take Space away from the picture
    button.clicked.connect(lambda: signal.emit())  # type: ignore[attr-defined]
    return button
