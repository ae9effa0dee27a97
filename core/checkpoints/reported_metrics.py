"""Scores that the training run left in the file, and whether the weights that earned them are in it.

Lightning's ModelCheckpoint and EarlyStopping keep them in `callbacks` (read from Lightning 2.6.6). Numbers among the
hyper-parameters are settings, not scores.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from core.checkpoints.contents import Contents
from core.checkpoints.inventory import Inventory
from core.checkpoints.scalars import number_of
from core.checkpoints.text import safe_text
from core.checkpoints.weight_callbacks import epochs_since
from core.checkpoints.weight_choice import measured_set
from core.records import Finding, ReportedMetric

MOST_CALLBACKS = 32
MONITOR = re.compile(r"'monitor': '([^']{1,200})'")
MODE = re.compile(r"'mode': '(min|max)'")
COUNTED = re.compile(r"(epoch|step)=(\d{1,12})")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Score:
    """One number as stored. `file`: name of the checkpoint file it was recorded for, where that is known; `waited`:
    validations without a better score since, where EarlyStopping counted them."""

    name: str
    value: float
    key: str
    file: str | None = None
    waited: int | None = None


def read_metrics(
    contents: Contents, inventory: Inventory, *, family: str | None, use_ema: bool = False, used: str = "model"
) -> tuple[tuple[ReportedMetric, ...], tuple[Finding, ...]]:
    """The scores in the file, each with the weights it was measured with, and what a person must know of them.

    `used` is the set of weights that is loaded. Reads a few bytes for each score. Never raises for what a file holds.
    """
    findings: list[Finding] = []
    scores = _distinct(_scores(contents, findings))
    measured_with = measured_set(inventory, family, use_ema)
    metrics = tuple(_metric(score, contents, inventory, measured_with, findings) for score in scores)
    findings += _of_the_sets(metrics, inventory, measured_with, used)
    return metrics, tuple(findings)


# ---- what the callbacks stored ---------------------------------------------------------------------------------------


def _scores(contents: Contents, findings: list[Finding]) -> Iterator[_Score]:
    states = list(_states(contents.root))
    stopping = [item for key, state in states for item in _early_stopping(contents, key, state)]
    for key, state in states:
        yield from _model_checkpoint(contents, key, state, stopping, findings)
    yield from stopping


def _states(root: Any) -> Iterator[tuple[str, Mapping[Any, Any]]]:
    callbacks = root.get("callbacks") if isinstance(root, Mapping) else None
    for key, state in list(callbacks.items())[:MOST_CALLBACKS] if isinstance(callbacks, Mapping) else ():
        if isinstance(state, Mapping):
            yield str(key), state


def _model_checkpoint(
    contents: Contents, key: str, state: Mapping[Any, Any], stopping: list[_Score], findings: list[Finding]
) -> Iterator[_Score]:
    """The best score of the run, and the score of the file written last if that is another."""
    name = _monitor(key, state)
    if name is None or "best_model_score" not in state:
        return
    for entry in ("best_model_score", "current_score"):
        value = _finite(contents, state.get(entry), name, findings)
        if value is not None:
            file = _file_of(contents, state, entry, value)
            yield _Score(name=name, value=value, key=key, file=file, waited=_waited(stopping, name, value, key))


def _file_of(contents: Contents, state: Mapping[Any, Any], entry: str, value: float) -> str | None:
    if entry == "best_model_score":
        return _file_name(state.get("best_model_path"))
    files = state.get("best_k_models")
    for path, score in list(files.items())[:MOST_CALLBACKS] if isinstance(files, Mapping) else ():
        if number_of(contents, score) == value:
            return _file_name(path)
    return None


def _early_stopping(contents: Contents, key: str, state: Mapping[Any, Any]) -> Iterator[_Score]:
    """Its best score so far; an infinite one is what it starts with."""
    name, waited = _monitor(key, state), state.get("wait_count")
    if name is None or type(waited) is not int or "best_score" not in state:
        return
    value = number_of(contents, state["best_score"])
    if value is not None and math.isfinite(value):
        yield _Score(name=name, value=value, key=key, waited=waited)


def _waited(stopping: list[_Score], name: str, value: float, key: str) -> int | None:
    """EarlyStopping's count for the same score in the same direction: it dates the score, whatever files are called."""
    for item in stopping:
        if (item.name, item.value, _mode(item.key)) == (name, value, _mode(key)):
            return item.waited
    return None


def _finite(contents: Contents, value: Any, name: str, findings: list[Finding]) -> float | None:
    number = None if value is None else number_of(contents, value)
    if value is not None and (number is None or not math.isfinite(number)):
        finding = _no_number(name, number)
        findings += [] if finding in findings else [finding]
        return None
    return number


def _monitor(key: str, state: Mapping[Any, Any]) -> str | None:
    """What was monitored: said by the state, or by the name under which Lightning keeps it."""
    stored, found = state.get("monitor"), MONITOR.search(key)
    name = stored if isinstance(stored, str) else found.group(1) if found else None
    return safe_text(name, 80) if name else None


def _mode(key: str) -> str | None:
    found = MODE.search(key)
    return found.group(1) if found else None


