"""What the command line prints of data sets and evaluations."""

from __future__ import annotations

import os

from rich.markup import escape
from rich.table import Table

from core.console import out, print_table, sentence
from core.evaluation.records import DataSet, EvaluationSummary

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
