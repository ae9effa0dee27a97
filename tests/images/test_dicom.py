"""Small DICOM files made here: the rules that no file of the shared data covers."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, generate_uid

from core.errors import ImageRefused
from core.images import decoding, read_image, scan_folder, series_in
from core.intake import identify_path
from core.records import Image

SERIES = generate_uid()
ROWS, COLUMNS = 5, 7


def pixels(number: int = 0) -> np.ndarray[Any, Any]:
    return (np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) + 100 * number).astype(np.uint16)


def data_set(values: np.ndarray[Any, Any], **changes: Any) -> Dataset:
    """A CT slice at z = 0; `changes` by keyword, None takes an element away."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = CTImageStorage
    stated: dict[str, Any] = {
        "SOPClassUID": CTImageStorage, "SOPInstanceUID": generate_uid(), "SeriesInstanceUID": SERIES, "Modality": "CT",
        "Rows": values.shape[-2], "Columns": values.shape[-1], "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16, "BitsStored": 12, "HighBit": 11,
        "PixelRepresentation": 0, "PixelSpacing": [0.5, 0.25], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "ImagePositionPatient": [10, 20, 0], "InstanceNumber": 1, **changes,
    }  # fmt: skip
    for keyword, value in stated.items():
        if value is not None:
            setattr(data, keyword, value)
    data.PixelData = values.tobytes()
    data["PixelData"].VR = "OW"
    return data


def save(path: Path, values: np.ndarray[Any, Any] | None = None, **changes: Any) -> Path:
    data = data_set(pixels() if values is None else values, **changes)
    data.save_as(path, enforce_file_format=True)
    return path


def stack(folder: Path, heights: list[float], **changes: Any) -> Image:
    """Slices at these heights, saved in another order than they lie."""
    for number, height in enumerate(heights):
        name = f"{(number * 7) % len(heights):02d}"
        position = [10 + changes.get("lean", 0) * height, 20, height]
        rest = {key: value for key, value in changes.items() if key != "lean"}
        save(folder / name, pixels(number), ImagePositionPatient=position, InstanceNumber=number + 1, **rest)
    return read_image(folder)


def codes(image: Image) -> list[str]:
    return [finding.code for finding in image.findings]


def test_slices_are_ordered_by_their_place(tmp_path: Path) -> None:
    image = stack(tmp_path, [0, 2, 4, 6])
    assert codes(image) == []
    assert image.spacing_mm == pytest.approx((2, 0.5, 0.25))
    for number in range(4):
        np.testing.assert_array_equal(image.voxels[number], pixels(number))
    assert image.affine is not None
    np.testing.assert_allclose(image.affine @ [3, 1, 2, 1], [-10.5, -20.5, 6, 1])


@pytest.mark.parametrize(
    ("heights", "code"),
    [
        ([0, 2, 4, 8, 10], "dicom.missing-slices"),
        ([0, 2, 4.1, 6], "dicom.uneven-spacing"),
        ([0, 2, 2, 4], "dicom.duplicate-slices"),
    ],
)
def test_a_stack_that_is_not_regular_is_shown_without_geometry(tmp_path: Path, heights: list[float], code: str) -> None:
    image = stack(tmp_path, heights)
    assert codes(image) == [code]
    assert (image.affine, image.spacing_mm) == (None, None)
    assert len(image.voxels) == len(heights)


def test_files_follow_the_slices_on_screen_also_when_the_file_counts_downwards(tmp_path: Path) -> None:
    image = stack(tmp_path, [0, 2, 4], ImageOrientationPatient=[1, 0, 0, 0, -1, 0])
    assert image.affine is not None
    for number, path in enumerate(image.files):
        height = pydicom.dcmread(path).ImagePositionPatient[2]
        assert (image.affine @ [number, 0, 0, 1])[2] == pytest.approx(height)


