"""The process that decodes: `python -m core.images.decode_child`, a job as JSON on standard input.

Job: `frames` (file, number), `out` (where the numbers go, frame after frame), `memory` (bytes of address space).
Answer, one line of JSON on standard output: `shape` and `dtype`, or `error`.
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from core.records import Array

KEPT = (
    "SOPClassUID", "SOPInstanceUID", "Rows", "Columns", "SamplesPerPixel", "PlanarConfiguration", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation",
)  # fmt: skip
ASIDE: tuple[Any, ...] = (None, None)
"""The file that was parsed last, and its data set: frames of one film come in a row."""


def main() -> int:
    job = json.loads(sys.stdin.buffer.read())
    _limit(int(job["memory"]))
    warnings.simplefilter("ignore")
    print(json.dumps(_answer(job)), flush=True)
    return 0


def _limit(memory: int) -> None:
    try:
        resource = import_module("resource")
    except ImportError:  # Windows has no such limits; the time limit of the parent remains
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(job: dict[str, Any]) -> dict[str, Any]:
    shape, dtype = None, None
    try:
        with open(job["out"], "wb") as out:
            for path, frame in job["frames"]:
                pixels = np.ascontiguousarray(_decoded(str(path), int(frame)))
                if dtype not in (None, pixels.dtype) or shape not in (None, pixels.shape):
                    return {"error": "the frames are not of one kind"}
                shape, dtype = pixels.shape, pixels.dtype
                out.write(pixels.data)
    except Exception as error:  # whatever it is, the parent makes it a refusal
        return {"error": f"{type(error).__name__}: {error}"[:500]}
    return {"shape": [len(job["frames"]), *(shape or ())], "dtype": str(dtype)}


def _decoded(path: str, frame: int) -> Array:
    """By pydicom's decoders; what they cannot (lossless JPEG, 12-bit JPEG) by GDCM, which comes with SimpleITK."""
    pixels: Any = import_module("pydicom.pixels")
    try:
        return np.asarray(pixels.pixel_array(path, index=frame))
    except (RuntimeError, NotImplementedError) as error:
        try:
            return _by_gdcm(path, frame)
        except ImportError:
            raise error from None


def _by_gdcm(path: str, frame: int) -> Array:
    """One frame in a file of its own, without rescale, inversion and overlays: GDCM would apply them."""
    sitk: Any = import_module("SimpleITK")
    with tempfile.TemporaryDirectory(prefix="flowglass-") as folder:
        single = Path(folder) / "frame.dcm"
        data = _single(path, frame)
        data.save_as(single, enforce_file_format=True)
        reader = sitk.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(str(single))
        pixels: Array = sitk.GetArrayFromImage(reader.Execute())
    return np.asarray(pixels[0])


def _single(path: str, frame: int) -> Any:
    pydicom: Any = import_module("pydicom")
    encaps: Any = import_module("pydicom.encaps")
    whole = _parsed(pydicom, path)
    data = pydicom.Dataset()
    for keyword in KEPT:
        if keyword in whole:
            data[keyword] = whole[keyword]
    samples = int(whole.get("SamplesPerPixel", 1))
    data.PhotometricInterpretation = "MONOCHROME2" if samples == 1 else whole.PhotometricInterpretation
    count = int(whole.get("NumberOfFrames", 1) or 1)
    one = encaps.get_frame(whole.PixelData, frame, number_of_frames=count)
    data.PixelData = encaps.encapsulate([one])
    data["PixelData"].VR = "OB"
    data["PixelData"].is_undefined_length = True
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = whole.file_meta.TransferSyntaxUID
    data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    return data


def _parsed(pydicom: Any, path: str) -> Any:
    global ASIDE
    if ASIDE[0] != path:
        ASIDE = (path, pydicom.dcmread(path))
    return ASIDE[1]


if __name__ == "__main__":
    sys.exit(main())
