"""A Qwen2.5-VL model on this machine: what it sees in a picture, what it answers, and what a text means to it.

Spec section 7. Inferred, since the spec leaves it open: the model runs in the number format it is stored in; a question
is put through the model's own chat template with one picture, and answered greedily (its stored repetition penalty
stays); an answer is stripped of white space; a text is embedded as it is, without a template; means are taken in
float32. Importing this module loads neither torch nor transformers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from core.conditioning.answers import Choice, Mode, read_answer, scores
from core.conditioning.hub import (
    CONFIG,
    INSTALL,
    Place,
    download,
    find_in_hub,
    find_local,
    incomplete,
    place_of,
    read_json,
)
from core.errors import ModelRefused
from core.records import Array

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image as Picture

__all__ = ["Answer", "VisionLanguageModel", "download", "find_in_hub", "find_local", "open_model", "picture_of"]

Pool = Literal["mean", "last"]
Tick = Callable[[], None]
MAX_NEW_TOKENS = 64
IMAGE_PAD = "<|image_pad|>"


def picture_of(window: Array) -> Picture:
    """What the model is shown of `window` (1 or 3, h, w) float32: an RGB picture, by the producers' rule.

    A negative value anywhere says that the range is [-1, 1]; else it is [0, 1]. Truncated to bytes, not rounded.
    """
    from PIL import Image

    values: Array = np.asarray(window, dtype=np.float32)
    if float(values.min()) < 0:
        values = (values + 1) / 2
    levels = np.clip(values * np.float32(255), 0, 255).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(np.broadcast_to(levels, (3, *levels.shape[1:])).transpose(1, 2, 0)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """`text` as a person reads it; `pieces`: the text of each new token; `logits`: (tokens, vocabulary) float32."""

    text: str
    pieces: tuple[str, ...]
    logits: Array


class VisionLanguageModel:
    """An opened model. `name` and `revision` as in `Place`; `dtype` is torch's name without prefix."""

    def __init__(self, place: Place, network: Any, tokenizer: Any, images: Any) -> None:
        self.name, self.revision = place.name, place.revision
        self._network, self._tokenizer, self._images = network, tokenizer, images

    @property
    def dtype(self) -> str:
        return str(self._network.dtype).removeprefix("torch.")

    @property
    def image_width(self) -> int:
        return int(self._network.config.vision_config.out_hidden_size)

    @property
    def text_width(self) -> int:
        return int(self._network.config.text_config.hidden_size)

    def image_feature(self, picture: Picture) -> Array:
        """(image_width,) float32: the mean over the vision tokens as the language model gets them."""
        import torch

        with torch.inference_mode():
            (tokens,) = self._network.get_image_features(**self._seen(picture)).pooler_output
            return _plain(tokens.float().mean(dim=0))

    def text_feature(self, text: str, pool: Pool = "mean") -> Array:
        """(text_width,) float32: the last hidden state of the language model, its mean over tokens or the last one."""
        import torch

        tokens = self._tokenizer(text or " ", return_tensors="pt").to(self._network.device)
        with torch.inference_mode():
            (states,) = self._network.model.language_model(**tokens, use_cache=False).last_hidden_state.float()
            return _plain(states[-1] if pool == "last" else states.mean(dim=0))

    def answer(self, picture: Picture, prompt: str, limit: int = MAX_NEW_TOKENS, tick: Tick | None = None) -> str:
        """The model's own words, at most `limit` tokens. `tick` is called for each and may raise `Cancelled`."""
        return self.ask(picture, prompt, limit, tick).text

    def ask(self, picture: Picture, prompt: str, limit: int = MAX_NEW_TOKENS, tick: Tick | None = None) -> Answer:
        """The answer with the logits it was chosen from."""
        import torch

        tokens = self._question(picture, prompt)
        with torch.inference_mode():
            out = self._network.generate(
                **tokens,
                max_new_tokens=limit,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                return_dict_in_generate=True,
                output_logits=True,
                stopping_criteria=_criteria(tick),
            )
        new = out.sequences[0, tokens["input_ids"].shape[1] :].tolist()
        return Answer(
            text=str(self._tokenizer.decode(new, skip_special_tokens=True)).strip(),
            pieces=tuple(str(self._tokenizer.decode([token], skip_special_tokens=True)) for token in new),
            logits=_plain(torch.cat(out.logits).float()),
        )

    def logits_feature(
        self, picture: Picture, prompts: Sequence[str], rows: Sequence[Sequence[Choice]], mode: Mode,
        temperature: float, limit: int = MAX_NEW_TOKENS, tick: Tick | None = None,
    ) -> tuple[tuple[Array, str], ...]:  # fmt: skip
        """For each prompt its block (block_width,) float32, field after field, and the answer; not yet normalised."""
        given = [self.ask(picture, prompt, limit, tick) for prompt in prompts]
        return tuple(
            (self._block(answer, row, mode, temperature), answer.text) for answer, row in zip(given, rows, strict=True)
        )

    def _block(self, answer: Answer, row: Sequence[Choice], mode: Mode, temperature: float) -> Array:
        said = read_answer("".join(answer.pieces), row)
        parts = []
        for choice in row:
            reading = said.get(choice.name)
            logits = None if reading is None else self._candidate_logits(answer, reading.start, choice.candidates)
            parts.append(scores(logits, len(choice.candidates), mode, temperature))
        return np.concatenate(parts)

    def _candidate_logits(self, answer: Answer, start: int, candidates: Sequence[str]) -> Array:
        """Of the first token of each candidate, where the answer's own choice stands.

        Inferred. A token may begin before the value (` C`, `=C`): then every candidate is looked up behind the same.
        """
        begin = 0
        for number, piece in enumerate(answer.pieces):
            if begin <= start < begin + len(piece):
                before = piece[: start - begin]
                firsts = [self._tokenizer.encode(before + item, add_special_tokens=False)[0] for item in candidates]
                return answer.logits[number, firsts]
            begin += len(piece)
        raise AssertionError("a reading starts inside its answer")

    def _question(self, picture: Picture, prompt: str) -> dict[str, torch.Tensor]:
        content = [{"type": "image"}, {"type": "text", "text": prompt}]
        text = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        seen = self._seen(picture)
        count = int(seen["image_grid_thw"].prod()) // self._images.merge_size**2
        tokens = self._tokenizer(text.replace(IMAGE_PAD, IMAGE_PAD * count, 1), return_tensors="pt")
        places = tokens["input_ids"] == self._network.config.image_token_id
        if int(places.sum()) != count:
            raise ModelRefused(f"A prompt must not hold {IMAGE_PAD}, which stands for the picture: {prompt[:80]!r}")
        tokens["mm_token_type_ids"] = places.long()
        return {**tokens.to(self._network.device), **seen}

    def _seen(self, picture: Picture) -> dict[str, torch.Tensor]:
        return dict(self._images(images=[picture], return_tensors="pt").to(self._network.device))


