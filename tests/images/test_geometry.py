"""What an affine says, by hand, by nibabel and by the values that come with the test data."""

from __future__ import annotations

import json
from itertools import permutations, product
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.images import geometry, read_image
from core.images.geometry import axis_codes, spacing_of, why_no_spacing
from core.images.grid_match import Grid, corner_distance_mm, same_grid
from core.images.planes import cut_of, nearest_axis, plane
from core.records import Image
from tests.images.affines import affine_from, affines
from tests.shared_data import DATA, needs_shared

SCREEN = affine_from((2, 1, 0), (False, True, True), (3, 2, 1), (0, 0, 0), (0, 0, 0))
"""(S, P, L): slices from feet to head, rows from front to back, columns to the patient's left."""
ORDERS = tuple(product(permutations(range(3)), product((False, True), repeat=3)))


def image_on(affine: Any, shape: tuple[int, ...] = (3, 4, 5), **more: Any) -> Image:
    spacing = None if affine is None else geometry.spacing_mm(affine)
    return Image(**{"voxels": np.zeros(shape), "name": "a", "affine": affine, "spacing_mm": spacing, **more})


def slanted(degrees: float) -> Any:
    """Rows lean towards the slices, as with a tilted gantry."""
    affine = SCREEN.copy()
    affine[2, 1] = -2 * np.sin(np.radians(degrees))
    affine[1, 1] = -2 * np.cos(np.radians(degrees))
    return affine


def test_letters_of_the_screen() -> None:
    assert axis_codes(SCREEN) == ("S", "P", "L")
    assert geometry.spacing_mm(SCREEN) == (3, 2, 1)
    assert geometry.obliqueness_degrees(SCREEN) == 0
    assert geometry.world_axes(SCREEN) == (2, 1, 0)


@pytest.mark.parametrize(("order", "flips"), ORDERS)
def test_all_48_orders_have_the_letters_that_nibabel_gives_them(order: Any, flips: Any) -> None:
    affine = affine_from(order, flips, (1, 2, 3), (8, -11, 5), (1, 2, 3))
    assert axis_codes(affine) == nibabel.aff2axcodes(affine)
    swaps = sum(order[a] > order[b] for a, b in ((0, 1), (0, 2), (1, 2)))
    assert geometry.is_right_handed(affine) == ((swaps + sum(flips)) % 2 == 0)


def test_an_axis_between_two_body_axes_is_not_counted_twice() -> None:
    affine = affine_from((0, 1, 2), (False, False, False), (1, 1, 1), (0, 0, 45), (0, 0, 0))
    assert sorted(geometry.world_axes(affine)) == [0, 1, 2]
    assert geometry.obliqueness_degrees(affine) == pytest.approx(45)


@given(st.floats(0, 44), st.sampled_from([(1, 0, 0), (0, 1, 0), (0, 0, 1)]))
def test_obliqueness_is_the_angle_of_the_turn(angle: float, about: tuple[int, int, int]) -> None:
    turned = tuple(angle * axis for axis in about)
    affine = affine_from((2, 0, 1), (True, False, True), (1, 2, 3), turned, (0, 0, 0))  # type: ignore[arg-type]
    assert geometry.obliqueness_degrees(affine) == pytest.approx(angle, abs=1e-4)
    assert geometry.shear_degrees(affine) == pytest.approx(0, abs=1e-4)


@given(affines(), st.tuples(*[st.floats(-10, 600)] * 3))
def test_there_and_back(affine: Any, index: Any) -> None:
    world = geometry.to_world(affine, np.array(index))
    np.testing.assert_allclose(world, (affine @ (*index, 1))[:3], atol=1e-9)
    np.testing.assert_allclose(geometry.to_index(affine, world), index, atol=1e-6)
    many = np.array([index, (0, 0, 0)])
    np.testing.assert_allclose(geometry.to_index(affine, geometry.to_world(affine, many)), many, atol=1e-6)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda affine: affine.__setitem__((0, 0), np.nan), "NaN"),
        (lambda affine: affine.__setitem__((slice(0, 3), 1), 0), "singular"),
        (lambda affine: affine.__setitem__((slice(0, 3), 1), affine[:3, 2]), "singular"),
        (lambda affine: affine.__setitem__((3, 0), 1), "last row"),
    ],
)
def test_an_affine_that_means_nothing_is_refused(spoil: Any, why: str) -> None:
    affine = SCREEN.copy()
    spoil(affine)
    assert why in geometry.affine_problem(affine)
    for ask in (axis_codes, geometry.is_right_handed, geometry.obliqueness_degrees, lambda a: cut_of(a, 0)):
        with pytest.raises(ValueError, match=why):
            ask(affine)
    assert spacing_of(image_on(affine)) is None


