"""The verbs that the window, the command line and a notebook call. Importing this module loads no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.progress import Report, silent
from core.records import (
    Array,
    Case,
    CheckpointReport,
    FolderContents,
    Image,
    Intake,
    LabelMap,
    Measurement,
    Prediction,
    RunSettings,
)

if TYPE_CHECKING:
    from core.sampling.draws import Draws
    from core.segmenters import Segmenter


def identify(path: str | Path) -> Intake:
    """What a dropped path is: a checkpoint, an image, a label map, a profile cache or a folder, by content. Never raises."""
    raise NotImplementedError


def inspect(path: str | Path) -> CheckpointReport:
    """What a checkpoint is, and why. Reads no tensor data and never raises: a bad file is reported as `refused`."""
    raise NotImplementedError


def sha256(path: str | Path, report: Report = silent) -> str:
    """Hash of the whole file, with progress; the report's `sha256` is filled in on demand with this."""
    raise NotImplementedError


def load(
    path: str | Path,
    device: str = "auto",
    weights: str = "auto",
    film_stages: Sequence[int] | None = None,
    film_point: str | None = None,
    report: Report = silent,
) -> Segmenter:
    """Load a checkpoint as it was trained. Raises `CheckpointRefused` with the findings when that cannot be done.

    `device`: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`. `weights`: `auto` (what the producer evaluated), `model`, `swa`, `ema`.
    `film_stages`, `film_point` override what the file says; the report then says `user`.
    """
    raise NotImplementedError


def segment(
    segmenter: Segmenter,
    image: Image | Array,
    settings: RunSettings | None = None,
    report: Report = silent,
    random: Draws | None = None,
    condition: Array | None = None,
) -> Prediction:
    """Run a segmenter on one image, shown as a person sees it: an `Image` or a 2D array (rows, columns).

    `report` is called between network calls and may raise `Cancelled`. `random` replays recorded draws in the producer's
    order; None = seeded from `settings.seed`. `condition` (cond_dim,) or (windows, cond_dim); None = from the profile
    cache. Raises `ConditionMissing`, `SettingsRefused`, `OutOfMemory`.
    """
    raise NotImplementedError


def rethreshold(prediction: Prediction, threshold: float) -> Prediction:
    """The same prediction cut at another threshold (in its own value range); labelled as different from the trained one."""
    raise NotImplementedError


def measure(prediction: Prediction | Array, reference: LabelMap | Array) -> Measurement:
    """Standard metrics of a prediction (or a mask) against a reference on the same grid, else `ShapeMismatch`."""
    raise NotImplementedError


def measure_steps(prediction: Prediction, reference: LabelMap) -> tuple[float | None, ...]:
    """Dice of each kept step's estimate against the reference, in step order; None where it does not exist."""
    raise NotImplementedError


def open_case(image: str | Path, reference: str | Path | None = None, sample: str | None = None) -> Case:
    """Read an image and its reference; raises `ImageRefused` or `ShapeMismatch`."""
    raise NotImplementedError


def scan(folder: str | Path) -> FolderContents:
    """Cases and checkpoints below a folder."""
    raise NotImplementedError


def save(prediction: Prediction, image: Image, folder: str | Path, stem: str, *, steps: bool = False) -> tuple[Path, ...]:
    """Write mask, probability, run record (JSON) and, if asked, the kept steps; returns the files."""
    raise NotImplementedError


def as_command(checkpoint: str, image: str, settings: RunSettings) -> str:
    """The command line that computes the same prediction as a run in the window."""
    raise NotImplementedError
