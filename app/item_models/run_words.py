"""What the library says of a training run, in few words: title, details, tooltip, sign."""

from __future__ import annotations

import unicodedata

from PySide6.QtCore import QDateTime, QLocale, Qt

from app.theme import Theme
from core.records import TrainingRun

DOT = " \N{MIDDLE DOT} "
STAR = "\N{BLACK STAR}"
PICKED = f"{STAR} The producers' evaluation takes this checkpoint of all runs of its model and data set."
LONGEST = 600


def main_checkpoint(run: TrainingRun) -> str | None:
    """The one that opens when the run is opened: best before last before SWA, as the record lists them."""
    return run.checkpoints[0].path if run.checkpoints else None


def title(run: TrainingRun) -> str:
    """Model and tag where they are known, for the second line says data set and date; else the run's own name."""
    if run.model is None:
        return run.id
    return f"{run.model}{DOT}{run.tag}" if run.tag else run.model


def details(run: TrainingRun) -> str:
    """`xca · 23.11.26 · completed` behind a score; without one, what happened comes first. The end may be cut."""
    warnings = sum(finding.severity != "note" for finding in run.findings)
    remarks = f"{warnings} warning{'s' * (warnings != 1)}" if warnings else ""
    status = "no status" if run.status == "unknown" else run.status
    empty = "" if run.checkpoints else "no checkpoint"
    facts, happened = (run.dataset, date_text(run)), (status, empty)
    parts = (*happened, *facts) if run.metric is None else (*facts, *happened)
    return DOT.join(filter(None, (*parts, remarks)))


def date_text(run: TrainingRun) -> str:
    """The day in the form of the desktop, as the training machine had it."""
    moment = _moment(run)
    return QLocale().toString(moment.date(), QLocale.FormatType.ShortFormat) if moment.isValid() else ""


def _moment(run: TrainingRun) -> QDateTime:
    return QDateTime.fromString((run.created or "")[:19], Qt.DateFormat.ISODate)


def score_text(run: TrainingRun) -> str:
    return "" if run.metric is None else f"{run.metric:.4f}"


def run_tooltip(run: TrainingRun) -> str:
    score = f"{run.metric_name} {run.metric:.6g} ({run.metric_from})" if run.metric is not None else "No score recorded"
    error = f"Error: {run.error[:LONGEST]}" if run.error else ""
    names = ", ".join(filter(None, (run.model, run.dataset, run.tag)))
    started = _moment(run)
    when = f"Started: {QLocale().toString(started, QLocale.FormatType.ShortFormat)}" if started.isValid() else ""
    remarks = [finding.message for finding in run.findings]
    picked = PICKED if any(item.picked for item in run.checkpoints) else ""
    lines = (run.id, names, when, f"Status: {run.status}", error, score, picked, *remarks, run.path)
    return "\n".join(filter(None, lines))


def status_sign(run: TrainingRun, theme: Theme) -> tuple[str, str]:
    """Sign and colour: the sign alone tells the four apart."""
    signs = {
        "completed": ("\N{CHECK MARK}", theme.ok),
        "failed": ("\N{MULTIPLICATION SIGN}", theme.error),
        "running": ("\N{HORIZONTAL ELLIPSIS}", theme.warning),
    }
    return signs.get(run.status, ("?", theme.muted))


def search_text(run: TrainingRun) -> str:
    """Everything the filter looks at."""
    return folded(" ".join(filter(None, (run.id, run.model, run.dataset, run.tag, run.status, date_text(run)))))


def folded(text: str) -> str:
    """Composed and without case: some systems store Hangul and accents in pieces."""
    return unicodedata.normalize("NFC", text).casefold()
