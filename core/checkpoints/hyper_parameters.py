"""Reading stored settings: each value is checked for type and range before anything is built with it."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from typing import Any

from core.checkpoints.dossier import Dossier
from core.checkpoints.text import safe_text

_INTEGERS = {
    "timesteps": (1, 100_000),
    "image_size": (1, 4096),
    "img_size": (1, 4096),
    "model_channels": (1, 8192),
    "base_channels": (1, 8192),
    "in_channels": (1, 64),
    "num_ensemble": (1, 10_000),
}
_LISTS = {"channel_mult": (1, 256), "attn_resolutions": (0, 4096)}


def show(value: Any) -> str:
    """A stored value as it may stand in a message."""
    return safe_text(repr(value) if isinstance(value, str) else str(value), 80)


class Settings:
    """The stored hyper-parameters, or one mapping inside them (`where` = `vlm_film_config`).

    Every reader returns the default when the key is absent or None. When the value has another type or lies outside its
    range, an error names the key, and the default only keeps the reading going. `own`: what the checkpoint itself says
    of them; the others are those of its config. None = all.
    """

    def __init__(
        self, values: Mapping[str, Any], dossier: Dossier, where: str = "", own: Container[str] | None = None
    ) -> None:
        self.values = values
        self._own = values if own is None else own
        self._dossier = dossier
        self._where = where

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def has(self, key: str) -> bool:
        """The key is there and is not None."""
        return self.values.get(key) is not None

    def named(self, key: str) -> str:
        """How the key is called in messages."""
        return f"{self._where}.{key}" if self._where else key

    def said(self, key: str, default: object) -> str:
        """Where the value of `key` comes from, as a clause for the evidence."""
        if key in self.values:
            source = "hyper-parameter" if key in self._own else "config.yaml of its run says that"
            return f"{source} {self.named(key)} is {show(self.values[key])}"
        return f"hyper-parameter {self.named(key)} is absent; the producer's default is {default}"

    def integer(self, key: str, low: int, high: int, default: int) -> int:
        value = self.values.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            self._wrong(key, f"should be a whole number but is {show(value)}")
            return default
        return value if self._inside(key, value, low, high) else default

    def number(self, key: str, low: float, high: float, default: float) -> float:
        """A number; text that reads as one counts (YAML 1.1 leaves `1e-6` as text)."""
        value = self.values.get(key)
        if value is None:
            return default
        read = _as_float(value)
        if read is None:
            self._wrong(key, f"should be a number but is {show(value)}")
            return default
        return read if self._inside(key, read, low, high) else default

    def flag(self, key: str, default: bool) -> bool:
        value = self.values.get(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self._wrong(key, f"should be true or false but is {show(value)}")
        return default

    def text(self, key: str, default: str) -> str:
        value = self.values.get(key)
        if value is None or isinstance(value, str):
            return default if value is None else value
        self._wrong(key, f"should be text but is {show(value)}")
        return default

    def choice(self, key: str, allowed: Sequence[str], default: str) -> str:
        value = self.values.get(key)
        if value is None:
            return default
        if isinstance(value, str) and value in allowed:
            return value
        self._wrong(key, f"should be one of {', '.join(allowed)} but is {show(value)}")
        return default

    def integers(self, key: str, low: int, high: int) -> tuple[int, ...] | None:
        """A list of whole numbers; None when absent or, with an error, when it is something else."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, (list, tuple)) or any(isinstance(i, bool) or not isinstance(i, int) for i in value):
            self._wrong(key, f"should be a list of whole numbers but is {show(value)}")
            return None
        if all(self._inside(key, item, low, high) for item in value):
            return tuple(value)
        return None

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.values.get(key)
        if value is None:
            return ()
        if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self._wrong(key, f"should be a list of texts but is {show(value)}")
        return ()

    def section(self, key: str) -> Settings:
        """The mapping stored under `key`; empty when absent or None."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, Mapping):
            self._wrong(key, f"should be a mapping but is {show(value)}")
            value = None
        return Settings(value or {}, self._dossier, self.named(key), None if key in self._own else ())

    def _inside(self, key: str, value: float, low: float, high: float) -> bool:
        if low <= value <= high:
            return True
        # The whole number of a hostile file may have thousands of digits.
        shown = f"{value:,}" if abs(value) < 1e15 else "astronomically large"
        self._wrong(key, f"must lie between {low:,} and {high:,} but is {shown}")
        return False

    def _wrong(self, key: str, problem: str) -> None:
        self._dossier.error(
            "hparams.out-of-range", f"The model cannot be built: hyper-parameter {self.named(key)} {problem}."
        )


def check_sizes(settings: Settings) -> None:
    """Sizes are looked at whatever the network is, before anything could be built with them (untrusted-files 2.5)."""
    for key, (low, high) in _INTEGERS.items():
        settings.integer(key, low, high, low)
    for key, (low, high) in _LISTS.items():
        settings.integers(key, low, high)


def _as_float(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None
