"""What lies in an opened checkpoint, by name: weights, settings, counters. Nothing is interpreted here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from core.checkpoints.contents import Contents, Stub, TensorInfo
from core.checkpoints.scalars import number_of
from core.checkpoints.text import SHORTENED, plain, safe_text
from core.checkpoints.weight_forms import Weights, bare_key
from core.checkpoints.weight_sets import sort_weights
from core.checkpoints.whole_module import is_module, module_tensors
from core.records import Finding

CONTAINERS = ("state_dict", "model_state_dict", "model", "network_weights", "net", "network", "weights")
"""Lightning's, those of training scripts, and nnU-Net's (version 2)."""
TRAINED_STAGES = "vlm_film_trained_stages"
OTHER_FILE = "Choose the .ckpt file that the training run saved (usually <experiment>/checkpoints/best.ckpt)."


@dataclass(frozen=True, kw_only=True, eq=False)
class Inventory:
    """`sets`: weights by set under the keys of the network that is built, `model` first where the file has it (empty
    when the file has no weights at all). `origins`: set -> where in the file it lies. `stored`: the set that the state
    dict itself is, which a loader without special knowledge takes.

    `hyper_parameters`: plain JSON values. `extras`: plain top-level values that are not weights or trainer state.
    """

    name: str
    sets: Mapping[str, Weights]
    hyper_parameters: Mapping[str, Any]
    extras: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    stored: str = "model"

    @property
    def weights(self) -> Weights:
        """The model's own weights, or the average of a file that holds nothing else. All sets have these shapes."""
        return next(iter(self.sets.values()))

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Key of the state dict -> shape."""
        return {key: info.shape for key, info in self.weights.items()}

    def counter(self, key: str) -> int | None:
        """`epoch` or `global_step`; None when the file does not count."""
        value = self.extras.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def build_inventory(contents: Contents) -> Inventory:
    """Sort the tree of an opened file into weights, settings and counters; findings say what is missing or odd."""
    root = contents.root if isinstance(contents.root, Mapping) else {}
    findings = list(contents.findings)
    tensors = _pickled(contents, root, findings) or _weights(contents, root, findings)
    found = sort_weights(root, tensors, partial(number_of, contents), findings)
    return Inventory(
        name=safe_text(contents.path.name),
        sets=found.sets,
        origins=found.origins,
        stored=found.stored,
        hyper_parameters=_hyper_parameters(root, findings),
        extras={key: plain(root[key]) for key in _EXTRAS if key in root},
        findings=tuple(findings),
    )


_EXTRAS = (
    "epoch",
    "global_step",
    "pytorch-lightning_version",
    "hparams_name",
    "datamodule_hyper_parameters",
    TRAINED_STAGES,
)


def parameters(weights: Weights) -> int:
    """How many numbers a set of weights holds."""
    return sum(info.numel for info in weights.values())


def _weights(contents: Contents, root: Mapping[Any, Any], findings: list[Finding]) -> Weights:
    name = safe_text(contents.path.name)
    key = next((key for key in CONTAINERS if _may_hold_weights(root, key)), None)
    bare = key is None
    tree = root if key is None else root[key]
    if not isinstance(tree, Mapping):
        kind = "a list" if isinstance(tree, (list, tuple)) else f"{type(tree).__name__}"
        findings.append(_no_weights(f"{name}: no named model weights were found: state_dict is {kind}, not a mapping."))
        return {}
    tensors = {str(key): item for key, item in tree.items() if isinstance(item, TensorInfo)}
    if not tensors:
        where = f"{len(tree)} entries and no tensors in state_dict" if not bare else _instead(contents.root)
        findings.append(_no_weights(f"{name}: no model weights were found in this file. It holds {where}."))
    elif len(tensors) < len(tree) and not bare:
        findings.append(_skipped(name, len(tree) - len(tensors)))
    return unwrapped(tensors, findings)


def _pickled(contents: Contents, root: Mapping[Any, Any], findings: list[Finding]) -> Weights:
    """The weights of a model that was saved as an object, alone or as an entry; empty where there is none."""
    module = next((item for item in (contents.root, *map(root.get, CONTAINERS)) if is_module(item)), None)
    if module is None:
        return {}
    message = f"The model was saved as an object of the class {safe_text(module.class_name, 120)}, which was not run."
    remedy = "Nothing to do: its weights were read by their names."
    findings.append(Finding(severity="note", code="weights.of-an-object", message=message, remedy=remedy))
    return unwrapped(module_tensors(module), findings)


def _may_hold_weights(root: Mapping[Any, Any], key: str) -> bool:
    """Whether `key` is where training scripts put the model: Lightning's always, the others if tensors lie there."""
    tree = root.get(key)
    named = isinstance(tree, Mapping) and any(isinstance(item, TensorInfo) for item in tree.values())
    return named if key != "state_dict" else key in root


