"""The weights of a model that was pickled as an object: the tensors of its inert record, by the names torch gives them.

torch 2.13, `nn.Module.__getstate__`: parameters, buffers and modules are mappings in the object's state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.checkpoints.contents import Stub, TensorInfo

MOST_MODULES, DEEPEST = 20_000, 64


def is_module(item: Any) -> bool:
    """Whether `item` is the record of an object that keeps its parts as torch's modules do."""
    state = item.state if isinstance(item, Stub) else None
    return isinstance(state, Mapping) and all(
        isinstance(state.get(part), Mapping) for part in ("_parameters", "_buffers", "_modules")
    )


def module_tensors(module: Stub) -> dict[str, TensorInfo]:
    """What its `state_dict()` would name, in that order. Nothing is looked up or called.

    Of a module that holds itself, or more parts than any network has, only the first are read.
    """
    found: dict[str, TensorInfo] = {}
    todo, left = [("", module, 0)], MOST_MODULES
    while todo and left:
        prefix, each, depth = todo.pop()
        left -= 1
        own = {**each.state["_parameters"], **each.state["_buffers"]}
        found |= {f"{prefix}{name}": item for name, item in own.items() if isinstance(item, TensorInfo)}
        inner = each.state["_modules"].items() if depth < DEEPEST else ()
        todo += reversed([(f"{prefix}{name}.", item, depth + 1) for name, item in inner if is_module(item)])
    return found
