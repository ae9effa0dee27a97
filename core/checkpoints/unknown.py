"""What is said of a checkpoint whose network is not among those that can be rebuilt."""

from __future__ import annotations

from core.checkpoints.dossier import Dossier
from core.checkpoints.fingerprints import Clues
from core.checkpoints.fingerprints.not_yet import OUT_OF_SCOPE, Recognised, diffusion_producer, recognise
from core.checkpoints.hyper_parameters import Settings, show
from core.checkpoints.inventory import Inventory
from core.checkpoints.sampling_rules import describe_sampling, describe_writer
from core.checkpoints.text import safe_text
from core.networks import ARCHITECTURES

RUNNABLE = ", ".join(architecture.name for architecture in ARCHITECTURES)
REMEDY = f"Networks that can be run: {RUNNABLE}."


def describe_unknown(dossier: Dossier, inventory: Inventory, settings: Settings) -> None:
    """An error that names the network if it is known by sight, and otherwise the nearest one that can be run."""
    seen = recognise(inventory.shapes, inventory.hyper_parameters)
    stored = inventory.hyper_parameters.get("arch_name")
    if seen is not None and seen.name not in OUT_OF_SCOPE:
        _recognised(dossier, inventory, settings, seen)
    elif isinstance(stored, str) and stored in OUT_OF_SCOPE:
        dossier.know("arch", stored, f"hyper-parameter arch_name is {show(stored)}")
        dossier.error(
            "arch.unsupported",
            f"{inventory.name}: {stored} is an architecture of an older state of the code bases, which Flowglass "
            "cannot run.",
            REMEDY,
        )
    else:
        _foreign(dossier, inventory, stored)


def _recognised(dossier: Dossier, inventory: Inventory, settings: Settings, seen: Recognised) -> None:
    dossier.know("family", seen.family, f"key {seen.key}")
    dossier.know("arch", seen.name, f"key {seen.key}")
    if seen.family == "flow":
        writer = describe_writer(dossier, Clues(hyper_parameters=inventory.hyper_parameters))
        if writer is not None:
            describe_sampling(dossier, settings, writer)
    else:
        dossier.know("module_class", seen.module_class, f"key {seen.key}")
    if seen.family == "diffusion":
        dossier.know("producer", *diffusion_producer(seen.name, inventory.hyper_parameters))
    producer = dossier.fields.get("producer") or "soft-seg or sofl-seg"
    dossier.error(
        "arch.not-yet",
        f"{inventory.name} is recognised ({producer}, {seen.name}), but this version cannot run that network.",
        REMEDY,
    )


def _foreign(dossier: Dossier, inventory: Inventory, stored: object) -> None:
    shapes = inventory.shapes
    nearest = min(ARCHITECTURES, key=lambda architecture: len(architecture.missing(shapes)))
    missing = nearest.missing(shapes)
    count = "1 key" if len(shapes) == 1 else f"{len(shapes):,} keys"
    named = f" Hyper-parameter arch_name is {show(stored)}." if stored is not None else ""
    dossier.error(
        "arch.unknown",
        f"{inventory.name}: none of the known networks fits its {count} (first: "
        f"{safe_text(next(iter(shapes)), 120)!r}). The nearest, {nearest.name}, lacks {len(missing)} of its marks, "
        f"such as {missing[0] if missing else nearest.absent[0]}.{named}",
        REMEDY,
    )
