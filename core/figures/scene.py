"""A picture of an animation: columns side by side, each with its name and what is not as trained; the axis below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from core.errors import FigureRefused
from core.figures import colours
from core.figures.fonts import Letters
from core.figures.moments import Look, is_labels, limits, look, widest_words
from core.images.sections import Section
from core.records import AnimationOptions, Array, FigureColumn, Image, LabelMap
from core.text import one_line

BACKGROUND, TEXT, MUTED, WARNING = "#16191D", "#F2F4F6", "#A9B2BC", "#FFC857"
GAP, MARGIN, NARROWEST = 12, 12, 240
NAME_LENGTH = 120
LARGEST = 8192
"""Pixels along a side of a picture: no player shows more."""
NICE = (1, 2, 5, 10, 20, 50, 100, 200, 500)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Layout:
    """Where things are, in pixels. `head`: height of the words over a picture; `width` of a column."""

    picture: tuple[int, int]
    width: int
    head: int
    notes: tuple[tuple[tuple[str, str], ...], ...]
    """Of each column, the lines under its caption, each with its colour."""
    size: tuple[int, int]


class Scene:
    """Draws one moment after the other. What does not change (the image, the reference, the words) is made once."""

    def __init__(
        self,
        columns: Sequence[FigureColumn],
        image: Image,
        reference: LabelMap | None,
        section: Section,
        options: AnimationOptions,
    ) -> None:
        self._columns, self._image, self._section, self._options = columns, image, section, options
        self._steps = _pixel_steps(section, options.scale)
        _check_size(round(section.columns * self._steps[1]), round(section.rows * self._steps[0]))
        self._low, self._high = options.window or _range(image.voxels)
        self._grey = self._base()
        self._reference = self._reference_plane(reference)
        self._line = max(1, round(options.scale * 0.75))
        picture_width = self._grey.shape[1]
        self.letters = Letters(int(np.clip(picture_width / 26, 12, 22)))
        self._layout = self._measured()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, both even: video is coded in blocks of two."""
        return self._layout.size

    @property
    def pictures(self) -> tuple[tuple[int, int, int, int], ...]:
        """Left, top, width and height of the picture of each column."""
        width, height = self._layout.picture
        return tuple(
            (self._left(number) + (self._layout.width - width) // 2, MARGIN + self._layout.head, width, height)
            for number in range(len(self._columns))
        )

    @property
    def colours(self) -> tuple[str, ...]:
        """Those of the masks, in order, then that of the reference."""
        return *dict.fromkeys(column.colour for column in self._columns), self._options.reference_colour

    @property
    def opacity(self) -> float:
        return self._options.opacity

    @property
    def mapped(self) -> bool:
        """Whether values are drawn in colours rather than the mask over the image."""
        return self._options.quantity == "probability"

    def draw(self, t: float | None, done: float) -> Pillow.Image:
        """RGB picture of the moment `t` (None: the final result), `done` of 1 along the axis below."""
        canvas = Pillow.new("RGB", self.size, BACKGROUND)
        draw = ImageDraw.Draw(canvas)
        for number, (column, box) in enumerate(zip(self._columns, self.pictures, strict=True)):
            seen = look(column.prediction, t, self._section, self._options)
            canvas.paste(Pillow.fromarray(self._picture(column, seen)), box[:2])
            self._write_head(draw, number, column, seen.words)
        self._write_foot(draw, t, done)
        return canvas

    # ---- pictures ----------------------------------------------------------------------------------------------------

    def _base(self) -> Array:
        plane = self._section.picture(self._image.voxels)
        shades = self._enlarged(colours.levels(plane, self._low, self._high))
        base: Array = colours.grey()[255 - shades if self._options.inverted else shades]
        return base

    def _reference_plane(self, reference: LabelMap | None) -> Array | None:
        if reference is None or reference.labels.shape != self._image.voxels.shape:
            return None
        return self._enlarged(self._section.union(reference.labels, lambda some: some != 0))

    def _enlarged(self, plane: Array) -> Array:
        """Each pixel a block: nothing is made up between two of them."""
        down, across = self._steps
        rows = np.arange(max(1, round(plane.shape[0] * down))) / down
        places = np.arange(max(1, round(plane.shape[1] * across))) / across
        taken: Array = plane[_inside(rows, plane.shape[0])][:, _inside(places, plane.shape[1])]
        return taken

    def _picture(self, column: FigureColumn, seen: Look) -> Array:
        colour = colours.rgb(column.colour)
        mask = None if seen.mask is None else self._enlarged(seen.mask)
        if seen.values is None:
            picture = self._grey.copy()
            if mask is not None:
                colours.blend(picture, mask, colour, self._options.opacity)
        else:
            table = colours.viridis() if self._options.quantity == "probability" else colours.grey()
            picture = table[self._enlarged(colours.levels(seen.values, seen.low, seen.high))]
        if mask is not None:
            picture[colours.border(mask, self._line)] = colour
        if self._reference is not None:
            # Around the reference, where the outline of a mask lies inside: where both agree, both are seen.
            outside = colours.border(~self._reference, max(1, self._line // 2))
            picture[outside] = colours.rgb(self._options.reference_colour)
        return picture

    # ---- words -------------------------------------------------------------------------------------------------------

    def _measured(self) -> _Layout:
        height, width = self._grey.shape[:2]
        letters, line = self.letters, self.letters.line_height
        spoken = max(letters.width(words) for item in self._columns for words in widest_words(item.prediction))
        column = max(width, NARROWEST, round(spoken) + 8)
        notes = tuple(self._notes(item, column) for item in self._columns)
        head = line * (2 + max(map(len, notes))) + 6
        full = 2 * MARGIN + len(self._columns) * column + (len(self._columns) - 1) * GAP
        foot = 14 + line * len(self._foot_lines(full - 2 * MARGIN)) + line
        tall = 2 * MARGIN + head + height + foot
        _check_size(full, tall)
        size = full + full % 2, tall + tall % 2
        return _Layout(picture=(width, height), width=column, head=head, notes=notes, size=size)

    def _notes(self, column: FigureColumn, width: int) -> tuple[tuple[str, str], ...]:
        """Protocol, and everything that is not as trained, in full."""
        prediction = column.prediction
        said = "" if is_labels(prediction) else prediction.settings.protocol
        lines = [(line, MUTED) for line in self.letters.wrapped(said, width)]
        for item in prediction.deviations:
            lines += [(line, WARNING) for line in self.letters.wrapped(f"\N{BLACK DIAMOND} {item.label}", width)]
        return tuple(lines)

    def _left(self, number: int) -> int:
        return MARGIN + number * (self._layout.width + GAP)

    def _write_head(self, draw: ImageDraw.ImageDraw, number: int, column: FigureColumn, words: str) -> None:
        letters, x, y = self.letters, self._left(number), MARGIN
        square = round(letters.size * 0.7)
        draw.rectangle((x, y + letters.size * 0.35, x + square, y + letters.size * 0.35 + square), fill=column.colour)
        name = letters.elided(one_line(column.name, NAME_LENGTH), self._layout.width - square - 6)
        for text, colour in ((name, TEXT), (words, TEXT), *self._layout.notes[number]):
            letters.draw(draw, (x + (square + 6 if text is name else 0), y), text, colour)
            y += letters.line_height

    def _write_foot(self, draw: ImageDraw.ImageDraw, t: float | None, done: float) -> None:
        letters, (width, _), top = self.letters, self.size, MARGIN + self._layout.head + self._layout.picture[1] + 8
        draw.rectangle((MARGIN, top, width - MARGIN, top + 3), fill="#3A424B")
        draw.rectangle((MARGIN, top, MARGIN + (width - 2 * MARGIN) * done, top + 3), fill=TEXT)
        y = float(top + 8)
        for line in self._foot_lines(width - 2 * MARGIN):
            letters.draw(draw, (MARGIN, y), line, MUTED)
            y += letters.line_height
        self._write_legend(draw, y)

    def _foot_lines(self, width: int) -> list[str]:
        section, many = self._section, self._section.slices > 1
        where = f"slice {section.index + 1} of {section.slices}" if many else ""
        window = f"window {self._low:.4g} to {self._high:.4g} {self._image.unit}".strip()
        parts = [
            one_line(self._image.name, NAME_LENGTH),
            where,
            section.place if many else "",
            window,
            self._map_words(),
        ]
        return self.letters.wrapped("  \N{MIDDLE DOT}  ".join(filter(None, parts)), width)

    def _map_words(self) -> str:
        """What the map of values runs over, where one is drawn."""
        quantity = self._options.quantity
        if quantity == "mask":
            return ""
        ends = {limits(item.prediction, quantity) for item in self._columns}
        name = "viridis" if quantity == "probability" else "black to white"
        return f"{quantity}, {name}: " + " or ".join(f"{low:g} to {high:g}" for low, high in sorted(ends))

    def _write_legend(self, draw: ImageDraw.ImageDraw, y: float) -> None:
        """What the colours mean; at the right, how long a piece of the picture is."""
        letters, x = self.letters, float(MARGIN)
        outline = self._options.quantity != "mask"
        entries: list[tuple[tuple[str, ...], str, bool]] = []
        entries += [] if self._reference is None else [((self._options.reference_colour,), "reference", True)]
        if self._options.quantity != "state" or any(item.prediction.axis == "none" for item in self._columns):
            entries.insert(0, (self.colours[:-1], "mask", outline))
        length, words = self._scale_bar()
        right = self.size[0] - MARGIN - letters.width(words)
        for shown, said, hollow in entries:
            if x + len(shown) * letters.size + letters.width(said) > right - length - 20:
                break
            for colour in shown:
                box = (x, y + letters.size * 0.35, x + letters.size * 0.75, y + letters.size * 1.1)
                draw.rectangle(box, outline=colour, width=2, fill=None if hollow else colour)
                x += letters.size
            letters.draw(draw, (x + 2, y), said, MUTED)
            x += letters.width(said) + 20
        middle = y + letters.size * 0.7
        draw.line((right - 6 - length, middle, right - 6, middle), fill=TEXT, width=3)
        letters.draw(draw, (right, y), words, TEXT)

    def _scale_bar(self) -> tuple[int, str]:
        """Length on the picture in pixels of a round number of millimetres (or pixels of the image), and the words."""
        spacing, unit = self._spacing(), "px"
        across = self._steps[1]
        if spacing is not None:
            across, unit = across / spacing, "mm"
        most = self._layout.picture[0] / 3 / across
        nice = max((number for number in NICE if number <= most), default=NICE[0])
        return round(nice * across), f"{nice} {unit}"

    def _spacing(self) -> float | None:
        """Millimetres from pixel to pixel across; None where the picture is not to scale."""
        if self._image.spacing_mm is None or self._section.scaled != "yes":
            return None
        return float(self._image.spacing_mm[self._section.cut.columns])


def _pixel_steps(section: Section, scale: float) -> tuple[float, float]:
    """Pixels of the picture per pixel of the section, down and across: none is smaller than `scale`."""
    return (scale * section.aspect, scale) if section.aspect >= 1 else (scale, scale / section.aspect)


def _check_size(width: int, height: int) -> None:
    if max(width, height) > LARGEST:
        raise FigureRefused(
            f"The animation would be {width} x {height} pixels or more, and no more than {LARGEST} are drawn along a "
            "side. Choose a smaller scale or fewer columns."
        )


def _inside(places: Array, length: int) -> Array:
    taken: Array = np.minimum(places.astype(np.int64), length - 1)
    return taken


def _range(voxels: Array) -> tuple[float, float]:
    """Lowest and highest value that is a number."""
    finite = voxels[np.isfinite(voxels)] if voxels.dtype.kind == "f" else voxels
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
