"""The command line of Flowglass, and the window when no command is given. Importing this loads no torch and no Qt."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from core import pipeline
from core.console import (
    print_comparison,
    print_failure,
    print_json,
    print_refusal,
    print_reports,
    print_result,
    print_runs,
    print_usage_error,
    progress_bar,
)
from core.errors import CheckpointRefused, FlowglassError
from core.evaluation.console import is_first_process, print_compared, print_data_set, print_evaluation
from core.evaluation.records import EvaluationPlan, LaunchOptions
from core.progress import silent
from core.records import (
    AnimationFile,
    AnimationOptions,
    Case,
    CasePaths,
    CheckpointReport,
    FigureColumn,
    FilmSettings,
    FolderContents,
    Prediction,
    RunSettings,
    to_plain,
)

DONE, SOME_FAILED, REFUSED = 0, 1, 2
COMMANDS = ("open", "demo", "inspect", "predict", "evaluate", "compare")
NamedCase = tuple[str, Callable[[], Case]]
COLUMN_COLOUR = "#56B4E9"
"""Of the only mask of an animation: that of the first column of the window."""
DEMO = Path(__file__).resolve().parent / "resources" / "demo"
cli = typer.Typer(add_completion=False, no_args_is_help=False, help="See what a segmentation checkpoint sees.")


def main() -> None:
    """`flowglass FILES...` opens the window; the first word may instead be a command."""
    arguments = sys.argv[1:]
    if not arguments or (arguments[0] not in COMMANDS and not arguments[0].startswith("-")):
        arguments = ["open", *arguments]
    cli(args=arguments, prog_name="flowglass")


@cli.command("open")
def open_window(
    files: Annotated[list[str] | None, typer.Argument(help="checkpoints, images, masks, folders")] = None,
) -> None:
    """The window, with the files opened (the command itself may be left out)."""
    from app import run

    raise typer.Exit(run(files or []))


@cli.command()
def demo(
    screenshot: Annotated[Path | None, typer.Option(help="where to write the picture of the window")] = None,
) -> None:
    """The window with the bundled cases and checkpoints. Without a screen: a screenshot of it, and where it is."""
    from app import run

    if not DEMO.is_dir():
        raise _refuse(f"{DEMO} is missing: the demo is part of the repository and of the package. Install it again.")
    raise typer.Exit(run([str(DEMO)], demo=True, screenshot=None if screenshot is None else str(screenshot)))


@cli.command()
def inspect(
    checkpoints: Annotated[
        list[Path], typer.Argument(help="one file, or two to see what differs; a folder to list its training runs")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="the whole report as JSON")] = False,
    hashed: Annotated[
        bool | None, typer.Option("--hash/--no-hash", help="SHA-256 of the file (default: with --json)")
    ] = None,
) -> None:
    """What is it, and why do we think so."""
    folders = [contents for contents in map(_runs_of, checkpoints) if contents is not None]
    listed = {contents.path for contents in folders}
    files = [path for path in checkpoints if str(path) not in listed]
    reports = [_described(path, as_json if hashed is None else hashed) for path in files]
    if as_json:
        plain = [*map(_runs_as_plain, folders), *(report.to_dict() for report in reports)]
        print_json(plain[0] if len(plain) == 1 else plain)
    else:
        for contents in folders:
            print_runs(contents)
        if len(reports) == 2:
            _print_comparison(files, reports)
        elif reports:
            print_reports(reports)
    refused = sum(report.status == "refused" for report in reports)
    raise typer.Exit(DONE if not refused else REFUSED if refused == len(checkpoints) else SOME_FAILED)


def _print_comparison(files: Sequence[Path], reports: Sequence[CheckpointReport]) -> None:
    with progress_bar("compare weights") as reporter:
        difference = pipeline.compare_checkpoints(files[0], files[1], reporter)
    print_comparison(reports, pipeline.passport_tables(difference))


def _runs_of(path: Path) -> FolderContents | None:
    """What a folder of training runs holds; None for files, and for folders without runs."""
    if not path.is_dir():
        return None
    try:
        contents = pipeline.scan(path)
    except FlowglassError:
        return None
    return contents if contents.runs else None


def _runs_as_plain(contents: FolderContents) -> dict[str, Any]:
    return {"path": contents.path, "runs": to_plain(contents.runs), "findings": to_plain(contents.findings)}


def _described(path: Path, hashed: bool) -> CheckpointReport:
    report = pipeline.inspect(path)
    if not hashed or report.container is None:
        return report
    with progress_bar(f"hash {path.name}") as reporter:
        return replace(report, sha256=pipeline.sha256(path, reporter))


@cli.command()
def predict(
    checkpoint: Path,
    images: Annotated[list[Path], typer.Argument(help="images, or folders of cases")],
    output: Annotated[Path, typer.Option("--output", "-o", help="folder for masks, probabilities and steps")],
    seed: int = 0,
    steps: Annotated[int | None, typer.Option(help="instead of the checkpoint's own number")] = None,
    solver: Annotated[str | None, typer.Option(help="euler, midpoint, heun, dopri5 instead of its own")] = None,
    samples: Annotated[int | None, typer.Option(help="instead of the checkpoint's num_ensemble")] = None,
    first_sample: Annotated[int, typer.Option(min=0, help="number of the first: --samples 1 runs it alone")] = 0,
    protocol: Annotated[str, typer.Option(help="as-trained or as-evaluated")] = "as-trained",
    threshold: Annotated[float | None, typer.Option(help="in the checkpoint's value range")] = None,
    value_range: Annotated[str | None, typer.Option(help="read an ambiguous file otherwise, e.g. -1,1")] = None,
    film: Annotated[str, typer.Option(help="auto, on, off or shuffle")] = "auto",
    film_strength: Annotated[float, typer.Option(help="0 = identity, 1 = as trained")] = 1.0,
    film_unit: Annotated[str, typer.Option(help="window or image: what has a condition of its own")] = "window",
    film_use_stages: Annotated[str | None, typer.Option(help="apply only these trained stages, e.g. 0,1")] = None,
    film_stages: Annotated[str | None, typer.Option(help="override: the stages the heads belong to, e.g. 0,1")] = None,
    film_point: Annotated[str | None, typer.Option(help="override: A or B")] = None,
    frame: Annotated[int, typer.Option(min=1, help="of films and time series, which frame to run on, from 1")] = 1,
    slice_axis: Annotated[str, typer.Option(help="of a volume, run along: slices, rows or columns")] = "slices",
    series: Annotated[str | None, typer.Option(help="of a DICOM folder, only this series: its UID or number")] = None,
    file_format: Annotated[
        str, typer.Option("--format", help="of the results: auto, nifti, nrrd, mha, png, tiff or dicom")
    ] = "auto",
    reference_grid: Annotated[
        str, typer.Option(help="a reference on another grid than its image: show, resample, voxels or refuse")
    ] = "show",
    film_text: Annotated[str | None, typer.Option(help="words to embed instead of the language model's answer")] = None,
    profiles: Annotated[Path | None, typer.Option(help="profile cache (folder or tar) for the condition")] = None,
    vlm: Annotated[
        str, typer.Option(help="language model for windows that no cache knows: auto, none, a folder, or a hub name")
    ] = "auto",
    weights: Annotated[str, typer.Option(help="auto, model, swa or ema")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps")] = "auto",
    keep: Annotated[str, typer.Option(help="steps to keep: all, last, t's (0.1,0.5) or step numbers (0,3)")] = "last",
    save_steps: Annotated[bool, typer.Option(help="write the kept steps as pictures")] = False,
    animation: Annotated[
        str | None, typer.Option(help="gif or mp4: the steps as <case>_steps.gif; keeps them, unless --keep says which")
    ] = None,
    animation_fps: Annotated[float, typer.Option(help="steps per second of the animation")] = 10.0,
    animation_scale: Annotated[float, typer.Option(help="pixels of the animation per pixel of the image")] = 2.0,
    animation_quantity: Annotated[str, typer.Option(help="mask, estimate, probability or state")] = "mask",
    as_json: Annotated[bool, typer.Option("--json", help="results as JSON")] = False,
) -> None:
    """Segment images with a checkpoint, exactly as the window does; references that lie beside images are measured."""
    settings = RunSettings(
        seed=seed,
        steps=steps,
        solver=None if solver is None else _one_of("--solver", solver, ("euler", "midpoint", "heun", "dopri5")),
        samples=samples,
        first_sample=first_sample,
        protocol=_one_of("--protocol", protocol, ("as-trained", "as-evaluated")),
        threshold=threshold,
        value_range=_range(value_range),
        weights=weights,
        keep="auto" if animation is not None and keep == "last" else _kept(keep),
        slice_axis=_one_of("--slice-axis", slice_axis, ("slices", "rows", "columns")),
        film=FilmSettings(
            mode=_one_of("--film", film, ("auto", "on", "off", "shuffle")),
            strength=film_strength,
            unit=_one_of("--film-unit", film_unit, ("window", "image")),
            stages=_numbers("--film-use-stages", film_use_stages),
            text=film_text,
        ),
    )
    film_of_steps = _animation(animation, animation_fps, animation_scale, animation_quantity)
    stages = _numbers("--film-stages", film_stages)
    segmenter = _load(checkpoint, device, weights, stages, film_point, profiles, vlm)
    other_grid = _one_of("--reference-grid", reference_grid, ("show", "resample", "voxels", "refuse"))
    cases = _cases(images, frame - 1, other_grid, series)
    formats = ("auto", "nifti", "nrrd", "mha", "png", "tiff", "dicom")
    saving = partial(pipeline.save, steps=save_steps, file_format=_one_of("--format", file_format, formats))
    results = [_predict_one(segmenter, case, settings, output, saving, as_json, film_of_steps) for case in cases]
    if as_json:
        print_json({"checkpoint": segmenter.report.to_dict(), "settings": to_plain(settings), "results": results})
    failed = sum("error" in result for result in results)
    raise typer.Exit(DONE if not failed else SOME_FAILED)


@cli.command()
def evaluate(
    checkpoints: Annotated[list[Path], typer.Argument(help="checkpoints, each run on every case")],
    data: Annotated[
        Path, typer.Option(help="data set: a folder (producers', nnU-Net, BIDS, by name) or a CSV of pairs")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="folder of the run; the same command continues it")],
    layout: Annotated[str, typer.Option(help="auto, producers, nnunet, bids, folders or csv")] = "auto",
    split: Annotated[str | None, typer.Option(help="test, val or train; test if the data set has it")] = None,
    regions: Annotated[Path | None, typer.Option(help="folder of masks, by name: only inside them is measured")] = None,
    definitions: Annotated[str, typer.Option(help="standard, soft-seg, sofl-seg; several with commas")] = "standard",
    protocol: Annotated[str, typer.Option(help="as-trained or as-evaluated")] = "as-trained",
    seed: int = 0,
    steps: Annotated[int | None, typer.Option(help="instead of the checkpoint's own number")] = None,
    samples: Annotated[int | None, typer.Option(help="instead of the checkpoint's num_ensemble")] = None,
    threshold: Annotated[float | None, typer.Option(help="in the checkpoint's value range")] = None,
    film: Annotated[str, typer.Option(help="auto, on, off or shuffle")] = "auto",
    weights: Annotated[str, typer.Option(help="auto, model, swa or ema")] = "auto",
    profiles: Annotated[Path | None, typer.Option(help="profile cache (folder or tar) for the condition")] = None,
    vlm: Annotated[str, typer.Option(help="auto, none, a folder, or a hub name")] = "auto",
    save_predictions: Annotated[bool, typer.Option(help="write masks and probabilities of every case")] = False,
    save_intermediate: Annotated[bool, typer.Option(help="write steps on the way, too")] = False,
    intermediate_t: Annotated[str | None, typer.Option(help="which: values of t, e.g. 0.1,0.5,1.0")] = None,
    intermediate_steps: Annotated[str | None, typer.Option(help="which: step numbers, e.g. 0,5,10")] = None,
    intermediate_max_samples: Annotated[int | None, typer.Option(help="of how many cases at most")] = None,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, cuda or mps")] = "auto",
    devices: Annotated[str, typer.Option(help="processes, one a device: auto, a number, or GPUs (0,2)")] = "auto",
    num_nodes: Annotated[int, typer.Option(help="machines; SLURM and torchrun are understood")] = 1,
    strategy: Annotated[str, typer.Option(help="of Lightning; auto is right")] = "auto",
    threads: Annotated[int, typer.Option(help="of each process on a CPU; another number may round differently")] = 1,
    retry_failed: Annotated[bool, typer.Option(help="run cases again that failed before")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask whether the pairs are right")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="the outcome as JSON")] = False,
) -> None:
    """Measure checkpoints on a data set: resumable, on one device or many; tables and statistics in one folder."""
    first = is_first_process()
    try:
        found = pipeline.find_data_set(data, layout, split, regions)
    except FlowglassError as error:
        raise _refuse(str(error)) from None
    if first and not as_json:
        print_data_set(found)
    if first and not yes and sys.stdin.isatty() and not typer.confirm("Start?", default=True):
        raise typer.Exit(DONE)
    plan = EvaluationPlan(
        checkpoints=tuple(str(path.resolve()) for path in checkpoints),
        data=found,
        settings=RunSettings(
            seed=seed,
            steps=steps,
            samples=samples,
            protocol=_one_of("--protocol", protocol, ("as-trained", "as-evaluated")),
            threshold=threshold,
            weights=weights,
            keep=_kept(intermediate_t or intermediate_steps or ("auto" if save_intermediate else "last")),
            film=FilmSettings(mode=_one_of("--film", film, ("auto", "on", "off", "shuffle"))),
        ),
        definitions=tuple(
            _one_of("--definitions", name.strip(), ("standard", "soft-seg", "sofl-seg"))
            for name in definitions.split(",")
        ),
        profiles=None if profiles is None else str(profiles),
        vlm=vlm,
        save_predictions=save_predictions,
        save_intermediate=save_intermediate,
        intermediate_samples=intermediate_max_samples,
    )
    options = LaunchOptions(
        accelerator=accelerator,
        devices=devices,
        nodes=num_nodes,
        strategy=strategy,
        threads=threads,
        retry_failed=retry_failed,
    )
    raise typer.Exit(_evaluate(plan, output, options, as_json or not first))


def _evaluate(plan: EvaluationPlan, output: Path, options: LaunchOptions, quiet: bool) -> int:
    try:
        with progress_bar("evaluate") as reporter:
            summary = pipeline.evaluate(plan, output, options, silent if quiet else reporter)
    except CheckpointRefused as error:
        print_refusal(error.findings)
        return REFUSED
    except FlowglassError as error:
        print_usage_error(str(error))
        return REFUSED
    if summary is None:  # a helping process
        return DONE
    if quiet:
        print_json(to_plain(summary))
    else:
        print_evaluation(summary)
    return SOME_FAILED if summary.failed else DONE


@cli.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="folders of evaluate, or CSV files; one with several checkpoints")],
    output: Annotated[Path, typer.Option("--output", "-o", help="folder for compare.csv")],
    metrics: Annotated[
        str | None, typer.Option(help="names with commas, or all (default: dice, cldice, hd95, Betti errors)")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="the comparison as JSON")] = False,
) -> None:
    """Checkpoints against each other, case by case: differences, tests, effect sizes, and who is better if anyone."""
    names = None if metrics is None else [name.strip() for name in metrics.split(",")]
    try:
        pairs = pipeline.compare_runs(runs, names)
    except FlowglassError as error:
        raise _refuse(str(error)) from None
    file = pipeline.write_comparison(pairs, output)
    if as_json:
        print_json(to_plain(pairs))
    else:
        print_compared(pairs, str(file))


def _load(
    checkpoint: Path,
    device: str,
    weights: str,
    stages: tuple[int, ...] | None,
    point: str | None,
    profiles: Path | None,
    vlm: str,
) -> Any:
    try:
        with progress_bar(f"load {checkpoint.name}") as reporter:
            return pipeline.load(checkpoint, device, weights, stages, point, profiles, vlm, reporter)
    except CheckpointRefused as error:
        print_refusal(error.findings)
        raise typer.Exit(REFUSED) from None
    except FlowglassError as error:
        raise _refuse(str(error)) from None


def _cases(images: Sequence[Path], frame: int, other_grid: Any, series: str | None) -> list[NamedCase]:
    """What to run: name, and how to open it. A file that is no image fails as one case, not as the whole command."""
    cases: list[NamedCase] = []
    for path in images:
        if path.is_dir():
            found = _of_series(_scanned(path), series)
            cases += [(case.name, partial(_open, case, frame, other_grid)) for case in found]
        else:
            case = CasePaths(name=path.name, image=str(path))
            cases.append((path.name, partial(_open, case, frame, other_grid)))
    if not cases:
        raise _refuse("No image was found in what was given. Name image files, or a folder that holds some.")
    _check_names(cases)
    return cases


def _of_series(cases: Sequence[CasePaths], series: str | None) -> list[CasePaths]:
    """All of them, or the DICOM series that was asked for, by its UID or by its number among the series."""
    if series is None:
        return list(cases)
    known = [case for case in cases if case.series]
    chosen = [case for number, case in enumerate(known, 1) if series in (case.series, str(number))]
    if not chosen:
        listed = "; ".join(f"{number} = {case.name}" for number, case in enumerate(known, 1))
        raise _refuse(f"--series {series}: there is no such series here. There are: {listed or 'none to choose from'}.")
    return chosen


def _open(case: CasePaths, frame: int, other_grid: Any) -> Case:
    """A case; of a single file, with the reference that lies beside it."""
    beside = None if case.files else pipeline.reference_of(case.image)
    return pipeline.open_case(case.image, case.reference or beside, case.sample, frame, other_grid, case.files)


def _scanned(folder: Path) -> Sequence[CasePaths]:
    try:
        return pipeline.scan(folder).cases
    except FlowglassError as error:
        raise _refuse(str(error)) from None


def _check_names(cases: Sequence[NamedCase]) -> None:
    """Two cases with one name would be written over each other."""
    stem, count = Counter(pipeline.stem_of(name) for name, _ in cases).most_common(1)[0]
    if count > 1:
        message = f"{count} of the images would be written to the same files ({stem}_mask, ...)."
        raise _refuse(f"{message} Run them one by one, each with an --output of its own.")


def _predict_one(
    segmenter: Any,
    named: NamedCase,
    settings: RunSettings,
    output: Path,
    saving: Callable[..., Sequence[Path]],
    quiet: bool,
    film_of_steps: tuple[str, AnimationOptions] | None,
) -> dict[str, Any]:
    name, open_case = named
    try:
        case = open_case()
        with progress_bar(name) as reporter:
            prediction = pipeline.segment(segmenter, case.image, settings, reporter)
        stem = f"{pipeline.stem_of(name)}{pipeline.frame_suffix(case.image)}"
        files = saving(prediction, case.image, output, stem)
        animated = _animate(segmenter, case, prediction, output / f"{stem}_steps", film_of_steps)
        files = (*files, *(Path(made.path) for made in animated))
    except (FlowglassError, OSError) as error:
        print_failure(name, str(error))
        return {"case": name, "error": str(error)}
    result = _result(name, case, prediction, files)
    result["findings"] += [to_plain(finding) for made in animated for finding in made.findings]
    if not quiet:
        print_result(result)
    return result


def _animate(
    segmenter: Any, case: Case, prediction: Prediction, path: Path, wanted: tuple[str, AnimationOptions] | None
) -> tuple[AnimationFile, ...]:
    """The steps as a film, if one is wanted. Its column has the name of the checkpoint."""
    if wanted is None:
        return ()
    ending, options = wanted
    column = FigureColumn(name=Path(segmenter.report.path).name, colour=COLUMN_COLOUR, prediction=prediction)
    file = path.with_name(f"{path.name}.{ending}")
    with progress_bar(file.name) as reporter:
        made = pipeline.animate([column], case.image, file, reference=case.reference, options=options, report=reporter)
    return (made,)


def _result(name: str, case: Case, prediction: Prediction, files: Sequence[Path]) -> dict[str, Any]:
    reference = case.reference
    comparable = reference is not None and reference.placed != "shown"
    measured = pipeline.measure(prediction, reference) if reference is not None and comparable else None
    flips = pipeline.flip_suspected(prediction, reference) if reference is not None else ()
    return {
        "case": name,
        "reference": None if reference is None else reference.path,
        "files": [str(file) for file in files],
        "foreground_fraction": float(prediction.mask.mean()),
        "threshold": prediction.threshold,
        "seconds": prediction.seconds,
        "network_calls": prediction.calls,
        "device": prediction.device,
        "deviations": to_plain(prediction.deviations),
        "findings": to_plain(
            (*case.image.findings, *(reference.findings if reference else ()), *prediction.findings, *flips)
        ),
        "metrics": None if measured is None else {value.name: to_plain(value) for value in measured.values},
    }


# ---- reading options ------------------------------------------------------------------------------------------------


def _refuse(message: str) -> typer.Exit:
    print_usage_error(message)
    return typer.Exit(REFUSED)


def _animation(ending: str | None, fps: float, scale: float, quantity: str) -> tuple[str, AnimationOptions] | None:
    if ending is None:
        return None
    _one_of("--animation", ending, ("gif", "mp4"))
    missing = pipeline.video_missing() if ending == "mp4" else ""
    if missing:
        raise _refuse(missing)
    drawn = _one_of("--animation-quantity", quantity, ("mask", "estimate", "probability", "state"))
    return ending, AnimationOptions(fps=fps, scale=scale, quantity=drawn)


def _one_of(option: str, value: str, choices: Sequence[str]) -> Any:
    if value not in choices:
        raise _refuse(f"{option} takes {', '.join(choices)}, not '{value}'.")
    return value


def _numbers(option: str, text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise _refuse(f"{option} takes whole numbers separated by commas, not '{text}'.") from None


def _range(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise _refuse(f"--value-range takes two numbers separated by a comma, not '{text}'.") from None
    return low, high


def _kept(text: str) -> Any:
    if text in ("all", "last"):
        return text
    try:
        parts = [part.strip() for part in text.split(",")]
        return tuple(int(part) for part in parts) if all(p.isdigit() for p in parts) else tuple(map(float, parts))
    except ValueError:
        raise _refuse(f"--keep takes all, last, or numbers separated by commas, not '{text}'.") from None


if __name__ == "__main__":
    main()
