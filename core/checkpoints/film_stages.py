"""Which decoder stages the FiLM heads of a checkpoint belong to (spec 6.1). Widths only, never a fixed table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

from core.checkpoints.dossier import FROM_TRAINING, Dossier
from core.checkpoints.hyper_parameters import show
from core.networks import Shapes, SizesUnclear

HEADS = "vlm_film_heads."
CONDITIONER = "vlm_film_conditioner."
REFERENCE_TABLE = {256: 0, 192: 1, 128: 2, 64: 3}
"""The producer's own table from rows of `mlp.2` to stage: right only for widths 128, 96, 64, 32."""
REFERENCE_SLOTS = 4
CHOOSE = "Choose the stages in the passport or with film_stages."
From = Literal["metadata", "hparams", "weights", "user"]
Stages = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Sizes of one FiLM head, from its weights."""

    channels: int
    hidden: int
    cond_dim: int
    layer_norm: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What is said about the stages, unchecked. Each is None when nobody says anything."""

    metadata: Any = None
    hparams: Any = None
    user: Any = None


def read_heads(shapes: Shapes) -> tuple[Head, ...]:
    """Heads in file order; empty without FiLM. Raises `SizesUnclear` when numbers or shapes do not fit together."""
    numbers = {int(match[1]) for key in shapes if (match := re.match(re.escape(HEADS) + r"(\d{1,4})\.", key))}
    if sorted(numbers) != list(range(len(numbers))):
        raise SizesUnclear(f"the FiLM heads are numbered {sorted(numbers)}, so at least one is missing")
    heads = tuple(_head(shapes, number) for number in sorted(numbers))
    if len({(head.hidden, head.cond_dim, head.layer_norm) for head in heads}) > 1:
        raise SizesUnclear("the FiLM heads differ in hidden width, condition width or layer norm")
    return heads


