"""Write masks and probabilities without loss; the file appears whole or not at all."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from core.errors import ImageRefused, ShapeMismatch
from core.files import write_whole
from core.images.intake import shown
from core.images.orientation import stored_order
from core.records import Array, Image, LabelMap

FULL_16 = 65_535
Grid = tuple[Array | None, tuple[float, float, float] | None]


def write_labels(labels: LabelMap | Array, path: Path | str, like: Image | LabelMap | None = None) -> Path:
    """Write a mask or label map; by extension `.png` (8 bit, 0/255), `.nii.gz`, `.nii` (integers, affine) or `.npy`.

    `labels`: a LabelMap, or a bool or integer array (slices, rows, columns) or (rows, columns). The affine comes from
    `like`, else from the LabelMap. Raises ImageRefused when the format cannot hold the labels (a PNG holds one slice of
    0 and 1), ShapeMismatch when `like` has another shape, OSError when the disk refuses.
    """
    path = Path(path)
    array = _volume(labels.labels if isinstance(labels, LabelMap) else labels)
    if array.dtype.kind not in "biu":
        raise ImageRefused(
            f"{shown(path)}: labels are whole numbers, not {array.dtype}. Use write_probability for those."
        )
    grid = _grid(like if like is not None else labels, array)
    match _format(path):
        case "png":
            return write_whole(
                path, lambda part: _save_png(_one_slice(_binary(array, path), path) * np.uint8(255), part)
            )
        case "npy":
            return write_whole(path, lambda part: np.save(part, array, allow_pickle=False))
        case _:
            return write_whole(path, lambda part: _save_nifti(_smallest(array), grid, part))


def write_probability(path: Path | str, probability: Array, like: Image | LabelMap | None = None) -> Path:
    """Write a probability in [0, 1], (slices, rows, columns) or (rows, columns): `.png` (16 bit, 65535 = 1), `.nii.gz`,
    `.nii` or `.npy` (float32). Raises as `write_labels`, and ImageRefused for values outside [0, 1]."""
    path = Path(path)
    array = _volume(np.asarray(probability, dtype=np.float32))
    if not (array.min() >= 0 and array.max() <= 1):  # also catches NaN
        raise ImageRefused(
            f"{shown(path)}: a probability lies in [0, 1]; this one goes from {array.min():g} to "
            f"{array.max():g}. Write the score as .npy with numpy instead."
        )
    grid = _grid(like, array)
    match _format(path):
        case "png":
            whole = np.rint(_one_slice(array, path).astype(np.float64) * FULL_16).astype(np.uint16)
            return write_whole(path, lambda part: _save_png(whole, part))
        case "npy":
            return write_whole(path, lambda part: np.save(part, array, allow_pickle=False))
        case _:
            return write_whole(path, lambda part: _save_nifti(array, grid, part))


def _format(path: Path) -> str:
    name = path.name.lower()
    for suffix, kind in ((".png", "png"), (".nii.gz", "nifti"), (".nii", "nifti"), (".npy", "npy")):
        if name.endswith(suffix):
            return kind
    raise ImageRefused(f"{shown(path)}: this kind of file is not written. Use .png, .nii.gz or .npy.")


def _volume(array: Array) -> Array:
    if array.ndim not in (2, 3) or array.size == 0:
        raise ShapeMismatch(f"An image is (rows, columns) or (slices, rows, columns), not {array.shape}.")
    return array if array.ndim == 3 else array[np.newaxis]


def _grid(like: object, array: Array) -> Grid:
    if not isinstance(like, (Image, LabelMap)):
        return None, None
    shape = like.voxels.shape if isinstance(like, Image) else like.labels.shape
    if shape != array.shape:
        raise ShapeMismatch(f"The labels have shape {array.shape} and {like.name}, whose grid they take, has {shape}.")
    return like.affine, like.spacing_mm


def _binary(array: Array, path: Path) -> Array:
    if array.dtype.kind != "b" and (array.min() < 0 or array.max() > 1):
        raise ImageRefused(
            f"{shown(path)}: a PNG mask holds 0 and 1, and there are labels from {array.min()} to "
            f"{array.max()}. Write .nii.gz to keep them all, or one mask for each."
        )
    return array.astype(np.uint8)


def _one_slice(array: Array, path: Path) -> Array:
    if array.shape[0] != 1:
        raise ImageRefused(
            f"{shown(path)}: a PNG holds one slice, and this volume has {array.shape[0]}. Write .nii.gz."
        )
    return np.asarray(array[0])


def _smallest(array: Array) -> Array:
    """NIfTI readers agree on uint8 and int32; int64 and bool are not safe everywhere."""
    if array.dtype.kind == "b" or (array.min() >= 0 and array.max() <= 255):
        return array.astype(np.uint8)
    if array.min() < -(2**31) or array.max() >= 2**31:
        raise ImageRefused(f"Labels from {array.min()} to {array.max()} do not fit in 32 bits. Number them from 0 up.")
    return array.astype(np.int32)


def _save_png(picture: Array, part: Path) -> None:
    Pillow.fromarray(picture).save(part, format="PNG")


def _save_nifti(array: Array, grid: Grid, part: Path) -> None:
    """Without an affine, spacing 1 mm and the screen's own orientation are written, the units marked unknown."""
    nibabel: Any = import_module("nibabel")

    affine, spacing = grid
    voxels, stored = stored_order(array, affine)
    if stored is None:
        across, down, along = reversed(spacing or (1.0, 1.0, 1.0))
        stored = np.diag([-across, -down, along, 1.0])
    image = nibabel.Nifti1Image(voxels, stored)
    image.header.set_xyzt_units("unknown" if affine is None else "mm")
    nibabel.save(image, part)
