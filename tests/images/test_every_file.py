"""Every file of the shared data: shape, place in the patient, values and labels as independent readers found them."""

from __future__ import annotations

import json
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from core.errors import ImageRefused
from core.images import read_image, read_labels
from core.images.reading import read_raster
from core.records import Image
from tests.shared_data import DATA, SHARED, needs_shared

NO_ORIENTATION = {"minimal.nii.gz", "Z150.mha", "MRIcrop-orig.gipl.gz", "MRIcrop-seg.gipl.gz"}
"""Files that do not say how they lie in the patient: other readers assume something, each its own."""
FRACTIONS = {"seg4d_11f.nii.gz"}
"""Interpolated labels, which are no labels any more."""
TEXT = {"MRIcrop-seg.label"}


@cache
def facts_of(name: str, which: str = "expected") -> dict[str, Any]:
    return dict(json.loads((DATA / name / f"{which}.json").read_text()))


def volume_files() -> list[Any]:
    if not SHARED.is_dir():
        return []
    found = [(name, key) for name in ("geometry", "volumes") for key in facts_of(name)["files"]]
    return [pytest.param(name, key, id=f"{name}/{key}") for name, key in found]


def items(name: str) -> dict[str, dict[str, Any]]:
    return {item["path"]: item for item in facts_of(name, "manifest")["items"]}


def corners(image: Image) -> np.ndarray[Any, Any]:
    """World coordinates of the eight corner voxels, (2, 2, 2, 3)."""
    assert image.affine is not None
    last = np.array(image.voxels.shape) - 1
    places = [[*(np.array(place) * last), 1] for place in product((0, 1), repeat=3)]
    return np.array([(image.affine @ place)[:3] for place in places])


def nearest(image: Image, place: Any) -> float:
    """How far the nearest corner lies from a place: a corner stays a corner, whatever the order of the axes."""
    return float(np.abs(corners(image) - np.array(place)).max(axis=1).min())


def reader_of(facts: dict[str, Any]) -> dict[str, Any]:
    """The reader that knows the format best; MetaImage and GIPL: values by their own parser, places by SimpleITK."""
    own = facts.get("own_mha_parser") or facts.get("own_gipl_parser")
    return facts.get("nibabel") or facts.get("pynrrd") or {**facts["simpleitk"], "stats": own["stats"]}


def all_frames(path: Path) -> np.ndarray[Any, Any]:
    first = read_image(path)
    frames = [first.voxels, *(read_image(path, frame=number).voxels for number in range(1, first.frames))]
    return np.stack(frames) if len(frames) > 1 else first.voxels


@needs_shared
@pytest.mark.parametrize(("name", "key"), volume_files())
def test_a_volume_lies_and_measures_as_other_readers_say(name: str, key: str) -> None:
    path, facts, item = DATA / name / key, facts_of(name)["files"][key], items(name)[key]
    image, theirs = read_image(path), reader_of(facts)
    assert image.frames * image.voxels.size == int(np.prod(item["shape"]))
    sizes = [length for length in item["shape"][:3] if length > 1]
    assert sorted(length for length in image.voxels.shape if length > 1) == sorted(sizes)
    if path.name in NO_ORIENTATION:
        assert image.affine is None
        assert "image.orientation-unknown" in [finding.code for finding in image.findings]
    else:
        assert nearest(image, theirs["world_first_RAS"]) < 0.01
        assert nearest(image, theirs["world_last_RAS"]) < 0.01
    check_spacing(image, item)
    if item.get("dtype_on_disk") != "RGB24":  # of a colour image one channel is read, and the figures are of three
        check_values(all_frames(path), theirs["stats"])


def check_spacing(image: Image, item: dict[str, Any]) -> None:
    if item.get("shear", 0) > 0.01:
        assert image.spacing_mm is None
        assert "image.shear" in [finding.code for finding in image.findings]
        return
    assert image.spacing_mm is not None
    lengths = [*item["spacing"][:3], 1.0][:3]
    assert sorted(image.spacing_mm) == pytest.approx(sorted(lengths), rel=1e-4)


