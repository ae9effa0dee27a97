"""Writing the profile cache: our two files, and the producers' `.pt` beside them wherever the disk takes its name."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.conditioning.keys import IMAGE_HASH, safe_stem
from core.conditioning.profiles import FORMAT, TENSOR, Profile
from core.files import write_whole
from core.records import Array
from core.versions import version_of

if TYPE_CHECKING:
    from torch import Tensor

NARROW = {"float16": "float16", "fp16": "float16", "half": "float16", "bfloat16": "bfloat16", "bf16": "bfloat16"}
FORBIDDEN = frozenset('<>:"|?*\\')
"""Letters that Windows takes for something else; a colon there would even write a hidden stream without a word."""
PACKAGES = ("flowglass", "torch", "transformers")


def narrowed(features: Array, dtype: str) -> Tensor:
    """`features` in the checkpoint's `embedding_dtype` (spec section 7); one that is not narrow means float32."""
    import torch

    kind = getattr(torch, NARROW.get(dtype.removeprefix("torch."), "float32"))
    return torch.from_numpy(np.array(features, dtype=np.float32)).to(kind)


def write_profile(
    folder: Path, identity: str, suffix_hash: str, profile: Profile, dtype: str, *, flat: bool = False
) -> Path:
    """Write one entry so that neither a reader nor another writer ever meets half of it; returns our JSON file.

    `dtype`: the `embedding_dtype` that the feature is already rounded to. `flat`: a block of logits, which the
    producers store as (n,), while other features are one row (1, n). Raises OSError when the disk refuses.
    """
    from safetensors.torch import save

    name = f"{identity}_{suffix_hash}"
    numbers = narrowed(profile.feature, dtype).contiguous()
    raw = save({TENSOR: numbers})
    words = _words(name, identity, profile, numbers, hashlib.sha256(raw).hexdigest())
    write_whole(folder / f"{safe_stem(name)}.safetensors", lambda part: part.write_bytes(raw))
    path = write_whole(folder / f"{safe_stem(name)}.json", lambda part: part.write_text(words, encoding="utf-8"))
    _write_theirs(folder, name, numbers if flat else numbers[None], profile.text)
    return path


def _words(name: str, identity: str, profile: Profile, numbers: Tensor, sha256: str) -> str:
    told = {
        "format": FORMAT,
        "name": name,
        "identity": identity,
        "prompt": profile.prompt,
        "answer": profile.text,
        "model": profile.model,
        "revision": profile.revision,
        "recipe": profile.recipe,
        "dtype": str(numbers.dtype).removeprefix("torch."),
        "sha256": sha256,
        "versions": {package: version_of(package) or "" for package in PACKAGES},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return json.dumps(told, indent=1)


def _write_theirs(folder: Path, name: str, numbers: Tensor, text: str) -> None:
    """The producers' own file, as far as it is possible. Their names may hold `/`, `:` and `|` (spec 7.2)."""
    path = _their_path(folder, name)
    if path is None:
        return
    try:
        write_whole(path, lambda part: _save_theirs(_payload(name, numbers, text), part))
    except (OSError, ValueError):  # a name that this disk does not take; ours is there
        return


def _payload(name: str, numbers: Tensor, text: str) -> dict[str, Any]:
    if name.endswith("_" + IMAGE_HASH):
        return {"image_feat": numbers}
    return {"text": text, "e_text": numbers}


def _save_theirs(payload: dict[str, Any], path: Path) -> None:
    import torch

    torch.save(payload, path)


def _their_path(folder: Path, name: str) -> Path | None:
    """None for a name that could lead out of the folder, or that this system does not mean as a name."""
    if os.name == "nt" and FORBIDDEN & set(name):
        return None
    parts = name.split("/")
    if not all(part.strip(". ") for part in parts) or any(
        not letter.isprintable() or letter == "\\" for letter in name
    ):
        return None
    path = folder.joinpath(*parts[:-1], parts[-1] + ".pt")
    return path if path.parent.resolve().is_relative_to(folder.resolve()) else None
