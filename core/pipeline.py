"""The verbs that the window, the command line and a notebook call. Importing this module loads no torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from operator import index
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from core.errors import ShapeMismatch
from core.progress import Report, silent
from core.records import (
    Agreement,
    AnimationFile,
    AnimationOptions,
    Array,
    Case,
    CasePaths,
    ChangeMap,
    CheckpointReport,
    CommitMap,
    Deviation,
    DialPoint,
    Difference,
    ErrorDetection,
    ErrorMap,
    FigureColumn,
    FilmSummary,
    Finding,
    FolderContents,
    Image,
    Intake,
    LabelInfo,
    LabelMap,
    Measurement,
    Member,
    PassportDifference,
    PassportTable,
    Prediction,
    ResultKey,
    RunSettings,
    Series,
    Solver,
    Space,
    StepCurve,
    StepMap,
    StepQuantity,
    Surface,
    SurfaceMap,
    Texture,
    TopologyReport,
    Uncertainty,
    frozen_array,
)

# Threads of torch that wait for each other should soon sleep. By default libgomp has them spin for milliseconds, which
# on two cores shared with other programs made a network call up to twice as slow; sleeping at once costs a third on an
# idle machine. This is in between. Read when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
_IMPORTING = Lock()

if TYPE_CHECKING:
    from core.comparison.grids import Spacing
    from core.evaluation.comparing import ComparedPair
    from core.evaluation.records import DataSet, EvaluationPlan, EvaluationSummary, LaunchOptions, TaskResult
    from core.images.fitting import OtherGrid
    from core.images.sections import Convention, Projection, Section, View
    from core.inference.results import ResultCache
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


def measure(
    prediction: Prediction | Array,
    reference: LabelMap | Array,
    *,
    labels: Sequence[int] | Literal["each"] | None = None,
    roi: LabelMap | Array | None = None,
    spacing_mm: Sequence[float] | None = None,
    definitions: str = "standard",
    names: Collection[str] | None = None,
    tolerances: Sequence[float] = (1.0, 2.0),
    band: float | None = None,
    match_iou: float = 0.5,
) -> Measurement:
    """Metrics of a prediction (or a mask, or a label map) against a reference on the same grid, else `ShapeMismatch`.

    `labels`: None = all foreground together, `each` = every label of either, one after the other, or these. `roi`:
    only where it is not 0. `spacing_mm`: None = the reference's, and if that is unknown, distances are in px.
    `definitions`: `standard`, `soft-seg`, `sofl-seg`: what the producers' tables mean. `names`: of the metrics that
    are wanted (`core.metrics.METRICS` lists them), None = all. `tolerances` of NSD and `band`, the width of boundary
    IoU (None = 2 % of the diagonal), are in mm, or px where the spacing is unknown. A `Prediction` is measured by its
    probability too. Raises `ValueError` for definitions, and `KeyError` for a name, that do not exist. A reference
    that was brought onto the image for the eye alone (`placed` is `shown`) is a `ShapeMismatch`.
    """
    _import_measures()
    from core.metrics.requests import Request, measure_request

    _refuse_shown(reference)
    return measure_request(
        Request(
            prediction=prediction,
            reference=reference,
            labels=labels,
            roi=roi,
            spacing_mm=None if spacing_mm is None else tuple(map(float, spacing_mm)),
            definitions=definitions,
            names=names,
            tolerances=tuple(tolerances),
            band=band,
            match_iou=match_iou,
        )
    )


def measure_steps(prediction: Prediction, reference: LabelMap) -> tuple[float | None, ...]:
    """Dice of each kept step's estimate against the reference, in step order; None where it does not exist."""
    _import_measures()
    from core.exports import dice_against_steps

    return dice_against_steps(prediction, reference.labels > 0)


def difference(first: Prediction, second: Prediction) -> Difference:
    """What changed from one prediction to another of the same image, else `ShapeMismatch`."""
    _import_measures()
    from core.metrics.change import change_between

    return change_between(first, second)


def error_map(prediction: Prediction | Array, reference: LabelMap | Array) -> ErrorMap:
    """Voxel by voxel, what a mask got right and wrong, with counts; `ShapeMismatch` unless both are on one grid."""
    _import_measures()
    from core.comparison.differences import error_map as mapped

    return mapped(_mask(prediction), _reference(reference))


