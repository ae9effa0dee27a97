"""DICOM segmentations (SEG) by highdicom: what was drawn on a series, with references to every image of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ImageRefused
from core.images.dicom_header import DAMAGED, DicomFile, quiet, read_header
from core.images.dicom_places import Place, place_of
from core.images.intake import shown
from core.images.nrrd_writing import OKABE_ITO
from core.images.outgoing import LPS, Outgoing, labels_of
from core.records import Array
from core.text import one_line

MAX_LABEL = 1_000
"""Segments are numbered from 1 without a gap, so that each number up to the highest label is described."""
MAX_FRAMES = 4_000
"""Up to so many frames (slices times segments) are all written, so that the file covers the whole series; beyond, those
without foreground are left out, as the standard allows, and a reader may see a shorter volume."""
ON_GRID_VOXELS = 0.1
LO = 63
"""Characters of a line that was cut: the standard allows 64 in a Long String, and the mark of the cut is one."""
NEEDED = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
          "StudyTime")  # fmt: skip
"""May be empty in a DICOM file, but must be there."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Frame:
    """A frame of the source, and where it lies."""

    file: DicomFile
    place: Place


def save_dicom_seg(out: Outgoing, part: Path, path: Path) -> None:
    """Labels as segments of 1 bit, a probability as one segment of 8 bits. Raises ImageRefused without a source series,
    for labels off its grid, and for series that the standard gives no place to (films, mixed sizes)."""
    name = shown(path)
    frames = _frames(out, name)
    with quiet():
        pixels = np.stack(_planes(out, frames, name))
        try:
            made = _segmentation(out, frames, pixels, name)
            if out.remark:
                made.SeriesDescription = one_line(out.remark, LO)
                made.ImageComments = one_line(out.remark, 10_000)
            made.save_as(part)
        except DAMAGED as error:
            if isinstance(error, OSError):
                raise
            raise ImageRefused(
                f"{name}: the source series {out.source} cannot carry a DICOM segmentation "
                f"({one_line(str(error), 200)}). Write .nii.gz or .seg.nrrd instead."
            ) from error


def _frames(out: Outgoing, name: str) -> list[_Frame]:
    if not out.files:
        raise ImageRefused(
            f"{name}: a DICOM segmentation refers to the DICOM series it was made on, and {out.source or 'this'} was "
            "not read from one. Write .seg.nrrd or .nii.gz instead."
        )
    files = [read_header(Path(file)) for file in out.files]
    with quiet():
        return [_Frame(file=file, place=place_of(file.data, number)) for file in files for number in range(file.frames)]


def _planes(out: Outgoing, frames: Sequence[_Frame], name: str) -> list[Array]:
    """For each frame of the source its part of the values, turned as it is stored there."""
    if out.affine is None:
        return _in_order(out, frames, name)
    if not all(frame.place.known for frame in frames):
        raise _off_grid(name, out, "the series does not say where all its images lie")
    planes = [_plane(out, frame, name) for frame in frames]
    if len({start for start, _ in planes}) < len(planes):
        raise _off_grid(name, out, "its file holds several images of each place (moments in time)")
    if sum(plane.size for _, plane in planes) != out.values.size:
        raise _off_grid(name, out, f"{len(planes)} images do not cover all of it")
    return [plane for _, plane in planes]


def _in_order(out: Outgoing, frames: Sequence[_Frame], name: str) -> list[Array]:
    """Without a common grid the image was read frame by frame, in this order."""
    shape = (len(frames), frames[0].file.rows, frames[0].file.columns)
    if len(frames) > 1 and len(out.files) == 1:
        raise ImageRefused(
            f"{name}: {out.source} is a film of {len(frames)} images, of which one was read: a DICOM "
            "segmentation cannot be tied to it alone. Write .png or .nii.gz instead."
        )
    if out.values.shape != shape:
        raise _off_grid(name, out, f"it has the shape {out.values.shape}, the series {shape}")
    return list(out.values)


def _plane(out: Outgoing, frame: _Frame, name: str) -> tuple[tuple[int, ...], Array]:
    """The index of the first pixel in the values, and (rows, columns) of the frame."""
    place, rows, columns = frame.place, frame.file.rows, frame.file.columns
    assert out.affine is not None
    assert place.position is not None
    assert place.across is not None
    assert place.down is not None
    assert place.spacing is not None
    vectors = [place.position, place.down * place.spacing[0], place.across * place.spacing[1]]
    world = LPS @ np.vstack([np.array(vectors).T, [1, 0, 0]])
    exact = np.linalg.solve(out.affine, world)[:3]
    start, down, across = (column.astype(int) for column in np.rint(exact).T)
    worst = float((np.abs(exact - np.rint(exact)) @ (1, rows - 1, columns - 1)).max())
    ends = np.array([start, start + down * (rows - 1) + across * (columns - 1)])
    if worst > ON_GRID_VOXELS or ends.min() < 0 or (ends >= out.values.shape).any():
        raise _off_grid(name, out, f"the image {shown(frame.file.path)} lies elsewhere")
    row, column = np.ogrid[:rows, :columns]
    index = tuple(start[axis] + down[axis] * row + across[axis] * column for axis in range(3))
    return tuple(int(number) for number in start), np.asarray(out.values[index])


