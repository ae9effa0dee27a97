"""The two lines below a picture: what is shown, in words, and what its colours mean."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.canvas.colour_maps import table
from app.canvas.quantities import Classes, Kind, Scale
from app.panels.widgets.chips import ColourChip
from app.panels.widgets.text import ElidedLabel
from app.theme import Theme

_GAP = 6


class ScaleBar(QWidget):
    """A strip of the colour map between its two end values; ≤ and ≥ say that values beyond an end look like the end."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scale: Scale | None = None
        self._border = QColor("#888888")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(150, self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        """The words at the ends stay whole; the strip between them gives way."""
        words = sum(self.fontMetrics().horizontalAdvance(end) for end in self.ends())
        return QSize(words + 3 * _GAP, self.fontMetrics().height())

    def set_border(self, colour: str) -> None:
        self._border = QColor(colour)

    def set_scale(self, scale: Scale | None) -> None:
        self._scale = scale
        self.updateGeometry()
        self.setVisible(scale is not None)
        self.setAccessibleName("Colours from " + " to ".join(self.ends()))
        self.update()

    def ends(self) -> tuple[str, str]:
        """The words at the two ends."""
        if self._scale is None:
            return "", ""
        low, high = f"{self._scale.low:g}".replace("-", "\N{MINUS SIGN}"), f"{self._scale.high:g}"
        return (f"\u2264 {low}", f"\u2265 {high}") if self._scale.clipped else (low, high)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._scale is None:
            return
        painter, (low, high) = QPainter(self), self.ends()
        left, right = (self.fontMetrics().horizontalAdvance(end) + _GAP for end in (low, high))
        bar = QRect(left, 2, self.width() - left - right, self.height() - 5)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, low)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, high)
        if bar.width() >= _GAP:
            colours = table(self._scale.colours)
            painter.drawImage(bar, QImage(colours.tobytes(), 256, 1, 1024, QImage.Format.Format_RGB32))
            painter.setPen(self._border)
            painter.drawRect(bar)
        painter.end()


class ClassKeys(QWidget):
    """A chip and its words for each class of a picture of classes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kinds: tuple[Kind, ...] = ()
        self._labels: list[WholeLabel] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(6)
        self.hide()

    def set_kinds(self, kinds: Sequence[Kind]) -> None:
        """Those with words are named. Where only words changed, as the counts of a step, nothing is made anew."""
        before, self._kinds = self._kinds, tuple(kinds)
        if self._kinds == before:
            return
        named = [kind for kind in self._kinds if kind.words]
        if [_look(kind) for kind in named] != [_look(kind) for kind in before if kind.words]:
            self._make(named)
        for label, kind in zip(self._labels, named, strict=True):
            label.setText(kind.words)
        self.setVisible(bool(self._kinds))

    def _make(self, named: Sequence[Kind]) -> None:
        while (item := self._row.takeAt(0)) is not None:
            widget = item.widget()
            widget.hide()
            widget.deleteLater()
        self._labels = [WholeLabel(kind.words) for kind in named]
        for label, kind in zip(self._labels, named, strict=True):
            self._row.addWidget(ColourChip(kind.colour or "#00000000", hatch=kind.hatch))
            self._row.addWidget(label)

    def words(self) -> tuple[str, ...]:
        """What is named, in order."""
        return tuple(kind.words for kind in self._kinds if kind.words)


def _look(kind: Kind) -> tuple[str, str]:
    return kind.colour, kind.hatch


class Footer(QWidget):
    """Caption above, legend below. Always two lines high, so that the picture keeps its place while one scrubs."""

    def __init__(self, colour: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.caption, self.scale_bar = _Caption(), ScaleBar()
        self._mask_chip, self._mask_name = ColourChip(colour), WholeLabel("Mask")
        self._line_chip, self._line_name = ColourChip(theme.reference, line=True), WholeLabel("Reference")
        self.classes = ClassKeys()
        below = QHBoxLayout()
        below.setSpacing(6)
        for widget in (
            self.scale_bar,
            self.classes,
            self._mask_chip,
            self._mask_name,
            self._line_chip,
            self._line_name,
        ):
            below.addWidget(widget)
        below.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(8, 4, 8, 4)
        whole.setSpacing(2)
        whole.addWidget(self.caption)
        whole.addLayout(below)
        self.setFixedHeight(2 * self.fontMetrics().height() + 12)
        self.describe("", None, mask=False, reference=False)

    def describe(self, caption: str, scale: Scale | Classes | None, *, mask: bool, reference: bool) -> None:
        """Say what is shown: `mask` the fill or outline of the result, `reference` the outline of the reference."""
        self.caption.setText(caption)
        self.scale_bar.set_scale(scale if isinstance(scale, Scale) else None)
        self.classes.set_kinds(scale.kinds if isinstance(scale, Classes) else ())
        for widget in (self._mask_chip, self._mask_name):
            widget.setVisible(mask)
        for widget in (self._line_chip, self._line_name):
            widget.setVisible(reference)

    def set_colour(self, colour: str) -> None:
        self._mask_chip.set_colour(colour)

    def set_theme(self, theme: Theme) -> None:
        self.scale_bar.set_border(theme.border)
        self._line_chip.set_colour(theme.reference)


class WholeLabel(ElidedLabel):
    """A word beside its chip: whole, or in a narrow column not at all. It gives way before a number does."""

    def __init__(self, text: str, role: str = "") -> None:
        super().__init__(text, role=role, least=0)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)

    def shown_text(self) -> str:
        shown = super().shown_text()
        return shown if shown == self.text() else ""


class _Caption(ElidedLabel):
    """What is shown, in words. In a narrow column the quantity goes first, which its button names too: half of
    `noise 0.71` is another number."""

    def shown_text(self) -> str:
        whole, room = self.text(), self.contentsRect().width()
        _, _, where = whole.partition(" \N{MIDDLE DOT} ")
        if where and self.fontMetrics().horizontalAdvance(whole) > room >= self.fontMetrics().horizontalAdvance(where):
            return where
        return super().shown_text()
