"""A pickle interpreter that records instead of doing: it imports nothing, looks nothing up and calls nothing named.

One flat loop over protocols 0 to 5, a dictionary as memo, and budgets. The instructions are in `pickle_opcodes`, what
our own code makes of well-known names in `known_names`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.checkpoints.contents import Reference, Stub
from core.checkpoints.dangerous import is_dangerous, modern
from core.checkpoints.known_names import KNOWN
from core.checkpoints.pickle_opcodes import HANDLERS
from core.checkpoints.refusal import Refusal, Truncated, damaged
from core.checkpoints.shells import Attributes, Shell

STRIDE = 4_096
STOP = ord(".")
MALFORMED = (IndexError, KeyError, ValueError, TypeError, OverflowError, RecursionError, AttributeError)
"""What garbled instructions raise in our own handlers: every one of them means a damaged file."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one pickle may use up. About 32 instructions per tensor; 3 s are ten times a large checkpoint's need."""

    opcodes: int = 1_500_000
    items: int = 2_000_000
    derived_bytes: int = 64 << 20
    tuple_keys: int = 2_000
    seconds: float = 3.0


class PickleMachine:
    """Interprets one pickle that starts at `position` of `data`; `position` then is the byte after it.

    `storage` turns a persistent id (a tuple) into a value. `dangers` collects names that no checkpoint needs;
    `unknown` counts the objects of classes we know nothing about, by class name.
    """

    def __init__(self, data: bytes, storage: Callable[[Any], Any], position: int = 0, budget: Budget | None = None):
        self.data = data
        self.position = position
        self.storage = storage
        self.budget = budget or Budget()
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.dangers: list[str] = []
        self.unknown: dict[str, int] = {}
        self.sparse: list[Any] = []
        self.needs_unwrapping = False
        self._names: dict[tuple[str, str], Reference] = {}
        self._items = self.budget.items
        self._derived = self.budget.derived_bytes
        self._tuple_keys = self.budget.tuple_keys

    def run(self) -> Any:
        """The value of the pickle. Raises Refusal; a danger met on the way outranks every other reason."""
        try:
            self._loop()
            value = self.stack.pop()
        except Refusal as refusal:
            self.refuse_dangers(refusal)
            raise
        except MALFORMED as error:
            self.refuse_dangers(error)
            if self.position >= len(self.data):
                raise Truncated from error
            raise damaged("pickle.malformed", "its table of contents is garbled") from error
        self.refuse_dangers(None)
        return value

    def _loop(self) -> None:
        data, deadline, left = self.data, time.monotonic() + self.budget.seconds, self.budget.opcodes
        while True:
            for _ in range(STRIDE):
                opcode = data[self.position]
                self.position += 1
                if opcode == STOP:
                    return
                HANDLERS[opcode](self)
            left -= STRIDE
            if left <= 0 or time.monotonic() > deadline:
                raise Refusal("pickle.too-long", "its table of contents is too large or too slow to read to the end")

    # ---- reading ----------------------------------------------------------------------------------------------------

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        start, end = self.position, self.position + count
        if count < 0:
            raise damaged("pickle.malformed", "its table of contents announces a negative length")
        if end > len(self.data):
            raise Truncated("it declares more data than it contains")
        self.position = end
        return self.data[start:end]

    def line(self, limit: int = 4_096) -> bytes:
        """The next line of a text instruction, without its end."""
        end = self.data.find(b"\n", self.position, self.position + limit)
        if end < 0:
            if self.position + limit > len(self.data):
                raise Truncated
            raise damaged("pickle.malformed", "a line of its table of contents is too long")
        line = self.data[self.position : end]
        self.position = end + 1
        return line

    def to_mark(self) -> list[Any]:
        """Everything since the last MARK, taken off the stack."""
        items = self.stack
        self.stack = self.marks.pop()
        return items

    # ---- budgets ----------------------------------------------------------------------------------------------------

    def charge(self, items: int) -> None:
        """Count container items."""
        self._items -= items
        if self._items < 0:
            raise Refusal("pickle.too-many-items", "its table of contents holds too many items to be a checkpoint's")

    def charge_bytes(self, count: int) -> None:
        """Count bytes that our own functions make out of other values."""
        self._derived -= count
        if self._derived < 0:
            raise Refusal("pickle.too-large", "its table of contents declares more data than the file contains")

    # ---- names and objects ------------------------------------------------------------------------------------------

    def reference(self, module: str, name: str) -> Reference:
        """The name of a class or function, as data; the same object for the same name."""
        found = self._names.get((module, name))
        if found is None:
            found = Reference(module=modern(module), name=name)
            self._names[module, name] = found
            if is_dangerous(found.module, name):
                self.danger(found.class_name)
        return found

    def danger(self, name: str) -> None:
        """Remember that the file asks to run `name`."""
        if name not in self.dangers:
            self.dangers.append(name)

    def call(self, cls: Any, args: Any, kwargs: Any = None) -> Any:
        """What REDUCE, NEWOBJ, INST and OBJ come to: a value of our own making for a known name, else a record."""
        if type(args) is not tuple or not isinstance(cls, Stub):
            raise damaged("pickle.malformed", "its table of contents builds an object out of something else")
        maker = KNOWN.get(cls.class_name) if isinstance(cls, Reference) and not kwargs else None
        if maker is not None:
            return maker(self, cls, args)
        return self.record(cls, args, kwargs)

    def record(self, cls: Stub, args: tuple[Any, ...], kwargs: dict[Any, Any] | None = None) -> Stub:
        """An inert record of `cls(*args, **kwargs)`."""
        named = args[0] if cls.name == "partial" and args and isinstance(args[0], Stub) else cls
        self.unknown[named.class_name] = self.unknown.get(named.class_name, 0) + 1
        return Stub(module=cls.module, name=cls.name, args=args, kwargs=kwargs or {})

    def key(self, key: Any) -> Any:
        """`key`, fit for a dict or set: no deep tuples, no planned hash collisions, nothing unhashable."""
        kind = type(key)
        if kind is str or kind is bytes or key is None or kind is bool:
            return key
        if kind is int:
            return key if -(1 << 61) < key < 1 << 61 else hex(key)
        if kind is float or isinstance(key, Stub):  # a Stub is hashed by identity
            return key
        if kind is tuple:
            return self._tuple_key(key)
        if kind is complex:
            return str(key)
        raise damaged("pickle.bad-key", f"a dictionary of it has a key of type {kind.__name__}")

    def _tuple_key(self, key: tuple[Any, ...]) -> Any:
        _check_key_depth(key)
        self._tuple_keys -= 1
        if self._tuple_keys < 0:
            raise Refusal("pickle.too-many-tuple-keys", "it has more tuples as dictionary keys than any checkpoint")
        return tuple(self._key_part(part) for part in key)

    def _key_part(self, part: Any) -> Any:
        return tuple(self._key_part(item) for item in part) if type(part) is tuple else self.key(part)

    def build(self, target: Any, state: Any) -> None:
        """BUILD: give `target` its recorded state. Plain containers and tensors keep none."""
        if isinstance(target, Reference):
            raise Refusal("pickle.changes-code", f"it tries to change {target.class_name}, which no checkpoint does")
        if isinstance(target, Attributes):
            self.charge(target.take_state(state))
        elif isinstance(target, Shell):
            target.take_state(state, self)
        elif isinstance(target, Stub):
            target.state = state
        elif target is None or isinstance(target, (bool, int, float, str, bytes, complex)):
            raise damaged("pickle.malformed", "its table of contents gives a state to a plain value")

    def refuse_dangers(self, cause: BaseException | None) -> None:
        """Refuse the whole file if it asked to run something."""
        if not self.dangers:
            return
        names = ", ".join(self.dangers[:3]) + (" and others" if len(self.dangers) > 3 else "")
        message = f"this file is not just model weights: it asks Python to run {names} when opened"
        remedy = (
            "Flowglass did not run it and did not open the file; "
            "ask for the weights alone, as safetensors or a plain state dict."
        )
        raise Refusal("pickle.dangerous-name", message, remedy) from cause


def _check_key_depth(key: tuple[Any, ...]) -> None:
    """At most 64 parts, nested at most 8 deep: hashing a tuple recurses in C without a limit."""
    level: list[tuple[Any, ...]] = [key]
    parts = 0
    for _ in range(8):
        parts += sum(len(item) for item in level)
        if parts > 64:
            raise Refusal("pickle.bad-key", "the file is malformed: a dictionary key is nested or filled beyond reason")
        level = [part for item in level for part in item if type(part) is tuple]
        if not level:
            return
    raise Refusal("pickle.bad-key", "the file is malformed: a dictionary key is nested too deeply")
