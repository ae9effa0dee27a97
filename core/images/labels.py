"""Reference masks and label maps: what the producers' loaders would call foreground, or the integers of a volume."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np

from core.errors import ImageRefused, ShapeMismatch
from core.images.dicom_header import SEGMENTATION, read_header
from core.images.embedding import embedded
from core.images.intake import open_image, shown
from core.images.intensities import label_range
from core.images.nrrd_header import read_header as read_nrrd_header
from core.images.raster import Raster, note, warning
from core.images.reading import read_raster
from core.images.segments import segments_of
from core.images.sniffing import PICTURES, sniff_image
from core.records import Array, Finding, Image, LabelMap, frozen_array

GRID_TOLERANCE_MM = 1e-2
VOLUMES = ("nifti", "nifti-gz", "nifti-pair", "analyze", "mgh", "mgz", "gipl", "gipl-gz", "nrrd", "metaimage")
GUESSED_BYTES = 64 << 20
"""Larger files are not read for a guess."""
GUESSED_SLICES, LEAST_PAIRS, LEAST_BACKGROUND = 24, 50, 0.3
SEGMENTATIONS = ("dicom-seg", "seg-nrrd")


def read_labels(path: Path | str, like: Image | None = None, frame: int = 0) -> LabelMap:
    """Integer labels (slices, rows, columns); 0 is background. On the grid of `like`, as `read_labels_as_stored`.

    Raises also ShapeMismatch when `like` is given and has another shape; one that only lies elsewhere is a warning.
    """
    labels = read_labels_as_stored(path, like, frame)
    return labels if like is None else _checked(labels, like)


def read_labels_as_stored(path: Path | str, like: Image | None = None, frame: int = 0) -> LabelMap:
    """Integer labels (slices, rows, columns); 0 is background. On whatever grid they are.

    A picture becomes {0, 1} as in the producers' code: first channel, min-max of this file, > 0.5 (spec evaluation
    2.2). Then a constant picture is all background, even when it is all 255; a warning says so. All other kinds keep
    their integers (.npy: bool counts, exactly {0, 255} becomes {0, 1}); segmentations bring names, colours and codes,
    and one that was cut to what it marks is put back on the grid of `like`. Raises ImageRefused for what is not labels.
    """
    path = Path(path)
    raster = read_raster(path, frame)
    name = shown(path)
    labels, findings = _from_picture(raster, name) if raster.picture else _from_integers(raster, name)
    affine, spacing = raster.affine, raster.spacing_mm
    if like is not None:
        whole = _placed(labels, raster, like)
        if whole is not None:
            labels, affine, spacing = whole, like.affine, like.spacing_mm
    return LabelMap(
        labels=_frozen(labels),
        name=path.name,
        path=str(path),
        affine=None if affine is None else frozen_array(affine, np.float64),
        spacing_mm=spacing,
        findings=raster.findings + findings,
        names=raster.names,
        colours=raster.colours,
        codes=raster.codes,
        frame=raster.frame,
        frames=raster.frames,
    )


def _frozen(labels: Array) -> Array:
    """Read-only and in rows; copied only when they are not."""
    if not (labels.flags.c_contiguous and labels.flags.owndata and labels.flags.writeable):
        return frozen_array(labels)
    labels.setflags(write=False)
    return labels


def looks_like_mask(path: Path | str) -> bool:
    """A guess for a dropped file: a segmentation (DICOM-SEG, .seg.nrrd), a picture with one channel and at most two
    values, or a volume of whole numbers in patches. False when it cannot be read."""
    path = Path(path)
    kind = sniff_image(path)
    if kind in ("dicom", "nrrd") and _is_segmentation(path, kind):
        return True
    if kind not in PICTURES and (kind not in VOLUMES or path.stat().st_size > GUESSED_BYTES):
        return False
    try:
        raster = read_raster(path)
    except ImageRefused:
        return False
    if kind in VOLUMES:
        return raster.values.ndim == 3 and is_patchwork(raster.values)
    return raster.colour is None and not _more_than_two_values(raster.values)


def is_patchwork(volume: Array) -> bool:
    """Whether a volume looks like labels: whole numbers from 0 up, background, and neighbours that are mostly equal.

    Of the test data every label map has at least 85 % equal neighbours inside its foreground, and no image of whole
    numbers more than 24 %.
    """
    some = np.asarray(volume[:: max(1, len(volume) // GUESSED_SLICES)])
    if some.dtype.kind == "f" and not (some == np.rint(some)).all():
        return False
    if some.min() < 0 or np.count_nonzero(some == 0) < LEAST_BACKGROUND * some.size or not some.any():
        return False
    left, right = some[..., :-1], some[..., 1:]
    inside = (left != 0) & (right != 0)
    pairs = np.count_nonzero(inside)
    if pairs < LEAST_PAIRS:
        return not _more_than_two_values(volume)
    return bool(np.count_nonzero((left == right) & inside) > pairs / 2)


def _is_segmentation(path: Path, kind: str) -> bool:
    """By the header alone."""
    try:
        if kind == "dicom":
            return str(read_header(path).data.get("SOPClassUID", "")) in SEGMENTATION
        with open_image(path) as (handle, _):
            return bool(segments_of(read_nrrd_header(handle, shown(path)).pairs))
    except (ImageRefused, ValueError):
        return False


def _more_than_two_values(values: Array) -> bool:
    low, high = values.min(), values.max()
    return bool(((values != low) & (values != high)).any())


def _from_picture(raster: Raster, name: str) -> tuple[Array, tuple[Finding, ...]]:
    values = np.asarray(raster.values, dtype=np.float32)
    if not np.isfinite(values).all():
        raise ImageRefused(f"{name}: the mask holds NaN or infinite values. Export it again as a 0/255 PNG.")
    low, high = float(values.min()), float(values.max())
    if low == high:
        rest = "" if low == 0 else " The producers' code makes it all background, and so does Flowglass."
        found = warning(
            "labels.constant",
            f"{name}: every pixel of the mask is {low:g}.{rest}",
            "Measures that need foreground have no value; check that this is the right file.",
        )
        return np.zeros(values.shape, dtype=np.uint8), (found,)
    labels = (label_range(values) > 0.5).astype(np.uint8)
    return labels, _level_finding(values, low, high, name)


def _level_finding(values: Array, low: float, high: float, name: str) -> tuple[Finding, ...]:
    if not _more_than_two_values(values):
        return ()
    half = (low + high) / 2
    levels = np.unique(values).size
    return (
        note(
            "labels.grey-levels",
            f"{name}: the mask has {levels} grey levels from {low:g} to {high:g}; above {half:g} counts as "
            "foreground, as in the producers' code.",
            "If the levels are classes, save one mask for each, or a NIfTI label map.",
        ),
    )


def _from_integers(raster: Raster, name: str) -> tuple[Array, tuple[Finding, ...]]:
    values = raster.values
    if values.dtype.kind == "b":
        return values.astype(np.uint8), () if values.any() else (_nothing_marked(name),)
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)):  # NaN anywhere makes both NaN
        raise ImageRefused(f"{name}: the label map holds NaN or infinite values. Save it with an integer type.")
    if values.dtype.kind == "f" and not (values == np.rint(values)).all():
        raise ImageRefused(
            f"{name}: labels are whole numbers, and this file holds fractions, {low:g} to {high:g}. "
            "It may be an image or a probability map: open it as an image, or save a mask."
        )
    if low < -(2**31) or high >= 2**31:
        raise ImageRefused(f"{name}: labels from {low:g} to {high:g} are too large. Number them from 0 up.")
    labels = _compact(values, int(low), int(high))
    if raster.kind == "npy" and high == 255 and low == 0 and not _more_than_two_values(labels):
        return (labels > 0).astype(np.uint8), (note("labels.two-values", f"{name}: 0 and 255 are read as 0 and 1."),)
    return labels, () if low or high else (_nothing_marked(name),)


def _compact(values: Array, low: int, high: int) -> Array:
    """In rows, as the smallest of uint8, int16 and int32 that holds them: labels of a large volume are many."""
    kinds = (np.uint8, np.int16, np.int32)
    kind = next(kind for kind in kinds if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
    return np.array(values, dtype=kind, order="C")


def _nothing_marked(name: str) -> Finding:
    message = f"{name} marks nothing: every voxel of it is background."
    return warning(
        "labels.empty", message, "Measures that need foreground have no value; check that it is the right file."
    )


def _placed(labels: Array, raster: Raster, like: Image) -> Array | None:
    """Segmentations are often cut to what they mark: these are put back, where that is exact."""
    if raster.kind not in SEGMENTATIONS or labels.shape == like.voxels.shape:
        return None
    return embedded(labels, raster.affine, like.voxels.shape, like.affine)


def refuse_other_shape(labels: LabelMap, like: Image) -> NoReturn:
    """Raise ShapeMismatch."""
    raise ShapeMismatch(
        f"{shown(Path(labels.name))} has shape {_size(labels.labels)} and the image {shown(Path(like.name))} has "
        f"{_size(like.voxels)} (slices x rows x columns). "
        "Choose the mask that belongs to this image; masks are not resized."
    )


def _checked(labels: LabelMap, like: Image) -> LabelMap:
    if labels.labels.shape != like.voxels.shape:
        refuse_other_shape(labels, like)
    if labels.affine is None or like.affine is None:
        return labels
    apart = float(np.abs(_corners(labels.affine, like.voxels.shape) - _corners(like.affine, like.voxels.shape)).max())
    if apart <= GRID_TOLERANCE_MM:
        return labels
    found = warning(
        "labels.other-place",
        f"{shown(Path(labels.name))} has the shape of the image but lies up to {apart:.2f} mm from it.",
        "They are laid voxel on voxel; check that the mask was drawn on this image.",
    )
    return replace(labels, findings=(*labels.findings, found))


def _corners(affine: Array, shape: tuple[int, ...]) -> Array:
    last = np.array(shape) - 1
    corners = np.array([[0, 0, 0, 1], [last[0], 0, 0, 1], [0, last[1], 0, 1], [0, 0, last[2], 1], [*last, 1]])
    return np.asarray(corners @ affine.T)


def _size(array: Array) -> str:
    return " x ".join(str(length) for length in array.shape)