def test_spacing_may_differ_by_one_percent(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert codes(stack(tmp_path / "a", [0, 2, 4.015, 6.015])) == []
    assert codes(stack(tmp_path / "b", [0, 2, 4.05, 6.05])) == ["dicom.uneven-spacing"]


def test_a_tilted_gantry_keeps_places_and_has_no_spacing(tmp_path: Path) -> None:
    image = stack(tmp_path, [0, 2, 4], lean=0.3)
    assert codes(image) == ["image.shear"]
    assert image.spacing_mm is None
    assert image.affine is not None
    np.testing.assert_allclose(image.affine @ [2, 0, 0, 1], [-11.2, -20, 4, 1])


def test_several_images_at_every_place_are_moments(tmp_path: Path) -> None:
    for moment in range(3):
        for number in range(2):
            save(
                tmp_path / f"{moment}{number}",
                pixels(10 * moment + number),
                ImagePositionPatient=[0, 0, 3 * number],
                InstanceNumber=100 - moment * 2 - number,
                AcquisitionNumber=moment,
            )
    for moment in range(3):
        image = read_image(tmp_path, frame=moment)
        assert (image.frame, image.frames) == (moment, 3)
        for number in range(2):
            np.testing.assert_array_equal(image.voxels[number], pixels(10 * moment + number))


def test_mixed_directions_and_sizes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    save(tmp_path / "a" / "scout", ImageOrientationPatient=[1, 0, 0, 0, 0, -1], InstanceNumber=9)
    image = stack(tmp_path / "a", [0, 2])
    assert codes(image) == ["dicom.mixed-orientation"]
    assert image.affine is None
    save(tmp_path / "a" / "other", np.zeros((3, 3), np.uint16))
    with pytest.raises(ImageRefused, match="different sizes"):
        read_image(tmp_path / "a")


def test_a_copied_file_is_one_slice(tmp_path: Path) -> None:
    stack(tmp_path, [0, 2, 4])
    (tmp_path / "copy").write_bytes((tmp_path / "00").read_bytes())
    image = read_image(tmp_path)
    assert len(image.voxels) == 3
    assert codes(image) == ["dicom.copies"]


def test_a_slice_without_a_place_has_no_geometry(tmp_path: Path) -> None:
    image = read_image(save(tmp_path / "a", ImagePositionPatient=None))
    assert image.affine is None
    assert image.spacing_mm == (1, 0.5, 0.25)
    assert codes(image) == ["image.orientation-unknown"]
    (tmp_path / "b").mkdir()
    save(tmp_path / "b" / "1", ImagePositionPatient=None, InstanceNumber=2)
    save(tmp_path / "b" / "2", pixels(1), ImagePositionPatient=None, InstanceNumber=1)
    image = read_image(tmp_path / "b")
    assert codes(image) == ["dicom.no-position"]
    assert (image.affine, image.spacing_mm) == (None, None)
    np.testing.assert_array_equal(image.voxels[0], pixels(1))


@pytest.mark.parametrize("direction", [[1, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0], [2, 0, 0, 0, 1, 0]])
def test_an_impossible_orientation_is_no_geometry(tmp_path: Path, direction: list[float]) -> None:
    assert read_image(save(tmp_path / "a", ImageOrientationPatient=direction)).affine is None


def test_signed_numbers_in_fewer_bits(tmp_path: Path) -> None:
    """12 of 16 bits, -1 stored as 0x0FFF with an old overlay in the four bits above."""
    stored = np.array([[0x0FFF, 0x7800, 0x3005]], np.uint16)
    image = read_image(save(tmp_path / "a", stored, PixelRepresentation=1))
    assert image.voxels.tolist() == [[[-1, -2048, 5]]]
    assert image.voxels.dtype == np.int16
    high = read_image(save(tmp_path / "b", stored, PixelRepresentation=1, HighBit=15))
    assert high.voxels.tolist() == [[[0x0FF, 0x780, 0x300]]]


def test_rescale_keeps_whole_numbers_whole(tmp_path: Path) -> None:
    whole = read_image(save(tmp_path / "a", RescaleSlope=1, RescaleIntercept=-1024, WindowCenter=40, WindowWidth=400))
    assert whole.voxels.dtype == np.int16
    np.testing.assert_array_equal(whole.voxels[0], pixels().astype(int) - 1024)
    assert (whole.unit, whole.window) == ("HU", (40, 400))
    parts = read_image(save(tmp_path / "b", RescaleSlope="0.5", RescaleIntercept=0))
    assert parts.voxels.dtype == np.float32


def test_slices_with_their_own_scaling(tmp_path: Path) -> None:
    save(tmp_path / "1", RescaleSlope="0.5", RescaleIntercept=0)
    save(tmp_path / "2", RescaleSlope=2, RescaleIntercept=1, ImagePositionPatient=[10, 20, 2])
    image = read_image(tmp_path)
    np.testing.assert_array_equal(image.voxels[0], pixels() * 0.5)
    np.testing.assert_array_equal(image.voxels[1], pixels() * 2.0 + 1)


def test_monochrome1_is_mirrored_with_its_window(tmp_path: Path) -> None:
    image = read_image(
        save(
            tmp_path / "a",
            PhotometricInterpretation="MONOCHROME1",
            RescaleSlope=2,
            RescaleIntercept=10,
            WindowCenter=100,
            WindowWidth=50,
        )
    )
    np.testing.assert_array_equal(image.voxels[0], 2 * (4095 - pixels().astype(int)) + 10)
    assert image.window == (2 * 4095 + 20 - 100, 50)
    assert codes(image) == ["dicom.monochrome1"]


def test_a_film_is_read_frame_by_frame(tmp_path: Path) -> None:
    frames = np.stack([pixels(number) for number in range(4)])
    path = save(tmp_path / "a", frames, NumberOfFrames=4, Modality="XA", ImagePositionPatient=None,
                ImageOrientationPatient=None, PixelSpacing=None, ImagerPixelSpacing=[0.3, 0.3])  # fmt: skip
    for number in range(4):
        image = read_image(path, frame=number)
        assert (image.frame, image.frames, image.modality) == (number, 4, "XA")
        np.testing.assert_array_equal(image.voxels[0], pixels(number))
    assert codes(image) == ["image.orientation-unknown", "dicom.detector-spacing", "image.frames"]
    assert image.spacing_mm is None
    with pytest.raises(ImageRefused, match="no frame 4"):
        read_image(path, frame=4)


def test_a_deflated_bomb_is_refused(tmp_path: Path) -> None:
    data = data_set(pixels())
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data.add_new(0x00091010, "OB", bytes(520 * 1024 * 1024))
    data.save_as(tmp_path / "a", enforce_file_format=True)
    assert (tmp_path / "a").stat().st_size < 2_000_000
    with pytest.raises(ImageRefused, match="too large"):
        read_image(tmp_path / "a")


def test_nesting_without_end_is_refused(tmp_path: Path) -> None:
    start = b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    whole = save(tmp_path / "a").read_bytes()
    meta = 144 + int.from_bytes(whole[140:144], "little")
    (tmp_path / "a").write_bytes(whole[:meta] + start * 50_000)
    with pytest.raises(ImageRefused, match="damaged"):
        read_image(tmp_path / "a")


def test_damaged_files_open_or_are_refused_and_nothing_else(tmp_path: Path) -> None:
    whole = save(tmp_path / "a", RescaleSlope=1, RescaleIntercept=-1024).read_bytes()
    random, refused = np.random.default_rng(0), 0
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(int(random.integers(1, 6))):
            damaged[int(random.integers(132, len(damaged)))] = int(random.integers(256))
        end = len(damaged) if random.random() < 0.5 else int(random.integers(132, len(damaged)))
        (tmp_path / "a").write_bytes(damaged[:end])
        try:
            read_image(tmp_path / "a")
        except ImageRefused:
            refused += 1
    assert refused > 100


def compressed(path: Path, frames: int = 1) -> Path:
    """A file that claims to be JPEG and is not."""
    data = data_set(pixels())
    data.NumberOfFrames = frames
    data.file_meta.TransferSyntaxUID = pydicom.uid.JPEGLosslessSV1
    data.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8" + bytes(50)] * frames)
    data["PixelData"].VR = "OB"
    data.save_as(path, enforce_file_format=True)
    return path


def test_pixels_that_no_decoder_takes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageRefused, match="cannot be decoded"):
        read_image(compressed(tmp_path / "a"))


