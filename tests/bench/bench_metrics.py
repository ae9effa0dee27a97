"""How long measuring takes, beside MONAI, SimpleITK and surface-distance in one process: `bench_metrics.py [runs]`.

Two pairs of masks, made here: vessels of 512 x 512 (one label) and five organs of 256 x 256 x 256. First all standard
measures (targets: 0.060 s and 3 s); then, for each library, the measures that it has, in that library and here, and
their ratio. The median of the runs; `cpu` is the time of the process, which others on the machine hardly touch.
Run it with OMP_NUM_THREADS=1: everything on one thread.
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SPACING = (1.5, 0.8, 0.8)


def vessels() -> tuple[Any, Any]:
    """A tree of bent tubes of 2 to 6 pixels and a prediction that wavers, misses one branch and adds some specks."""
    y, x = np.mgrid[:512, :512].astype(np.float32)
    parts = [
        np.abs(np.sin(x / scale) * amplitude + y - row) < width
        for scale, amplitude, row, width in ((60, 40, 130, 6), (45, 60, 260, 4), (30, 20, 380, 2.5), (80, 90, 330, 5))
    ]
    parts += [np.abs(y * slope + x - at) < 3 for slope, at in ((0.4, 250), (-0.6, 120), (0.9, 600))]
    reference = np.any(parts, axis=0)
    prediction = np.roll(np.any(parts[:-1], axis=0), (1, 2), (0, 1))
    specks = np.random.default_rng(0).random(reference.shape) < 0.0005
    return prediction | specks, reference


ORGANS = (((64, 64, 64), 40), ((70, 180, 70), 48), ((180, 80, 100), 52), ((180, 190, 190), 55), ((60, 100, 200), 38))


def organs() -> tuple[Any, Any]:
    """Five ellipsoids with dents, of 200,000 to 600,000 voxels; predicted two voxels aside, and a little smaller."""
    grid = np.mgrid[:256, :256, :256].astype(np.float32)
    dents = 3 * (np.sin(grid[0] / 5) + np.sin(grid[1] / 6) + np.sin(grid[2] / 7))
    reference, prediction = np.zeros((2, 256, 256, 256), np.uint8)
    for label, (centre, radius) in enumerate(ORGANS, start=1):
        away = np.sqrt(sum((axis - at) ** 2 for axis, at in zip(grid, centre, strict=True))) + dents
        reference[away < radius] = label
        prediction[np.roll(away, 2, axis=1) < radius - 1] = label
    return prediction, reference


def timed(work: Callable[[], object], runs: int) -> tuple[float, float]:
    """Median seconds by the clock and of the process."""
    work()
    wall, cpu = [], []
    for _ in range(runs):
        clock, process = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - clock)
        cpu.append(time.process_time() - process)
    return statistics.median(wall), statistics.median(cpu)


def monai(prediction: Any, reference: Any, labels: int, spacing: tuple[float, ...]) -> Callable[[], object]:
    import torch
    from monai.metrics import (
        compute_average_surface_distance,
        compute_dice,
        compute_hausdorff_distance,
        compute_surface_dice,
    )

    def work() -> None:
        coded = [
            torch.from_numpy(np.stack([mask == label for label in range(labels + 1)])[None]).float()
            for mask in (prediction, reference)
        ]
        compute_dice(*coded, include_background=False)
        compute_hausdorff_distance(*coded, percentile=95, spacing=list(spacing))
        compute_average_surface_distance(*coded, symmetric=True, spacing=list(spacing))
        compute_surface_dice(*coded, [1.0] * labels, spacing=list(spacing))

    return work


def simpleitk(prediction: Any, reference: Any, labels: int, spacing: tuple[float, ...]) -> Callable[[], object]:
    import SimpleITK

    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)

    def work() -> None:
        images = [SimpleITK.GetImageFromArray(mask.astype(np.uint8)) for mask in (prediction, reference)]
        for image in images:
            image.SetSpacing(spacing[::-1])
        overlap = SimpleITK.LabelOverlapMeasuresImageFilter()
        overlap.Execute(*images)
        for label in range(1, labels + 1):
            distances = SimpleITK.HausdorffDistanceImageFilter()
            distances.Execute(*(image == label for image in images))

    return work


def deepmind(prediction: Any, reference: Any, labels: int, spacing: tuple[float, ...]) -> Callable[[], object]:
    import surface_distance

    def work() -> None:
        for label in range(1, labels + 1):
            found = surface_distance.compute_surface_distances(reference == label, prediction == label, spacing)
            surface_distance.compute_robust_hausdorff(found, 95)
            surface_distance.compute_average_surface_distance(found)
            surface_distance.compute_surface_dice_at_tolerance(found, 1.0)

    return work


LIBRARIES = (
    ("MONAI", monai, ("dice", "hd95", "assd", "nsd_1")),
    ("SimpleITK", simpleitk, ("dice", "iou", "volume_difference", "hd")),
    ("surface-distance", deepmind, ("hd95", "assd", "nsd_1")),
)


def compare(title: str, masks: tuple[Any, Any], labels: int, target: float, runs: int) -> None:
    from core import pipeline
    from core.metrics import METRICS

    each = tuple(range(1, labels + 1))
    predicted, reference = (mask.astype(np.uint8) for mask in masks)
    spacing = SPACING[-reference.ndim :]

    def ours(names: tuple[str, ...] | None = None) -> object:
        return pipeline.measure(predicted, reference, labels=each, spacing_mm=spacing, names=names)

    wall, cpu = timed(ours, runs)
    sizes = ", ".join(f"{np.count_nonzero(reference == label):,}" for label in each)
    print(f"{title}, {labels} label(s) of {sizes} pixels")
    print(f"  all {len(METRICS)} standard measures: {wall:.3f} s, cpu {cpu:.3f} s, {cpu / target:.2f} of the target")
    for name, library, names in LIBRARIES:
        theirs, mine = timed(library(predicted, reference, labels, spacing), runs), timed(lambda n=names: ours(n), runs)
        print(
            f"  {', '.join(names)}: {name} {theirs[0]:.3f} s (cpu {theirs[1]:.3f}), here {mine[0]:.3f} s (cpu "
            f"{mine[1]:.3f}): {theirs[1] / mine[1]:.1f} times as fast"
        )


def scored(runs: int) -> None:
    from core.metrics import PROBABILITY_METRICS, measure_probability

    reference = vessels()[1]
    noise = np.random.default_rng(1).random(reference.shape).astype(np.float32)
    probability = (0.7 * reference + 0.3 * noise).astype(np.float32)
    wall, cpu = timed(lambda: measure_probability(probability, reference), runs)
    print(f"all {len(PROBABILITY_METRICS)} measures of a probability, 512 x 512: {wall:.3f} s, cpu {cpu:.3f} s")


def main(runs: int) -> None:
    warnings.simplefilter("ignore")  # those of the other libraries
    compare("512 x 512", vessels(), 1, 0.060, 4 * runs)
    scored(4 * runs)
    compare("256 x 256 x 256", organs(), 5, 3.0, runs)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
