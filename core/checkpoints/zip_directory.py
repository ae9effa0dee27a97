"""The central directory of a zip, parsed with no tolerance: it must end the file and agree with itself.

Source: PKWARE APPNOTE 6.3.10, sections 4.3.12 (directory), 4.3.14-16 (end records), 4.5.3 (zip64 field).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from core.checkpoints.intake import OpenFile
from core.checkpoints.refusal import Refusal, damaged

MAX_ENTRIES = 200_000
MAX_DIRECTORY = 64 << 20
END = struct.Struct("<4s4H2LH")
END64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR64 = struct.Struct("<4sLQL")
ENTRY = struct.Struct("<4s6H3L5H2L")
STORED, DEFLATED = 0, 8
FULL32 = 0xFFFFFFFF
ENCRYPTED = 0x1 | 0x40 | 0x2000


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the directory. `raw_name` as in the file; `header` is the offset of its local header."""

    raw_name: bytes
    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    header: int


def read_directory(file: OpenFile) -> tuple[list[Entry], int]:
    """All entries in the order of the directory, and where the directory starts."""
    count, size, start = _find_directory(file)
    if count > MAX_ENTRIES:
        raise Refusal("zip.too-many-entries", f"the zip archive claims {count:,} entries, more than any checkpoint has")
    if size > MAX_DIRECTORY or size < count * ENTRY.size:
        raise damaged("zip.bad-directory", "the size of its directory does not fit the number of entries")
    data = file.read_at(start, size)
    entries = []
    position = 0
    for _ in range(count):
        entry, position = _parse_entry(data, position)
        entries.append(entry)
    if position != size:
        raise damaged("zip.bad-directory", "its directory holds more than the entries it announces")
    return entries, start


def _find_directory(file: OpenFile) -> tuple[int, int, int]:
    """(number of entries, bytes, offset) of the directory, from the end record; zip64 where the record says so."""
    tail_start = max(0, file.size - END.size - 0xFFFF)
    tail = file.read_at(tail_start, file.size - tail_start)
    found = tail.rfind(b"PK\x05\x06")
    if found < 0 or len(tail) - found < END.size:
        raise damaged("zip.no-end-record", "the end record of the zip archive is missing")
    _, disk, start_disk, here, count, size, start, comment = END.unpack_from(tail, found)
    if found + END.size + comment != len(tail) or disk != start_disk:
        raise damaged("zip.no-end-record", "the end record of the zip archive does not end the file")
    end = tail_start + found
    if end >= LOCATOR64.size and file.read_at(end - LOCATOR64.size, 4) == b"PK\x06\x07":
        here, count, size, start, end = _find_directory64(file, end - LOCATOR64.size, (here, count, size, start))
    if here != count or start + size != end:
        raise damaged("zip.bad-directory", "the directory of the zip archive is not where its end record says")
    return count, size, start


def _find_directory64(file: OpenFile, at: int, short: tuple[int, int, int, int]) -> tuple[int, int, int, int, int]:
    """Count (twice), size, offset, and offset of the zip64 end record; must not contradict the `short` record."""
    _, _, end64, _ = LOCATOR64.unpack(file.read_at(at, LOCATOR64.size))
    if end64 + END64.size != at:
        raise damaged("zip.bad-directory", "the zip64 end record of the zip archive is not where it should be")
    magic, _, _, _, _, _, here, count, size, start = END64.unpack(file.read_at(end64, END64.size))
    agree = all(a in (b, FULL32, 0xFFFF) for a, b in zip(short, (here, count, size, start), strict=True))
    if magic != b"PK\x06\x06" or not agree:
        raise damaged("zip.bad-directory", "the two end records of the zip archive disagree")
    return here, count, size, start, end64


def _parse_entry(data: bytes, at: int) -> tuple[Entry, int]:
    if len(data) - at < ENTRY.size:
        raise damaged("zip.bad-directory", "its directory ends in the middle of an entry")
    fields = ENTRY.unpack_from(data, at)
    magic, _, _, flags, method, _, _, crc, packed, size, n_name, n_extra, n_comment, _, _, _, header = fields
    name_at = at + ENTRY.size
    end = name_at + n_name + n_extra + n_comment
    if magic != b"PK\x01\x02" or end > len(data):
        raise damaged("zip.bad-directory", "its directory is garbled")
    raw = data[name_at : name_at + n_name]
    if FULL32 in (packed, size, header):
        extra = data[name_at + n_name : name_at + n_name + n_extra]
        size, packed, header = _widen(extra, size, packed, header)
    name = _checked_name(raw)
    _check_flags(flags, method, name)
    return Entry(raw, name, flags, method, crc, packed, size, header), end


def _widen(extra: bytes, *short: int) -> list[int]:
    """The 64-bit values for those of (size, packed, header) that did not fit 32 bits."""
    values = list(short)
    field = _zip64_field(extra)
    at = 0
    for index, value in enumerate(values):
        if value == FULL32:
            if at + 8 > len(field):
                raise damaged("zip.bad-directory", "a large entry lacks its zip64 field")
            (values[index],) = struct.unpack_from("<Q", field, at)
            at += 8
    return values


def _zip64_field(extra: bytes) -> bytes:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            return extra[at + 4 : at + 4 + length]
        at += 4 + length
    return b""


def _has_drive(part: str) -> bool:
    """`C:...`; a colon further on is honest: producers name profile caches `unknown:unknown:fp=...`."""
    return part[1:2] == ":" and part[0].isalpha()


def _checked_name(raw: bytes) -> str:
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        message = "the zip archive holds an entry with an unreadable name"
        raise Refusal("zip.unsafe-name", message, "Save it again.") from error
    parts = name.removesuffix("/").split("/")
    if "\\" in name or "\0" in name or _has_drive(parts[0]) or any(part in ("", ".", "..") for part in parts):
        message = "the zip archive holds an entry with an unsafe name, which points out of the archive"
        raise Refusal("zip.unsafe-name", message, "Do not use this file; ask for the weights again.")
    return name


def _check_flags(flags: int, method: int, name: str) -> None:
    if flags & ENCRYPTED:
        raise Refusal("zip.encrypted", "the archive is encrypted", "Unpack it with its password and save it again.")
    if method not in (STORED, DEFLATED):
        message = f"an entry of the zip archive is compressed by method {method}, which no checkpoint uses"
        raise Refusal("zip.method", message, "Save the checkpoint again with torch.save.")
