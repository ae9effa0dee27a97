"""Single numbers that a file keeps as tensors: counters of averages and scores. At most a few bytes are read."""

from __future__ import annotations

from typing import Any

from core.checkpoints.contents import Contents, Reference, Stub, TensorInfo
from core.checkpoints.reader import read_array
from core.errors import CheckpointRefused

WHOLE_RECORD = 4_096
"""A deflated record is unpacked whole, so only one as small as this is looked at."""
DEEPEST = 4


def number_of(contents: Contents, value: Any) -> float | None:
    """`value` as a number: a plain one, a tensor of one element, or one inside a record of an unknown tensor class.

    None for anything else, and where the bytes cannot be read. NaN and infinities come back as they are.
    """
    if isinstance(value, (bool, int, float)):
        return _as_float(value)
    tensor = _tensor_in(value)
    if tensor is None or tensor.numel != 1 or tensor.layout != "strided" or tensor.dtype.startswith("complex"):
        return None
    if tensor.storage.compressed and tensor.storage.nbytes > WHOLE_RECORD:
        return None
    try:
        return float(read_array(contents, tensor).reshape(-1)[0])
    except (CheckpointRefused, OSError):
        return None


def _as_float(value: float) -> float | None:
    try:
        return float(value)
    except OverflowError:  # a whole number of thousands of digits
        return None


def _tensor_in(value: Any, depth: int = 0) -> TensorInfo | None:
    """The first tensor in `value`, or in what a record of a tensor's subclass was made from."""
    if isinstance(value, TensorInfo):
        return value
    if depth == DEEPEST or isinstance(value, Reference) or not isinstance(value, (Stub, tuple, list)):
        return None
    parts = value.args if isinstance(value, Stub) else value
    return next((found for part in parts[:8] if (found := _tensor_in(part, depth + 1)) is not None), None)
