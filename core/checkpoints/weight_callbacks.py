"""Averages that Lightning's own callbacks keep. Layouts and rules read from Lightning 2.6.6."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.checkpoints.weight_forms import Offer, ReadNumber, Weights, WeightSets, align, copy_in, holds_tensors
from core.checkpoints.weight_remarks import incomplete, initial, never_averaged, transferred, words
from core.records import Finding


def swapped_by_lightning(
    root: Mapping[Any, Any], tensors: Weights, read_number: ReadNumber, findings: list[Finding]
) -> WeightSets | None:
    """WeightAveraging and EMAWeightAveraging (Lightning 2.5.2 on; read from 2.6.6): `state_dict` is the average, which
    the callback validates with, and `current_model_state` is the model in training."""
    current, state = root.get("current_model_state"), root.get("averaging_state")
    if not isinstance(current, Mapping) or not isinstance(state, Mapping):
        return None
    name = _lightning_name(root)
    origin = f"Lightning's weight averaging ({words(name)}) put its average into state_dict"
    copy = copy_in(current, tensors)
    raw = None if copy is None else align(copy.weights, tensors)
    begun = read_number(state.get("n_averaged")) != 0
    if raw is None:
        findings.append(incomplete(Offer(name="model", where="current_model_state", tree=None)))
        if not begun:
            findings.append(never_averaged("state_dict"))
        return WeightSets(sets={name: tensors}, origins={name: origin}, stored=name)
    if not begun:
        findings.append(initial(name, "state_dict", "n_averaged 0"))
        return WeightSets(sets={"model": raw.weights}, origins={"model": "current_model_state"}, stored=name)
    sets = {"model": raw.weights, name: tensors}
    return WeightSets(sets=sets, origins={"model": "current_model_state", name: origin}, stored=name)


def _lightning_name(root: Mapping[Any, Any]) -> str:
    """WeightAveraging averages evenly unless it is told otherwise; the subclasses that people write are exponential."""
    callbacks = root.get("callbacks")
    return "swa" if isinstance(callbacks, Mapping) and "WeightAveraging" in callbacks else "ema"


def swa_offers(root: Mapping[Any, Any], read_number: ReadNumber, findings: list[Finding]) -> Iterator[Offer]:
    """StochasticWeightAveraging keeps a whole copy from the start, of initial weights until it begins (spec 1.1)."""
    state = swa_state(root)
    average = state.get("average_model_state")
    if not isinstance(average, Mapping) or not holds_tensors(average):
        return
    where = "average_model_state in callbacks"
    if state.get("latest_update_epoch") == -1 or state.get("n_averaged") == 0:
        counters = f"latest_update_epoch {state.get('latest_update_epoch')}, n_averaged {state.get('n_averaged')}"
        findings.append(initial("swa", where, counters))
        return
    epochs = epochs_since(root)
    if epochs:
        findings.append(transferred(epochs))
    yield Offer(name="swa", where=where, tree=average)


def epochs_since(root: Mapping[Any, Any]) -> int:
    """How many epochs after the last average of the SWA callback the file was saved; 0 without one.

    The callback averages at the start of each epoch. With batch normalisation Lightning adds one epoch that runs, and
    validates, the average itself; otherwise only a file that was saved after the training is later than the average.
    """
    last, epoch = swa_state(root).get("latest_update_epoch"), root.get("epoch")
    return max(0, epoch - last) if type(last) is int and type(epoch) is int and last >= 0 else 0


def swa_state(root: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """What the SWA callback stored; empty when there is none."""
    callbacks = root.get("callbacks")
    for key, state in callbacks.items() if isinstance(callbacks, Mapping) else ():
        if str(key).startswith("StochasticWeightAveraging") and isinstance(state, Mapping):
            return state
    return {}
