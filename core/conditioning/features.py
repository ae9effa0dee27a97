"""The feature of one window as the conditioner of a checkpoint wants it: looked up, or computed (spec section 7)."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.conditioning.answers import MODES, Choice, Mode, block_width, choices, decode, join_blocks
from core.conditioning.keys import IMAGE_HASH, prompt_hash
from core.conditioning.profile_writing import narrowed, write_profile
from core.conditioning.profiles import Profile, ProfileCache
from core.conditioning.vision_language import MAX_NEW_TOKENS, Pool, VisionLanguageModel, picture_of
from core.records import AnswerField, Array, CheckpointReport, FilmReport

MAX_LIMIT = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the checkpoint's training made features. `mode` None: its `logits_feature_mode` is not known here.

    Inferred: the names `pool` and `max_new_tokens` are read where they are stored; their defaults are the mean and 64.
    """

    pool: Pool = "mean"
    mode: Mode | None = "log_softmax"
    temperature: float = 1.0
    center: bool = False
    l2norm: bool = False
    limit: int = MAX_NEW_TOKENS

    @classmethod
    def of(cls, report: CheckpointReport) -> Options:
        stored = report.hyper_parameters.get("vlm_film_config")
        values: Mapping[str, Any] = stored if isinstance(stored, Mapping) else {}
        mode = str(values.get("logits_feature_mode") or "log_softmax").lower().replace("-", "_")
        limit = values.get("max_new_tokens")
        return cls(
            pool="last" if values.get("pool") == "last" else "mean",
            mode=MODES.get(mode),
            temperature=_temperature(values.get("logits_logit_temp")),
            center=bool(values.get("logits_center")),
            l2norm=bool(values.get("logits_l2norm")),
            limit=limit if isinstance(limit, int) and 0 < limit <= MAX_LIMIT else MAX_NEW_TOKENS,
        )

    def recipe(self, film: FilmReport) -> str:
        """What a stored feature depends on besides picture, prompt and model. The producers' names do not say it."""
        how = {"image": "image", "text": f"text {self.pool} {self.limit}"}
        logits = f"logits {self.mode} {self.temperature:g} {film.feature_width} {self.limit}"
        return f"{how.get(film.condition, logits)} {film.embedding_dtype}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """A feature with where it came from. `blocks`: one (width,) float32 array for each prompt, as it is stored: not yet
    centred or normalised. Image and text features are one block."""

    blocks: tuple[Array, ...]
    origin: Literal["cache", "model", "text"]
    source: str = ""
    prompts: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    fields: tuple[AnswerField, ...] = ()


def features_of(found: Sequence[Found], film: FilmReport, options: Options) -> Array:
    """(n, feature_width) float32 of the n items of a batch, which centring looks at together."""
    blocks = [np.stack(rows) for rows in zip(*(item.blocks for item in found), strict=True)]
    logits = film.condition == "logits"
    return join_blocks(blocks, center=logits and options.center, l2norm=logits and options.l2norm)


def look_up(
    profiles: ProfileCache, identity: str, film: FilmReport, options: Options, models: Collection[str] = ()
) -> Found | None:
    """What the cache holds of the window called `identity`, or None when that is not all of it."""
    recipe = options.recipe(film)
    if film.condition == "logits":
        stored = [profiles.profile(identity, prompt_hash(prompt), models, recipe) for prompt in film.prompts]
        return _logits([item for item in stored if item is not None], film, options)
    hashes = (IMAGE_HASH,) if film.condition == "image" else _text_hashes(profiles, identity, film)
    for suffix in hashes:
        profile = profiles.profile(identity, suffix, models, recipe)
        if profile is not None and len(profile.feature) == film.feature_width:
            return _found([profile], film.prompts or (profile.prompt,))
    return None


def compute(
    model: VisionLanguageModel, window: Array, film: FilmReport, options: Options, tick: Callable[[], None]
) -> dict[str, Profile]:
    """Ask the model about `window` (C, h, w) float32 as it is to be shown: profiles by prompt hash, in order.

    Features are rounded as the producers store them. `tick` is called between the model's calls and tokens. Call it
    only if `why_not_computed` is None.
    """
    picture = picture_of(window)
    if film.condition == "image":
        return {IMAGE_HASH: _profile(model, model.image_feature(picture), film, options)}
    if film.condition == "text":
        text = model.answer(picture, film.prompts[0], options.limit, tick)
        tick()
        return {prompt_hash(film.prompts[0]): embed(model, text, film, options, prompt=film.prompts[0])}
    rows, mode = choices(film.prompts, film.feature_width), options.mode
    assert rows is not None, "see why_not_computed"
    assert mode is not None, "see why_not_computed"
    asked = model.logits_feature(picture, film.prompts, rows, mode, options.temperature, options.limit, tick)
    return {
        prompt_hash(prompt): _profile(model, block, film, options, text, prompt)
        for prompt, (block, text) in zip(film.prompts, asked, strict=True)
    }


def embed(model: VisionLanguageModel, text: str, film: FilmReport, options: Options, prompt: str = "") -> Profile:
    """What `text` means to the model, rounded as the producers store it."""
    return _profile(model, model.text_feature(text, options.pool), film, options, text, prompt)


def why_not_embedded(model: VisionLanguageModel, film: FilmReport) -> str | None:
    """Why features of this model do not fit this checkpoint, as a sentence; None when they do."""
    width = model.image_width if film.condition == "image" else model.text_width
    if film.condition == "logits" or width == film.feature_width:
        return None
    return f"{model.name} makes features of {width} numbers; the checkpoint was trained with {film.feature_width}."


def why_not_computed(model: VisionLanguageModel, film: FilmReport, options: Options) -> str | None:
    """Why this model cannot make the features of this checkpoint, as a sentence; None when it can."""
    if film.condition != "image" and not film.prompts:
        return "The checkpoint does not say with which prompt it was trained, so the model cannot be asked."
    known = options.mode is not None and choices(film.prompts, film.feature_width) is not None
    if film.condition == "logits" and not known:
        return "Its logits features are of a kind that is not known here (another mode, or other prompts or widths)."
    return why_not_embedded(model, film)


def keep(
    profiles: ProfileCache, folder: Path | None, identity: str, fresh: Mapping[str, Profile], film: FilmReport
) -> None:
    """Remember fresh profiles and write them to `folder`. A disk that refuses costs the copy, not the result."""
    for suffix, profile in fresh.items():
        profiles.remember(identity, suffix, profile)
        if folder is not None:
            try:
                write_profile(folder, identity, suffix, profile, film.embedding_dtype, flat=film.condition == "logits")
            except OSError:
                continue


def _profile(
    model: VisionLanguageModel, feature: Array, film: FilmReport, options: Options, text: str = "", prompt: str = ""
) -> Profile:
    return Profile(
        feature=narrowed(feature, film.embedding_dtype).float().numpy(),
        text=text,
        prompt=prompt,
        source=model.name,
        model=model.name,
        revision=model.revision,
        recipe=options.recipe(film),
    )


def _found(stored: Sequence[Profile], prompts: Sequence[str], fields: Sequence[AnswerField] = ()) -> Found:
    said = any(profile.text for profile in stored)
    return Found(
        blocks=tuple(profile.feature for profile in stored),
        origin="cache",
        source=_source(stored[0]),
        prompts=tuple(prompts)[: len(stored)] if said else (),
        answers=tuple(profile.text for profile in stored) if said else (),
        fields=tuple(fields),
    )


def _source(profile: Profile) -> str:
    known = profile.model and profile.model != profile.source
    return f"{profile.source} ({profile.model})" if known else profile.source


def _text_hashes(profiles: ProfileCache, identity: str, film: FilmReport) -> Sequence[str]:
    """Hash of the checkpoint's prompt. Without a stored prompt, the one prompt that the cache knows this window by."""
    if film.prompts:
        return [prompt_hash(prompt) for prompt in film.prompts]
    known = profiles.prompts_of(identity)
    return known if len(known) == 1 else ()


