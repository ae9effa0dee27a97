"""What the header of a DICOM file says about its pixels and their place, checked before a pixel is read."""

from __future__ import annotations

import io
import logging
import math
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.errors import ImageRefused
from core.images.intake import open_image, shown, size_text
from core.images.raster import MAX_VOXELS
from core.images.streams import MAX_INFLATED
from core.records import Array
from core.text import one_line

DEFLATED = "1.2.840.10008.1.2.1.99"
NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", DEFLATED)
BIG_ENDIAN, IMPLICIT, RLE = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2", "1.2.840.10008.1.2.5"
PIXELS, FLOATS, DOUBLES = 0x7FE00010, 0x7FE00008, 0x7FE00009
SEGMENTATION = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
DEFER_ABOVE = 1 << 20
MAX_META = 1 << 16
DAMAGED = (ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, OSError, EOFError, LookupError,
           NotImplementedError, RuntimeError, MemoryError, AssertionError, struct.error, zlib.error)  # fmt: skip
"""What pydicom raises for damaged files, RecursionError (nested without end) among the RuntimeErrors."""


class NoImage(ImageRefused):
    """A DICOM file that is whole, and no image: a plan, a report, a set of outlines, a directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomFile:
    """A parsed header. `data`: pydicom's data set without its pixels. `at`, `length`: where these lie; -1 = in pieces
    (compressed). `inflated`: the whole content of a deflated file."""

    path: Path
    data: Any
    syntax: str
    rows: int
    columns: int
    frames: int
    samples: int
    allocated: int
    stored: int
    signed: bool
    photometric: str
    number_kind: str
    at: int
    length: int
    inflated: bytes | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        order = ">" if self.syntax == BIG_ENDIAN else "<"
        return np.dtype(f"{order}{self.number_kind}{max(8, self.allocated) // 8}")

    @property
    def native(self) -> bool:
        return self.syntax in NATIVE

    @property
    def frame_bits(self) -> int:
        return self.rows * self.columns * self.samples * self.allocated


def read_header(path: Path) -> DicomFile:
    """Raises ImageRefused for a damaged file, one without pixels (a plan, a report), or one that contradicts itself."""
    name = shown(path)
    with open_image(path) as (handle, size), refusing(name):
        data, source, inflated = _parsed(handle, size, name)
        at, length = _pixel_place(data, source)
        return _checked(data, path, at, length, inflated)


@contextmanager
def refusing(name: str) -> Iterator[None]:
    """pydicom converts a value when it is first asked for, so damage may show anywhere: here it is an ImageRefused."""
    errors: Any = import_module("pydicom.errors")
    try:
        with quiet():
            yield
    except (*DAMAGED, errors.BytesLengthException, errors.InvalidDicomError) as error:
        why = one_line(str(error) or type(error).__name__, 200)
        raise ImageRefused(f"{name}: the DICOM file is damaged or incomplete ({why}). Export it again.") from error


@contextmanager
def quiet() -> Iterator[None]:
    """pydicom remarks on every value that is not quite as the standard wants it: what matters is checked here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _parsed(handle: BinaryIO, size: int, name: str) -> tuple[Any, BinaryIO, bytes | None]:
    """The data set up to its pixels, where the source then stands, and the content of a deflated file."""
    pydicom: Any = import_module("pydicom")  # only when a DICOM file is read: it takes a third of a second
    # Values that are not quite as the standard wants them: what matters is checked here, the rest is shown as text.
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)

    after_meta = _deflated_from(handle.read(MAX_META))
    handle.seek(0)
    if after_meta is None:
        data = pydicom.dcmread(handle, stop_before_pixels=True, defer_size=DEFER_ABOVE, force=True)
        return data, handle, None
    content = _inflated(handle, after_meta, size, name)
    source = io.BytesIO(content)
    data = pydicom.dcmread(source, stop_before_pixels=True, force=True)
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = DEFLATED
    return data, source, content


def _deflated_from(head: bytes) -> int | None:
    """Where the deflated part begins, by the group of elements in front that never is; None for any other file."""
    if head[128:132] != b"DICM" or head[132:140] != b"\x02\x00\x00\x00UL\x04\x00":
        return None
    end = 144 + int.from_bytes(head[140:144], "little")
    value = DEFLATED.encode()
    stated = b"\x02\x00\x10\x00UI" + (len(value) + len(value) % 2).to_bytes(2, "little") + value
    return end if stated in head[144:end] else None