def _instead(root: Any) -> str:
    """What a file holds that is no mapping of weights."""
    if isinstance(root, Stub):
        return f"one object of the class {safe_text(root.class_name, 120)}"
    if not isinstance(root, Mapping):
        return f"a single {type(root).__name__}"
    return f"no state_dict, but {len(root)} other entries"


def _no_weights(message: str) -> Finding:
    return Finding(severity="error", code="weights.none", message=message, remedy=OTHER_FILE)


def _skipped(name: str, count: int) -> Finding:
    message = f"{name}: {count:,} entries of state_dict hold no tensor and were skipped."
    remedy = "Nothing to do if the checkpoint loads: every weight of the network was found."
    return Finding(severity="warning", code="weights.not-tensors", message=message, remedy=remedy)


def unwrapped(tensors: Weights, findings: list[Finding]) -> Weights:
    """Keys without the prefixes of wrappers: `module.` (data parallel, when all have it), `_orig_mod.` (compiled)."""
    parallel = bool(tensors) and all(key.startswith("module.") for key in tensors)
    renamed = {bare_key(key, parallel=parallel): info for key, info in tensors.items()}
    if len(renamed) < len(tensors):
        message = "Two keys of the state dict become one when the prefixes module. and _orig_mod. are removed."
        remedy = "Save the checkpoint again from the unwrapped model."
        findings.append(Finding(severity="error", code="weights.keys-collide", message=message, remedy=remedy))
    elif renamed.keys() != tensors.keys():
        message = "The keys carry the prefixes of a wrapper (module. or _orig_mod.), which were removed."
        remedy = "Nothing to do: the weights are the same."
        findings.append(Finding(severity="note", code="weights.prefix-removed", message=message, remedy=remedy))
    return renamed


def _hyper_parameters(root: Mapping[Any, Any], findings: list[Finding]) -> Mapping[str, Any]:
    if "hyper_parameters" not in root:
        message = "No settings (hyper_parameters) were stored in this file."
        findings.append(Finding(severity="warning", code="hparams.missing", message=message, remedy=OTHER_FILE))
        return {}
    values = plain(root["hyper_parameters"])
    if isinstance(values, Mapping):
        findings += _shortened(values)
        return values
    message = (
        f"The stored settings are not in a readable form: hyper_parameters is {type(values).__name__}, not a mapping."
    )
    findings.append(Finding(severity="warning", code="hparams.unreadable", message=message, remedy=OTHER_FILE))
    return {}


def _shortened(values: Mapping[str, Any]) -> list[Finding]:
    """A note when some setting is too large to show, so that nobody takes what is shown for all of it."""
    todo: list[Any] = [values]
    while todo:
        value = todo.pop()
        if value == SHORTENED or (isinstance(value, Mapping) and SHORTENED in value):
            message = "At least one of the stored settings is too large to show in full; it is shown shortened."
            remedy = "Nothing to do: what decides how the checkpoint runs is read whole."
            return [Finding(severity="note", code="hparams.shortened", message=message, remedy=remedy)]
        todo += value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return []
