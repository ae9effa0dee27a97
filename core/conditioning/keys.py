"""Names of entries in the producers' profile cache (spec 7.2). A changed pixel is another name."""

from __future__ import annotations

import hashlib

import numpy as np

from core.records import Array

IMAGE_HASH = "img"
SHORT = 256


def fingerprint(window: Array) -> str:
    """12 hex digits for a window (C, h, w) float32 exactly as the network gets it.

    The producers mean to sample three chunks and, by a slip of axes, hash the whole window twice; so do we.
    """
    pixels = np.ascontiguousarray(window, dtype="<f4")
    raw = pixels.tobytes()
    header = f"{tuple(pixels.shape)}|torch.float32".encode()
    return hashlib.md5(header + raw + (raw if len(raw) >= SHORT else b""), usedforsecurity=False).hexdigest()[:12]


def window_id(window: Array, position: int, suffix: str) -> str:
    """Identity of a window at `position` in its batch; `suffix` is `vlm:<mode>` or empty."""
    name = f"unknown:unknown:fp={fingerprint(window)}:i={position}"
    return f"{name}|{suffix}" if suffix else name


def prompt_hash(prompt: str | None) -> str:
    """The last part of a file name: `img` for image features, else 8 hex digits of the prompt."""
    if prompt is None:
        return IMAGE_HASH
    return hashlib.md5(prompt.encode(), usedforsecurity=False).hexdigest()[:8]
