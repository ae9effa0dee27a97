"""Stored settings against the shapes of the weights: the shapes win, and a disagreement is told."""

from __future__ import annotations

from typing import Any

from core.checkpoints.dossier import FROM_TRAINING, IF_ON_PURPOSE, Dossier
from core.checkpoints.hyper_parameters import MOST_LEVELS, Settings, show
from core.networks import Architecture
from core.networks.medsegdiff.config import BASE, MedSegDiffConfig

GROUPS = 8
"""Group normalisation splits every width of the network into eight."""


def describe_sizes(dossier: Dossier, settings: Settings, architecture: Architecture, config: MedSegDiffConfig) -> None:
    """Architecture name, window and channels into the dossier, each with the shape that decides it."""
    _name(dossier, settings, architecture)
    _possible(dossier, config)
    first = f"{BASE}init_conv.weight has {config.state_channels} input channels"
    dossier.know("state_channels", config.state_channels, first)
    dossier.know(
        "in_channels", config.in_channels, f"{BASE}cond_init_conv.weight has {config.in_channels} input channels"
    )
    dossier.know("out_channels", config.out_channels, f"the network ends in a {config.head} head")
    dossier.know("used_output_channel", 0, "channel 0 (hard) becomes the mask")
    dossier.know("image_size", config.image_size, f"last size of {BASE}conditioners.0.ff_parser_attn_map")
    dossier.know("network", config.to_dict(), f"shapes of {BASE}init_conv, downs.*.3 and downs.*.2.fn.to_out")
    _compare(dossier, settings, config)


def _name(dossier: Dossier, settings: Settings, architecture: Architecture) -> None:
    stored = settings.values.get("arch_name")
    name = stored if stored in architecture.names else architecture.name
    dossier.know("arch", name, f"the file has {architecture.signature[-1]} and all other keys that mark this network")
    if stored is not None and stored not in architecture.names:
        _disagree(dossier, "arch_name", stored, f"the keys are those of {architecture.name}")


def _possible(dossier: Dossier, config: MedSegDiffConfig) -> None:
    problem = _impossible(config)
    if problem:
        dossier.error("network.sizes", f"The weights describe a network that cannot be run: {problem}.", FROM_TRAINING)


def _impossible(config: MedSegDiffConfig) -> str:
    if config.levels > MOST_LEVELS:
        return f"it has {config.levels} levels, where {MOST_LEVELS} are the most"
    if not 2 ** (config.levels - 1) <= config.image_size <= 4096:
        return f"its window of {config.image_size} pixels cannot be halved {config.levels - 1} times"
    if any(width % GROUPS or width > 8192 for width in config.widths):
        return f"its widths {list(config.widths)} are not all multiples of {GROUPS} up to 8192"
    if config.state_channels != config.out_channels:
        return f"it takes {config.state_channels} state channels and gives {config.out_channels}"
    if config.in_channels != 1:
        return f"it takes images of {config.in_channels} channels, where this version reads one"
    return ""


def _compare(dossier: Dossier, settings: Settings, config: MedSegDiffConfig) -> None:
    base, *others = config.widths
    mult = [width / base for width in others]
    for key, decided, shape in (
        ("image_size", config.image_size, f"the frequency map of level 0 is {config.image_size} wide"),
        ("model_channels", base, f"init_conv has {base} output channels"),
        ("channel_mult", [int(m) if m == int(m) else m for m in mult], f"the levels end in {others} channels"),
    ):
        stored = settings.values.get(key)
        if stored is not None and stored != decided and stored != tuple(decided if isinstance(decided, list) else ()):
            _disagree(dossier, key, stored, shape)
    _compare_attention(dossier, settings, config)


def _compare_attention(dossier: Dossier, settings: Settings, config: MedSegDiffConfig) -> None:
    resolutions = settings.values.get("attn_resolutions")
    if not isinstance(resolutions, (list, tuple)):
        return
    expected = tuple(max(1, config.image_size >> level) in resolutions for level in range(config.levels))
    if expected != config.full_attention:
        kinds = ["full" if full else "linear" for full in config.full_attention]
        _disagree(
            dossier,
            "attn_resolutions",
            resolutions,
            f"the levels have {', '.join(kinds)} attention by their to_out keys",
        )


def _disagree(dossier: Dossier, key: str, stored: Any, shape: str) -> None:
    dossier.warning(
        "hparams.disagrees",
        f"Hyper-parameter {key} is {show(stored)}, but {shape}: the weights are taken.",
        IF_ON_PURPOSE,
    )
