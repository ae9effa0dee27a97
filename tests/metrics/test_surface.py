"""Distances between boundaries: against brute force, MONAI, SimpleITK, DeepMind's surface-distance and the fixtures."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import SimpleITK
import surface_distance
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.metrics import (
    compute_average_surface_distance,
    compute_hausdorff_distance,
    compute_surface_dice,
)
from scipy import ndimage
from scipy.spatial.distance import cdist

from core.images import read_labels
from core.metrics import Options, measure_masks
from core.metrics.definitions import registry
from core.metrics.surface import band, boundary, surface_distances
from tests.metrics.drawing import blobs, fixture_pairs, masks_of
from tests.shared_data import DATA, SHARED, needs_shared

SURFACE = ("hd", "hd95", "assd", "nsd_1", "nsd_2")
SHAPES = st.sampled_from([(12, 15), (24, 9), (7, 8, 9), (4, 12, 10)])
SPACINGS = st.sampled_from([(1.0, 1.0, 1.0), (2.5, 0.5, 0.7), (0.4, 3.0, 1.0)])
MONAI_WARNS = pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning", "ignore:invalid value")
SEEDS, SHARES = st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.2, 0.5, 0.9])


@needs_shared
@pytest.mark.parametrize("pair", fixture_pairs())
def test_fixture_pairs_have_the_values_of_monai_and_scipy(pair: dict[str, Any]) -> None:
    measured, trusted = measure_masks(*masks_of(pair)), pair["trusted"]
    if trusted["scipy_edges_cross"] is None:
        assert all(measured[name].value is None and "empty" in measured[name].reason for name in SURFACE)
        return
    scipy, monai = trusted["scipy_edges_cross"], trusted["monai"]
    for name, key in (("hd", "hd"), ("hd95", "hd95"), ("assd", "assd_pooled"), ("nsd_1", "nsd_tol1")):
        assert measured[name].value == pytest.approx(scipy[key], abs=1e-12), name
    for name, key in (("hd", "hd"), ("hd95", "hd95"), ("assd", "assd_symmetric"), ("nsd_2", "nsd_tol2")):
        assert measured[name].value == pytest.approx(float(monai[key]), abs=5e-6), name


def real_cases() -> list[Any]:
    if not SHARED.is_dir():
        return []
    cases = []
    for name in ("xca", "fundus", "octa"):
        listed = json.loads((DATA / name / "expected_metrics.json").read_text())["cases"]
        cases += [pytest.param(DATA / name / key, facts, id=f"{name}/{key}") for key, facts in listed.items()]
    return cases


@needs_shared
@pytest.mark.parametrize(("path", "facts"), real_cases())
def test_real_masks_have_the_distances_of_two_libraries(path: Any, facts: dict[str, Any]) -> None:
    reference = read_labels(path).labels > 0
    prediction = np.zeros_like(reference)
    prediction[..., 2:] = reference[..., :-2]
    measured = measure_masks(prediction, reference)
    assert measured["accuracy"].value == pytest.approx(facts["numpy"]["accuracy"], abs=1e-6)
    for value in facts["hausdorff_px"].values():
        assert measured["hd"].value == pytest.approx(value, abs=1e-5)
    for value in facts["hd95_px"].values():
        assert measured["hd95"].value == pytest.approx(value, abs=1e-5)


def random_masks(shape: tuple[int, ...], seed: int, share: float) -> tuple[Any, Any]:
    """One of noise and one of objects, none of them empty."""
    noise = np.random.default_rng(seed).random(shape) < share
    noise.flat[seed % noise.size] = True
    return noise, blobs(shape, seed)


@settings(deadline=None, max_examples=60)
@given(SHAPES, SEEDS, SHARES, SPACINGS)
def test_distances_are_those_of_comparing_every_pixel_with_every_other(
    shape: tuple[int, ...], seed: int, share: float, spacing: tuple[float, float, float]
) -> None:
    prediction, reference = random_masks(shape, seed, share)
    scale = np.array(spacing[-len(shape) :])
    table = cdist(np.argwhere(boundary(prediction)) * scale, np.argwhere(boundary(reference)) * scale)
    found = surface_distances(prediction, reference, tuple(scale.tolist()))
    np.testing.assert_allclose(found.predicted, table.min(axis=1), atol=1e-12)
    np.testing.assert_allclose(found.actual, table.min(axis=0), atol=1e-12)


def test_far_boundaries_are_found_by_the_tree_and_by_the_transform() -> None:
    for side, fill in ((200, 0.0), (40, 0.5)):
        prediction = np.random.default_rng(1).random((side, side)) < fill
        prediction[:, side // 3 :] = False
        prediction[3, 3], reference = True, np.zeros((side, side), bool)
        reference[-9:-3, -20:-4] = True
        table = cdist(np.argwhere(boundary(prediction)), np.argwhere(boundary(reference)))
        found = surface_distances(prediction, reference, (1.0, 1.0))
        np.testing.assert_allclose(found.predicted, table.min(axis=1))
        np.testing.assert_allclose(found.actual, table.min(axis=0))


@MONAI_WARNS
@settings(deadline=None, max_examples=40)
@given(SHAPES, SEEDS, SHARES, SPACINGS)
def test_monai_agrees(shape: tuple[int, ...], seed: int, share: float, spacing: tuple[float, float, float]) -> None:
    """The same boundaries and the same percentiles; MONAI's ASSD and NSD pool both boundaries, as here."""
    prediction, reference = random_masks(shape, seed, share)
    options = Options(spacing_mm=spacing)
    measured = measure_masks(prediction, reference, options=options)
    batch = [torch.from_numpy(mask)[None, None].float() for mask in (prediction, reference)]
    scale = list(spacing[-len(shape) :])
    hd95 = compute_hausdorff_distance(*batch, percentile=95, spacing=scale)
    assd = compute_average_surface_distance(*batch, symmetric=True, spacing=scale)
    assert measured["hd"].value == pytest.approx(float(compute_hausdorff_distance(*batch, spacing=scale)), rel=1e-5)
    assert measured["hd95"].value == pytest.approx(float(hd95), rel=1e-5)
    assert measured["assd"].value == pytest.approx(float(assd), rel=1e-5)
    assert measured["hd"].unit == "mm"


