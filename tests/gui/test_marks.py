"""Words over a low picture make way for the letters that say where left and right are."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter
from pytestqt.qtbot import QtBot

from app.canvas.marks import Marks, fitting, paint_marks

WORDS = ("Axial", "Orientation unknown: as stored", "No spacing: square pixels")


def painted(height: int, marks: Marks) -> QImage:
    image = QImage(160, height, QImage.Format.Format_RGB32)
    image.fill(0)
    painter = QPainter(image)
    paint_marks(painter, marks, None, image.rect(), QColor("white"))
    painter.end()
    return image


@pytest.mark.parametrize("height", [30, 60, 76, 100, 140])
def test_no_word_lies_over_a_letter(qtbot: QtBot, height: int) -> None:
    letters, below = ("R", "L", "A", "P"), ("Slice 28/54", "Radiological")
    alone, whole = (
        painted(height, Marks(edges=letters)),
        painted(height, Marks(edges=letters, above=WORDS, below=below)),
    )
    middle = QRect(0, height // 2 - 8, 160, 16)
    assert whole.copy(middle) == alone.copy(middle)


def test_where_there_is_room_every_word_is_written(qtbot: QtBot) -> None:
    font = QFont()
    font.setPixelSize(12)
    metrics = QFontMetrics(font)
    assert fitting(WORDS, QRect(0, 0, 400, 300), metrics) == list(WORDS)
    assert fitting(WORDS, QRect(0, 0, 400, 19 + 2 * metrics.lineSpacing()), metrics) == ["Axial"]
    assert fitting(WORDS, QRect(0, 0, 400, 10), metrics) == []
