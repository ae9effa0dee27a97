"""Two columns held against one another in the place of the active one: swipe, blink, and while a key is held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.items import Comparison

if TYPE_CHECKING:
    from app.canvas.column_row import ColumnRow

MIDDLE = 0.5


class Comparing(QObject):
    """Decides which column shows another one's result, and how much of it."""

    def __init__(self, row: ColumnRow) -> None:
        super().__init__(row)
        self._row = row
        self._wanted = Comparison()
        self._other: str | None = None
        self._held = self._turned = False
        self._divider_at = MIDDLE
        self._clock = QTimer(self)
        self._clock.timeout.connect(self._turn)

    def compare(self, wanted: Comparison, other: str | None) -> None:
        """Hold column `other` against the active one from now on; None = there is no other."""
        if wanted.mode != self._wanted.mode:
            self._turned = False
        self._wanted, self._other = wanted, other
        if wanted.mode == "blink" and other is not None:
            self._clock.setInterval(round(1000 / wanted.per_second))
            if not self._clock.isActive():
                self._clock.start()
        else:
            self._clock.stop()
        self.refresh()

    def hold(self, held: bool) -> None:
        """The other column's result in the place of the active one's, while it lasts."""
        if held != self._held:
            self._held = held
            self.refresh()

    def move_divider(self, at: float) -> None:
        """To this part of the width of each view."""
        self._divider_at = at
        self.refresh()

    def refresh(self) -> None:
        """Another column is active, or one is gone."""
        lead, columns = self._row.active(), self._row.columns()
        other = columns.get(self._other) if self._other != lead and self._other is not None else None
        whole = self._held or (self._wanted.mode == "blink" and self._turned)
        beside = self._wanted.mode == "swipe" and not self._held
        for key, column in columns.items():
            if key == lead and other is not None and (whole or beside):
                column.show_guest(other, self._divider_at if beside else None)
            else:
                column.show_guest(None)

    def _turn(self) -> None:
        self._turned = not self._turned
        self.refresh()
