"""What the views of a volume show: which voxel where, which letters, which slab, and nothing that nobody knows."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any, get_args

import numpy as np
import pytest

from core import pipeline
from core.images.sections import View
from core.records import Image
from tests.images.affines import affine_from

ORDERS = [(order, flips) for order in permutations(range(3)) for flips in product((False, True), repeat=3)]
STEPS = (2.0, 0.5, 0.8)
RAS = np.diag([1.0, 2.0, 3.0, 1.0])


def body(affine: Any, shape: tuple[int, int, int] = (9, 11, 13)) -> Image:
    """A volume around the origin that is 100 at the patient's right, front, top corner, and 0 elsewhere."""
    centred = np.array(affine)
    centred[:3, 3] = -centred[:3, :3] @ ((np.array(shape) - 1) / 2)
    voxels = np.zeros(shape, np.int16)
    corners = [
        tuple(end * (length - 1) for end, length in zip(ends, shape, strict=True)) for ends in product((0, 1), repeat=3)
    ]
    ahead = max(corners, key=lambda corner: float((centred[:3, :3] @ corner).sum()))
    voxels[ahead] = 100
    return Image(voxels=voxels, name="body", affine=centred, spacing_mm=STEPS)


def bright(picture: Any) -> tuple[str, str]:
    """In which corner of the picture the 100 lies."""
    (row,), (column,) = np.nonzero(picture == 100)
    return ("top" if row == 0 else "bottom"), ("left" if column == 0 else "right")


@pytest.mark.parametrize(("order", "flips"), ORDERS)
@pytest.mark.parametrize(
    ("view", "letters", "corner"),
    [("axial", "APRL", ("top", "left")), ("coronal", "SIRL", ("top", "left")), ("sagittal", "SIAP", ("top", "left"))],
)
def test_however_it_is_stored_a_body_appears_upright(
    order: Any, flips: Any, view: Any, letters: str, corner: Any
) -> None:
    """Letters are at top, bottom, left, right. The right, front, top corner of the body is where they say."""
    image = body(affine_from(order, flips, STEPS, (0, 0, 0), (0, 0, 0)))
    cross = tuple(int(at) for at in np.argwhere(image.voxels == 100)[0])
    section = pipeline.section(image, view, cross)  # type: ignore[arg-type]
    edges = section.cut.edges
    assert edges.top + edges.bottom + edges.left + edges.right == letters
    picture = section.picture(image.voxels)
    assert bright(picture) == corner
    assert picture.shape == (section.rows, section.columns)
    assert section.aspect == pytest.approx(STEPS[section.cut.rows] / STEPS[section.cut.columns])


@pytest.mark.parametrize(("order", "flips"), ORDERS)
@pytest.mark.parametrize("view", ["axial", "coronal"])
def test_the_convention_mirrors_the_picture_and_its_letters_together(order: Any, flips: Any, view: Any) -> None:
    image = body(affine_from(order, flips, STEPS, (0, 0, 0), (0, 0, 0)))
    cross = tuple(int(at) for at in np.argwhere(image.voxels == 100)[0])
    first, second = (pipeline.section(image, view, cross, name) for name in ("radiological", "neurological"))  # type: ignore[arg-type]
    assert np.array_equal(second.picture(image.voxels), first.picture(image.voxels)[:, ::-1])
    assert (first.cut.edges.left, first.cut.edges.right) == ("R", "L")
    assert (second.cut.edges.left, second.cut.edges.right) == ("L", "R")
    assert bright(second.picture(image.voxels)) == ("top", "right")


def test_a_sagittal_view_is_the_same_in_both_conventions() -> None:
    image = body(affine_from((2, 1, 0), (False, True, True), STEPS, (0, 0, 0), (0, 0, 0)))
    views = [pipeline.section(image, "sagittal", (4, 5, 6), name) for name in ("radiological", "neurological")]  # type: ignore[arg-type]
    assert views[0].cut == views[1].cut
    assert views[0].cut.edges.left == "A"


def test_each_plane_cuts_the_axis_it_is_named_after_and_acquired_the_first() -> None:
    image = body(affine_from((1, 0, 2), (False, False, False), STEPS, (0, 0, 0), (0, 0, 0)))
    axes = {view: pipeline.section(image, view, (1, 2, 3)).cut.axis for view in get_args(View)}
    assert axes == {"coronal": 0, "sagittal": 1, "axial": 2, "acquired": 0}
    indices = {view: pipeline.section(image, view, (1, 2, 3)).index for view in get_args(View)}
    assert indices == {"coronal": 1, "sagittal": 2, "axial": 3, "acquired": 1}


@pytest.mark.parametrize("affine", [None, np.full((4, 4), np.nan), np.diag([1.0, 0.0, 1.0, 1.0])])
def test_without_geometry_there_are_no_letters_and_nothing_is_turned(affine: Any) -> None:
    voxels = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)
    image = Image(voxels=voxels, name="bare", affine=affine)
    wanted = {"acquired": voxels[1], "axial": voxels[1], "coronal": voxels[:, 2], "sagittal": voxels[:, :, 3]}
    for view, plane in wanted.items():
        section = pipeline.section(image, view, (1, 2, 3), "neurological")  # type: ignore[arg-type]
        edges = section.cut.edges
        assert edges.top + edges.bottom + edges.left + edges.right == ""
        assert np.array_equal(section.picture(voxels), plane)
        assert (section.aspect, section.scaled, section.place) == (1.0, "no", "")
    assert pipeline.world_of(image, (1, 2, 3)) is None