def _off_grid(name: str, out: Outgoing, why: str) -> ImageRefused:
    return ImageRefused(
        f"{name}: what is to be written does not lie on the images of the source series of {out.source}: {why}. "
        "Write .nii.gz or .seg.nrrd instead, or resample it onto the series first."
    )


def _segmentation(out: Outgoing, frames: Sequence[_Frame], pixels: Array, name: str) -> Any:
    seg, uid = import_module("highdicom.seg"), import_module("highdicom.uid")
    numbers = [1] if out.is_probability else _numbers(out, name)
    kind = seg.SegmentationTypeValues.FRACTIONAL if out.is_probability else seg.SegmentationTypeValues.BINARY
    return seg.Segmentation(
        source_images=_sources(frames),
        pixel_array=pixels if out.is_probability else pixels.astype(np.uint16),
        segmentation_type=kind,
        segment_descriptions=[_description(out, number) for number in numbers],
        series_instance_uid=uid.UID(),
        series_number=900,
        sop_instance_uid=uid.UID(),
        instance_number=1,
        manufacturer="Flowglass",
        manufacturer_model_name="Flowglass",
        software_versions=_version(),
        device_serial_number="none",
        content_label="SEGMENTATION",
        content_description=one_line(out.algorithm, LO) or None,
        omit_empty_frames=len(pixels) * len(numbers) > MAX_FRAMES,
        specific_character_set="ISO_IR 192",
    )


def _numbers(out: Outgoing, name: str) -> list[int]:
    labels = labels_of(out) or [1]
    if labels[0] < 1 or labels[-1] > MAX_LABEL:
        raise ImageRefused(
            f"{name}: a DICOM segmentation numbers its segments from 1 up, here to {MAX_LABEL} at most, and there are "
            f"labels from {labels[0]} to {labels[-1]}. Write .seg.nrrd or .nii.gz instead."
        )
    return list(range(1, labels[-1] + 1))


def _sources(frames: Sequence[_Frame]) -> list[Any]:
    """The headers, one for each file, with the fields that a segmentation must repeat. Only these copies in memory are
    completed; the patient and the study are those of the source."""
    files = list({id(frame.file): frame.file for frame in frames}.values())
    for file in files:
        for keyword in NEEDED:
            if keyword not in file.data:
                setattr(file.data, keyword, None)
        if file.data.PatientSex not in ("M", "F", "O"):  # some scanners write 0000
            file.data.PatientSex = None
        _share(file)
    return [file.data for file in files]


def _share(file: DicomFile) -> None:
    """highdicom looks for what all frames have in common in one place only; that they agree is checked by `_plane`."""
    spatial: Any = import_module("highdicom.spatial")
    if not spatial.is_multiframe_image(file.data):
        return
    file.data.NumberOfFrames = file.frames
    shared, own = (file.data.get(f"{kind}FunctionalGroupsSequence") for kind in ("Shared", "PerFrame"))
    for keyword in ("PixelMeasuresSequence", "PlaneOrientationSequence"):
        if shared and own and keyword not in shared[0] and keyword in own[0]:
            setattr(shared[0], keyword, own[0].get(keyword))


def _description(out: Outgoing, number: int) -> Any:
    seg, coding = import_module("highdicom.seg"), import_module("pydicom.sr.codedict").codes
    colours = import_module("highdicom.color")
    colour = out.colours.get(number, OKABE_ITO[(number - 1) % len(OKABE_ITO)])
    kinds = seg.SegmentAlgorithmTypeValues
    return seg.SegmentDescription(
        segment_number=number,
        segment_label=one_line(out.names.get(number, ""), LO) or f"Label {number}",
        segmented_property_category=coding.SCT.Tissue,
        segmented_property_type=_code(out, number) or coding.SCT.Tissue,
        algorithm_type=kinds.AUTOMATIC if out.algorithm else kinds.MANUAL,
        algorithm_identification=_algorithm(out.algorithm) if out.algorithm else None,
        display_color=colours.CIELabColor.from_rgb(*colour),
    )


def _code(out: Outgoing, number: int) -> Any | None:
    """`SCT:10200004` as a code; None when the label has none, or one that DICOM cannot hold."""
    scheme, colon, value = out.codes.get(number, "").partition(":")
    if not colon or not 0 < len(scheme) <= 16 or not 0 < len(value) <= 16:
        return None
    coding: Any = import_module("highdicom.sr")
    meaning = one_line(out.names.get(number, ""), LO) or f"Label {number}"
    return coding.CodedConcept(value=value, scheme_designator=scheme, meaning=meaning)


def _algorithm(name: str) -> Any:
    content, coding = import_module("highdicom.content"), import_module("pydicom.sr.codedict").codes
    return content.AlgorithmIdentificationSequence(
        name=one_line(name, LO), family=coding.DCM.ArtificialIntelligence, version=_version()
    )


def _version() -> str:
    try:
        return metadata.version("flowglass")
    except metadata.PackageNotFoundError:  # run from a folder that was never installed
        return "unknown"
