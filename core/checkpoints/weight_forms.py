"""A copy of a model's weights, brought under the model's own keys, whatever its library called them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.checkpoints.contents import TensorInfo

Weights = Mapping[str, TensorInfo]
ReadNumber = Callable[[Any], float | None]
"""A tensor of one element, or a plain number, as a number; None when it cannot be read."""
COUNTERS = frozenset(("n_averaged", "initted", "step", "num_updates", "optimization_step", "decay"))
INNER = ("state_dict", "ema_state_dict", "ema_weights", "ema_model", "shadow_params", "shadow", "model", "module")
"""Where an averaging object's own state keeps the weights: torch_ema and diffusers `shadow_params`, and others."""
WRAPPERS = ("module.", "model.", "shadow.", "ema_model.")
BATCH_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
"""Averages of parameters only leave these out, and whoever evaluates such an average uses the model's."""
PREFIXES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """Weights as an averaging library stored them, and its counters (`n_averaged`, `initted`, ...) as they were."""

    weights: Weights
    counters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aligned:
    """The copy under all keys of the model. `shared`: how many of them hold the model's own tensors, for want of any
    in the copy."""

    weights: Weights
    shared: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightSets:
    """`sets`: name -> weights under the keys of the network, `model` first where it is there. `origins`: name -> where
    in the file the set lies. `stored`: the set that `state_dict` itself is (not in `sets` if it was never averaged)."""

    sets: Mapping[str, Weights]
    origins: Mapping[str, str] = field(default_factory=dict)
    stored: str = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A copy that may be an average. `where`: how the place is called in messages; `tree`: what lies there."""

    name: str
    where: str
    tree: Any


def bare_key(key: str, *, parallel: bool = True) -> str:
    """`key` without the prefixes of wrappers: `module.` (if `parallel`) and `_orig_mod.`."""
    return key.removeprefix("module." if parallel else "").replace("_orig_mod.", "")


def copy_in(tree: Any, model: Weights, depth: int = 0) -> Copy | None:
    """The copy in a mapping by name, in a list in the order of the model's parameters, or one level further down.

    None where there is none: no tensors, or a list that does not fit the model.
    """
    if isinstance(tree, (list, tuple)):
        return _in_order(tree, model)
    if not isinstance(tree, Mapping):
        return None
    named = {str(key): item for key, item in tree.items() if isinstance(item, TensorInfo)}
    counters = {str(key): item for key, item in tree.items() if key in COUNTERS and key not in model}
    weights = _of_the_average({key: info for key, info in named.items() if key not in counters})
    if weights:
        return Copy(weights=weights, counters=counters)
    for key in INNER if depth < 2 else ():
        found = copy_in(tree.get(key), model, depth + 1)
        if found is not None:
            return Copy(weights=found.weights, counters={**counters, **found.counters})
    return None


def _of_the_average(named: Weights) -> Weights:
    """Without the copy of the raw model that ema_pytorch keeps beside the average (`online_model.`)."""
    if any(key.startswith("online_model.") for key in named):
        return {key: info for key, info in named.items() if not key.startswith("online_model.")}
    return named


def _in_order(items: list[Any] | tuple[Any, ...], model: Weights) -> Copy | None:
    """A list without names, as `parameters()` gives them: the order of the state dict without batch statistics."""
    keys = [key for key in model if not key.endswith(BATCH_STATISTICS)]
    if not items or len(items) != len(keys) or not all(isinstance(item, TensorInfo) for item in items):
        return None
    return Copy(weights=dict(zip(keys, items, strict=True)))


def holds_tensors(tree: Any, depth: int = 0) -> bool:
    members = tree.values() if isinstance(tree, Mapping) else tree if isinstance(tree, (list, tuple)) else ()
    return any(isinstance(item, TensorInfo) or (depth < 2 and holds_tensors(item, depth + 1)) for item in members)


def align(copy: Weights, model: Weights) -> Aligned | None:
    """The copy under the model's keys, in the model's order.

    Tried in turn: equal keys; keys below one prefix that most of the model has; keys without their dots, as buffers
    are named; then the same without a wrapper's prefix. None unless every weight is there in the model's shape.
    """
    copy = {key.replace("_orig_mod.", ""): info for key, info in copy.items()}
    while copy:
        for place in (_exactly, _below_a_prefix, _without_dots):
            found = place(copy, model)
            if found is not None:
                return found
        wrapper = next((item for item in WRAPPERS if all(key.startswith(item) for key in copy)), None)
        if wrapper is None:
            return None
        copy = {key.removeprefix(wrapper): info for key, info in copy.items()}
    return None


def _exactly(copy: Weights, model: Weights) -> Aligned | None:
    return _whole(copy, model, lambda key: True)


def _below_a_prefix(copy: Weights, model: Weights) -> Aligned | None:
    """`net.weight` for `unet.net.weight`: what is averaged is one module, which holds most of the model."""
    first = next(iter(copy))
    found = []
    for prefix in [key.removesuffix(first) for key in model if key.endswith("." + first)][:PREFIXES]:
        placed = {prefix + key: info for key, info in copy.items()}
        if 2 * len(placed) > len(model):
            found.append(_whole(placed, model, lambda key, prefix=prefix: key.startswith(prefix)))  # type: ignore[misc]
    fitting = [item for item in found if item is not None]
    return fitting[0] if len(fitting) == 1 else None


def _without_dots(copy: Weights, model: Weights) -> Aligned | None:
    """Averages that are buffers cannot have dots in their names: `net_0_weight` or `net0weight`."""
    names = {_flat(key): key for key in model}
    placed = {names.get(_flat(key), key): info for key, info in copy.items()}
    return _whole(placed, model, lambda key: True) if len(placed) == len(copy) else None


def _flat(key: str) -> str:
    return key.replace(".", "").replace("_", "")


def _whole(placed: Weights, model: Weights, within: Callable[[str], bool]) -> Aligned | None:
    """Everything `within` must be placed, batch statistics aside; nothing else may be, and shapes must agree."""
    if any(key not in model or model[key].shape != info.shape for key, info in placed.items()):
        return None
    missing = [key for key in model if key not in placed and within(key)]
    if not placed or any(not key.endswith(BATCH_STATISTICS) for key in missing):
        return None
    return Aligned(weights={key: placed.get(key, info) for key, info in model.items()}, shared=len(model) - len(placed))
