"""The condition of every window, looked up or computed once per window and not once per network call (spec 7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import PurePath

import numpy as np
import torch
from torch import Tensor

from core.conditioning.asking import Asker, check_words
from core.conditioning.features import Found, features_of
from core.conditioning.keys import window_id
from core.conditioning.profile_writing import narrowed
from core.conditioning.profiles import ProfileCache
from core.conditioning.provider import ModelProvider
from core.errors import ConditionMissing, ShapeMismatch
from core.networks.film import Conditioner
from core.records import Array, CheckpointReport, Condition, FilmReport, FilmSettings, frozen_array

SHUFFLE_SEED = 1234
MaskOf = Callable[[], Tensor]
"""Runs the preliminary FiLM-off pass on a batch: (n, 1, h, w) {0, 1}."""


class WindowConditions:
    """Hands out (n, cond_dim) for a batch of windows, and remembers what it handed out.

    `used` and `told` are by window; of an image with several slices they tell the last one. `model`: asked where
    `profiles` do not know a window, and opened no sooner. `tick`: see `Asker`.
    """

    def __init__(
        self,
        report: CheckpointReport,
        conditioner: Conditioner,
        profiles: ProfileCache,
        settings: FilmSettings,
        *,
        shared: bool,
        given: Array | Tensor | None,
        model: ModelProvider | None = None,
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        assert report.film is not None, "only asked for checkpoints with FiLM heads"
        self._report, self._film, self._settings = report, report.film, settings
        self._conditioner, self._asker = conditioner, Asker(report, profiles, model, tick)
        self._shared, self._given = shared, _checked(given, report.film)
        self._first: tuple[Tensor, Condition] | None = None
        self._told: dict[int, Condition] = {}
        self.used: dict[int, Array] = {}
        if self._by_words:
            check_words(report.film, model)

    @property
    def told(self) -> tuple[Condition, ...]:
        """What every window was told and by whom, in window order."""
        return tuple(condition for _, condition in sorted(self._told.items()))

    @property
    def _by_words(self) -> bool:
        return self._given is None and self._settings.text is not None

    @property
    def needs_mask(self) -> bool:
        """Whether the mask of that pass decides the condition, which it does not once there is one to reuse."""
        known = self._given is not None or self._by_words or (self._shared and self._first is not None)
        return self.draws_mask and not known

    @property
    def draws_mask(self) -> bool:
        """Whether the producer shows the prediction to the language model and runs a FiLM-off pass for it (dfm only).

        Its draws are consumed even when its mask is not needed.
        """
        return self._film.input_mode != "raw" and self._report.mode == "dfm_binary" and self._film.point == "A"

    def for_batch(self, windows: Tensor, numbers: range, mask_of: MaskOf) -> Tensor:
        """(n, cond_dim) on the windows' device. Raises `ConditionMissing` when neither cache nor model can tell."""
        rows, told = self._rows(windows, numbers, mask_of)
        order = list(range(len(rows)))
        if self._settings.mode == "shuffle":
            order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(SHUFFLE_SEED)).tolist()
        rows = rows.to(windows.device)[order]
        self.used.update(zip(numbers, rows.cpu().numpy().copy(), strict=True))
        self._told.update((number, replace(told[at], window=number)) for number, at in zip(numbers, order, strict=True))
        return rows

    def for_image(self, image: Tensor, path: str | None, mask_of: MaskOf | None = None) -> None:
        """Take one condition for the whole image (1, 1, H, W), as the producers' validation does.

        One that was given by hand, or in a person's words, stays. `mask_of` runs the FiLM-off pass on the image, for
        checkpoints that show its result to the model; without it only the cache can tell.
        """
        if self._given is not None or self._by_words:
            return
        shown: Tensor | None = image
        if self.draws_mask:
            shown = None if mask_of is None else self._shown(image, mask_of)
        identities = self._image_identities(image if shown is None else shown, path)
        found = self._asker.find(identities, None if shown is None else shown[0].cpu().numpy())
        self._share(found, image.device)

    def _rows(self, windows: Tensor, numbers: range, mask_of: MaskOf) -> tuple[Tensor, Sequence[Condition]]:
        """Conditions of a batch, (n, cond_dim), and what is told of each."""
        if self._given is not None:
            rows = self._given_rows(numbers)
            return rows, [_condition(row, None) for row in rows.numpy()]
        if self._by_words and self._first is None:
            assert self._settings.text is not None
            self._share(self._asker.words(self._settings.text), windows.device)
        if self._first is None or not self._shared:
            shown = self._shown(windows, mask_of) if self.needs_mask else windows
            if not self._shared:
                found = [self._find(shown, position) for position in range(len(shown))]
                rows = self._project(found, windows.device)
                return rows, [_condition(row, item) for row, item in zip(rows.cpu().numpy(), found, strict=True)]
            self._share(self._find(shown, _representative(self._film.batch_strategy, len(shown))), windows.device)
        assert self._first is not None
        row, condition = self._first
        return row.expand(len(numbers), -1), [condition] * len(numbers)

    def _share(self, found: Found, device: torch.device) -> None:
        """From now on every window gets this one."""
        if self._asker.options.center and self._film.condition == "logits":
            raise ConditionMissing(
                "This checkpoint subtracts the mean of a batch from its logits features, so one feature for all "
                "windows says nothing. Give each window its own condition, or run it with FiLM off, which is labelled."
            )
        row = self._project([found], device)
        self._first, self._shared = (row, _condition(row[0].cpu().numpy(), found)), True

    def _given_rows(self, numbers: range) -> Tensor:
        assert self._given is not None
        if len(self._given) == 1:
            return torch.from_numpy(self._given).expand(len(numbers), -1)
        if numbers.stop > len(self._given):
            raise ShapeMismatch(
                f"The condition has {len(self._given)} rows, but the image has more windows. "
                "Give one row, or one per window."
            )
        return torch.from_numpy(self._given[numbers.start : numbers.stop])

    def _shown(self, windows: Tensor, mask_of: MaskOf) -> Tensor:
        """What the language model saw: the mask alone, or the window with the mask in red (spec section 7)."""
        mask = mask_of()
        if self._film.input_mode == "mask_only":
            return mask
        alpha = self._film.overlay_alpha
        base = ((windows + 1) / 2).clamp(0, 1)
        faded = (1 - alpha * mask) * base
        return torch.cat((faded + alpha * mask, faded, faded), dim=1)

    def _find(self, shown: Tensor, position: int) -> Found:
        window = shown[position].cpu().numpy()
        return self._asker.find((window_id(window, position, self._suffix),), window)

    @property
    def _suffix(self) -> str:
        """Only the dfm path of the VLM class names the input mode in its keys (spec 7.1)."""
        named = self._film.point == "A" and self._report.mode == "dfm_binary"
        return f"vlm:{self._film.input_mode}" if named else ""

    def _image_identities(self, image: Tensor, path: str | None) -> tuple[str, ...]:
        by_pixels = window_id(image[0].cpu().numpy(), 0, self._suffix)
        if path is None:
            return (by_pixels,)
        sample = "/".join(PurePath(path).parts[-3:])
        named = f"unknown:{sample}" + (f"|{self._suffix}" if self._suffix else "")
        return (named, by_pixels)

    def _project(self, found: Sequence[Found], device: torch.device) -> Tensor:
        features = features_of(found, self._film, self._asker.options)
        out: Tensor = self._conditioner(as_stored(features, self._film).to(device))
        return out


