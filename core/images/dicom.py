"""DICOM files that hold an image: one slice, the volume of an enhanced file, or a film, one frame at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ImageRefused
from core.images.dicom_header import SEGMENTATION, DicomFile, numbers, read_header, refusing
from core.images.dicom_pixels import read_frames
from core.images.dicom_places import Place, Stack, place_of, stack_of
from core.images.dicom_seg import read_segmentation
from core.images.intake import shown
from core.images.placing import no_orientation, placed
from core.images.raster import Raster, note, scaled, warning
from core.records import Array, Finding
from core.text import one_line

OVERLAYS = range(0x6000, 0x6020, 2)


def read_dicom(path: Path, frame: int = 0) -> Raster:
    """One file. An enhanced file whose frames lie beside each other is a volume; else its frames are a film.

    Values are after modality LUT or rescale; the window (VOI) is only told. MONOCHROME1 is turned round, so that bright
    means bright. Raises ImageRefused for damaged files, and by name for what holds no image.
    """
    with refusing(shown(path)):
        return _read(path, frame)


def _read(path: Path, frame: int) -> Raster:
    file = read_header(path)
    if str(file.data.get("SOPClassUID", "")) in SEGMENTATION:
        return _single(read_segmentation(file), frame, path)
    places = [place_of(file.data, number) for number in range(file.frames)]
    stack = _stack(file, places)
    return raster_of([(file, number) for number in range(file.frames)], places, stack, shown(path), frame)


def _single(raster: Raster, frame: int, path: Path) -> Raster:
    if frame != 0:
        raise ImageRefused(f"{shown(path)} has 1 frame, numbered from 0: there is no frame {frame}.")
    return raster


def _stack(file: DicomFile, places: Sequence[Place]) -> Stack:
    """Frames that say where they lie make a stack; all others follow each other in time."""
    if all(place.known for place in places):
        return stack_of(places, range(len(places)), shown(file.path))
    return Stack(moments=tuple((number,) for number in range(len(places))), affine=None)


def raster_of(
    sources: Sequence[tuple[DicomFile, int]], places: Sequence[Place], stack: Stack, name: str, frame: int
) -> Raster:
    """The moment number `frame` of a stack: its slices decoded, in units, and put on the screen's grid."""
    if not 0 <= frame < len(stack.moments):
        raise ImageRefused(f"{name} has {len(stack.moments)} frames, numbered from 0: there is no frame {frame}.")
    chosen = stack.moments[frame]
    first, place = sources[chosen[0]][0], places[chosen[0]]
    stored = read_frames([sources[index] for index in chosen])  # (slices, rows, columns[, 3])
    colour, findings = _colours(stored, first, name)
    stored = stored[..., 0] if stored.ndim == 4 else stored
    values = _in_units(stored, first, [places[index] for index in chosen])
    window, unit = place.window, place.unit
    if first.photometric == "MONOCHROME1":
        values, window = _turned_round(values, window, first, place)
        findings = (*findings, _monochrome1(name))
    shown_values, affine, spacing, more = placed(values.transpose(2, 1, 0), stack.affine, name, _spacing(place, chosen))
    return _with_files(
        Raster(
            values=shown_values,
            kind="dicom",
            picture=False,
            affine=affine,
            spacing_mm=spacing if not stack.findings else None,
            colour=colour,
            findings=(*stack.findings, *more, *findings, *_remarks(first, place, stack, name)),
            frame=frame,
            frames=len(stack.moments),
            window=window,
            unit=unit,
            modality=one_line(str(first.data.get("Modality", "")), 16),
        ),
        [sources[index][0] for index in chosen],
    )


def _in_units(stored: Array, file: DicomFile, places: Sequence[Place]) -> Array:
    """Modality LUT, or rescale: one for all slices, or each its own (as in PET)."""
    if file.data.get("ModalityLUTSequence"):
        processing: Any = import_module("pydicom.pixels.processing")
        return np.stack([np.asarray(processing.apply_modality_lut(plane, file.data)) for plane in stored])
    slope, intercept = places[0].slope, places[0].intercept
    if any(place.slope == 0 for place in places):
        raise ImageRefused(
            f"{shown(file.path)}: the DICOM header contradicts itself (rescale slope 0): it is invalid. Export it."
        )
    if all((place.slope, place.intercept) == (slope, intercept) for place in places):
        return scaled(stored, slope, intercept)
    result: Array = np.empty(stored.shape, np.float32)
    for out, plane, place in zip(result, stored, places, strict=True):
        out[...] = plane * np.float64(place.slope) + np.float64(place.intercept)
    return result


