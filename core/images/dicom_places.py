"""Where each frame of a DICOM file lies, what its numbers mean, and whether several frames make a regular stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.images.dicom_header import number, numbers
from core.images.placing import LPS
from core.images.raster import warning
from core.records import Array, Finding
from core.text import one_line

UNEVEN = 0.01
"""Spacing may differ by 1 % (spec untrusted-files 2.8)."""
SAME_DIRECTION = 1e-3
ROUNDING_MM = 2e-3
"""Positions are written with two or three decimals by some scanners."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """One frame. `position`: (3,) of its first pixel, `across`, `down`: (3,) unit vectors along which columns and rows
    are counted, all in DICOM's LPS mm; None where the file does not say. `spacing`: (row, column)."""

    position: Array | None
    across: Array | None
    down: Array | None
    spacing: tuple[float, float] | None
    thickness: float | None
    slope: float
    intercept: float
    window: tuple[float, float] | None
    unit: str

    @property
    def normal(self) -> Array:
        assert self.across is not None
        assert self.down is not None
        return np.cross(self.across, self.down)

    @property
    def known(self) -> bool:
        return self.position is not None and self.across is not None and self.spacing is not None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stack:
    """Frames in the order of their places. `affine`: (i, j, k) = (column, row, slice) to RAS mm, None = no geometry;
    `moments`: for each point in time, the numbers of the frames along the stack."""

    moments: tuple[tuple[int, ...], ...]
    affine: Array | None
    findings: tuple[Finding, ...] = ()


def place_of(data: Any, frame: int = 0) -> Place:
    """Of an enhanced file each frame has its own functional groups, and what all share; others state it once."""
    groups = _groups(data, frame)
    directions = _directions(_value(groups, data, "PlaneOrientationSequence", "ImageOrientationPatient"))
    spacing = numbers(_value(groups, data, "PixelMeasuresSequence", "PixelSpacing"), 2)
    thickness = number(_value(groups, data, "PixelMeasuresSequence", "SliceThickness"))
    slope = number(_value(groups, data, "PixelValueTransformationSequence", "RescaleSlope"))
    intercept = number(_value(groups, data, "PixelValueTransformationSequence", "RescaleIntercept"))
    centre = number(_value(groups, data, "FrameVOILUTSequence", "WindowCenter"))
    width = number(_value(groups, data, "FrameVOILUTSequence", "WindowWidth"))
    return Place(
        position=_position(groups, data, frame, directions),
        across=None if directions is None else directions[0],
        down=None if directions is None else directions[1],
        spacing=(float(spacing[0]), float(spacing[1])) if spacing is not None and (spacing > 0).all() else None,
        thickness=thickness if thickness and thickness > 0 else None,
        slope=1.0 if slope is None else slope,
        intercept=0.0 if intercept is None else intercept,
        window=(centre, width) if centre is not None and width is not None and width > 0 else None,
        unit=_unit(data, _value(groups, data, "PixelValueTransformationSequence", "RescaleType"), intercept),
    )


def _groups(data: Any, frame: int) -> list[Any]:
    groups = []
    per_frame = data.get("PerFrameFunctionalGroupsSequence")
    if per_frame is not None and frame < len(per_frame):
        groups.append(per_frame[frame])
    shared = data.get("SharedFunctionalGroupsSequence")
    return groups + ([shared[0]] if shared else [])


def _value(groups: list[Any], data: Any, sequence: str, keyword: str) -> Any:
    for group in groups:
        items = group.get(sequence)
        if items and keyword in items[0]:
            return items[0].get(keyword)
    return data.get(keyword)


def _position(groups: list[Any], data: Any, frame: int, directions: tuple[Array, Array] | None) -> Array | None:
    position = numbers(_value(groups, data, "PlanePositionSequence", "ImagePositionPatient"), 3)
    offsets = data.get("GridFrameOffsetVector")
    if position is None or offsets is None or directions is None or groups:
        return position if groups or frame == 0 or offsets is not None else None
    offset = number(offsets[frame]) if frame < len(offsets) else None
    return None if offset is None else position + offset * np.cross(*directions)


def _directions(value: Any) -> tuple[Array, Array] | None:
    """Two unit vectors at right angles, or None."""
    listed = numbers(value, 6)
    if listed is None:
        return None
    across, down = listed[:3], listed[3:]
    lengths = np.linalg.norm(across), np.linalg.norm(down)
    if abs(lengths[0] - 1) > 0.01 or abs(lengths[1] - 1) > 0.01 or abs(across @ down) > 0.01:
        return None
    return across, down


def _unit(data: Any, stated: Any, intercept: float | None) -> str:
    if stated and str(stated) not in ("US", "UNSPECIFIED"):
        return one_line(str(stated), 16)
    return "HU" if data.get("Modality") == "CT" and intercept is not None else ""


