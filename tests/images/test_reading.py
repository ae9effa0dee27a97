"""Images as a person sees them, with the values that independent readers found in the same files."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from core.errors import ImageRefused
from core.images import READABLE, normalise, read_image, sniff_image
from tests.shared_data import DATA, FIXTURES, SHARED, needs_shared

LOADING = FIXTURES / "evaluation" / "loading"


def expected_pictures() -> list[Any]:
    if not SHARED.is_dir():
        return []
    cases = []
    for name in ("xca", "fundus", "octa"):
        files = json.loads((DATA / name / "expected.json").read_text())["files"]
        cases += [pytest.param(DATA / name / key, facts, id=f"{name}/{key}") for key, facts in files.items()]
    return cases


def codes(image: Any) -> set[str]:
    return {finding.code for finding in image.findings}


@needs_shared
@pytest.mark.parametrize(("path", "facts"), expected_pictures())
def test_every_real_picture_has_the_values_that_two_other_readers_found(path: Path, facts: dict[str, Any]) -> None:
    image = read_image(path)
    assert image.voxels.dtype == np.uint8
    assert not image.voxels.flags.writeable
    red = facts.get("per_channel_mean_RGB")
    assert image.voxels.mean(dtype=np.float64) == pytest.approx(red[0] if red else facts["pillow"]["mean"], abs=1e-4)
    for place, value in facts["pixel_samples_row_col"].items():
        row, column = map(int, place.split(","))
        if red:
            assert image.colour is not None
            assert image.colour[row, column].tolist() == value
        assert image.voxels[0, row, column] == (value[0] if red else value)
    assert ("image.first-channel" in codes(image)) == bool(red)


def loading_files() -> list[str]:
    folder = LOADING / "files" / "image"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@needs_shared
@pytest.mark.parametrize("producer", ["soft-seg", "sofl-seg"])
@pytest.mark.parametrize("name", loading_files())
def test_a_network_gets_bit_for_bit_what_the_producers_loader_gave_it(name: str, producer: str) -> None:
    with np.load(LOADING / f"loaded_{producer}.npz") as loaded:
        theirs = loaded[f"xca__{name}__image"][0]  # (columns, rows): their loaders transpose
    ours = normalise(read_image(LOADING / "files" / "image" / name).voxels[0])
    assert ours.dtype == np.float32
    np.testing.assert_array_equal(ours.T, theirs)


@needs_shared
def test_odd_pictures_say_what_is_odd() -> None:
    folder = LOADING / "files" / "image"
    found = {path.name[0]: codes(read_image(path)) for path in folder.iterdir()}
    assert found["a"] == set()
    assert found["e"] == {"image.constant"}
    assert found["f"] == {"image.first-channel"}
    assert found["g"] == {"image.first-channel", "image.alpha-ignored"}
    assert found["i"] == {"image.palette"}
    assert read_image(folder / "h_16bit.png").voxels.max() == 65535


def test_normalise_a_constant_image_is_minus_its_value() -> None:
    np.testing.assert_array_equal(normalise(np.full((3, 4), 128)), np.full((3, 4), -128, dtype=np.float32))


def test_rows_and_columns_are_not_swapped(tmp_path: Path) -> None:
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    Pillow.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").voxels, pixels[np.newaxis].astype(np.float32))


@pytest.mark.parametrize(
    ("name", "options", "kind"),
    [
        ("a.png", {}, "png"),
        ("a.bmp", {}, "bmp"),
        ("a.gif", {}, "gif"),
        ("a.ppm", {}, "ppm"),
        ("a.tif", {"compression": "tiff_lzw"}, "tiff"),
        ("a.tif", {"compression": "tiff_deflate"}, "tiff"),
        ("a.tif", {}, "tiff"),
    ],
)
def test_a_cut_picture_is_refused_or_whole_never_filled_with_zeros(
    tmp_path: Path, name: str, options: dict[str, str], kind: str
) -> None:
    pixels = np.random.default_rng(0).integers(1, 256, (24, 32), dtype=np.uint8)
    path = tmp_path / name
    Pillow.fromarray(pixels).save(path, **options)
    whole = path.read_bytes()
    assert sniff_image(path) == kind
    refused = 0
    for cut in range(1, len(whole), 7):
        path.write_bytes(whole[:cut])
        try:
            np.testing.assert_array_equal(read_image(path).voxels[0], pixels)
        except ImageRefused:
            refused += 1
    assert refused > len(whole) // 7 // 2


def test_a_cut_jpeg_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Pillow.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ImageRefused, match="damaged or incomplete"):
        read_image(path)


PLAIN = [(16, 16)]
ADAM7 = [(2, 2), (2, 2), (4, 2), (4, 4), (8, 4), (8, 8), (16, 8)]
"""(columns, rows) of the passes of a picture of 16 x 16 pixels."""


def png_bytes(passes: list[tuple[int, int]], cut: int = 0) -> bytes:
    """A grey PNG of 16 x 16 pixels of value 200 whose stream lacks its last `cut` bytes; all checksums are right."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    stream = b"".join((b"\0" + b"\xc8" * columns) * rows for columns, rows in passes)
    header = struct.pack(">IIBBBBB", 16, 16, 8, 0, 0, 0, int(passes is ADAM7))
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(stream[: len(stream) - cut])), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize("passes", [PLAIN, ADAM7])
def test_a_png_whose_stream_ends_early_is_refused_although_pillow_opens_it(
    tmp_path: Path, passes: list[tuple[int, int]]
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png_bytes(passes))
    np.testing.assert_array_equal(read_image(path).voxels, np.full((1, 16, 16), 200))
    path.write_bytes(png_bytes(passes, cut=17))
    with Pillow.open(path) as picture:
        assert np.asarray(picture).min() == 0  # made up by Pillow
    with pytest.raises(ImageRefused, match="incomplete"):
        read_image(path)


