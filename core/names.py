"""Names of files and folders that mean the same to every reader."""

from __future__ import annotations

from pathlib import Path

CHECKPOINT_EXTENSIONS = (".ckpt", ".pt", ".pth", ".safetensors", ".bin")
UNREAD_IMAGE_EXTENSIONS = (".webp", ".jp2")
"""Images by their name, of kinds that this version does not read."""
PROFILE_CACHE = "vlm_profiles"
"""The producers' folder of feature files (.pt), or a tar of it: these are no checkpoints."""


def file_stem(name: str) -> str:
    """The name of a case as the start of file names: folders joined, ending left out (`.nii.gz` ends twice)."""
    return Path(name.removesuffix(".gz")).with_suffix("").as_posix().replace("/", "_")
