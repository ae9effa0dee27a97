"""NIfTI-1 files of masks and probabilities."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from core.images.orientation import stored_order
from core.images.outgoing import Outgoing


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
    nibabel.save(image, part)
