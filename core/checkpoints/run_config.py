"""The training run's config.yaml beside a checkpoint: only for the name of the data set."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from core.checkpoints.config_file import ConfigRefused, read_config
from core.checkpoints.dossier import Dossier
from core.checkpoints.hyper_parameters import Settings, show


def describe_data(dossier: Dossier, settings: Settings, checkpoint: Path) -> None:
    """`data_name`: of config.yaml if it is there (it is authoritative for the data), else of the hyper-parameters."""
    stored = settings.values.get("data_name")
    if isinstance(stored, str):
        dossier.know("data_name", stored, f"hyper-parameter data_name is {show(stored)}")
    name = _configured_name(dossier, checkpoint)
    if name is None or name == stored:
        return
    dossier.know("data_name", name, "data.name in config.yaml of the training run")
    if isinstance(stored, str):
        dossier.warning(
            "config.disagrees",
            f"config.yaml of the training run says data.name {show(name)}, hyper-parameter data_name says "
            f"{show(stored)}. The config is taken.",
            "Check that the checkpoint lies in the folder of its own run.",
        )


def config_beside(checkpoint: Path) -> Path | None:
    """`<run>/config.yaml` for `<run>/checkpoints/best.ckpt`, or config.yaml in the checkpoint's own folder."""
    folders = [checkpoint.parent]
    if checkpoint.parent.name == "checkpoints":
        folders.insert(0, checkpoint.parent.parent)
    # os.path.isfile says False where Path.is_file would raise: the link may lead where nobody may look.
    return next((folder / "config.yaml" for folder in folders if os.path.isfile(folder / "config.yaml")), None)


def _configured_name(dossier: Dossier, checkpoint: Path) -> str | None:
    path = config_beside(checkpoint)
    if path is None:
        return None
    try:
        data = read_config(path).get("data")
    except ConfigRefused as error:
        dossier.warning("config.unreadable", str(error), "The checkpoint itself is not affected.")
        return None
    name = data.get("name") if isinstance(data, Mapping) else None
    return name if isinstance(name, str) else None
