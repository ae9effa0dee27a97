"""A Qwen2.5-VL with a few thousand random weights and a tokenizer of its own, saved as the real one is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip
TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}<|im_start|>system\n"
    "You are a helpful assistant.<|im_end|>\n{% endif %}<|im_start|>{{ message['role'] }}\n"
    "{% for content in message['content'] %}{% if content['type'] == 'image' %}<|vision_start|><|image_pad|>"
    "<|vision_end|>{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ANSWERS = {
    "How whole?": "continuity=C;breaks=H;cause=unknown",
    "How noisy?": "nonvessel: A\nfp_risk: B\nsource: D",
    "How thin?": "I cannot say.",
}
PROMPTS = tuple(ANSWERS)
WIDTH = 32
"""Of vision features and hidden states, as in the real model, where both are 2048."""


def save_tiny_model(folder: Path, answers: Mapping[str, str] | None = None, seed: int = 0) -> Path:
    """Write config, safetensors weights, tokenizer and image processor; nothing is downloaded.

    `answers`: prompts and what the model is taught to answer to them, whatever it sees.
    """
    from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2VLImageProcessorPil
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer()
    torch.manual_seed(seed)
    network = Qwen2_5_VLForConditionalGeneration(_config(tokenizer.get_vocab()))
    with torch.no_grad():  # at the usual 0.02 all pictures look alike to so small a network
        for weight in network.model.visual.parameters():
            if weight.ndim > 1:
                weight.mul_(8)
    images = Qwen2VLImageProcessorPil()
    if answers:
        _teach(network, tokenizer, images, answers)
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    images.save_pretrained(folder)
    return folder


def _teach(network: Any, tokenizer: Any, images: Any, answers: Mapping[str, str]) -> None:
    """Until every letter of every answer is the likeliest one by far."""
    rng = np.random.default_rng(0)
    lessons = []
    for prompt, answer in answers.items():
        content = [{"type": "image"}, {"type": "text", "text": prompt}]
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        ).replace("<|image_pad|>", "<|image_pad|>" * 4)
        asked, said = (tokenizer(part, return_tensors="pt").input_ids for part in (text, answer + "<|im_end|>"))
        tokens = torch.cat((asked, said), dim=1)
        labels = torch.cat((torch.full_like(asked, -100), said), dim=1)
        kinds = (tokens == network.config.image_token_id).long()
        lessons.append({"input_ids": tokens, "labels": labels, "mm_token_type_ids": kinds})
    optimiser = torch.optim.AdamW(network.model.language_model.parameters(), lr=1e-2)
    for _ in range(300):
        picture = Image.fromarray(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8))
        seen = images(images=[picture], return_tensors="pt")
        losses = [network(**lesson, **seen).loss for lesson in lessons]
        optimiser.zero_grad()
        sum(losses).backward()
        optimiser.step()
        if max(loss.item() for loss in losses) < 0.05:
            return
    raise AssertionError("the tiny model does not learn its answers")


def _config(words: Mapping[str, int]) -> Any:
    from transformers import Qwen2_5_VLConfig

    return Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(words), "hidden_size": WIDTH, "intermediate_size": 48, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 4096,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
            "bos_token_id": words["<|endoftext|>"], "eos_token_id": words["<|im_end|>"],
            "pad_token_id": words["<|endoftext|>"],
        },
        vision_config={
            "depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": WIDTH,
            "fullatt_block_indexes": [1],
        },
        image_token_id=words["<|image_pad|>"],
        video_token_id=words["<|video_pad|>"],
        vision_start_token_id=words["<|vision_start|>"],
        vision_end_token_id=words["<|vision_end|>"],
        tie_word_embeddings=True,
    )  # fmt: skip


def _tokenizer() -> Any:
    """Byte-level pairs as Qwen's, with every byte and no merges: any text can be written and read."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import Qwen2Tokenizer

    words = {letter: number for number, letter in enumerate(sorted(ByteLevel.alphabet()))}
    for token in SPECIAL:
        words[token] = len(words)
    tokenizer = Qwen2Tokenizer(vocab=words, merges=[], extra_special_tokens=list(SPECIAL[1:]))
    tokenizer.chat_template = TEMPLATE
    return tokenizer
