"""What a person should know of sets of weights that are not offered, or not quite what their name says."""

from __future__ import annotations

from core.checkpoints.weight_forms import Offer
from core.records import Finding


def words(name: str) -> str:
    return {"swa": "SWA", "ema": "EMA"}.get(name, name)


def initial(name: str, where: str, counters: str) -> Finding:
    message = (
        f"The weight average ({words(name)}) in {where} had not started when the file was saved ({counters}): "
        "it holds initial weights and is not offered."
    )
    remedy = "Nothing to do: the model weights are used."
    return Finding(severity="note", code=f"weights.{name}-not-started", message=message, remedy=remedy)


def never_averaged(where: str) -> Finding:
    message = f"The weights in {where} are those of an average that had not started: a copy of initial weights."
    remedy = "Open a checkpoint that was saved later in the training."
    return Finding(severity="warning", code="weights.initial", message=message, remedy=remedy)


def incomplete(offer: Offer) -> Finding:
    of = "the model weights" if offer.name == "model" else f"the {offer.name} weights"
    message = f"The keys or shapes of {offer.where} are not those of state_dict, so {of} are not offered."
    remedy = "Nothing to do for a run with the other weights; for these, ask for the original file."
    return Finding(severity="warning", code=f"weights.{offer.name}-incomplete", message=message, remedy=remedy)


def shares(offer: Offer, count: int) -> Finding:
    message = (
        f"{offer.where} leaves out {count:,} of the model's tensors (batch statistics, or parts without an average): "
        f"the {offer.name} weights have the model's there, as whoever evaluates such an average has."
    )
    remedy = "Nothing to do unless the training code averaged them elsewhere."
    return Finding(severity="note", code=f"weights.{offer.name}-shares", message=message, remedy=remedy)


def transferred(epochs: int) -> Finding:
    message = (
        f"The file was saved {'1 epoch' if epochs == 1 else f'{epochs:,} epochs'} after the last weight average (SWA). "
        "When training ended as planned, Lightning had by then copied the average into the model, so that model and "
        "swa may be the same."
    )
    remedy = "Nothing to do: compare the two sets if you need to know."
    return Finding(severity="note", code="weights.swa-transferred", message=message, remedy=remedy)
