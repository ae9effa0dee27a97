"""A torch.save archive: which records make it one, its storages, and the pickle that ties them together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.checkpoints.contents import StorageInfo
from core.checkpoints.intake import OpenFile
from core.checkpoints.pickle_machine import PickleMachine
from core.checkpoints.refusal import Refusal, damaged
from core.checkpoints.tensors import check_record, storage_claim
from core.checkpoints.zip_directory import read_directory
from core.checkpoints.zip_index import (
    MAX_PICKLE,
    ZipIndex,
    duplicates_of,
    locate_alone,
    read_index,
    read_record,
)

TRAINING_FILE = "Open the .ckpt or .pth file that the training wrote."
PICKLE = "data.pkl"


def read_torch_zip(file: OpenFile) -> tuple[Any, PickleMachine, bool]:
    """The tree, the machine that made it, and whether its numbers are big-endian."""
    try:
        index = read_index(file)
    except Refusal as refusal:
        if refusal.code in ("zip.duplicate-entry", "zip.overlap", "zip.header-disagrees", "zip.several-roots"):
            _look_for_dangers(file)
        raise
    _check_is_checkpoint(index)
    big_endian = _byte_order(file, index)
    machine = PickleMachine(_read_pickle(file, index), storages_of(index))
    return machine.run(), machine, big_endian


def _look_for_dangers(file: OpenFile) -> None:
    """Name what the pickles of an archive that is refused anyway ask to run: the user should hear the worse news."""
    entries, _ = read_directory(file)
    for entry in duplicates_of(entries, PICKLE)[:8]:
        try:
            data = read_record(file, locate_alone(file, entry), MAX_PICKLE)
        except Refusal:
            continue
        _scan(data)


def _scan(data: bytes) -> None:
    """Run a pickle only to learn what it asks for."""
    try:
        PickleMachine(data, _any_storage).run()
    except Refusal as refusal:
        if refusal.code == "pickle.dangerous-name":
            raise


def _any_storage(persistent_id: Any) -> StorageInfo:
    return StorageInfo(key="", dtype="float32", numel=1 << 60, offset=0, nbytes=1 << 62)


def _check_is_checkpoint(index: ZipIndex) -> None:
    names = index.records
    if index.get("constants.pkl") or any(name.startswith(f"{index.root}/code/") for name in names):
        message = "this is a TorchScript program, not a checkpoint; its code was not run"
        raise Refusal("file.torchscript", message, "Open the checkpoint that it was exported from.")
    if any(".data/extern_modules" in name or name.endswith("archive_format") for name in names):
        raise Refusal("file.torch-package", "this is a torch.package or torch.export program", TRAINING_FILE)
    if index.get(PICKLE) is None:
        _refuse_plain_zip(index)
    if index.get("version") is None and index.get(".data/version") is None:
        raise damaged("zip.no-version", "the version record of the checkpoint is missing")


def _refuse_plain_zip(index: ZipIndex) -> None:
    names = set(index.records)
    if {"metadata.json", "config.json", "model.weights.h5"} <= names:
        raise Refusal("file.keras", "this is a Keras model, not a PyTorch checkpoint", TRAINING_FILE)
    if names and all(name.endswith(".npy") for name in names):
        raise Refusal("file.numpy", "this is a NumPy archive (.npz), not a checkpoint", TRAINING_FILE)
    message = "this is an ordinary zip archive, not a checkpoint: there is no data.pkl in it"
    raise Refusal("file.plain-zip", message, "Unpack it; if a checkpoint is inside, open that.")


def _byte_order(file: OpenFile, index: ZipIndex) -> bool:
    record = index.get("byteorder")
    order = read_record(file, record) if record is not None else b"little"
    if order not in (b"little", b"big"):
        raise damaged("zip.byteorder", "its byteorder record is garbled")
    return order == b"big"


def _read_pickle(file: OpenFile, index: ZipIndex) -> bytes:
    record = index.get(PICKLE)
    assert record is not None
    try:
        return read_record(file, record, MAX_PICKLE)
    except Refusal as refusal:
        if refusal.code == "zip.checksum" and not record.deflated:  # perhaps there to stop scanners
            _scan(file.read_at(record.offset, record.packed))
        raise


def storages_of(index: ZipIndex) -> Callable[[Any], StorageInfo]:
    """The function that turns a persistent id into a checked storage of `index`; the same id gives the same object."""
    known: dict[tuple[str, str], StorageInfo] = {}

    def storage(persistent_id: Any) -> StorageInfo:
        claim = storage_claim(persistent_id)
        key, dtype, numel, nbytes = claim
        if (key, dtype) in known:
            if known[key, dtype].numel != numel:
                raise damaged("tensor.storage-size", f"storage {key} is declared with two sizes")
            return known[key, dtype]
        record = index.get(f"data/{key}")
        if record is None:
            raise damaged("tensor.storage-missing", f"storage {key} is not in the archive")
        check_record(claim, record.size)
        info = StorageInfo(
            key=key,
            dtype=dtype,
            numel=numel,
            offset=record.offset,
            nbytes=nbytes,
            record=record.name,
            compressed=record.deflated,
            crc=record.crc,
        )
        known[key, dtype] = info
        return info

    return storage
