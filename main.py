"""The command line of Flowglass, and the window when no command is given. Importing this loads no torch and no Qt."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from core import pipeline
from core.errors import CheckpointRefused, FlowglassError
from core.progress import Progress, Report
from core.records import Case, CheckpointReport, FilmSettings, Prediction, RunSettings, to_plain

DONE, SOME_FAILED, REFUSED = 0, 1, 2
COMMANDS = ("open", "demo", "inspect", "predict")
DEMO = Path(__file__).resolve().parent / "resources" / "demo"
out, err = Console(soft_wrap=True), Console(stderr=True)
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
    checkpoints: Annotated[list[Path], typer.Argument(help="one file, or two to see what differs")],
    as_json: Annotated[bool, typer.Option("--json", help="the whole report as JSON")] = False,
    hashed: Annotated[
        bool | None, typer.Option("--hash/--no-hash", help="SHA-256 of the file (default: with --json)")
    ] = None,
) -> None:
    """What is it, and why do we think so."""
    reports = [_described(path, as_json if hashed is None else hashed) for path in checkpoints]
    if as_json:
        plain = [report.to_dict() for report in reports]
        _print_json(plain[0] if len(plain) == 1 else plain)
    else:
        _print_reports(reports)
    refused = sum(report.status == "refused" for report in reports)
    raise typer.Exit(DONE if not refused else REFUSED if refused == len(reports) else SOME_FAILED)


def _described(path: Path, hashed: bool) -> CheckpointReport:
    from dataclasses import replace

    report = pipeline.inspect(path)
    if not hashed or report.container is None:
        return report
    with _progress(f"hash {path.name}") as reporter:
        return replace(report, sha256=pipeline.sha256(path, reporter))


@cli.command()
def predict(
    checkpoint: Path,
    images: Annotated[list[Path], typer.Argument(help="images, or folders of cases")],
    output: Annotated[Path, typer.Option("--output", "-o", help="folder for masks, probabilities and steps")],
    seed: int = 0,
    steps: Annotated[int | None, typer.Option(help="instead of the checkpoint's own number")] = None,
    samples: Annotated[int | None, typer.Option(help="instead of the checkpoint's num_ensemble")] = None,
    protocol: Annotated[str, typer.Option(help="as-trained or as-evaluated")] = "as-trained",
    threshold: Annotated[float | None, typer.Option(help="in the checkpoint's value range")] = None,
    film: Annotated[str, typer.Option(help="auto, on, off or shuffle")] = "auto",
    film_strength: Annotated[float, typer.Option(help="0 = identity, 1 = as trained")] = 1.0,
    film_unit: Annotated[str, typer.Option(help="window or image: what has a condition of its own")] = "window",
    film_use_stages: Annotated[str | None, typer.Option(help="apply only these trained stages, e.g. 0,1")] = None,
    film_stages: Annotated[str | None, typer.Option(help="override: the stages the heads belong to, e.g. 0,1")] = None,
    film_point: Annotated[str | None, typer.Option(help="override: A or B")] = None,
    profiles: Annotated[Path | None, typer.Option(help="profile cache (folder or tar) for the condition")] = None,
    weights: Annotated[str, typer.Option(help="auto, model, swa or ema")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps")] = "auto",
    keep: Annotated[str, typer.Option(help="steps to keep: all, last, t's (0.1,0.5) or step numbers (0,3)")] = "last",
    save_steps: Annotated[bool, typer.Option(help="write the kept steps as pictures")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="results as JSON")] = False,
) -> None:
    """Segment images with a checkpoint, exactly as the window does; references that lie beside images are measured."""
    settings = RunSettings(
        seed=seed,
        steps=steps,
        samples=samples,
        protocol=_one_of("--protocol", protocol, ("as-trained", "as-evaluated")),
        threshold=threshold,
        weights=weights,
        keep=_kept(keep),
        film=FilmSettings(
            mode=_one_of("--film", film, ("auto", "on", "off", "shuffle")),
            strength=film_strength,
            unit=_one_of("--film-unit", film_unit, ("window", "image")),
            stages=_numbers("--film-use-stages", film_use_stages),
        ),
    )
    segmenter = _load(checkpoint, device, weights, _numbers("--film-stages", film_stages), film_point, profiles)
    cases = _cases(images)
    results = [_predict_one(segmenter, case, settings, output, save_steps, as_json) for case in cases]
    if as_json:
        _print_json({"checkpoint": segmenter.report.to_dict(), "settings": to_plain(settings), "results": results})
    failed = sum("error" in result for result in results)
    raise typer.Exit(DONE if not failed else SOME_FAILED)


def _load(checkpoint: Path, *arguments: Any) -> Any:
    device, weights, stages, point, profiles = arguments
    try:
        with _progress(f"load {checkpoint.name}") as reporter:
            return pipeline.load(checkpoint, device, weights, stages, point, profiles, reporter)
    except CheckpointRefused as error:
        for finding in error.findings:
            err.print(f"[bold]{finding.severity}[/] {_plain(finding.message)} {_plain(finding.remedy)}")
        raise typer.Exit(REFUSED) from None
    except FlowglassError as error:
        raise _refuse(str(error)) from None


def _cases(images: Sequence[Path]) -> list[tuple[str, Callable[[], Case]]]:
    """What to run: name, and how to open it. A file that is no image fails as one case, not as the whole command."""
    cases: list[tuple[str, Callable[[], Case]]] = []
    for path in images:
        if path.is_dir():
            found = pipeline.scan(path).cases
            cases += [(case.name, lambda c=case: pipeline.open_case(c.image, c.reference, c.sample)) for case in found]
        else:
            cases.append((path.name, lambda p=path: pipeline.open_case(p, pipeline.reference_of(p))))
    if not cases:
        raise _refuse("No image was found in what was given. Name image files, or a folder that holds some.")
    return cases


def _predict_one(
    segmenter: Any,
    named: tuple[str, Callable[[], Case]],
    settings: RunSettings,
    output: Path,
    save_steps: bool,
    quiet: bool,
) -> dict[str, Any]:
    name, open_case = named
    try:
        case = open_case()
        with _progress(name) as reporter:
            prediction = pipeline.segment(segmenter, case.image, settings, reporter)
        files = pipeline.save(prediction, case.image, output, _stem(name), steps=save_steps)
    except (FlowglassError, OSError) as error:
        err.print(f"[bold red]failed[/] {_plain(name)}: {_plain(str(error))}")
        return {"case": name, "error": str(error)}
    result = _result(name, case, prediction, files)
    if not quiet:
        _print_result(result)
    return result


def _result(name: str, case: Case, prediction: Prediction, files: Sequence[Path]) -> dict[str, Any]:
    measured = None if case.reference is None else pipeline.measure(prediction, case.reference)
    return {
        "case": name,
        "files": [str(file) for file in files],
        "foreground_fraction": float(prediction.mask.mean()),
        "threshold": prediction.threshold,
        "seconds": prediction.seconds,
        "network_calls": prediction.calls,
        "device": prediction.device,
        "deviations": to_plain(prediction.deviations),
        "findings": to_plain((*case.image.findings, *prediction.findings)),
        "metrics": None if measured is None else {value.name: to_plain(value) for value in measured.values},
    }


# ---- printing -------------------------------------------------------------------------------------------------------


def _print_json(plain: Any) -> None:
    sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=False) + "\n")


def _print_result(result: dict[str, Any]) -> None:
    metrics = result["metrics"] or {}
    dice = metrics.get("dice", {}).get("value")
    line = f"{_plain(result['case'])}: foreground {result['foreground_fraction']:.4f}"
    line += f", {result['network_calls']} network calls, {result['seconds']:.1f} s on {result['device']}"
    line += "" if dice is None else f", Dice {dice:.4f}"
    labels = [deviation["label"] for deviation in result["deviations"]]
    out.print(line + (f" [bold]\\[{'; '.join(map(_plain, labels))}][/]" if labels else ""))
    for file in result["files"]:
        out.print(f"  {_plain(file)}", highlight=False)


FACTS = (
    "producer",
    "family",
    "module_class",
    "arch",
    "mode",
    "sampler",
    "timesteps",
    "num_ensemble",
    "image_size",
    "sliding_window",
    "in_channels",
    "state_channels",
    "out_channels",
    "used_output_channel",
    "value_range",
    "threshold",
    "parameters",
    "epoch",
    "global_step",
    "data_name",
    "sha256",
)


def _print_reports(reports: Sequence[CheckpointReport]) -> None:
    for report in reports:
        _print_findings(report)
    if len(reports) == 1:
        _print_facts(reports[0])
    else:
        _print_differences(reports)


def _print_findings(report: CheckpointReport) -> None:
    out.print(f"[bold]{_plain(report.path)}[/]: {report.status}", highlight=False)
    for finding in report.findings:
        out.print(f"  [bold]{finding.severity}[/] {_plain(finding.message)} {_plain(finding.remedy)}", highlight=False)


def _print_facts(report: CheckpointReport) -> None:
    reasons = {item.field: item.why for item in report.evidence}
    table = _table("", "value", "why")
    for field in FACTS:
        if getattr(report, field) is not None:
            table.add_row(field, _plain(_shown(getattr(report, field))), _plain(reasons.get(field, "")))
    for field, value in _parts(report):
        table.add_row(field, _plain(_shown(value)), _plain(reasons.get(field, "")))
    if report.container is not None:
        out.print(table)


def _parts(report: CheckpointReport) -> Iterator[tuple[str, Any]]:
    for name in ("film", "junction_gate", "weights"):
        part = to_plain(getattr(report, name))
        yield from ((f"{name}.{key}", value) for key, value in (part or {}).items() if value not in (None, [], ""))


def _print_differences(reports: Sequence[CheckpointReport]) -> None:
    table = _table("what differs", *(Path(report.path).name for report in reports))
    flat = [_flat(report.to_dict()) for report in reports]
    for key in dict.fromkeys(key for one in flat for key in one):
        values = [_shown(one.get(key)) for one in flat]
        if len(set(values)) > 1:
            table.add_row(key, *map(_plain, values))
    out.print(table)


def _flat(plain: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in plain.items():
        if prefix + key in ("path", "evidence", "findings", "sha256", "size_bytes"):
            continue
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _table(*headers: str) -> Any:
    from rich.table import Table

    table = Table(show_header=True, header_style="bold", box=None, pad_edge=False)
    for header in headers:
        table.add_column(_plain(header), overflow="fold")
    return table


def _shown(value: Any) -> str:
    return (
        "-" if value is None else value if isinstance(value, str) else json.dumps(to_plain(value), ensure_ascii=False)
    )


def _plain(text: str) -> str:
    """File text in rich markup: brackets must not become styles."""
    from rich.markup import escape

    return escape(text)


# ---- reading options ------------------------------------------------------------------------------------------------


def _refuse(message: str) -> typer.Exit:
    err.print(_plain(message))
    return typer.Exit(REFUSED)


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


def _kept(text: str) -> Any:
    if text in ("all", "last"):
        return text
    try:
        parts = [part.strip() for part in text.split(",")]
        return tuple(int(part) for part in parts) if all(p.isdigit() for p in parts) else tuple(map(float, parts))
    except ValueError:
        raise _refuse(f"--keep takes all, last, or numbers separated by commas, not '{text}'.") from None


def _stem(name: str) -> str:
    return Path(name).with_suffix("").as_posix().replace("/", "_")


@contextmanager
def _progress(title: str) -> Iterator[Report]:
    """A progress bar on stderr; nothing is drawn when stderr is not a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        task = bars.add_task(_plain(title), total=None)

        def reporter(progress: Progress) -> None:
            bars.update(task, completed=progress.done, total=progress.total)

        yield reporter


if __name__ == "__main__":
    main()
