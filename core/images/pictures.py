"""PNG, JPEG, TIFF, BMP, GIF and PPM through Pillow, decoded as the producers' loaders decode them.

They take the array as stored (spec evaluation 2.2): no mode conversion, palette images give palette numbers, the first
channel of several. Colours are kept beside it for display.
"""

from __future__ import annotations

import re
import struct
import warnings
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from core.errors import ImageRefused
from core.images.intake import shown
from core.images.png_check import depth_of, has_all_pixels
from core.images.raster import MAX_VOXELS, Raster, note, warning
from core.records import Array, Finding

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "PPM")
MAX_PIXELS = 100_000_000
ORIENTATION_TAG = 0x0112
# Pillow's own guard, set to our cap; `_check_size` is what decides, since Pillow only warns below twice its limit.
Pillow.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("error", category=Pillow.DecompressionBombWarning)
# Remarks about damaged metadata: nobody reads them on stderr, and the pixels are checked.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

TOO_LARGE: tuple[type[Exception], ...] = (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning)
DAMAGED: tuple[type[Exception], ...] = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    AttributeError,
    AssertionError,
    EOFError,
    RuntimeError,
    struct.error,
    zlib.error,
    UserWarning,  # only where someone has made warnings errors, as our tests do
)
"""What a decoder of damaged bytes may raise. 20,000 seeded mutants raised OSError and ValueError only (Pillow 13.0)."""


def read_picture(handle: BinaryIO, path: Path, kind: str, frame: int = 0) -> Raster:
    """One frame of a picture, or all pages of a TIFF as slices when they are alike.

    Raises ImageRefused: damaged, cut short, or over 100 million pixels.
    """
    name = shown(path)
    try:
        with Pillow.open(handle, formats=FORMATS) as picture:
            _check_size(picture, name)
            findings = _check_png(handle, name) if kind == "png" else ()
            return _pages(picture, _decoded(picture, name, kind, findings, frame), name, kind)
    except TOO_LARGE as error:
        raise ImageRefused(_too_large(name, _claimed(error))) from error
    except MemoryError as error:
        raise ImageRefused(f"{name}: there is not enough memory to decode the picture. Close other images.") from error
    except UnidentifiedImageError as error:
        raise ImageRefused(_damaged(name, f"it begins like a {kind.upper()} file but its header is invalid")) from error
    except DAMAGED as error:
        raise ImageRefused(_damaged(name, str(error) or type(error).__name__)) from error


def _check_size(picture: Pillow.Image, name: str) -> None:
    columns, rows = picture.size
    if columns * rows > MAX_PIXELS:
        raise ImageRefused(_too_large(name, f"{columns} x {rows}"))
    if columns * rows == 0:
        raise ImageRefused(f"{name}: the picture is empty (size {columns} x {rows}). Export it again.")


def _check_png(handle: BinaryIO, name: str) -> tuple[Finding, ...]:
    """Refuse a PNG with missing pixels, and say when bits are lost; the handle stays where Pillow left it."""
    position = handle.tell()
    if not has_all_pixels(handle):
        raise ImageRefused(_damaged(name, "its pixel data end early or do not decompress"))
    found = _depth_finding(handle, name)
    handle.seek(position)
    return found


def _decoded(picture: Pillow.Image, name: str, kind: str, findings: tuple[Finding, ...], frame: int) -> Raster:
    if frame:
        _turn_to(picture, frame, name)
    picture.load()
    stored = np.asarray(picture)  # (rows, columns) or (rows, columns, channels)
    bands = picture.getbands()
    findings = (*_band_findings(picture, stored, name), *findings, *_orientation_finding(picture, name))
    colour = _colours(picture) if len(bands) > 1 or picture.mode == "P" else None
    values = (stored[..., 0] if stored.ndim == 3 else stored)[np.newaxis]  # (1, rows, columns)
    values = np.array(values)
    frames, more = _frames(picture, name)  # last: counting frames moves the file on
    return Raster(
        values=values, kind=kind, picture=True, colour=colour, findings=findings + more, frame=frame, frames=frames
    )


def _turn_to(picture: Pillow.Image, frame: int, name: str) -> None:
    count = int(getattr(picture, "n_frames", 1))
    if not 0 <= frame < count:
        raise ImageRefused(f"{name} has {count} frames, numbered from 0: there is no frame {frame}.")
    picture.seek(frame)
    _check_size(picture, name)