CHILDREN = {
    "dies": ("import os; os.abort()", "stopped on its pixels"),
    "says nothing": ("pass", "gave no answer"),
    "lies": (
        "import sys, json; job = json.load(sys.stdin); open(job['out'], 'wb').write(b'x');"
        "print(json.dumps({'shape': [1, 5, 7], 'dtype': 'uint16'}))",
        "incomplete result",
    ),
    "turns it round": (
        "import sys, json; job = json.load(sys.stdin); open(job['out'], 'wb').write(bytes(70));"
        "print(json.dumps({'shape': [1, 7, 5], 'dtype': 'uint16'}))",
        "not what its header promises",
    ),
    "names an object type": (
        "import sys, json; job = json.load(sys.stdin); print(json.dumps({'shape': [1, 5, 7], 'dtype': 'O'}))",
        "not what its header promises",
    ),
}


@pytest.mark.parametrize("kind", sorted(CHILDREN))
def test_a_decoder_that_fails_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    program, match = CHILDREN[kind]
    (tmp_path / "stand_in.py").write_text(program)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(decoding, "CHILD", "stand_in")
    with pytest.raises(ImageRefused, match=match):
        read_image(compressed(tmp_path / "a"))


def test_a_decoder_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stand_in.py").write_text("import time; time.sleep(60)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(decoding, "CHILD", "stand_in")
    start = time.monotonic()
    with pytest.raises(ImageRefused, match="took longer"):
        decoding.decode([(tmp_path / "a", 0)], (5, 7), timeout=0.5)
    assert time.monotonic() - start < 10


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of address space")
def test_a_decoder_that_wants_too_much_memory_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MEMORY", 64 * 1024**2)
    with pytest.raises(ImageRefused):
        read_image(compressed(tmp_path / "a"))


def test_a_dropped_folder_of_slices_is_opened_by_series_and_is_one_case(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    stack(tmp_path / "study", [0, 2, 4])
    taken = identify_path(tmp_path / "study")
    assert (taken.kind, taken.why) == ("folder", "its DICOM images are opened by series")
    assert identify_path(tmp_path / "study" / "00").kind == "image"
    contents = scan_folder(tmp_path)
    assert [case.image for case in contents.cases] == [str(tmp_path / "study")]


def test_links_in_a_folder_of_slices_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    save(tmp_path / "elsewhere", ImagePositionPatient=[10, 20, 4])
    os.symlink(tmp_path / "elsewhere", tmp_path / "a" / "link")
    assert len(stack(tmp_path / "a", [0, 2]).voxels) == 2
    assert [series.images for series in series_in(tmp_path / "a")] == [2]
