"""What is in a dropped folder, by name only: cases (images with their references) and checkpoints. Opens no file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import ImageRefused
from core.images.intake import shown
from core.images.labels import read_labels
from core.images.pairing import (
    IMAGE_FOLDERS,
    LABEL_FOLDERS,
    OTHER_LABEL_FOLDERS,
    choose_label,
    has_image_extension,
    image_key,
    is_label_name,
    label_key,
    sample_name,
)
from core.images.raster import note, warning
from core.images.reading import read_image
from core.names import CHECKPOINT_EXTENSIONS, PROFILE_CACHE, UNREAD_IMAGE_EXTENSIONS
from core.records import Case, CasePaths, Finding, FolderContents

MAX_ENTRIES = 100_000
MAX_DEPTH = 32


@dataclass(slots=True, kw_only=True)
class _Walk:
    """Names of the regular files of each folder, and what was passed over."""

    files: dict[Path, list[str]] = field(default_factory=dict)
    entries: int = 0
    links: int = 0
    unreadable: list[str] = field(default_factory=list)
    cut: bool = False


def list_cases(folder: Path | str) -> list[CasePaths]:
    """The cases of `scan_folder`."""
    return list(scan_folder(folder).cases)


def read_case(paths: CasePaths) -> Case:
    """Read the image and its reference. Raises ImageRefused or ShapeMismatch."""
    image = read_image(paths.image)
    reference = None if paths.reference is None else read_labels(paths.reference, like=image)
    return Case(name=paths.name, image=image, reference=reference, sample=paths.sample)


def scan_folder(folder: Path | str) -> FolderContents:
    """Images, references and checkpoints below `folder`, in the layouts of `core.images.pairing` or flat.

    Links are not followed, hidden files are skipped, at most 100,000 entries are looked at; an unreadable entry is a
    finding, not an error. Raises ImageRefused when `folder` itself is not a readable folder.
    """
    folder = Path(folder)
    walk = _walk(folder)
    roles = {path: _role(path, folder, walk) for path in walk.files}
    cases: list[CasePaths] = []
    findings: list[Finding] = []
    for path in sorted(walk.files):
        if roles[path] == "images":
            found, notes = _cases_in(path, folder, walk)
            cases += found
            findings += notes
    findings += _unread(walk) + _passed_over(walk)
    checkpoints = tuple(str(checkpoint) for checkpoint in _checkpoints(walk))
    return FolderContents(path=str(folder), cases=tuple(cases), checkpoints=checkpoints, findings=tuple(findings))


def _walk(folder: Path) -> _Walk:
    walk, waiting = _Walk(), [(folder, 0)]
    while waiting and not walk.cut:
        path, depth = waiting.pop()
        try:
            with os.scandir(path) as entries:
                waiting += [(child, depth + 1) for child in _take(entries, path, walk) if depth < MAX_DEPTH]
        except OSError as error:
            if path == folder:
                raise ImageRefused(
                    f"{shown(folder)}: the folder cannot be read ({error.strerror}). Check it."
                ) from error
            walk.unreadable.append(shown(path))
    return walk


def _take(entries: Iterable[os.DirEntry[str]], path: Path, walk: _Walk) -> list[Path]:
    """Note the files of one folder in `walk` and return its sub-folders."""
    folders, names = [], []
    for entry in entries:
        walk.entries += 1
        if walk.entries > MAX_ENTRIES:
            walk.cut = True
            break
        if entry.name.startswith("."):
            continue
        try:
            mode = entry.stat(follow_symlinks=False).st_mode
        except OSError:
            walk.unreadable.append(shown(path / entry.name))
            continue
        walk.links += stat.S_ISLNK(mode)
        if stat.S_ISDIR(mode):
            folders.append(path / entry.name)
        elif stat.S_ISREG(mode):
            names.append(entry.name)
    walk.files[path] = sorted(names)
    return folders


def _role(path: Path, root: Path, walk: _Walk) -> str:
    """`labels` for a folder of masks that has images beside or above it, else `images`."""
    name = path.name.lower()
    if path == root or (name not in LABEL_FOLDERS and name not in OTHER_LABEL_FOLDERS):
        return "images"
    parent = path.parent
    beside = any(other.parent == parent and other.name.lower() in IMAGE_FOLDERS for other in walk.files)
    return "labels" if beside or any(has_image_extension(file) for file in walk.files.get(parent, ())) else "images"


def _cases_in(path: Path, root: Path, walk: _Walk) -> tuple[list[CasePaths], list[Finding]]:
    """The cases whose images lie directly in `path`."""
    names = [name for name in walk.files[path] if has_image_extension(name)]
    images, beside = _split_labels(names)
    folders = _label_folders(path, walk) if images else []
    cases, unmatched = [], 0
    for name in images:
        reference = _reference(name, path, beside, folders, walk)
        unmatched += reference is None
        image = path / name
        cases.append(
            CasePaths(
                name=image.relative_to(root).as_posix(),
                image=str(image),
                reference=None if reference is None else str(reference),
                sample=sample_name(image),
            )
        )
    if unmatched and (beside or folders):
        text = f"{unmatched} of {len(images)} images in {shown(path)} have no reference that fits by name."
        return cases, [warning("folder.no-reference", text, "They can be run but not measured.")]
    return cases, []


def _split_labels(names: list[str]) -> tuple[list[str], list[str]]:
    """Images and masks of one folder: `x_gt.png` is a mask only when its image `x.png` is there too."""
    keys = {image_key(name) for name in names if not is_label_name(name)}
    labels = [name for name in names if is_label_name(name) and label_key(name) in keys]
    return [name for name in names if name not in set(labels)], labels


def _label_folders(path: Path, walk: _Walk) -> list[Path]:
    """Folders of masks for the images in `path`, best first: beside an image folder, inside any other."""
    base = path.parent if path.name.lower() in IMAGE_FOLDERS else path
    found = {other.name.lower(): other for other in walk.files if other.parent == base and other != path}
    return [found[name] for name in LABEL_FOLDERS if name in found]


def _reference(name: str, path: Path, beside: list[str], folders: list[Path], walk: _Walk) -> Path | None:
    for folder in folders:
        chosen = choose_label(name, [label for label in walk.files[folder] if has_image_extension(label)])
        if chosen is not None:
            return folder / chosen
    chosen = choose_label(name, beside)
    return None if chosen is None else path / chosen


def _checkpoints(walk: _Walk) -> list[Path]:
    return [
        path / name
        for path in sorted(walk.files)
        if PROFILE_CACHE not in path.parts
        for name in walk.files[path]
        if name.lower().endswith(CHECKPOINT_EXTENSIONS)
    ]


def _unread(walk: _Walk) -> list[Finding]:
    count = sum(name.lower().endswith(UNREAD_IMAGE_EXTENSIONS) for names in walk.files.values() for name in names)
    if not count:
        return []
    return [
        note(
            "folder.unread-kinds",
            f"{count} files are of kinds not read yet (DICOM, NRRD, ...).",
            "Convert them to NIfTI (.nii.gz) or PNG.",
        )
    ]


def _passed_over(walk: _Walk) -> list[Finding]:
    findings = []
    if walk.cut:
        findings.append(
            warning(
                "folder.too-many",
                f"Only the first {MAX_ENTRIES:,} entries were looked at.",
                "Open a folder further down.",
            )
        )
    if walk.unreadable:
        first = ", ".join(walk.unreadable[:3])
        findings.append(
            warning(
                "folder.unreadable",
                f"{len(walk.unreadable)} entries could not be read ({first}).",
                "Check their permissions.",
            )
        )
    if walk.links:
        findings.append(note("folder.links", f"{walk.links} symbolic links were not followed."))
    return findings
