"""NIfTI-1 files of masks and probabilities."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from core.images.orientation import stored_order
from core.images.outgoing import Outgoing

DESCRIPTION_BYTES = 79
"""Of `descrip`, whose 80th is the end of the text."""
COMMENT = "comment"
"""nibabel's name for header extension 6, plain text of any length."""


def save_nifti(out: Outgoing, part: Path) -> None:
    """The affine goes to the sform alone: the qform's quaternion has 32 bits, is up to 0.3 mm off in a large image, and
    cannot shear. Without an affine both codes are 0 (unknown), so that no reader makes up a left and a right."""
    nibabel: Any = import_module("nibabel")

    voxels, affine = stored_order(out.stored(), out.affine)
    image = nibabel.Nifti1Image(voxels, np.eye(4) if affine is None else affine)
    if affine is None:
        image.header.set_zooms(tuple(reversed(out.spacing_mm or (1.0, 1.0, 1.0))))
        image.set_sform(None, code=0)
        image.set_qform(None, code=0)
        image.header.set_xyzt_units("unknown" if out.spacing_mm is None else "mm")
    else:
        image.set_sform(affine, code="scanner")
        image.set_qform(affine, code=0)
        image.header.set_xyzt_units("mm")
    _describe(image.header, out.remark)
    nibabel.save(image, part)


def _describe(header: Any, remark: str) -> None:
    """In the field that every viewer shows, and whole in an extension where that field is too short or too plain."""
    if not remark:
        return
    plain = remark.encode("ascii", "replace")
    header["descrip"] = plain[:DESCRIPTION_BYTES]
    if len(plain) > DESCRIPTION_BYTES or not remark.isascii():
        extension: Any = import_module("nibabel.nifti1").Nifti1Extension
        header.extensions.append(extension(COMMENT, remark.encode()))
