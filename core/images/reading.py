"""`read_image`: one door for every image file, by content."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.errors import ImageRefused
from core.images.arrays import read_npy
from core.images.intake import open_image, shown
from core.images.intensities import value_findings
from core.images.nifti import read_nifti
from core.images.pictures import read_picture
from core.images.raster import Raster
from core.images.sniffing import NAMES, PICTURES, SNIFFED_BYTES, kind_of
from core.records import Image, frozen_array

BY_EXTENSION = {
    ".nii": "a NIfTI image",
    ".gz": "a compressed NIfTI image",
    ".npy": "a NumPy array",
    ".dcm": "a DICOM file",
    ".png": "a PNG picture",
    ".jpg": "a JPEG picture",
    ".jpeg": "a JPEG picture",
    ".tif": "a TIFF picture",
    ".tiff": "a TIFF picture",
    ".bmp": "a BMP picture",
    ".gif": "a GIF picture",
    ".ppm": "a PPM picture",
    ".nrrd": "an NRRD image",
    ".mha": "a MetaImage file",
    ".mhd": "a MetaImage file",
}


def read_image(path: Path | str) -> Image:
    """The image as a person sees it, values as stored: `voxels` (slices, rows, columns) float32, no transposition.

    A colour picture gives its first channel (what the producers' networks get) and its colours for display; `findings`
    says so, and warns of constant, NaN or turned pictures and of NIfTI files without usable geometry. Raises
    ImageRefused for what is not an image, is damaged, too large, or of a kind that this version does not read.
    """
    path = Path(path)
    raster = read_raster(path)
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and the finding says so
        voxels = frozen_array(raster.values, np.float32)
    return Image(
        voxels=voxels,
        name=path.name,
        path=str(path),
        affine=None if raster.affine is None else frozen_array(raster.affine, np.float64),
        spacing_mm=raster.spacing_mm,
        colour=None if raster.colour is None else frozen_array(raster.colour),
        findings=raster.findings + value_findings(voxels, shown(path)),
    )


def read_raster(path: Path) -> Raster:
    """The file's array and grid, by content. Raises ImageRefused."""
    with open_image(path) as (handle, size):
        kind = kind_of(handle.read(SNIFFED_BYTES))
        handle.seek(0)
        if kind in PICTURES:
            return read_picture(handle, path, str(kind))
        if kind == "npy":
            return read_npy(handle, path, size)
        if kind in ("nifti", "nifti-gz"):
            return read_nifti(handle, path, size, compressed=kind == "nifti-gz")
    raise ImageRefused(_not_read(path, kind))


def _not_read(path: Path, kind: str | None) -> str:
    if kind in NAMES:
        return (
            f"{shown(path)} is of the kind {NAMES[kind]}; this version of Flowglass does not read its header and "
            "pixel data yet. Convert it to NIfTI (.nii.gz) or PNG."
        )
    if path.suffix.lower() in BY_EXTENSION:
        return (
            f"{shown(path)} is not {BY_EXTENSION[path.suffix.lower()]}, though its name says so: the content is "
            "unrecognised or damaged. Copy or export it again."
        )
    return (
        f"{shown(path)} is not an image that Flowglass recognises. "
        "It reads PNG, JPEG, TIFF, BMP, GIF, PPM, NIfTI and .npy files."
    )
