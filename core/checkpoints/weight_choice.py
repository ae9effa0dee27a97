"""Which set of weights the producer's own evaluation used: the one that is loaded unless the user asks for another."""

from __future__ import annotations

from core.checkpoints.inventory import Inventory
from core.records import Finding

STATE_DICT_LOADED = "state_dict is what the evaluations of both code bases load"


def measured_set(inventory: Inventory, family: str | None, use_ema: bool) -> str:
    """The set that the producer validated and tested with, whether or not the file holds it."""
    return "ema" if family == "diffusion" and use_ema else inventory.stored


def default_set(inventory: Inventory, family: str | None, use_ema: bool) -> tuple[str, str]:
    """The set to load, and a clause why. Diffusion models run on their EMA copy when `use_ema` is set and the file has
    one, else on the model; all others on the state dict, whatever it holds (supervised-diffusion-models 2)."""
    wished = measured_set(inventory, family, use_ema)
    if wished not in inventory.sets:
        there = next(iter(inventory.sets))
        return there, f"{inventory.origins.get(there, 'state_dict')}, because the file has no {wished} weights"
    origin = inventory.origins.get(wished, "state_dict")
    if family == "diffusion" and use_ema:
        return wished, f"use_ema is true: validation, choice of the best file and test ran on the EMA copy ({origin})"
    if wished != "model":
        return wished, f"{STATE_DICT_LOADED}, and it is an average: {origin}"
    return (
        wished,
        "use_ema is false: the producer runs the model itself" if family == "diffusion" else STATE_DICT_LOADED,
    )


def missing_average(inventory: Inventory, family: str | None, use_ema: bool) -> tuple[Finding, ...]:
    """A warning when the weights that the producer validated with are not in the file."""
    wished = measured_set(inventory, family, use_ema)
    if wished in inventory.sets or not inventory.weights:
        return ()
    cause = "use_ema is true" if family == "diffusion" and use_ema else "its average had not started"
    message = (
        f"The training validated and tested with {wished} weights ({cause}), which {inventory.name} does not hold. "
        f"The {' and '.join(inventory.sets)} weights that it has may predict quite differently."
    )
    remedy = "Ask its author for the original file, in which nothing was left out."
    return (Finding(severity="warning", code=f"weights.{wished}-missing", message=message, remedy=remedy),)
