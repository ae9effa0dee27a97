"""PNG and TIFF: a mask as 0 and 255, a probability in 16 bits (65,535 = 1); a volume as the pages of a TIFF."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from core.errors import ImageRefused
from core.images.intake import shown
from core.images.outgoing import Outgoing
from core.records import Array

FULL_16 = 65_535


def levels(out: Outgoing, path: Path) -> Array:
    """What the picture holds, (slices, rows, columns) uint8 or uint16. Raises ImageRefused for more than two labels."""
    if out.is_probability:
        return np.rint(out.values.astype(np.float64) * FULL_16).astype(np.uint16)
    low, high = int(out.values.min()), int(out.values.max())
    if low < 0 or high > 1:
        raise ImageRefused(
            f"{shown(path)}: a picture of a mask holds 0 and 1, and there are labels from {low} to {high}. "
            "Write .nii.gz to keep them all, or one mask for each."
        )
    return out.values.astype(np.uint8) * np.uint8(255)


def one_slice(volume: Array, path: Path) -> Array:
    """(rows, columns) of a volume of one slice. Raises ImageRefused."""
    if volume.shape[0] != 1:
        raise ImageRefused(
            f"{shown(path)}: a PNG holds one slice, and this volume has {volume.shape[0]}. Write .nii.gz or .tif."
        )
    return np.asarray(volume[0])


def save_png(picture: Array, part: Path, remark: str = "") -> None:
    """`remark` under the keyword that the format has for it."""
    said = PngInfo()
    if remark:
        said.add_text("Description", remark)
    Pillow.fromarray(picture).save(part, format="PNG", pnginfo=said)


def save_tiff(pages: Array, part: Path, remark: str = "") -> None:
    """One page for each slice, compressed without loss; `remark` is the ImageDescription of each."""
    pictures = [Pillow.fromarray(np.ascontiguousarray(page)) for page in pages]
    said = {"description": remark} if remark else {}
    pictures[0].save(
        part, format="TIFF", compression="tiff_adobe_deflate", save_all=True, append_images=pictures[1:], **said
    )