def test_spacing_without_geometry_decides_the_proportions() -> None:
    image = Image(voxels=np.zeros((4, 5, 6), np.uint8), name="bare", spacing_mm=(3.0, 0.5, 0.25))
    found = [pipeline.section(image, view, (0, 0, 0)).aspect for view in ("acquired", "coronal", "sagittal")]  # type: ignore[arg-type]
    assert found == [2.0, 12.0, 6.0]


def test_an_uneven_stack_says_that_it_is_not_to_scale() -> None:
    section = pipeline.section(Image(voxels=np.zeros((4, 5, 6)), name="gap", affine=RAS), "axial", (0, 0, 0))
    assert section.scaled == "uneven"
    assert section.thickness_mm is None
    assert section.aspect == 2.0  # rows run along A (2 mm), columns along R (1 mm)


def test_the_place_of_a_slice_is_in_millimetres_from_the_origin() -> None:
    affine = np.array(RAS)
    affine[:3, 3] = (-4, 10, -7)
    image = Image(voxels=np.zeros((9, 10, 11), np.uint8), name="x", affine=affine, spacing_mm=(1, 2, 3))
    places = [pipeline.section(image, view, (1, 2, 3)).place for view in ("axial", "coronal", "sagittal")]  # type: ignore[arg-type]
    assert places == ["S 2.0 mm", "A 14.0 mm", "L 3.0 mm"]
    assert pipeline.world_of(image, (1, 2, 3)) == (-3.0, 14.0, 2.0)


def test_pixel_and_voxel_are_one_there_and_back() -> None:
    image = body(affine_from((2, 0, 1), (True, False, True), STEPS, (12, -8, 20), (0, 0, 0)))
    codes = np.arange(image.voxels.size).reshape(image.voxels.shape)
    for view in get_args(View):
        section = pipeline.section(image, view, (4, 5, 6), "neurological")
        picture = section.plane(codes)
        for row, column in ((0, 0), (section.rows - 1, 2), (3, section.columns - 1)):
            voxel = section.voxel_at(row, column)
            assert codes[voxel] == picture[row, column]
            assert section.on_screen(voxel) == (row, column)
        outside = section.voxel_at(-20, section.columns + 20)
        assert section.on_screen(outside) == (0, section.columns - 1)


def test_a_slice_is_a_view_and_no_copy_of_the_volume() -> None:
    image = body(affine_from((0, 1, 2), (True, False, True), STEPS, (0, 0, 0), (0, 0, 0)))
    for view in get_args(View):
        assert np.shares_memory(pipeline.section(image, view, (4, 5, 6)).picture(image.voxels), image.voxels)


@pytest.mark.parametrize(("projection", "reduce"), [("max", np.max), ("min", np.min), ("mean", np.mean)])
@pytest.mark.parametrize(
    ("index", "thickness", "slab"), [(5, 4, slice(4, 8)), (5, 3, slice(4, 7)), (0, 6, slice(0, 4))]
)
def test_a_slab_is_projected_slice_by_slice(
    projection: Any, reduce: Any, index: int, thickness: int, slab: slice
) -> None:
    voxels = np.random.default_rng(3).integers(-900, 900, (10, 6, 7)).astype(np.int16)
    image = Image(voxels=voxels, name="x", spacing_mm=(2.0, 1.0, 1.0))
    section = pipeline.section(image, "acquired", (index, 0, 0), "radiological", projection, thickness)
    assert np.allclose(section.picture(voxels), reduce(voxels[slab].astype(float), axis=0))
    assert section.thickness_mm == 2.0 * len(range(10)[slab])
    assert np.array_equal(section.plane(voxels), voxels[index]), "maps of values show the middle slice"
    assert np.array_equal(section.union(voxels, lambda some: some > 700), (voxels[slab] > 700).any(axis=0))


def test_a_slab_across_another_axis_is_turned_like_its_slices() -> None:
    image = body(affine_from((2, 1, 0), (False, False, False), STEPS, (0, 0, 0), (0, 0, 0)))
    thick = pipeline.section(image, "coronal", (4, 5, 6), "radiological", "max", 20)
    assert bright(thick.picture(image.voxels)) == ("top", "left")
    assert (thick.first, thick.last) == (0, 10)
    assert bright(thick.union(image.voxels, lambda some: some > 0) * 100) == ("top", "left")


def test_holes_do_not_hide_what_lies_behind_them() -> None:
    voxels = np.full((3, 2, 2), np.nan, np.float32)
    voxels[1, 0, 0] = 7
    image = Image(voxels=voxels, name="holes")
    for projection in ("max", "min"):
        shown = pipeline.section(image, "acquired", (1, 0, 0), "radiological", projection, 3).picture(voxels)  # type: ignore[arg-type]
        assert shown[0, 0] == 7
        assert np.isnan(shown[1, 1])


def test_no_projection_has_one_slice_however_thick_it_would_be() -> None:
    section = pipeline.section(Image(voxels=np.zeros((9, 4, 4)), name="x"), "acquired", (3, 0, 0), thickness=5)
    assert (section.first, section.last, section.thick) == (3, 3, False)


@pytest.mark.parametrize("cross", [(-5, 0, 0), (50, 0, 0)])
def test_a_crosshair_outside_shows_the_nearest_slice(cross: Any) -> None:
    section = pipeline.section(Image(voxels=np.zeros((9, 4, 4)), name="x"), "acquired", cross)
    assert section.index == (0 if cross[0] < 0 else 8)


def test_a_slanted_volume_says_by_how_much() -> None:
    image = body(affine_from((2, 1, 0), (False, False, False), STEPS, (17, 0, 0), (0, 0, 0)))
    section = pipeline.section(image, "axial", (4, 5, 6))
    assert section.oblique_degrees == pytest.approx(17)
    assert set(section.cut.edges.top) == {"A", "S"} or set(section.cut.edges.top) == {"A", "I"}
