"""The text header of an NRRD file (teem.sourceforge.net/nrrd/format.html): fields, sizes, axes, orientation."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from core.errors import ImageRefused
from core.images.placing import LPS, Spacing
from core.images.streams import Coding
from core.records import Array

MAX_HEADER = 4 * 1024**2
TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
CODINGS: dict[str, Coding] = {
    "raw": "raw", "gzip": "gzip", "gz": "gzip", "bzip2": "bzip2", "bz2": "bzip2",
}  # fmt: skip
TO_RAS = {
    "right-anterior-superior": np.eye(4),
    "ras": np.eye(4),
    "left-anterior-superior": np.diag([-1.0, 1.0, 1.0, 1.0]),
    "las": np.diag([-1.0, 1.0, 1.0, 1.0]),
    "left-posterior-superior": LPS,
    "lps": LPS,
}
ALIASES = {"datafile": "data file", "byteskip": "byte skip", "lineskip": "line skip", "centerings": "centers"}
MAX_AXES = 16
NO_SPACE = ("list", "vector", "RGB-color", "RGBA-color", "time", "point", "3-vector", "4-vector", "stub", "complex")
"""Kinds of axes that are no direction of space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NrrdHeader:
    """`sizes`: fastest axis first. `directions`: one (3,) vector per axis in the file's space, None for an axis that
    is no direction of space. `pairs`: the free `key:=value` lines. `end`: the byte after the header."""

    sizes: tuple[int, ...]
    dtype: np.dtype[np.generic]
    coding: Coding
    fields: dict[str, str]
    pairs: dict[str, str] = field(default_factory=dict)
    directions: tuple[Array | None, ...] = ()
    kinds: tuple[str, ...] = ()
    end: int = 0

    @property
    def total(self) -> int:
        return math.prod(self.sizes) * self.dtype.itemsize

    def space_axes(self) -> tuple[int, ...]:
        """The axes that span space, at most three; without directions and kinds, the first three."""
        if any(direction is not None for direction in self.directions):
            return tuple(axis for axis, vector in enumerate(self.directions) if vector is not None)
        named = [axis for axis in range(len(self.sizes)) if not (self.kinds and self.kinds[axis] in NO_SPACE)]
        return tuple(named[:3])

    def affine(self) -> Array | None:
        """(i, j, k) of the space axes to RAS mm; None when the file does not say how it lies in the patient."""
        turn = TO_RAS.get(self.fields.get("space", "").lower())
        axes = [self.directions[axis] for axis in self.space_axes()] if self.directions else []
        vectors = [vector for vector in axes if vector is not None]
        origin = self.fields.get("space origin")
        if turn is None or len(vectors) != 3 or origin is None:
            return None
        affine = np.eye(4)
        affine[:3, :3] = np.array(vectors).T
        affine[:3, 3] = vector_of(origin)
        return np.asarray(turn @ affine)

    def spacing(self) -> Spacing | None:
        """(i, j, k) of the space axes where only the distances are known."""
        axes = self.space_axes()
        if self.directions and all(self.directions[axis] is not None for axis in axes):
            lengths = [float(np.linalg.norm(vector)) for vector in self.directions if vector is not None]
        else:
            listed = [_number(word) for word in self.fields.get("spacings", "").split()]
            lengths = [listed[axis] for axis in axes] if len(listed) == len(self.sizes) else []
        lengths += [1.0] * (len(lengths) == 2)
        return (lengths[0], lengths[1], lengths[2]) if len(lengths) == 3 else None


def read_header(handle: BinaryIO, name: str) -> NrrdHeader:
    """Raises ImageRefused for a header that is damaged or promises something that no image has."""
    handle.seek(0)
    fields, pairs, end = _lines(handle, name)
    try:
        sizes = tuple(int(word) for word in fields["sizes"].split())
        dimension = int(fields["dimension"])
        dtype = _dtype(fields, name)
        directions = _directions(fields, dimension)
    except (KeyError, ValueError, IndexError) as error:
        raise ImageRefused(f"{name}: the NRRD header is damaged or incomplete ({error}). Export it again.") from error
    if not 1 < dimension <= MAX_AXES or len(sizes) != dimension or min(sizes) < 1:
        raise ImageRefused(f"{name}: the NRRD header states no possible size ({sizes}). Export it again.")
    encoding = fields.get("encoding", "").lower()
    if encoding not in CODINGS:
        raise ImageRefused(f"{name}: the NRRD encoding {encoding or '(none)'!r} is not read. Save it as gzip or raw.")
    kinds = tuple(fields.get("kinds", "").split())
    return NrrdHeader(
        sizes=sizes,
        dtype=dtype,
        coding=CODINGS[encoding],
        fields=fields,
        pairs=pairs,
        directions=directions,
        kinds=kinds if len(kinds) == dimension else (),
        end=end,
    )


def _lines(handle: BinaryIO, name: str) -> tuple[dict[str, str], dict[str, str], int]:
    fields: dict[str, str] = {}
    pairs: dict[str, str] = {}
    handle.readline(64)
    while handle.tell() < MAX_HEADER and (raw := handle.readline(MAX_HEADER)):
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if not line:
            break
        if line.startswith("#"):
            continue
        key, mark, value = line.partition(":")
        if not mark:
            raise ImageRefused(f"{name}: the NRRD header is damaged (a line without a colon). Export it again.")
        if value.startswith("="):
            pairs[key] = value[1:]
        else:
            key = key.strip().lower()
            fields[ALIASES.get(key, key)] = value.strip()
            if ALIASES.get(key, key) == "data file" and value.strip().startswith("LIST"):
                break
    return fields, pairs, handle.tell()


def _dtype(fields: dict[str, str], name: str) -> np.dtype[np.generic]:
    stated = fields["type"].lower()
    code = next((code for code, names in TYPES.items() if stated in names), None)
    if code is None:
        raise ImageRefused(f"{name}: the NRRD type {stated!r} is not read. Save it as a number type.")
    endian = fields.get("endian", "little").lower()
    if endian not in ("little", "big"):
        raise ValueError(f"endian {endian}")
    return np.dtype((">" if endian == "big" else "<") + code)


def _directions(fields: dict[str, str], dimension: int) -> tuple[Array | None, ...]:
    text = fields.get("space directions")
    if text is None:
        return ()
    words = text.replace("(", " (").split(" (") if "(" in text else [text]
    vectors: list[Array | None] = []
    for word in words:
        head, closed, rest = word.partition(")")
        if closed:
            vectors.append(vector_of(head))
            word = rest
        vectors += [None] * word.split().count("none")
    if len(vectors) != dimension:
        raise ValueError(f"{len(vectors)} space directions for {dimension} axes")
    return tuple(vectors)


def vector_of(text: str) -> Array:
    """`(1,0,0)` -> three numbers. Raises ValueError."""
    numbers = [_number(word) for word in text.strip("() ").split(",")]
    if len(numbers) not in (2, 3):
        raise ValueError(f"a vector of {len(numbers)} numbers")
    return np.array(numbers if len(numbers) == 3 else [*numbers, 0.0])


def _number(word: str) -> float:
    return float(word.strip() or "nan")
