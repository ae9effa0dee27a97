"""`read_image`: one door for every image file, by content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.errors import ImageRefused
from core.images.arrays import read_npy, read_npz
from core.images.dicom import read_dicom
from core.images.dicom_series import read_series_files, read_series_folder
from core.images.gipl import read_gipl
from core.images.intake import open_image, shown
from core.images.intensities import value_findings
from core.images.metaimage import read_metaimage
from core.images.mgh import read_mgh
from core.images.nifti import read_nifti, read_pair
from core.images.nrrd import read_nrrd
from core.images.pictures import read_picture
from core.images.raster import Raster
from core.images.sniffing import NAMES, PICTURES, SNIFFED_BYTES, kind_of
from core.images.turning import turned_in_place
from core.records import Array, Image, Series, frozen_array

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
    ".npz": "an archive of NumPy arrays",
    ".mgh": "an MGH image",
    ".mgz": "a compressed MGH image",
    ".gipl": "a GIPL image",
    ".hdr": "a NIfTI or Analyze header",
}


Reader = Callable[[BinaryIO, Path, int, int], Raster]
READERS: dict[str, Reader] = {
    "npy": lambda handle, path, size, frame: _single(read_npy(handle, path, size), frame, path),
    "npz": lambda handle, path, size, frame: _single(read_npz(handle, path, size), frame, path),
    "nifti": lambda handle, path, size, frame: read_nifti(handle, path, size, compressed=False, frame=frame),
    "nifti-gz": lambda handle, path, size, frame: read_nifti(handle, path, size, compressed=True, frame=frame),
    "nifti-pair": lambda handle, path, size, frame: read_pair(path, frame),
    "analyze": lambda handle, path, size, frame: read_pair(path, frame),
    "mgh": lambda handle, path, size, frame: read_mgh(handle, path, size, compressed=False, frame=frame),
    "mgz": lambda handle, path, size, frame: read_mgh(handle, path, size, compressed=True, frame=frame),
    "gipl": lambda handle, path, size, frame: _single(read_gipl(handle, path, size, compressed=False), frame, path),
    "gipl-gz": lambda handle, path, size, frame: _single(read_gipl(handle, path, size, compressed=True), frame, path),
    "nrrd": read_nrrd,
    "metaimage": read_metaimage,
    "dicom": lambda handle, path, size, frame: read_dicom(path, frame),
}
"""Kind of file -> its reader, of the open file, its path and size, and the frame that is wanted."""


def read_image(path: Path | str, frame: int = 0) -> Image:
    """The image as a person sees it: `voxels` (slices, rows, columns), no transposition, whole numbers kept whole.

    A colour picture gives its first channel (what the producers' networks get) and its colours for display; `findings`
    says so, and warns of constant, NaN or turned pictures and of files without usable geometry. Of a film, a time
    series or several components, `frame` is read. A folder with one DICOM series is read too. Raises ImageRefused for
    what is not an image, is damaged, too large, or of a kind that this version does not read.
    """
    path = Path(path)
    return image_of(read_raster(path, frame), path)


def read_series(series: Series, frame: int = 0) -> Image:
    """A series that `series_in` has found, as `read_image` would read its folder. Raises ImageRefused."""
    if not series.files:
        raise ImageRefused("This DICOM series has no files. Open the folder again.")
    return image_of(read_series_files(series.files, frame), Path(series.files[0]).parent)


def image_of(raster: Raster, path: Path) -> Image:
    """The record of what a reader found in the file or folder `path`."""
    voxels = _owned(raster.values)
    return Image(
        voxels=voxels,
        name=path.name,
        path=str(path),
        affine=None if raster.affine is None else frozen_array(raster.affine, np.float64),
        spacing_mm=raster.spacing_mm,
        colour=None if raster.colour is None else frozen_array(raster.colour),
        findings=raster.findings + value_findings(voxels, shown(path)),
        frame=raster.frame,
        frames=raster.frames,
        files=raster.files,
        window=raster.window,
        unit=raster.unit,
        modality=raster.modality,
    )


def _owned(values: Array) -> Array:
    """`values` read-only, in rows, in the machine's own byte order; copied only where that needs it.

    A large volume is turned within its own memory: a second one would double what opening it costs.
    """
    dtype = _kept_type(values.dtype)
    turned = turned_in_place(values) if values.dtype == dtype else None
    if turned is not None:
        turned.setflags(write=False)
        return turned
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and the finding says so
        return frozen_array(values, dtype)


def _kept_type(stored: np.dtype[Any]) -> np.dtype[Any]:
    if stored.kind == "f":
        return np.dtype(np.float32)
    return np.dtype(np.uint8) if stored.kind == "b" else stored.newbyteorder("=")


def read_raster(path: Path, frame: int = 0) -> Raster:
    """The file's array and grid, by content; of a folder, its DICOM series. Raises ImageRefused."""
    if path.is_dir():
        return read_series_folder(path, frame)
    with open_image(path) as (handle, size):
        kind = kind_of(handle.read(SNIFFED_BYTES)) or _by_partner(path)
        handle.seek(0)
        read = READERS.get(kind or "")
        if read is not None:
            return read(handle, path, size, frame)
        if kind in PICTURES:
            return read_picture(handle, path, kind, frame)
    raise ImageRefused(_not_read(path, kind))


def _by_partner(path: Path) -> str | None:
    """Bare voxels (.img) are an image when their header (.hdr) lies beside them."""
    lower = path.name.lower()
    return "analyze" if lower.endswith((".img", ".img.gz")) else None


def _single(raster: Raster, frame: int, path: Path) -> Raster:
    if frame != 0:
        raise ImageRefused(f"{shown(path)} has 1 frame, numbered from 0: there is no frame {frame}.")
    return raster


def _not_read(path: Path, kind: str | None) -> str:
    if kind in NAMES:
        return (
            f"{shown(path)} is of the kind {NAMES[kind]}, which this version of Flowglass does not read. "
            "Convert it to NIfTI (.nii.gz) or PNG."
        )
    if path.suffix.lower() in BY_EXTENSION:
        return (
            f"{shown(path)} is not {BY_EXTENSION[path.suffix.lower()]}, though its name says so: the content is "
            "unrecognised or damaged. Copy or export it again."
        )
    return (
        f"{shown(path)} is not an image that Flowglass recognises. It reads DICOM, PNG, JPEG, TIFF, BMP, GIF, PPM, "
        "NIfTI, Analyze, NRRD, MetaImage, MGH, GIPL, .npy and .npz files."
    )
