"""Two checkpoints side by side: what differs in settings, training, reported scores and, block by block, weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from core.checkpoints.contents import Contents, TensorInfo
from core.checkpoints.identify import Identification, identify_checkpoint
from core.checkpoints.reader import open_checkpoint, read_many
from core.checkpoints.report import describe_file
from core.errors import CheckpointRefused
from core.progress import Progress, Report
from core.records import Array, BlockDifference, CheckpointReport, FieldDifference, PassportDifference, to_plain

NOT_SETTINGS = ("path", "evidence", "findings", "sha256", "size_bytes", "metrics")
TRAINING = ("epoch", "global_step", "data_name", "hyper_parameters")
SCHEDULE = "diffusion_model"
WRAPPERS = (SCHEDULE, "unet", "base_unet", "model")


def compare_passports(first: Path, second: Path, report: Report) -> PassportDifference:
    """See `core.pipeline.compare_checkpoints`."""
    reports = describe_file(first), describe_file(second)
    fields, scores = tuple(_fields(*reports)), tuple(_metrics(*reports))
    differing = tuple(item for item in fields if item.first != item.second)
    blocks, left_out, reason = _blocks(first, second, report)
    return PassportDifference(
        first=reports[0],
        second=reports[1],
        settings=tuple(item for item in differing if not of_training(item.name)),
        training=tuple(item for item in differing if of_training(item.name)),
        metrics=tuple(item for item in scores if item.first != item.second),
        blocks=blocks,
        left_out=left_out,
        blocks_reason=reason,
        alike=tuple(item for item in (*fields, *scores) if item.first == item.second and item.first is not None),
    )


def of_training(name: str) -> bool:
    return name.partition(".")[0] in TRAINING


def _fields(first: CheckpointReport, second: CheckpointReport) -> Iterator[FieldDifference]:
    flat = _flat(first.to_dict()), _flat(second.to_dict())
    for name in dict.fromkeys((*flat[0], *flat[1])):
        yield FieldDifference(name=name, first=flat[0].get(name), second=flat[1].get(name))


def _flat(plain: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in plain.items():
        if not prefix and key in NOT_SETTINGS:
            continue
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found


def _metrics(first: CheckpointReport, second: CheckpointReport) -> Iterator[FieldDifference]:
    """Reported scores, by name, by the weights they were measured with, and by whose definition they have."""
    tables = [_scores(one, told=first.producer != second.producer) for one in (first, second)]
    for name in dict.fromkeys((*tables[0], *tables[1])):
        values = tables[0].get(name), tables[1].get(name)
        yield FieldDifference(name=name, first=to_plain(values[0]), second=to_plain(values[1]))


def _scores(report: CheckpointReport, *, told: bool) -> dict[str, float]:
    """`told`: the names tell the producer, so that another's score of the same name stands on a line of its own."""
    whose = f", as {report.producer} defines it" if told else ""
    return {f"{item.name} ({item.measured_with}{whose})": item.value for item in report.metrics}


# ---- weights ---------------------------------------------------------------------------------------------------------


def _blocks(first: Path, second: Path, report: Report) -> tuple[tuple[BlockDifference, ...], int, str]:
    """Blocks in the order of the first file, how many weights only one has, and why nothing was compared, or ""."""
    try:
        files = open_checkpoint(first), open_checkpoint(second)
        found = identify_checkpoint(files[0]), identify_checkpoint(files[1])
        reason = _unlike(*found)
        if reason:
            return (), 0, reason
        one, other = found[0].weights, found[1].weights
        shared = [key for key in one if key in other and _comparable(one[key], other[key])]
        blocks = _compared(files, (one, other), shared, report)
        return blocks, len(one.keys() | other.keys()) - len(shared), ""
    except CheckpointRefused as error:
        return (), 0, str(error)


def _unlike(first: Identification, second: Identification) -> str:
    names = first.report.arch, second.report.arch
    if first.architecture is None or second.architecture is None:
        return "At least one of the files is not a known network, so weights cannot be matched."
    if first.architecture.name != second.architecture.name:
        return f"The networks are different ({names[0]} and {names[1]}), so weights cannot be matched."
    return ""


def _comparable(one: TensorInfo, other: TensorInfo) -> bool:
    dense = one.layout == other.layout == "strided"
    return dense and one.shape == other.shape and "float" in one.dtype and "float" in other.dtype


def _compared(
    files: tuple[Contents, Contents],
    weights: tuple[Mapping[str, TensorInfo], Mapping[str, TensorInfo]],
    keys: list[str],
    report: Report,
) -> tuple[BlockDifference, ...]:
    sums: dict[str, _Sums] = {}
    streams = [read_many(file, {key: one[key] for key in keys}) for file, one in zip(files, weights, strict=True)]
    for done, ((key, one), (_, other)) in enumerate(zip(*streams, strict=True)):
        report(Progress(done=done, total=len(keys), stage="comparing weights"))
        sums.setdefault(block_of(key), _Sums()).add(one, other)
    return tuple(total.result(block) for block, total in sums.items())


def block_of(key: str) -> str:
    """`unet.base_unet.downs.0.1.weight` -> `downs.0`: the first part inside all wrappers, with its number.

    The tables of a diffusion's noise schedule, which lie beside the network, are one block.
    """
    parts = key.split(".")
    if parts[0] == SCHEDULE and len(parts) == 2:
        return "noise schedule"
    while len(parts) > 2 and parts[0] in WRAPPERS:
        parts = parts[1:]
    numbered = len(parts) > 2 and parts[1][:1].isdigit()
    return ".".join(parts[: 2 if numbered else 1])


@dataclass(slots=True)
class _Sums:
    """Running sums over the weights of a block, in float64."""

    count: int = 0
    tensors: int = 0
    absolute: float = 0.0
    squares: float = 0.0
    first: float = 0.0
    second: float = 0.0
    product: float = 0.0

    def add(self, one: Array, other: Array) -> None:
        a, b = (np.asarray(part, np.float64).ravel() for part in (one, other))
        change = b - a
        self.count += a.size
        self.tensors += 1
        self.absolute += float(np.abs(change).sum())
        self.squares += float(change @ change)
        self.first += float(a @ a)
        self.second += float(b @ b)
        self.product += float(a @ b)

    def result(self, block: str) -> BlockDifference:
        finite = bool(np.isfinite([self.absolute, self.squares, self.first, self.second]).all())
        known = finite and self.count > 0
        lengths = sqrt(self.first) * sqrt(self.second) if known else 0.0
        reason = "" if known else "holds no numbers" if finite else "holds NaN or infinite numbers"
        return BlockDifference(
            block=block,
            parameters=self.count,
            tensors=self.tensors,
            mean_absolute=self.absolute / self.count if known else None,
            relative=sqrt(self.squares / self.first) if known and self.first else None,
            cosine=min(1.0, max(-1.0, self.product / lengths)) if lengths else None,
            reason=reason or ("" if lengths else "all weights of one of them are 0"),
        )
