"""What is said of a checkpoint whose network is not among those that can be rebuilt: which is nearest, and how far."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from core.checkpoints.dossier import Dossier
from core.checkpoints.hyper_parameters import Settings, show
from core.checkpoints.inventory import Inventory
from core.checkpoints.key_patterns import bare_patterns_of, count_patterns, ending, endings_of, pattern_of, patterns_of
from core.checkpoints.text import safe_text
from core.networks import ARCHITECTURES, Architecture, Shapes, SizesUnclear

OUT_OF_SCOPE = {
    "dhariwal_unet_4channel": "flow",
    "cenet": "supervised",
    "aacaunet": "supervised",
    "unet3plus": "supervised",
    "vesselnet": "supervised",
    "transunet": "supervised",
}
"""Architectures of older states of the code bases: named in the refusal, never guessed at."""
RENEWED = ("csnet", "dscnet")
"""Names that older states of soft-seg gave to other networks (supervised-diffusion-models 1.1)."""
RUNNABLE = ", ".join(architecture.name for architecture in ARCHITECTURES)
REMEDY = f"Networks that can be run: {RUNNABLE}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """How near a state dict is to an architecture, in keys of the file. `named`: called as that network calls its own;
    `inside`: so when what the training class puts in front is left out; `alike`: with the same last two parts."""

    architecture: Architecture
    keys: int
    named: int
    inside: int
    alike: int
    missing: tuple[str, ...]
    """Keys that mark the architecture and are not there."""


def is_out_of_scope(stored_name: object) -> bool:
    """Whether hyper-parameter `arch_name` names a network that only older states of the code bases have."""
    return isinstance(stored_name, str) and stored_name in OUT_OF_SCOPE


def describe_unknown(dossier: Dossier, inventory: Inventory, settings: Settings) -> None:
    """An error that names the network if it is one of an older state, and otherwise the nearest that can be run."""
    stored = settings.values.get("arch_name")
    if isinstance(stored, str) and is_out_of_scope(stored):
        _out_of_scope(dossier, inventory, stored)
        return
    near = nearest(inventory.shapes, stored)
    dossier.error(
        "arch.unknown",
        f"{inventory.name}: none of the known networks fits its {_count(near.keys, 'key')} (first: "
        f"{safe_text(next(iter(inventory.shapes)), 120)!r}). The nearest is {near.architecture.name}: "
        f"{_marks(near)}{_difference(near, inventory.shapes)}; {_names(near)}.{_stored(stored, near)}",
        _remedy(near),
    )


def _out_of_scope(dossier: Dossier, inventory: Inventory, stored: str) -> None:
    dossier.know("arch", stored, f"hyper-parameter arch_name is {show(stored)}")
    dossier.know("family", OUT_OF_SCOPE[stored], f"{stored} is a {OUT_OF_SCOPE[stored]} network")
    dossier.error(
        "arch.unsupported",
        f"{inventory.name}: {stored} is an architecture of an older state of the code bases, which Flowglass "
        "cannot run.",
        REMEDY,
    )


# ---- the distance ----------------------------------------------------------------------------------------------------


def nearest(shapes: Shapes, stored_name: object = None) -> Distance:
    """The architecture that shares most key names with the file; where several do, the one the file names, then the one
    with fewest missing marks, then the first of the registry. One pass over the keys, whatever they are."""
    tallies = {architecture.name: [0, 0, 0] for architecture in ARCHITECTURES}
    whole, bare, ends = _index()
    for pattern, count in count_patterns(shapes).items():
        inside = frozenset[str]().union(*(bare.get(tail, ()) for tail in _tails(pattern)))
        for kind, names in enumerate((whole.get(pattern, ()), inside, ends.get(ending(pattern), ()))):
            for name in names:
                tallies[name][kind] += count
    distances = (_distance(architecture, shapes, *tallies[architecture.name]) for architecture in ARCHITECTURES)
    return max(distances, key=lambda near: _order(near, stored_name))


def _order(near: Distance, stored_name: object) -> tuple[int, ...]:
    named = stored_name in near.architecture.names
    return near.named, near.inside, near.alike, named, -len(near.missing)


def _distance(architecture: Architecture, shapes: Shapes, named: int, inside: int, alike: int) -> Distance:
    missing = architecture.missing(shapes)
    return Distance(
        architecture=architecture, keys=len(shapes), named=named, inside=inside, alike=alike, missing=missing
    )


@cache
def _index() -> tuple[dict[str, frozenset[str]], ...]:
    """Names of the architectures that have a pattern, a pattern without the training class's part, an ending."""
    tables: tuple[dict[str, frozenset[str]], ...] = ({}, {}, {})
    for architecture in ARCHITECTURES:
        for table, patterns_for in zip(tables, (patterns_of, bare_patterns_of, endings_of), strict=True):
            for pattern in patterns_for(architecture.name):
                table[pattern] = table.get(pattern, frozenset()) | {architecture.name}
    return tables


def _tails(pattern: str) -> tuple[str, ...]:
    """The pattern, and what is left of it without its first one, two and three parts."""
    parts = pattern.split(".", 4)
    return tuple(".".join(parts[start:]) for start in range(min(4, len(parts))))


def stray_keys(architecture: Architecture, shapes: Shapes) -> tuple[str, ...]:
    """The keys that no network of this architecture has, whatever its sizes: a loader would have no place for them."""
    patterns = patterns_of(architecture.name)
    return tuple(key for key in shapes if pattern_of(key) not in patterns)


# ---- in words --------------------------------------------------------------------------------------------------------


def _marks(near: Distance) -> str:
    marks = near.architecture.signature
    there = len(marks) - len(near.missing)
    if not near.missing:
        return f"all {len(marks)} keys that mark it are there"
    return f"{there} of the {len(marks)} keys that mark it are there (first missing: {near.missing[0]!r})"


def _difference(near: Distance, shapes: Shapes) -> str:
    """What speaks against it where the marks do not: a key of another network, or shapes."""
    if len(near.missing) == len(near.architecture.signature):
        return ""
    foreign = next((key for key in near.architecture.absent if key in shapes), None)
    if foreign is not None:
        return f", but so is {foreign!r}, which it does not have"
    try:
        near.architecture.infer_config(shapes)
    except SizesUnclear as unclear:
        return "" if near.missing and str(unclear).endswith(" is missing") else f", but {unclear}"
    return "" if near.missing else ", but their shapes are those of another network"


def _names(near: Distance) -> str:
    of = f"of the file's {_count(near.keys, 'key')}"
    if near.named:
        return f"{near.named:,} {of} {'is' if near.named == 1 else 'are'} named as in it"
    if near.inside:
        verb = "is" if near.inside == 1 else "are"
        return f"{near.inside:,} {of} {verb} named as in it if the first parts of the names are left out"
    if near.alike:
        return f"none {of} is named as in it, though {near.alike:,} end alike"
    return f"none {of} is named as in it"


def _stored(stored: object, near: Distance) -> str:
    if stored is None:
        return ""
    if isinstance(stored, str) and stored in RENEWED and max(near.named, near.inside) < near.keys:
        return (
            f" Hyper-parameter arch_name is {show(stored)}: older states of soft-seg gave that name to another network."
        )
    return f" Hyper-parameter arch_name is {show(stored)}."


def _remedy(near: Distance) -> str:
    if not near.named and 2 * near.inside > near.keys:
        example = near.architecture.signature[0]
        return f"Save the state dict of the whole training class, in which keys begin as in {example!r}. {REMEDY}"
    return REMEDY


def _count(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number:,} {noun}s"
