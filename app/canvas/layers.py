"""What one result lays over the image: values, a fill and an outline, of which only a part of the view may be seen."""

from __future__ import annotations

from PySide6.QtGui import QPainterPath

from app.canvas.colour_maps import classify, colourise, fill_mask
from app.canvas.hatching import Hatching
from app.canvas.items import OutlineItem, PixelItem
from app.canvas.quantities import Classes, Scale
from core.records import Array


class ResultLayers:
    """The three items of one result. Two of these lie in each view: the second is seen beside a divider."""

    def __init__(self, colour: str) -> None:
        self.map_item, self.mask_item, self.outline_item = PixelItem(), PixelItem(), OutlineItem(colour)
        self._colour = colour

    def show_map(self, values: Array | None, scale: Scale | Classes | None) -> None:
        """Values (rows, columns) as an opaque picture over the image, or classes, some of them transparent; None takes
        it away."""
        if values is None or scale is None:
            self.map_item.hide()
        elif isinstance(scale, Classes):
            colours = [kind.colour for kind in scale.kinds]
            striped = [
                Hatching(values, number, kind.colour, kind.hatch)
                for number, kind in enumerate(scale.kinds)
                if kind.hatch
            ]
            self.map_item.show_pixels(values, lambda some, out: classify(some, colours, out), striped)
        else:
            low, high, name = scale.low, scale.high, scale.colours
            self.map_item.show_pixels(values, lambda some, out: colourise(some, low, high, name, out))

    def show_mask(self, mask: Array | None, colour: str, opacity: float) -> None:
        """A bool mask (rows, columns) as a transparent fill; None takes it away."""
        if mask is None:
            self.mask_item.hide()
            return
        self.mask_item.setOpacity(opacity)
        self.mask_item.show_pixels(mask, lambda some, out: fill_mask(some, colour, out))

    def show_outline(self, path: QPainterPath | None, colour: str) -> None:
        """The path of `outline_path`; None takes it away."""
        if colour != self._colour:
            self._colour = colour
            self.outline_item.set_colour(colour)
        self.outline_item.hide() if path is None else self.outline_item.show_path(path)

    def set_part(self, left: float | None, right: float | None) -> None:
        """Only what lies between two x in voxels is seen; None = no limit on that side."""
        for item in self.items():
            item.set_part(left, right)

    def hide(self) -> None:
        for item in self.items():
            item.hide()

    def items(self) -> tuple[PixelItem, PixelItem, OutlineItem]:
        """From bottom to top."""
        return self.map_item, self.mask_item, self.outline_item
