"""The frozen records of batch evaluation: what is evaluated, with what, and what came out. Plain values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from core.records import CasePaths, Finding, MetricValue, RunSettings

Layout = Literal["producers", "nnunet", "bids", "folders", "csv"]
LAYOUTS: tuple[Layout, ...] = ("producers", "nnunet", "bids", "folders", "csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationCase:
    """One image with its reference. `patient`: cases of one patient are one cluster in statistics, None when unknown.
    `region`: a mask file; only what lies inside it is measured."""

    paths: CasePaths
    patient: str | None = None
    region: str | None = None

    @property
    def name(self) -> str:
        return self.paths.name


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """What was paired with what. `layout`: how the folder or table was read; `findings`: what was left out and why."""

    path: str
    layout: Layout
    cases: tuple[EvaluationCase, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationPlan:
    """Everything that decides the tables of an evaluation; two runs with equal plans give identical tables.

    `definitions`: the sets of metric definitions to measure with. `intermediate_samples`: of how many cases the kept
    steps are written, in the order of the data set.
    """

    checkpoints: tuple[str, ...]
    data: DataSet
    settings: RunSettings = field(default_factory=RunSettings)
    definitions: tuple[str, ...] = ("standard",)
    film_stages: tuple[int, ...] | None = None
    film_point: str | None = None
    profiles: str | None = None
    vlm: str = "auto"
    save_predictions: bool = False
    save_intermediate: bool = False
    intermediate_samples: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOptions:
    """Where an evaluation runs; none of this changes a table.

    `devices`: how many processes, one on each device (`auto`: all GPUs, or one process for each CPU core). `threads`:
    of each process on a CPU; a fixed number, since another number may round differently in the last bit.
    """

    accelerator: str = "auto"
    devices: str = "auto"
    nodes: int = 1
    strategy: str = "auto"
    threads: int = 1
    retry_failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredValue:
    """One cell of the tidy table. `label` 0 = all foreground."""

    definitions: str
    metric: MetricValue
    label: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """One case under one checkpoint, as soon as it is known. `reason`: why it failed."""

    checkpoint: str
    case: str
    status: Literal["done", "failed"]
    reason: str = ""
    values: tuple[MeasuredValue, ...] = ()
    seconds: float = 0.0
    calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSummary:
    """How an evaluation ended: where its tables are, and how many tasks are done, failed, or still to do."""

    folder: str
    done: int
    failed: int
    pending: int
    failures: tuple[TaskResult, ...] = ()
    files: tuple[str, ...] = ()
