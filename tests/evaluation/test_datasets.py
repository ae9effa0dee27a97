"""What is paired with what, in each layout, and what is left out and said so."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from core.evaluation.datasets import DataRefused, find_data_set
from core.evaluation.records import DataSet
from tests.evaluation.building import draw_pair, producers_tree
from tests.shared_data import FIXTURES, needs_shared


def names(data: DataSet) -> list[str]:
    return [case.name for case in data.cases]


def pairs(data: DataSet) -> list[tuple[str, str]]:
    return [(Path(case.paths.image).name, Path(case.paths.reference or "").name) for case in data.cases]


def volume(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(np.zeros((4, 5, 3), np.uint8), np.eye(4)), path)


def test_the_producers_folders_give_the_test_part_in_the_order_of_names(tmp_path: Path) -> None:
    data = find_data_set(producers_tree(producers_tree(tmp_path, 3), 1, split="train"))
    assert data.layout == "producers"
    assert names(data) == ["0000.png", "0001.png", "0002.png"]
    assert all(Path(case.paths.image).parent.parent.name == "test" for case in data.cases)
    assert all(Path(case.paths.reference or "").parent.name == "label" for case in data.cases)
    assert not data.findings


def test_another_split_is_taken_when_it_is_named(tmp_path: Path) -> None:
    data = find_data_set(producers_tree(producers_tree(tmp_path, 3), 1, split="train"), split="train")
    assert names(data) == ["0000.png"]
    assert "/train/" in data.cases[0].paths.image


def test_a_split_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="no image with a reference"):
        find_data_set(producers_tree(tmp_path, 1), split="val")


def test_an_image_without_its_reference_is_left_out_and_named(tmp_path: Path) -> None:
    (producers_tree(tmp_path, 3) / "test" / "label" / "0001.png").unlink()
    data = find_data_set(tmp_path)
    assert names(data) == ["0000.png", "0002.png"]
    (finding,) = data.findings
    assert finding.code == "data.no-reference"
    assert "1 of 3" in finding.message
    assert "0001.png" in finding.message


def test_nnunet_pairs_the_first_channel_and_says_that_the_second_is_not_used(tmp_path: Path) -> None:
    for case in ("liver_01", "liver_02", "liver_03"):
        volume(tmp_path / "imagesTs" / f"{case}_0000.nii.gz")
        volume(tmp_path / "labelsTs" / f"{case}.nii.gz")
    volume(tmp_path / "imagesTs" / "liver_02_0001.nii.gz")
    (tmp_path / "labelsTs" / "liver_03.nii.gz").unlink()
    volume(tmp_path / "imagesTr" / "liver_09_0000.nii.gz")
    volume(tmp_path / "labelsTr" / "liver_09.nii.gz")
    data = find_data_set(tmp_path)
    assert data.layout == "nnunet"
    assert names(data) == ["liver_01", "liver_02"]
    assert pairs(data)[1] == ("liver_02_0000.nii.gz", "liver_02.nii.gz")
    assert {finding.code for finding in data.findings} == {"data.first-channel", "data.no-reference"}
    assert names(find_data_set(tmp_path, split="train")) == ["liver_09"]


def test_bids_pairs_by_entities_and_knows_the_patient(tmp_path: Path) -> None:
    for subject, session in (("01", "1"), ("01", "2"), ("02", "1")):
        stem, place = f"sub-{subject}_ses-{session}", f"sub-{subject}/ses-{session}/anat"
        volume(tmp_path / place / f"{stem}_T1w.nii.gz")
        volume(tmp_path / "derivatives" / "manual" / place / f"{stem}_dseg.nii.gz")
    volume(tmp_path / "sub-03" / "anat" / "sub-03_T1w.nii.gz")
    data = find_data_set(tmp_path)
    assert data.layout == "bids"
    assert pairs(data) == [
        ("sub-01_ses-1_T1w.nii.gz", "sub-01_ses-1_dseg.nii.gz"),
        ("sub-01_ses-2_T1w.nii.gz", "sub-01_ses-2_dseg.nii.gz"),
        ("sub-02_ses-1_T1w.nii.gz", "sub-02_ses-1_dseg.nii.gz"),
    ]
    assert [case.patient for case in data.cases] == ["sub-01", "sub-01", "sub-02"]
    assert "sub-03_T1w" in data.findings[0].message


def test_two_masks_that_fit_one_bids_image_equally_are_not_guessed_between(tmp_path: Path) -> None:
    volume(tmp_path / "sub-01" / "anat" / "sub-01_T1w.nii.gz")
    for rater in ("a", "b"):
        volume(tmp_path / "derivatives" / rater / "sub-01_dseg.nii.gz")
    with pytest.raises(DataRefused):
        find_data_set(tmp_path, layout="bids")


def test_folders_are_paired_by_name(tmp_path: Path) -> None:
    for number in range(2):
        draw_pair(tmp_path / "images" / f"a{number}.png", tmp_path / "masks" / f"a{number}_mask.png", number)
    draw_pair(tmp_path / "images" / "alone.png", tmp_path / "elsewhere.png", 9)
    (tmp_path / "elsewhere.png").unlink()
    data = find_data_set(tmp_path)
    assert data.layout == "folders"
    assert pairs(data) == [("a0.png", "a0_mask.png"), ("a1.png", "a1_mask.png")]
    assert "alone" in data.findings[0].message


@needs_shared
def test_the_evaluation_fixture_is_read_as_its_producers_read_it() -> None:
    folder = FIXTURES / "evaluation" / "data" / "xca_full"
    data = find_data_set(folder)
    assert data.layout == "producers"
    wanted = sorted(path.name for path in (folder / "test" / "image").iterdir() if not path.name.startswith("."))
    there = {path.name for path in (folder / "test" / "label").iterdir()}
    assert names(data) == [name for name in wanted if name in there]
    assert len(names(data)) >= 4


# ---- a CSV of pairs --------------------------------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path: Path) -> Path:
    draw_pair(tmp_path / "scans" / "1.png", tmp_path / "drawn" / "x.png", 1)
    draw_pair(tmp_path / "scans" / "2.png", tmp_path / "drawn" / "y.png", 2)
    return tmp_path / "pairs.csv"


def test_a_csv_names_pairs_cases_patients_and_regions(table: Path) -> None:
    table.write_text(
        "Image;Mask;Name;Patient;FOV\nscans/1.png;drawn/x.png;first;P7;drawn/y.png\nscans/2.png;drawn/y.png;second;P7;\n"
    )
    data = find_data_set(table)
    assert data.layout == "csv"
    assert pairs(data) == [("1.png", "x.png"), ("2.png", "y.png")]
    assert names(data) == ["first", "second"]
    assert [case.patient for case in data.cases] == ["P7", "P7"]
    assert data.cases[0].region == str(table.parent / "drawn" / "y.png")
    assert data.cases[1].region is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("image,note\nscans/1.png,hello\n", "no column 'reference'.*image, note"),
        ("image,mask\nscans/1.png,\n", "line 2: the image or the reference is missing"),
        ("image,mask\nscans/1.png,drawn/x.png\nscans/1.png,drawn/nowhere.png\n", "line 3: there is no .*nowhere.png"),
        ("image,mask,case\nscans/1.png,drawn/x.png,a\nscans/2.png,drawn/y.png,a\n", "two rows are called 'a'"),
    ],
)
def test_a_csv_with_a_mistake_is_refused_with_its_place(table: Path, text: str, said: str) -> None:
    table.write_text(text)
    with pytest.raises(DataRefused, match=said):
        find_data_set(table)


def test_a_part_of_a_csv_cannot_be_asked_for(table: Path) -> None:
    table.write_text("image,mask\nscans/1.png,drawn/x.png\n")
    with pytest.raises(DataRefused, match="has no parts"):
        find_data_set(table, split="val")


def test_a_csv_that_is_not_text_is_refused(table: Path) -> None:
    table.write_bytes(b"image,mask\n\xff\xfe\x00")
    with pytest.raises(DataRefused, match="UTF-8"):
        find_data_set(table)


# ---- regions and refusals --------------------------------------------------------------------------------------------


def test_each_case_gets_the_region_of_its_name_or_none_starts(tmp_path: Path) -> None:
    data, regions = producers_tree(tmp_path / "data", 2), tmp_path / "fov"
    for number in range(2):
        draw_pair(tmp_path / "unused.png", regions / f"{number:04d}.png", 5)
    found = find_data_set(data, regions=regions)
    assert [Path(case.region or "").name for case in found.cases] == ["0000.png", "0001.png"]
    (regions / "0001.png").unlink()
    with pytest.raises(DataRefused, match=r"no region for 0001\.png"):
        find_data_set(data, regions=regions)


def test_a_folder_with_nothing_a_missing_one_and_an_unknown_layout_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="in any known layout"):
        find_data_set(tmp_path)
    with pytest.raises(DataRefused, match="no such folder"):
        find_data_set(tmp_path / "nowhere")
    with pytest.raises(DataRefused, match="no layout 'lmdb'"):
        find_data_set(tmp_path, layout="lmdb")
