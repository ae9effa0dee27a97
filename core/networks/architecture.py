"""What the registry knows of an architecture: how its weights are recognised, measured and built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import nn

Shapes = Mapping[str, tuple[int, ...]]
"""State-dict key -> shape, prefixes of wrappers (`module.`, `_orig_mod.`) already removed."""


class SizesUnclear(Exception):
    """A key that decides a size is missing or has an impossible shape; the message names it."""


class NetworkConfig(Protocol):
    """The sizes of one network. `in_channels`, `state_channels`, `out_channels` are tensor channels."""

    @property
    def in_channels(self) -> int: ...
    @property
    def state_channels(self) -> int: ...
    @property
    def out_channels(self) -> int: ...
    @property
    def image_size(self) -> int | None: ...
    def to_dict(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """One architecture. `names` are the producers' names for it, the first is ours.

    `signature`: keys of which all must exist; `absent`: keys of which none may.
    `infer_config` reads the sizes from shapes (raises `SizesUnclear`); `build` makes the bare nn.Module, whose keys are
    the producers' keys, those that their own network holds and never uses included.
    """

    names: tuple[str, ...]
    family: str
    signature: tuple[str, ...]
    absent: tuple[str, ...]
    infer_config: Callable[[Shapes], NetworkConfig]
    build: Callable[[Any], nn.Module]

    @property
    def name(self) -> str:
        return self.names[0]

    def detect(self, shapes: Shapes) -> bool:
        """Whether the keys of a state dict are those of this architecture."""
        return all(key in shapes for key in self.signature) and not any(key in shapes for key in self.absent)

    def missing(self, shapes: Shapes) -> tuple[str, ...]:
        """The signature keys that are absent: how far off a foreign checkpoint is."""
        return tuple(key for key in self.signature if key not in shapes)


def detect_architectures(shapes: Shapes, among: Iterable[Architecture]) -> tuple[Architecture, ...]:
    """Every architecture whose keys are all there. More than one is a contradiction that the report must name."""
    return tuple(item for item in among if item.detect(shapes))
