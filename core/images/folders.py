"""What is in a dropped folder: cases (images with their references), checkpoints, and training runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.errors import ImageRefused
from core.images.dicom_series import is_dicom_folder, read_series_files, series_of
from core.images.fitting import OtherGrid, read_reference
from core.images.intake import shown
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
from core.images.reading import image_of, read_image
from core.names import CHECKPOINT_EXTENSIONS, PROFILE_CACHE, UNREAD_IMAGE_EXTENSIONS
from core.progress import Report, silent
from core.records import Case, CasePaths, Finding, FolderContents, Image, LabelMap, Series
from core.runs import runs_in
from core.walk import Walk, walk

MAX_ENTRIES = 100_000


def list_cases(folder: Path | str) -> list[CasePaths]:
    """The cases of `scan_folder`."""
    return list(scan_folder(folder).cases)


def read_case(paths: CasePaths, frame: int = 0, other_grid: OtherGrid = "show") -> Case:
    """Read one frame of the image, and its reference as `read_reference`. Raises ImageRefused or ShapeMismatch."""
    image = read_case_image(paths, frame)
    if paths.reference is None:
        return Case(name=paths.name, image=image, sample=paths.sample)
    reference = read_reference(paths.reference, image, other_grid)
    if image.frames > 1 and reference.frames == image.frames:
        reference = reference if frame == 0 else read_reference(paths.reference, image, other_grid, frame)
    elif image.frames > 1:
        image = replace(image, findings=(*image.findings, _of_the_first(image, reference)))
        if frame > 0:
            return Case(name=paths.name, image=image, sample=paths.sample)
    return Case(name=paths.name, image=image, reference=reference, sample=paths.sample)


def read_case_image(paths: CasePaths, frame: int = 0) -> Image:
    """The image of a case: a file, a folder with one DICOM series, or the files of one series of several."""
    if not paths.files:
        return read_image(paths.image, frame)
    return image_of(read_series_files(paths.files, frame), Path(paths.files[0]).parent)


def _of_the_first(image: Image, reference: LabelMap) -> Finding:
    """A mask over another moment than its own would look like a wrong mask, and be measured like one."""
    text = (
        f"{shown(Path(reference.name))} has {reference.frames} frame{'s' * (reference.frames != 1)}, and "
        f"{shown(Path(image.name))} {image.frames}: it is taken to belong to the first, and shown with no other."
    )
    return warning("labels.other-frames", text, "Open a label map with as many frames as the image.")


def scan_folder(folder: Path | str, report: Report = silent) -> FolderContents:
    """Images, references, checkpoints and runs below `folder`, in the layouts of `core.images.pairing` or flat.

    Links are not followed, hidden files are skipped, at most 100,000 entries are looked at; an unreadable entry is a
    finding, not an error. Raises ImageRefused when `folder` itself is not a readable folder.
    """
    folder = Path(folder)
    walked = _walked(folder)
    roles = {path: _role(path, folder, walked) for path in walked.files}
    cases: list[CasePaths] = []
    findings: list[Finding] = []
    series: list[Series] = []
    for path in sorted(walked.files):
        if roles[path] == "images" and is_dicom_folder(path):  # its files are the slices of one image, or of a few
            found, sorts = _dicom_cases(path, folder, walked, report)
            cases += found
            series += sorts
        elif roles[path] == "images":
            found, notes = _cases_in(path, folder, walked)
            cases += found
            findings += notes
    listing = runs_in(walked)
    findings += [*listing.findings, *_unread(walked), *_passed_over(walked)]
    return FolderContents(
        path=str(folder),
        cases=tuple(cases),
        checkpoints=tuple(str(checkpoint) for checkpoint in _checkpoints(walked)),
        runs=listing.runs,
        findings=tuple(findings),
        series=tuple(series),
    )


def _walked(folder: Path) -> Walk:
    try:
        return walk(folder, MAX_ENTRIES)
    except OSError as error:
        raise ImageRefused(f"{shown(folder)}: the folder cannot be read ({error.strerror}). Check it.") from error


def _role(path: Path, root: Path, walked: Walk) -> str:
    """`labels` for a folder of masks that has images beside or above it, else `images`."""
    name = path.name.lower()
    if path == root or (name not in LABEL_FOLDERS and name not in OTHER_LABEL_FOLDERS):
        return "images"
    parent = path.parent
    beside = any(other.parent == parent and other.name.lower() in IMAGE_FOLDERS for other in walked.files)
    return "labels" if beside or any(has_image_extension(file) for file in walked.files.get(parent, ())) else "images"


def _cases_in(path: Path, root: Path, walked: Walk) -> tuple[list[CasePaths], list[Finding]]:
    """The cases whose images lie directly in `path`."""
    names = [name for name in walked.files[path] if has_image_extension(name)]
    images, beside = _split_labels(names)
    folders = _label_folders(path, walked) if images else []
    cases, unmatched = [], 0
    for name in images:
        reference = _reference(name, path, beside, folders, walked)
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


def _dicom_cases(path: Path, root: Path, walked: Walk, report: Report) -> tuple[list[CasePaths], Sequence[Series]]:
    """One case for each series that lies directly in `path`; of several series also the series, to choose from."""
    name = path.relative_to(root.parent).as_posix()
    series, _ = series_of([path / file for file in walked.files[path]], report)
    if len(series) < 2 and not any(one.reference for one in series):
        return [CasePaths(name=name, image=str(path))], []
    return series_cases(series, name), series if len(series) > 1 else ()


def series_cases(series: Sequence[Series], folder: str) -> list[CasePaths]:
    """Cases that are called by folder and description, none by the name of another."""
    titles = [one.description or f"{one.modality} {one.images} images".strip() for one in series]
    return [
        CasePaths(
            name=f"{folder}/{title}" if titles.count(title) == 1 else f"{folder}/{title} ({number})",
            image=one.files[0],
            reference=one.reference,
            files=one.files,
            series=one.uid,
        )
        for number, (title, one) in enumerate(zip(titles, series, strict=True), 1)
    ]


def _split_labels(names: list[str]) -> tuple[list[str], list[str]]:
    """Images and masks of one folder: `x_gt.png` is a mask only when its image `x.png` is there too."""
    keys = {image_key(name) for name in names if not is_label_name(name)}
    labels = [name for name in names if is_label_name(name) and label_key(name) in keys]
    return [name for name in names if name not in set(labels)], labels


def _label_folders(path: Path, walked: Walk) -> list[Path]:
    """Folders of masks for the images in `path`, best first: beside an image folder, inside any other."""
    base = path.parent if path.name.lower() in IMAGE_FOLDERS else path
    found = {other.name.lower(): other for other in walked.files if other.parent == base and other != path}
    return [found[name] for name in LABEL_FOLDERS if name in found]


def _reference(name: str, path: Path, beside: list[str], folders: list[Path], walked: Walk) -> Path | None:
    for folder in folders:
        chosen = choose_label(name, [label for label in walked.files[folder] if has_image_extension(label)])
        if chosen is not None:
            return folder / chosen
    chosen = choose_label(name, beside)
    return None if chosen is None else path / chosen


def _checkpoints(walked: Walk) -> list[Path]:
    return [
        path / name
        for path in sorted(walked.files)
        if PROFILE_CACHE not in path.parts
        for name in walked.files[path]
        if name.lower().endswith(CHECKPOINT_EXTENSIONS)
    ]


def _unread(walked: Walk) -> list[Finding]:
    count = sum(name.lower().endswith(UNREAD_IMAGE_EXTENSIONS) for names in walked.files.values() for name in names)
    if not count:
        return []
    return [
        note(
            "folder.unread-kinds",
            f"{count} files are of kinds not read yet (WebP, JPEG 2000).",
            "Convert them to NIfTI (.nii.gz) or PNG.",
        )
    ]


def _passed_over(walked: Walk) -> list[Finding]:
    findings = []
    if walked.cut:
        findings.append(
            warning(
                "folder.too-many",
                f"Only the first {MAX_ENTRIES:,} entries were looked at.",
                "Open a folder further down.",
            )
        )
    if walked.unreadable:
        first = ", ".join(walked.unreadable[:3])
        findings.append(
            warning(
                "folder.unreadable",
                f"{len(walked.unreadable)} entries could not be read ({first}).",
                "Check their permissions.",
            )
        )
    if walked.links:
        findings.append(note("folder.links", f"{walked.links} symbolic links were not followed."))
    return findings
