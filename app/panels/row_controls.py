"""What lies below one another in each column, in the bar over the pictures."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QMenu, QToolButton, QWidget

from app.canvas.quantities import TABLE
from app.items import CASE_ROWS, MOST_ROWS, ROW_MODES, ROW_NAMES, Rows
from app.panels.quantity_menu import fill_menu
from app.panels.widgets.text import PlainLabel, plain_tooltip

_TIP = (
    "Planes: as the layout of a volume says. Quantities: several at once, each in a row of its own.\n"
    f"Cases: {CASE_ROWS} of the library at once; a click on one makes it the active case."
)


class RowControls(QWidget):
    """The kind of rows, and which quantities when they are these."""

    changed = Signal(object)  # dict of fields of Rows

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = Rows()
        self.mode, self.which = QComboBox(), QToolButton()
        for mode in ROW_MODES:
            self.mode.addItem(ROW_NAMES[mode], mode)
        self.mode.setAccessibleName("Rows")
        self.mode.setToolTip(plain_tooltip(_TIP))
        self.mode.activated.connect(lambda _: self.changed.emit({"mode": self.mode.currentData()}))
        self.which.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.which.setAccessibleName("Quantities in the rows")
        self.which.setToolTip(plain_tooltip(f"Which quantities, at most {MOST_ROWS}, in the order of choice"))
        menu = QMenu(self.which)
        self.entries = fill_menu(menu, TABLE, self._on_toggled)
        self.which.setMenu(menu)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for widget in (PlainLabel("Rows", role="muted"), self.mode, self.which):
            row.addWidget(widget)
            widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.show_rows(self._rows)

    def show_rows(self, rows: Rows) -> None:
        self._rows = rows
        with QSignalBlocker(self.mode):
            self.mode.setCurrentIndex(self.mode.findData(rows.mode))
        for name, action in self.entries.items():
            with QSignalBlocker(action):
                action.setChecked(name in rows.quantities)
        names = ", ".join(TABLE[name].title.lower() for name in rows.quantities)
        self.which.setText(f"{names}\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}")  # room for the arrow
        self.which.setVisible(rows.mode == "quantities")

    def _on_toggled(self, name: str, on: bool) -> None:
        others = tuple(known for known in self._rows.quantities if known != name)
        self.changed.emit({"quantities": (*others, name) if on else others})
