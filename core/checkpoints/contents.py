"""What the safe reader returns: plain values, inert stubs and tensor descriptors. Nothing here was run or imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.records import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageInfo:
    """A run of numbers in the file. `offset` and `nbytes` are absolute, in bytes, and lie inside the file.

    `compressed` storages (deflated zip records) are read through the zip index by `record` name instead.
    """

    key: str
    dtype: str
    numel: int
    offset: int
    nbytes: int
    record: str | None = None
    compressed: bool = False
    crc: int | None = None
    """CRC-32 of the whole run when the container keeps one; compared when the whole run is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInfo:
    """A strided view on a storage, checked to stay inside it. `dtype` is torch's name without prefix (`float32`).

    `offset` and `strides` count elements. A sparse tensor has `layout` `sparse_coo` or `sparse_csr` and its dense
    `shape`; its parts are in `parts`, and it cannot be read as an array.
    """

    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    storage: StorageInfo
    layout: str = "strided"
    parts: tuple[TensorInfo, ...] = ()

    @property
    def numel(self) -> int:
        count = 1
        for size in self.shape:
            count *= size
        return count


@dataclass(slots=True, kw_only=True, eq=False)
class Stub:
    """An object of a class that the file names and that was not looked up: its name and what was recorded for it."""

    module: str
    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    state: Any = None
    items: list[Any] = field(default_factory=list)

    @property
    def class_name(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(slots=True, kw_only=True, eq=False)
class Reference(Stub):
    """The class or function itself that the file names (`torch.float32`, `torch.optim.adamw.AdamW`), not looked up."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contents:
    """An opened checkpoint file: `root` is the tree of plain values, `Stub`s and `TensorInfo`s.

    `container` is `lightning`, `torch` (any other torch.save zip), `torch-legacy` or `safetensors`. `metadata` holds
    safetensors' own text metadata. `findings` are warnings and notes about the file itself.
    """

    path: Path
    container: str
    size_bytes: int
    root: Any
    metadata: Mapping[str, str] = field(default_factory=dict)
    changed_at_ns: int = 0
    """Time stamp of the file when it was opened: it must still be the same when numbers are read."""
    big_endian: bool = False
    findings: tuple[Finding, ...] = ()
