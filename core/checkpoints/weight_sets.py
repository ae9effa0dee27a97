"""The sets of weights that a file carries: the model's, and stochastic (`swa`) and exponential (`ema`) averages.

Layouts as written by Lightning 2.6.6 (callbacks), torch 2.13 (`AveragedModel`), ema_pytorch, torch_ema, timm,
torchvision's references and the producers' DiffusionModel (supervised-diffusion-models 1.2, 2.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.checkpoints.contents import TensorInfo
from core.checkpoints.weight_callbacks import swa_offers, swapped_by_lightning
from core.checkpoints.weight_forms import (
    COUNTERS,
    Copy,
    Offer,
    ReadNumber,
    Weights,
    WeightSets,
    align,
    bare_key,
    copy_in,
    holds_tensors,
)
from core.checkpoints.weight_remarks import incomplete, initial, never_averaged, shares
from core.records import Finding

__all__ = ["WeightSets", "Weights", "sort_weights"]
MIRRORS = {"ema_model": "ema", "model_ema": "ema", "swa_model": "swa", "ema": "ema"}
"""First part of keys beside the model's own in one state dict."""
PLAIN_MODULE = "ema"
"""The one of them that networks also use for a module of their own (efficient multi-scale attention)."""
OF_THE_FILE = {
    "ema_state_dict": "ema", "state_dict_ema": "ema", "model_ema": "ema", "ema_model": "ema", "ema_weights": "ema",
    "ema": "ema", "swa_state_dict": "swa", "swa_model": "swa",
}  # fmt: skip
OF_A_CALLBACK = {
    "ema_state_dict": "ema", "ema_weights": "ema", "ema_model": "ema", "ema_model_state": "ema", "ema_params": "ema",
    "ema": "ema", "swa_state_dict": "swa",
}  # fmt: skip
STATE_DICT = "state_dict"


def sort_weights(
    root: Mapping[Any, Any], tensors: Weights, read_number: ReadNumber, findings: list[Finding]
) -> WeightSets:
    """`tensors` (the state dict of the file) and what else `root` holds, as sets. Averages that are incomplete or had
    not begun become findings, not sets."""
    swapped = swapped_by_lightning(root, tensors, read_number, findings)
    if swapped is not None:
        return swapped
    only = _only_an_average(tensors, read_number, findings)
    if only is not None:
        return only
    model, inside = _split(tensors)
    sets, origins = {"model": model}, {"model": STATE_DICT}
    for offer in (*swa_offers(root, read_number, findings), *_offers(root), *inside):
        weights = None if offer.name in sets else _accepted(offer, model, read_number, findings)
        if weights is not None:
            sets[offer.name], origins[offer.name] = weights, offer.where
    return WeightSets(sets=sets, origins=origins)


def _offers(root: Mapping[Any, Any]) -> Iterator[Offer]:
    """Copies at the top level, then those in the state of callbacks."""
    for key, name in OF_THE_FILE.items():
        if key in root:
            yield Offer(name=name, where=key, tree=root[key])
    callbacks = root.get("callbacks")
    for state in callbacks.values() if isinstance(callbacks, Mapping) else ():
        for key, name in OF_A_CALLBACK.items() if isinstance(state, Mapping) else ():
            if key in state:
                counters = {counter: state[counter] for counter in COUNTERS if counter in state}
                yield Offer(name=name, where=f"{key} in callbacks", tree={**counters, "state_dict": state[key]})


def _accepted(offer: Offer, model: Weights, read_number: ReadNumber, findings: list[Finding]) -> Weights | None:
    copy = copy_in(offer.tree, model)
    if copy is None:
        if holds_tensors(offer.tree):
            findings.append(incomplete(offer))
        return None
    if (counter := _not_begun(copy, read_number)) is not None:
        findings.append(initial(offer.name, offer.where, counter))
        return None
    found = align(copy.weights, model) or align(_split(copy.weights)[0], model)  # an average of the whole module
    if found is None:
        findings.append(incomplete(offer))
        return None
    if found.shared:
        findings.append(shares(offer, found.shared))
    return found.weights