def _turned_round(
    values: Array, window: tuple[float, float] | None, file: DicomFile, place: Place
) -> tuple[Array, tuple[float, float] | None]:
    """MONOCHROME1: the lowest number is the brightest. Mirrored within the range that the bits can hold."""
    low, high = (-(1 << file.stored - 1), (1 << file.stored - 1) - 1) if file.signed else (0, (1 << file.stored) - 1)
    total = place.slope * (low + high) + 2 * place.intercept
    if file.data.get("ModalityLUTSequence"):
        total = float(values.min()) + float(values.max())
    return scaled(values, -1.0, total), None if window is None else (total - window[0], window[1])


def _colours(stored: Array, file: DicomFile, name: str) -> tuple[Array | None, tuple[Finding, ...]]:
    if stored.ndim == 4:
        colour = stored[0].astype(np.uint8) if len(stored) == 1 else None
        message = f"{name} is a colour image: a network gets its first channel (red)."
        return colour, (note("image.first-channel", message),)
    if file.photometric != "PALETTE COLOR":
        return None, ()
    processing: Any = import_module("pydicom.pixels.processing")
    mapped = np.asarray(processing.apply_color_lut(stored[0], file.data))[..., :3]
    colour = (mapped >> 8 if mapped.dtype.itemsize > 1 else mapped).astype(np.uint8) if len(stored) == 1 else None
    message = f"{name} is a palette image: a network gets palette numbers, not colours."
    return colour, (warning("image.palette", message, "If the numbers mean nothing, export it as a grey image."),)


def _monochrome1(name: str) -> Finding:
    message = f"{name} stores bright as low (MONOCHROME1): its values are mirrored, so that bright means bright."
    return note("dicom.monochrome1", message)


def _spacing(place: Place, chosen: Sequence[int]) -> tuple[float, float, float] | None:
    """(column, row, slice) where there is no place in the patient: only of a single slice."""
    if place.spacing is None or len(chosen) > 1:
        return None
    return place.spacing[1], place.spacing[0], place.thickness or 1.0


def _remarks(file: DicomFile, place: Place, stack: Stack, name: str) -> tuple[Finding, ...]:
    data, found = file.data, list[Finding]()
    if stack.affine is None and not stack.findings:  # usual for projections and ultrasound
        found.append(replace(no_orientation(name), severity="note"))
    if place.spacing is None and "ImagerPixelSpacing" in data:
        message = f"{name} states its pixel spacing at the detector only, not in the patient."
        found.append(note("dicom.detector-spacing", message, "Nothing is measured in millimetres."))
    ratio = numbers(data.get("PixelAspectRatio"), 2)
    if place.spacing is None and ratio is not None and ratio[0] != ratio[1]:
        message = f"{name} asks for pixels of {ratio[0]:g} : {ratio[1]:g} (height to width); they are drawn square."
        found.append(warning("dicom.pixel-aspect", message, "Shapes are distorted accordingly."))
    if any((group, 0x3000) in data for group in OVERLAYS):
        found.append(note("dicom.overlay-ignored", f"{name} carries drawn overlays, which are not shown."))
    if len(stack.moments) > 1:
        found.append(note("image.frames", f"{name} holds {len(stack.moments)} frames: one is shown at a time."))
    return tuple(found)


def _with_files(raster: Raster, files: Sequence[DicomFile]) -> Raster:
    """The source files, from the first slice on screen to the last where slices of file and screen are the same."""
    names = list(dict.fromkeys(str(file.path) for file in files))
    if raster.affine is not None and len(names) == raster.values.shape[0] > 1:
        position = place_of(files[0].data).position
        index = np.linalg.inv(raster.affine) @ [*(position * [-1, -1, 1]), 1] if position is not None else np.zeros(4)
        if index[0] > raster.values.shape[0] / 2:
            names.reverse()
    return replace(raster, files=tuple(names))
