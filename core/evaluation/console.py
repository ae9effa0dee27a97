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
FEW = 10
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
    letters = _letters(pairs)
    for name, letter in letters.items():
        out.print(f"[bold]{letter}[/] {escape(name)}", highlight=False)
    table = Table("metric", "pair", "means", "difference [95 % CI]", "n", "p", "effect", "better", box=None)
    for pair in pairs:
        table.add_row(*_compared_cells(pair, letters))
    print_table(table)
    remarks = [
        "difference: second - first, mean over the cases that both have",
        f"p: Wilcoxon's signed-rank test, adjusted by Holm for all {len(pairs)} tests in this table",
        "effect: matched-pairs rank-biserial correlation, -1 to 1",
    ]
    if any(pair.test.n < FEW for pair in pairs):
        remarks.append(f"bootstrap intervals of fewer than {FEW} cases are too narrow: trust the test")
    for remark in (*remarks, escape(file)):
        out.print(remark, highlight=False)


def _letters(pairs: Sequence[ComparedPair]) -> dict[str, str]:
    """A short sign for each name: A to Z, then numbers."""
    names = dict.fromkeys(name for pair in pairs for name in (pair.first, pair.second))
    return {name: chr(ord("A") + number) if number < 26 else str(number + 1) for number, name in enumerate(names)}


def _compared_cells(pair: ComparedPair, letters: dict[str, str]) -> tuple[str, ...]:
    key, test = pair.quantity, pair.test
    difference = _short(test.mean_difference)
    if test.interval is not None:
        difference += f" [{_short(test.interval.low)}, {_short(test.interval.high)}]"
    metric = key.metric + (f" ({key.unit})" if key.unit else "")
    metric += "" if key.definitions == "standard" else f", {key.definitions}"
    count = f"{test.n}" + (f" ({pair.undefined} undefined)" if pair.undefined else "")
    p = "-" if test.adjusted_p is None else "< 0.001" if test.adjusted_p < 0.001 else f"{test.adjusted_p:.3f}"
    means = " / ".join(map(_short, pair.means))
    which = f"{letters[pair.first]}, {letters[pair.second]}"
    cells = (metric, which, means, difference, count, p, _short(test.effect))
    return (*map(escape, cells), _verdict(pair, letters))


def _verdict(pair: ComparedPair, letters: dict[str, str]) -> str:
    test = pair.test
    if pair.winner is not None:
        return f"[bold]{letters[pair.winner]}[/]"
    if test.reason:
        return f"not tested: {escape(test.reason)}"
    if test.separates:
        return "unclear: ranks and means point to different ones"
    more = f"about {test.more_cases} more cases would tell" if test.more_cases else "nothing points either way"
    return f"not separated; {more}"


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
