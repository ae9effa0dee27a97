"""Values from a file as text and plain data that are safe to show: short, escaped, finite, and never looked up."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from core.checkpoints.contents import Reference, Stub, TensorInfo
from core.text import one_line

MAX_TEXT = 2_000
MAX_ITEMS = 20_000
MAX_CHILDREN = 1_000
MAX_DEPTH = 50
CLASS_KEY = "(class)"
SHORTENED = "(shortened)"
SELF = "(refers to itself)"
TOO_DEEP = "(nested too deeply to show)"


def safe_text(value: object, limit: int = MAX_TEXT) -> str:
    """`value` as one line of at most `limit` characters, as by `one_line`.

    For text, numbers and names; anything else is shown by its kind.
    """
    return one_line(_as_text(value), limit)


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if value.bit_length() <= 4_096 else f"(a whole number of {value.bit_length():,} bits)"
    if isinstance(value, bytes):
        return f"({len(value):,} bytes)"
    if value is None or isinstance(value, (bool, float, complex)):
        return str(value)
    if isinstance(value, TensorInfo):
        return f"(tensor {value.dtype}, {' x '.join(map(str, value.shape[:8])) or 'one number'})"
    if isinstance(value, Stub):
        return value.class_name
    return f"({type(value).__name__})"


def plain(value: Any, max_items: int = MAX_ITEMS) -> Any:
    """`value` as JSON values: None, bool, int, finite float, safe text, lists, and dicts with text keys.

    A record of an unknown class becomes text that names the class and its arguments (`pkg.Sched('cosine')`,
    `functools.partial(torch.optim.AdamW, lr=0.001)`), or, if it has attributes, a dict of them with `(class)`. Shown
    breadth first: what is too much, too deep, or contains itself is replaced by a remark. `${...}` stays as it is.
    """
    return _Plain(max_items).convert(value)


class _Plain:
    """One conversion: a queue of containers still to fill, and the number of items it may still make."""

    def __init__(self, max_items: int) -> None:
        self.left = max_items
        self.queue: deque[tuple[Any, Any, _Above | None]] = deque()

    def convert(self, value: Any) -> Any:
        holder: list[Any] = []
        self._put(holder, None, value, None)
        while self.queue:
            source, target, above = self.queue.popleft()
            if isinstance(target, dict):
                self._fill_dict(source, target, above)
            else:
                self._fill_list(source, target, above)
        return holder[0]

    def _put(self, target: Any, key: str | None, value: Any, above: _Above | None) -> None:
        """Store what stands for `value` in `target`; containers are filled later, when their turn comes."""
        self.left -= 1
        shown = self._shown(value, above)
        if key is None:
            target.append(shown)
        else:
            target[key] = shown

    def _shown(self, value: Any, above: _Above | None) -> Any:
        source = _members(value)
        if source is None:
            return _leaf(value)
        if above is not None and above.holds(id(value)):
            return SELF
        if above is not None and above.depth >= MAX_DEPTH:
            return TOO_DEEP
        if self.left <= 0:
            return SHORTENED
        target: Any = {} if isinstance(source, Mapping) else []
        self.queue.append((source, target, _Above(id(value), above)))
        return target

    def _fill_dict(self, source: Mapping[Any, Any], target: dict[str, Any], above: _Above | None) -> None:
        for count, (key, value) in enumerate(source.items()):
            if self.left <= 0 or count >= MAX_CHILDREN:
                target[SHORTENED] = f"{len(source) - count:,} more"
                return
            self._put(target, _fresh(key_text(key), target), value, above)

    def _fill_list(self, source: Iterable[Any], target: list[Any], above: _Above | None) -> None:
        for count, value in enumerate(source):
            if self.left <= 0 or count >= MAX_CHILDREN:
                target.append(SHORTENED)
                return
            self._put(target, None, value, above)


class _Above:
    """The containers around a value, as a chain: at most `MAX_DEPTH` links."""

    __slots__ = ("depth", "identity", "parent")

    def __init__(self, identity: int, parent: _Above | None) -> None:
        self.identity = identity
        self.parent = parent
        self.depth: int = 1 if parent is None else parent.depth + 1

    def holds(self, identity: int) -> bool:
        link: _Above | None = self
        while link is not None:
            if link.identity == identity:
                return True
            link = link.parent
        return False


def key_text(key: Any) -> str:
    """A dictionary key as text; an enum member by its value."""
    if isinstance(key, tuple):
        return "(" + ", ".join(safe_text(part, 100) for part in key[:64]) + ")"
    if isinstance(key, Stub) and len(key.args) == 1 and isinstance(key.args[0], (str, int)):
        return safe_text(key.args[0])
    return safe_text(key)


def _fresh(key: str, target: dict[str, Any]) -> str:
    """`key`, or with a number where two keys look the same as text (1 and "1")."""
    number = 2
    name = key
    while name in target:
        name = f"{key} ({number})"
        number += 1
    return name


def _leaf(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value.bit_length() <= 4_096 else safe_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return stub_text(value) if isinstance(value, Stub) else safe_text(value)


def _members(value: Any) -> Mapping[Any, Any] | list[Any] | tuple[Any, ...] | None:
    """What `value` holds, if it is shown as a container."""
    if isinstance(value, (Mapping, list, tuple)):
        return value
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=safe_text) if len(value) <= MAX_ITEMS else [SHORTENED]
    if isinstance(value, Stub) and not _is_partial(value) and isinstance(value.state, Mapping) and value.state:
        return {CLASS_KEY: value.class_name, **_first(value.state, MAX_CHILDREN)}
    return None


def _first(mapping: Mapping[Any, Any], count: int) -> dict[Any, Any]:
    return {key: value for _, (key, value) in zip(range(count), mapping.items(), strict=False)}


def stub_text(stub: Stub, depth: int = 0) -> str:
    """A record as the call that would have made it, in one line."""
    if isinstance(stub, Reference):
        return safe_text(stub.class_name)
    name, args, kwargs = stub.class_name, stub.args, stub.kwargs
    if _is_partial(stub):
        name, args, kwargs = _partial(stub)
    if not args and not kwargs and not stub.items:
        return safe_text(name)
    shown = [_inline(value, depth) for value in args[:20]]
    shown += [f"{key_text(key)}={_inline(value, depth)}" for key, value in _first(kwargs, 20).items()]
    shown += [_inline(value, depth) for value in stub.items[:20]]
    return safe_text(f"{name}({', '.join(shown)})")


def _is_partial(stub: Stub) -> bool:
    return stub.class_name in ("functools.partial", "_functools.partial")


def _partial(stub: Stub) -> tuple[str, tuple[Any, ...], Mapping[Any, Any]]:
    """The name, arguments and named arguments of a partial, from its state (function, args, kwargs, attributes)."""
    args, kwargs = stub.args, stub.kwargs
    if isinstance(stub.state, tuple) and len(stub.state) >= 3:
        function, more, named = stub.state[:3]
        args = (function, *more) if isinstance(more, tuple) else (function,)
        kwargs = named if isinstance(named, Mapping) else {}
    return stub.class_name, args, kwargs


def _inline(value: Any, depth: int) -> str:
    """One argument inside the text of a record: at most 4 levels deep, 20 items each and 200 characters."""
    if depth >= 4:
        return SHORTENED
    if isinstance(value, str):
        return repr(safe_text(value, 200))
    if isinstance(value, Stub):
        return stub_text(value, depth + 1)[:400]
    if isinstance(value, (list, tuple)):
        inner = ", ".join(_inline(item, depth + 1) for item in value[:20])
        return safe_text(f"({inner})" if isinstance(value, tuple) else f"[{inner}]", 400)
    if isinstance(value, Mapping):
        pairs = (f"{key_text(key)}: {_inline(item, depth + 1)}" for key, item in _first(value, 20).items())
        return safe_text("{" + ", ".join(pairs) + "}", 400)
    return safe_text(value, 200)
