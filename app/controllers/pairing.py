"""Which of the masks that were dropped together belongs to which image."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

# What people put at the end of a mask's name, or of an image's, to tell the two apart.
ROLES = re.compile(r"[-_. ]?(image|img|mask|label|labels|seg|gt|reference|manual\d*|0000)$", re.IGNORECASE)


def pair(images: Sequence[str], masks: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Masks by image path, and the masks left over. One image and one mask belong together whatever they are called;
    of several, those whose names agree apart from a role (`a_image.png`, `a_mask.png`) and only if that is unique."""
    if len(images) == 1 and len(masks) == 1:
        return {images[0]: masks[0]}, []
    found: dict[str, str] = {}
    for image in images:
        fitting = [mask for mask in masks if _core_name(mask) == _core_name(image)]
        rivals = [other for other in images if _core_name(other) == _core_name(image)]
        if len(fitting) == 1 and len(rivals) == 1:
            found[image] = fitting[0]
    return found, [mask for mask in masks if mask not in found.values()]


def _core_name(path: str) -> str:
    stem = PurePath(path).name.removesuffix(".gz").rpartition(".")[0] or PurePath(path).name
    return ROLES.sub("", stem).lower()
