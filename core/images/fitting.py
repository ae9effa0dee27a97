"""A reference that was not drawn on the image's own grid: shown where it lies, and never measured by accident."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from core.errors import ShapeMismatch
from core.images.geometry import affine_problem
from core.images.grid_match import GridMatch, same_grid
from core.images.labels import read_labels_as_stored, refuse_other_shape
from core.images.raster import note, warning
from core.images.resampling import RESAMPLED, resample_labels
from core.records import Array, Finding, Image, LabelMap

OtherGrid = Literal["show", "resample", "voxels", "refuse"]


def read_reference(path: Path | str, image: Image, other_grid: OtherGrid = "show", frame: int = 0) -> LabelMap:
    """The labels of `path` on the grid of `image`.

    Where they lie on another grid and both files say where: `show` gives them resampled for the eye, with
    `placed` = `shown`, which nothing measures; `resample` the same for measuring too; `voxels` lays them voxel on voxel
    (only for equal shapes); `refuse` raises ShapeMismatch, which also happens when shapes differ and one of the two
    does not say where it lies. Labels are resampled to the nearest voxel. Raises ImageRefused.
    """
    labels = read_labels_as_stored(path, like=image, frame=frame)
    match = same_grid(labels, image)
    if match.same:
        return labels if not match.reason else _with(labels, note("labels.place-unknown", match.reason))
    if match.by == "shape" and not (_placed(labels.affine) and _placed(image.affine)):
        refuse_other_shape(labels, image)
    if other_grid == "refuse":
        raise ShapeMismatch(f"{match.reason} Resample one of them.")
    return _laid(labels, match) if other_grid == "voxels" else _moved(labels, image, match, other_grid)


def _placed(affine: Array | None) -> bool:
    return affine is not None and not affine_problem(affine)


def _laid(labels: LabelMap, match: GridMatch) -> LabelMap:
    if match.by == "shape":
        raise ShapeMismatch(f"{match.reason} Grids of different shapes cannot be laid voxel on voxel: resample.")
    text = f"{match.reason} By your choice they are laid voxel on voxel."
    return _with(labels, warning("labels.other-place", text, "Check that the mask was drawn on this image."))


def _moved(labels: LabelMap, image: Image, match: GridMatch, other_grid: OtherGrid) -> LabelMap:
    moved = resample_labels(labels, image)
    if other_grid == "resample":
        return replace(moved, placed="resampled")
    shapes = match.by == "shape"
    remedy = "Resample it onto the image to measure"
    found = warning(
        "labels.other-shape" if shapes else "labels.other-grid",
        f"{match.reason} It is drawn where it lies in space (resampled for display, nearest voxel), and not measured.",
        f"{remedy}." if shapes else f"{remedy}, or lay it voxel on voxel if its file is wrong.",
    )
    kept = tuple(known for known in moved.findings if known.code != RESAMPLED)  # nobody asked for it
    return replace(moved, placed="shown", findings=(*kept, found))


def _with(labels: LabelMap, *findings: Finding) -> LabelMap:
    return replace(labels, findings=(*labels.findings, *findings))
