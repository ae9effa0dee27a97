"""What an answer was read as: one line for each thing that was asked, with its level in words and how likely it is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from app.panels.passport_parts import BreakingLabel
from app.panels.widgets.text import PlainLabel, plain_tooltip
from core.records import AnswerField

UNREAD = "could not be read"


class FieldTable(QWidget):
    """Name, level, probability; the tooltip of a line lists all levels."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        self._shown: tuple[AnswerField, ...] = ()
        self.hide()

    def set_fields(self, fields: Sequence[AnswerField]) -> None:
        if tuple(fields) == self._shown:
            return
        self._shown = tuple(fields)
        clear(self._grid)
        for row, field in enumerate(fields):
            self._add(row, field)
        self.setVisible(bool(fields))

    def texts(self) -> list[tuple[str, str, str]]:
        """Name, level and probability as shown, line by line."""
        return [(field.name, field.chosen or UNREAD, percent(chance(field))) for field in self._shown]

    def _add(self, row: int, field: AnswerField) -> None:
        name = BreakingLabel(field.name, role="muted", wrap=True)
        level = BreakingLabel(field.chosen or UNREAD, wrap=True)
        bar, number = ProbabilityBar(chance(field)), PlainLabel(percent(chance(field)))
        number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        for column, part in enumerate((name, level, bar, number)):
            part.setToolTip(plain_tooltip(levels_text(field)))
            self._grid.addWidget(part, row, column, Qt.AlignmentFlag.AlignTop)


class ProbabilityBar(QWidget):
    """A probability as a length; none at all when there is no number."""

    def __init__(self, value: float | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.value = value
        self.setFixedSize(self.sizeHint())
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(56, 16)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, box = QPainter(self), QRectF(0.5, 4.5, self.width() - 1, self.height() - 9)
        painter.setPen(self.palette().mid().color())
        painter.drawRect(box)
        if self.value is not None:
            length = box.width() * min(max(self.value, 0.0), 1.0)
            painter.fillRect(QRectF(box.left(), box.top(), length, box.height()), self.palette().highlight())
        painter.end()


def chance(field: AnswerField) -> float | None:
    """The probability of the level that was chosen; None when there is no such level or no number for it."""
    if field.chosen not in field.levels:
        return None
    position = field.levels.index(field.chosen)
    return field.probabilities[position] if position < len(field.probabilities) else None


def percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f} %"


def levels_text(field: AnswerField) -> str:
    """All levels of a field, each with its probability."""
    pairs = zip(field.levels, field.probabilities, strict=False)
    return "\n".join([f"{field.name}:", *(f"{level}: {100 * value:.1f} %" for level, value in pairs)])


def clear(layout: QGridLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.setParent(None)
            widget.deleteLater()
