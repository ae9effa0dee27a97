"""DICOM dropped on the window: one series opens, of several a person chooses; and results in every format."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.series_dialog import SeriesDialog, series_lines
from app.window import MainWindow
from core import pipeline
from core.records import Series
from tests.shared_data import DATA, needs_shared

DICOM = DATA / "dicom"


@pytest.fixture
def window(genuine_window: MainWindow) -> MainWindow:
    return genuine_window


def chooser(window: MainWindow) -> SeriesDialog | None:
    return next((child for child in window.findChildren(SeriesDialog) if child.isVisible()), None)


def two_series(folder: Path) -> Path:
    """Three slices of a CT and twelve of an MR in one folder."""
    for name in ("ct3slice", "lumbar_sag_t1"):
        for file in (DICOM / name).iterdir():
            shutil.copy(file, folder / f"{name}_{file.name}")
    return folder


@needs_shared
def test_a_folder_with_one_series_opens_at_once(qtbot: QtBot, window: MainWindow) -> None:
    window.open([str(DICOM / "ct3slice")])
    qtbot.waitUntil(lambda: window.store.case is not None and window.queue.idle)
    assert window.store.case is not None
    assert window.store.case.image.voxels.shape == (3, 512, 512)
    assert chooser(window) is None


@needs_shared
def test_of_several_series_the_chosen_ones_become_cases(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    window.open([str(two_series(tmp_path / "study"))])
    qtbot.waitUntil(lambda: chooser(window) is not None)
    dialog = chooser(window)
    assert dialog is not None
    assert window.store.cases == {}
    assert [dialog.list.item(row).text().splitlines()[1] for row in range(2)] == ["MR, 12 images", "CT, 3 images"]
    dialog.list.clearSelection()
    dialog.list.item(1).setSelected(True)
    dialog.accept()
    qtbot.waitUntil(lambda: window.store.case is not None and window.queue.idle)
    assert window.store.case is not None
    assert window.store.case.image.voxels.shape[0] == 3
    assert len(window.store.cases) == 1


@needs_shared
def test_a_dismissed_choice_opens_nothing(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    window.open([str(two_series(tmp_path / "study"))])
    qtbot.waitUntil(lambda: chooser(window) is not None)
    chooser(window).reject()  # type: ignore[union-attr]
    assert window.store.cases == {}


@needs_shared
def test_loose_slices_of_one_series_are_one_case(qtbot: QtBot, window: MainWindow) -> None:
    window.open([str(file) for file in sorted((DICOM / "ct3slice").iterdir())])
    qtbot.waitUntil(lambda: window.store.case is not None and window.queue.idle)
    assert window.store.case is not None
    assert window.store.case.image.voxels.shape == (3, 512, 512)
    assert len(window.store.cases) == 1


def test_a_series_says_what_it_is() -> None:
    series = Series(uid="1.2", description="", modality="CT", images=1, rows=4, columns=6, files=("a",), reference="b")
    assert series_lines(series) == ("no description", "CT, 1 image, with a segmentation", "6 x 4")


@needs_shared
def test_a_segmentation_beside_its_series_is_its_reference(tmp_path: Path) -> None:
    source = pipeline.open_case(DICOM / "ct3slice").image
    mask = np.zeros(source.voxels.shape, dtype=bool)
    mask[1, 100:200, 50:80] = True
    for file in (DICOM / "ct3slice").iterdir():
        shutil.copy(file, tmp_path / file.name)
    from core.images import write_labels

    write_labels(mask, tmp_path / "mask.dcm", like=source)
    (case,) = pipeline.scan(tmp_path).cases
    assert case.reference == str(tmp_path / "mask.dcm")
    opened = pipeline.open_case(case.image, case.reference, files=case.files)
    assert opened.reference is not None
    np.testing.assert_array_equal(opened.reference.labels > 0, mask)


@needs_shared
@pytest.mark.parametrize(
    ("path", "usual", "offers_dicom"),
    [("dicom/ct3slice", "nifti", True), ("xca/images", "png", False), ("volumes/flair/FLAIR.nrrd", "nifti", False)],
)
def test_formats_suit_the_image(path: str, usual: str, offers_dicom: bool) -> None:
    place = DATA / path
    image = pipeline.open_case(sorted(place.iterdir())[0] if path.startswith("xca") else place).image
    formats = pipeline.formats_for(image)
    assert formats[0] == usual
    assert ("dicom" in formats) == offers_dicom
