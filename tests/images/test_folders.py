"""Dropped folders: the layouts of the producers and of the data sets at hand, and what is passed over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import ImageRefused
from core.images import find_reference, list_cases, pairs_with, read_case, sample_name, scan_folder
from core.images import folders as folders_module
from tests.shared_data import DATA, FIXTURES, needs_shared


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def pairs(root: Path) -> dict[str, str | None]:
    cases = list_cases(root)
    return {case.name: case.reference and Path(case.reference).relative_to(root).as_posix() for case in cases}


def test_the_producers_layout(tmp_path: Path) -> None:
    make(tmp_path, "test/image/a.png", "test/image/b.v2.png", "test/label/a.png", "test/label/b.v2.png",
         "test/label_sauna/a.png", "train/image/a.png", "train/label/a.png")  # fmt: skip
    assert pairs(tmp_path) == {
        "test/image/a.png": "test/label/a.png",
        "test/image/b.v2.png": "test/label/b.v2.png",
        "train/image/a.png": "train/label/a.png",
    }
    assert [case.sample for case in list_cases(tmp_path)] == [
        "test/image/a.png",
        "test/image/b.v2.png",
        "train/image/a.png",
    ]


def test_dropping_the_split_or_its_image_folder_keeps_the_samples_name(tmp_path: Path) -> None:
    make(tmp_path, "test/image/a.png", "test/label/a.png")
    assert pairs(tmp_path / "test") == {"image/a.png": "label/a.png"}
    assert list_cases(tmp_path / "test")[0].sample == "test/image/a.png"
    assert list_cases(tmp_path / "test" / "image")[0].sample == "test/image/a.png"


def test_pairs_in_one_folder_and_masks_below_it(tmp_path: Path) -> None:
    make(tmp_path, "one/a.png", "one/a_gt.png", "one/b_mask.png", "two/a.tif", "two/masks/a_mask.png")
    assert pairs(tmp_path) == {"one/a.png": "one/a_gt.png", "one/b_mask.png": None, "two/a.tif": "two/masks/a_mask.png"}


def test_two_masks_that_fit_one_image_are_not_guessed_between(tmp_path: Path) -> None:
    make(tmp_path, "images/1.png", "labels/1_gt.png", "labels/1_mask.png")
    contents = scan_folder(tmp_path)
    assert contents.cases[0].reference is None
    assert [finding.code for finding in contents.findings] == ["folder.no-reference"]


def test_a_folder_of_masks_alone_is_a_folder_of_images(tmp_path: Path) -> None:
    assert pairs(make(tmp_path / "labels", "a.png")) == {"a.png": None}


@needs_shared
def test_real_layouts() -> None:
    xca = list_cases(DATA / "xca")
    assert len(xca) == 38
    assert all(case.reference and Path(case.reference).name == f"{Path(case.image).stem}_gt.png" for case in xca)
    drive = list_cases(DATA / "fundus" / "drive")
    assert len(drive) == 12
    assert all(case.reference and Path(case.reference).parent.name == "1st_manual" for case in drive)
    assert all(case.reference and Path(case.image).name[:2] == Path(case.reference).name[:2] for case in drive)
    chase = list_cases(DATA / "fundus" / "chase_x3")
    assert [case.reference is not None for case in chase] == [True] * 3
    octa = list_cases(DATA / "octa" / "OCTA500_3M")
    assert [case.sample for case in octa] == [f"OCTA500_3M/image/{Path(case.image).name}" for case in octa]


@needs_shared
def test_a_case_is_read_with_its_reference() -> None:
    case = read_case(list_cases(DATA / "xca")[0])
    assert case.reference is not None
    assert case.image.voxels.shape == case.reference.labels.shape == (1, 300, 300)
    assert int(case.reference.labels.sum()) == 3616


@needs_shared
def test_checkpoints_in_a_folder_are_found() -> None:
    contents = scan_folder(FIXTURES / "evaluation" / "soft-seg" / "experiments")
    assert contents.checkpoints
    assert all(path.endswith(".ckpt") for path in contents.checkpoints)


def test_feature_caches_are_not_checkpoints(tmp_path: Path) -> None:
    make(tmp_path, "best.ckpt", "w.safetensors", "cache/vlm_profiles/x.pt", "notes.txt", "scan.webp")
    contents = scan_folder(tmp_path)
    assert [Path(path).name for path in contents.checkpoints] == ["best.ckpt", "w.safetensors"]
    assert [finding.code for finding in contents.findings] == ["folder.unread-kinds"]


def test_the_walk_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, *(f"{number}.png" for number in range(20)))
    monkeypatch.setattr(folders_module, "MAX_ENTRIES", 10)
    contents = scan_folder(tmp_path)
    assert len(contents.cases) == 10
    assert "folder.too-many" in {finding.code for finding in contents.findings}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_folder_does_not_stop_the_rest(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "shut/b.png")
    (tmp_path / "shut").chmod(0)
    try:
        contents = scan_folder(tmp_path)
    finally:
        (tmp_path / "shut").chmod(0o755)
    assert [case.name for case in contents.cases] == ["a.png"]
    assert [finding.code for finding in contents.findings] == ["folder.unreadable"]


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageRefused):
        scan_folder(make(tmp_path, "a.png") / "a.png")


@pytest.mark.parametrize(
    ("image", "mask", "together"),
    [
        ("d/images/01.png", "d/labels/01_gt.png", True),
        ("d/test/image/x.png", "d/test/label/x.png", True),
        ("d/test/image/x.png", "d/train/label/x.png", False),
        ("d/x.png", "d/x_mask.png", True),
        ("d/x.png", "d/x.bmp", False),
        ("d/images/01.png", "d/labels/02_gt.png", False),
        ("d/images/21_training.tif", "d/1st_manual/21_manual1.gif", True),
        ("d/images/a.png", "e/labels/a.png", False),
    ],
)
def test_which_mask_belongs_to_which_image(image: str, mask: str, together: bool) -> None:
    assert pairs_with(image, mask) is together


@needs_shared
def test_the_reference_of_a_dropped_image_is_found_on_disk() -> None:
    assert find_reference(DATA / "xca" / "images" / "07.png") == DATA / "xca" / "labels" / "07_gt.png"
    drive = DATA / "fundus" / "drive"
    assert find_reference(drive / "images" / "21_training.tif") == drive / "1st_manual" / "21_manual1.gif"
    assert find_reference(DATA / "geometry" / "odd" / "shear.nii.gz") is None


def test_sample_names() -> None:
    assert sample_name("data/xca_full/test/image/0000.png") == "test/image/0000.png"
    assert sample_name("data/images/0000.png") is None
