"""Carry a volume or a label map over to another grid, by its place in space; slab by slab, never by accident."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import numpy as np

from core.errors import ShapeMismatch
from core.images.geometry import MAX_SHEAR_DEGREES, Spacing, affine_problem, shear_degrees, spacing_mm, to_world
from core.images.grid_match import Grid, grid_of
from core.images.raster import note, warning
from core.progress import Progress, Report, silent
from core.records import Array, Finding, Image, LabelMap

Method = Literal["nearest", "linear"]
RESAMPLED = "labels.resampled"
SLAB_VOXELS = 4 * 1024 * 1024
"""So many voxels are worked out at a time, in some 100 MB: enough to be quick, few enough to be cancelled at once."""
SNAP_VOXELS = 1e-3
"""Two grids that agree to a thousandth of a voxel everywhere, apart from swapped or reversed axes, share their voxels:
values are moved, not interpolated."""
EDGE = 0.5 + 1e-6
"""A voxel reaches half a step beyond its centre."""


def resample_image(image: Image, onto: Image | LabelMap | Grid, fill: float = 0.0, report: Report = silent) -> Image:
    """`image` on the grid of `onto`, linear between voxel centres, float32; `fill` outside of it.

    Going to much larger voxels, details between their centres are passed over: nothing is averaged. Raises
    ShapeMismatch when one of the two does not say where it lies, and what `report` raises.
    """
    target = grid_of(onto)
    voxels, findings = _resampled(image, target, "linear", fill, report)
    moved = note("image.resampled", f"{image.name} was resampled onto the grid of {target.name}.")
    return replace(
        image,
        voxels=voxels,
        affine=target.affine,
        spacing_mm=_spacing(target),
        colour=None,
        files=(),  # the slices are no longer those of the source series
        findings=(*image.findings, moved, *findings),
    )


def resample_labels(labels: LabelMap, onto: Image | LabelMap | Grid, report: Report = silent) -> LabelMap:
    """`labels` on the grid of `onto`: each voxel takes the label of the nearest one, 0 outside.

    A label that is lost on the way is a warning. Raises as `resample_image`.
    """
    target = grid_of(onto)
    values, findings = _resampled(labels, target, "nearest", 0, report)
    moved = note(RESAMPLED, f"{labels.name} was resampled onto the grid of {target.name} (nearest voxel).")
    return replace(
        labels,
        labels=values,
        affine=target.affine,
        spacing_mm=_spacing(target),
        findings=(*labels.findings, moved, *findings, *_lost(labels, values)),
    )


def resample(
    values: Array,
    source: Array,
    target: Array,
    shape: tuple[int, ...],
    method: Method,
    fill: float = 0.0,
    report: Report = silent,
) -> Array:
    """`values` on the grid (`target`, `shape`); affines (4, 4) to one world. Read-only.

    `linear` gives float32, `nearest` the dtype of `values`. Beyond the outer faces of the voxels lies `fill`. Calls
    `report` before each slab.
    """
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    if values.dtype == np.float16:  # scipy has no half floats
        values = values.astype(np.float32)
    step = _snapped(np.linalg.solve(source, target), shape)
    result = np.empty(shape, dtype=np.float32 if method == "linear" else values.dtype)
    thickness = max(1, SLAB_VOXELS // math.prod(shape[1:]))
    for start in range(0, shape[0], thickness):
        report(Progress(done=start, total=shape[0], stage="resampling"))
        _fill_slab(values, step, start, result[start : start + thickness], method, fill)
    report(Progress(done=shape[0], total=shape[0], stage="resampling"))
    result.setflags(write=False)
    return result


def straight_grid(image: Image | LabelMap | Grid) -> Grid:
    """A box of cubic voxels along the body's axes (S, P, L), as fine as the finest spacing, that holds the whole image.

    For images whose axes are not at right angles, which cannot be measured as they are. Raises ShapeMismatch when the
    image does not say where it lies.
    """
    grid = grid_of(image)
    affine = _affine_of(grid)
    corners = np.array(np.meshgrid(*[(0, length - 1) for length in grid.shape], indexing="ij")).reshape(3, -1).T
    world = to_world(affine, corners)
    low, high, step = world.min(axis=0), world.max(axis=0), min(spacing_mm(affine))
    counts = [int(np.ceil(round(float(high[axis] - low[axis]) / step, 6))) + 1 for axis in range(3)]
    straight = np.eye(4)
    straight[:3, :3] = np.array([[0, 0, -1], [0, -1, 0], [1, 0, 0]]) * step
    straight[:3, 3] = (high[0], high[1], low[2])
    return Grid(shape=(counts[2], counts[1], counts[0]), affine=straight, name=f"{grid.name}, made straight")


def _resampled(
    record: Image | LabelMap, target: Grid, method: Method, fill: float, report: Report
) -> tuple[Array, tuple[Finding, ...]]:
    source = grid_of(record)
    there = _affine_of(target)
    values = record.voxels if isinstance(record, Image) else record.labels
    moved = resample(values, _affine_of(source), there, target.shape, method, fill, report)
    return moved, () if _meet(source, target) else (_apart(source, target),)


def _affine_of(grid: Grid) -> Array:
    problem = "no affine is known" if grid.affine is None else affine_problem(grid.affine)
    if grid.affine is None or problem:
        raise ShapeMismatch(
            f"{grid.name} does not say where it lies ({problem}), so nothing can be resampled to or from it. "
            "Use a file with geometry (NIfTI, NRRD, DICOM)."
        )
    return grid.affine


def _spacing(grid: Grid) -> Spacing | None:
    """None for a sheared grid: no lengths along its axes (see `core.images.geometry.why_no_spacing`)."""
    affine = _affine_of(grid)
    return None if shear_degrees(affine) > MAX_SHEAR_DEGREES else spacing_mm(affine)


def _snapped(step: Array, shape: tuple[int, ...]) -> Array:
    """Target index -> source index, with rounding errors of two inverted affines taken out where they are all."""
    whole = np.rint(step)
    worst = np.abs(step - whole)[:3] @ (*[max(length - 1, 1) for length in shape], 1)
    return whole if worst.max() < SNAP_VOXELS else step


def _fill_slab(values: Array, step: Array, start: int, slab: Array, method: Method, fill: float) -> None:
    """Within half a voxel of the border the outermost voxel counts, as everywhere inside; beyond, `fill`."""
    from scipy import ndimage

    offset = step[:3, 3] + step[:3, 0] * start
    ndimage.affine_transform(
        values.view(np.uint8) if values.dtype == bool else values,
        step[:3, :3],
        offset,
        output=slab.view(np.uint8) if slab.dtype == bool else slab,
        output_shape=slab.shape,
        order=1 if method == "linear" else 0,
        mode="nearest",
        prefilter=False,
    )
    slab[_outside(step[:3, :3], offset, slab.shape, values.shape)] = fill


def _outside(matrix: Array, offset: Array, shape: tuple[int, ...], source: tuple[int, ...]) -> Array:
    """Which voxels of the slab have their centre outside of the source's voxels."""
    outside = np.zeros(shape, dtype=bool)
    first, second, third = np.ogrid[tuple(slice(length) for length in shape)]
    for axis, length in enumerate(source):
        place = offset[axis] + matrix[axis, 0] * first + matrix[axis, 1] * second + matrix[axis, 2] * third
        outside |= (place < -EDGE) | (place > length - 1 + EDGE)
    return outside


