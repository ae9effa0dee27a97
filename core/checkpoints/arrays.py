"""From a checked descriptor to numbers: the only place that reads tensor data."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from core.checkpoints.contents import StorageInfo, TensorInfo
from core.checkpoints.intake import OpenFile
from core.checkpoints.refusal import Refusal, damaged
from core.checkpoints.tensors import ITEM_SIZE, shape_text
from core.checkpoints.zip_index import read_index, read_record
from core.records import Array

NUMPY = {
    "float32": "f4", "float64": "f8", "float16": "f2", "bfloat16": "u2", "int64": "i8", "int32": "i4", "int16": "i2",
    "int8": "i1", "uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8", "bool": "u1", "complex64": "c8",
    "complex128": "c16", "float8_e4m3fn": "u1", "float8_e5m2": "u1",
}  # fmt: skip


def array_of(file: OpenFile, tensor: TensorInfo, big_endian: bool = False) -> Array:
    """A copy of the tensor's numbers in native order.

    bfloat16 and float8 become float32, which holds each of their values exactly; the rest keeps its type.
    Refuses sparse tensors, number formats without a meaning here, a wrong checksum, and a view too large for memory.
    """
    code = NUMPY.get(tensor.dtype)
    if tensor.layout != "strided" or code is None:
        kind = tensor.layout if tensor.layout != "strided" else tensor.dtype
        raise Refusal("tensor.unreadable", f"a tensor of kind {kind} cannot be read as numbers", "Save it as float32.")
    dtype = np.dtype((">" if big_endian else "<") + code)
    if tensor.numel == 0:
        return _converted(np.empty(tensor.shape, dtype), tensor.dtype)
    try:
        return _converted(_view(_span(file, tensor), tensor, dtype), tensor.dtype)
    except MemoryError as error:
        message = f"a tensor of shape {shape_text(tensor.shape)} does not fit in memory"
        raise Refusal("tensor.too-large", message, "Close other programs or use a machine with more memory.") from error


def _span(file: OpenFile, tensor: TensorInfo) -> bytes:
    """The bytes from the first element to the last."""
    storage, item = tensor.storage, ITEM_SIZE[tensor.dtype]
    reach = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True)) + 1
    start, count = tensor.offset * item, reach * item
    if storage.compressed:
        return _inflated(file, storage)[start : start + count]
    if count < storage.nbytes:
        return file.read_at(storage.offset + start, count)
    data = file.read_at(storage.offset, storage.nbytes)
    if storage.crc is not None and zlib.crc32(data) != storage.crc:
        raise damaged("tensor.checksum", f"the checksum of storage {storage.key} is wrong")
    return data


def _inflated(file: OpenFile, storage: StorageInfo) -> bytes:
    index = read_index(file)
    record = index.records.get(storage.record or "")
    if record is None or record.size != storage.nbytes:
        raise damaged("tensor.storage-missing", f"storage {storage.key} is not in the archive any more")
    return read_record(file, record, limit=storage.nbytes)


def _view(data: bytes, tensor: TensorInfo, dtype: np.dtype[Any]) -> Array:
    flat = np.frombuffer(data, dtype)
    strides = tuple(stride * dtype.itemsize for stride in tensor.strides)
    return np.ndarray(tensor.shape, dtype, flat, 0, strides)


def _converted(view: Array, dtype: str) -> Array:
    native: Array = view.astype(view.dtype.newbyteorder("="), order="C", copy=True)
    if dtype == "bfloat16":
        wide: Array = np.left_shift(native, 16, dtype=np.uint32)
        return wide.view(np.float32)
    if dtype == "bool":
        return np.not_equal(native, 0)
    if dtype == "float8_e5m2":  # the upper half of a float16
        half: Array = np.left_shift(native, 8, dtype=np.uint16)
        return half.view(np.float16).astype(np.float32)
    if dtype == "float8_e4m3fn":
        return np.take(FLOAT8_E4M3FN, native)
    return native


def _float8_e4m3fn() -> Array:
    """The 256 values: bias 7, no infinities, NaN only at 0x7F and 0xFF. Source: arXiv 2209.05433, table 1."""
    byte = np.arange(256)
    sign, exponent, fraction = np.where(byte < 128, 1.0, -1.0), (byte >> 3) & 15, byte & 7
    small = fraction / 8 * 2.0**-6
    values = sign * np.where(exponent == 0, small, (1 + fraction / 8) * 2.0 ** (exponent - 7.0))
    values[[0x7F, 0xFF]] = np.nan
    return values.astype(np.float32)


FLOAT8_E4M3FN = _float8_e4m3fn()
