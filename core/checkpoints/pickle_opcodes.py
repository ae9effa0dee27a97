"""The instructions of pickle protocols 0 to 5, each as a function on the machine. Source: CPython's pickletools.

STOP is the machine's own.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from core.checkpoints.contents import Stub
from core.checkpoints.refusal import Refusal, damaged

if TYPE_CHECKING:
    from core.checkpoints.pickle_machine import PickleMachine

MAX_INT_BYTES = 512  # 4,096 bits
MAX_INT_DIGITS = 1_240
FLOAT = struct.Struct(">d")
INT32 = struct.Struct("<i")


def _refused(what: str) -> Callable[[PickleMachine], None]:
    def handler(machine: PickleMachine) -> None:
        raise Refusal("pickle.refused-opcode", f"its table of contents uses {what}, which no checkpoint does")

    return handler


def _unknown(machine: PickleMachine) -> None:
    raise damaged("pickle.malformed", "its table of contents is garbled")


def _push(value: Any) -> Callable[[PickleMachine], None]:
    return lambda machine: machine.stack.append(value)


# ---- numbers and text -----------------------------------------------------------------------------------------------


def _size(machine: PickleMachine, width: int) -> int:
    return int.from_bytes(machine.take(width), "little")


def _unsigned(width: int) -> Callable[[PickleMachine], None]:
    return lambda machine: machine.stack.append(_size(machine, width))


def _byte(machine: PickleMachine) -> int:
    """The next byte: the three most frequent instructions have one."""
    value = machine.data[machine.position]
    machine.position += 1
    return value


def _binint1(machine: PickleMachine) -> None:
    machine.stack.append(_byte(machine))


def _binget(machine: PickleMachine) -> None:
    machine.stack.append(machine.memo[_byte(machine)])


def _binput(machine: PickleMachine) -> None:
    machine.memo[_byte(machine)] = machine.stack[-1]


def _binint(machine: PickleMachine) -> None:
    machine.stack.append(INT32.unpack(machine.take(4))[0])


def _binfloat(machine: PickleMachine) -> None:
    machine.stack.append(FLOAT.unpack(machine.take(8))[0])


def _int(machine: PickleMachine) -> None:
    line = machine.line()
    flags = {b"00": False, b"01": True}
    machine.stack.append(flags[line] if line in flags else _decimal(line))


def _long(machine: PickleMachine) -> None:
    machine.stack.append(_decimal(machine.line().removesuffix(b"L")))


def _decimal(line: bytes) -> int:
    if len(line) > MAX_INT_DIGITS:
        raise Refusal("pickle.huge-int", f"it holds a whole number of {len(line):,} digits")
    return int(line)


def _float(machine: PickleMachine) -> None:
    machine.stack.append(float(machine.line()))


def _long_of(width: int) -> Callable[[PickleMachine], None]:
    def handler(machine: PickleMachine) -> None:
        count = _size(machine, width)
        if count > MAX_INT_BYTES:
            raise Refusal("pickle.huge-int", f"it holds a whole number of {count:,} bytes")
        machine.stack.append(int.from_bytes(machine.take(count), "little", signed=True))

    return handler


def _text_of(width: int) -> Callable[[PickleMachine], None]:
    return lambda machine: machine.stack.append(str(machine.take(_size(machine, width)), "utf-8", "surrogatepass"))


def _bytes_of(width: int) -> Callable[[PickleMachine], None]:
    return lambda machine: machine.stack.append(machine.take(_size(machine, width)))


def _binstring_of(width: int) -> Callable[[PickleMachine], None]:
    return lambda machine: machine.stack.append(_old_text(machine.take(_size(machine, width))))


def _old_text(raw: bytes) -> str | bytes:
    """A Python 2 string: text if it is ASCII, else bytes."""
    return str(raw, "ascii") if raw.isascii() else raw


def _string(machine: PickleMachine) -> None:
    line = machine.line(1 << 20)
    if len(line) < 2 or line[0] != line[-1] or line[:1] not in (b"'", b'"'):
        raise damaged("pickle.malformed", "its table of contents is garbled")
    machine.stack.append(_old_text(line[1:-1]))  # escapes stay as written: nothing we read depends on them


def _unicode(machine: PickleMachine) -> None:
    machine.stack.append(str(machine.line(1 << 20), "utf-8", "surrogatepass"))


# ---- containers -----------------------------------------------------------------------------------------------------


def _mark(machine: PickleMachine) -> None:
    machine.marks.append(machine.stack)
    machine.stack = []


def _pop(machine: PickleMachine) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.to_mark()


def _pop_mark(machine: PickleMachine) -> None:
    machine.to_mark()


def _tuple(machine: PickleMachine) -> None:
    items = machine.to_mark()
    machine.charge(len(items))
    machine.stack.append(tuple(items))


def _tuple_of(count: int) -> Callable[[PickleMachine], None]:
    def handler(machine: PickleMachine) -> None:
        if len(machine.stack) < count:
            raise IndexError
        machine.charge(count)
        machine.stack[-count:] = [tuple(machine.stack[-count:])]

    return handler


def _list(machine: PickleMachine) -> None:
    items = machine.to_mark()
    machine.charge(len(items))
    machine.stack.append(items)


def _append(machine: PickleMachine) -> None:
    value = machine.stack.pop()
    _extend(machine, [value])


def _appends(machine: PickleMachine) -> None:
    _extend(machine, machine.to_mark())


def _extend(machine: PickleMachine, items: list[Any]) -> None:
    machine.charge(len(items) + 1)
    target = machine.stack[-1]
    if isinstance(target, list):
        target.extend(items)
    elif isinstance(target, Stub):
        target.items.extend(items)
    else:
        raise damaged("pickle.malformed", "its table of contents is garbled")


def _dict(machine: PickleMachine) -> None:
    items = machine.to_mark()
    machine.stack.append({})
    _put_all(machine, items)


def _setitem(machine: PickleMachine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    _put_all(machine, [key, value])


def _setitems(machine: PickleMachine) -> None:
    _put_all(machine, machine.to_mark())


def _put_all(machine: PickleMachine, items: list[Any]) -> None:
    machine.charge(len(items) // 2 + 1)
    target, key = machine.stack[-1], machine.key
    pairs = zip(items[::2], items[1::2], strict=True)
    if isinstance(target, dict):
        for name, value in pairs:
            target[name if type(name) is str else key(name)] = value
    elif isinstance(target, Stub):
        target.items.extend(pairs)
    else:
        raise damaged("pickle.malformed", "its table of contents is garbled")


def _additems(machine: PickleMachine) -> None:
    items = machine.to_mark()
    machine.charge(len(items) + 1)
    target = machine.stack[-1]
    if isinstance(target, Stub):
        target.items.extend(items)
    else:
        target.update([machine.key(item) for item in items])


def _frozenset(machine: PickleMachine) -> None:
    items = machine.to_mark()
    machine.charge(len(items))
    machine.stack.append(frozenset([machine.key(item) for item in items]))


# ---- memo -----------------------------------------------------------------------------------------------------------


def _get(machine: PickleMachine) -> None:
    machine.stack.append(machine.memo[_decimal(machine.line())])


def _get_of(width: int) -> Callable[[PickleMachine], None]:
    return lambda machine: machine.stack.append(machine.memo[_size(machine, width)])


def _put(machine: PickleMachine) -> None:
    machine.memo[_decimal(machine.line())] = machine.stack[-1]


def _put_of(width: int) -> Callable[[PickleMachine], None]:
    def handler(machine: PickleMachine) -> None:
        machine.memo[_size(machine, width)] = machine.stack[-1]

    return handler


def _memoize(machine: PickleMachine) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


# ---- names and objects ----------------------------------------------------------------------------------------------


def _global(machine: PickleMachine) -> None:
    module, name = str(machine.line(), "utf-8"), str(machine.line(), "utf-8")
    machine.stack.append(machine.reference(module, name))


def _stack_global(machine: PickleMachine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise damaged("pickle.malformed", "its table of contents is garbled")
    machine.stack.append(machine.reference(module, name))


def _reduce(machine: PickleMachine) -> None:
    args, cls = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(machine.call(cls, args))


def _newobj_ex(machine: PickleMachine) -> None:
    kwargs, args, cls = machine.stack.pop(), machine.stack.pop(), machine.stack.pop()
    if type(kwargs) is not dict:
        raise damaged("pickle.malformed", "its table of contents is garbled")
    machine.stack.append(machine.call(cls, args, kwargs))


def _inst(machine: PickleMachine) -> None:
    module, name = str(machine.line(), "utf-8"), str(machine.line(), "utf-8")
    args = tuple(machine.to_mark())
    machine.stack.append(machine.call(machine.reference(module, name), args))


def _obj(machine: PickleMachine) -> None:
    cls, *args = machine.to_mark()
    machine.stack.append(machine.call(cls, tuple(args)))


def _build(machine: PickleMachine) -> None:
    state = machine.stack.pop()
    machine.build(machine.stack[-1], state)


def _binpersid(machine: PickleMachine) -> None:
    machine.stack.append(machine.storage(machine.stack.pop()))


# ---- the rest -------------------------------------------------------------------------------------------------------


def _proto(machine: PickleMachine) -> None:
    version = machine.take(1)[0]
    if version > 5:
        raise damaged("pickle.protocol", f"its table of contents claims the unknown pickle protocol {version}")


def _frame(machine: PickleMachine) -> None:
    _size(machine, 8)  # a hint for buffering; every later read is checked by itself


_NAMED: dict[bytes, Callable[[PickleMachine], None]] = {
    b"(": _mark, b"0": _pop, b"1": _pop_mark,
    b"2": lambda machine: machine.stack.append(machine.stack[-1]),
    b"F": _float, b"I": _int, b"J": _binint, b"K": _binint1, b"L": _long, b"M": _unsigned(2), b"N": _push(None),
    b"P": _refused("a text storage id"), b"Q": _binpersid, b"R": _reduce,
    b"S": _string, b"T": _binstring_of(4), b"U": _binstring_of(1), b"V": _unicode, b"X": _text_of(4),
    b"a": _append, b"b": _build, b"c": _global, b"d": _dict, b"}": lambda machine: machine.stack.append({}),
    b"e": _appends, b"g": _get, b"h": _binget, b"i": _inst, b"j": _get_of(4), b"l": _list,
    b"]": lambda machine: machine.stack.append([]), b"o": _obj, b"p": _put, b"q": _binput, b"r": _put_of(4),
    b"s": _setitem, b"t": _tuple, b")": _push(()), b"u": _setitems, b"G": _binfloat,
    b"\x80": _proto, b"\x81": _reduce, b"\x82": _refused("an extension code"), b"\x83": _refused("an extension code"),
    b"\x84": _refused("an extension code"), b"\x85": _tuple_of(1), b"\x86": _tuple_of(2), b"\x87": _tuple_of(3),
    b"\x88": _push(True), b"\x89": _push(False), b"\x8a": _long_of(1), b"\x8b": _long_of(4),
    b"B": _bytes_of(4), b"C": _bytes_of(1), b"\x8c": _text_of(1), b"\x8d": _text_of(8), b"\x8e": _bytes_of(8),
    b"\x8f": lambda machine: machine.stack.append(set()), b"\x90": _additems, b"\x91": _frozenset,
    b"\x92": _newobj_ex, b"\x93": _stack_global, b"\x94": _memoize, b"\x95": _frame, b"\x96": _bytes_of(8),
    b"\x97": _refused("data outside the file"), b"\x98": lambda machine: None,
}  # fmt: skip
HANDLERS = tuple(_NAMED.get(bytes([code]), _unknown) for code in range(256))
