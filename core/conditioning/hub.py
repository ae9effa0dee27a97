"""Where vision-language models lie on this machine: a folder, or Hugging Face's cache. Imports neither torch nor them.

Nothing is fetched here unless a person asked for it (`download`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.checkpoints.json_text import parse_json
from core.errors import ModelRefused
from core.progress import Progress, Report

if TYPE_CHECKING:
    from huggingface_hub import DryRunFileInfo

CONFIG = "config.json"
INDEX = "model.safetensors.index.json"
MODEL_TYPE = "qwen2_5_vl"
"""The only kind whose features the checkpoints were trained with (spec section 7)."""
WANTED = ("*.json", "*.safetensors", "*.txt", "*.jinja")
PICKLES = (".bin", ".pt", ".pth", ".ckpt")
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")
INSTALL = "pip install flowglass[vlm]"
MAX_JSON = 20 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A model folder, its `name` for people and caches, and its `revision` (a commit; empty when nothing says)."""

    folder: Path
    name: str
    revision: str = ""


def find_local(source: str) -> Path | None:
    """The folder of the model `source`, a folder that a person chose or a name on the hub; None when it is not here.

    For a name that a checkpoint gives, ask `find_in_hub`: a file must not send us looking at folders.
    """
    try:
        folder = Path(source).expanduser()
        if (folder / CONFIG).is_file():
            return folder
    except (OSError, ValueError, RuntimeError):  # no possible path, or no home folder
        return None
    return find_in_hub(source)


def find_in_hub(name: str, cache: Path | None = None) -> Path | None:
    """The complete snapshot of `name` (`Qwen/Qwen2.5-VL-3B-Instruct`) in the hub's cache on this machine, or None."""
    if not HUB_NAME.fullmatch(name) or ".." in name:
        return None
    store = (cache or hub_cache()) / f"models--{name.replace('/', '--')}"
    found = [folder for folder in _snapshots(store) if incomplete(folder) is None]
    return found[0] if found else None


def place_of(source: str) -> Place:
    """Folder, name and revision of `source`. Raises `ModelRefused`, with how to get it, when it is not here."""
    folder = find_local(source)
    if folder is None:
        raise ModelRefused(
            f"There is no vision-language model at {source!r} on this machine. Give the folder that holds its "
            f"{CONFIG} (--vlm FOLDER), or have it downloaded in the FiLM panel."
        )
    store = folder.parent.parent
    if folder.parent.name == "snapshots" and store.name.startswith("models--"):
        return Place(folder=folder, name=store.name.removeprefix("models--").replace("--", "/"), revision=folder.name)
    return Place(folder=folder, name=folder.resolve().name)


def hub_cache() -> Path:
    """Hugging Face's cache of models, by the same variables and in the same order as its own library."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    root = os.environ.get("HF_HOME") or Path(home) / "huggingface"
    stated = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE") or Path(root) / "hub"
    return Path(os.path.expandvars(stated)).expanduser()


def incomplete(folder: Path) -> str | None:
    """Why the files in `folder` are not a model that can be opened, as a clause; None when they are one."""
    config = read_json(folder / CONFIG)
    if config is None:
        return f"it has no readable {CONFIG}"
    if config.get("model_type") != MODEL_TYPE:
        return f"its {CONFIG} says model_type {config.get('model_type')!r:.60}, and only {MODEL_TYPE} is known here"
    missing = [name for name in _weight_files(folder) if not (folder / name).is_file()]
    if not missing:
        return None
    if any(path.suffix in PICKLES for path in folder.iterdir()):
        return "its weights are pickle files, which can run programs when they are opened; safetensors are needed"
    return f"{len(missing)} of its weight files are missing (first: {missing[0]:.80})"


def download(name: str, report: Report, *, endpoint: str | None = None, cache: Path | None = None) -> Path:
    """Fetch the model `name` from the hub into its cache (gigabytes), because a person asked; returns the folder.

    Progress in bytes; `report` may raise `Cancelled` between files, and what is complete then stays. Only safetensors,
    JSON and text are fetched. Raises `ModelRefused` when the hub cannot be reached or has no such model.
    """
    if not HUB_NAME.fullmatch(name) or ".." in name:
        raise ModelRefused(f"{name!r} is no name of a model on the hub; one looks like Qwen/Qwen2.5-VL-3B-Instruct.")
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError as error:
        raise ModelRefused(f"Downloading needs the package huggingface_hub: {INSTALL}.") from error
    target = str(cache or hub_cache())
    report(Progress(done=0, total=1, stage="downloading"))
    try:
        files = snapshot_download(
            name, cache_dir=target, allow_patterns=list(WANTED), endpoint=endpoint, dry_run=True, token=False
        )
        _fetch(name, files, report, endpoint, target)
    except (OSError, ValueError, *HfHubHTTPError.__bases__) as error:  # the transport's own errors are no OSError
        raise ModelRefused(
            f"{name} could not be downloaded ({_first_line(error)}). Check the name and the connection, or copy the "
            "model's folder to this machine and choose it."
        ) from error
    folder = find_in_hub(name, Path(target))
    if folder is None:
        raise ModelRefused(f"{name} was downloaded, but it is no {MODEL_TYPE} model with safetensors weights.")
    return folder


def _fetch(name: str, files: list[DryRunFileInfo], report: Report, endpoint: str | None, cache: str) -> None:
    """File by file, so that it can be cancelled in between; the library's own bars stay off."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    total = sum(file.file_size or 0 for file in files)
    done = 0
    for file in files:
        report(Progress(done=done, total=max(total, 1), stage="downloading"))
        hf_hub_download(name, file.filename, cache_dir=cache, endpoint=endpoint, token=False)
        done += file.file_size or 0
    report(Progress(done=done, total=max(total, 1), stage="downloading"))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _snapshots(store: Path) -> list[Path]:
    """The snapshot that `main` points at, and without that the only one there is."""
    try:
        revision = (store / "refs" / "main").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        revision = ""
    if re.fullmatch(r"[0-9A-Za-z]{1,64}", revision):
        return [store / "snapshots" / revision]
    try:
        folders = [folder for folder in (store / "snapshots").iterdir() if folder.is_dir()]
    except OSError:
        return []
    return folders if len(folders) == 1 else []


def _weight_files(folder: Path) -> list[str]:
    """Names of the safetensors files that hold the weights; all of them must be there."""
    index = read_json(folder / INDEX)
    shards = None if index is None else index.get("weight_map")
    if not isinstance(shards, Mapping):
        return ["model.safetensors"]
    names = {str(name) for name in shards.values()}
    return sorted(Path(name).name for name in names)  # a name with folders in it is no shard: only its last part counts


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file of a model folder; None when there is none that can be read."""
    try:
        if path.stat().st_size > MAX_JSON:
            return None
        value = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