def change_map(first: Prediction, second: Prediction) -> ChangeMap:
    """Voxel by voxel, what changes from one prediction to another of the same image, else `ShapeMismatch`."""
    _import_measures()
    from core.comparison.differences import change_map as mapped

    return mapped(first, second)


def surface_map(
    prediction: Prediction | Array, reference: LabelMap | Prediction | Array, spacing_mm: Spacing | None = None
) -> SurfaceMap:
    """How far each boundary voxel of a mask is from the other's boundary, signed; in mm with a spacing, else in px."""
    _import_measures()
    from core.comparison.differences import surface_map as mapped

    return mapped(_mask(prediction), _reference(reference), spacing_mm)


def topology(
    prediction: Prediction | Array,
    reference: LabelMap | Prediction | Array,
    spacing_mm: Spacing | None = None,
    radius_px: float = 8.0,
    report: Report = silent,
) -> TopologyReport:
    """Breaks, bridges, lost branches, islands and loops of a predicted vessel tree, each with its place and length.

    Lengths in mm with a spacing, else in px. `radius_px`: how near a fork of the reference a false positive counts as
    near it.
    """
    _import_measures()
    from core.comparison.vessels import topology_report

    return topology_report(_mask(prediction), _reference(reference), spacing_mm, radius_px, report)


def agreement(masks: Sequence[Prediction | LabelMap | Array]) -> Agreement:
    """How many of some masks of one image mark each voxel, and the Dice of each pair; needs no reference."""
    _import_measures()
    from core.comparison.differences import agreement as agreed

    return agreed([_reference(mask) for mask in masks])


def step_map(prediction: Prediction, position: int, quantity: StepQuantity, bare: Prediction | None = None) -> StepMap:
    """One quantity of one kept step (`position` from 0, or -1 for the last); `bare` is the same run with FiLM off."""
    _import_measures()
    from core.comparison.steps import step_map as mapped

    return mapped(prediction, position, quantity, bare)


def step_curves(
    prediction: Prediction,
    reference: LabelMap | Array | None = None,
    names: Sequence[str] = ("dice", "changed", "open", "calls"),
) -> tuple[StepCurve, ...]:
    """Numbers against t: any metric of a mask, and `changed`, `open`, `calls`; KeyError for another name."""
    _import_measures()
    from core.comparison.steps import step_curves as curves

    spacing = reference.spacing_mm if isinstance(reference, LabelMap) else None
    return curves(prediction, None if reference is None else _reference(reference), names, spacing)


def commit_map(prediction: Prediction) -> CommitMap:
    """For every voxel the last kept step at which its label changed; ValueError for a prediction without steps."""
    _import_measures()
    from core.comparison.steps import commit_map as mapped

    return mapped(prediction)


def uncertainty(prediction: Prediction) -> Uncertainty:
    """Mean, standard deviation, entropy, votes and disagreement of the samples, as far as they were kept."""
    _import_measures()
    from core.comparison.uncertainty import uncertainty as found

    return found(prediction)


def vote_mask(found: Uncertainty, least: int) -> Array:
    """The mask of voxels that at least `least` samples mark; ValueError where the samples were not kept."""
    _import_measures()
    from core.comparison.uncertainty import vote_mask as mask

    return mask(found, least)


def member_settings(prediction: Prediction, member: Member) -> RunSettings:
    """Settings that compute one sample alone, from its stored seed; ValueError if it came from recorded draws.

    Where a language model is shown the mask of a first pass and one answer serves all windows, that mask is the first
    sample's of a run: there a sample alone may be told something else than in the ensemble.
    """
    _import_measures()
    from core.comparison.uncertainty import member_settings as settings

    return settings(prediction, member)


def detect_errors(
    prediction: Prediction,
    reference: LabelMap | Array,
    measure: Literal["deviation", "entropy"] = "deviation",
    spacing_mm: Spacing | None = None,
) -> ErrorDetection:
    """Whether the uncertainty is higher where the mask is wrong, against nearness to the boundary as the baseline."""
    _import_measures()
    from core.comparison.uncertainty import detect_errors as detect

    return detect(prediction, _reference(reference), measure, spacing_mm)


def solvers(report: CheckpointReport) -> tuple[Solver, ...]:
    """The solvers that a checkpoint can be run with; none where there is no differential equation to solve."""
    from core.segmenters.protocol import solvers_of

    return solvers_of(report)


