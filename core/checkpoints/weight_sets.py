"""The other sets of weights a file may carry besides its state dict: stochastic and exponential averages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.checkpoints.contents import TensorInfo
from core.records import Finding

Weights = Mapping[str, TensorInfo]
EMA_PREFIXES = ("ema_model.", "ema.")


def find_swa(root: Mapping[Any, Any], model: Weights, findings: list[Finding]) -> Weights | None:
    """Lightning's weight average, when averaging has started and the copy is complete (spec 1.1)."""
    state = _swa_state(root)
    average = _tensors(state.get("average_model_state"))
    if not average:
        return None
    if _not_started(state):
        findings.append(_initial_weights(state))
        return None
    if not _same_form(average, model):
        findings.append(_incomplete("swa", "average_model_state"))
        return None
    return _by_model_keys(average, model)


def find_ema(root: Mapping[Any, Any], model: Weights, findings: list[Finding]) -> Weights | None:
    """An exponential average kept as `ema_state_dict`, or beside the model under `ema_model.`."""
    average = _tensors(root.get("ema_state_dict"))
    if not average:
        inside = {key: info for key, info in model.items() if key.startswith(EMA_PREFIXES)}
        return inside or None
    if not _same_form(average, {key: info for key, info in model.items() if not key.startswith(EMA_PREFIXES)}):
        findings.append(_incomplete("ema", "ema_state_dict"))
        return None
    return _by_model_keys(average, model)


def _swa_state(root: Mapping[Any, Any]) -> Mapping[Any, Any]:
    callbacks = root.get("callbacks")
    if isinstance(callbacks, Mapping):
        for key, state in callbacks.items():
            if str(key).startswith("StochasticWeightAveraging") and isinstance(state, Mapping):
                return state
    return {}


def _not_started(state: Mapping[Any, Any]) -> bool:
    return state.get("latest_update_epoch") == -1 or state.get("n_averaged") == 0


def _tensors(tree: Any) -> dict[str, TensorInfo]:
    if not isinstance(tree, Mapping):
        return {}
    return {bare_key(str(key)): item for key, item in tree.items() if isinstance(item, TensorInfo)}


def bare_key(key: str, *, parallel: bool = True) -> str:
    """`key` without the prefixes of wrappers: `module.` (if `parallel`) and `_orig_mod.`."""
    return key.removeprefix("module." if parallel else "").replace("_orig_mod.", "")


def _same_form(average: Weights, model: Weights) -> bool:
    bare = {bare_key(key): info.shape for key, info in model.items()}
    return {key: info.shape for key, info in average.items()} == bare


def _by_model_keys(average: Weights, model: Weights) -> Weights:
    return {key: average[bare_key(key)] for key in model if bare_key(key) in average}


def _initial_weights(state: Mapping[Any, Any]) -> Finding:
    message = (
        "The weight average (SWA) in callbacks had not started when the file was saved "
        f"(latest_update_epoch {state.get('latest_update_epoch')}, n_averaged {state.get('n_averaged')}): "
        "it holds initial weights and is not offered."
    )
    remedy = "Nothing to do: the model weights are used."
    return Finding(severity="note", code="weights.swa-not-started", message=message, remedy=remedy)


def _incomplete(name: str, where: str) -> Finding:
    message = f"The keys or shapes of {where} are not those of state_dict, so the {name} weights are not offered."
    remedy = "Nothing to do for a run with the model weights; for the average, ask for the original file."
    return Finding(severity="warning", code=f"weights.{name}-incomplete", message=message, remedy=remedy)