def test_a_turned_photograph_is_shown_as_stored_with_a_warning(tmp_path: Path) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    Pillow.fromarray(np.arange(32, dtype=np.uint8).reshape(4, 8)).save(tmp_path / "a.png", exif=exif)
    image = read_image(tmp_path / "a.png")
    assert image.voxels.shape == (1, 4, 8)
    assert codes(image) == {"image.exif-orientation"}


def test_more_than_100_million_pixels_are_refused_before_decoding(tmp_path: Path) -> None:
    path = tmp_path / "large.pgm"
    path.write_bytes(b"P5 10001 10000 255\n")  # no pixels at all: a decoder would complain of those first
    with pytest.raises(ImageRefused, match=r"too large: it claims 10(0,010,000|001 x 10000) pixels"):
        read_image(path)


def test_npy_images_and_volumes(tmp_path: Path) -> None:
    for shape, seen in (((3, 4), (1, 3, 4)), ((2, 3, 4), (2, 3, 4))):
        values = np.random.default_rng(0).normal(size=shape)
        np.save(tmp_path / "a.npy", values)
        image = read_image(tmp_path / "a.npy")
        np.testing.assert_array_equal(image.voxels, values.astype(np.float32).reshape(seen))


@pytest.mark.parametrize(
    ("array", "why"),
    [
        (np.array([{"a": 1}], dtype=object), "object"),
        (np.zeros((2, 2, 2, 2)), "4 dimensions"),
        (np.zeros((0, 4)), "empty"),
        (np.zeros((2, 2), dtype=complex), "complex"),
    ],
)
def test_npy_files_that_are_not_images_are_refused(tmp_path: Path, array: Any, why: str) -> None:
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(ImageRefused, match=why):
        read_image(tmp_path / "a.npy")


def test_a_cut_npy_file_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((8, 8)))
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-8])
    with pytest.raises(ImageRefused, match=r"claims 512 bytes .* holds 504 bytes"):
        read_image(tmp_path / "a.npy")


def test_a_value_that_is_not_a_number_is_announced(tmp_path: Path) -> None:
    values = np.ones((4, 4), dtype=np.float32)
    values[0, 0] = np.nan
    np.save(tmp_path / "a.npy", values)
    assert codes(read_image(tmp_path / "a.npy")) == {"image.non-finite"}


@needs_shared
def test_kinds_are_told_by_content() -> None:
    assert sniff_image(DATA / "xca" / "images" / "01.png") == "png"
    assert sniff_image(DATA / "fundus" / "chase_x3" / "images" / "Image_01L.jpg") == "jpeg"
    assert sniff_image(DATA / "geometry" / "nifti_space" / "ALS.nii.gz") == "nifti-gz"
    assert sniff_image(DATA / "geometry" / "odd" / "example_nifti2.nii.gz") == "nifti-gz"
    assert sniff_image(FIXTURES / "hostile" / "png_renamed.ckpt") == "png"
    dicom = next((DATA / "dicom" / "t1_3slice").iterdir())
    assert sniff_image(dicom) == "dicom"
    assert "dicom" in READABLE
    for other in (FIXTURES / "hostile" / "ok_legacy_format.pt", DATA / "README.md", DATA):
        assert sniff_image(other) is None
