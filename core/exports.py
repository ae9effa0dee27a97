"""A prediction on disk: mask, probability, steps and the record of the run; and the command that repeats it."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.files import write_whole
from core.images import write_labels, write_probability
from core.records import Array, Condition, Image, Prediction, RunSettings, Step, to_plain

STATE_NAMES = {"none": "logit_difference"}
"""What the state of a step is called where it is none: by `Prediction.axis`."""


FORMATS = {
    "nifti": (".nii.gz", ".nii.gz"),
    "nrrd": (".seg.nrrd", ".nrrd"),
    "mha": (".mha", ".mha"),
    "png": (".png", ".png"),
    "tiff": (".tif", ".tif"),
    "dicom": (".dcm", ".dcm"),
}
"""Endings of mask and probability."""


def formats_for(image: Image) -> tuple[str, ...]:
    """The formats that can hold a result on the grid of `image`, the usual one first: PNG for single slices without a
    place in space, else NIfTI. DICOM needs the files of the series."""
    usual = "png" if len(image.voxels) == 1 and image.affine is None else "nifti"
    possible = ["nifti", "nrrd", "mha", "tiff", *(["png"] if len(image.voxels) == 1 else [])]
    possible += ["dicom"] if image.files else []
    return (usual, *(name for name in possible if name != usual))


def save_prediction(
    prediction: Prediction, image: Image, folder: Path, stem: str, *, steps: bool, file_format: str = "auto"
) -> tuple[Path, ...]:
    """Write `<stem>_mask`, `<stem>_probability`, `<stem>_run.json` and, if asked, `<stem>_steps/`; returns the files.

    `file_format`: one of `FORMATS`, or `auto` for the first of `formats_for`. PNG: mask 8 bit 0/255, probability 16
    bit. Each file says in its header whether the prediction is as trained, and if not, in what it differs. Raises
    ImageRefused when the format cannot hold the image.
    """
    name = formats_for(image)[0] if file_format == "auto" else file_format
    of_mask, ending = FORMATS[name]
    said = remark(prediction)
    files = [
        write_labels(prediction.mask, folder / f"{stem}_mask{of_mask}", like=image, remark=said),
        write_probability(folder / f"{stem}_probability{ending}", prediction.probability, like=image, remark=said),
        _write_json(folder / f"{stem}_run.json", prediction),
    ]
    if steps:
        files += _save_steps(prediction, image, folder / f"{stem}_steps", ending)
    return tuple(files)


def _save_steps(prediction: Prediction, image: Image, folder: Path, ending: str) -> list[Path]:
    """Two pictures of each kept step; the state is mapped from its range to [0, 1], for viewing."""
    (low, high), said = prediction.state_range, remark(prediction)
    digits = max(3, len(str(max((step.index for step in prediction.steps), default=0))))
    files = []
    for step in prediction.steps:
        name, of = step_name(prediction, step, digits), STATE_NAMES.get(prediction.axis, "state")
        state = np.clip((step.state - low) / (high - low), 0, 1)
        files.append(write_probability(folder / f"{name}_{of}{ending}", state, like=image, remark=said))
        files.append(
            write_probability(folder / f"{name}_probability{ending}", step.probability, like=image, remark=said)
        )
    return files


def remark(prediction: Prediction) -> str:
    """What every file of a prediction says of it, so that one that is passed on alone is not taken for another."""
    labels = "; ".join(deviation.label for deviation in prediction.deviations)
    return f"Flowglass: not as trained: {labels}" if labels else "Flowglass: as trained"


def step_name(prediction: Prediction, step: Step, digits: int = 3) -> str:
    """`step_003_t0.200`, `step_003_timestep996_noise0.998`, `one_call`: sorted by name is sorted from noise to mask."""
    if prediction.axis == "none":
        return "one_call"
    number = f"step_{step.index:0{digits}d}"
    if step.timestep is None or step.noise_level is None:
        return f"{number}_t{step.t:.3f}"
    return f"{number}_timestep{step.timestep:0{digits}d}_noise{step.noise_level:.3f}"


def _write_json(path: Path, prediction: Prediction) -> Path:
    record = {
        "settings": to_plain(prediction.settings),
        "threshold": prediction.threshold,
        "value_range": list(prediction.value_range),
        "deviations": to_plain(prediction.deviations),
        "findings": to_plain(prediction.findings),
        "seconds": round(prediction.seconds, 3),
        "network_calls": prediction.calls,
        "device": prediction.device,
        "foreground_fraction": float(prediction.mask.mean()),
        "axis": prediction.axis,
        "state_range": list(prediction.state_range),
        "steps": [_step_record(step) for step in prediction.steps],
        "conditions": [_told(condition) for condition in prediction.conditions],
        "provenance": to_plain(prediction.provenance),
    }
    text = json.dumps(record, indent=2, ensure_ascii=False)
    return write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))


def _told(condition: Condition) -> dict[str, Any]:
    """What a window was told, in words; the vector itself is the model's business."""
    told = to_plain(replace(condition, vector=np.empty(0)))
    assert isinstance(told, dict)
    del told["vector"]
    return told


def _step_record(step: Step) -> dict[str, Any]:
    """Where a step lies; the noise only where there is such a thing."""
    record: dict[str, Any] = {"index": step.index, "t": step.t}
    if step.timestep is not None:
        record |= {"timestep": step.timestep, "noise_level": step.noise_level}
    return record


def command_line(checkpoint: str, image: str, settings: RunSettings) -> str:
    """`flowglass predict ...` with every setting that differs from its default."""
    default = RunSettings()
    words = ["flowglass", "predict", checkpoint, image, "-o", "results", "--seed", str(settings.seed)]
    for option, value, usual in (
        ("--protocol", settings.protocol, default.protocol),
        ("--steps", settings.steps, default.steps),
        ("--solver", settings.solver, default.solver),
        ("--samples", settings.samples, default.samples),
        ("--first-sample", settings.first_sample, default.first_sample),
        ("--threshold", settings.threshold, default.threshold),
        ("--weights", settings.weights, default.weights),
        ("--film", settings.film.mode, default.film.mode),
        ("--film-strength", settings.film.strength, default.film.strength),
        ("--film-unit", settings.film.unit, default.film.unit),
        ("--slice-axis", settings.slice_axis, default.slice_axis),
        ("--film-text", settings.film.text, default.film.text),
    ):
        if value != usual:
            words += [option, str(value)]
    if settings.value_range is not None:
        words.append("--value-range={:g},{:g}".format(*settings.value_range))
    if settings.film.stages is not None:
        words += ["--film-use-stages", ",".join(map(str, settings.film.stages))]
    return shlex.join(words)


def dice_against_steps(prediction: Prediction, reference: Array) -> tuple[float | None, ...]:
    """Dice of every kept step's estimate, cut at the prediction's threshold; reference (slices, rows, columns)."""
    from core.metrics import dice_curve

    return tuple(dice_curve((step.estimate > prediction.threshold for step in prediction.steps), reference))
