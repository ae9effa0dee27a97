"""Where every record of a checkpoint zip lies. Nothing is extracted; records are read by offset, on demand."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from core.checkpoints.intake import OpenFile
from core.checkpoints.refusal import Refusal, damaged
from core.checkpoints.zip_directory import DEFLATED, FULL32, STORED, Entry, read_directory

LOCAL = struct.Struct("<4s5H3L2H")
HAS_DESCRIPTOR = 0x8
MAX_PICKLE = 64 << 20
MAX_SMALL = 1 << 20
MAX_RATIO = 20
SAVE_AGAIN = "Load it in PyTorch where it came from and save it again with torch.save."


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the archive: `packed` bytes at `offset` of the file, `size` bytes when read."""

    name: str
    offset: int
    packed: int
    size: int
    crc: int
    deflated: bool


@dataclass(frozen=True, slots=True)
class ZipIndex:
    """`records` by full name; all lie under the folder `root`."""

    root: str
    records: Mapping[str, Record]

    def get(self, name: str) -> Record | None:
        """The record `name` under the root."""
        return self.records.get(f"{self.root}/{name}")


def read_index(file: OpenFile) -> ZipIndex:
    """The checked index of the zip in `file`.

    Refuses duplicates, overlaps, entries past the end, local headers that disagree with the directory, unsafe or
    encrypted entries, and deflated data that claims more than 20 times the file.
    """
    entries, directory = read_directory(file)
    _check_unique(entries)
    records = {record.name: record for record in _locate(file, entries, directory)}
    _check_expansion(file, records)
    return ZipIndex(_common_root(records), records)


def duplicates_of(entries: list[Entry], ending: str) -> list[Entry]:
    """Entries whose name ends so; for looking at every `data.pkl` of an archive that has several."""
    return [entry for entry in entries if entry.name == ending or entry.name.endswith("/" + ending)]


def locate_alone(file: OpenFile, entry: Entry) -> Record:
    """The record of one entry of an archive that is refused anyway."""
    return next(iter(_locate(file, [entry], file.size)))


def read_record(file: OpenFile, record: Record, limit: int = MAX_SMALL) -> bytes:
    """The bytes of a record, inflated if need be, with its checksum compared."""
    if record.size > limit:
        message = f"its record {record.name} claims {record.size:,} bytes, too many to be true"
        raise Refusal("zip.record-too-large", message)
    data = file.read_at(record.offset, record.packed)
    if record.deflated:
        data = _inflate(data, record)
    if zlib.crc32(data) != record.crc:
        raise damaged("zip.checksum", f"the checksum of its record {record.name} is wrong")
    return data


def _inflate(data: bytes, record: Record) -> bytes:
    engine = zlib.decompressobj(-15)
    try:
        out = engine.decompress(data, record.size + 1)
    except zlib.error as error:
        raise damaged("zip.inflate", f"its record {record.name} cannot be decompressed") from error
    if len(out) != record.size:
        raise damaged("zip.inflate", f"its record {record.name} is larger or smaller than it declares")
    return out


def _check_unique(entries: list[Entry]) -> None:
    seen: set[str] = set()
    for entry in entries:
        if entry.name in seen:
            message = f"the archive holds two entries named {entry.name}, so readers would disagree on what it says"
            raise Refusal("zip.duplicate-entry", message, "Do not use this file; ask for the weights again.")
        seen.add(entry.name)


def _locate(file: OpenFile, entries: list[Entry], directory: int) -> list[Record]:
    """The data span of each entry, from its local header, in file order."""
    in_file_order = sorted(entries, key=lambda entry: entry.header)
    nexts = [entry.header for entry in in_file_order[1:]] + [directory]
    return [_locate_one(file, entry, limit) for entry, limit in zip(in_file_order, nexts, strict=True)]


def _locate_one(file: OpenFile, entry: Entry, limit: int) -> Record:
    """The record of `entry`, which must end before `limit`, where the next one starts."""
    head = file.read_at(entry.header, LOCAL.size + len(entry.raw_name))
    magic, _, flags, method, _, _, crc, packed, size, n_name, n_extra = LOCAL.unpack_from(head)
    if magic != b"PK\x03\x04" or n_name != len(entry.raw_name) or head[LOCAL.size :] != entry.raw_name:
        raise damaged("zip.header-disagrees", f"the local header of {entry.name} is not where the directory says")
    told = ((crc, entry.crc), (packed, entry.packed), (size, entry.size))
    later = flags & HAS_DESCRIPTOR
    if flags != entry.flags or method != entry.method or not all(_agree(a, b, later) for a, b in told):
        raise damaged("zip.header-disagrees", f"the local header of {entry.name} disagrees with the directory")
    offset = entry.header + LOCAL.size + n_name + n_extra
    if offset + entry.packed > limit:
        raise damaged("zip.overlap", f"its record {entry.name} overlaps the next one or exceeds the file")
    if method == STORED and entry.packed != entry.size:
        raise damaged("zip.header-disagrees", f"its record {entry.name} declares two sizes")
    return Record(entry.name, offset, entry.packed, entry.size, entry.crc, method == DEFLATED)


def _agree(local: int, listed: int, later: int) -> bool:
    """A local value may be zero when a descriptor follows the data, and all ones when a zip64 field holds it."""
    return local in (listed, FULL32) or (bool(later) and local == 0)


def _check_expansion(file: OpenFile, records: Mapping[str, Record]) -> None:
    total = 0
    for record in records.values():
        total += record.size
        if record.deflated and record.size > MAX_RATIO * max(record.packed, 64):
            message = f"its compressed record {record.name} claims {record.size:,} bytes from {record.packed:,}"
            raise Refusal("zip.bomb", message, SAVE_AGAIN)
    if total > MAX_RATIO * file.size:
        raise Refusal("zip.bomb", f"the file claims {total:,} bytes but is only {file.size:,} on disk", SAVE_AGAIN)


def _common_root(records: Mapping[str, Record]) -> str:
    """The first folder name, which all records share; '' when they do not, as in an ordinary archive."""
    roots = {name.partition("/")[0] if "/" in name else "" for name in records}
    if len(roots) == 1:
        return roots.pop()
    pickles = [name for name in records if name == "data.pkl" or name.endswith("/data.pkl")]
    if pickles:
        message = "the archive has more than one top folder, so it is not a checkpoint"
        raise Refusal("zip.several-roots", message, SAVE_AGAIN)
    return ""
