"""The feature of one window from the profile cache, as the conditioner of a checkpoint wants it (spec section 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.conditioning.keys import IMAGE_HASH, prompt_hash
from core.conditioning.profiles import ProfileCache
from core.records import Array, CheckpointReport, FilmReport

TINY = 1e-8


def find_feature(profiles: ProfileCache, identity: str, report: CheckpointReport) -> Array | None:
    """(feature_width,) float32 of the window called `identity`, or None when the cache does not hold all of it."""
    film = report.film
    assert film is not None, "only asked for checkpoints with FiLM heads"
    if film.condition == "logits":
        return _logits(profiles, identity, film, _options(report))
    hashes = (IMAGE_HASH,) if film.condition == "image" else _text_hashes(profiles, identity, film)
    for suffix in hashes:
        feature = profiles.find(identity, suffix)
        if feature is not None and len(feature) == film.feature_width:
            return feature
    return None


def _text_hashes(profiles: ProfileCache, identity: str, film: FilmReport) -> Sequence[str]:
    """Hash of the checkpoint's prompt. Without a stored prompt, the one prompt that the cache knows this window by."""
    if film.prompts:
        return [prompt_hash(prompt) for prompt in film.prompts]
    known = profiles.prompts_of(identity)
    return known if len(known) == 1 else ()


def _logits(profiles: ProfileCache, identity: str, film: FilmReport, options: Mapping[str, Any]) -> Array | None:
    """The blocks of all prompts, one after another. What was centred on its batch cannot be had window by window."""
    blocks = [profiles.find(identity, prompt_hash(prompt)) for prompt in film.prompts]
    found = [block for block in blocks if block is not None]
    if options.get("logits_center") or not found or len(found) < len(blocks):
        return None
    if options.get("logits_l2norm"):  # dividing twice changes nothing, should the cache hold normalised blocks
        found = [block / (np.linalg.norm(block) + TINY) for block in found]
    feature = np.concatenate(found).astype(np.float32)
    return feature if len(feature) == film.feature_width else None


def _options(report: CheckpointReport) -> Mapping[str, Any]:
    stored = report.hyper_parameters.get("vlm_film_config")
    return stored if isinstance(stored, Mapping) else {}
