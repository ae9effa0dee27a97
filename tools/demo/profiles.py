"""The profile cache of the demo cases, with the producers' file names and payload, as one tar.

Names hold `:` and `|`, which Windows refuses in file names, so they are shipped inside vlm_profiles.tar.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from tools.demo.cases import NAMES, image_path
from tools.demo.features import window_feature
from tools.demo.recipes import IMAGE_SIZE, Recipe
from tools.demo.windows import normalise

Floats = NDArray[np.float32]
BATCH = 4
DARK = 1.0
"""Polarity of every demo case: vessels are dark."""


def fingerprint(window: Floats) -> str:
    """12 hex digits of a (1, S, S) float32 window as the network gets it (spec 7.2: the bytes count twice)."""
    header = f"{tuple(window.shape)}|torch.float32".encode()
    return hashlib.md5(header + 2 * window.astype("<f4").tobytes(), usedforsecurity=False).hexdigest()[:12]


def window_starts(side: int, size: int = IMAGE_SIZE) -> list[int]:
    """Where windows of `size` with overlap 0.25 begin along one axis (spec section 10); `side` >= `size`."""
    interval = size if side == size else int(size * 0.75)
    count = 1 + -(-(side - size) // interval)
    return [min(number * interval, side - size) for number in range(count)]


def windows_of(seen: Floats) -> list[Floats]:
    """(1, S, S) windows of a transposed, normalised image, in the producers' order."""
    rows, columns = (window_starts(side) for side in seen.shape)
    return [seen[None, r : r + IMAGE_SIZE, c : c + IMAGE_SIZE] for r in rows for c in columns]


def as_seen(path: Path) -> Floats:
    """An 8-bit grey picture as the producers' loader gives it to the network: normalised and transposed."""
    return np.ascontiguousarray(normalise(np.asarray(Image.open(path).convert("L"))).T)


def entries(out: Path) -> Iterator[tuple[str, NDArray[np.float16]]]:
    """File name and feature: the whole image (as in validation), then each window at its place in its batch of four."""
    for name in NAMES:
        seen = as_seen(image_path(out, name))
        yield f"unknown:test/image/{name}|vlm:raw_img.pt", window_feature(seen, DARK)
        for number, window in enumerate(windows_of(seen)):
            key = f"unknown:unknown:fp={fingerprint(window)}:i={number % BATCH}|vlm:raw_img.pt"
            yield key, window_feature(window[0], DARK)


def write_profiles(out: Path, recipe: Recipe) -> Path:
    """vlm_profiles.tar in the run folder, without times or owners, so that the same cases give the same bytes."""
    path = out / recipe.folder / "vlm_profiles.tar"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, feature in entries(out):
            payload = io.BytesIO()
            torch.save({"image_feat": torch.from_numpy(feature)}, payload)
            member = tarfile.TarInfo(f"vlm_profiles/{name}")
            member.size = len(payload.getvalue())
            archive.addfile(member, io.BytesIO(payload.getvalue()))
    return path
