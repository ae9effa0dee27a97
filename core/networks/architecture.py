"""What the registry knows of an architecture: how its weights are recognised, measured and built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import nn

Shapes = Mapping[str, tuple[int, ...]]
"""State-dict key -> shape, prefixes of wrappers (`module.`, `_orig_mod.`) already removed."""


class SizesUnclear(Exception):
    """A key that decides a size is missing or has an impossible shape; the message names it."""


def shape_of(shapes: Shapes, key: str, rank: int) -> tuple[int, ...]:
    """The shape under `key`, made of `rank` positive sizes; else `SizesUnclear`."""
    shape = shapes.get(key)
    if shape is None:
        raise SizesUnclear(f"{key} is missing")
    if len(shape) != rank or min(shape) < 1:
        raise SizesUnclear(f"{key} has shape {list(shape)}, where {rank} positive sizes are expected")
    return shape


class NetworkConfig(Protocol):
    """The sizes of one network, a frozen dataclass without torch. `in_channels`, `state_channels` (0: no state, as in
    supervised networks), `out_channels` are tensor channels; window sides must be multiples of `divisor`.

    `image_size`: side of the training window where the weights show it, else None (then hyper-parameters say it).
    """

    @property
    def in_channels(self) -> int: ...
    @property
    def state_channels(self) -> int: ...
    @property
    def out_channels(self) -> int: ...
    @property
    def image_size(self) -> int | None: ...
    @property
    def divisor(self) -> int: ...

    def to_dict(self) -> dict[str, Any]:
        """The sizes as plain values, named as the producers name them where they do."""

    def witnesses(self) -> Mapping[str, str]:
        """Report field (`state_channels`, `in_channels`, `out_channels`, `image_size`) -> clause that names the key
        whose shape decides it."""

    def problem(self) -> str:
        """A clause why such a network cannot be run (`its widths ... are not multiples of 8`), or nothing."""

    def contradictions(self, stored: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Hyper-parameters that the weights belie: (name, clause that says what the weights show)."""


def plain_contradictions(
    stored: Mapping[str, Any], decided: Iterable[tuple[str, Any, str]]
) -> Iterable[tuple[str, str]]:
    """Those of (hyper-parameter, value by the weights, clause) whose stored value is there and differs."""
    for key, value, clause in decided:
        given = stored.get(key)
        if given is not None and given != value and not (isinstance(given, tuple) and list(given) == value):
            yield key, clause


def always(shapes: Shapes) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """One architecture. `names` are the producers' names for it, the first is ours.

    `signature`: keys of which all must exist; `absent`: keys of which none may; `accepts`: what else shapes must be.
    Where two architectures have equal keys, the stored name decides between them, and without one `prefers`.
    `used_output`: mode -> the output channel that drives the mask, 0 where it says nothing.
    `infer_config` reads the sizes from shapes (raises `SizesUnclear`); `build` makes the bare nn.Module, whose keys are
    the producers' keys, those that their own network holds and never uses included.
    """

    names: tuple[str, ...]
    family: str
    signature: tuple[str, ...]
    absent: tuple[str, ...]
    infer_config: Callable[[Shapes], NetworkConfig]
    build: Callable[[Any], nn.Module]
    accepts: Callable[[Shapes], bool] = always
    prefers: Callable[[Shapes], bool] = always
    used_output: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.names[0]

    def detect(self, shapes: Shapes) -> bool:
        """Whether the keys of a state dict are those of this architecture."""
        there = all(key in shapes for key in self.signature) and not any(key in shapes for key in self.absent)
        return there and self.accepts(shapes)

    def missing(self, shapes: Shapes) -> tuple[str, ...]:
        """The signature keys that are absent: how far off a foreign checkpoint is."""
        return tuple(key for key in self.signature if key not in shapes)


def detect_architectures(
    shapes: Shapes, among: Iterable[Architecture], stored_name: object = None
) -> tuple[Architecture, ...]:
    """Every architecture that the keys may be of. More than one is a contradiction that the report must name."""
    found = tuple(item for item in among if item.detect(shapes))
    if len(found) < 2:
        return found
    named = tuple(item for item in found if stored_name in item.names)
    return named or tuple(item for item in found if item.prefers(shapes)) or found