def check_values(voxels: Any, stats: dict[str, Any]) -> None:
    """Counted over finite values, as the figures are."""
    finite = voxels[np.isfinite(voxels)]
    assert finite.size == stats["n"]
    assert finite.min() == pytest.approx(stats["min"], rel=1e-6)
    assert finite.max() == pytest.approx(stats["max"], rel=1e-6)
    assert finite.mean(dtype=np.float64) == pytest.approx(stats["mean"], rel=1e-5, abs=1e-6)


@needs_shared
@pytest.mark.parametrize(("name", "key"), volume_files())
def test_the_axes_point_where_the_manifest_says(name: str, key: str) -> None:
    """The stored first voxel and its neighbours, found by their place, are where the file's own axis codes point."""
    item, path = items(name)[key], DATA / name / key
    image = read_image(path)
    if image.affine is None or len(item["shape"]) < 3:
        pytest.skip("has no orientation, or is one slice: the test above says so")
    first = np.array(reader_of(facts_of(name)["files"][key])["world_first_RAS"])
    inverse = np.linalg.inv(image.affine)
    start = np.rint(inverse @ [*first, 1])[:3].astype(int)
    ends = {"R": 0, "L": 0, "A": 1, "P": 1, "S": 2, "I": 2}
    shown = nibabel.orientations.aff2axcodes(image.affine)
    for letter, length in zip(item["axis_codes"], item["shape"], strict=False):
        axis = next(number for number, code in enumerate(shown) if ends[code] == ends[letter])
        assert image.voxels.shape[axis] == length
        assert start[axis] == (0 if shown[axis] == letter else length - 1)


def labelled() -> list[Any]:
    if not SHARED.is_dir():
        return []
    found = [(name, key) for name in ("geometry", "volumes") for key, item in items(name).items() if "label" in item]
    return [pytest.param(name, key, id=f"{name}/{key}") for name, key in found]


@needs_shared
@pytest.mark.parametrize(("name", "key"), labelled())
def test_a_label_map_has_the_counts_of_the_manifest(name: str, key: str) -> None:
    path, expected = DATA / name / key, items(name)[key]["label"]
    if path.name in FRACTIONS:
        with pytest.raises(ImageRefused, match="fractions"):
            read_labels(path)
        return
    frames = [read_labels(path, frame=number).labels for number in range(read_raster(path).frames)]
    numbers, counts = np.unique(np.stack(frames), return_counts=True)
    assert np.count_nonzero(np.stack(frames)) == expected["foreground_voxels"]
    assert int(numbers.max()) == expected["max_label"]
    found = {str(number): int(count) for number, count in zip(numbers, counts, strict=True)}
    assert {number: found.get(number, 0) for number in expected.get("counts", {})} == expected.get("counts", {})


@needs_shared
def test_a_slicer_segmentation_keeps_names_colours_and_codes() -> None:
    path = DATA / "volumes" / "slicer_ctchest" / "Segmentation.seg.nrrd"
    labels = read_labels(path)
    segments = items("volumes")["slicer_ctchest/Segmentation.seg.nrrd"]["segments"]
    assert len(segments) == 7
    for segment in segments:
        number = int(segment["LabelValue"])
        assert labels.names[number] == segment["Name"]
        assert labels.colours[number] == tuple(round(255 * float(part)) for part in segment["Color"].split())
        assert np.count_nonzero(labels.labels == number) == segment["voxels"]
    assert all(code.startswith(("SCT:", "SRT:", "DCM:")) for code in labels.codes.values())


@needs_shared
def test_every_file_is_looked_at_by_some_test() -> None:
    for name in ("geometry", "volumes"):
        unknown = set(items(name)) - set(facts_of(name)["files"])
        assert {Path(key).name for key in unknown} <= TEXT | {"ras.img"}
        for key in unknown:
            if Path(key).name in TEXT:
                with pytest.raises(ImageRefused):
                    read_image(DATA / name / key)
            else:  # the voxels of a pair open like their header
                twin = read_image((DATA / name / key).with_suffix(".hdr"))
                np.testing.assert_array_equal(read_image(DATA / name / key).voxels, twin.voxels)