def dial_settings(
    report: CheckpointReport,
    base: RunSettings | None = None,
    steps: Sequence[int] = (1, 2, 4, 8, 16, 32),
    solvers: Sequence[Solver] | None = None,
) -> tuple[RunSettings, ...]:
    """Settings of a steps dial: the checkpoint's own first, then other solvers and numbers of steps, each once."""
    _import_measures()
    from core.comparison.dial import dial_settings as settings

    return settings(report, base or RunSettings(), steps, solvers)


def run_dial(
    segmenter: Segmenter,
    image: Image | Array,
    settings: Sequence[RunSettings],
    reference: LabelMap | Array | None = None,
    report: Report = silent,
) -> Iterator[DialPoint]:
    """Run one case with each of some settings, in turn; each point comes as soon as it is there.

    Raises what `segment` raises, at the setting that it concerns; `report` may raise `Cancelled` at any network call.
    """
    _import_measures()
    from core.comparison.dial import run_dial as run

    marked = None if reference is None else _reference(reference)
    spacing = reference.spacing_mm if isinstance(reference, LabelMap) else None
    return run(segmenter, _as_image(image), settings, marked, spacing, report)


def compare_checkpoints(first: str | Path, second: str | Path, report: Report = silent) -> PassportDifference:
    """What differs between two checkpoints: settings, training, reported scores, and weights block by block.

    Reads the weights of both, one tensor at a time, if they are the same kind of network. Never raises for a bad file:
    its report is `refused`, and `blocks_reason` says so.
    """
    from core.comparison.passports import compare_passports

    return compare_passports(Path(first), Path(second), report)


def passport_tables(
    difference: PassportDifference, *, alike: bool = False, names: tuple[str, str] | None = None
) -> tuple[PassportTable, ...]:
    """A comparison of two checkpoints in words: settings, training, scores, weights. `alike`: what is the same too;
    `names`: what they are called, None = by their files."""
    from core.comparison.passport_tables import passport_tables as tabulated

    return tabulated(difference, alike=alike, names=names)


def passport_text(tables: Sequence[PassportTable]) -> str:
    """Tables of a comparison for the clipboard: one after the other, cells divided by tabs."""
    from core.comparison.passport_tables import tables_text

    return tables_text(tables)


def size_bytes(prediction: Prediction) -> int:
    """Memory that the arrays of a prediction take, steps and samples too; one that stands in it twice counts once."""
    from core.inference.results import size_bytes as size

    return size(prediction)


def result_cache(
    memory_bytes: int = 1 << 30, folder: str | Path | None = None, disk_bytes: int = 8 << 30
) -> ResultCache:
    """A memory of predictions, of which the one unused for longest goes first; also on disk if `folder` is given.

    `get(key)`, `put(key, prediction)`, `forget(matches)`, `bytes`. Reading and writing the disk belongs in a job.
    """
    from core.inference.results import ResultCache

    return ResultCache(memory_bytes, None if folder is None else Path(folder), disk_bytes)


def result_key(
    checkpoint: str | Path,
    image: Image | Array,
    settings: RunSettings,
    sha256: str | None = None,
    **options: Any,
) -> ResultKey:
    """Under what a prediction is kept, on disk too. Files count as unchanged while path, time and size are.

    `sha256` of the checkpoint, where it is known, instead of these. `options`: as for `load`, plain values. Looks at
    the files, so it belongs in a job; raises OSError when the checkpoint has gone.
    """
    from core.inference.results import result_key as key

    return key(Path(checkpoint), _as_image(image), settings, options, sha256)


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


def compare_runs(runs: Sequence[str | Path], metrics: Sequence[str] | None = None) -> tuple[ComparedPair, ...]:
    """Each pair of checkpoints of evaluated runs (folders of `evaluate`, or CSV files), tested case by case.

    `metrics`: by name, `all`, or None for a few usual ones; p values are adjusted for all tests that are returned.
    Raises `ComparisonRefused`.
    """
    from core.evaluation.comparing import compare_runs as compare

    return compare([Path(run) for run in runs], metrics)


def write_comparison(pairs: Sequence[ComparedPair], folder: str | Path) -> Path:
    """Write compare.csv into `folder`."""
    from core.evaluation.comparing import write_comparison as write

    return write(pairs, Path(folder))


