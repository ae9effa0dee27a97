"""A Qwen2.5-VL with a few thousand random weights and a tokenizer of its own, saved as the real one is."""

from __future__ import annotations

import json
from pathlib import Path

import torch

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
WIDTH = 32
"""Of vision features and hidden states, as in the real model, where both are 2048."""


def save_tiny_model(folder: Path, seed: int = 0) -> Path:
    """Write config, safetensors weights, tokenizer and image processor; nothing is downloaded."""
    from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2VLImageProcessorPil

    folder.mkdir(parents=True, exist_ok=True)
    words = _save_tokenizer(folder)
    torch.manual_seed(seed)
    network = Qwen2_5_VLForConditionalGeneration(_config(words))
    with torch.no_grad():  # at the usual 0.02 all pictures look alike to so small a network
        for weight in network.parameters():
            if weight.ndim > 1:
                weight.mul_(12)
    network.save_pretrained(folder)
    Qwen2VLImageProcessorPil().save_pretrained(folder)
    return folder


def _config(words: dict[str, int]):  # type: ignore[no-untyped-def]
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


def _save_tokenizer(folder: Path) -> dict[str, int]:
    """Byte-level pairs as Qwen's, with every byte and no merges: any text can be written and read."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import Qwen2TokenizerFast

    words = {letter: number for number, letter in enumerate(sorted(ByteLevel.alphabet()))}
    for token in SPECIAL:
        words[token] = len(words)
    tokenizer = Qwen2TokenizerFast(vocab=words, merges=[], extra_special_tokens=list(SPECIAL[1:]))
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    assert json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["type"] == "BPE"
    return words
