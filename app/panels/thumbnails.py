"""The strip of small pictures: one for each kept step and one for the final result, made a few at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QWidget

from app.canvas.colour_maps import argb, classify, colourise, fill_mask
from app.canvas.frame import Frame
from app.canvas.quantities import Scale
from app.theme import DARK, Theme

HEIGHT = 64
_GAP = 4
_FINEST = 4
"""Voxels per pixel of a small picture that are looked at, at most twice as many."""
_BATCH_S = 0.008
"""Small pictures are made for this long, then the window gets its turn."""

Maker = Callable[[], Frame]


def thumbnail(frame: Frame, colour: str) -> QImage:
    """`frame` as a picture `HEIGHT` high: its values in their colours, or its mask in `colour` on black."""
    plane = frame.values if frame.values is not None else frame.mask
    if plane is None:
        return QImage()
    coarse = max(1, min(plane.shape) // (_FINEST * HEIGHT))  # of a large picture every n-th voxel will do
    plane = plane[::coarse, ::coarse]
    pixels = np.empty(plane.shape, np.uint32)
    if frame.values is not None and isinstance(frame.scale, Scale):
        colourise(plane, frame.scale.low, frame.scale.high, frame.scale.colours, pixels)
    elif frame.values is not None and frame.scale is not None:
        classify(plane, [kind.colour for kind in frame.scale.kinds], pixels)
    else:
        fill_mask(plane, colour, pixels)
    pixels[pixels == 0] = argb("#000000")
    rows, columns = plane.shape
    whole = QImage(pixels.data, columns, rows, columns * 4, QImage.Format.Format_ARGB32_Premultiplied)
    width = min(max(round(HEIGHT * columns / rows), 16), 4 * HEIGHT)
    small = whole.scaled(
        width, HEIGHT, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
    return small.copy()  # not a view of `pixels`, even where nothing had to be scaled


class _Strip(QWidget):
    """The pictures side by side with a word below each; the chosen one has a frame."""

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[QImage | None] = []
        self.labels: list[str] = []
        self.current = -1
        self.theme = DARK
        self.cell = QSize(HEIGHT, HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def refit(self) -> None:
        """Take the size that all pictures need."""
        widest = max((picture.width() for picture in self.pictures if picture is not None), default=HEIGHT)
        words = max((self.fontMetrics().horizontalAdvance(label) for label in self.labels), default=0)
        self.cell = QSize(max(widest, words), HEIGHT + self.fontMetrics().height() + 2)
        self.setFixedSize(len(self.pictures) * (self.cell.width() + _GAP) + _GAP, self.cell.height() + 2 * _GAP)

    def place(self, index: int) -> QRect:
        return QRect(_GAP + index * (self.cell.width() + _GAP), _GAP, self.cell.width(), self.cell.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        for index, picture in enumerate(self.pictures):
            place = self.place(index)
            if place.intersects(event.rect()):
                self._paint_one(painter, place, picture, self.labels[index], index == self.current)
        painter.end()

    def _paint_one(self, painter: QPainter, place: QRect, picture: QImage | None, label: str, current: bool) -> None:
        above = QRect(place.left(), place.top(), place.width(), HEIGHT)
        if picture is None:
            painter.fillRect(above, QColor(self.theme.surface_alt))
        else:
            painter.drawImage(above.left() + (above.width() - picture.width()) // 2, above.top(), picture)
        painter.setPen(QColor(self.theme.text if current else self.theme.muted))
        below = QRect(place.left(), above.bottom() + 2, place.width(), place.height() - HEIGHT - 1)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, label)
        if current:
            painter.setPen(QColor(self.theme.accent))
            for ring in (1, 2):
                painter.drawRect(place.adjusted(-ring, -ring, ring - 1, ring - 1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = (int(event.position().x()) - _GAP // 2) // (self.cell.width() + _GAP)
        if 0 <= index < len(self.pictures):
            self.chosen.emit(index)


class ThumbnailStrip(QScrollArea):
    """Pictures are made in short turns, those in sight first, so that fifty steps cost no pause."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._strip = _Strip()
        self._strip.chosen.connect(self.chosen)
        self._makers: list[Maker] = []
        self._colour = "#ffffff"
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._make_some)
        self.setWidget(self._strip)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._refit()

    def set_makers(self, makers: Sequence[Maker], labels: Sequence[str], colour: str) -> None:
        """Forget all pictures and begin again: `makers` give the frames when their turn comes."""
        self._makers, self._colour = list(makers), colour
        self._strip.pictures, self._strip.labels = [None] * len(self._makers), list(labels)
        self._strip.current = -1
        self._refit()
        if self._makers:
            self._timer.start()

    def append(self, maker: Maker, label: str) -> None:
        """One more picture at the end, made at its turn."""
        self._makers.append(maker)
        self._strip.pictures.append(None)
        self._strip.labels.append(label)
        self._refit()
        self._timer.start()

    def set_current(self, index: int) -> None:
        """Frame the picture at `index` and bring it in sight; -1 frames none."""
        self._strip.current = index
        self._bring_in_sight()
        self._strip.update()

    def _bring_in_sight(self) -> None:
        if 0 <= self._strip.current < len(self._makers):
            place = self._strip.place(self._strip.current)
            self.ensureVisible(place.center().x(), place.center().y(), place.width(), 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._bring_in_sight()

    def set_theme(self, theme: Theme) -> None:
        self._strip.theme = theme
        self._strip.update()

    def made(self) -> int:
        """How many pictures exist already."""
        return sum(picture is not None for picture in self._strip.pictures)

    def _next(self) -> int | None:
        missing = [index for index, picture in enumerate(self._strip.pictures) if picture is None]
        seen = self.horizontalScrollBar().value() + self.viewport().width() / 2
        return min(missing, key=lambda index: abs(self._strip.place(index).center().x() - seen), default=None)

    def _make_some(self) -> None:
        """Make pictures until the turn is over; at least one, so that it ends."""
        until, first = time.perf_counter() + _BATCH_S, self.made() == 0
        while (index := self._next()) is not None:
            self._strip.pictures[index] = thumbnail(self._makers[index](), self._colour)
            if time.perf_counter() > until:
                break
        else:
            self._timer.stop()
        if first:
            self._refit()
        self._strip.update()

    def _refit(self) -> None:
        self._strip.refit()
        self._bring_in_sight()  # the pictures are wider than they were thought to be
        self.setFixedHeight(self._strip.height() + self.horizontalScrollBar().sizeHint().height())
