"""Open a checkpoint without running, importing or looking up anything it names, and without reading its numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.checkpoints import arrays
from core.checkpoints.contents import Contents, TensorInfo
from core.checkpoints.intake import OpenFile, opened
from core.checkpoints.legacy import MAGIC, NOT_TORCH, read_legacy
from core.checkpoints.pickle_machine import PickleMachine
from core.checkpoints.refusal import Refusal
from core.checkpoints.remarks import remarks_on
from core.checkpoints.safetensors_file import read_safetensors
from core.checkpoints.shells import unwrap
from core.checkpoints.sniff import HEAD, TEXT, sniff
from core.checkpoints.sparse import check_sparse
from core.checkpoints.text import safe_text
from core.checkpoints.torch_zip import read_torch_zip
from core.progress import Progress, Report, silent
from core.records import Array, Finding

CHUNK = 4 << 20
LIGHTNING_KEYS = ("pytorch-lightning_version", "hyper_parameters", "global_step")


def open_checkpoint(path: Path | str) -> Contents:
    """What the file at `path` holds: plain values, records of unknown classes, tensor descriptors.

    Reads the table of contents, no tensor data (but the indices of sparse tensors, to check them). Raises
    CheckpointRefused with the reason and the remedy.
    """
    path = Path(path)
    with _named(path), opened(path) as file:
        kind = sniff(file.read_at(0, min(HEAD, file.size)))
        if kind == "zip":
            return _open_zip(file)
        if kind == "safetensors":
            tensors, metadata = read_safetensors(file)
            return _contents(file, "safetensors", tensors, metadata=metadata)
        if kind == "text":
            _check_text(file)
        return _open_legacy(file)


def _open_zip(file: OpenFile) -> Contents:
    root, machine, big_endian = read_torch_zip(file)
    root = _settle(file, root, machine, big_endian)
    container = "lightning" if _is_lightning(root) else "torch"
    return _contents(file, container, root, findings=remarks_on(root, machine.unknown), big_endian=big_endian)


def _open_legacy(file: OpenFile) -> Contents:
    root, machine, rest = read_legacy(file)
    root = _settle(file, root, machine, False)
    findings = remarks_on(root, machine.unknown, left_over=rest)
    return _contents(file, "torch-legacy", root, findings=findings)


def _settle(file: OpenFile, root: Any, machine: PickleMachine, big_endian: bool) -> Any:
    check_sparse(file, machine.sparse, big_endian)
    return unwrap(root) if machine.needs_unwrapping else root


def _is_lightning(root: Any) -> bool:
    return isinstance(root, dict) and "state_dict" in root and any(key in root for key in LIGHTNING_KEYS)


def _contents(
    file: OpenFile,
    container: str,
    root: Any,
    findings: tuple[Finding, ...] = (),
    metadata: Mapping[str, str] | None = None,
    big_endian: bool = False,
) -> Contents:
    return Contents(
        path=file.path,
        container=container,
        size_bytes=file.size,
        root=root,
        metadata=metadata or {},
        findings=findings,
        changed_at_ns=file.changed_at_ns,
        big_endian=big_endian,
    )


def _check_text(file: OpenFile) -> None:
    """Text may still be a pickle of protocol 0: an old checkpoint, or worse. Anything else is refused as text."""
    machine = PickleMachine(file.read_at(0, min(1 << 20, file.size)), _no_storage)
    try:
        if machine.run() == MAGIC:
            return
    except Refusal as refusal:
        if refusal.code == "pickle.dangerous-name":
            raise
        raise TEXT from refusal
    raise NOT_TORCH if file.size == machine.position else TEXT


def _no_storage(persistent_id: Any) -> Any:
    raise TEXT


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn a Refusal into a CheckpointRefused that names the file."""
    try:
        yield
    except Refusal as refusal:
        raise refusal.for_file(safe_text(path.name or str(path), 200)) from refusal


# ---- numbers --------------------------------------------------------------------------------------------------------


def read_array(contents: Contents, tensor: TensorInfo) -> Array:
    """A copy of one tensor's numbers, in native byte order.

    bfloat16 and float8 come as float32 (exactly), all others as they are. Raises CheckpointRefused when the file has
    changed since it was opened, its checksum is wrong, or the tensor is sparse or of an unsupported number format.
    """
    return next(iter(read_many(contents, {"": tensor})))[1]


def read_many(contents: Contents, tensors: Mapping[str, TensorInfo]) -> Iterator[tuple[str, Array]]:
    """Each name with its numbers, as from `read_array`, through one opening of the file; one tensor at a time."""
    with _named(contents.path), opened(contents.path) as file:
        if (file.size, file.changed_at_ns) != (contents.size_bytes, contents.changed_at_ns):
            raise Refusal("file.changed", "the file has changed since it was opened", "Open it again.")
        for name, tensor in tensors.items():
            yield name, arrays.array_of(file, tensor, contents.big_endian)


def sha256_of(path: Path | str, report: Report = silent) -> str:
    """The SHA-256 of the file in hex, 4 MB at a time; `report` hears of bytes and may cancel."""
    path = Path(path)
    digest = hashlib.sha256()
    with _named(path), opened(path) as file:
        for start in range(0, file.size, CHUNK):
            report(Progress(done=start, total=file.size, stage="hash"))
            digest.update(file.read_at(start, min(CHUNK, file.size - start)))
        report(Progress(done=file.size, total=file.size, stage="hash"))
    return digest.hexdigest()