def _pages(picture: Pillow.Image, first: Raster, name: str, kind: str) -> Raster:
    """A TIFF whose pages are all grey and of one size and depth is a stack of slices; any other is a film."""
    if kind != "tiff" or first.frames == 1 or first.frame != 0 or first.colour is not None:
        return first
    shape, dtype = first.values.shape[1:], first.values.dtype
    if first.frames * first.values.size > MAX_VOXELS:
        raise ImageRefused(_too_large(name, f"{first.frames} x {shape[1]} x {shape[0]}"))
    slices: Array = np.empty((first.frames, *shape), dtype)
    for page in range(first.frames):
        picture.seek(page)
        if picture.size != (shape[1], shape[0]):
            return first
        stored = np.asarray(picture)
        if stored.shape != shape or stored.dtype != dtype:
            return first
        slices[page] = stored
    findings = tuple(finding for finding in first.findings if finding.code != "image.first-frame")
    found = note("image.pages", f"{name}: its {first.frames} pages are shown as slices; their spacing is not stated.")
    return replace(first, values=slices, frames=1, findings=(*findings, found))


def _colours(picture: Pillow.Image) -> Array | None:
    """(rows, columns, 3) uint8 for display; None for a grey picture whose second channel is transparency."""
    if picture.mode in ("LA", "La"):
        return None
    if picture.mode == "P":  # by way of RGBA: Pillow warns when a palette's transparency is dropped
        return np.array(picture.convert("RGBA"), dtype=np.uint8)[..., :3]
    return np.array(picture.convert("RGB"), dtype=np.uint8)


def _band_findings(picture: Pillow.Image, stored: Array, name: str) -> tuple[Finding, ...]:
    bands = picture.getbands()
    found: list[Finding] = []
    if picture.mode == "P":
        found.append(
            warning(
                "image.palette",
                f"{name} is a palette picture: as in the producers' code, a network gets palette numbers, not colours.",
                "If the numbers mean nothing, save it as a grey picture.",
            )
        )
    colours = [band for band in bands if band not in ("A", "a", "P")]
    if len(colours) > 1:
        found.append(_first_channel(stored, colours, name))
    if bands[-1] in ("A", "a") or "transparency" in picture.info:
        found.append(note("image.alpha-ignored", f"{name} has transparency, which is ignored."))
    return tuple(found)


def _first_channel(stored: Array, bands: list[str], name: str) -> Finding:
    which = {"R": "red", "C": "cyan"}.get(bands[0], bands[0])
    message = (
        f"{name} is a colour picture ({', '.join(bands)}): a network gets its first channel ({which}), as in the "
        "producers' code for XCA. Their code for other data sets takes grey pictures only."
    )
    if bands != ["R", "G", "B"]:
        return warning("image.first-channel", message, "Save the picture as grey to choose the channel yourself.")
    if (stored[..., 0] == stored[..., 1]).all() and (stored[..., 0] == stored[..., 2]).all():
        message = f"{name} is a grey picture stored as RGB: its first channel is used, the others are equal to it."
    return note("image.first-channel", message)


def _depth_finding(handle: BinaryIO, name: str) -> tuple[Finding, ...]:
    """Pillow reduces PNGs with 16 bits in several channels to 8; grey ones keep their 16."""
    depth, samples = depth_of(handle)
    if depth == 16 and samples > 1:
        return (
            warning(
                "image.depth-reduced",
                f"{name} has 16 bits per channel, of which 8 are read.",
                "Save it as a 16-bit grey picture to keep them.",
            ),
        )
    return ()


def _orientation_finding(picture: Pillow.Image, name: str) -> tuple[Finding, ...]:
    try:
        orientation: Any = picture.getexif().get(ORIENTATION_TAG, 1)
    except DAMAGED:  # a broken EXIF block does not spoil the pixels
        return ()
    if orientation in (0, 1):
        return ()
    return (
        warning(
            "image.exif-orientation",
            f"{name} carries a camera tag that asks to turn it (EXIF orientation {orientation}); it is shown "
            "as stored, as the producers' code reads it.",
            "Turn it and save it again if it lies on its side.",
        ),
    )


def _frames(picture: Pillow.Image, name: str) -> tuple[int, tuple[Finding, ...]]:
    try:
        frames = int(getattr(picture, "n_frames", 1))
    except DAMAGED + TOO_LARGE:  # the first frame is whole; what follows is not shown anyway
        message = f"{name}: only the first frame is shown; what follows it is damaged."
        return 1, (warning("image.first-frame", message, "Copy it again if you need the other frames."),)
    if frames <= 1:
        return 1, ()
    message = f"{name} holds {frames} frames; one is shown at a time, first the first."
    return frames, (note("image.first-frame", message),)


def _too_large(name: str, size: str) -> str:
    limit = f"{MAX_PIXELS // 10**6} million"
    return f"{name}: the picture is too large: it claims {size} pixels (limit {limit}). Crop it or save it smaller."


def _claimed(error: Exception) -> str:
    """The number in Pillow's "Image size (3600000000 pixels) exceeds limit", which is all that it tells."""
    number = re.search(r"\d+", str(error))
    return f"{int(number[0]):,}" if number else "far more"


def _damaged(name: str, why: str) -> str:
    return f"{name}: the picture is damaged or incomplete ({why.rstrip('.')}). Copy or export it again."
