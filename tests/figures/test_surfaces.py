"""Surfaces lie where their masks lie, in millimetres, within the budget; a click finds what is in front."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core import pipeline
from core.errors import ShapeMismatch
from core.figures.surfaces import pick, surface_of, texture_of
from core.progress import Cancelled, Progress
from core.records import Array, Image, Surface, frozen_array

OBLIQUE = np.array([[0.0, 0.6, -0.8, 30.0], [0.2, 1.6, 1.2, -40.0], [3.0, 0.0, 0.0, 5.0], [0, 0, 0, 1.0]])


def image(shape: tuple[int, int, int] = (20, 30, 40), affine: Array | None = None) -> Image:
    return Image(voxels=frozen_array(np.zeros(shape), np.float32), name="volume", affine=affine)


def block(shape: tuple[int, int, int] = (20, 30, 40)) -> Array:
    mask = np.zeros(shape, bool)
    mask[4:10, 5:25, 10:14] = True
    return mask


def volume_of(surface: Surface) -> float:
    """By the divergence theorem, in cubic units; positive where the triangles look outwards."""
    first, second, third = (surface.vertices[surface.faces[:, corner]].astype(float) for corner in range(3))
    return float(np.einsum("ij,ij->i", first, np.cross(second, third)).sum() / 6)


def test_a_surface_lies_halfway_between_the_voxels_in_world_millimetres() -> None:
    made = surface_of(block(), image(affine=np.diag([2.0, 1.0, 0.5, 1.0])))
    assert made.every == 1
    np.testing.assert_allclose(made.vertices.min(axis=0), [3.5 * 2, 4.5, 9.5 * 0.5], atol=1e-5)
    np.testing.assert_allclose(made.vertices.max(axis=0), [9.5 * 2, 24.5, 13.5 * 0.5], atol=1e-5)


def test_an_oblique_affine_is_followed_exactly() -> None:
    plain, turned = surface_of(block(), image(affine=np.eye(4))), surface_of(block(), image(affine=OBLIQUE))
    expected = plain.vertices @ OBLIQUE[:3, :3].T + OBLIQUE[:3, 3]
    np.testing.assert_allclose(turned.vertices, expected, atol=1e-3)
    assert abs(volume_of(turned) / volume_of(plain)) == pytest.approx(abs(np.linalg.det(OBLIQUE[:3, :3])), rel=1e-4)
    np.testing.assert_allclose(np.linalg.norm(turned.normals, axis=1), 1, atol=1e-5)


def test_the_volume_inside_is_that_of_a_ball() -> None:
    places = np.indices((41, 41, 41)) - 20
    ball = (places**2).sum(axis=0) <= 15**2
    made = surface_of(ball, image(ball.shape, np.eye(4)))
    assert abs(volume_of(made)) == pytest.approx(4 / 3 * np.pi * 15**3, rel=0.02)
    radii = np.linalg.norm(made.vertices - 20, axis=1)
    assert radii.min() > 14
    assert radii.max() < 16


def test_normals_stand_on_the_surface() -> None:
    made = surface_of(block(), image(affine=np.diag([3.0, 1.0, 1.0, 1.0])))
    end = made.vertices[:, 0] == made.vertices[:, 0].max()
    flat = end & (np.abs(made.vertices[:, 1] - 15) < 5) & (np.abs(made.vertices[:, 2] - 11.5) < 1)
    assert flat.sum() > 5
    assert np.abs(made.normals[flat, 0]).min() > 0.9


def test_a_budget_is_kept_and_nothing_thin_is_lost() -> None:
    mask = np.zeros((60, 60, 60), bool)
    mask[30, 30, 2:58] = True  # one voxel thick
    mask[10:50, 10:28, 10:50] = True
    full = surface_of(mask, image(mask.shape))
    made = surface_of(mask, image(mask.shape), budget=4000)
    assert len(full.faces) > 4000 >= len(made.faces) > 0
    assert made.every > 1
    for corner in (np.min, np.max):  # the thin line still reaches from end to end
        assert corner(made.vertices, axis=0) == pytest.approx(corner(full.vertices, axis=0), abs=made.every)


def test_an_empty_mask_has_no_surface_and_a_full_one_is_closed() -> None:
    assert len(surface_of(np.zeros((3, 4, 5), bool), image((3, 4, 5))).faces) == 0
    full = surface_of(np.ones((3, 4, 5), bool), image((3, 4, 5), np.eye(4)))
    assert abs(volume_of(full)) == pytest.approx(3 * 4 * 5, rel=0.1)


def test_a_mask_of_another_shape_and_a_cancelled_run_are_refused() -> None:
    with pytest.raises(ShapeMismatch):
        surface_of(np.ones((3, 4, 5), bool), image((3, 4, 6)))

    def stop(progress: Progress) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        surface_of(block(), image(), report=stop)


def test_a_space_says_its_letters_and_whether_it_is_to_scale() -> None:
    world = pipeline.space_of(image(affine=OBLIQUE))
    assert world.letters == (("L", "R"), ("P", "A"), ("I", "S"))
    assert (world.unit, world.true_to_scale) == ("mm", True)
    plain = pipeline.space_of(image())
    assert (plain.unit, plain.true_to_scale) == ("voxels", False)
    assert plain.low == (-0.5, -0.5, -0.5)
    assert plain.high == (39.5, 29.5, 19.5)
    spaced = pipeline.space_of(replace(image(), spacing_mm=(3.0, 1.0, 1.0)))
    assert spaced.high == (39.5, 29.5, 58.5)
    assert spaced.true_to_scale


@pytest.mark.parametrize("affine", [None, OBLIQUE])
def test_a_voxel_and_its_point_lead_to_each_other(affine: Array | None) -> None:
    picture = image(affine=affine)
    space = pipeline.space_of(picture)
    for voxel in ((0, 0, 0), (19, 29, 39), (7, 11, 13)):
        assert pipeline.voxel_at(space, pipeline.point_of(space, voxel), picture.voxels.shape) == voxel
    assert pipeline.voxel_at(space, pipeline.point_of(space, (-9.0, 99.0, 3.0)), (20, 30, 40)) == (0, 29, 3)
    if affine is not None:
        assert pipeline.point_of(space, (7, 11, 13)) == pytest.approx(pipeline.world_of(picture, (7, 11, 13)))


def test_a_texture_keeps_the_brightest_voxel_within_its_budget_and_its_place() -> None:
    voxels = np.zeros((20, 30, 40), np.float32)
    voxels[13, 21, 33] = 100
    picture = replace(image(affine=OBLIQUE), voxels=frozen_array(voxels))
    made = texture_of(picture, (0, 50), budget=1000)
    assert made.levels.size <= 1000
    assert made.every == 3
    (place,) = np.argwhere(made.levels == 255)
    point = made.matrix[:3, :3] @ (place + 0.5) + made.matrix[:3, 3]
    distance = np.abs(np.linalg.solve(OBLIQUE[:3, :3], point - OBLIQUE[:3, 3]) - [13, 21, 33])
    assert distance.max() <= made.every / 2
    assert texture_of(picture, (0, 50)).every == 1


def test_a_ray_meets_the_nearer_of_two_surfaces() -> None:
    near, far = block(), np.roll(block(), 10, axis=0)
    surfaces = [surface_of(far, image(affine=np.eye(4))), surface_of(near, image(affine=np.eye(4)))]
    found = pick(surfaces, (-100.0, 15.0, 11.5), (1.0, 0.0, 0.0), 0.01)
    assert found is not None
    assert found == pytest.approx((3.5, 15, 11.5), abs=1.0)
    assert pick(surfaces, (-100.0, 15.0, 11.5), (-1.0, 0.0, 0.0), 0.01) is None
    assert pick(surfaces, (-100.0, 200.0, 11.5), (1.0, 0.0, 0.0), 0.01) is None
    assert pick([], (0.0, 0.0, 0.0), (1.0, 0.0, 0.0), 0.01) is None
