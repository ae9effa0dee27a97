"""The verbs that the window, the command line and a notebook call. Importing this module loads no torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import ShapeMismatch
from core.progress import Report, silent
from core.records import (
    Array,
    Case,
    CasePaths,
    CheckpointReport,
    Deviation,
    Difference,
    FilmSummary,
    FolderContents,
    Image,
    Intake,
    LabelMap,
    Measurement,
    Prediction,
    RunSettings,
    frozen_array,
)

# Threads of torch that wait for each other should soon sleep. By default libgomp has them spin for milliseconds, which
# on two cores shared with other programs made a network call up to twice as slow; sleeping at once costs a third on an
# idle machine. This is in between. Read when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

if TYPE_CHECKING:
    from core.evaluation.records import DataSet, EvaluationPlan, EvaluationSummary, LaunchOptions, TaskResult
    from core.images.sections import Convention, Projection, Section, View
    from core.sampling.draws import Draws
    from core.segmenters import Segmenter


def identify(path: str | Path) -> Intake:
    """What a dropped path is, by content: checkpoint, image, label map, profile cache or folder. Never raises."""
    from core.intake import identify_path

    return identify_path(Path(path))


def inspect(
    path: str | Path, weights: str = "auto", film_stages: Sequence[int] | None = None, film_point: str | None = None
) -> CheckpointReport:
    """What a checkpoint is, and why. Reads no tensor data and never raises: a bad file is reported as `refused`.

    The other arguments are overrides as for `load`.
    """
    from core.checkpoints.report import describe_file

    return describe_file(Path(path), film_stages=_stages(film_stages), film_point=film_point, weights=weights)


def sha256(path: str | Path, report: Report = silent) -> str:
    """Hash of the whole file, with progress; the report's `sha256` is filled in on demand with this."""
    from core.checkpoints.reader import sha256_of

    return sha256_of(Path(path), report)


def warm_up(report: Report = silent) -> None:
    """Import what a run needs, on the calling thread, without holding up others; at once when that is done already."""
    from core.warm_up import import_torch

    import_torch()


def load(
    path: str | Path,
    device: str = "auto",
    weights: str = "auto",
    film_stages: Sequence[int] | None = None,
    film_point: str | None = None,
    profiles: str | Path | None = None,
    vlm: str = "auto",
    report: Report = silent,
) -> Segmenter:
    """Load a checkpoint as it was trained. Raises `CheckpointRefused` with the findings when that cannot be done.

    `device`: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`. `weights`: `auto` (what the producer evaluated), `model`, `swa`,
    `ema`.
    `film_stages`, `film_point` override what the file says; the report then says `user`. `profiles`: a profile cache
    (folder or tar) to look in before those beside the checkpoint. `vlm`: the vision-language model that makes
    conditions which no cache holds, opened when first needed: `auto` (the checkpoint's own, if it lies in the hub's
    cache), `none`, a local folder, or a name in the hub's cache. Nothing is downloaded.
    """
    from core.segmenters.loading import load_segmenter

    return load_segmenter(
        Path(path),
        device=device,
        weights=weights,
        film_stages=_stages(film_stages),
        film_point=film_point,
        profiles=None if profiles is None else Path(profiles),
        vlm=vlm,
        report=report,
    )


def find_vlm(name: str) -> Path | None:
    """Where a vision-language model lies on this machine: `name` is a folder, or a name in the hub's cache; or None."""
    from core.conditioning.vision_language import find_local

    return find_local(name)


def fetch_vlm(name: str, report: Report = silent) -> Path:
    """Download a vision-language model into the hub's cache: only ever called because a person asked for it."""
    from core.conditioning.vision_language import download

    return download(name, report)


def segment(
    segmenter: Segmenter,
    image: Image | Array,
    settings: RunSettings | None = None,
    report: Report = silent,
    random: Draws | None = None,
    condition: Array | None = None,
) -> Prediction:
    """Run a segmenter on one image, shown as a person sees it: an `Image` or a 2D array (rows, columns).

    `report` is called between network calls and may raise `Cancelled`. `random` replays recorded draws in the
    producer's order; None = seeded from `settings.seed`. `condition` (cond_dim,) or (windows, cond_dim); None = from
    the profile cache. Raises `ConditionMissing`, `SettingsRefused`, `OutOfMemory`.
    """
    taken = _as_image(image)
    return segmenter.segment(taken, settings or RunSettings(), report, random, condition)


def rethreshold(prediction: Prediction, threshold: float) -> Prediction:
    """The same prediction cut at another threshold (in its own value range), and labelled if not as trained."""
    usual = Deviation(code="threshold", label=f"threshold {threshold:g}, trained {trained(prediction):g}")
    others = tuple(item for item in prediction.deviations if item.code != "threshold")
    return replace(
        prediction,
        mask=frozen_array(prediction.score > threshold),
        threshold=threshold,
        settings=replace(prediction.settings, threshold=threshold),
        deviations=others if threshold == trained(prediction) else (*others, usual),
    )


def measure(prediction: Prediction | Array, reference: LabelMap | Array) -> Measurement:
    """Standard metrics of a prediction (or a mask) against a reference on the same grid, else `ShapeMismatch`."""
    from core.metrics import measure_masks

    mask = prediction.mask if isinstance(prediction, Prediction) else prediction
    labels = reference.labels if isinstance(reference, LabelMap) else reference
    return measure_masks(np.asarray(mask) > 0, np.asarray(labels) > 0)


def measure_steps(prediction: Prediction, reference: LabelMap) -> tuple[float | None, ...]:
    """Dice of each kept step's estimate against the reference, in step order; None where it does not exist."""
    from core.exports import dice_against_steps

    return dice_against_steps(prediction, reference.labels > 0)


