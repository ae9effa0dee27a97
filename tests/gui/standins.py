"""A stand-in for the verbs of `core.pipeline`: no files, no torch, and every run is held until the test lets it go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pytest

from app.controllers import running
from core import pipeline
from core.errors import CheckpointRefused, FlowglassError, ImageRefused
from core.images.label_list import list_labels
from core.progress import Progress, Report, silent
from core.records import (
    Case,
    CasePaths,
    CheckpointReport,
    Finding,
    FolderContents,
    Image,
    Intake,
    LabelInfo,
    LabelMap,
    Measurement,
    MetricValue,
    Prediction,
    RunSettings,
    Series,
    frozen_array,
)
from tests.gui import fakes

KINDS = {".ckpt": "checkpoint", ".png": "image", ".mask": "labels", ".tar": "profiles", "": "folder"}
WAIT_S = 10.0


@dataclass(frozen=True)
class FakeSegmenter:
    report: CheckpointReport


@dataclass
class FakePipeline:
    """What the window may call. `runs` lists the settings of each run in order; `hold` makes runs wait for `gate`."""

    folders: dict[str, FolderContents] = field(default_factory=dict)
    reports: dict[str, CheckpointReport] = field(default_factory=dict)
    errors: dict[str, FlowglassError] = field(default_factory=dict)
    runs: list[tuple[str, str, RunSettings]] = field(default_factory=list)
    loads: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    hold: bool = False
    gate: threading.Event = field(default_factory=threading.Event)
    began: threading.Event = field(default_factory=threading.Event)
    work: Callable[[Report], None] | None = None
    stamps: dict[str, tuple[int, int]] = field(default_factory=dict)
    film_error: FlowglassError | None = None
    models: dict[str, Path] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    films: dict[str, int] = field(default_factory=dict)
    frames_read: list[tuple[str, int]] = field(default_factory=list)
    held_frames: dict[int, threading.Event] = field(default_factory=dict)

    def identify(self, path: str) -> Intake:
        kind: Any = KINDS.get(PurePath(path).suffix, "unknown")
        text = f"{PurePath(path).name} is not a file that Flowglass knows."
        finding = Finding(severity="error", code="file.unknown", message=text, remedy="Drop a checkpoint or an image.")
        return Intake(path=path, kind=kind, why="by its name", findings=(finding,) if kind == "unknown" else ())

    def inspect(self, path: str) -> CheckpointReport:
        name = PurePath(path).name
        return replace(self.reports.get(name, fakes.report(name, refused="refused" in name)), path=path)

    def sha256(self, path: str, report: Report = silent) -> str:
        report(Progress(done=1, total=2**40, stage="hash"))
        return "ab" * 32

    def warm_up(self, report: Report = silent) -> None:
        pass

    def load(self, path: str, **options: Any) -> FakeSegmenter:
        options.pop("report")
        self.loads.append((PurePath(path).name, options))
        found = self.inspect(path)
        if found.status == "refused":
            raise CheckpointRefused(found.findings)
        return FakeSegmenter(found)

    def segment(self, segmenter: FakeSegmenter, image: Image, settings: RunSettings, report: Report) -> Prediction:
        name = PurePath(segmenter.report.path).name
        self.runs.append((name, image.name, settings))
        if self.film_error is not None and settings.film.mode != "off":
            raise self.film_error
        result = fakes.prediction(shape=image.voxels.shape, shift=float(settings.seed))
        for step in result.steps:
            report(Progress(done=step.index + 1, total=len(result.steps), stage="sampling", step=step))
        if self.work is not None:
            self.work(report)
        self.began.set()
        while self.hold and not self.gate.wait(0.002):
            report(Progress(done=1, total=5, stage="sampling"))
        return replace(result, settings=settings)

    def rethreshold(self, prediction: Prediction, threshold: float) -> Prediction:
        return replace(prediction, threshold=threshold, mask=prediction.score > threshold)

    def measure(
        self, prediction: Prediction, reference: LabelMap, *, names: Sequence[str] | None = None
    ) -> Measurement:
        dice = MetricValue(name="dice", value=round(prediction.threshold, 3), definition="2TP / (2TP + FP + FN).")
        missing = MetricValue(name="cldice", value=None, reason="the reference has no skeleton")
        return Measurement(values=(dice, missing))

    def measure_steps(self, prediction: Prediction, reference: LabelMap) -> tuple[float | None, ...]:
        return tuple(step.t for step in prediction.steps)

    def find_vlm(self, name: str) -> Path | None:
        return self.models.get(name)

    def fetch_vlm(self, name: str, report: Report = silent) -> Path:
        report(Progress(done=1, total=2, stage="downloading"))
        self.fetched.append(name)
        self.models[name] = Path("/models") / name
        return self.models[name]

    def open_labels(self, path: str, image: Image) -> LabelMap:
        name = PurePath(path).name
        if name in self.errors:
            raise self.errors[name]
        truth = np.stack([fakes.vessels(*image.voxels.shape[1:], shift=5.0)] * len(image.voxels))
        return LabelMap(labels=frozen_array(truth.astype(np.uint8)), name=name, path=path)

    def reference_of(self, image: str) -> Path | None:
        return None

    def flip_suspected(self, prediction: Prediction, reference: LabelMap) -> tuple[Finding, ...]:
        return ()

    def list_labels(self, labels: LabelMap, report: Report = silent) -> tuple[LabelInfo, ...]:
        return list_labels(labels)

    def open_case(
        self,
        image: str,
        reference: str | None = None,
        sample: str | None = None,
        frame: int = 0,
        other_grid: str = "show",
        files: Sequence[str] = (),
    ) -> Case:
        """`films` names the images with several frames: each is a little brighter than the one before."""
        name = PurePath(image).name
        self.frames_read.append((name, frame))
        if frame in self.held_frames:
            assert self.held_frames[frame].wait(WAIT_S)
        if name in self.errors:
            raise self.errors[name]
        if "broken" in name:
            raise ImageRefused(f"{name}: it ends too early. Copy it again.")
        made = fakes.case(reference=reference is not None)
        frames = self.films.get(name, 1)
        voxels = frozen_array(made.image.voxels + np.float32(frame)) if frame else made.image.voxels
        shown = replace(made.image, name=name, path=image, voxels=voxels, frame=frame, frames=frames)
        return replace(made, name=name, image=shown)

    def sort_files(
        self, paths: Sequence[str], report: Report = silent
    ) -> tuple[tuple[CasePaths, ...], tuple[Series, ...]]:
        return tuple(CasePaths(name=PurePath(path).name, image=path) for path in paths), ()

    def formats_for(self, image: Image) -> tuple[str, ...]:
        return ("nifti", "png")

    def scan(self, folder: str, report: Report = silent) -> FolderContents:
        return self.folders[folder]

    def save(
        self, prediction: Prediction, image: Image, folder: str, stem: str, *, steps: bool, file_format: str = "auto"
    ) -> tuple[Path, ...]:
        path = Path(folder) / f"{stem}.txt"
        path.write_text(f"{prediction.threshold}", encoding="utf-8")
        return (path,)

    def as_command(self, checkpoint: str, image: str, settings: RunSettings) -> str:
        return f"flowglass predict {checkpoint} {image} --threshold {settings.threshold}"


def install(monkeypatch: pytest.MonkeyPatch) -> FakePipeline:
    """Put a stand-in in the place of every verb."""
    fake = FakePipeline()
    verbs = [name for name in vars(FakePipeline) if not name.startswith("_") and callable(getattr(FakePipeline, name))]
    for name in verbs:
        monkeypatch.setattr(pipeline, name, getattr(fake, name))
    monkeypatch.setattr(running, "file_stamp", lambda path: fake.stamps.get(path, (0, 0)))
    return fake
