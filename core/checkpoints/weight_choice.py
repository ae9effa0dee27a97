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


YOUNG = 0.05
"""A share of random weights that nobody trained on purpose."""


def young_average(inventory: Inventory, family: str | None, use_ema: bool) -> tuple[Finding, ...]:
    """A warning when the EMA copy of a diffusion model is still largely its random start.

    It starts as a copy of the initial weights and has no bias correction, so after n steps they keep a share of
    decay**n (supervised-diffusion-models 2.2).
    """
    decay, steps = inventory.hyper_parameters.get("ema_decay", 0.9999), inventory.counter("global_step")
    if family != "diffusion" or not use_ema or "ema" not in inventory.sets or steps is None:
        return ()
    if isinstance(decay, bool) or not isinstance(decay, (int, float)) or not 0 < decay < 1:
        return ()
    share = decay ** min(steps, 1_000_000_000)
    if share < YOUNG:
        return ()
    message = (
        f"The EMA copy is {share:.0%} random initial weights: decay {decay:g} was applied for {steps:,} steps only. "
        "The producer validated and tested with it all the same."
    )
    remedy = "Switch to the model weights to see what the training has reached."
    return (Finding(severity="warning", code="weights.ema-young", message=message, remedy=remedy),)