def _inflated(handle: BinaryIO, start: int, size: int, name: str) -> bytes:
    """A deflated file may hold a thousand times its size, and pydicom would inflate it all."""
    handle.seek(start)
    inflater = zlib.decompressobj(wbits=-15)
    content = inflater.decompress(handle.read(size), MAX_INFLATED // 4)
    if inflater.unconsumed_tail:
        raise ImageRefused(f"{name}: the file holds over {size_text(MAX_INFLATED // 4)} compressed: it is too large.")
    return content


def _pixel_place(data: Any, source: BinaryIO) -> tuple[int, int]:
    """First byte and length of the pixels, at which pydicom has stopped; (-1, -1) when there are none."""
    syntax = str(getattr(data, "file_meta", {}).get("TransferSyntaxUID", "") or IMPLICIT)
    order = "big" if syntax == BIG_ENDIAN else "little"
    head = source.read(12)
    tag = int.from_bytes(head[:2], order) << 16 | int.from_bytes(head[2:4], order)  # type: ignore[arg-type]
    if tag not in (PIXELS, FLOATS, DOUBLES):
        return -1, -1
    explicit = head[4:6] in (b"OB", b"OW", b"OF", b"OD", b"UN")
    length = int.from_bytes(head[8:12] if explicit else head[4:8], order)  # type: ignore[arg-type]
    at = source.tell() if explicit else source.tell() - 4
    kind = {FLOATS: 32, DOUBLES: 64}.get(tag, 0)
    if kind:
        data.add_new(0x00280100, "US", kind)
    return at, -1 if length == 0xFFFFFFFF else length


def _checked(data: Any, path: Path, at: int, length: int, inflated: bytes | None) -> DicomFile:
    name = shown(path)
    if at < 0 or "Rows" not in data or "Columns" not in data:
        raise _no_image(data, name)
    file = DicomFile(
        path=path,
        data=data,
        syntax=str(getattr(data, "file_meta", {}).get("TransferSyntaxUID", "") or IMPLICIT),
        rows=int(data.Rows),
        columns=int(data.Columns),
        frames=int(data.get("NumberOfFrames", 1) or 1),
        samples=int(data.get("SamplesPerPixel", 1)),
        allocated=int(data.BitsAllocated),
        stored=int(data.get("BitsStored", data.BitsAllocated)),
        signed=bool(data.get("PixelRepresentation", 0)),
        photometric=str(data.get("PhotometricInterpretation", "MONOCHROME2")),
        number_kind=_number_kind(data),
        at=at,
        length=length,
        inflated=inflated,
    )
    _check_pixels(file, name)
    return file


def _number_kind(data: Any) -> str:
    if "BitsStored" not in data and int(data.BitsAllocated) in (32, 64):
        return "f"
    return "i" if int(data.get("PixelRepresentation", 0)) else "u"


def _check_pixels(file: DicomFile, name: str) -> None:
    if min(file.rows, file.columns, file.frames) < 1:
        raise ImageRefused(f"{name}: the image is empty ({file.columns} x {file.rows}). Export it again.")
    bits = (file.allocated, file.stored)
    if file.allocated not in (1, 8, 16, 32, 64) or not 1 <= file.stored <= file.allocated or file.samples not in (1, 3):
        raise ImageRefused(
            f"{name}: the DICOM header contradicts itself (bits stored {bits[1]} of {bits[0]}, {file.samples} samples "
            "per pixel): it is invalid. Export the file again."
        )
    if file.rows * file.columns > MAX_VOXELS:
        raise ImageRefused(f"{name}: {file.columns} x {file.rows} pixels are too large for Flowglass.")
    promised = math.ceil(file.frames * file.frame_bits / 8)
    if file.photometric == "YBR_FULL_422":
        promised = promised * 2 // 3
    if file.native and promised > max(0, min(file.length, _held(file) - file.at)):
        raise ImageRefused(
            f"{name}: the DICOM image claims {size_text(promised)} of pixels but the file holds "
            f"{size_text(max(0, min(file.length, _held(file) - file.at)))}: it is incomplete. Copy it again."
        )


def _held(file: DicomFile) -> int:
    return file.path.stat().st_size if file.inflated is None else len(file.inflated)


def _no_image(data: Any, name: str) -> ImageRefused:
    """By what the file says it is: a damaged image, or something else that is whole (`RT Structure Set Storage`)."""
    uid = data.get("SOPClassUID") or getattr(data, "file_meta", {}).get("MediaStorageSOPClassUID")
    kind = one_line(str(getattr(uid, "name", "") or data.get("Modality", "")), 80)
    if not kind or "Image Storage" in kind:
        return ImageRefused(f"{name}: the DICOM file is damaged or incomplete: it has no pixel data. Copy it again.")
    return NoImage(f"{name}: this DICOM file holds no image ({kind}, no pixel data). Choose an image of the study.")


def numbers(value: Any, count: int) -> Array | None:
    """`count` finite numbers of a DICOM value, or None."""
    try:
        listed = np.array([float(part) for part in value], dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return listed if listed.shape == (count,) and np.isfinite(listed).all() else None


def number(value: Any) -> float | None:
    """The first finite number of a DICOM value, or None."""
    first = value[0] if hasattr(value, "__getitem__") and not isinstance(value, str) and len(value) else value
    try:
        result = float(first)
    except (TypeError, ValueError):
        return None
    return result if math.isfinite(result) else None