def _not_begun(copy: Copy, read_number: ReadNumber) -> str | None:
    """The counter that says so, as `n_averaged 0`."""
    for counter in ("n_averaged", "initted"):
        if counter in copy.counters and read_number(copy.counters[counter]) == 0:
            return f"{counter} 0"
    return None


# ---- inside one state dict -------------------------------------------------------------------------------------------


def _split(tensors: Weights) -> tuple[Weights, list[Offer]]:
    """The model's own weights, and the copies that lie beside them under `ema_model.` and the like."""
    parts: dict[str, dict[str, TensorInfo]] = {}
    for key, info in tensors.items():
        first, _, rest = key.partition(".")
        if first in MIRRORS and rest:
            parts.setdefault(first, {})[rest] = info
    own = {key: info for key, info in tensors.items() if key.partition(".")[0] not in parts}
    if not own:  # beside nothing, such a name is a name like any other
        return tensors, []
    if PLAIN_MODULE in parts and not _is_a_copy(parts[PLAIN_MODULE], own):
        del parts[PLAIN_MODULE]
        own = {key: info for key, info in tensors.items() if key.partition(".")[0] not in parts}
    return own, [
        Offer(name=MIRRORS[first], where=f"{first}.* in state_dict", tree=part) for first, part in parts.items()
    ]


def _is_a_copy(part: Weights, own: Weights) -> bool:
    """Whether keys below `ema.` mean an average rather than a module of the network."""
    if any(key in COUNTERS or key.startswith(("ema_model.", "shadow.", "module.")) for key in part):
        return True
    return align(part, own) is not None


def _only_an_average(tensors: Weights, read_number: ReadNumber, findings: list[Finding]) -> WeightSets | None:
    """The state dict of an averaging wrapper alone: torch's `AveragedModel`, or ema_pytorch's `EMA`."""
    counters = {key: info for key, info in tensors.items() if key in COUNTERS}
    own = {key: info for key, info in tensors.items() if key not in COUNTERS}
    if "n_averaged" in counters and own and all(key.startswith("module.") for key in own):
        return _averaged_model(own, counters, read_number, findings)
    average = {key: info for key, info in own.items() if key.startswith("ema_model.")}
    if len(average) == len(tensors) and "ema_model.betas" in average:  # the copy of a DiffusionModel, cut out
        weights = {"diffusion_model." + key.removeprefix("ema_model."): info for key, info in average.items()}
        return WeightSets(sets={"ema": weights}, origins={"ema": "ema_model.* (no others are there)"}, stored="ema")
    online = {key: info for key, info in own.items() if key.startswith("online_model.")}
    if not average or len(average) + len(online) < len(own) or not (online or counters):
        return None
    weights = {bare_key(key.removeprefix("ema_model.")): info for key, info in average.items()}
    if not online:
        return WeightSets(sets={"ema": weights}, origins={"ema": "ema_model.* (no others are there)"}, stored="ema")
    model = {bare_key(key.removeprefix("online_model.")): info for key, info in online.items()}
    offer = Offer(name="ema", where="ema_model.*", tree={**weights, **counters})
    accepted = _accepted(offer, model, read_number, findings)
    sets = {"model": model} | ({} if accepted is None else {"ema": accepted})
    return WeightSets(sets=sets, origins={"model": "online_model.*", "ema": offer.where})


def _averaged_model(
    own: Weights, counters: Mapping[str, Any], read_number: ReadNumber, findings: list[Finding]
) -> WeightSets:
    weights = {bare_key(key): info for key, info in own.items()}
    if read_number(counters["n_averaged"]) == 0:
        findings.append(never_averaged("state_dict"))
        return WeightSets(sets={"model": weights}, origins={"model": "AveragedModel before its first average"})
    origin = "state dict of torch's AveragedModel (module.* and n_averaged)"
    return WeightSets(sets={"swa": weights}, origins={"swa": origin}, stored="swa")
