"""Build the network without memory, compare every key and shape with the file, then fill: nothing missing or left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from core.checkpoints.contents import Contents, TensorInfo
from core.checkpoints.film_stages import CONDITIONER, HEADS
from core.checkpoints.identify import Identification, identify_checkpoint
from core.checkpoints.reader import open_checkpoint, read_many
from core.conditioning.profiles import ProfileCache, profile_sources
from core.conditioning.provider import provider_of
from core.errors import CheckpointRefused
from core.inference.device import resolve_device
from core.networks.diffusion.network import Denoiser
from core.networks.film import Conditioner
from core.progress import Progress, Report
from core.records import CheckpointReport, Evidence, Finding
from core.sampling.schedule import cosine_tables
from core.segmenters.segmenter import Segmenter

SMALL_FILE = 1 << 20
"""Numbers that are read of a file which no known network fits."""
CAUSES = (
    (HEADS, "FiLM heads"),
    (CONDITIONER, "FiLM conditioner"),
    ("diffusion_model.model.", "network"),
    ("diffusion_model.", "noise schedule"),
    ("unet.", "network"),
    ("model.", "network"),
)


def load_segmenter(
    path: Path,
    *,
    device: str,
    weights: str,
    film_stages: tuple[int, ...] | None,
    film_point: str | None,
    profiles: Path | None,
    vlm: str,
    report: Report,
) -> Segmenter:
    """See `core.pipeline.load`."""
    target = resolve_device(device)
    contents = open_checkpoint(path)
    found = identify_checkpoint(contents, film_stages=film_stages, film_point=film_point, weights=weights)
    if found.report.status == "refused":
        raise CheckpointRefused((*found.report.findings, *_also_not_finite(contents, found.weights)))
    network, conditioner = _build(found)
    _compare(network, conditioner, found)
    notes = _fill(network, conditioner, contents, found, report)
    sources = [] if profiles is None else [profiles]
    if found.report.film is not None:
        sources += profile_sources(path, found.report.film.cache_dir)
    return Segmenter(
        report=_completed(found.report, notes),
        network=network.to(target),
        device=target,
        conditioner=None if conditioner is None else conditioner.to(target),
        profiles=ProfileCache(sources),
        vlm=None if found.report.film is None else provider_of(vlm, found.report.film.vlm, str(target)),
    )


def _build(found: Identification) -> tuple[nn.Module, Conditioner | None]:
    architecture, config = found.accepted()
    sizes = found.conditioner
    with torch.device("meta"):
        network = architecture.build(config)
        conditioner = None if sizes is None else Conditioner(sizes.image_width, sizes.cond_dim, sizes.text)
    for module in (network, conditioner):
        if module is not None:
            module.eval().requires_grad_(False)
    return network, conditioner


def _compare(network: nn.Module, conditioner: Conditioner | None, found: Identification) -> None:
    """Raise `CheckpointRefused`, keys grouped by cause, unless file and network agree key by key and shape by shape."""
    wanted = {key: tuple(tensor.shape) for key, tensor in _targets(network, conditioner).items()}
    stored = {key: tensor.shape for key, tensor in found.weights.items()}
    problems = [
        *_grouped("weights.missing", "lacks", wanted.keys() - stored.keys()),
        *_grouped("weights.left-over", "holds, and the network has no place for,", stored.keys() - wanted.keys()),
        *_misshapen(wanted, stored),
    ]
    if problems:
        raise CheckpointRefused((*problems, *found.report.findings))


def _targets(network: nn.Module, conditioner: Conditioner | None) -> dict[str, Tensor]:
    targets = network.state_dict()
    if conditioner is not None:
        targets |= {CONDITIONER + key: value for key, value in conditioner.state_dict().items()}
    return targets


def _grouped(code: str, verb: str, keys: Iterable[str]) -> list[Finding]:
    ordered = sorted(keys)
    causes = Counter(_cause(key) for key in ordered)
    remedy = "Open it with the code that wrote it, or report the file: running it without these would be a guess."
    return [
        Finding(
            severity="error",
            code=code,
            message=f"The file {verb} {count} {'key' if count == 1 else 'keys'} of the {cause} "
            f"(first: {next(key for key in ordered if _cause(key) == cause)}).",
            remedy=remedy,
        )
        for cause, count in causes.items()
    ]


def _misshapen(wanted: Mapping[str, tuple[int, ...]], stored: Mapping[str, tuple[int, ...]]) -> list[Finding]:
    wrong = [key for key in sorted(wanted.keys() & stored.keys()) if wanted[key] != stored[key]]
    if not wrong:
        return []
    first = wrong[0]
    message = (
        f"{len(wrong)} weights have another shape than the network "
        f"(first: {first} is {list(stored[first])}, not {list(wanted[first])})."
    )
    remedy = "The sizes in this file contradict each other; it may be damaged or edited."
    return [Finding(severity="error", code="weights.shape", message=message, remedy=remedy)]


def _cause(key: str) -> str:
    return next((name for prefix, name in CAUSES if key.startswith(prefix)), "unknown part " + key.split(".", 1)[0])


def _fill(
    network: nn.Module, conditioner: Conditioner | None, contents: Contents, found: Identification, report: Report
) -> tuple[Finding, ...]:
    """Read every tensor and put it in place, floats as float32; returns what was noticed on the way."""
    state: dict[str, Tensor] = {}
    broken: list[str] = []
    types = {key: target.dtype for key, target in _targets(network, conditioner).items()}
    for done, (key, array) in enumerate(read_many(contents, found.weights)):
        report(Progress(done=done, total=len(found.weights), stage="loading"))
        values = np.ascontiguousarray(array, dtype=np.float32 if types[key].is_floating_point else None)
        if not np.isfinite(values).all():
            broken.append(key)
        state[key] = torch.from_numpy(values).to(types[key])
    _assign(network, {key: value for key, value in state.items() if not key.startswith(CONDITIONER)})
    if conditioner is not None:
        _assign(conditioner, {k.removeprefix(CONDITIONER): v for k, v in state.items() if k.startswith(CONDITIONER)})
    if broken:
        raise CheckpointRefused((_not_finite(broken), *found.report.findings))
    return _narrow(found.weights) + _other_schedule(network)


def _also_not_finite(contents: Contents, weights: Mapping[str, TensorInfo]) -> tuple[Finding, ...]:
    """Of a file that is refused anyway, say if its numbers are broken too; large files are not read for that."""
    dense = {key: tensor for key, tensor in weights.items() if tensor.layout == "strided"}
    if not 0 < sum(tensor.numel for tensor in dense.values()) <= SMALL_FILE:
        return ()
    broken = [key for key, array in read_many(contents, dense) if not np.isfinite(array).all()]
    return (_not_finite(broken),) if broken else ()


def _assign(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    module.load_state_dict(state, strict=True, assign=True)
    module.requires_grad_(False)


def _not_finite(keys: list[str]) -> Finding:
    return Finding(
        severity="error",
        code="weights.not-finite",
        message=f"{len(keys)} weights hold NaN or infinite numbers (first: {keys[0]}): no prediction can come of it.",
        remedy="The training diverged or the file is damaged: take an earlier checkpoint of this run.",
    )


def _narrow(weights: Mapping[str, TensorInfo]) -> tuple[Finding, ...]:
    narrow = {tensor.dtype for tensor in weights.values() if "float" in tensor.dtype} - {"float32"}
    if not narrow:
        return ()
    message = f"Some weights are stored as {', '.join(sorted(narrow))} and were widened to float32 to run."
    remedy = "Nothing to do; results may differ in the last digits from a run in the narrow type."
    return (Finding(severity="note", code="weights.widened", message=message, remedy=remedy),)


def _other_schedule(network: nn.Module) -> tuple[Finding, ...]:
    """A note when the stored schedule is not the cosine one, which is all that both code bases know."""
    if not isinstance(network, Denoiser):
        return ()
    tables = network.diffusion_model.tables
    usual = cosine_tables(len(tables["betas"]), alphas="alphas" in tables)
    other = [
        name for name, table in tables.items() if not np.allclose(table.numpy(), usual[name], rtol=1e-3, atol=1e-5)
    ]
    if not other:
        return ()
    message = (
        f"The noise schedule in the file is not the cosine schedule of soft-seg and sofl-seg ({', '.join(other)})."
    )
    remedy = "Nothing to do if it was trained with another schedule: the stored one is used."
    return (Finding(severity="warning", code="schedule.not-cosine", message=message, remedy=remedy),)


def _completed(report: CheckpointReport, notes: tuple[Finding, ...]) -> CheckpointReport:
    proof = Evidence(
        field="weights", value=report.parameters, why="every key and shape of the file has its place in the network"
    )
    return replace(report, findings=(*report.findings, *notes), evidence=(*report.evidence, proof))
