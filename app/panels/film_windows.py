"""Which window of the image is looked at: a number to type, and a strip with a field for each window to click."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSpinBox, QVBoxLayout, QWidget

from app.panels.film_controls import leave_the_wheel
from app.panels.widgets.text import PlainLabel

MOST_FIELDS = 64  # more could not be hit with a mouse
OTHERS_OPACITY = 60  # of 255


class WindowChoice(QWidget):
    """`window_chosen` carries the window, from 0; people see it counted from 1."""

    window_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spin, self.strip = QSpinBox(), WindowStrip()
        self.count, self.shared = PlainLabel(role="muted"), PlainLabel(role="muted", wrap=True)
        self.spin.setAccessibleName("Window")
        self.spin.setKeyboardTracking(False)
        leave_the_wheel(self, (self.spin,))
        line = QHBoxLayout()
        line.addWidget(PlainLabel("Window"))
        line.addWidget(self.spin)
        line.addWidget(self.count, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(line)
        for part in (self.strip, self.shared):
            column.addWidget(part)
        self.spin.valueChanged.connect(self._on_typed)
        self.strip.clicked.connect(lambda window: self.spin.setValue(window + 1))
        self.set_windows(0, shared=False)

    @property
    def window(self) -> int:
        """The window that is looked at, from 0."""
        return self.spin.value() - 1

    def set_windows(self, count: int, *, shared: bool) -> None:
        """`shared`: all of them were told the same. The one that is looked at stays, if there still is one."""
        self.spin.setRange(1, max(count, 1))
        self.spin.setEnabled(count > 1)
        self.count.setText(f"of {count}")
        self.strip.setVisible(1 < count <= MOST_FIELDS)
        self.strip.show_windows(count, self.window)
        self.shared.setText(f"All {count} windows share one condition.")
        self.shared.setVisible(shared)
        self.setVisible(count > 0)

    def _on_typed(self, number: int) -> None:
        self.strip.show_windows(self.strip.count, number - 1)
        self.window_chosen.emit(number - 1)


class WindowStrip(QWidget):
    """A row of fields, one for each window in the order in which they are run; the one looked at is filled."""

    clicked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.count, self.chosen = 0, 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Windows in the order in which they are run: across the first line, then the next")
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:
        return QSize(120, 16)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, 16)

    def show_windows(self, count: int, chosen: int) -> None:
        self.count, self.chosen = count, chosen
        self.update()

    def field(self, window: int) -> QRectF:
        """Where the field of a window lies."""
        width = self.width() / max(self.count, 1)
        gap = 2.0 if width > 6 else 0.5
        return QRectF(window * width, 1, max(width - gap, 1.0), self.height() - 2)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        where: QPoint = event.position().toPoint()
        if self.count and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(min(max(where.x() * self.count // max(self.width(), 1), 0), self.count - 1))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, other = QPainter(self), self.palette().windowText().color()
        other.setAlpha(OTHERS_OPACITY)
        for window in range(self.count):
            colour = self.palette().highlight().color() if window == self.chosen else other
            painter.fillRect(self.field(window), colour)
        painter.end()
