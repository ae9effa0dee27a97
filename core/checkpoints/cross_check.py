"""Stored settings against the shapes of the weights: the shapes win, and a disagreement is told."""

from __future__ import annotations

from core.checkpoints.dossier import FROM_TRAINING, IF_ON_PURPOSE, Dossier
from core.checkpoints.hyper_parameters import Settings, show
from core.networks import Architecture, NetworkConfig


def describe_sizes(dossier: Dossier, settings: Settings, architecture: Architecture, config: NetworkConfig) -> None:
    """Architecture name, window and channels into the dossier, each with the shape that decides it."""
    _name(dossier, settings, architecture)
    problem = config.problem() or _image_channels(config)
    if problem:
        dossier.error("network.sizes", f"The weights describe a network that cannot be run: {problem}.", FROM_TRAINING)
    why = config.witnesses()
    for field in ("in_channels", "state_channels", "out_channels", "image_size"):
        value = getattr(config, field)
        if value:  # no state channels, or a window that the weights do not show
            dossier.know(field, value, why[field])
    dossier.know("network", config.to_dict(), why["network"])
    for key, clause in config.contradictions(settings.values):
        _disagree(dossier, key, settings.values[key], clause)


def describe_window(dossier: Dossier, settings: Settings, key: str, divisor: int, default: int | None = None) -> None:
    """`image_size` from hyper-parameter `key`, where the weights do not show it; an error when it does not fit."""
    if dossier.fields.get("image_size") is not None:
        return
    if not settings.has(key) and default is None:
        message = f"Hyper-parameter {key} is missing, and the weights do not show how large the training window was."
        dossier.error(f"hparams.{key.replace('_', '-')}", message)
        return
    size = settings.integer(key, 1, 4096, default or 1)
    dossier.know("image_size", size, settings.said(key, default))
    if size % divisor:
        message = f"its window of {size} pixels (hyper-parameter {key}) is no multiple of {divisor}"
        dossier.error("network.sizes", f"The file describes a network that cannot be run: {message}.", FROM_TRAINING)


def _name(dossier: Dossier, settings: Settings, architecture: Architecture) -> None:
    stored = settings.values.get("arch_name")
    name = stored if stored in architecture.names else architecture.name
    dossier.know("arch", name, f"the file has {architecture.signature[-1]} and all other keys that mark this network")
    if stored is not None and stored not in architecture.names:
        _disagree(dossier, "arch_name", stored, f"the keys are those of {architecture.name}")


def _image_channels(config: NetworkConfig) -> str:
    if config.in_channels != 1:
        return f"it takes images of {config.in_channels} channels, where this version reads one"
    return ""


def _disagree(dossier: Dossier, key: str, stored: object, shape: str) -> None:
    dossier.warning(
        "hparams.disagrees",
        f"Hyper-parameter {key} is {show(stored)}, but {shape}: the weights are taken.",
        IF_ON_PURPOSE,
    )
