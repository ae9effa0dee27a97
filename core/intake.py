"""What a dropped path is taken for: by content first, by its name only where content says nothing."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

from core.checkpoints.text import safe_text
from core.images import is_dicom_folder, looks_like_mask, sniff_image
from core.images.pairing import has_image_extension, is_label_name
from core.names import CHECKPOINT_EXTENSIONS, PROFILE_CACHE, UNREAD_IMAGE_EXTENSIONS
from core.records import CheckpointReport, Finding, Intake
from core.runs import read_runs
from core.runs.locating import CONFIG, SUMMARY
from core.runs.tracker import TRACKER
from core.walk import MAX_DEPTH

PROBED_MEMBERS = 32


def identify_path(path: Path) -> Intake:
    """A checkpoint, image, label map, profile cache or folder; `unknown` comes with the reason. Never raises."""
    if not os.path.lexists(path):
        return _missing(path)
    if path.is_dir():
        return _folder(path)
    name = path.name.lower()
    if name.endswith(CHECKPOINT_EXTENSIONS):  # even if it holds a picture: its report then says so
        return _taken(path, "checkpoint", f"a file named like a checkpoint ({path.suffix})")
    kind = _image_kind(path)
    if kind is not None:
        return _picture(path, kind)
    if name.endswith(".tar") and _holds_profiles(path):
        return _taken(path, "profiles", "a tar of vision-language profiles")
    if has_image_extension(name) or name.endswith(UNREAD_IMAGE_EXTENSIONS):
        return _taken(path, "image", f"a file named like an image ({path.suffix}), though its content does not say so")
    return _of_a_run(path) or _by_opening(path)


def _missing(path: Path) -> Intake:
    message = f"{safe_text(path.name)}: there is no such file (any more)."
    remedy = "Check the name and whether the drive is connected."
    finding = Finding(severity="error", code="file.missing", message=message, remedy=remedy)
    return Intake(path=str(path), kind="unknown", why=message, findings=(finding,))


def _folder(path: Path) -> Intake:
    if path.name.lower().endswith(CHECKPOINT_EXTENSIONS):
        return _taken(path, "checkpoint", "a folder named like a checkpoint")
    if path.name == PROFILE_CACHE:
        return _taken(path, "profiles", "a folder of vision-language profiles")
    if is_dicom_folder(path):
        return _taken(path, "folder", "its DICOM images are opened by series")
    return _taken(path, "folder", _runs_text(path) or "a folder: its cases and checkpoints are listed")


def _runs_text(folder: Path) -> str:
    """That a folder is, or holds, training runs; empty where there are none."""
    try:
        runs = read_runs(folder, scores=False)
    except OSError:  # opening it will say so
        return ""
    return _counted(1) if len(runs) == 1 else f"it holds {_counted(len(runs))}" if runs else ""


def _counted(runs: int) -> str:
    return "a training run" if runs == 1 else f"{runs} training runs"


def _of_a_run(path: Path) -> Intake | None:
    """A file that describes a run, or the runs of a tree, stands for their folder."""
    if path.name not in (TRACKER, CONFIG, SUMMARY) or not path.is_file():
        return None
    folder = Path(os.path.abspath(path)).parent
    try:
        runs = read_runs(folder, MAX_DEPTH if path.name == TRACKER else 1, scores=False)
    except OSError:
        return None
    mine = runs if path.name == TRACKER else [run for run in runs if run.path == str(folder)]
    if not mine:
        return None
    what = f"the record of {_counted(len(runs))}" if path.name == TRACKER else "a file of a training run"
    return _taken(folder, "folder", f"{safe_text(path.name)}: {what}, whose folder is opened")


def _image_kind(path: Path) -> str | None:
    try:
        return sniff_image(path)
    except OSError:
        return None


def _picture(path: Path, kind: str) -> Intake:
    try:
        labels = is_label_name(path.name) or looks_like_mask(path)
    except Exception:  # a damaged picture is still a picture: reading it will say what is wrong with it
        labels = False
    if labels:
        return _taken(path, "labels", f"a {kind} picture with the values of a mask")
    return _taken(path, "image", f"a {kind} image, by its content")


def _holds_profiles(path: Path) -> bool:
    try:
        with tarfile.open(path, "r:") as archive:
            names = [member.name for member, _ in zip(archive, range(PROBED_MEMBERS), strict=False)]
    except (tarfile.TarError, OSError):
        return False
    return any(name.startswith(PROFILE_CACHE + "/") or "unknown:" in name for name in names)


def _by_opening(path: Path) -> Intake:
    from core.checkpoints.report import describe_file

    report = describe_file(path)
    if report.container is not None:
        return _taken(path, "checkpoint", "a file with the content of a checkpoint")
    return Intake(path=str(path), kind="unknown", why=_first_error(report), findings=_errors(report))


def _errors(report: CheckpointReport) -> tuple[Finding, ...]:
    return tuple(finding for finding in report.findings if finding.severity == "error")


def _first_error(report: CheckpointReport) -> str:
    errors = _errors(report)
    return errors[0].message if errors else f"{safe_text(report.path)} is neither a checkpoint nor an image."


def _taken(path: Path, kind: str, why: str) -> Intake:
    return Intake(path=str(path), kind=kind, why=why)  # type: ignore[arg-type]  # callers name the kinds literally
