"""A model that is opened when it is first needed, and not before: that takes gigabytes and a minute."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from platformdirs import user_cache_dir

from core.conditioning.hub import find_in_hub, place_of
from core.conditioning.keys import safe_stem
from core.conditioning.vision_language import VisionLanguageModel, open_model
from core.names import PROFILE_CACHE


class ModelProvider(Protocol):
    """What a run needs to know of a model. `cache`: the folder that fresh profiles are written to; None = nowhere."""

    @property
    def name(self) -> str: ...

    @property
    def cache(self) -> Path | None: ...

    def open(self) -> VisionLanguageModel: ...


@dataclass(slots=True, kw_only=True, eq=False)
class LocalModel:
    """The model at `source`, a folder or a name in the hub's cache on this machine. Opened once, whoever asks first."""

    name: str
    source: str
    device: str = "cpu"
    cache: Path | None = None
    _model: VisionLanguageModel | None = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def open(self) -> VisionLanguageModel:
        """Raises `ModelRefused`."""
        with self._lock:
            if self._model is None:
                self._model = open_model(self.source, self.device)
            return self._model


@lru_cache(maxsize=1)
def _shared(source: str, device: str) -> LocalModel:
    """One model for all checkpoints that ask for it: it takes gigabytes."""
    return local_model(source, device=device, caches=Path(user_cache_dir("flowglass")) / PROFILE_CACHE)


def provider_of(wish: str, stated: str | None, device: str) -> LocalModel | None:
    """The model that a person wishes for: `none`, `auto` (the one that the checkpoint states, if it lies in the hub's
    cache), a folder or a name. Opens nothing; raises `ModelRefused` when a wished one is not here."""
    if wish == "none":
        return None
    if wish != "auto":
        return _shared(wish, device)
    # Only the hub's cache: a name in a file must not choose a folder of this machine.
    found = None if stated is None else find_in_hub(stated)
    return None if found is None else _shared(str(found), device)


def local_model(source: str, *, device: str = "cpu", caches: Path | None = None) -> LocalModel:
    """A provider of the model at `source`, with a folder of its own below `caches`. Opens nothing.

    One folder for each model and revision: features of different models look alike and must never be mixed. Raises
    `ModelRefused` when the model is not here.
    """
    place = place_of(source)
    own = safe_stem(f"{place.name}@{place.revision}" if place.revision else place.name)
    return LocalModel(name=place.name, source=source, device=device, cache=None if caches is None else caches / own)
