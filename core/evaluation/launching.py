"""`evaluate`: the same work in one process or in many, on Lightning Fabric; resumable, each case exactly once."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from lightning.fabric import Fabric
from lightning.fabric.strategies.ddp import DDPStrategy

from core.checkpoints.reader import sha256_of
from core.checkpoints.report import describe_file
from core.errors import CheckpointRefused
from core.evaluation.records import EvaluationPlan, EvaluationSummary, LaunchOptions
from core.evaluation.runfile import RunFile, RunRefused
from core.evaluation.tables import write_tables
from core.evaluation.working import Listener, Worker
from core.progress import Progress, Report, silent
from core.segmenters import Segmenter
from core.segmenters.loading import load_segmenter
from core.versions import version_of

LONGEST = timedelta(days=30)
"""A process that is done waits for the others, whose last case may take hours on a CPU; torch would give up earlier."""
LOCK = "run.lock"


def evaluate(
    plan: EvaluationPlan,
    folder: Path,
    options: LaunchOptions,
    report: Report = silent,
    listen: Listener = lambda result: None,
) -> EvaluationSummary | None:
    """Run what is left of `plan`, record it in `folder`, and write the tables when nothing is left.

    With several processes each of them calls this: under SLURM and torchrun they exist already, else Lightning starts
    this very command again for each device. Only the first one gets the summary; the others get None. Raises
    `CheckpointRefused`, `RunRefused`, and `Cancelled` when `report` does; finished cases are kept, and the same call
    goes on from there.
    """
    _refuse_impossible(plan)
    fabric = make_fabric(options, tasks=len(plan.checkpoints) * len(plan.data.cases))
    fabric.launch()
    if fabric.device.type == "cpu":
        torch.set_num_threads(options.threads)
    if not fabric.is_global_zero:
        _help(fabric, plan, folder, report)
        return None
    return _lead(fabric, plan, folder, options, report, listen)


def _refuse_impossible(plan: EvaluationPlan) -> None:
    """What every case would fail of, before hours are spent on them."""
    producers = [name for name in plan.definitions if name != "standard"]
    if producers and any(case.region is not None for case in plan.data.cases):
        raise RunRefused(
            f"{' and '.join(producers)} measure the whole image, and there are regions to measure in. Choose the "
            "standard definitions, or leave the regions out."
        )


def make_fabric(options: LaunchOptions, tasks: int) -> Fabric:
    """Lightning's launcher for `options`. No more processes than tasks are started on one machine."""
    accelerator = options.accelerator
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    devices: int | str = options.devices
    if options.devices == "auto":
        devices = max(1, min(_cores(), tasks)) if accelerator == "cpu" else "auto"
    elif options.devices.isdigit():
        devices = int(options.devices)
    strategy: Any = options.strategy
    several = options.nodes > 1 or devices != 1
    if strategy in ("auto", "ddp") and several:
        strategy = DDPStrategy(timeout=LONGEST)
    return Fabric(accelerator=accelerator, devices=devices, num_nodes=options.nodes, strategy=strategy)


def _cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@contextmanager
def _only_run(folder: Path) -> Iterator[None]:
    """Two evaluations that write one folder would undo each other's claims."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise RunRefused(
            f"{folder}: another evaluation is writing here now. Wait for it, or choose another folder."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _lead(
    fabric: Fabric, plan: EvaluationPlan, folder: Path, options: LaunchOptions, report: Report, listen: Listener
) -> EvaluationSummary:
    with ExitStack() as opened:
        try:
            opened.enter_context(_only_run(folder))
            hashes = [_hash(path, report) for path in plan.checkpoints]
            run = RunFile.create_or_resume(folder, plan, hashes, retry=options.retry_failed)
            opened.enter_context(run)
            run.note("environment", environment(fabric))
        except BaseException:
            fabric.broadcast(False)
            raise
        fabric.broadcast(True)
        _work(fabric, plan, folder, run, report, listen)
        fabric.barrier("done")
        return _finished(run, plan, folder, hashes)


def _finished(run: RunFile, plan: EvaluationPlan, folder: Path, hashes: Sequence[str]) -> EvaluationSummary:
    counts = run.counts()
    files = write_tables(run, plan, folder, hashes)
    return EvaluationSummary(
        folder=str(folder),
        done=counts["done"],
        failed=counts["failed"],
        pending=counts["pending"] + counts["claimed"],
        failures=tuple(result for _, result in run.results() if result.status == "failed"),
        files=tuple(map(str, files)),
    )


def _help(fabric: Fabric, plan: EvaluationPlan, folder: Path, report: Report) -> None:
    """The other processes: the same work, but they open what the first one made, and tell nobody."""
    if not fabric.broadcast(False):  # what the first one says; it has refused, and says why itself
        return
    with RunFile.open_existing(folder, plan) as run:
        _work(fabric, plan, folder, run, report, lambda result: None)
    fabric.barrier("done")


def _work(fabric: Fabric, plan: EvaluationPlan, folder: Path, run: RunFile, report: Report, listen: Listener) -> None:
    def load(number: int) -> Segmenter:
        return load_segmenter(
            Path(plan.checkpoints[number]),
            device=str(fabric.device),
            weights=plan.settings.weights,
            film_stages=plan.film_stages,
            film_point=plan.film_point,
            profiles=None if plan.profiles is None else Path(plan.profiles),
            vlm=plan.vlm,
            report=report,
        )

    Worker(run=run, plan=plan, folder=folder, load=load, report=report, listen=listen).work()


def _hash(path: str, report: Report) -> str:
    """SHA-256 of a checkpoint that can be run; refused ones end the evaluation before it begins."""
    described = describe_file(Path(path))
    if described.status == "refused":
        raise CheckpointRefused(described.findings)
    return sha256_of(Path(path), lambda progress: report(Progress(done=0, total=0, stage="hash")))


def environment(fabric: Fabric) -> dict[str, Any]:
    """Versions, machine and code that a run began with."""
    packages: Sequence[str] = ("flowglass", "torch", "lightning", "numpy", "scipy", "scikit-image")
    return {
        "device": str(fabric.device),
        "accelerator": torch.cuda.get_device_name() if fabric.device.type == "cuda" else platform.processor(),
        "machine": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version_of(name) for name in packages},
        "git": _git(),
    }


def _git() -> str | None:
    """The commit that this code is at, when it runs from a clone."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
