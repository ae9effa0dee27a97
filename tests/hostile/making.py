"""Checkpoint files made by hand, without torch: archives, pickles as text of instructions, legacy stacks."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
import zlib
from pathlib import Path

MAGIC = 0x1950A86A20F9469CFC6C


def text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def tensor(key: str = "0", numel: int = 4, shape: tuple[int, ...] = (4,), offset: int = 0) -> bytes:
    """Instructions that leave a contiguous float32 tensor on the stack."""
    strides = [1]
    for size in reversed(shape[1:]):
        strides.append(strides[-1] * size)
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n(("
        + text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cpu") + b"I%d\n" % numel + b"tQ"
        + b"I%d\n" % offset + _ints(shape) + _ints(tuple(reversed(strides))) + b"\x89NtR"
    )  # fmt: skip


def _ints(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(b"I%d\n" % value for value in values) + b"t"


def lightning(hyper_parameters: bytes = b"}", weight: bytes | None = None) -> bytes:
    """A Lightning-like pickle with one weight `w` and the given instructions for the hyper-parameters."""
    return (
        b"\x80\x02}(" + text("state_dict") + b"}" + text("w") + (tensor() if weight is None else weight) + b"s"
        + text("global_step") + b"K\x07" + text("hyper_parameters") + hyper_parameters + b"u."
    )  # fmt: skip


def archive(pickled: bytes, storages: dict[str, bytes] | None = None, compression: int = zipfile.ZIP_STORED) -> bytes:
    """The bytes of a torch.save archive around a pickle; storage `0` holds the numbers 1 to 4 unless given."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        file.writestr("archive/data.pkl", pickled)
        for key, data in (storages or {"0": struct.pack("<4f", 1, 2, 3, 4)}).items():
            file.writestr(f"archive/data/{key}", data)
        file.writestr("archive/version", b"3\n")
    return buffer.getvalue()


def legacy(obj: bytes, keys: list[str], data: bytes) -> bytes:
    """The five pickles of the old format and the storages after them."""
    facts = {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}
    head = b"".join(pickle.dumps(value, 2) for value in (MAGIC, 1001, facts))
    return head + obj + pickle.dumps(keys, 2) + data


def write_sparse_zip64(path: Path, hole: int) -> None:
    """A genuine small checkpoint with an unused record of `hole` zero bytes in it that take no room on disk."""
    records = [("a/data.pkl", lightning()), ("a/data/0", struct.pack("<4f", 1, 2, 3, 4)), ("a/version", b"3\n")]
    directory = b""
    with path.open("wb") as file:
        for name, data in (("a/data/9", None), *records):
            at = file.tell()
            size, crc = (hole, 0) if data is None else (len(data), zlib.crc32(data))
            wide = struct.pack("<HHQQ", 1, 16, size, size)
            head = struct.pack(
                "<4s5H3L2H", b"PK\3\4", 45, 0, 0, 0, 0, crc, 0xFFFFFFFF, 0xFFFFFFFF, len(name), len(wide)
            )
            file.write(head + name.encode() + wide)
            if data is None:
                file.seek(hole, 1)
            else:
                file.write(data)
            extra = struct.pack("<HHQQQ", 1, 24, size, size, at)
            full = 0xFFFFFFFF
            fields = (b"PK\1\2", 45, 45, 0, 0, 0, 0, crc, full, full, len(name), len(extra), 0, 0, 0, 0, full)
            directory += struct.pack("<4s6H3L5H2L", *fields) + name.encode() + extra
        start = file.tell()
        end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 4, 4, len(directory), start)
        locator = struct.pack("<4sLQL", b"PK\6\7", 0, start + len(directory), 1)
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
        file.write(directory + end64 + locator + end)
