"""Folders of DICOM files: which series they hold, and a series as one volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ImageRefused
from core.images.dicom import raster_of, read_dicom
from core.images.dicom_header import SEGMENTATION, DicomFile, NoImage, number, read_header, refusing
from core.images.dicom_pixels import read_frames
from core.images.dicom_places import Place, place_of, stack_of
from core.images.intake import shown
from core.images.raster import Raster, note, warning
from core.images.sniffing import sniff_image
from core.progress import Progress, Report, silent
from core.records import Array, Finding, Series, frozen_array
from core.text import one_line
from core.walk import walk

MAX_FILES = 20_000
THUMBNAIL = 128


@dataclass(slots=True, kw_only=True)
class Found:
    """The DICOM images of a folder by series, and what else lies there: damaged files, and files without an image."""

    series: dict[str, list[DicomFile]] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def series_in(folder: Path | str, report: Report = silent) -> tuple[Series, ...]:
    """Every DICOM series below `folder`, the largest first, each with a small picture of its middle. A segmentation of
    one of them is its `reference`, and no series of its own.

    Links are not followed. Raises ImageRefused for a folder that cannot be read, and what `report` raises.
    """
    return _records(look_through(Path(folder), report), shown(Path(folder)))


def series_of(files: Sequence[Path], report: Report = silent) -> tuple[tuple[Series, ...], tuple[str, ...]]:
    """The series that loose DICOM files make up, and the files that are no DICOM image."""
    found, others = Found(), []
    for done, path in enumerate(files):
        report(Progress(done=done, total=len(files), stage="sorting files"))
        if sniff_image(path) != "dicom" or not _take_in(path, found):
            others.append(str(path))
    return _records(found, "these files"), tuple(others)


def _records(found: Found, name: str) -> tuple[Series, ...]:
    """Segmentations go to the series that they were drawn on; one whose series is not here stands for itself."""
    with refusing(name):
        drawn = {
            _drawn_on(files[0].data): (uid, str(files[0].path))
            for uid, files in found.series.items()
            if is_segmentation(files)
        }
        taken = {uid for series, (uid, _) in drawn.items() if series in found.series}
        records = [
            replace(_record(uid, files), reference=drawn[uid][1] if uid in drawn else None)
            for uid, files in found.series.items()
            if uid not in taken
        ]
    return tuple(sorted(records, key=lambda series: -series.images))


def is_segmentation(files: Sequence[DicomFile]) -> bool:
    return str(files[0].data.get("SOPClassUID", "")) in SEGMENTATION


def _drawn_on(data: Any) -> str:
    """The series that a segmentation says it was drawn on; empty when it does not say."""
    for referenced in data.get("ReferencedSeriesSequence", ()):
        return one_line(str(referenced.get("SeriesInstanceUID", "")), 64)
    return ""


def read_series_folder(folder: Path, frame: int = 0) -> Raster:
    """The one series of a folder. Several are named, and nobody chooses for the reader (see `series_in`)."""
    found = look_through(folder)
    name = shown(folder)
    if not found.series:
        damaged = f" {len(found.damaged)} damaged DICOM files are in it." if found.damaged else ""
        raise ImageRefused(
            f"{name} is a folder without DICOM images, not an image file.{damaged} Choose an image file."
        )
    if len(found.series) > 1:
        listed = "; ".join(_in_words(files) for files in list(found.series.values())[:6])
        raise ImageRefused(f"{name} is a folder with {len(found.series)} DICOM series ({listed}). Choose one of them.")
    raster = read_series(next(iter(found.series.values())), frame, name)
    return replace(raster, findings=(*raster.findings, *_skipped(found, name)))


def read_series_files(files: Sequence[str], frame: int = 0) -> Raster:
    """The series that lies in these files, as in `Series.files`."""
    headers = [read_header(Path(path)) for path in files]
    return read_series(headers, frame, shown(Path(files[0]).parent))


def look_through(folder: Path, report: Report = silent) -> Found:
    found = Found()
    paths = _dicom_files(folder, found)
    for done, path in enumerate(paths):
        report(Progress(done=done, total=len(paths), stage="reading headers"))
        _take_in(path, found)
    return found


def _take_in(path: Path, found: Found) -> bool:
    """Whether the file is a DICOM image; it is noted in `found` in any case."""
    try:
        file = read_header(path)
        with refusing(shown(path)):  # whatever sorting will ask of it
            place_of(file.data), _rank(file.data), file.data.get("SOPInstanceUID")
            uid = one_line(str(file.data.get("SeriesInstanceUID", "")), 64)
    except NoImage:
        found.others.append(shown(path))
        return False
    except ImageRefused:
        found.damaged.append(shown(path))
        return False
    found.series.setdefault(uid, []).append(file)
    return True


def _dicom_files(folder: Path, found: Found) -> list[Path]:
    try:
        walked = walk(folder, MAX_FILES)
    except OSError as error:
        raise ImageRefused(f"{shown(folder)}: the folder cannot be read ({error.strerror}). Check it.") from error
    files = []
    for parent in sorted(walked.files):
        for name in walked.files[parent]:
            if sniff_image(parent / name) == "dicom":
                files.append(parent / name)
            else:
                found.others.append(one_line(name, 200))
    return files


def read_series(files: Sequence[DicomFile], frame: int, name: str) -> Raster:
    """Files of one series, in any order, as a volume (or one moment of it). Raises ImageRefused when they differ in
    size or kind; a stack that is not regular is shown without geometry, with a warning."""
    with refusing(name):
        files, twice = _without_copies(files)
        if len(files) == 1:
            return read_dicom(files[0].path, frame)
        _check_alike(files, name)
        places, ranks = [place_of(file.data) for file in files], [_rank(file.data) for file in files]
        stack = stack_of(places, ranks, name)
        raster = raster_of([(file, 0) for file in files], places, stack, name, frame)
    return replace(raster, findings=(*raster.findings, *_copies_finding(twice, name)))


def _without_copies(files: Sequence[DicomFile]) -> tuple[list[DicomFile], int]:
    """Two files with one instance number of the world (SOPInstanceUID) are one image that was copied twice."""
    kept: dict[str, DicomFile] = {}
    for place, file in enumerate(files):
        kept.setdefault(str(file.data.get("SOPInstanceUID", "")) or f"file {place}", file)
    return list(kept.values()), len(files) - len(kept)


def _copies_finding(twice: int, name: str) -> tuple[Finding, ...]:
    return (note("dicom.copies", f"{name}: {twice} files are copies of others and are left out."),) if twice else ()


def _check_alike(files: Sequence[DicomFile], name: str) -> None:
    sizes = {(file.columns, file.rows, file.samples) for file in files}
    if len(sizes) > 1:
        listed = ", ".join(f"{columns} x {rows}" for columns, rows, _ in sorted(sizes)[:4])
        raise ImageRefused(f"{name}: the images of this series have different sizes ({listed}). Open them one by one.")
    if any(file.frames > 1 for file in files):
        raise ImageRefused(f"{name}: this series has several files of many frames each. Open them one by one.")


def _rank(data: Any) -> tuple[float, ...]:
    """What tells apart images of one place: time first, echo, then their number."""
    keys = ("AcquisitionNumber", "TemporalPositionIdentifier", "TriggerTime", "EchoNumbers", "InstanceNumber")
    return tuple(number(data.get(key)) or 0.0 for key in keys)


def _skipped(found: Found, name: str) -> tuple[Finding, ...]:
    findings = []
    if found.damaged:
        listed = ", ".join(found.damaged[:3])
        message = f"{name}: {_files(len(found.damaged), 'damaged DICOM')} skipped ({listed})."
        findings.append(warning("dicom.skipped", message, "Export the series again: slices may be missing."))
    if found.others:
        listed = ", ".join(found.others[:3])
        findings.append(
            note("dicom.ignored", f"{name}: {_files(len(found.others), 'other')} ignored: no images ({listed}).")
        )
    return tuple(findings)


def _files(count: int, kind: str) -> str:
    return f"1 {kind} file was" if count == 1 else f"{count} {kind} files were"


def _in_words(files: Sequence[DicomFile]) -> str:
    data = files[0].data
    words = [str(data.get("Modality", "")), str(data.get("SeriesDescription", "")), f"{_images(files)} images"]
    return one_line(", ".join(word for word in words if word), 100)


def _images(files: Sequence[DicomFile]) -> int:
    return sum(file.frames for file in files)


def _record(uid: str, files: Sequence[DicomFile]) -> Series:
    data = files[0].data
    places = [place_of(file.data) for file in files]
    stack = stack_of(places, [_rank(file.data) for file in files], "")
    order = [index for moment in stack.moments for index in moment]
    return Series(
        uid=uid,
        description=one_line(str(data.get("SeriesDescription", "")), 200),
        modality=one_line(str(data.get("Modality", "")), 16),
        images=_images(files),
        rows=files[0].rows,
        columns=files[0].columns,
        files=tuple(str(files[index].path) for index in order),
        thumbnail=_thumbnail(files[order[len(order) // 2]], places[order[len(order) // 2]]),
    )


def _thumbnail(file: DicomFile, place: Place) -> Array | None:
    try:
        pixels = read_frames([(file, file.frames // 2)])[0]
    except ImageRefused:
        return None
    every = max(1, -(-max(file.rows, file.columns) // THUMBNAIL))
    small = (pixels if pixels.ndim == 2 else pixels.mean(axis=-1))[::every, ::every] * place.slope + place.intercept
    low, high = np.percentile(small, (1, 99))
    if place.window is not None:
        low, high = place.window[0] - place.window[1] / 2, place.window[0] + place.window[1] / 2
    grey = np.clip((small - low) / max(high - low, 1e-9), 0, 1)
    return frozen_array(255 * (1 - grey if file.photometric == "MONOCHROME1" else grey), np.uint8)


def is_dicom_folder(folder: Path) -> bool:
    """Whether the first files of a folder are DICOM images: quick, and only a guess."""
    try:
        names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))[:8]
    except OSError:
        return False
    kinds = [sniff_image(folder / name) for name in names if (folder / name).is_file()]
    return "dicom" in kinds and not set(kinds) - {"dicom", None}
