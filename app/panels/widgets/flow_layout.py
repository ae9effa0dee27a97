"""A layout that sets widgets in lines like words, and asks for as much height as the lines need."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget


class FlowLayout(QLayout):
    """Items from left to right, on a new line when the line is full; an item wider than a line gets the whole line."""

    def __init__(self, parent: QWidget | None = None, *, spacing: int = 4) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setSpacing(spacing)
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:  # noqa: N802
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # noqa: N802
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:  # noqa: N802
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:  # noqa: N802
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:  # noqa: N802
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        return max((rect.bottom() + 1 for _, rect in self._places(QRect(0, 0, width, 0))), default=0)

    def setGeometry(self, rect: QRect) -> None:  # noqa: N802
        super().setGeometry(rect)
        for item, place in self._places(rect):
            item.setGeometry(place)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:  # noqa: N802
        """Height of one line: the true need follows from the width, see `heightForWidth`."""
        return QSize(24, max((item.sizeHint().height() for item in self._items if not item.isEmpty()), default=0))

    def _places(self, rect: QRect) -> Iterator[tuple[QLayoutItem, QRect]]:
        corner, line_height = rect.topLeft(), 0
        for item in self._items:
            if item.isEmpty():
                continue  # hidden: it takes no room, and no space beside it
            size = fitted(item, rect.width())
            if corner.x() > rect.left() and corner.x() + size.width() > rect.left() + rect.width():
                corner, line_height = QPoint(rect.left(), corner.y() + line_height + self.spacing()), 0
            yield item, QRect(corner, size)
            corner += QPoint(size.width() + self.spacing(), 0)
            line_height = max(line_height, size.height())


def fitted(item: QLayoutItem, width: int) -> QSize:
    """The size of `item` in a line of `width`: its own width if that fits, else the line and the height for it."""
    hint = item.sizeHint()
    given = min(hint.width(), width)
    height = item.heightForWidth(given) if item.hasHeightForWidth() else hint.height()
    return QSize(given, max(height, hint.height()))
