"""What each part of FiLM does: a line for each variant, with its numbers beside those of the run as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont

from app.item_models.measurements import RIGHT, TITLES, value_text
from app.items import FilmEffect, FilmVariant
from app.panels.widgets.text import plain_tooltip, printable
from core.records import NO_VALUE, MetricValue

HEADERS = ("Run", "Dice", "Pixels", "Mean |\N{GREEK CAPITAL LETTER DELTA}p|")
TIPS = (
    "",
    "Against the reference mask of the case",
    "How many pixels of the mask changed against the run as it is now; hold the mouse over a line for more",
    "Mean absolute change of the probability against the run as it is now",
)
NOW = "\N{BLACK RIGHT-POINTING TRIANGLE} "
MINUS = "\N{MINUS SIGN}"
Index = QModelIndex | QPersistentModelIndex
Line = tuple[FilmVariant, FilmEffect | None]


class EffectTable(QAbstractTableModel):
    """Lines that are the settings of the column as they are now are marked."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lines: tuple[Line, ...] = ()

    def set_lines(self, lines: Sequence[Line]) -> None:
        same = [variant for variant, _ in lines] == [variant for variant, _ in self._lines]
        if same:  # the selection stays
            self._lines = tuple(lines)
            if lines:
                self.dataChanged.emit(self.index(0, 0), self.index(len(lines) - 1, len(HEADERS) - 1))
            return
        self.beginResetModel()
        self._lines = tuple(lines)
        self.endResetModel()

    def variant(self, row: int) -> FilmVariant | None:
        return self._lines[row][0] if 0 <= row < len(self._lines) else None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(HEADERS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        variant, effect = self._lines[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return cells(variant, effect)[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(f"{variant.title}\n{self._tip(effect)}")
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() > 0:
            return RIGHT
        if role == Qt.ItemDataRole.FontRole and variant.now:
            font = QFont()
            font.setBold(True)
            return font
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADERS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section > 0:
            return RIGHT
        return plain_tooltip(TIPS[section]) if role == Qt.ItemDataRole.ToolTipRole else None

    def text(self) -> str:
        """The table as lines of tab-separated text, for the clipboard, where there is room for every measure, and for
        what is not as trained in each line."""
        measured = [effect.measurement.values for _, effect in self._lines if effect and effect.measurement]
        names = [value.name for value in measured[0] if value.name != "dice"] if measured else []
        rows = [(*HEADERS, *(TITLES.get(name, name) for name in names), "Not as trained")]
        for variant, effect in self._lines:
            values = [value_text(_value(effect, name)) if effect else "" for name in names]
            labels = "; ".join(effect.labels) or NO_VALUE if effect and not effect.failure else ""
            rows.append((*cells(variant, effect), *values, labels))
        return "\n".join("\t".join(row) for row in rows)

    def _tip(self, effect: FilmEffect | None) -> str:
        if effect is None:
            return "Not measured yet"
        if effect.failure is not None:
            return effect.failure.text()
        return "\n".join([*_pixels(effect), *_measures(effect, self._lines[0][1])])


def cells(variant: FilmVariant, effect: FilmEffect | None) -> tuple[str, ...]:
    """One line as text; a dash for what does not exist."""
    title = printable(f"{NOW if variant.now else ''}{variant.title}")
    if effect is None:
        return (title, "", "", "")
    if effect.failure is not None:
        return (title, "failed", NO_VALUE, NO_VALUE)
    change = effect.difference
    assert change is not None, "an effect that did not fail has a difference"
    dice = value_text(_value(effect, "dice"))
    return (title, dice, f"{change.pixels:,}", f"{change.mean_change:.4f}")


def _pixels(effect: FilmEffect) -> list[str]:
    change = effect.difference
    if change is None:
        return []
    return [
        f"{change.share:.2%} of the pixels changed: {change.appeared:,} appeared, {change.vanished:,} vanished",
        f"Largest change of the probability: {change.largest_change:.3f}",
    ]


def _measures(effect: FilmEffect, first: FilmEffect | None) -> list[str]:
    """All measures, each with how far it is from that of the run as it is now."""
    if effect.measurement is None:
        return ["The case has no reference mask to measure against"]
    lines = []
    for value in effect.measurement.values:
        before = _value(first, value.name) if first else None
        lines.append(f"{TITLES.get(value.name, value.name)}: {value_text(value)}{_moved(before, value)}")
    return lines


def _moved(before: MetricValue | None, now: MetricValue) -> str:
    if before is None or before.value is None or now.value is None or before.value == now.value:
        return ""
    by = now.value - before.value
    return f" ({'+' if by > 0 else MINUS}{abs(by):.3f})"


def _value(effect: FilmEffect | None, name: str) -> MetricValue | None:
    values = effect.measurement.values if effect and effect.measurement else ()
    return next((value for value in values if value.name == name), None)
