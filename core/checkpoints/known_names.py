"""What our own code makes of well-known names. Nothing is imported: each entry is a small pure function of ours.

A name that is not in `KNOWN` becomes an inert record (`Stub`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from core.checkpoints import tensors
from core.checkpoints.contents import Reference, Stub
from core.checkpoints.refusal import Refusal, damaged
from core.checkpoints.shells import ArrayShell, Attributes, DtypeShell, OmegaNode, array_of

if TYPE_CHECKING:
    from core.checkpoints.pickle_machine import PickleMachine

Args = tuple[Any, ...]
Maker = Callable[["PickleMachine", Stub, Args], Any]
LATIN = ("latin1", "latin-1", "iso-8859-1")


def _dict(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    """dict, OrderedDict, Counter: from nothing, a dict, or pairs."""
    return _filled(machine, {}, args)


def _attributes(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    return _filled(machine, Attributes(), args)


def _filled(machine: PickleMachine, target: dict[Any, Any], args: Args) -> dict[Any, Any]:
    source = args[0] if args else ()
    if not isinstance(source, (dict, list, tuple)):
        raise damaged("pickle.malformed", "a dictionary in it is garbled")
    machine.charge(len(source))
    for key, value in source.items() if isinstance(source, dict) else source:
        target[machine.key(key)] = value
    return target


def _defaultdict(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    return _filled(machine, {}, args[1:])


def _items(args: Args, machine: PickleMachine) -> list[Any]:
    source = args[0] if args else ()
    if not isinstance(source, (list, tuple, set, frozenset, dict)):
        raise damaged("pickle.malformed", "a list in it is garbled")
    machine.charge(len(source))
    return list(source)


def _set(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    items = [machine.key(item) for item in _items(args, machine)]
    return frozenset(items) if cls.name == "frozenset" else set(items)


def _list(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    return _items(args[:1], machine)


def _tuple(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    return tuple(_items(args, machine))


def _complex(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    if len(args) != 2 or not all(type(part) in (int, float) for part in args):
        raise damaged("pickle.malformed", "a complex number in it is garbled")
    return complex(*args)


def _bytes(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    """bytes or bytearray of bytes, or of text in Latin-1; never of a length, which would reserve memory."""
    if not args:
        return b""
    if type(args[0]) is int:
        raise Refusal("pickle.claims-memory", f"the file claims {args[0]:,} bytes that it does not contain")
    if type(args[0]) is str and len(args) > 1:
        return _encode(machine, cls, args)
    if type(args[0]) is not bytes:
        return machine.record(cls, args)
    return args[0]


def _encode(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    """Bytes, as protocol 2 writes them: text whose code points are the bytes."""
    if not args or type(args[0]) is not str or (len(args) > 1 and args[1] not in LATIN):
        return machine.record(cls, args)
    machine.charge_bytes(len(args[0]))
    return args[0].encode("latin-1")


def _path(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    if not all(type(part) is str for part in args):
        raise damaged("pickle.malformed", "a path in it is garbled")
    machine.charge_bytes(sum(map(len, args)) + 1)
    return str((PureWindowsPath if "Windows" in cls.name else PurePosixPath)(*args))


def _getattr(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    """A member of a class by name: how Python 3.11 writes an enum. Anything else is a way to reach code."""
    member = args[1] if len(args) == 2 else None
    if type(member) is str and member.isidentifier() and member[0] != "_" and isinstance(args[0], Reference):
        return machine.reference(args[0].module, f"{args[0].name}.{member}")
    machine.danger(cls.class_name)
    return machine.record(cls, args)


def _reconstructor(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    """copyreg._reconstructor(class, base, value): an object as protocols 0 and 1 write it."""
    if len(args) != 3:
        raise damaged("pickle.malformed", "its table of contents is garbled")
    return machine.call(args[0], () if args[2] is None else (args[2],))


def _newobj(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    return machine.call(args[0], args[1:])


def _newobj_ex(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    target, positional, named = args
    return machine.call(target, positional, named if type(named) is dict else None)


# ---- OmegaConf and NumPy --------------------------------------------------------------------------------------------


def _omega(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    machine.needs_unwrapping = True
    return OmegaNode(module=cls.module, name=cls.name, args=args)


def _quiet(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    """A record that is no news to the user."""
    return Stub(module=cls.module, name=cls.name, args=args)


def _dtype(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    machine.needs_unwrapping = True
    return DtypeShell(module="numpy", name="dtype", args=args)


def _array(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    machine.needs_unwrapping = True
    return ArrayShell(module="numpy", name="ndarray", args=())


def _scalar(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    kind = args[0].numpy if args and isinstance(args[0], DtypeShell) else None
    if kind is None or len(args) < 2 or type(args[1]) is not bytes:
        return machine.record(cls, args)
    return array_of(args[1], kind, (), "C").item()


def _frombuffer(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    """numpy's protocol 5 form: (bytes, dtype, shape, order)."""
    array = ArrayShell(module="numpy", name="ndarray")
    data, dtype, shape, order = args
    machine.needs_unwrapping = True
    array.take_state((1, shape, dtype, order == "F", data), machine)
    return array