def _logits(stored: Sequence[Profile], film: FilmReport, options: Options) -> Found | None:
    """The blocks of all prompts. Whether the producers' files hold them centred is not known: then they do not count.

    Dividing by the norm twice changes nothing, should a file hold normalised blocks.
    """
    complete = stored and len(stored) == len(film.prompts)
    if not complete or sum(len(profile.feature) for profile in stored) != film.feature_width:
        return None
    if options.center and not all(profile.model for profile in stored):
        return None
    return _found(stored, film.prompts, _fields(stored, film, options))


def _fields(stored: Sequence[Profile], film: FilmReport, options: Options) -> list[AnswerField]:
    rows = choices(film.prompts, film.feature_width)
    if rows is None or options.mode is None:
        return []
    return [field for profile, row in zip(stored, rows, strict=True) for field in _decoded(profile, row, options.mode)]


def _decoded(profile: Profile, row: Sequence[Choice], mode: Mode) -> tuple[AnswerField, ...]:
    if len(profile.feature) != block_width(row):
        return ()
    return decode(profile.feature, profile.text, row, mode)


def _temperature(value: object) -> float:
    """A positive number, also as text (YAML); anything else is the default."""
    try:
        read = float(value) if isinstance(value, (int, float, str)) else 1.0
    except (ValueError, OverflowError):
        return 1.0
    return read if math.isfinite(read) and read > 0 else 1.0
