"""Names of entries in the producers' profile cache (spec 7.2). A changed pixel is another name."""

from __future__ import annotations

import hashlib

import numpy as np

from core.records import Array

IMAGE_HASH = "img"
"""The last part of the file name of image features, for which nothing is asked."""
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


def prompt_hash(prompt: str) -> str:
    """The last part of the file name of what was asked with `prompt`: 8 hex digits."""
    return hashlib.md5(prompt.encode(), usedforsecurity=False).hexdigest()[:8]