def difference(first: Prediction, second: Prediction) -> Difference:
    """What changed from one prediction to another of the same image, else `ShapeMismatch`."""
    from core.metrics.change import change_between

    return change_between(first, second)


def film_summary(prediction: Prediction) -> FilmSummary:
    """What the FiLM heads were told in a run, in figures: how many windows, how far gain and offset go."""
    from core.conditioning.summary import summarise

    return summarise(prediction)


def find_data_set(
    path: str | Path, layout: str = "auto", split: str | None = None, regions: str | Path | None = None
) -> DataSet:
    """The pairs of image and reference that an evaluation would run over, and what is left out; raises `DataRefused`.

    `layout`: `producers`, `nnunet`, `bids`, `folders`, `csv`, or `auto` for the first that fits.
    """
    from core.evaluation.datasets import find_data_set as find

    return find(path, layout=layout, split=split, regions=regions)


def evaluate(
    plan: EvaluationPlan,
    folder: str | Path,
    options: LaunchOptions | None = None,
    report: Report = silent,
    listen: Callable[[TaskResult], object] = lambda result: None,
) -> EvaluationSummary | None:
    """Run every case of a plan under every checkpoint, or what a killed run left of it; tables are in `folder`.

    `listen` hears of each case as it is recorded. None in the helping processes of a run on several devices, which
    call this too. Raises `CheckpointRefused` and `RunRefused`.
    """
    from core.evaluation.launching import evaluate as run
    from core.evaluation.records import LaunchOptions as Options

    return run(plan, Path(folder), options or Options(), report, listen)


def open_case(image: str | Path, reference: str | Path | None = None, sample: str | None = None) -> Case:
    """Read an image and its reference; raises `ImageRefused` or `ShapeMismatch`."""
    from core.images import read_case, sample_name

    labels = None if reference is None else str(reference)
    sample = sample or sample_name(Path(image))
    return read_case(CasePaths(name=Path(image).name, image=str(image), reference=labels, sample=sample))


def section(
    image: Image,
    view: View,
    cross: tuple[int, int, int],
    convention: Convention = "radiological",
    projection: Projection = "off",
    thickness: int = 1,
) -> Section:
    """What `view` (`axial`, `coronal`, `sagittal`, `acquired`) shows of an image through voxel `cross` (slice, row,
    column): how any array on its grid is cut and turned for the screen, with the letters at the edges.

    A `projection` other than `off` looks through `thickness` slices. Without geometry the three planes are the array's
    own, as stored, without letters.
    """
    from core.images.sections import section_of

    return section_of(image, view, cross, convention, projection, thickness)


def world_of(image: Image, voxel: tuple[float, float, float]) -> tuple[float, float, float] | None:
    """RAS millimetres of a voxel (slice, row, column), not only of its centre; None without geometry."""
    from core.images.sections import world_of as world_of_voxel

    return world_of_voxel(image, voxel)


def reference_of(image: str | Path) -> Path | None:
    """The reference mask that lies beside an image by the naming of known data sets, or None."""
    from core.images import find_reference

    return find_reference(Path(image))


def pair(images: Sequence[str], masks: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Which mask belongs to which image among files that came together, and the masks left over. By name only."""
    from core.images import pair as pair_by_name

    return pair_by_name(images, masks)


def scan(folder: str | Path) -> FolderContents:
    """Cases and checkpoints below a folder."""
    from core.images import scan_folder

    return scan_folder(Path(folder))


def save(
    prediction: Prediction, image: Image, folder: str | Path, stem: str, *, steps: bool = False
) -> tuple[Path, ...]:
    """Write mask, probability, run record (JSON) and, if asked, the kept steps; returns the files."""
    from core.exports import save_prediction

    return save_prediction(prediction, image, Path(folder), stem, steps=steps)


def stem_of(name: str) -> str:
    """The name of a case as the start of file names: folders joined, ending left out (`.nii.gz` ends twice)."""
    return Path(name.removesuffix(".gz")).with_suffix("").as_posix().replace("/", "_")


def as_command(checkpoint: str, image: str, settings: RunSettings) -> str:
    """The command line that computes the same prediction as a run in the window."""
    from core.exports import command_line

    return command_line(checkpoint, image, settings)


def trained(prediction: Prediction) -> float:
    """The threshold that the checkpoint was trained to be cut at, whatever this prediction was cut at."""
    return float(prediction.provenance.get("trained_threshold", prediction.threshold))


def _stages(stages: Sequence[int] | None) -> tuple[int, ...] | None:
    return None if stages is None else tuple(map(index, stages))


def _as_image(image: Image | Array) -> Image:
    """Whatever holds one image as (slices, rows, columns) float32; raises `ShapeMismatch` for other shapes."""
    voxels = np.asarray(image.voxels if isinstance(image, Image) else image)
    if voxels.ndim not in (2, 3) or voxels.size == 0:
        raise ShapeMismatch(
            f"An image array has 2 axes (rows, columns) or 3 (slices first), all of them filled, not {voxels.shape}."
        )
    if voxels.dtype == np.uint8 and voxels.ndim == 3 and voxels.shape[0] > 1 and voxels.shape[2] in (3, 4):
        raise ShapeMismatch(f"An array of shape {voxels.shape} looks like a colour picture: hand over one channel.")
    if isinstance(image, Image) and voxels.ndim == 3:
        return image
    voxels = frozen_array(voxels if voxels.ndim == 3 else voxels[None], np.float32)
    return replace(image, voxels=voxels) if isinstance(image, Image) else Image(voxels=voxels, name="array")