def _meet(first: Grid, second: Grid) -> bool:
    """Whether the boxes around the two grids share any space."""
    boxes = []
    for grid in (first, second):
        ends = np.array(np.meshgrid(*[(-0.5, length - 0.5) for length in grid.shape], indexing="ij")).reshape(3, -1).T
        world = to_world(_affine_of(grid), ends)
        boxes.append((world.min(axis=0), world.max(axis=0)))
    (low, high), (other_low, other_high) = boxes
    return bool((np.maximum(low, other_low) < np.minimum(high, other_high)).all())


def _apart(source: Grid, target: Grid) -> Finding:
    return warning(
        "image.no-overlap",
        f"{source.name} and {target.name} do not overlap anywhere in space.",
        "Check that both belong to the same patient and examination.",
    )


def _lost(labels: LabelMap, values: Array) -> tuple[Finding, ...]:
    gone = sorted(set(np.unique(labels.labels).tolist()) - set(np.unique(values).tolist()) - {0})
    if not gone:
        return ()
    named = ", ".join(labels.names.get(label, str(label)) for label in gone[:5]) + (", ..." if len(gone) > 5 else "")
    return (
        warning(
            "labels.lost-in-resampling",
            f"{labels.name}: {len(gone)} of its labels fall between the voxels of the new grid, or outside: {named}.",
            "Resample the image onto the grid of the labels instead.",
        ),
    )
