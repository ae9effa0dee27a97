"""A value is found again where it lies in the world, whatever the two grids."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from core.errors import ShapeMismatch
from core.images import read_image, read_labels, resampling
from core.images.geometry import shear_degrees, spacing_mm, to_index, to_world
from core.images.grid_match import Grid, same_grid
from core.images.resampling import resample, resample_image, resample_labels, straight_grid
from core.progress import Cancelled, Progress
from core.records import Image, LabelMap
from tests.images.affines import affine_from, affines
from tests.shared_data import DATA, needs_shared

SCREEN = affine_from((2, 1, 0), (False, True, True), (3, 2, 1), (0, 0, 0), (10, 20, 30))
SHAPE = (6, 7, 8)


def ramp(affine: Any, shape: tuple[int, ...] = SHAPE) -> Image:
    """An intensity that is linear in space, so that linear interpolation must hit it exactly."""
    world = to_world(affine, np.argwhere(np.ones(shape)))
    return Image(
        voxels=(world @ (1, 2, -0.5)).reshape(shape), name="ramp", affine=affine, spacing_mm=spacing_mm(affine)
    )


def inside(index: Any, shape: tuple[int, ...], margin: float) -> Any:
    return ((index > -margin) & (index < np.array(shape) - 1 + margin)).all(axis=-1)


@settings(deadline=None)
@given(affines(), affines())
def test_a_linear_ramp_stays_what_it_is_in_space(source: Any, target: Any) -> None:
    target[:3, 3] += to_world(source, np.array([3, 3, 3])) - to_world(target, np.array([3, 3, 3]))  # let them meet
    moved = resample_image(ramp(source), Grid(shape=SHAPE, affine=target), fill=-1e6)
    voxels = np.argwhere(np.ones(SHAPE))
    index = to_index(source, to_world(target, voxels))
    values, sure = moved.voxels.reshape(-1), inside(index, SHAPE, -1e-6)
    np.testing.assert_allclose(values[sure], ramp(target).voxels.reshape(-1)[sure], atol=1e-2)
    assert sure.any()
    assert (values[~inside(index, SHAPE, 0.51)] == -1e6).all()
    assert (values[inside(index, SHAPE, 0.49)] > -1e6).all()


@settings(deadline=None)
@given(affines(), affines())
def test_each_voxel_takes_the_label_of_the_nearest(source: Any, target: Any) -> None:
    target[:3, 3] += to_world(source, np.array([3, 3, 3])) - to_world(target, np.array([3, 3, 3]))
    labels = np.arange(1, np.prod(SHAPE) + 1).reshape(SHAPE)
    moved = resample(labels, source, target, SHAPE, "nearest").reshape(-1)
    index = to_index(source, to_world(target, np.argwhere(np.ones(SHAPE))))
    clear = (np.abs(index - np.rint(index)) < 0.49).all(axis=1) & inside(index, SHAPE, 0.49)
    np.testing.assert_array_equal(moved[clear], labels[tuple(np.rint(index[clear]).astype(int).T)])
    assert (moved[~inside(index, SHAPE, 0.51)] == 0).all()


@given(affines().filter(lambda affine: min(spacing_mm(affine)) > 0.2))
def test_the_same_voxels_in_another_order_are_moved_without_interpolation(affine: Any) -> None:
    values = np.random.default_rng(0).random(SHAPE, dtype=np.float32)
    turn = np.array([[0, -1, 0, 5], [0, 0, 1, 0], [-1, 0, 0, 7], [0, 0, 0, 1]], dtype=float)  # target -> source index
    target = (affine @ turn).astype(np.float32).astype(np.float64)  # as a NIfTI header rounds it
    moved = resample(values, affine, target, (8, 6, 7), "linear", fill=np.nan)
    np.testing.assert_array_equal(moved, values[::-1, :, ::-1].transpose(2, 0, 1))


@pytest.mark.parametrize("dtype", [bool, np.uint8, ">i2", np.int32, np.float16, np.float64])
def test_every_kind_of_number_is_carried_over(dtype: Any) -> None:
    values = np.asarray(np.arange(np.prod(SHAPE)).reshape(SHAPE) % 2, dtype=dtype)
    values.setflags(write=False)
    target = SCREEN.copy()
    target[:3, 3] += SCREEN[:3, 0]  # one slice further
    moved = resample(values, SCREEN, target, SHAPE, "nearest")
    np.testing.assert_array_equal(moved[:-1], values[1:])
    assert not moved[-1].any()
    assert moved.dtype.kind == values.dtype.kind
    assert not moved.flags.writeable


def test_slabs_and_progress_change_nothing_and_cancel_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    target = affine_from((2, 0, 1), (False, True, False), (2, 1, 1), (10, 5, 0), (9, 5, 33))
    whole = resample(ramp(SCREEN).voxels, SCREEN, target, (9, 8, 7), "linear")
    monkeypatch.setattr(resampling, "SLAB_VOXELS", 2 * 8 * 7)
    seen: list[tuple[int, int]] = []
    pieces = resample(
        ramp(SCREEN).voxels, SCREEN, target, (9, 8, 7), "linear", report=lambda p: seen.append((p.done, p.total))
    )
    np.testing.assert_allclose(pieces, whole, atol=1e-5)
    assert seen == [(0, 9), (2, 9), (4, 9), (6, 9), (8, 9), (9, 9)]

    def stop(progress: Progress) -> None:
        if progress.done == 4:
            raise Cancelled

    with pytest.raises(Cancelled):
        resample(ramp(SCREEN).voxels, SCREEN, target, (9, 8, 7), "linear", report=stop)


def test_records_say_what_was_done_and_what_was_lost() -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[1, 1, 1], labels[:, 4, :] = 1, 2
    record = LabelMap(labels=labels, name="m.nii", affine=SCREEN, spacing_mm=(3, 2, 1), names={1: "spot", 2: "wall"})
    coarse = Grid(shape=(3, 4, 4), affine=SCREEN @ np.diag([2, 2, 2, 1]), name="coarse")
    moved = resample_labels(record, coarse)
    np.testing.assert_array_equal(moved.labels, labels[::2, ::2, ::2])
    assert (moved.spacing_mm, moved.names) == ((6, 4, 2), record.names)
    assert [found.code for found in moved.findings] == ["labels.resampled", "labels.lost-in-resampling"]
    assert "1 of its labels" in moved.findings[-1].message
    assert "spot" in moved.findings[-1].message
    image = resample_image(Image(voxels=np.ones(SHAPE), name="i", affine=SCREEN, files=("a.dcm",)), coarse)
    assert (image.files, image.voxels.dtype, same_grid(image, moved).by) == ((), np.float32, "none")


def test_grids_that_do_not_meet_are_announced() -> None:
    far = SCREEN.copy()
    far[0, 3] = 500
    moved = resample_image(ramp(SCREEN), Grid(shape=SHAPE, affine=far, name="far"), fill=7)
    assert (moved.voxels == 7).all()
    assert [found.code for found in moved.findings] == ["image.resampled", "image.no-overlap"]


def test_without_geometry_nothing_is_resampled() -> None:
    nowhere = Image(voxels=np.zeros(SHAPE), name="a.png")
    singular = Grid(shape=SHAPE, affine=np.zeros((4, 4)), name="broken")
    for onto in (nowhere, singular):
        with pytest.raises(ShapeMismatch, match="does not say where it lies"):
            resample_image(ramp(SCREEN), onto)
    with pytest.raises(ShapeMismatch, match=r"a.png does not say"):
        resample_image(nowhere, ramp(SCREEN))


def test_a_sheared_image_becomes_a_straight_one_that_holds_it_all() -> None:
    sheared = SCREEN.copy()
    sheared[1, 0] = 1.0
    image = ramp(sheared)
    grid = straight_grid(image)
    assert grid.affine is not None
    assert shear_degrees(grid.affine) == 0
    assert spacing_mm(grid.affine) == (1, 1, 1)
    corners = to_world(sheared, np.array([(0, 0, 0), (5, 0, 0), (0, 6, 0), (5, 6, 7)]))
    assert inside(to_index(grid.affine, corners), grid.shape, 1e-6).all()
    moved = resample_image(image, grid, fill=np.nan)
    held = np.isfinite(moved.voxels)
    np.testing.assert_allclose(moved.voxels[held].max(), image.voxels.max(), atol=2)
    assert 0.5 < held.mean() < 1


@needs_shared
def test_labels_of_an_atlas_lie_on_the_head_they_were_drawn_on() -> None:
    """The label map has another grid (181 x 217 x 181) than its image (193 x 229 x 193)."""
    folder = DATA / "volumes" / "aal_on_mni2009"
    image, labels = read_image(folder / "MNI152_2009_template.nii.gz"), read_labels(folder / "aal.nii.gz")
    assert same_grid(image, labels).by == "shape"
    moved = resample_labels(labels, image)
    assert same_grid(image, moved)
    brain = image.voxels > image.voxels.mean()
    assert (brain & (moved.labels > 0)).sum() / (moved.labels > 0).sum() > 0.9
    assert abs(int((moved.labels > 0).sum()) / int((labels.labels > 0).sum()) - 1) < 0.05
