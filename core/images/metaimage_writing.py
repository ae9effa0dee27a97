"""MetaImage files (.mha): text header and compressed voxels in one file."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from core.images.nrrd_writing import write_compressed
from core.images.outgoing import Outgoing
from core.text import one_line

LONGEST = 250
"""Characters of a comment: MetaIO keeps it in 255 bytes."""
TYPES = {"u1": "MET_UCHAR", "i2": "MET_SHORT", "i4": "MET_INT", "f4": "MET_FLOAT"}


def save_metaimage(out: Outgoing, part: Path) -> None:
    """Without an affine nothing is said of direction and origin; other programs then take the usual ones."""
    values, packed = out.stored(), io.BytesIO()
    write_compressed(packed.write, values, gzip=False)
    lines = [
        "ObjectType = Image",
        *([f"Comment = {one_line(out.remark, LONGEST)}"] if out.remark else []),
        "NDims = 3",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        "CompressedData = True",
        f"CompressedDataSize = {packed.tell()}",
        *_geometry(out),
        "DimSize = " + " ".join(str(length) for length in reversed(values.shape)),
        f"ElementType = {TYPES[values.dtype.str[1:]]}",
        "ElementDataFile = LOCAL",
    ]
    with part.open("wb") as handle:
        handle.write(("\n".join(lines) + "\n").encode("ascii", "replace"))
        handle.write(packed.getbuffer())


def _geometry(out: Outgoing) -> list[str]:
    affine = out.affine_lps()
    if affine is None:
        return [] if out.spacing_mm is None else [f"ElementSpacing = {_words(reversed(out.spacing_mm))}"]
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    return [
        f"TransformMatrix = {_words((affine[:3, :3] / spacing).T.ravel())}",  # one axis of the image after the other
        f"Offset = {_words(affine[:3, 3])}",
        "CenterOfRotation = 0 0 0",
        f"ElementSpacing = {_words(spacing)}",
    ]


def _words(numbers: Iterable[float]) -> str:
    """With all digits, so that the numbers read back are the same."""
    return " ".join(repr(float(number) + 0.0) for number in numbers)