def _head(shapes: Shapes, number: int) -> Head:
    first, last = (shapes.get(f"{HEADS}{number}.mlp.{layer}.weight", ()) for layer in (0, 2))
    if len(first) != 2 or len(last) != 2 or last[0] % 2 or last[1] != first[0] or min(*first, *last) < 1:
        raise SizesUnclear(
            f"{HEADS}{number}.mlp.0.weight is {list(first)} and mlp.2.weight is {list(last)}, "
            "where (hidden, cond_dim) and (2 channels, hidden) are expected"
        )
    layer_norm = f"{HEADS}{number}.ln.weight" in shapes
    return Head(channels=last[0] // 2, hidden=first[0], cond_dim=first[1], layer_norm=layer_norm)


def stage_choices(channels: Sequence[int], stage_channels: Sequence[int]) -> tuple[Stages, ...]:
    """Every ascending stage list with the widths of the heads; the producer's default [0..n-1] first if it fits."""
    stages = range(len(stage_channels))
    return tuple(
        choice
        for choice in combinations(stages, len(channels))
        if [stage_channels[stage] for stage in choice] == list(channels)
    )


def choose_stages(
    dossier: Dossier, heads: Sequence[Head], stage_channels: Sequence[int], claims: Claims
) -> tuple[Stages, From, tuple[Stages, ...]] | None:
    """Stages, who says so, and every list that the widths allow. None, with an error, when no list can be trusted."""
    channels = [head.channels for head in heads]
    choices = stage_choices(channels, stage_channels)
    if not choices:
        dossier.error(
            "film.stages-contradict",
            f"The {len(heads)} FiLM heads have {channels} channels, and no {len(heads)} ascending decoder stages have "
            f"these widths: the decoder has {list(stage_channels)} (stage 0, the lowest resolution, first).",
            FROM_TRAINING,
        )
        return None
    decided = _from_claims(dossier, choices, claims) if not dossier.refused else None
    if decided is not None:
        return (*decided, choices)
    return None if dossier.refused else (_from_widths(dossier, choices), "weights", choices)


def _from_claims(dossier: Dossier, choices: tuple[Stages, ...], claims: Claims) -> tuple[Stages, From] | None:
    if claims.user is not None:
        return _from_user(dossier, choices, claims.user)
    if claims.metadata is not None:
        return _from_metadata(dossier, choices, claims)
    if claims.hparams is not None:
        return _from_hparams(dossier, choices, claims.hparams)
    return None


def _from_user(dossier: Dossier, choices: tuple[Stages, ...], wished: Any) -> tuple[Stages, From] | None:
    stages = _as_stages(wished)
    if stages in choices:
        dossier.witness("film.stages", stages, "chosen by the user; the widths of heads and decoder stages agree")
        return stages, "user"
    dossier.error(
        "film.stages-contradict",
        f"The chosen FiLM stages {_shown(wished)} do not fit the heads: their widths allow {_lists(choices)}.",
        CHOOSE,
    )
    return None


def _from_metadata(dossier: Dossier, choices: tuple[Stages, ...], claims: Claims) -> tuple[Stages, From] | None:
    stages = _as_stages(claims.metadata)
    if stages not in choices:
        dossier.error(
            "film.stages-contradict",
            f"vlm_film_trained_stages says {_shown(claims.metadata)}, but the widths of the FiLM heads and of the "
            f"decoder allow {_lists(choices)}.",
            CHOOSE,
        )
        return None
    if claims.hparams is not None and _as_stages(claims.hparams) != stages:
        dossier.warning(
            "film.stages-disagree",
            f"vlm_film_trained_stages says {list(stages)} and hyper-parameter vlm_film_decoder_stages says "
            f"{_shown(claims.hparams)}. The first is taken: it was written when the heads were trained.",
            CHOOSE,
        )
    dossier.witness("film.stages", stages, "vlm_film_trained_stages at top level of the file")
    return stages, "metadata"


def _from_hparams(dossier: Dossier, choices: tuple[Stages, ...], stored: Any) -> tuple[Stages, From] | None:
    stages = _as_stages(stored)
    if stages in choices:
        dossier.witness("film.stages", stages, f"hyper-parameter vlm_film_decoder_stages is {_shown(stored)}")
        return stages, "hparams"
    if len(choices) == 1:
        dossier.warning(
            "hparams.disagrees",
            f"Hyper-parameter vlm_film_decoder_stages is {_shown(stored)}, but the widths of heads and decoder allow "
            f"only {_lists(choices)}: the widths are taken.",
            CHOOSE,
        )
        return None
    dossier.error(
        "film.stages-contradict",
        f"Hyper-parameter vlm_film_decoder_stages is {_shown(stored)}, but the widths of heads and decoder allow "
        f"{_lists(choices)}.",
        CHOOSE,
    )
    return None


def _from_widths(dossier: Dossier, choices: tuple[Stages, ...]) -> Stages:
    stages = choices[0]  # combinations come in order, so [0..n-1], the producer's default, is first if it fits
    why = "the widths of the heads are those of these decoder stages"
    dossier.witness("film.stages", stages, why)
    if len(choices) > 1:
        dossier.ambiguous = True
        dossier.warning(
            "film.stages-ambiguous",
            f"Several decoder stages have the same width: the FiLM heads fit {_lists(choices)}, and the file does not "
            f"say which. {list(stages)} is taken.",
            CHOOSE,
        )
    else:
        dossier.note(
            "film.stages-inferred",
            f"The file does not name the FiLM stages; {list(stages)} follows from the widths, no other list fits.",
            "Nothing to do; another list can be tried in the passport or with film_stages.",
        )
    return stages


def warn_of_reference(dossier: Dossier, heads: Sequence[Head], stages: Stages) -> None:
    """What the producer's own rule for files without a stage list makes of this one (spec 6.1)."""
    table = [REFERENCE_TABLE.get(2 * head.channels) for head in heads]
    read = sorted({stage for stage in table if stage is not None})
    if read and tuple(read) != stages:
        outcome = f"gives the stages {read}"
    elif not read and len(heads) > 2:
        outcome = f"builds two heads for the stages [0, 1] and drops {len(heads) - 2} of {len(heads)}"
    else:
        return
    dossier.note(
        "film.reference-would-misread",
        f"sofl-seg's own loader maps heads to stages with a table for widths 128, 96, 64, 32; here it {outcome} "
        f"instead of {list(stages)}.",
        "Nothing to do here; mistrust numbers of this file that were computed with that loader.",
    )


def _as_stages(value: Any) -> Stages | None:
    """A list of stage numbers, sorted; None when it is anything else."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return None
    if any(isinstance(item, bool) or not isinstance(item, int) for item in value):
        return None
    return tuple(sorted(value))


def _shown(value: Any) -> str:
    return show(list(value) if isinstance(value, tuple) else value)


def _lists(choices: Iterable[Stages]) -> str:
    shown = [str(list(choice)) for choice in choices]
    more = f" and {len(shown) - 4} more" if len(shown) > 4 else ""
    return (" or ".join(shown[:4]) if len(shown) < 3 else ", ".join(shown[:4])) + more