def flip_suspected(prediction: Prediction, reference: LabelMap) -> tuple[Finding, ...]:
    """A warning when a prediction would fit the reference far better mirrored; none when it cannot be told."""
    from core.images.flips import flip_suspected as look

    if reference.placed == "shown" or reference.labels.shape != prediction.mask.shape:
        return ()
    return look(prediction.mask, reference.labels > 0, reference.affine)


def list_labels(labels: LabelMap, report: Report = silent) -> tuple[LabelInfo, ...]:
    """Every label that occurs in a map, by number, with its voxels and a place to look at it."""
    from core.images.label_list import list_labels as listed

    return listed(labels, report)


def open_case(
    image: str | Path,
    reference: str | Path | None = None,
    sample: str | None = None,
    frame: int = 0,
    other_grid: OtherGrid = "show",
    files: Sequence[str] = (),
) -> Case:
    """Read an image and its reference; raises `ImageRefused` or `ShapeMismatch`.

    `frame` of a film or a time series, and that of a reference with as many. One that has another number of frames is
    taken to belong to the first of the image: of any other frame the case has no reference, and a finding says why.
    A reference on another grid than the image's is drawn where it lies and not measured (`show`), or resampled
    (`resample`), laid voxel on voxel (`voxels`) or refused (`refuse`): its `placed` and findings say so. `files`: those
    of one DICOM series, as `CasePaths` has them; `image` is then only its name.
    """
    from core.images import read_case, sample_name

    labels = None if reference is None else str(reference)
    sample = sample or sample_name(Path(image))
    name = Path(image).parent.name if files else Path(image).name
    paths = CasePaths(name=name, image=str(image), reference=labels, sample=sample, files=tuple(files))
    return read_case(paths, frame, other_grid)


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


def open_labels(path: str | Path, image: Image) -> LabelMap:
    """Read a mask that belongs to `image`; raises `ImageRefused` or `ShapeMismatch`."""
    from core.images import read_labels

    return read_labels(path, like=image)


def prediction_of_labels(labels: LabelMap, image: Image) -> Prediction:
    """A reference or an imported mask in the place of a prediction: no steps, no network, `from_labels` holds.

    Raises `ShapeMismatch` for labels that do not lie on the grid of `image`.
    """
    from core.images.as_prediction import prediction_of_labels as made_of

    return made_of(labels, image)


def from_labels(prediction: Prediction) -> bool:
    """Whether a prediction is labels of a file, which no network made."""
    return "labels" in prediction.provenance


def reference_of(image: str | Path) -> Path | None:
    """The reference mask that lies beside an image by the naming of known data sets, or None."""
    from core.images import find_reference

    return find_reference(Path(image))


