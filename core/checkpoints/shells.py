"""Objects of well-known classes while they are being built: filled by later instructions, then unwrapped.

None of the classes named here is imported; what they would have held is kept as plain values.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from core.checkpoints.contents import Stub
from core.checkpoints.refusal import damaged

if TYPE_CHECKING:
    from core.checkpoints.pickle_machine import PickleMachine

DTYPES = frozenset(["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"])
MAX_ARRAY_ITEMS = 10_000


class Attributes(dict[Any, Any]):
    """An argparse.Namespace, a Lightning AttributeDict and the like, as the dict of their attributes."""

    def take_state(self, state: Any) -> int:
        """Adopt the attributes in `state`; items win. Returns how many there were."""
        if type(state) is tuple and len(state) == 2:
            state = state[0]
        if not isinstance(state, dict):
            return 0
        for key, value in state.items():
            self.setdefault(key, value)
        return len(state)


class Shell(Stub):
    """A record whose `state` decides, at the end, what value stands for it."""

    __slots__ = ()

    def take_state(self, state: Any, machine: PickleMachine) -> None:
        self.state = state

    def value(self) -> Any:
        """What stands for it; itself if it never was completed."""
        return self


class OmegaNode(Shell):
    """A node of an OmegaConf tree: its content, unresolved (`${...}` stays text)."""

    __slots__ = ()

    def value(self) -> Any:
        state = self.state
        if type(state) is not dict:
            return self
        return state["_content"] if "_content" in state else state.get("_val", self)


class DtypeShell(Shell):
    """A numpy dtype. `numpy` is None for anything but plain numbers."""

    __slots__ = ()

    @property
    def numpy(self) -> np.dtype[Any] | None:
        code = self.args[0] if self.args else None
        if type(code) is not str or code not in DTYPES:
            return None
        order = self.state[1] if type(self.state) is tuple and len(self.state) > 1 else "="
        return np.dtype(("=" if order not in ("<", ">", "|") else order) + code)

    def value(self) -> Any:
        return f"numpy.{self.numpy.name}" if self.numpy is not None else self


class ArrayShell(Shell):
    """A numpy array; small numeric ones become nested lists, all others stay records."""

    __slots__ = ()

    def take_state(self, state: Any, machine: PickleMachine) -> None:
        self.state = state
        array = self._parse()
        if array is None:
            machine.unknown["numpy.ndarray"] = machine.unknown.get("numpy.ndarray", 0) + 1
        elif array.size <= MAX_ARRAY_ITEMS:
            machine.charge(array.size)
            self.items = [array.tolist()]
            self.state = None
        else:
            self.args, self.state = (list(array.shape), array.dtype.name), None

    def _parse(self) -> np.ndarray[Any, Any] | None:
        """The array in the state (version, shape, dtype, Fortran order, bytes); None if it holds objects."""
        if type(self.state) is not tuple or len(self.state) != 5:
            raise damaged("numpy.malformed", "a NumPy array in it is garbled")
        _, shape, dtype, fortran, data = self.state
        kind = dtype.numpy if isinstance(dtype, DtypeShell) else None
        if kind is None or type(data) is not bytes:
            return None
        return array_of(data, kind, shape, "F" if fortran else "C")

    def value(self) -> Any:
        return self.items[0] if self.items else self


def array_of(data: bytes, dtype: np.dtype[Any], shape: Any, order: Any) -> np.ndarray[Any, Any]:
    """The array that `data` holds, if it holds exactly as many numbers as `shape` says."""
    if type(shape) is not tuple or len(shape) > 32 or not all(type(size) is int and size >= 0 for size in shape):
        raise damaged("numpy.malformed", "a NumPy array in it has an impossible shape")
    if math.prod(shape) * dtype.itemsize != len(data):
        raise damaged("numpy.malformed", "a NumPy array in it declares another size than it has")
    return np.frombuffer(data, dtype).reshape(shape, order=order)


def unwrap(root: Any) -> Any:
    """`root` with every shell replaced by its value, in place where lists and dicts hold them.

    Iterative; every container is visited once. A tuple that holds shells is made anew, up to 8 levels deep.
    """
    done: dict[int, Any] = {}
    keep: list[Any] = []  # so that no id in `done` is used again
    root = _settled(root, done, keep)
    seen: set[int] = set()
    todo = [root]
    while todo:
        holder = todo.pop()
        if id(holder) in seen:
            continue
        seen.add(id(holder))
        todo.extend(_unwrap_one(holder, done, keep))
    return root


def _unwrap_one(holder: Any, done: dict[int, Any], keep: list[Any]) -> list[Any]:
    """Settle the members of one container; returns the members that are containers themselves."""
    if isinstance(holder, dict):
        for key, value in holder.items():
            holder[key] = _settled(value, done, keep)
        members: Any = holder.values()
    elif isinstance(holder, list):
        holder[:] = [_settled(value, done, keep) for value in holder]
        members = holder
    elif isinstance(holder, Stub):
        holder.args = _settled(holder.args, done, keep)
        holder.state = _settled(holder.state, done, keep)
        members = (holder.args, holder.kwargs, holder.state, holder.items)
    else:
        members = holder
    return [member for member in members if isinstance(member, (dict, list, tuple, Stub))]


def _settled(value: Any, done: dict[int, Any], keep: list[Any], depth: int = 0) -> Any:
    for _ in range(8):  # a union node holds a node, which holds the value
        if not isinstance(value, Shell):
            break
        value = value.value()
    if type(value) is not tuple or depth == 8 or not value:
        return value
    if id(value) not in done:
        parts = tuple(_settled(part, done, keep, depth + 1) for part in value)
        same = all(new is old for new, old in zip(parts, value, strict=True))
        keep.append(value)
        done[id(value)] = value if same else parts
    return done[id(value)]
