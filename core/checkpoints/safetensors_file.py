"""safetensors: a length, a JSON header, and the numbers. Source: the format page of huggingface/safetensors."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

from core.checkpoints.contents import StorageInfo, TensorInfo
from core.checkpoints.intake import OpenFile
from core.checkpoints.json_text import JsonRefused, parse_json
from core.checkpoints.refusal import damaged
from core.checkpoints.tensors import ITEM_SIZE, tensor_info

MAX_HEADER = 25 << 20
DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U8": "uint8", "U16": "uint16", "U32": "uint32", "U64": "uint64", "BOOL": "bool",
    "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "C64": "complex64",
}  # fmt: skip


def read_safetensors(file: OpenFile) -> tuple[dict[str, TensorInfo], dict[str, str]]:
    """(tensors by name, metadata). The tensors must tile the data exactly: no overlap, no hole, nothing left over."""
    header, start = _read_header(file)
    metadata = _metadata(header.pop("__metadata__", {}))
    tensors = {name: _tensor(name, entry, start, file.size) for name, entry in header.items()}
    _check_tiling(tensors, start, file.size)
    return tensors, metadata


def _read_header(file: OpenFile) -> tuple[dict[str, Any], int]:
    (length,) = struct.unpack("<Q", file.read_at(0, 8))
    if length > min(MAX_HEADER, file.size - 8):
        raise damaged("safetensors.header", f"its safetensors header claims {length:,} bytes, more than there can be")
    raw = file.read_at(8, length)
    try:
        header = parse_json(raw.decode("utf-8"))
    except (UnicodeDecodeError, JsonRefused, json.JSONDecodeError) as error:
        raise damaged("safetensors.header", "its safetensors header is invalid") from error
    if not isinstance(header, dict):
        raise damaged("safetensors.header", "its safetensors header is invalid")
    return header, 8 + length


def _metadata(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise damaged("safetensors.metadata", "the metadata of its safetensors header is invalid")
    return value


def _tensor(name: str, entry: Any, start: int, file_size: int) -> TensorInfo:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise damaged("safetensors.entry", "a tensor of its safetensors header is invalid")
    dtype, shape, span = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise damaged("safetensors.entry", "a tensor of its safetensors header has an unknown number format")
    if not _counts(shape) or not _counts(span) or len(span) != 2 or not span[0] <= span[1] <= file_size - start:
        raise damaged("safetensors.entry", "a tensor of its safetensors header lies outside the file or is invalid")
    kind = DTYPES[dtype]
    numel, nbytes = math.prod(shape), span[1] - span[0]
    if numel * ITEM_SIZE[kind] != nbytes:
        raise damaged("safetensors.entry", "the shape of a tensor of its safetensors header does not fit its data")
    storage = StorageInfo(key=name, dtype=kind, numel=numel, offset=start + span[0], nbytes=nbytes)
    return tensor_info(storage, 0, tuple(shape), _strides(shape))


def _counts(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 64 and all(type(item) is int and item >= 0 for item in value)


def _strides(shape: list[int]) -> tuple[int, ...]:
    strides = [1]
    for size in reversed(shape[1:]):
        strides.append(strides[-1] * max(size, 1))
    return tuple(reversed(strides)) if shape else ()


def _check_tiling(tensors: dict[str, TensorInfo], start: int, size: int) -> None:
    """Sorted by place, each tensor starts where the one before ends, and the last ends the file."""
    at = start
    for storage in sorted((tensor.storage for tensor in tensors.values()), key=lambda item: (item.offset, item.nbytes)):
        if storage.offset != at:
            raise damaged("safetensors.overlap", "the tensors of its safetensors header overlap or leave a hole")
        at += storage.nbytes
    if at != size:
        raise damaged("safetensors.length", "it is longer or shorter than its safetensors header says")