def pair(images: Sequence[str], masks: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Which mask belongs to which image among files that came together, and the masks left over. By name only."""
    from core.images import pair as pair_by_name

    return pair_by_name(images, masks)


def scan(folder: str | Path, report: Report = silent) -> FolderContents:
    """Cases, checkpoints and training runs below a folder; DICOM files by series."""
    from core.images import scan_folder

    return scan_folder(Path(folder), report)


def sort_files(paths: Sequence[str], report: Report = silent) -> tuple[tuple[CasePaths, ...], tuple[Series, ...]]:
    """Loose image files as cases: DICOM files by the series they belong to, every other file for itself. Where the
    DICOM files make up several series, these too, to choose from."""
    from core.images import series_cases, series_of

    series, others = series_of([Path(path) for path in paths], report)
    folder = Path(series[0].files[0]).parent.name if series else ""
    cases = [*series_cases(series, folder), *(CasePaths(name=Path(path).name, image=path) for path in others)]
    return tuple(cases), series if len(series) > 1 else ()


def save(
    prediction: Prediction,
    image: Image,
    folder: str | Path,
    stem: str,
    *,
    steps: bool = False,
    file_format: str = "auto",
) -> tuple[Path, ...]:
    """Write mask, probability, run record (JSON) and, if asked, the kept steps; returns the files.

    `file_format`: one of `formats_for(image)`, or `auto` for the first of them.
    """
    from core.exports import save_prediction

    return save_prediction(prediction, image, Path(folder), stem, steps=steps, file_format=file_format)


def formats_for(image: Image) -> tuple[str, ...]:
    """In which formats a result can be written on the grid of an image (`nifti`, `png`, `dicom`, ...), the usual one
    first."""
    from core.exports import formats_for as possible

    return possible(image)


def animate(
    columns: Sequence[FigureColumn],
    image: Image,
    path: str | Path,
    *,
    reference: LabelMap | None = None,
    options: AnimationOptions | None = None,
    report: Report = silent,
) -> AnimationFile:
    """Write the scrub of one or several columns from the first kept step to the final result, as .gif or .mp4.

    All columns run on one axis from noise to mask, each at its kept step nearest to the moment; a supervised network
    has one point. What is not as trained is written into every picture. Raises `FigureRefused` (MP4 without the extra
    `video` too), `ShapeMismatch`, and OSError when the disk refuses.
    """
    from core.figures.animation import animate as write

    return write(columns, image, Path(path), reference, options or AnimationOptions(), report)


def video_missing() -> str:
    """Why no MP4 can be written on this machine, in words; empty when it can."""
    from core.figures.animation import video_missing as missing

    return missing()


def space_of(image: Image) -> Space:
    """Where a volume lies in three dimensions."""
    from core.figures.space import space_of as place

    return place(image)


def point_of(space: Space, voxel: tuple[float, float, float]) -> tuple[float, float, float]:
    """Where the centre of a voxel (slice, row, column) lies in a space."""
    from core.figures.space import point_of as point

    return point(space, voxel)


def voxel_at(space: Space, point: tuple[float, float, float], shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The voxel at a point of a space; outside a volume of that shape, the nearest."""
    from core.figures.space import voxel_at as voxel

    return voxel(space, point, shape)


def surface(mask: Array, image: Image, report: Report = silent) -> Surface:
    """The boundary of a mask on the grid of an image, as triangles in its space, within a budget."""
    from core.figures.surfaces import surface_of

    return surface_of(mask, image, report=report)


def texture(image: Image, window: tuple[float, float], report: Report = silent) -> Texture:
    """An image through a window, small enough to be drawn through in three dimensions."""
    from core.figures.surfaces import texture_of

    return texture_of(image, window, report=report)


def pick(
    surfaces: Sequence[Surface],
    origin: tuple[float, float, float],
    direction: tuple[float, float, float],
    tolerance: float,
) -> tuple[float, float, float] | None:
    """The point of a surface that a ray meets first, give or take `tolerance` (a tangent); None beside all of them."""
    from core.figures.surfaces import pick as picked

    return picked(surfaces, origin, direction, tolerance)


def stem_of(name: str) -> str:
    """The name of a case as the start of file names: folders joined, ending left out (`.nii.gz` ends twice)."""
    from core.names import file_stem

    return file_stem(name)


def frame_suffix(image: Image) -> str:
    """`_frame8` for the eighth frame of a film: results of two frames are two files. Empty for a single image."""
    return f"_frame{image.frame + 1}" if image.frames > 1 else ""


def as_command(checkpoint: str, image: str, settings: RunSettings) -> str:
    """The command line that computes the same prediction as a run in the window."""
    from core.exports import command_line

    return command_line(checkpoint, image, settings)


def trained(prediction: Prediction) -> float:
    """The threshold that the checkpoint was trained to be cut at, whatever this prediction was cut at."""
    return float(prediction.provenance.get("trained_threshold", prediction.threshold))


def _import_measures() -> None:
    """Import the measures, one thread at a time: of two that import a package and a part of it at once, Python 3.11
    hands one a half-made module, or tells it of a deadlock. Seen in the window, and in one of six tries of a script.
    """
    with _IMPORTING:
        import_module("core.metrics")


def _mask(mask: Prediction | Array) -> Array:
    """What is marked, as bool."""
    marked: Array = np.asarray(mask.mask if isinstance(mask, Prediction) else mask) > 0
    return marked


def _reference(reference: LabelMap | Prediction | Array) -> Array:
    """What is marked, as bool; raises `ShapeMismatch` for labels that only the eye may compare with the image."""
    if not isinstance(reference, LabelMap):
        return _mask(reference)
    _refuse_shown(reference)
    return _mask(reference.labels)


def _refuse_shown(reference: LabelMap | Prediction | Array) -> None:
    if isinstance(reference, LabelMap) and reference.placed == "shown":
        raise ShapeMismatch(
            f"{reference.name} lies on another grid than the image and was brought onto it for the eye alone. Resample "
            "it to measure."
        )


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
