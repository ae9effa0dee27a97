"""Storages and tensors as descriptors, checked in Python integers before a byte is read or allocated."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from core.checkpoints.contents import Reference, StorageInfo, Stub, TensorInfo
from core.checkpoints.refusal import Refusal, damaged

if TYPE_CHECKING:
    from core.checkpoints.pickle_machine import PickleMachine

Args = tuple[Any, ...]
Maker = Callable[["PickleMachine", Stub, Args], Any]
MAX_DIMS = 64
MAX_EXPANSION = 1_024
SMALL = 16 << 20
"""Up to so many numbers a view may repeat its storage at will: placeholders of left-out weights do."""
KEY = re.compile(r"[0-9A-Za-z_.\-]{1,128}")
DTYPE_OF = {
    "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128", "UntypedStorage": "uint8",
    "QInt8Storage": "qint8", "QUInt8Storage": "quint8", "QInt32Storage": "qint32",
}  # fmt: skip
ITEM_SIZE = {
    "float32": 4, "float64": 8, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "int16": 2, "int8": 1,
    "uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8, "bool": 1, "complex32": 4, "complex64": 8, "complex128": 16,
    "float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1, "float8_e8m0fnu": 1,
    "qint8": 1, "quint8": 1, "qint32": 4,
}  # fmt: skip
SPARSE = {"torch.sparse_coo": "sparse_coo", "torch.sparse_csr": "sparse_csr", "torch.sparse_csc": "sparse_csc"}


def storage_claim(persistent_id: Any) -> tuple[str, str, int, int]:
    """(key, dtype, numel, bytes) of a persistent id ('storage', class, key, location, numel, ...)."""
    if type(persistent_id) is not tuple or len(persistent_id) < 5 or persistent_id[0] != "storage":
        raise Refusal("tensor.unknown-storage", "it refers to data outside the file in a way no checkpoint does")
    _, cls, key, _, numel = persistent_id[:5]
    if type(key) is int:
        key = str(key)
    if type(key) is not str or KEY.fullmatch(key) is None or set(key) == {"."}:
        raise Refusal("tensor.unsafe-key", "the name of a storage in it points outside the file's own data")
    if not isinstance(cls, Reference) or cls.module not in ("torch", "torch.cuda", "torch.storage"):
        raise Refusal("tensor.unknown-storage", "it has numbers of a kind that PyTorch does not know")
    if cls.name not in DTYPE_OF:
        raise Refusal("tensor.unknown-storage", f"it has numbers of the unknown kind {cls.class_name}")
    if not _is_count(numel) or numel >= 1 << 62:
        raise damaged("tensor.bad-shape", f"storage {key} declares an impossible number of elements")
    dtype = DTYPE_OF[cls.name]
    return key, dtype, numel, numel * ITEM_SIZE[dtype]


def check_record(claim: tuple[str, str, int, int], record_bytes: int) -> None:
    """A storage must be exactly as large as its record."""
    key, dtype, numel, nbytes = claim
    if nbytes != record_bytes:
        detail = f"storage {key} declares {numel:,} numbers ({dtype}), {nbytes:,} bytes, but holds {record_bytes:,}"
        raise damaged("tensor.storage-size", detail)


def tensor_info(storage: Any, offset: Any, shape: Any, strides: Any, dtype: str | None = None) -> TensorInfo:
    """A view that is proven to stay inside `storage`. `dtype` None = the storage's own."""
    if not isinstance(storage, StorageInfo):
        raise damaged("tensor.no-storage", "a tensor in it has no storage")
    dtype = dtype or storage.dtype
    capacity = storage.nbytes // ITEM_SIZE[dtype]
    if type(shape) is not tuple or type(strides) is not tuple or len(shape) != len(strides) or len(shape) > MAX_DIMS:
        raise damaged("tensor.bad-shape", "a tensor in it has an impossible shape")
    if not (_is_count(offset) and all(map(_is_count, shape)) and all(map(_is_count, strides))):
        raise damaged(
            "tensor.bad-shape", "a tensor in it has an impossible (negative or broken) shape, stride or offset"
        )
    numel = math.prod(shape)
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True)) if numel else offset
    if last >= capacity if numel else last > capacity:
        detail = f"a tensor of shape {shape_text(shape)} reaches outside its stored data ({capacity:,} numbers)"
        raise damaged("tensor.outside-storage", detail)
    if numel > max(SMALL, MAX_EXPANSION * capacity):
        raise damaged("tensor.expanded", f"a tensor of shape {shape_text(shape)} claims far more than its stored data")
    return TensorInfo(dtype=dtype, shape=shape, strides=strides, offset=offset, storage=storage)


def shape_text(shape: tuple[int, ...]) -> str:
    """`64 x 1 x 7 x 7`, shortened for shapes that only a hostile file has."""
    return " x ".join(map(str, shape[:8]))[:80] or "()"


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


# ---- what torch._utils would rebuild --------------------------------------------------------------------------------


def _tensor_v2(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    if len(args) < 4:
        raise damaged("tensor.malformed", "a tensor in it is garbled")
    return tensor_info(*args[:4])


def _tensor_v3(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    dtype = args[6] if len(args) > 6 else None
    if not isinstance(dtype, Reference) or dtype.module != "torch" or dtype.name not in ITEM_SIZE:
        raise Refusal("tensor.unknown-dtype", "a tensor in it has a number format that this program does not know")
    storage, offset, shape, strides = args[:4]
    return tensor_info(storage, offset, shape, strides, dtype.name)


def _parameter(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    if not args or not isinstance(args[0], TensorInfo):
        return machine.record(cls, args)
    return args[0]


def _sparse(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    """A sparse tensor; its index tensors are checked at the end, by `sparse`."""
    layout, data = args if len(args) == 2 else (None, None)
    if type(layout) is not str or layout not in SPARSE or type(data) is not tuple:
        return machine.record(cls, args)
    count = 2 if layout == "torch.sparse_coo" else 3
    parts: Any = data[:count]
    shape: Any = data[count] if len(data) > count else None
    dense = type(shape) is tuple and 0 < len(shape) <= MAX_DIMS and all(map(_is_count, shape))
    if not dense or not all(isinstance(part, TensorInfo) and part.layout == "strided" for part in parts):
        raise damaged("tensor.sparse", "a sparse tensor in it is inconsistent")
    values = parts[-1]
    info = TensorInfo(
        dtype=values.dtype,
        shape=shape,
        strides=(),
        offset=0,
        storage=values.storage,
        layout=SPARSE[layout],
        parts=parts,
    )
    machine.sparse.append(info)
    return info


MAKERS: dict[str, Maker] = {
    "torch._utils._rebuild_tensor": _tensor_v2,
    "torch._utils._rebuild_tensor_v2": _tensor_v2,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": _parameter,
    "torch._utils._rebuild_sparse_tensor": _sparse,
}