@MONAI_WARNS
@settings(deadline=None, max_examples=40)
@given(SHAPES, SEEDS, SHARES)
def test_monai_agrees_on_surface_dice(shape: tuple[int, ...], seed: int, share: float) -> None:
    prediction, reference = random_masks(shape, seed, share)
    measured = measure_masks(prediction, reference)
    batch = [torch.from_numpy(mask)[None, None].float() for mask in (prediction, reference)]
    for tolerance in (1.0, 2.0):
        nsd = float(compute_surface_dice(*batch, [tolerance]))
        assert measured[f"nsd_{tolerance:g}"].value == pytest.approx(nsd, abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(SHAPES, SEEDS, SHARES, SPACINGS)
def test_simpleitk_agrees_on_overlap_and_on_distances_of_boundaries(
    shape: tuple[int, ...], seed: int, share: float, spacing: tuple[float, float, float]
) -> None:
    """ITK measures from all pixels of a mask to the other mask, inside of which the distance is 0.

    That is another number, larger or smaller; given the boundaries alone it is the same.
    """
    prediction, reference = random_masks(shape, seed, share)
    images = [pictured(mask, spacing) for mask in (prediction, reference)]
    edges = [pictured(boundary(mask), spacing) for mask in (prediction, reference)]
    overlaps, distances = SimpleITK.LabelOverlapMeasuresImageFilter(), SimpleITK.HausdorffDistanceImageFilter()
    overlaps.Execute(images[1], images[0])
    distances.Execute(*edges)
    measured = measure_masks(prediction, reference, options=Options(spacing_mm=spacing))
    assert measured["dice"].value == pytest.approx(overlaps.GetDiceCoefficient(), abs=1e-12)
    assert measured["iou"].value == pytest.approx(overlaps.GetJaccardCoefficient(), abs=1e-12)
    assert measured["hd"].value == pytest.approx(distances.GetHausdorffDistance(), rel=1e-5)


def pictured(mask: Any, spacing: tuple[float, float, float]) -> Any:
    image = SimpleITK.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(spacing[-mask.ndim :][::-1])
    return image


@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")
@settings(deadline=None, max_examples=25)
@given(st.sampled_from([(24, 20), (14, 15, 16)]), SEEDS)
def test_hausdorff_distance_of_deepmind_agrees_within_a_pixel(shape: tuple[int, ...], seed: int) -> None:
    """Its boundary lies between the pixels: the two differ by at most a pixel's diagonal.

    Its percentiles are of the length of the boundary, not of its pixels, and may be any other number on rough objects.
    """
    prediction, reference = blobs(shape, seed), blobs(shape, seed + 1)
    found = surface_distance.compute_surface_distances(reference, prediction, (1.0,) * len(shape))
    hd = surface_distance.compute_robust_hausdorff(found, 100)
    assert measure_masks(prediction, reference)["hd"].value == pytest.approx(hd, abs=len(shape) ** 0.5)


@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")
@pytest.mark.parametrize("shift", [1, 3, 5])
def test_deepmind_agrees_on_a_smooth_object(shift: int) -> None:
    """One counts pixels and measures between their centres, the other weights the elements between them by length."""
    disk = np.hypot(*(np.mgrid[:300, :300] - 150)) < 120
    moved = np.roll(disk, shift, axis=1)
    found = surface_distance.compute_surface_distances(disk, moved, (1.0, 1.0))
    nsd = surface_distance.compute_surface_dice_at_tolerance(found, 2.0)
    metrics = registry((1.0, 3.0))
    measured = measure_masks(moved, disk, metrics=metrics)
    assert measured["nsd_1"].value <= nsd <= measured["nsd_3"].value
    average = np.mean(surface_distance.compute_average_surface_distance(found))
    assert measured["hd95"].value == pytest.approx(surface_distance.compute_robust_hausdorff(found, 95), abs=0.5)
    assert measured["assd"].value == pytest.approx(average, abs=0.5)


def test_distances_scale_with_the_spacing_and_follow_its_axes() -> None:
    one, other = np.zeros((2, 3, 9, 9), bool)
    one[1, 2, 2] = other[1, 2, 6] = True
    for spacing, wanted in (((1.0, 1.0, 1.0), 4.0), ((3.0, 2.0, 0.5), 2.0), ((3.0, 0.5, 2.0), 8.0)):
        measured = measure_masks(one, other, options=Options(spacing_mm=spacing))
        assert [measured[name].value for name in ("hd", "hd95", "assd")] == [wanted] * 3
    flat = measure_masks(one[1], other[1], options=Options(spacing_mm=(9.0, 0.5, 0.25)))
    assert (flat["hd"].value, flat["hd"].unit) == (1.0, "mm")  # the thickness of a slice is no matter
    assert (measure_masks(one, other)["hd"].unit, flat["volume_difference"].unit) == ("px", "mm²")


def test_a_distance_equal_to_the_tolerance_is_within_it() -> None:
    one, other = np.zeros((2, 9, 9), bool)
    one[2, 2] = other[2, 5] = True
    measured = measure_masks(one, other, options=Options(spacing_mm=(1.0, 1.0, 0.1)), metrics=registry((0.29, 0.3)))
    assert (measured["nsd_0.3"].value, measured["nsd_0.29"].value) == (1, 0)  # 3 * 0.1 > 0.3 in float64


def test_the_edge_of_the_image_is_boundary() -> None:
    assert boundary(np.ones((4, 5), bool)).sum() == 14
    assert boundary(np.ones((3, 3, 3), bool)).sum() == 26


@settings(deadline=None, max_examples=40)
@given(SHAPES, SEEDS, st.integers(1, 6))
def test_the_band_is_what_erosion_by_a_square_takes_away(shape: tuple[int, ...], seed: int, width: int) -> None:
    mask = blobs(shape, seed, 0.6)
    eroded = ndimage.binary_erosion(mask, np.ones((3,) * len(shape)), iterations=width)
    np.testing.assert_array_equal(band(mask, (width,) * len(shape)), mask & ~eroded)


def test_boundary_iou_of_a_thick_object_sees_what_iou_does_not() -> None:
    disk = np.hypot(*(np.mgrid[:200, :200] - 100)) < 80
    moved = np.roll(disk, 3, axis=0)
    measured = measure_masks(moved, disk, options=Options(band=3.0))
    assert measured["iou"].value > 0.95
    assert measured["boundary_iou"].value < 0.5
    wide = measure_masks(moved, disk, options=Options(band=500.0))
    assert wide["boundary_iou"].value == wide["iou"].value
    fine = measure_masks(moved, disk, options=Options(band=3.0, spacing_mm=(1.0, 1.0, 1.0)))
    assert fine["boundary_iou"].value == measured["boundary_iou"].value
    small = measure_masks(moved, disk, options=Options(band=1.5, spacing_mm=(1.0, 0.5, 0.5)))
    assert small["boundary_iou"].value == measured["boundary_iou"].value
    usual = measure_masks(moved, disk, options=Options(band=round(0.02 * 200 * 2**0.5)))
    assert measure_masks(moved, disk)["boundary_iou"].value == usual["boundary_iou"].value


def test_without_a_boundary_there_is_no_distance() -> None:
    empty, full = np.zeros((5, 5), bool), np.ones((5, 5), bool)
    for prediction, reference, said in ((empty, full, "the prediction is"), (full, empty, "the reference is")):
        measured = measure_masks(prediction, reference)
        assert all(measured[name].reason.startswith(said) for name in SURFACE)
        assert measured["boundary_iou"].value == 0
    assert "both masks are" in measure_masks(empty, empty)["hd"].reason
    assert measure_masks(empty, empty)["boundary_iou"].value is None
