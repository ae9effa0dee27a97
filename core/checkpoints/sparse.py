"""The indices of sparse tensors, checked when the file is opened: nobody may read past memory later."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.checkpoints.arrays import array_of
from core.checkpoints.contents import TensorInfo
from core.checkpoints.intake import OpenFile
from core.checkpoints.refusal import Refusal, damaged
from core.records import Array

MAX_INDEX_BYTES = 16 << 20


def check_sparse(file: OpenFile, tensors: Sequence[TensorInfo], big_endian: bool) -> None:
    """Refuses the file if the indices of one of `tensors` contradict its shape or values."""
    left = MAX_INDEX_BYTES
    for tensor in tensors:
        left -= sum(part.numel * 8 for part in tensor.parts[:-1])
        if left < 0:
            raise Refusal("tensor.sparse-too-large", "its sparse tensors are too large to check", "Save them dense.")
        indices = [array_of(file, part, big_endian) for part in tensor.parts[:-1]]
        good = _coo(tensor, indices[0]) if tensor.layout == "sparse_coo" else _compressed(tensor, *indices)
        if not good:
            raise damaged("tensor.sparse", "a sparse tensor in it is inconsistent")


def _coo(tensor: TensorInfo, indices: Array) -> bool:
    values = tensor.parts[1]
    if indices.ndim != 2 or indices.dtype.kind != "i" or not values.shape:
        return False
    dims, count = indices.shape
    fits = dims <= len(tensor.shape) and values.shape == (count, *tensor.shape[dims:])
    limits = np.array(tensor.shape[:dims], np.float64)[:, None]
    return bool(fits and (indices >= 0).all() and (indices < limits).all())


def _compressed(tensor: TensorInfo, pointers: Array, indices: Array) -> bool:
    """CSR (rows compressed) or CSC (columns compressed) of a matrix."""
    if len(tensor.shape) != 2 or pointers.ndim != 1 or indices.ndim != 1:
        return False
    if pointers.dtype.kind != "i" or indices.dtype.kind != "i":
        return False
    rows, columns = tensor.shape if tensor.layout == "sparse_csr" else tensor.shape[::-1]
    count = len(indices)
    fits = len(pointers) == rows + 1 and tensor.parts[2].shape == (count,)
    if not fits or pointers[0] != 0 or pointers[-1] != count or (np.diff(pointers) < 0).any():
        return False
    return bool((indices >= 0).all() and (indices < columns).all())
