"""Names of entries in the producers' profile cache (spec 7.2). A changed pixel is another name."""

from __future__ import annotations

import hashlib
from urllib.parse import quote, unquote

import numpy as np

from core.records import Array

IMAGE_HASH = "img"
"""The last part of the file name of image features, for which nothing is asked."""
SHORT = 256
MAX_STEM = 180
"""Bytes of a file name without its ending; file systems take 255."""
HASHED = "~"


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
    return _md5(prompt)[:8]


def safe_stem(name: str) -> str:
    """`name` as a file name without ending that every file system takes, and that cannot leave its folder.

    Reversible (`name_of_stem`), but for names that are too long: these end in `~` and their md5.
    """
    plain = quote(name, safe="", errors="surrogatepass").replace(HASHED, "%7E")
    plain = "%2E" + plain[1:] if plain.startswith(".") else plain
    return plain if 0 < len(plain) <= MAX_STEM else f"{plain[: MAX_STEM // 2]}{HASHED}{_md5(name)}"


def name_of_stem(stem: str) -> str:
    """The name that `safe_stem` wrote; of one that was too long, the stem itself."""
    return stem if HASHED in stem else unquote(stem, errors="surrogatepass")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()