def as_stored(features: Array, film: FilmReport | None) -> Tensor:
    """Features (n, width) with the rounding of the producer's cache, as float32 (spec section 7)."""
    return narrowed(features, "" if film is None else film.embedding_dtype).to(torch.float32)


def _condition(row: Array, found: Found | None) -> Condition:
    """The record of one window, whose number is filled in later; `found` None = the vector was handed over."""
    if found is None:
        return Condition(window=0, vector=frozen_array(row), origin="given")
    return Condition(
        window=0,
        vector=frozen_array(row),
        origin=found.origin,
        source=found.source,
        prompts=found.prompts,
        answers=found.answers,
        fields=found.fields,
    )


def _checked(given: Array | Tensor | None, film: FilmReport) -> Array | None:
    if given is None:
        return None
    plain = given.detach().cpu().numpy() if isinstance(given, Tensor) else given
    rows = np.atleast_2d(np.array(plain, dtype=np.float32, order="C"))  # a copy: a record's own arrays are read-only
    if rows.ndim != 2 or rows.shape[1] != film.cond_dim:
        raise ShapeMismatch(
            f"The condition has shape {list(np.shape(given))}; ({film.cond_dim},) or (windows, {film.cond_dim}) is "
            "needed."
        )
    return rows


def _representative(strategy: str, count: int) -> int:
    """Which item speaks for the batch: the first, or one drawn with the evaluator's seed 0 (spec section 7)."""
    if strategy != "random":
        return 0
    return int(torch.randint(count, (1,), generator=torch.Generator().manual_seed(0)))
