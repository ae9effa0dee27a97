"""Write masks and probabilities on the grid of their image, by the file's ending; a file appears whole or never."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.errors import ImageRefused, ShapeMismatch
from core.files import write_whole
from core.images.dicom_seg_writing import save_dicom_seg
from core.images.geometry import affine_problem
from core.images.grid_match import same_grid
from core.images.intake import shown
from core.images.metaimage_writing import save_metaimage
from core.images.nifti_writing import save_nifti
from core.images.nrrd_writing import save_nrrd, save_segmentation
from core.images.outgoing import Outgoing
from core.images.picture_writing import levels, one_slice, save_png, save_tiff
from core.records import Array, Image, LabelMap

LABEL_ENDINGS = (".nii.gz", ".nii", ".seg.nrrd", ".nrrd", ".mha", ".png", ".tif", ".tiff", ".npy", ".dcm")
PROBABILITY_ENDINGS = tuple(ending for ending in LABEL_ENDINGS if ending != ".seg.nrrd")
WRITABLE: dict[str, tuple[str, ...]] = {"labels": LABEL_ENDINGS, "probability": PROBABILITY_ENDINGS}
"""The endings that each kind can be written with; a longer one comes before its own end."""
Save = Callable[[Path], object]


def write_labels(
    labels: LabelMap | Array,
    path: Path | str,
    like: Image | LabelMap | None = None,
    *,
    algorithm: str = "Flowglass",
    remark: str = "",
) -> Path:
    """Write a mask or label map in the format of the file's ending, one of `WRITABLE["labels"]`.

    `labels`: a LabelMap, or a bool or integer array (slices, rows, columns) or (rows, columns). The grid comes from
    `like`, else from the LabelMap; names, colours and codes from the LabelMap (kept by `.seg.nrrd`, `.nrrd` with names,
    and `.dcm`). Pictures hold 0 and 1 (stored as 255), a PNG one slice; a DICOM segmentation (`.dcm`) refers to the
    series of `like` and says that `algorithm` made it. `remark` goes into the header, which all but `.npy` have. Raises
    ImageRefused when the format cannot hold the labels, ShapeMismatch when `like` has another shape or the LabelMap
    lies elsewhere, OSError when the disk refuses.
    """
    path = Path(path)
    array = _volume(labels.labels if isinstance(labels, LabelMap) else np.asarray(labels))
    if array.dtype.kind not in "biu":
        raise ImageRefused(
            f"{shown(path)}: labels are whole numbers, not {array.dtype}. Use write_probability for those."
        )
    out = _outgoing(array, like, labels, algorithm, remark)
    return write_whole(path, _saver(out, path, LABEL_ENDINGS))


def write_probability(
    path: Path | str,
    probability: Array,
    like: Image | LabelMap | None = None,
    *,
    algorithm: str = "Flowglass",
    remark: str = "",
) -> Path:
    """Write a probability in [0, 1], (slices, rows, columns) or (rows, columns), by one of `WRITABLE["probability"]`.

    Pictures hold 16 bits (65535 = 1), a DICOM segmentation 8 bits (255 = 1), all others float32. Raises as
    `write_labels`, and ImageRefused for values outside [0, 1].
    """
    path = Path(path)
    array = _volume(np.asarray(probability, dtype=np.float32))
    if not (array.min() >= 0 and array.max() <= 1):  # also catches NaN
        raise ImageRefused(
            f"{shown(path)}: a probability lies in [0, 1]; this one goes from {array.min():g} to "
            f"{array.max():g}. Write the score as .npy with numpy instead."
        )
    return write_whole(path, _saver(_outgoing(array, like, None, algorithm, remark), path, PROBABILITY_ENDINGS))


def _saver(out: Outgoing, path: Path, endings: tuple[str, ...]) -> Save:
    """How to save. What a picture cannot hold is refused at once, before a folder is made for it."""
    match ending_of(path, endings):
        case ".png":
            picture = one_slice(levels(out, path), path)
            return lambda part: save_png(picture, part, out.remark)
        case ".tif" | ".tiff":
            pages = levels(out, path)
            return lambda part: save_tiff(pages, part, out.remark)
        case ".npy":
            return lambda part: np.save(part, out.values, allow_pickle=False)
        case ".nii" | ".nii.gz":
            return lambda part: save_nifti(out, part)
        case ".nrrd":
            return lambda part: save_nrrd(out, part)
        case ".seg.nrrd":
            return lambda part: save_segmentation(out, part)
        case ".mha":
            return lambda part: save_metaimage(out, part)
        case _:
            return lambda part: save_dicom_seg(out, part, path)


def ending_of(path: Path, endings: tuple[str, ...] = LABEL_ENDINGS) -> str:
    """The ending that decides the format, in lower case. Raises ImageRefused for any other."""
    name = path.name.lower()
    found = next((ending for ending in LABEL_ENDINGS if name.endswith(ending)), None)
    if found not in endings:
        raise ImageRefused(f"{shown(path)}: this kind of file is not written. Use one of {', '.join(endings)}.")
    assert found is not None
    return found


def _volume(array: Array) -> Array:
    if array.ndim not in (2, 3) or array.size == 0:
        raise ShapeMismatch(f"An image is (rows, columns) or (slices, rows, columns), not {array.shape}.")
    return array if array.ndim == 3 else array[np.newaxis]


def _outgoing(array: Array, like: Image | LabelMap | None, labels: object, algorithm: str, remark: str) -> Outgoing:
    known = labels if isinstance(labels, LabelMap) else None
    grid = like if like is not None else known
    if grid is None:
        return Outgoing(values=array, algorithm=algorithm, remark=remark)
    shape = grid.voxels.shape if isinstance(grid, Image) else grid.labels.shape
    if shape != array.shape:
        raise ShapeMismatch(f"The labels have shape {array.shape} and {grid.name}, whose grid they take, has {shape}.")
    match = same_grid(known, grid) if known is not None else None
    if match is not None and not match:
        raise ShapeMismatch(f"{match.reason} Resample the labels onto that grid, or write them on their own.")
    usable = grid.affine is not None and not affine_problem(grid.affine)
    return Outgoing(
        values=array,
        affine=grid.affine if usable else None,
        spacing_mm=grid.spacing_mm,
        names=known.names if known else {},
        colours=known.colours if known else {},
        codes=known.codes if known else {},
        files=grid.files if isinstance(grid, Image) else (),
        source=grid.name,
        algorithm=algorithm,
        remark=remark,
    )
