"""The work of one process: claim a case, run it, measure it, record it; until no case is left."""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import FlowglassError, ShapeMismatch
from core.evaluation.measuring import measure_case
from core.evaluation.records import EvaluationCase, EvaluationPlan, TaskResult
from core.evaluation.runfile import RunFile, Task
from core.images import read_case, read_labels
from core.names import file_stem
from core.progress import Cancelled, Progress, Report
from core.records import Array, Case, Image, Prediction, RunSettings

if TYPE_CHECKING:
    from core.segmenters import Segmenter

Listener = Callable[[TaskResult], object]
Loader = Callable[[int], "Segmenter"]


@dataclass(slots=True, kw_only=True)
class Worker:
    """`load` gives the segmenter of a checkpoint by its number. `report` is called between network calls and may raise
    `Cancelled`: the case at hand is then given back. `listen` hears of each result as it is recorded."""

    run: RunFile
    plan: EvaluationPlan
    folder: Path
    load: Loader
    report: Report
    listen: Listener
    owner: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}")

    def work(self) -> None:
        """Do what is left of every checkpoint, one after the other, so that few networks are in memory at once."""
        for checkpoint in range(len(self.plan.checkpoints)):
            segmenter: Segmenter | None = None
            while (task := self.run.claim(self.owner, checkpoint)) is not None:
                try:
                    segmenter = segmenter or self.load(checkpoint)  # what stops this would stop every case
                    result = self._attempt(segmenter, task)
                except BaseException:
                    self.run.release(self.owner, task)
                    raise
                if self.run.finish(self.owner, task, result):
                    self.listen(result)

    def _attempt(self, segmenter: Segmenter, task: Task) -> TaskResult:
        try:
            return self._result(segmenter, task)
        except Cancelled:
            raise
        except Exception as error:  # whatever it is, one case of a thousand must not stop the others
            return self._failed(task, error)

    def _result(self, segmenter: Segmenter, task: Task) -> TaskResult:
        case = self.plan.data.cases[task.case]
        started = time.perf_counter()
        opened = read_case(case.paths, other_grid="refuse")
        if opened.image.frames > 1:
            raise ShapeMismatch(
                f"{case.name} has {opened.image.frames} frames, and a number of all, or of the first, tells little. "
                "Save the frames that have a reference as files of their own."
            )
        prediction = segmenter.segment(opened.image, self._settings(task), self._ticking(case))
        values = measure_case(prediction, opened, region_of(case, opened.image), self.plan.definitions)
        self._save(prediction, opened, task)
        return TaskResult(
            checkpoint=self.plan.checkpoints[task.checkpoint],
            case=case.name,
            status="done",
            values=values,
            seconds=time.perf_counter() - started,
            calls=prediction.calls,
        )

    def _failed(self, task: Task, error: Exception) -> TaskResult:
        return TaskResult(
            checkpoint=self.plan.checkpoints[task.checkpoint],
            case=self.plan.data.cases[task.case].name,
            status="failed",
            reason=str(error) if isinstance(error, FlowglassError) else f"{type(error).__name__}: {error}",
        )

    def _settings(self, task: Task) -> RunSettings:
        """Steps are kept only for the cases whose steps are written."""
        return self.plan.settings if self._keeps_steps(task) else replace(self.plan.settings, keep="last")

    def _keeps_steps(self, task: Task) -> bool:
        most = self.plan.intermediate_samples
        return self.plan.save_intermediate and (most is None or task.case < most)

    def _ticking(self, case: EvaluationCase) -> Report:
        counts = self.run.counts()
        done, total = counts["done"] + counts["failed"], sum(counts.values())
        self.report(Progress(done=done, total=total, stage=case.name))
        return lambda progress: self.report(Progress(done=done, total=total, stage=case.name))

    def _save(self, prediction: Prediction, case: Case, task: Task) -> None:
        steps = self._keeps_steps(task)
        if not (self.plan.save_predictions or steps):
            return
        from core.exports import save_prediction

        folder = self.folder / "predictions" / checkpoint_names(self.plan.checkpoints)[task.checkpoint]
        save_prediction(prediction, case.image, folder, file_stem(case.name), steps=steps)


def region_of(case: EvaluationCase, image: Image) -> Array | None:
    """The mask (slices, rows, columns) inside which a case is measured; None = everywhere. Raises ShapeMismatch."""
    if case.region is None:
        return None
    labels = read_labels(case.region, like=image).labels
    if labels.shape != image.voxels.shape:
        raise ShapeMismatch(
            f"The region {Path(case.region).name} has shape {labels.shape}, the image {image.voxels.shape}: a region "
            "lies on the image's own grid."
        )
    inside: Array = np.asarray(labels) > 0
    return inside


def checkpoint_names(paths: tuple[str, ...]) -> list[str]:
    """A short name for each checkpoint, none twice: the run's for `<run>/checkpoints/best.ckpt`, else the file's."""
    return _numbered([_checkpoint_name(Path(path)) for path in paths])


def _checkpoint_name(path: Path) -> str:
    if path.parent.name != "checkpoints":
        return path.stem
    run = path.parent.parent.name
    return run if path.stem == "best" else f"{run}_{path.stem}"


def _numbered(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    numbered = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        numbered.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return numbered
