"""Where the feature of a window comes from: the profile cache, else the model at hand, else nowhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import PurePath

from core.conditioning.features import Found, Options, compute, embed, keep, look_up, why_not_computed, why_not_embedded
from core.conditioning.hub import find_in_hub
from core.conditioning.profiles import ProfileCache
from core.conditioning.provider import ModelProvider
from core.errors import ConditionMissing, SettingsRefused
from core.names import PROFILE_CACHE
from core.records import Array, CheckpointReport, FilmReport


class Asker:
    """Finds or computes features for one checkpoint. The model is opened when the cache does not know a window.

    `tick` is called before every call of the model and for every token; raising `Cancelled` there stops the run.
    """

    def __init__(
        self,
        report: CheckpointReport,
        profiles: ProfileCache,
        model: ModelProvider | None,
        tick: Callable[[], None],
    ) -> None:
        assert report.film is not None, "only asked for checkpoints with FiLM heads"
        self._report, self._film, self._profiles = report, report.film, profiles
        self._provider, self._tick = model, tick
        self.options = Options.of(report)
        if model is not None and model.cache is not None:
            profiles.add(model.cache)

    def find(self, identities: Sequence[str], shown: Array | None) -> Found:
        """The first of `identities` that the cache knows, else what the model says of `shown` (C, h, w) float32.

        The last identity names those very pixels: a fresh result is filed under it. `shown` None: what the model would
        have to look at is not to be had. Raises `ConditionMissing`.
        """
        for identity in identities:
            found = look_up(self._profiles, identity, self._film, self.options, self._models())
            if found is not None:
                return found
        if self._provider is None or shown is None:
            raise ConditionMissing(self._missing())
        return self._computed(self._provider, identities[-1], shown)

    def words(self, text: str) -> Found:
        """A person's own words in place of the model's answer. Raises `SettingsRefused` when that cannot be."""
        check_words(self._film, self._provider)
        assert self._provider is not None
        model = self._provider.open()
        reason = why_not_embedded(model, self._film)
        if reason is not None:
            raise SettingsRefused(f"{reason} Choose the model it was trained with, or leave the text empty.")
        self._tick()
        profile = embed(model, text, self._film, self.options)
        prompt = self._film.prompts[0] if self._film.prompts else ""
        return Found(blocks=(profile.feature,), origin="text", source=model.name, prompts=(prompt,), answers=(text,))

    def _computed(self, provider: ModelProvider, identity: str, shown: Array) -> Found:
        model = provider.open()
        reason = why_not_computed(model, self._film, self.options)
        if reason is not None:
            raise ConditionMissing(f"{reason} {self._missing()}")
        self._tick()
        fresh = compute(model, shown, self._film, self.options, self._tick)
        keep(self._profiles, provider.cache, identity, fresh, self._film)
        # Looked up again, so that a fresh feature takes the same way as one that is found the next time.
        found = look_up(self._profiles, identity, self._film, self.options, (model.name,))
        assert found is not None, "what was just remembered is there"
        return replace(found, origin="model", source=model.name)

    def _models(self) -> tuple[str, ...]:
        """Whose stored profiles count: of the model that the checkpoint names, and of the one that a person chose."""
        if self._film.vlm is None:
            return ()
        return (self._film.vlm, *(() if self._provider is None else (self._provider.name,)))

    def _missing(self) -> str:
        name, film = PurePath(self._report.path).name, self._film
        looked = ", ".join(str(source) for source in self._profiles.sources)
        return (
            f"{name} was trained with a condition from {film.vlm or 'a vision-language model'}, and there is no "
            f"profile of this image to condition it on "
            f"(looked in: {looked or 'no profile cache lies beside the checkpoint'}). "
            f"Drop the profile cache of this data set on the window or put it beside the checkpoint as "
            f"{PROFILE_CACHE}; {self._how_to_ask()}; or run it with FiLM off, which is labelled."
        )

    def _how_to_ask(self) -> str:
        here = self._film.vlm is not None and find_in_hub(self._film.vlm) is not None
        if self._provider is None and here:
            return f"or let the model look at it, which is on this machine (--vlm {self._film.vlm}, or the FiLM panel)"
        return "or let the model look at it (--vlm FOLDER, or the FiLM panel, which can also download it)"


def check_words(film: FilmReport, model: ModelProvider | None) -> None:
    """Raise `SettingsRefused` when `FilmSettings.text` cannot be followed."""
    if film.condition != "text":
        kind = {"image": "pictures", "logits": "graded answers"}.get(film.condition, film.condition)
        raise SettingsRefused(f"This checkpoint is conditioned on {kind}, not on a text: leave the text empty.")
    if model is None:
        raise SettingsRefused(
            "A text becomes a condition through the vision-language model, and none is at hand: choose its folder "
            "(--vlm FOLDER, or the FiLM panel), or leave the text empty."
        )