def stack_of(places: Sequence[Place], ranks: Sequence[Any], name: str) -> Stack:
    """Order frames along their normal; `ranks` (sortable) decide where places do not: time, then number.

    A stack that is not regular is shown in its order without geometry, and a warning says why.
    """
    by_rank = tuple(sorted(range(len(places)), key=lambda index: ranks[index]))
    if not all(place.known for place in places):
        return Stack(moments=(by_rank,), affine=None, findings=(_no_positions(name),) if len(places) > 1 else ())
    if not _one_plane(places):
        return Stack(moments=(by_rank,), affine=None, findings=(_mixed(name),))
    along = [float(place.position @ places[0].normal) for place in places]
    moments = _moments(along, ranks)
    if moments is None:
        order = tuple(sorted(range(len(places)), key=lambda index: (round(along[index], 2), ranks[index])))
        return Stack(moments=(order,), affine=None, findings=(_duplicates(name),))
    return _regular(places, moments, name)


def _moments(along: Sequence[float], ranks: Sequence[Any]) -> tuple[tuple[int, ...], ...] | None:
    """Frames at one place are moments in time if every place has as many; None when some places have more."""
    shelves: list[list[int]] = []
    for index in sorted(range(len(along)), key=along.__getitem__):
        if shelves and abs(along[index] - along[shelves[-1][0]]) <= ROUNDING_MM:
            shelves[-1].append(index)
        else:
            shelves.append([index])
    if len({len(shelf) for shelf in shelves}) != 1:
        return None
    shelves = [sorted(shelf, key=lambda index: ranks[index]) for shelf in shelves]
    return tuple(zip(*shelves, strict=True))


def _one_plane(places: Sequence[Place]) -> bool:
    first = places[0]
    return all(
        np.abs(place.across - first.across).max() < SAME_DIRECTION  # type: ignore[operator]
        and np.abs(place.down - first.down).max() < SAME_DIRECTION  # type: ignore[operator]
        and np.allclose(place.spacing or (0, 0), first.spacing or (1, 1), rtol=UNEVEN)
        for place in places
    )


def _regular(places: Sequence[Place], moments: tuple[tuple[int, ...], ...], name: str) -> Stack:
    first = places[moments[0][0]]
    positions = np.array([places[index].position for index in moments[0]])
    if len(positions) == 1:
        step = first.normal * (first.thickness or 1.0)
        return Stack(moments=moments, affine=_affine(first, positions[0], step))
    findings = _irregular(positions, first.normal, name)
    if findings:
        return Stack(moments=moments, affine=None, findings=findings)
    step = (positions[-1] - positions[0]) / (len(positions) - 1)
    return Stack(moments=moments, affine=_affine(first, positions[0], step))


def _irregular(positions: Array, normal: Array, name: str) -> tuple[Finding, ...]:
    along = positions @ normal
    gaps = np.diff(along)
    usual = float(np.median(gaps))
    steps = gaps / usual
    tolerance = max(UNEVEN, 2 * ROUNDING_MM / usual)
    if (np.abs(steps - 1) > tolerance).any():
        whole = np.abs(steps - np.rint(steps)) <= tolerance * np.maximum(1, np.rint(steps))
        if whole.all():
            return (_missing(steps, along, name),)
        return (_uneven(gaps, name),)
    straight = positions[0] + np.outer(np.arange(len(positions)), positions[-1] - positions[0]) / (len(positions) - 1)
    if np.abs(positions - straight).max() > max(UNEVEN * usual, 2 * ROUNDING_MM):
        return (_uneven(gaps, name),)
    return ()


def _affine(place: Place, origin: Array, step: Array) -> Array:
    assert place.spacing is not None
    assert place.across is not None
    assert place.down is not None
    affine = np.eye(4)
    affine[:3, 0] = place.across * place.spacing[1]
    affine[:3, 1] = place.down * place.spacing[0]
    affine[:3, 2] = step
    affine[:3, 3] = origin
    return np.asarray(LPS @ affine)


NO_LENGTHS = "It is shown without position and spacing: nothing is measured in millimetres."


def _missing(steps: Array, along: Array, name: str) -> Finding:
    gaps = [index for index, step in enumerate(np.rint(steps)) if step > 1]
    count, after = int((np.rint(steps) - 1).sum()), float(along[gaps[0]])
    how_many = "1 slice is" if count == 1 else f"{count} slices are"
    message = f"{name}: {how_many} missing (uneven spacing; the first gap follows the slice at {after:.1f} mm)."
    return warning("dicom.missing-slices", message, f"Export the whole series again. {NO_LENGTHS}")


def _uneven(gaps: Array, name: str) -> Finding:
    message = f"{name}: its slices do not lie evenly (spacing {gaps.min():.2f} to {gaps.max():.2f} mm)."
    return warning("dicom.uneven-spacing", message, NO_LENGTHS)


def _duplicates(name: str) -> Finding:
    message = f"{name}: several slices lie in one place, and not in every place as many."
    return warning("dicom.duplicate-slices", message, f"Check whether the folder mixes exports. {NO_LENGTHS}")


def _mixed(name: str) -> Finding:
    message = f"{name}: its images lie in different directions or have different pixel spacing (a scout among them?)."
    return warning("dicom.mixed-orientation", message, f"They are shown in the order of their numbers. {NO_LENGTHS}")


def _no_positions(name: str) -> Finding:
    message = f"{name}: its images do not say where they lie."
    return warning("dicom.no-position", message, f"They are shown in the order of their numbers. {NO_LENGTHS}")