# ---- torch ----------------------------------------------------------------------------------------------------------


def _device(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    if not args or type(args[0]) is not str:
        return machine.record(cls, args)
    return args[0] + "".join(f":{index}" for index in args[1:2] if type(index) is int)


def _layout(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    return args[0] if args and type(args[0]) is str else machine.record(cls, args)


def _from_type(machine: PickleMachine, cls: Stub, args: Args) -> Any:
    """A tensor of a subclass (MONAI's MetaTensor): the tensor, if its own maker is one of ours."""
    inner = args[0] if len(args) >= 3 else None
    if isinstance(inner, Reference) and inner.class_name in tensors.MAKERS and type(args[2]) is tuple:
        return tensors.MAKERS[inner.class_name](machine, inner, args[2])
    machine.danger(cls.class_name)
    return machine.record(cls, args)


def _table() -> dict[str, Maker]:
    table: dict[str, Maker] = {
        "collections.OrderedDict": _dict, "collections.Counter": _dict, "builtins.dict": _dict,
        "collections.defaultdict": _defaultdict, "collections.deque": _list, "builtins.list": _list,
        "builtins.set": _set, "builtins.frozenset": _set, "builtins.tuple": _tuple, "torch.Size": _tuple,
        "builtins.complex": _complex, "builtins.bytearray": _bytes, "builtins.bytes": _bytes,
        "_codecs.encode": _encode, "builtins.getattr": _getattr,
        "copyreg._reconstructor": _reconstructor, "copyreg.__newobj__": _newobj, "copyreg.__newobj_ex__": _newobj_ex,
        "numpy.dtype": _dtype, "torch.device": _device, "torch.serialization._get_layout": _layout,
        "torch._tensor._rebuild_from_type_v2": _from_type, "torch._tensor._rebuild_from_type": _from_type,
    }  # fmt: skip
    table |= tensors.MAKERS
    for core in ("numpy.core", "numpy._core"):
        table[f"{core}.multiarray._reconstruct"] = _array
        table[f"{core}.multiarray.scalar"] = _scalar
        table[f"{core}.numeric._frombuffer"] = _frombuffer
    for module in ("pathlib", "pathlib._local"):
        for name in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath", "Path", "PurePath"):
            table[f"{module}.{name}"] = _path
    for name in ATTRIBUTE_CLASSES:
        table[name] = _attributes
    for name in ("dictconfig.DictConfig", "listconfig.ListConfig", *(f"nodes.{kind}Node" for kind in OMEGA_NODES)):
        table[f"omegaconf.{name}"] = _omega
    for name in ("Metadata", "ContainerMetadata"):
        table[f"omegaconf.base.{name}"] = _quiet
    return table


ATTRIBUTE_CLASSES = (
    "argparse.Namespace", "types.SimpleNamespace", "easydict.EasyDict", "munch.Munch", "addict.addict.Dict",
    "lightning.fabric.utilities.data.AttributeDict", "lightning_fabric.utilities.data.AttributeDict",
    "lightning.pytorch.utilities.parsing.AttributeDict", "pytorch_lightning.utilities.parsing.AttributeDict",
)  # fmt: skip
OMEGA_NODES = ("Any", "Integer", "Float", "String", "Boolean", "Bytes", "Path", "Enum", "Union", "InterpolationResult")
KNOWN = _table()
