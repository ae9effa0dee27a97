"""Files of torch < 1.6: five pickles one after another, then the storages. All pickles go through our machine."""

from __future__ import annotations

import struct
from typing import Any

from core.checkpoints.contents import Reference, StorageInfo
from core.checkpoints.intake import OpenFile
from core.checkpoints.pickle_machine import PickleMachine
from core.checkpoints.refusal import Refusal, Truncated, damaged
from core.checkpoints.tensors import ITEM_SIZE, storage_claim

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
WINDOWS = (1 << 20, 8 << 20, 64 << 20)
COUNT = struct.Struct("<q")
NOT_TORCH = Refusal(
    "pickle.not-torch",
    "this is a Python pickle, but not in the format of a PyTorch checkpoint",
    "Choose the .ckpt or .pth file that the training wrote.",
)
Claim = tuple[str, str, int, int]


def read_legacy(file: OpenFile) -> tuple[Any, PickleMachine, int]:
    """The tree, the machine that made it, and how many bytes follow the last storage.

    Reads only the start of the file, in growing windows, until the pickles fit.
    """
    for window in WINDOWS:
        data = file.read_at(0, min(window, file.size))
        try:
            return _read_stack(file, data)
        except Truncated:
            if len(data) == file.size or window == WINDOWS[-1]:
                raise
    raise AssertionError("the last window returns or raises")


def _read_stack(file: OpenFile, data: bytes) -> tuple[Any, PickleMachine, int]:
    start = _check_preamble(data)
    claims: dict[str, Claim] = {}
    first = PickleMachine(data, lambda pid: _promise(pid, claims), start)
    first.run()
    keys, data_start = _one(data, first.position)
    places, end = _place(file, claims, keys, data_start)
    machine = PickleMachine(data, lambda pid: _storage(pid, places), start)  # again, now that the places are known
    return machine.run(), machine, file.size - end


def _check_preamble(data: bytes) -> int:
    """Where the fourth pickle starts, after magic number, protocol version and system facts."""
    magic, position = _one(data, 0)
    if magic != MAGIC or type(magic) is not int:
        raise NOT_TORCH
    protocol, position = _one(data, position)
    facts, position = _one(data, position)
    if protocol != PROTOCOL or not isinstance(facts, dict):
        raise damaged("pickle.bad-preamble", "the preamble of this old PyTorch format is wrong")
    if facts.get("little_endian") is False:
        raise Refusal("file.big-endian", "this old file was written on a big-endian machine", "Save it again there.")
    return position


def _one(data: bytes, position: int) -> tuple[Any, int]:
    machine = PickleMachine(data, _no_storage, position)
    return machine.run(), machine.position


def _no_storage(persistent_id: Any) -> Any:
    raise damaged("pickle.malformed", "its table of contents is garbled")


def _promise(persistent_id: Any, claims: dict[str, Claim]) -> Any:
    """First pass: remember what is claimed; the place in the file is not known yet."""
    if _is_module(persistent_id):
        return persistent_id[1]
    claim = storage_claim(persistent_id)
    if claims.setdefault(claim[0], claim)[2:] != claim[2:]:
        raise damaged("tensor.storage-size", f"storage {claim[0]} is declared with two sizes")
    key, dtype, numel, nbytes = claim
    return StorageInfo(key=key, dtype=dtype, numel=numel, offset=0, nbytes=nbytes)


def _is_module(persistent_id: Any) -> bool:
    """('module', class, source file, source): a whole saved nn.Module; the class stays a name."""
    named = type(persistent_id) is tuple and len(persistent_id) >= 2 and persistent_id[0] == "module"
    return named and isinstance(persistent_id[1], Reference)


def _place(file: OpenFile, claims: dict[str, Claim], keys: Any, at: int) -> tuple[dict[str, int], int]:
    """Where the numbers of each storage start; each is preceded by its count. And the end of the last one."""
    if type(keys) is not list or len(set(map(str, keys))) != len(keys) or set(map(str, keys)) != set(claims):
        raise damaged("tensor.storage-missing", "its list of storages does not fit its tensors")
    places = {}
    for key in map(str, keys):
        _, dtype, numel, nbytes = claims[key]
        (count,) = COUNT.unpack(file.read_at(at, COUNT.size))
        if count != numel:
            raise damaged("tensor.storage-size", f"storage {key} declares {numel:,} numbers but holds {count:,}")
        places[key] = at + COUNT.size
        at = places[key] + nbytes
        if at > file.size:
            raise damaged(
                "tensor.outside-file", f"storage {key} ({numel:,} x {ITEM_SIZE[dtype]} bytes) exceeds the file"
            )
    return places, at


def _storage(persistent_id: Any, places: dict[str, int]) -> Any:
    if _is_module(persistent_id):
        return persistent_id[1]
    key, dtype, numel, nbytes = storage_claim(persistent_id)
    root = StorageInfo(key=key, dtype=dtype, numel=numel, offset=places[key], nbytes=nbytes)
    view = persistent_id[5] if len(persistent_id) > 5 else None
    return root if view is None else _view(root, view)


def _view(root: StorageInfo, view: Any) -> StorageInfo:
    """A part of a storage: (key, offset, size) in elements."""
    if type(view) is not tuple or len(view) != 3 or not all(type(part) is int and part >= 0 for part in view[1:]):
        raise damaged("tensor.bad-shape", f"a view of storage {root.key} is garbled")
    _, offset, numel = view
    if offset + numel > root.numel:
        raise damaged("tensor.outside-storage", f"a view of storage {root.key} reaches outside its stored data")
    item = ITEM_SIZE[root.dtype]
    return StorageInfo(
        key=root.key, dtype=root.dtype, numel=numel, offset=root.offset + offset * item, nbytes=numel * item
    )
