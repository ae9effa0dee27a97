"""Stripes over the voxels of a class: on the screen always of one width, so that a single voxel shows its own."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QBitmap, QBrush, QColor, QImage, QPainter, QPainterPath, QRegion

from core.records import Array

SLOPES = {"/": Qt.BrushStyle.BDiagPattern, "\\": Qt.BrushStyle.FDiagPattern}
_DARKER = 300
_FROM = 3.0
"""Screen pixels per voxel from which a stripe in a voxel is more than a speck."""


class Hatching:
    """The voxels of `codes` (rows, columns) that are `number`, striped in a darker shade of `colour`."""

    def __init__(self, codes: Array, number: int, colour: str, hatch: str) -> None:
        self._codes, self._number = codes, number
        self._colour, self._slope = QColor(colour).darker(_DARKER), SLOPES[hatch]
        self._path: QPainterPath | None = None

    def paint(self, painter: QPainter) -> None:
        """In voxel coordinates, a voxel around each whole number."""
        if painter.worldTransform().m11() < _FROM:
            return
        if self._path is None:
            self._path = path_of(self._codes == self._number)
        back, _ = painter.deviceTransform().inverted()
        brush = QBrush(self._colour, self._slope)
        brush.setTransform(back)
        painter.fillPath(self._path, brush)


def path_of(mask: Array) -> QPainterPath:
    """The sides of the voxels that hold, as one path."""
    bits = np.packbits(mask, axis=1, bitorder="little")
    rows, width = bits.shape[0], bits.shape[1]
    padded = np.zeros((rows, -(-width // 4) * 4), np.uint8)
    padded[:, :width] = bits
    image = QImage(padded.data, mask.shape[1], rows, padded.shape[1], QImage.Format.Format_MonoLSB)
    image.setColorTable([QColor("white").rgb(), QColor("black").rgb()])
    path = QPainterPath()
    path.addRegion(QRegion(QBitmap.fromImage(image)))
    return path.translated(-0.5, -0.5)
