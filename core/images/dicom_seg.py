"""DICOM segmentations (SEG) as one label map with names, colours and codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import ImageRefused
from core.images.dicom_header import DicomFile
from core.images.dicom_pixels import read_frames
from core.images.dicom_places import ROUNDING_MM, UNEVEN, Place, place_of
from core.images.intake import shown
from core.images.placing import LPS, placed
from core.images.raster import MAX_VOXELS, Raster, note
from core.images.segments import MAX_SEGMENTS, overlap_finding
from core.records import Array, Finding
from core.text import one_line


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Grid:
    """Where the slices lie: `slices[frame]` is the slice of a frame, of `depth`; affine (i, j, k) to RAS mm."""

    slices: tuple[int, ...]
    depth: int
    affine: Array


def read_segmentation(file: DicomFile) -> Raster:
    """Labels are the segments' numbers. Frames that the file leaves out are empty, as the standard says.

    Where segments overlap the later one is on top, with a warning. Raises ImageRefused for frames without a place.
    """
    name = shown(file.path)
    segments = _segments(file.data, name)
    places = [place_of(file.data, frame) for frame in range(file.frames)]
    numbers = _numbers(file, name)
    grid = _grid(places, name)
    labels, findings = _flattened(file, numbers, grid, name)
    values, affine, spacing, more = placed(labels.transpose(2, 1, 0), grid.affine, name)
    return Raster(
        values=values,
        kind="dicom-seg",
        picture=False,
        affine=affine,
        spacing_mm=spacing,
        findings=(*findings, *more),
        files=(str(file.path),),
        modality="SEG",
        names={number: one_line(str(item.get("SegmentLabel", "")), 200) for number, item in segments.items()},
        colours={number: rgb for number, item in segments.items() if (rgb := _colour(item)) is not None},
        codes={number: code for number, item in segments.items() if (code := _code(item))},
    )


def _segments(data: Any, name: str) -> dict[int, Any]:
    items = {int(item.SegmentNumber): item for item in data.get("SegmentSequence") or ()}
    if not items or len(items) > MAX_SEGMENTS or min(items) < 0 or max(items) > 65_535:
        raise ImageRefused(f"{name}: this DICOM segmentation describes no segments. Export it again.")
    return items


def _numbers(file: DicomFile, name: str) -> list[int]:
    """The segment of each frame; 0 in a label map, whose pixels say it themselves."""
    if str(file.data.get("SegmentationType", "")) == "LABELMAP":
        return [0] * file.frames
    try:
        frames = file.data.PerFrameFunctionalGroupsSequence
        found = [int(_segment_of(frames[frame], file.data)) for frame in range(file.frames)]
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise ImageRefused(f"{name}: this segmentation does not say what its frames show. Export it again.") from error
    return found


def _segment_of(group: Any, data: Any) -> Any:
    items = group.get("SegmentIdentificationSequence")
    if not items:
        items = data.SharedFunctionalGroupsSequence[0].SegmentIdentificationSequence
    return items[0].ReferencedSegmentNumber


def _grid(places: list[Place], name: str) -> _Grid:
    """The regular grid through all frames: its step is the smallest distance, and all others must be multiples."""
    first = places[0]
    if not all(place.known for place in places):
        raise ImageRefused(f"{name}: this segmentation does not say where its frames lie. Export it again.")
    if any(np.abs(place.normal - first.normal).max() > 1e-3 for place in places):
        raise ImageRefused(f"{name}: the frames of this segmentation lie in several directions, which is not read.")
    along = np.array([place.position @ first.normal for place in places])
    lowest = int(along.argmin())
    distances = np.unique(np.rint((along - along.min()) / ROUNDING_MM)) * ROUNDING_MM
    step = float(np.diff(distances).min()) if len(distances) > 1 else first.thickness or 1.0
    steps = (along - along.min()) / step
    depth = int(np.rint(steps.max())) + 1
    if np.abs(steps - np.rint(steps)).max() > max(UNEVEN * depth, 2 * ROUNDING_MM / step):
        raise ImageRefused(f"{name}: the frames of this segmentation do not lie evenly, which is not read.")
    far = int(along.argmax())
    origin = np.asarray(places[lowest].position)
    vector = (np.asarray(places[far].position) - origin) / (depth - 1) if depth > 1 else first.normal * step
    return _Grid(
        slices=tuple(int(number) for number in np.rint(steps)), depth=depth, affine=_affine(first, origin, vector)
    )


def _affine(place: Place, origin: Array, vector: Array) -> Array:
    assert place.across is not None
    assert place.down is not None
    assert place.spacing is not None
    columns = [place.across * place.spacing[1], place.down * place.spacing[0], vector, origin]
    return np.asarray(LPS @ np.vstack([np.array(columns).T, [0, 0, 0, 1]]))


def _flattened(file: DicomFile, numbers: list[int], grid: _Grid, name: str) -> tuple[Array, tuple[Finding, ...]]:
    """(slices, rows, columns): the highest number is on top where segments overlap."""
    if grid.depth * file.rows * file.columns > MAX_VOXELS:
        raise ImageRefused(f"{name}: {grid.depth} slices of {file.columns} x {file.rows} are too large for Flowglass.")
    fractional = str(file.data.get("SegmentationType", "")) == "FRACTIONAL"
    least = int(file.data.get("MaximumFractionalValue", 255)) / 2 if fractional else 0
    labels = np.zeros((grid.depth, file.rows, file.columns), np.uint16)
    hidden = 0
    for frame in sorted(range(file.frames), key=lambda frame: numbers[frame]):
        pixels, plane = read_frames([(file, frame)])[0], labels[grid.slices[frame]]
        inside = pixels > least
        hidden += int(np.count_nonzero(plane[inside]))
        plane[inside] = numbers[frame] or pixels[inside]
    findings = overlap_finding(hidden, name)
    if fractional:
        message = f"{name} holds fractions per voxel: above one half counts as inside."
        findings = (*findings, note("labels.fractional", message))
    return labels, findings


def _code(item: Any) -> str:
    codes = item.get("SegmentedPropertyTypeCodeSequence")
    if not codes:
        return ""
    return one_line(f"{codes[0].get('CodingSchemeDesignator', '')}:{codes[0].get('CodeValue', '')}", 100)


def _colour(item: Any) -> tuple[int, int, int] | None:
    """CIELab as DICOM stores it (PS3.3 C.10.7.1.1) -> sRGB, by way of XYZ at white point D50 adapted to D65."""
    value = item.get("RecommendedDisplayCIELabValue")
    if value is None or len(value) != 3:
        return None
    lightness, a, b = (float(part) / 65_535 for part in value)
    middle = (100 * lightness + 16) / 116
    curved = np.array([middle + (255 * a - 128) / 500, middle, middle - (255 * b - 128) / 200])
    xyz = np.where(curved > 6 / 29, curved**3, 3 * (6 / 29) ** 2 * (curved - 4 / 29)) * WHITE_D50
    linear = np.clip(XYZ_D50_TO_RGB @ xyz, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    red, green, blue = (round(float(255 * part)) for part in encoded)
    return red, green, blue


WHITE_D50 = np.array([0.9642, 1.0, 0.8249])
XYZ_D50_TO_RGB = np.array(
    [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540], [0.0719453, -0.2289914, 1.4052427]]
)
"""Bradford-adapted. Source: Lindbloom, RGB/XYZ matrices."""
