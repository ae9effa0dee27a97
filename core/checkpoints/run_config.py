"""The training run's config.yaml beside a checkpoint: the data set, and what the file itself does not say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.checkpoints.config_file import ConfigRefused, read_config
from core.checkpoints.dossier import Dossier
from core.checkpoints.hyper_parameters import Settings, show
from core.checkpoints.text import plain

FILLABLE = ("arch_name", "timesteps", "dfm_sampler", "dfm_eps", "image_size", "img_size", "num_ensemble", "use_ema")
"""Settings that mean the same whether the file or the config says them. Their absence is no trace of a writer."""
NEVER_PASSED_ON = ("conditioning_fmap_size", "channel_mult", "attn_resolutions")
"""Diffusion configs hold these, but the training runner does not hand them to the model (diffusion spec 7.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """Sections `model` and `data` of config.yaml as plain values; empty where there is no readable config."""

    model: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


def read_run_config(dossier: Dossier, checkpoint: Path) -> RunConfig:
    """The config beside a checkpoint; a warning when it cannot be read."""
    path = config_beside(checkpoint)
    if path is None:
        return RunConfig()
    try:
        config = read_config(path)
    except ConfigRefused as error:
        dossier.warning("config.unreadable", str(error), "The checkpoint itself is not affected.")
        return RunConfig()
    return RunConfig(model=_section(config, "model"), data=_section(config, "data"))


def config_beside(checkpoint: Path) -> Path | None:
    """`<run>/config.yaml` for `<run>/checkpoints/best.ckpt`, or config.yaml in the checkpoint's own folder."""
    folders = [checkpoint.parent]
    if checkpoint.parent.name == "checkpoints":
        folders.insert(0, checkpoint.parent.parent)
    # os.path.isfile says False where Path.is_file would raise: the link may lead where nobody may look.
    return next((folder / "config.yaml" for folder in folders if os.path.isfile(folder / "config.yaml")), None)


def filled(dossier: Dossier, stored: Mapping[str, Any], config: RunConfig) -> Mapping[str, Any]:
    """Hyper-parameters of the file, completed by the config. What the file says stays as it is."""
    if stored:
        return {**stored, **_missing(dossier, stored, config)}
    if not config.model:
        return stored
    message = "The file holds no hyper_parameters: those in config.yaml of its training run are taken."
    dossier.warning("config.used", message, "Check that the checkpoint lies in the folder of its own run.")
    values = dict(config.model)
    if "dim" in values:
        values |= dict.fromkeys((key for key in NEVER_PASSED_ON if key in values), None)
    return _with_window(values)


def describe_data(dossier: Dossier, settings: Settings, config: RunConfig) -> None:
    """`data_name`: of config.yaml if it is there (it is authoritative for the data), else of the hyper-parameters."""
    stored = settings.values.get("data_name")
    if isinstance(stored, str):
        dossier.know("data_name", stored, f"hyper-parameter data_name is {show(stored)}")
    name = config.data.get("name")
    if not isinstance(name, str) or name == stored:
        return
    dossier.know("data_name", name, "data.name in config.yaml of the training run")
    if isinstance(stored, str):
        dossier.warning(
            "config.disagrees",
            f"config.yaml of the training run says data.name {show(name)}, hyper-parameter data_name says "
            f"{show(stored)}. The config is taken.",
            "Check that the checkpoint lies in the folder of its own run.",
        )


def _missing(dossier: Dossier, stored: Mapping[str, Any], config: RunConfig) -> dict[str, Any]:
    known = _with_window(config.model)
    found = {key: known[key] for key in FILLABLE if key not in stored and known.get(key) is not None}
    if "image_size" in stored or "img_size" in stored:
        found = {key: value for key, value in found.items() if key not in ("image_size", "img_size")}
    if found:
        names = ", ".join(f"{key} {show(value)}" for key, value in found.items())
        message = f"The file does not say these, so config.yaml of its training run is taken: {names}."
        dossier.note("config.fills", message, "Check that the checkpoint lies in the folder of its own run.")
    return found


def _with_window(model: Mapping[str, Any]) -> dict[str, Any]:
    """The training runner hands `image_size` of the config to supervised models as `img_size` (evaluation 1.2)."""
    values = dict(model)
    if "image_size" in values:
        values.setdefault("img_size", values["image_size"])
    return values


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = plain(config.get(name))
    return section if isinstance(section, Mapping) else {}
