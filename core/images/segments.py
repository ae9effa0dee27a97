"""Named segments, on layers that may overlap, as one label map: what Slicer and DICOM segmentations have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.errors import ImageRefused
from core.images.raster import note, warning
from core.records import Array, Finding
from core.text import one_line

MAX_SEGMENTS = 32_000
KEY = re.compile(r"Segment(\d{1,5})_(ID|Name|Color|LabelValue|Layer|Tags)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One segment: where `layer` holds `value`. `colour`: red, green, blue, 0..255. `code`: `SCT:10200004` or empty."""

    name: str
    layer: int = 0
    value: int = 1
    colour: tuple[int, int, int] | None = None
    code: str = ""


def segments_of(pairs: Mapping[str, str]) -> list[Segment]:
    """The segments that the free fields of a Slicer segmentation describe, in their order; empty for other files."""
    found: dict[int, dict[str, str]] = {}
    for key, value in pairs.items():
        match = KEY.fullmatch(key)
        if match:
            found.setdefault(int(match[1]), {})[match[2]] = value
    return [_segment(number, found[number]) for number in sorted(found) if "ID" in found[number]]


def _segment(number: int, fields: Mapping[str, str]) -> Segment:
    return Segment(
        name=one_line(fields.get("Name", fields["ID"]), 200),
        layer=int(fields.get("Layer", "0")),
        value=int(fields.get("LabelValue", number + 1)),
        colour=_colour(fields.get("Color", "")),
        code=_code(fields.get("Tags", "")),
    )


def _colour(text: str) -> tuple[int, int, int] | None:
    try:
        red, green, blue = (round(255 * min(1.0, max(0.0, float(word)))) for word in text.split())
    except ValueError:
        return None
    return red, green, blue


def _code(tags: str) -> str:
    """`...~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~...`: the type (the second code) of the segment."""
    entry = re.search(r"TerminologyEntry:([^|]*)", tags)
    parts = entry[1].split("~") if entry else []
    scheme, _, rest = parts[2].partition("^") if len(parts) > 2 else ("", "", "")
    value = rest.partition("^")[0]
    return one_line(f"{scheme}:{value}", 100) if scheme and value else ""


def flattened(
    layers: Array, segments: list[Segment], name: str
) -> tuple[Array, dict[int, Segment], tuple[Finding, ...]]:
    """(layers, i, j, k) -> one (i, j, k) of labels, the segment of each label, and what had to be decided.

    Labels keep the numbers of the file where these are unique, else they are numbered from 1 up. Where segments of
    several layers overlap, the later one is on top, and a warning counts the voxels.
    """
    _check(layers, segments, name)
    values = [segment.value for segment in segments]
    unique = len(set(values)) == len(values)
    numbered = {segment.value if unique else place + 1: segment for place, segment in enumerate(segments)}
    if len(layers) == 1 and unique:
        return layers[0], numbered, ()
    result = np.zeros(layers.shape[1:], np.uint8 if max(numbered) < 256 else np.int32, order="F")
    hidden = 0
    for label, segment in numbered.items():
        inside = layers[segment.layer] == segment.value
        hidden += int(np.count_nonzero(result[inside]))
        result[inside] = label
    message = f"{name}: its segments are numbered from 1 in their order."
    findings = () if unique else (note("labels.renumbered", message),)
    return result, numbered, (*findings, *overlap_finding(hidden, name))


def _check(layers: Array, segments: list[Segment], name: str) -> None:
    wrong = [segment for segment in segments if not 0 <= segment.layer < len(layers) or not 0 < segment.value < 2**31]
    if wrong or len(segments) > MAX_SEGMENTS:
        raise ImageRefused(
            f"{name}: the segment {wrong[0].name if wrong else len(segments)!r} is on layer "
            f"{wrong[0].layer if wrong else 0} of {len(layers)}: the file contradicts itself. Export it again."
        )


def overlap_finding(hidden: int, name: str) -> tuple[Finding, ...]:
    if not hidden:
        return ()
    return (
        warning(
            "labels.overlap",
            f"{name}: segments overlap in {hidden:,} voxels; there the later segment is shown and counted.",
            "Export each segment to a file of its own to measure it whole.",
        ),
    )
