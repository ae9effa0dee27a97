"""Which mask belongs to which image, by folder and file name, in the layouts that data sets come in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

IMAGE_FOLDERS = frozenset({"image", "images", "img", "imgs"})
LABEL_FOLDERS = (
    "label",
    "labels",
    "1st_manual",
    "manual1",
    "manual",
    "gt",
    "ground_truth",
    "groundtruth",
    "reference",
    "references",
    "annotation",
    "annotations",
    "segmentation",
    "segmentations",
    "masks",
    "mask",
)
"""Best first: beside `1st_manual`, DRIVE has a folder `mask` that holds the field of view, not the vessels."""
OTHER_LABEL_FOLDERS = frozenset({"2nd_manual", "manual2", "label_smooth", "label_gaussian", "label_sauna"})
"""Second readers and the producers' soft labels: neither images nor references."""
LABEL_ENDINGS = (
    "_gt",
    "_mask",
    "_masks",
    "_label",
    "_labels",
    "_manual1",
    "_manual",
    "_seg",
    "_segmentation",
    "_1stho",
    "_annotation",
)
IMAGE_ENDINGS = ("_training", "_test", "_image", "_img", "_0000")
EXTENSIONS = (
    ".nii.gz",
    ".seg.nrrd",
    ".gipl.gz",
    ".hdr.gz",
    ".png",
    ".jpg",
    ".jpeg",
    ".tif",
    ".tiff",
    ".bmp",
    ".gif",
    ".ppm",
    ".pgm",
    ".pbm",
    ".pnm",
    ".npy",
    ".npz",
    ".nii",
    ".nrrd",
    ".nhdr",
    ".mha",
    ".mhd",
    ".mgh",
    ".mgz",
    ".gipl",
    ".hdr",
    ".dcm",
    ".dicom",
    ".ima",
)


def has_image_extension(name: str) -> bool:
    """Whether the file name ends like one of the kinds that are read."""
    return name.lower().endswith(EXTENSIONS)


def stem(name: str) -> str:
    """The file name without its image extension, lower case: `21_Training.tif` -> `21_training`."""
    lower = name.lower()
    for extension in EXTENSIONS:
        if lower.endswith(extension):
            return lower[: -len(extension)]
    return lower


def image_key(name: str) -> str:
    """`21_training.tif` -> `21`."""
    return _without(stem(name), IMAGE_ENDINGS)


def label_key(name: str) -> str:
    """`21_manual1.gif` -> `21`; `21_training_mask.gif` -> `21`."""
    return _without(_without(stem(name), LABEL_ENDINGS), IMAGE_ENDINGS)


def is_label_name(name: str) -> bool:
    """Whether the file name alone says that this is a label: `01_gt.png`."""
    return _without(stem(name), LABEL_ENDINGS) != stem(name)


def choose_label(image: str, labels: list[str]) -> str | None:
    """The one file name of `labels` that belongs to the file name `image`; None when none or several do.

    Same name first, then same stem, then the same stem without the endings above.
    """
    for matches in (
        [label for label in labels if label == image],
        [label for label in labels if stem(label) == stem(image)],
        [label for label in labels if label_key(label) == image_key(image)],
    ):
        if matches:
            return matches[0] if len(matches) == 1 else None
    return None


def pairs_with(image: Path | str, mask: Path | str) -> bool:
    """Whether `mask` is, by its name and folder, the reference of `image`: `images/01.png` and `labels/01_gt.png`,
    `<split>/image/x.png` and `<split>/label/x.png`, or `x.png` and `x_gt.png` in one folder."""
    image, mask = Path(image), Path(mask)
    if image == mask or choose_label(image.name, [mask.name]) is None:
        return False
    if image.parent == mask.parent:
        return is_label_name(mask.name)
    if mask.parent.name.lower() not in LABEL_FOLDERS:
        return False
    if image.parent.name.lower() in IMAGE_FOLDERS:
        return image.parent.parent == mask.parent.parent
    return mask.parent.parent == image.parent


def pair(images: Sequence[str], masks: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Masks by image for files that came together, and the masks left over.

    One image and one mask belong together whatever they are called; of several, those whose names agree (as in
    `choose_label`), and only if that is unique both ways.
    """
    if len(images) == 1 and len(masks) == 1:
        return {images[0]: masks[0]}, []
    found: dict[str, str] = {}
    for image in images:
        chosen = choose_label(Path(image).name, [Path(mask).name for mask in masks])
        fitting = [mask for mask in masks if Path(mask).name == chosen]
        rivals = [other for other in images if image_key(Path(other).name) == image_key(Path(image).name)]
        if len(fitting) == 1 and len(rivals) == 1:
            found[image] = fitting[0]
    return found, [mask for mask in masks if mask not in found.values()]


def find_reference(image: Path | str) -> Path | None:
    """The reference mask on disk that belongs to the image file, looked for in its folder and the folders beside it."""
    image = Path(image)
    base = image.parent.parent if image.parent.name.lower() in IMAGE_FOLDERS else image.parent
    for folder in (*_label_folders(base), image.parent):
        names = [name for name in _file_names(folder) if pairs_with(image, folder / name)]
        chosen = choose_label(image.name, names)
        if chosen is not None:
            return folder / chosen
    return None


def sample_name(image: Path | str) -> str | None:
    """The producers' name of a sample, `<split>/image/<file>`, when the file lies in a folder called `image`."""
    image = Path(image)
    if image.parent.name != "image" or not image.parent.parent.name:
        return None
    return f"{image.parent.parent.name}/image/{image.name}"


def _without(text: str, endings: tuple[str, ...]) -> str:
    for ending in endings:
        if text.endswith(ending) and len(text) > len(ending):
            return text[: -len(ending)]
    return text


def _label_folders(base: Path) -> list[Path]:
    try:
        present = {entry.name.lower(): entry for entry in base.iterdir() if entry.is_dir()}
    except OSError:
        return []
    return [present[name] for name in LABEL_FOLDERS if name in present]


def _file_names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir() if has_image_extension(entry.name) and entry.is_file())
    except OSError:
        return []
