"""The condition of every window, looked up once per window and not once per network call (spec section 7)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

import numpy as np
import torch
from torch import Tensor

from core.conditioning.features import find_feature
from core.conditioning.keys import window_id
from core.conditioning.profiles import ProfileCache
from core.errors import ConditionMissing, ShapeMismatch
from core.names import PROFILE_CACHE
from core.networks.film import Conditioner
from core.records import Array, CheckpointReport, FilmReport, FilmSettings

SHUFFLE_SEED = 1234
NARROW = {"float16": torch.float16, "fp16": torch.float16, "bfloat16": torch.bfloat16, "bf16": torch.bfloat16}
MaskOf = Callable[[], Tensor]
"""Runs the preliminary FiLM-off pass on a batch: (n, 1, h, w) {0, 1}."""


class WindowConditions:
    """Hands out (n, cond_dim) for a batch of windows, and remembers what it handed out (`used`, in window order)."""

    def __init__(
        self,
        report: CheckpointReport,
        conditioner: Conditioner,
        profiles: ProfileCache,
        settings: FilmSettings,
        *,
        shared: bool,
        given: Array | Tensor | None,
    ) -> None:
        assert report.film is not None, "only asked for checkpoints with FiLM heads"
        self._report, self._film, self._settings = report, report.film, settings
        self._conditioner, self._profiles = conditioner, profiles
        self._shared, self._given = shared, _checked(given, report.film)
        self._first: Tensor | None = None
        self.used: dict[int, Array] = {}

    @property
    def needs_mask(self) -> bool:
        """Whether the mask of that pass decides the condition, which it does not once there is one to reuse."""
        return self.draws_mask and self._given is None and not (self._shared and self._first is not None)

    @property
    def draws_mask(self) -> bool:
        """Whether the producer shows the prediction to the language model and runs a FiLM-off pass for it (dfm only).

        Its draws are consumed even when its mask is not needed.
        """
        return self._film.input_mode != "raw" and self._report.mode == "dfm_binary" and self._film.point == "A"

    def for_batch(self, windows: Tensor, numbers: range, mask_of: MaskOf) -> Tensor:
        """(n, cond_dim) on the windows' device. Raises `ConditionMissing` when a profile is not at hand."""
        rows = self._rows(windows, numbers, mask_of).to(windows.device)
        if self._settings.mode == "shuffle":
            order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(SHUFFLE_SEED))
            rows = rows[order.to(rows.device)]
        self.used.update(zip(numbers, rows.cpu().numpy().copy(), strict=True))
        return rows

    def for_image(self, image: Tensor, path: str | None) -> None:
        """Take one condition for the whole image (1, 1, H, W), as the producers' validation does.

        One that was given by hand stays.
        """
        if self._given is not None:
            return
        feature = self._profiles_for(self._image_identities(image, path))
        self._first, self._shared = self._project(feature[None], image.device), True

    def _rows(self, windows: Tensor, numbers: range, mask_of: MaskOf) -> Tensor:
        if self._given is not None:
            return self._given_rows(numbers)
        if self._shared and self._first is not None:
            return self._first.expand(len(numbers), -1)
        shown = self._shown(windows, mask_of) if self.needs_mask else windows
        if not self._shared:
            return self._project(np.stack([self._feature(shown, i) for i in range(len(shown))]), windows.device)
        index = _representative(self._film.batch_strategy, len(shown))
        self._first = self._project(self._feature(shown, index)[None], windows.device)
        return self._first.expand(len(numbers), -1)

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

    def _feature(self, shown: Tensor, position: int) -> Array:
        window = shown[position].cpu().numpy()
        return self._profiles_for((window_id(window, position, self._suffix),))

    def _profiles_for(self, identities: tuple[str, ...]) -> Array:
        for identity in identities:
            feature = find_feature(self._profiles, identity, self._report)
            if feature is not None:
                return feature
        raise ConditionMissing(_missing(self._report, self._film, self._profiles))

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

    def _project(self, features: Array, device: torch.device) -> Tensor:
        out: Tensor = self._conditioner(as_stored(features, self._film).to(device))
        return out


def as_stored(features: Array, film: FilmReport | None) -> Tensor:
    """Features (n, width) with the rounding of the producer's cache, as float32 (spec section 7)."""
    stored = torch.from_numpy(np.array(features, dtype=np.float32))
    dtype = NARROW.get("" if film is None else film.embedding_dtype.removeprefix("torch."))
    return stored if dtype is None else stored.to(dtype).to(torch.float32)


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


def _missing(report: CheckpointReport, film: FilmReport, profiles: ProfileCache) -> str:
    name = PurePath(report.path).name
    looked = ", ".join(str(source) for source in profiles.sources) or "no profile cache lies beside the checkpoint"
    return (
        f"{name} was trained with a condition from {film.vlm or 'a vision-language model'}, and there is no profile of "
        f"this image to condition it on (looked in: {looked}). "
        f"Drop the profile cache of this data set on the window or put it beside the checkpoint as {PROFILE_CACHE}; "
        "or run it with FiLM off, which is labelled."
    )