def test_millimetres_only_where_spacing_is_known_and_regular() -> None:
    assert spacing_of(image_on(SCREEN)) == (3, 2, 1)
    assert spacing_of(image_on(None, spacing_mm=(1, 0.2, 0.2))) == (1, 0.2, 0.2)
    for image, why in (
        (image_on(None), "unknown or uneven"),
        (image_on(SCREEN, spacing_mm=None), "unknown or uneven"),
        (image_on(None, spacing_mm=(1, 0, 1)), "not a positive"),
        (image_on(None, spacing_mm=(1, np.nan, 1)), "not a positive"),
        (image_on(SCREEN, spacing_mm=(3, 2, 1.1)), "contradict"),
        (image_on(slanted(10)), r"shear of 10.0 degrees"),
    ):
        assert spacing_of(image) is None
        assert why in why_no_spacing(image)
    assert spacing_of(image_on(slanted(0.2))) is not None


@needs_shared
def test_a_sheared_file_is_not_measured_in_millimetres() -> None:
    image = read_image(DATA / "geometry" / "odd" / "shear.nii.gz")
    assert image.affine is not None
    assert geometry.shear_degrees(image.affine) > 1
    assert spacing_of(image) is None


# ---- grids ----------------------------------------------------------------------------------------------------------


def test_the_same_grid_needs_no_words() -> None:
    moved = SCREEN.copy()
    moved[:3, 3] += 0.005
    for other in (SCREEN, moved):
        match = same_grid(image_on(SCREEN), image_on(other))
        assert match
        assert (match.by, match.reason) == ("none", "")
    assert same_grid(image_on(None), image_on(None)).by == "none"


@pytest.mark.parametrize(
    ("change", "by", "why"),
    [
        (lambda affine: affine.__setitem__((0, 3), 30), "origin", "first voxels are 30.00 mm apart"),
        (lambda affine: affine.__setitem__((2, 0), 4), "spacing", "3 x 2 x 1 and 4 x 2 x 1 mm"),
        (lambda affine: affine.__setitem__((0, 2), 1), "direction", "mirrored"),
        (lambda affine: affine.__setitem__(slice(None), affine @ np.diag([1, -1, -1, 1])), "direction", "180.0 deg"),
    ],
)
def test_another_grid_is_told_in_words(change: Any, by: str, why: str) -> None:
    other = SCREEN.copy()
    change(other)
    match = same_grid(image_on(SCREEN), image_on(other))
    assert not match
    assert match.by == by
    assert why in match.reason


def test_shapes_come_first_and_a_grid_without_place_is_said() -> None:
    match = same_grid(image_on(SCREEN), Grid(shape=(3, 5, 4), affine=None, name="mask.png"))
    assert (match.same, match.by) == (False, "shape")
    assert match.reason == "a has 3 x 4 x 5 and mask.png has 3 x 5 x 4 voxels (slices x rows x columns)."
    match = same_grid(image_on(SCREEN), Grid(shape=(3, 4, 5), affine=None, name="mask.png"))
    assert (match.same, match.by) == (True, "unknown")
    assert match.reason.startswith("mask.png does not say")


def test_small_voxels_have_a_small_tolerance() -> None:
    fine = affine_from((2, 1, 0), (False, True, True), (0.01, 0.01, 0.01), (0, 0, 0), (0, 0, 0))
    moved = fine.copy()
    moved[0, 3] += 0.005  # half a voxel, though less than the 0.01 mm that do for a CT
    assert same_grid(image_on(fine), image_on(moved)).by == "origin"


@given(affines(), affines())
def test_no_voxel_lies_further_apart_than_the_corners(first: Any, second: Any) -> None:
    shape = (3, 4, 5)
    voxels = np.argwhere(np.ones(shape))
    apart = np.linalg.norm(geometry.to_world(first, voxels) - geometry.to_world(second, voxels), axis=1).max()
    assert corner_distance_mm(first, second, shape) == pytest.approx(apart)


# ---- cuts -----------------------------------------------------------------------------------------------------------


def edge_letters(cut: Any) -> str:
    return "".join((cut.edges.top, cut.edges.bottom, cut.edges.left, cut.edges.right))


@pytest.mark.parametrize(("order", "flips"), ORDERS)
@pytest.mark.parametrize(
    ("name", "convention", "wanted"),
    [
        ("axial", "radiological", "APRL"),
        ("axial", "neurological", "APLR"),
        ("coronal", "radiological", "SIRL"),
        ("coronal", "neurological", "SILR"),
        ("sagittal", "radiological", "SIAP"),
        ("sagittal", "neurological", "SIAP"),
    ],
)
def test_the_letters_of_every_order(order: Any, flips: Any, name: Any, convention: Any, wanted: str) -> None:
    affine = affine_from(order, flips, (1, 2, 3), (0, 0, 0), (1, 2, 3))
    cut = cut_of(affine, nearest_axis(affine, name), convention)
    assert (cut.name, edge_letters(cut)) == (name, wanted)


