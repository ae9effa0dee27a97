"""What the command line prints: reports, results and progress bars. Names and texts of files are shown as they are."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from core.progress import Progress, Report
from core.records import CheckpointReport, Finding, FolderContents, PassportTable, TrainingRun, to_plain

out, err = Console(soft_wrap=True), Console(stderr=True)
piped = Console(soft_wrap=True, width=160)
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
"""Fields of a report in the order in which a person asks for them."""


def print_table(table: Table) -> None:
    """On a screen as wide as that is; in a file or a pipe names are not broken at 80 columns."""
    (out if out.is_terminal else piped).print(table)


def print_json(plain: Any) -> None:
    """JSON on stdout, and nothing else there."""
    sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=False) + "\n")


def print_result(result: dict[str, Any]) -> None:
    """One line on what a case came to, and one for each warning and file."""
    metrics = result["metrics"] or {}
    dice = metrics.get("dice", {}).get("value")
    line = f"{escape(result['case'])}: foreground {result['foreground_fraction']:.4f}"
    line += f", {result['network_calls']} network calls, {result['seconds']:.1f} s on {result['device']}"
    line += "" if dice is None else f", Dice {dice:.4f}"
    labels = [deviation["label"] for deviation in result["deviations"]]
    out.print(line + (f" [bold]\\[{'; '.join(map(escape, labels))}][/]" if labels else ""))
    for finding in result["findings"]:
        if finding["severity"] != "note":
            out.print(f"  {sentence(Finding(**finding))}", highlight=False)
    for file in result["files"]:
        out.print(f"  {escape(file)}", highlight=False)


def print_reports(reports: Sequence[CheckpointReport]) -> None:
    """Findings first; then the facts of one checkpoint, or what differs between several."""
    for report in reports:
        _print_findings(report)
    if len(reports) == 1:
        _print_facts(reports[0])
    else:
        _print_differences(reports)


def print_comparison(reports: Sequence[CheckpointReport], tables: Sequence[PassportTable]) -> None:
    """Findings of both checkpoints first; then in what they differ, table by table."""
    for report in reports:
        _print_findings(report)
    for part in tables:
        out.print(f"\n[bold]{escape(part.title)}[/]", highlight=False)
        if part.rows:
            table = _table(*part.headers)
            for row in part.rows:
                table.add_row(*map(escape, row))
            print_table(table)
        if part.remark:
            out.print(escape(part.remark), highlight=False)


def _print_findings(report: CheckpointReport) -> None:
    out.print(f"[bold]{escape(report.path)}[/]: {report.status}", highlight=False)
    for finding in report.findings:
        out.print(f"  {sentence(finding)}", highlight=False)


def print_runs(contents: FolderContents) -> None:
    """The training runs of a folder, newest last; `*` marks those that the producers' evaluation would take."""
    runs = sorted(contents.runs, key=lambda run: (run.created or "", run.id))
    table = _table("", "run", "dataset", "created", "status", "metric", "checkpoints")
    for run in runs:
        picked = "*" if any(checkpoint.picked for checkpoint in run.checkpoints) else ""
        score = "-" if run.metric is None else f"{run.metric_name} {run.metric:.4f}"
        roles = " ".join(checkpoint.role for checkpoint in run.checkpoints) or "-"
        cells = (picked, run.id, run.dataset or "-", (run.created or "-")[:10], run.status, score, roles)
        table.add_row(*map(escape, cells))
    out.print(f"[bold]{escape(contents.path)}[/]: {_counted(len(runs), 'training run')}", highlight=False)
    print_table(table)
    sources = dict.fromkeys(run.metric_from.partition(";")[0] for run in runs if run.metric_from)
    out.print("* = the one that the producers' evaluation takes. Scores as recorded:", *sources, sep="\n  ")
    for run in runs:
        _print_remarks(run)
    for finding in contents.findings:
        out.print(f"  {sentence(finding)}", highlight=False)


def _print_remarks(run: TrainingRun) -> None:
    if run.error:
        out.print(f"  [bold]{run.status}[/] {escape(run.id)}: {escape(run.error)}", highlight=False)
    for finding in run.findings:
        if finding.severity != "note":
            out.print(f"  [bold]{finding.severity}[/] {escape(run.id)}: {escape(finding.message)}", highlight=False)


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'s' * (count != 1)}"


def print_refusal(findings: Sequence[Finding]) -> None:
    """Why a checkpoint is not loaded, on stderr."""
    for finding in findings:
        err.print(sentence(finding))


def print_failure(name: str, why: str) -> None:
    """That one case failed, on stderr; the others go on."""
    err.print(f"[bold red]failed[/] {escape(name)}: {escape(why)}")


def print_usage_error(message: str) -> None:
    """What is wrong with the words of the command, on stderr."""
    err.print(escape(message))


def sentence(finding: Finding) -> str:
    return f"[bold]{finding.severity}[/] {escape(finding.message)} {escape(finding.remedy)}"


def _print_facts(report: CheckpointReport) -> None:
    reasons = {item.field: item.why for item in report.evidence}
    table = _table("", "value", "why")
    for field in FACTS:
        if getattr(report, field) is not None:
            table.add_row(field, escape(_shown(getattr(report, field))), escape(reasons.get(field, "")))
    for field, value in _parts(report):
        table.add_row(field, escape(_shown(value)), escape(reasons.get(field, "")))
    if report.container is not None:
        print_table(table)


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
            table.add_row(key, *map(escape, values))
    print_table(table)


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


def _table(*headers: str) -> Table:
    table = Table(show_header=True, header_style="bold", box=None, pad_edge=False)
    for header in headers:
        table.add_column(escape(header), overflow="fold")
    return table


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(to_plain(value), ensure_ascii=False)


@contextmanager
def progress_bar(title: str) -> Iterator[Report]:
    """A progress bar on stderr; nothing is drawn when stderr is not a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        task = bars.add_task(escape(title), total=None)

        def reporter(progress: Progress) -> None:
            bars.update(task, completed=progress.done, total=progress.total)

        yield reporter