def _file_name(path: Any) -> str | None:
    """The last part alone: folders of the training machine are nobody's business."""
    if not isinstance(path, str) or not path:
        return None
    return safe_text((PureWindowsPath if "\\" in path else PurePosixPath)(path).name, 80) or None


def _distinct(scores: Iterator[_Score]) -> list[_Score]:
    """One of each name and value, the first: ModelCheckpoint's, which knows the file."""
    kept: dict[tuple[str, float], _Score] = {}
    for score in scores:
        kept.setdefault((score.name, score.value), score)
    return list(kept.values())


# ---- whose score it is -----------------------------------------------------------------------------------------------


def _metric(
    score: _Score, contents: Contents, inventory: Inventory, measured_with: str, findings: list[Finding]
) -> ReportedMetric:
    same, why = _same_moment(score, contents.path.name, inventory)
    if same and _replaced_since(contents.root, inventory):
        same, why = False, "it was measured before the average (SWA) was copied into the model"
    if not same:
        findings.append(_other_file(score, why))
    elif measured_with not in inventory.sets:
        why = f"measured with the {measured_with} weights, which are not in this file"
    return ReportedMetric(
        name=score.name,
        value=score.value,
        measured_with=measured_with,
        here=same and measured_with in inventory.sets,
        why=why,
    )


def _same_moment(score: _Score, name: str, inventory: Inventory) -> tuple[bool, str]:
    """Whether this file holds the weights of the moment the score was measured, and the trace that says so.

    A count beats a name: files are renamed and copied.
    """
    if score.waited is not None:
        if score.waited == 0:
            return True, "the last validation before this file was saved gave it (EarlyStopping had waited 0 times)"
        times = "1 validation" if score.waited == 1 else f"{score.waited:,} validations"
        return False, f"EarlyStopping had waited {times} for a better one when this file was saved"
    counted = {key: int(number) for key, number in COUNTED.findall(score.file or "")}
    here = {"epoch": inventory.counter("epoch"), "step": inventory.counter("global_step")}
    for key, number in counted.items():
        if here[key] is not None and here[key] != number:
            return False, f"it was recorded for {score.file}, and this file is of {key} {here[key]}"
    if counted or score.file == safe_text(name, 80):
        return True, f"it was recorded for {score.file}, which is this file by its {'count' if counted else 'name'}"
    recorded = f"it was recorded for {score.file}" if score.file else "the file it was recorded for is not named"
    return False, f"{recorded}, and nothing in this file shows that its weights are the same"


def _replaced_since(root: Any, inventory: Inventory) -> bool:
    """Whether SWA's average took the model's place after the last validation: with batch normalisation one more epoch,
    which validates, follows the copying."""
    normalised = any(key.endswith("running_mean") for key in inventory.weights)
    return epochs_since(root) > (1 if normalised else 0)


def _of_the_sets(
    metrics: tuple[ReportedMetric, ...], inventory: Inventory, measured_with: str, used: str
) -> list[Finding]:
    """What the scores do not say: of weights that are missing, and of sets that nobody measured."""
    if not metrics:
        return []
    names = " and ".join(dict.fromkeys(f"{metric.name} {metric.value:.4g}" for metric in metrics))
    if measured_with not in inventory.sets:
        return [_missing_set(names, measured_with, inventory)]
    if used != measured_with:
        return [_other_set(names, measured_with, used)]
    return [_unmeasured(names, measured_with)] if "swa" in inventory.sets and measured_with != "swa" else []


# ---- what a person should know ---------------------------------------------------------------------------------------


def _other_file(score: _Score, why: str) -> Finding:
    message = f"The score {score.name} {score.value:.4g} in this file may belong to other weights: {why}."
    wanted = f"Open {score.file}" if score.file else "Open the checkpoint that the run chose as its best"
    remedy = f"{wanted} for the weights with this score; nothing to do if this file is a renamed copy of it."
    return Finding(severity="note", code="metrics.other-file", message=message, remedy=remedy)


def _no_number(name: str, number: float | None) -> Finding:
    kind = "cannot be read" if number is None else f"is {number}, which Lightning also writes for a score of NaN"
    message = f"The run recorded a score {name} that {kind}: it is not shown."
    remedy = "Nothing to do for a prediction; the logs of the training say what happened."
    return Finding(severity="note", code="metrics.no-number", message=message, remedy=remedy)


def _missing_set(names: str, measured_with: str, inventory: Inventory) -> Finding:
    message = (
        f"The score {names} was measured with the {measured_with} weights, which are not in {inventory.name}: nothing "
        "that is computed with this file can confirm it."
    )
    remedy = "Ask its author for the original file, in which nothing was left out."
    return Finding(severity="warning", code="metrics.weights-missing", message=message, remedy=remedy)


def _other_set(names: str, measured_with: str, used: str) -> Finding:
    message = f"The score {names} was measured with the {measured_with} weights, and the {used} weights are loaded."
    remedy = f"Load the {measured_with} weights to compare with it."
    return Finding(severity="note", code="metrics.other-weights", message=message, remedy=remedy)


def _unmeasured(names: str, measured_with: str) -> Finding:
    message = (
        f"The score {names} was measured with the {measured_with} weights; of the average (swa) the file says nothing."
    )
    remedy = "Evaluate both to compare them."
    return Finding(severity="note", code="metrics.average-unmeasured", message=message, remedy=remedy)