@given(affines(30), st.integers(0, 2), st.sampled_from(["radiological", "neurological"]), st.data())
def test_the_picture_shows_the_voxel_that_lies_there(affine: Any, axis: int, convention: Any, data: Any) -> None:
    """The letters are checked in the world: one pixel to the right must lie further towards the letter on the right."""
    volume = np.arange(3 * 4 * 5).reshape(3, 4, 5)
    cut = cut_of(affine, axis, convention)
    index = data.draw(st.integers(0, volume.shape[axis] - 1))
    picture = cut.slice_of(volume, index)
    assert np.shares_memory(picture, volume)
    down, across = (data.draw(st.integers(0, length - 1)) for length in picture.shape)
    voxel = cut.voxel_at(index, down, across, volume.shape)
    assert picture[down, across] == volume[tuple(int(place) for place in voxel)]
    assert cut.on_screen(voxel, volume.shape) == (down, across)
    world = geometry.to_world(affine, np.array(voxel))
    for letter, move in ((cut.edges.right, (0, 1)), (cut.edges.bottom, (1, 0)), (cut.edges.top, (-1, 0))):
        there = cut.voxel_at(index, down + move[0], across + move[1], volume.shape)
        step = geometry.to_world(affine, np.array(there)) - world
        axis_of = {"L": (0, -1), "R": (0, 1), "P": (1, -1), "A": (1, 1), "I": (2, -1), "S": (2, 1)}[letter[0]]
        assert step[axis_of[0]] * axis_of[1] > 0
        assert cut.spacing_mm is not None
        assert np.linalg.norm(step) == pytest.approx(cut.spacing_mm[0 if move[0] else 1])


def test_a_picture_without_geometry_is_shown_as_it_is() -> None:
    picture = np.arange(12).reshape(1, 3, 4)
    np.testing.assert_array_equal(plane(picture, 0, 0), picture[0])
    cut = cut_of(None, 0, spacing=(1, 0.5, 0.25))
    assert edge_letters(cut) == ""
    assert (cut.name, cut.forward, cut.spacing_mm) == (None, "", (0.5, 0.25))


def test_a_slice_that_is_not_there_is_no_slice() -> None:
    for index in (-1, 3):
        with pytest.raises(IndexError, match="no such slice"):
            plane(np.zeros((3, 4, 5)), 0, index, SCREEN)


def test_a_slanted_cut_says_so_at_its_edges() -> None:
    affine = affine_from((2, 1, 0), (False, True, True), (1, 1, 1), (30, 0, 0), (0, 0, 0))
    cut = cut_of(affine, 0)
    assert (cut.edges.right, cut.edges.top, cut.edges.bottom) == ("L", "AS", "PI")
    assert cut.forward == "SP"


@needs_shared
def test_every_order_of_one_head_gives_one_picture() -> None:
    """The files hold one head in 23 axis orders; every cut of every one of them must be the same picture."""
    files = sorted((DATA / "geometry" / "nifti_space").glob("*.nii.gz"))
    ras = nibabel.as_closest_canonical(nibabel.load(files[0])).get_fdata(dtype=np.float32)
    expected = {"axial": ras[::-1, ::-1, 30].T, "coronal": ras[::-1, 30, ::-1].T, "sagittal": ras[30, ::-1, ::-1].T}
    for path in files:
        stored = nibabel.load(path)
        volume, affine = stored.get_fdata(dtype=np.float32), stored.affine
        centre = geometry.to_index(affine, nibabel.as_closest_canonical(stored).affine[:3] @ (30, 30, 30, 1))
        for name in ("axial", "coronal", "sagittal"):
            axis = nearest_axis(affine, name)  # type: ignore[arg-type]
            shown = plane(volume, axis, round(float(centre[axis])), affine)
            np.testing.assert_array_equal(shown, expected[name])


@needs_shared
def test_world_coordinates_of_the_test_data() -> None:
    """First and last voxel of every NIfTI volume, to 0.01 mm, as two other readers found them."""
    checked = 0
    for name in ("geometry", "volumes"):
        files = json.loads((DATA / name / "expected.json").read_text())["files"]
        for file, expected in files.items():
            stated = expected.get("nibabel", {})
            if "world_last_RAS" not in stated or not file.endswith((".nii", ".nii.gz")):
                continue
            stored = nibabel.load(DATA / name / file)
            if len(stored.shape) < 3:
                continue
            last = np.array(stored.shape[:3]) - 1
            corners = geometry.to_world(stored.affine, np.array([(0, 0, 0), last]))
            np.testing.assert_allclose(corners, [stated["world_first_RAS"], stated["world_last_RAS"]], atol=0.01)
            checked += 1
    assert checked >= 50
