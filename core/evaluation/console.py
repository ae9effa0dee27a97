"""What the command line prints of data sets and evaluations."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from core.console import out, print_table, sentence
from core.evaluation.records import DataSet, EvaluationSummary

if TYPE_CHECKING:
    from core.evaluation.comparing import ComparedPair

SHOWN = 3
LAYOUT_WORDS = {
    "producers": "the producers' folders",
    "nnunet": "nnU-Net folders",
    "bids": "a BIDS tree",
    "folders": "folders paired by name",
    "csv": "a CSV of pairs",
}


def is_first_process() -> bool:
    """Whether this process speaks for all that a launcher (Lightning, torchrun, SLURM) started."""
    ranks = (os.environ.get(name) for name in ("RANK", "SLURM_PROCID", "LOCAL_RANK"))
    return next((rank == "0" for rank in ranks if rank is not None), True)


def print_data_set(data: DataSet) -> None:
    """How many pairs, by which layout, the first and the last of them, and what was left out."""
    out.print(f"{len(data.cases)} cases in {escape(data.path)}, read as {LAYOUT_WORDS[data.layout]}")
    table = Table("case", "image", "reference", "patient", box=None)
    cases = data.cases if len(data.cases) <= 2 * SHOWN else (*data.cases[:SHOWN], None, *data.cases[-SHOWN:])
    for case in cases:
        if case is None:
            table.add_row("...", "", "", "")
        else:
            cells = (case.name, case.paths.image, case.paths.reference or "", case.patient or "")
            table.add_row(*map(escape, cells))
    print_table(table)
    for finding in data.findings:
        out.print(f"  {sentence(finding)}", highlight=False)


def print_evaluation(summary: EvaluationSummary) -> None:
    """How it ended, what failed and why, and where the tables are."""
    out.print(f"{summary.done} done, {summary.failed} failed, {summary.pending} still to do")
    for failure in summary.failures:
        out.print(f"[red]failed[/red] {escape(failure.case)}: {escape(failure.reason)}")
    for file in summary.files:
        out.print(escape(file))


def print_compared(pairs: Sequence[ComparedPair], file: str) -> None:
    """Who is better at what, bold where the test separates them, else about how many more cases would tell."""
    names = ("metric", "first", "second", "means", "difference [95 % CI]", "n", "p (Holm)", "effect", "better")
    table = Table(*names, box=None)
    for pair in pairs:
        table.add_row(*_compared_cells(pair))
    print_table(table)
    out.print(
        "second - first, mean over the cases that both have; p of Wilcoxon's signed-rank test, adjusted by Holm for all "
        f"{len(pairs)} tests in this table; effect: rank-biserial correlation",
        highlight=False,
    )
    out.print(escape(file), highlight=False)


def _compared_cells(pair: ComparedPair) -> tuple[str, ...]:
    key, test = pair.quantity, pair.test
    difference = _short(test.mean_difference)
    if test.interval is not None:
        difference += f" [{_short(test.interval.low)}, {_short(test.interval.high)}]"
    metric = key.metric + (f" ({key.unit})" if key.unit else "")
    metric += "" if key.definitions == "standard" else f", {key.definitions}"
    count = f"{test.n}" + (f" ({pair.undefined} undefined)" if pair.undefined else "")
    p = "-" if test.adjusted_p is None else "< 0.001" if test.adjusted_p < 0.001 else f"{test.adjusted_p:.3f}"
    means = " / ".join(map(_short, pair.means))
    cells = (metric, pair.first, pair.second, means, difference, count, p, _short(test.effect))
    return (*map(escape, cells), _verdict(pair))


def _verdict(pair: ComparedPair) -> str:
    test = pair.test
    if pair.winner is not None:
        return f"[bold]{escape(pair.winner)}[/]"
    if test.reason:
        return f"not tested: {escape(test.reason)}"
    if test.separates:
        return "unclear: ranks and means point to different ones"
    more = f"about {test.more_cases} more cases would tell" if test.more_cases else "nothing points either way"
    return f"not separated; {more}"


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
