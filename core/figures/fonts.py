"""Letters for figures: a font that has them is looked for on this machine, and what no font has is said."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from PIL import ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Run = tuple[str, Font]
FIRST = ("DejaVuSans.ttf", "segoeui.ttf", "Helvetica.ttc", "NotoSans-Regular.ttf")
"""What plain text is set in, where there is one of them; else the letters that come with Pillow."""
OTHERS = ("nanumgothic", "notosanscjk", "notosanskr", "malgun", "applesdgothic", "unifont", "unbatang", "gulim")
"""Beginnings of the names of fonts with Korean letters, which are tried before all others."""
MOST_FONTS = 300
NOWHERE = "\U0010ffff"
"""A code point that never has a glyph: what a font draws for it, it draws for every letter that it lacks."""
INSTEAD = "?"


class Letters:
    """Text in one size. `missing` collects the letters that no font of this machine has; `?` is drawn for them."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.missing: set[str] = set()

    @property
    def line_height(self) -> int:
        return round(self.size * 1.35)

    def width(self, text: str) -> float:
        return sum(font.getlength(part) for part, font in self._runs(text))

    def draw(self, draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, colour: str) -> None:
        """Top left corner of the line `at` (x, y)."""
        x, y = at
        for part, font in self._runs(text):
            draw.text((x, y + self.size), part, fill=colour, font=font, anchor="ls")
            x += font.getlength(part)

    def elided(self, text: str, width: float) -> str:
        """`text`, with its end left out where it is too long."""
        if self.width(text) <= width:
            return text
        while text and self.width(f"{text}\N{HORIZONTAL ELLIPSIS}") > width:
            text = text[:-1]
        return f"{text}\N{HORIZONTAL ELLIPSIS}"

    def wrapped(self, text: str, width: float) -> list[str]:
        """Lines that are no wider than `width`, broken between words, and inside one that is too long."""
        lines = [""]
        for word in text.split():
            joined = f"{lines[-1]} {word}".strip()
            if self.width(joined) <= width:
                lines[-1] = joined
                continue
            lines += [word] if lines[-1] else []
            lines[-1] = word
            while self.width(lines[-1]) > width and len(lines[-1]) > 1:
                cut = next(n for n in range(len(lines[-1]) - 1, 0, -1) if n == 1 or self.width(lines[-1][:n]) <= width)
                lines[-1:] = [lines[-1][:cut], lines[-1][cut:]]
        return lines

    def _runs(self, text: str) -> list[Run]:
        """Pieces of `text`, each with a font that has its letters."""
        return list(_runs(text, self.size, self._found))

    def _found(self, letter: str) -> tuple[str, str]:
        """The letter and the file of its font; another letter where there is none."""
        font = font_with(letter)
        if font is None:
            self.missing.add(letter)
            return INSTEAD, _first()
        return letter, font


def _runs(text: str, size: int, found: object) -> Iterator[Run]:
    assert callable(found)
    pairs = [found(letter) for letter in text]
    for path, group in groupby(pairs, key=lambda pair: pair[1]):
        yield "".join(letter for letter, _ in group), _font(path, size)


@lru_cache(maxsize=4096)
def font_with(letter: str) -> str | None:
    """The file of a font that has a letter (empty: Pillow's own), or None. Spaces are in every font."""
    if letter.isspace() or _has(_first(), letter):
        return _first()
    return next((path for path in _fonts() if _has(path, letter)), None)


@lru_cache(maxsize=4096)
def _has(path: str, letter: str) -> bool:
    try:
        font = _font(path, 24)
        drawn, empty = (bytes(font.getmask(text)) for text in (letter, NOWHERE))
    except (OSError, ValueError):  # a file that FreeType cannot open is no font for us
        return False
    return drawn != empty


@lru_cache(maxsize=64)
def _font(path: str, size: int) -> Font:
    return ImageFont.truetype(path, size) if path else ImageFont.load_default(size)


@lru_cache(maxsize=1)
def _first() -> str:
    for name in FIRST:
        try:
            ImageFont.truetype(name, 12)
        except OSError:
            continue
        return name
    return ""


@lru_cache(maxsize=1)
def _fonts() -> tuple[str, ...]:
    """Font files of this machine, those with Korean letters first."""
    found = [str(path) for folder in _folders() for path in _font_files(folder)][: MOST_FONTS * 10]

    def rank(path: str) -> tuple[int, bool, str]:
        name = Path(path).name.lower().replace("-", "").replace("_", "")
        kinds = [number for number, start in enumerate(OTHERS) if name.startswith(start)]
        return kinds[0] if kinds else len(OTHERS), any(part in name for part in ("bold", "italic", "light")), path

    return tuple(sorted(found, key=rank)[:MOST_FONTS])


def _font_files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in {".ttf", ".otf", ".ttc"}:
                yield path


def _folders() -> tuple[Path, ...]:
    home = Path.home()
    if sys.platform == "win32":
        return (Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts",)
    if sys.platform == "darwin":
        return Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"
    return Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".local/share/fonts", home / ".fonts"