def open_model(source: str, device: str | torch.device = "cpu", *, dtype: str = "auto") -> VisionLanguageModel:
    """Open the model `source`, a folder or a name in the hub's cache on this machine. Never fetches anything.

    No code of the folder runs: the classes are ours to name, and only safetensors are read. Raises `ModelRefused` with
    the reason: not here, pickled weights, another kind of model, damaged, or transformers is not installed.
    """
    place = place_of(source)
    reason = incomplete(place.folder)
    if reason is not None:
        raise _refused(place, reason)
    try:
        from huggingface_hub.errors import StrictDataclassError
        from safetensors import SafetensorError
        from transformers.utils.logging import disable_progress_bar
    except ImportError as error:
        raise ModelRefused(f"The vision-language model needs the package transformers: {INSTALL}.") from error
    disable_progress_bar()
    try:
        network, tokenizer, images = _parts(place, dtype)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError, StrictDataclassError) as error:
        raise _refused(place, f"it cannot be read ({(str(error).splitlines() or [''])[0][:200]})") from error
    return VisionLanguageModel(place, network.to(device).eval().requires_grad_(False), tokenizer, images)


def _parts(place: Place, dtype: str) -> tuple[Any, Any, Any]:
    from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2Tokenizer, Qwen2VLImageProcessorPil

    folder = str(place.folder)
    # Named so that no setting of the folder chooses: an attention named there could be fetched from the hub.
    network, told = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, weights_only=True, dtype=dtype,
        attn_implementation="sdpa", output_loading_info=True,
    )  # fmt: skip
    lacking = sorted(told["missing_keys"]) + sorted(map(str, told["mismatched_keys"]))
    if lacking:  # transformers would fill these with random numbers and only warn
        raise ValueError(f"{len(lacking)} of its weights are missing or misshapen, first {lacking[0]}")
    tokenizer = Qwen2Tokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    template = _processor_template(place)
    if template is not None:
        tokenizer.chat_template = template
    if tokenizer.convert_tokens_to_ids(IMAGE_PAD) != network.config.image_token_id or not tokenizer.chat_template:
        raise ValueError("its tokenizer does not belong to it")
    return network, tokenizer, Qwen2VLImageProcessorPil.from_pretrained(folder, local_files_only=True)


def _processor_template(place: Place) -> str | None:
    """Older folders keep the template for pictures in a file of its own, which goes before the tokenizer's."""
    stored = read_json(place.folder / "chat_template.json") or {}
    template = stored.get("chat_template")
    return template if isinstance(template, str) else None


def _criteria(tick: Tick | None) -> Any:
    """A stop that never comes by itself, but lets the caller raise `Cancelled` between two tokens."""
    if tick is None:
        return None
    import torch
    from transformers import StoppingCriteriaList

    def between(input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:
        tick()
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)

    return StoppingCriteriaList([between])


def _refused(place: Place, reason: str) -> ModelRefused:
    return ModelRefused(
        f"The model in {place.folder} cannot be used: {reason}. Choose a folder of Qwen2.5-VL with its {CONFIG}, "
        "tokenizer and safetensors weights."
    )


def _plain(tensor: torch.Tensor) -> Array:
    out: Array = tensor.cpu().numpy().copy()
    return out
