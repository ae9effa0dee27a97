"""How a training run is drawn: two lines, so that name, score, status, data set and date fit a narrow dock."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QIcon, QPainter
from PySide6.QtWidgets import QApplication, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.item_models.library import ICON_PX
from app.item_models.run_words import STAR
from app.item_models.runs import RunRole
from app.theme import Theme

Index = QModelIndex | QPersistentModelIndex
GAP, PAD, LEADING, INDENT_PX = 6, 3, 1, 14
# Hangul and Han come from another font, which is higher than the line: it must not be cut.
LINE = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip | Qt.TextFlag.TextSingleLine


class RunDelegate(QStyledItemDelegate):
    """Sign and name, and the star at the end of the line; below the score, and in grey what else is known."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        lines = 1 if index.parent().isValid() else 2
        return QSize(160, lines * _line_height(option) + 2 * PAD)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        _background(painter, option, index)
        line = option.rect.adjusted(PAD, PAD, -PAD, -PAD)
        paint = _paint_checkpoint if index.parent().isValid() else _paint_run
        paint(painter, option, line, index, _inks(option, self.theme))
        painter.restore()


def _background(painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
    """Selection, hover and focus as the style draws them."""
    panel = QStyleOptionViewItem(option)
    panel.text, panel.icon = "", QIcon()
    style = option.widget.style() if option.widget is not None else QApplication.style()
    style.drawControl(QStyle.ControlElement.CE_ItemViewItem, panel, painter, option.widget)


def _line_height(option: QStyleOptionViewItem) -> int:
    return option.fontMetrics.lineSpacing() + LEADING


@dataclass(frozen=True, slots=True)
class _Inks:
    plain: QColor
    muted: QColor
    star: QColor


def _inks(option: QStyleOptionViewItem, theme: Theme) -> _Inks:
    """Of the theme, not of the palette: a style sheet makes its placeholder colour half transparent."""
    if option.state & QStyle.StateFlag.State_Selected:
        return _Inks(*[QColor(theme.accent_text)] * 3)
    return _Inks(QColor(theme.text), QColor(theme.muted), QColor(theme.accent))


def _paint_run(painter: QPainter, option: QStyleOptionViewItem, area: QRect, index: Index, inks: _Inks) -> None:
    height = _line_height(option)
    first = QRect(area.left(), area.top(), area.width(), height)
    icon = index.data(Qt.ItemDataRole.DecorationRole)
    icon.paint(painter, QRect(first.left(), first.center().y() - ICON_PX // 2 + 1, ICON_PX, ICON_PX))
    text = first.adjusted(ICON_PX + GAP, 0, 0, 0)
    second = text.translated(0, height)
    if index.data(RunRole.PICKED):
        text = _at_right(painter, text, STAR, option.font, inks.star)
    title = inks.muted if index.data(RunRole.DIM) else inks.plain
    _write(painter, text, index.data(), option.font, title, middle=True)
    if index.data(RunRole.SCORE):
        second = _at_left(painter, second, index.data(RunRole.SCORE), _bold(option.font), inks.plain)
    _write(painter, second, index.data(RunRole.DETAILS), option.font, inks.muted)


def _paint_checkpoint(painter: QPainter, option: QStyleOptionViewItem, area: QRect, index: Index, inks: _Inks) -> None:
    area = area.adjusted(ICON_PX + GAP - INDENT_PX, 0, 0, 0)  # under the name of its run
    if index.data(RunRole.PICKED):
        area = _at_right(painter, area, STAR, option.font, inks.star)
    size, metrics = index.data(RunRole.DETAILS), option.fontMetrics
    if metrics.horizontalAdvance(index.data()) + GAP + metrics.horizontalAdvance(size) <= area.width():
        area = _at_right(painter, area, size, option.font, inks.muted)
    _write(painter, area, index.data(), option.font, inks.plain, middle=True)


def _bold(font: QFont) -> QFont:
    bold = QFont(font)
    bold.setWeight(QFont.Weight.DemiBold)
    return bold


def _at_right(painter: QPainter, area: QRect, text: str, font: QFont, colour: QColor) -> QRect:
    """Write `text` whole at the right end, and return what is left of the line."""
    return area.adjusted(0, 0, -_whole(painter, area, text, font, colour, Qt.AlignmentFlag.AlignRight) - GAP, 0)


def _at_left(painter: QPainter, area: QRect, text: str, font: QFont, colour: QColor) -> QRect:
    """The same at the left end."""
    return area.adjusted(_whole(painter, area, text, font, colour, Qt.AlignmentFlag.AlignLeft) + GAP, 0, 0, 0)


def _whole(painter: QPainter, area: QRect, text: str, font: QFont, colour: QColor, side: Qt.AlignmentFlag) -> int:
    """Write `text` without cutting it; returns how wide it is."""
    painter.setFont(font)
    painter.setPen(colour)
    painter.drawText(area, side | LINE, text)
    return painter.fontMetrics().horizontalAdvance(text)


def _write(painter: QPainter, area: QRect, text: str, font: QFont, colour: QColor, *, middle: bool = False) -> None:
    """Write `text` in the room there is; the end of a name tells more than its middle."""
    mode = Qt.TextElideMode.ElideMiddle if middle else Qt.TextElideMode.ElideRight
    painter.setFont(font)
    shown = painter.fontMetrics().elidedText(text, mode, area.width())
    _whole(painter, area, shown, font, colour, Qt.AlignmentFlag.AlignLeft)
