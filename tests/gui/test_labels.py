"""The labels of a reference in the window: listed, coloured, hidden, visited; and references on other grids."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.canvas.label_layer import fill_labels, label_outlines
from app.items import LabelEntry
from app.label_colours import PALETTE, LabelColours
from app.settings import Settings
from app.window import MainWindow
from core.records import LabelInfo

SHAPE = (6, 20, 24)


def entry(number: int, colour: str = "#ff8000", **about: object) -> LabelEntry:
    about = {"key": str(number), "name": f"Label {number}", "code": "", "voxels": 1, "centre": (0, 0, 0)} | about
    return LabelEntry(number=number, colour=colour, **about)  # type: ignore[arg-type]


def info(number: int, name: str = "", code: str = "", colour: tuple[int, int, int] | None = None) -> LabelInfo:
    return LabelInfo(number=number, voxels=1, centre=(0, 0, 0), name=name, code=code, colour=colour)


@pytest.fixture
def volume(tmp_path: Path) -> tuple[str, str]:
    """A volume and its label map: 1 in slices 1 to 2, 5 in slice 4, on one grid of 2 mm."""
    image, labels = np.random.default_rng(0).integers(0, 99, SHAPE).astype(np.int16), np.zeros(SHAPE, np.uint8)
    labels[1:3, 4:8, 4:8] = 1
    labels[4, 10:16, 12:20] = 5
    return save(tmp_path, image, labels, np.eye(4) * (2, 2, 2, 1))


def save(folder: Path, image: np.ndarray, labels: np.ndarray, of_labels: np.ndarray) -> tuple[str, str]:
    paths = str(folder / "scan.nii"), str(folder / "scan_seg.nii")
    nibabel.save(nibabel.Nifti1Image(image.T, np.eye(4) * (2, 2, 2, 1)), paths[0])
    nibabel.save(nibabel.Nifti1Image(labels.T, of_labels), paths[1])
    return paths


@pytest.fixture
def window(genuine_window: MainWindow) -> MainWindow:
    return genuine_window


def opened(qtbot: QtBot, window: MainWindow, paths: tuple[str, str]) -> None:
    window.open(paths)
    qtbot.waitUntil(lambda: window.store.case is not None and window.queue.idle)


def test_every_label_is_listed_with_its_voxels(qtbot: QtBot, window: MainWindow, volume: tuple[str, str]) -> None:
    opened(qtbot, window, volume)
    assert [(label.number, label.voxels) for label in window.store.labels] == [(1, 32), (5, 48)]
    model = window.parts.labels.model
    assert [model.index(row, 0).data() for row in range(model.rowCount())] == ["Label 1", "Label 5"]


def test_full_stop_and_comma_visit_the_labels(qtbot: QtBot, window: MainWindow, volume: tuple[str, str]) -> None:
    opened(qtbot, window, volume)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.parts.view.setFocus()
    labels = window.store.case.reference.labels  # type: ignore[union-attr]
    seen = []
    for key in (Qt.Key.Key_Period, Qt.Key.Key_Period, Qt.Key.Key_Period, Qt.Key.Key_Comma):
        QTest.keyClick(window.parts.view, key)
        seen.append(int(labels[window.parts.view.cross()]))
        assert window.parts.labels.selected()[0].number == seen[-1]
    assert seen == [1, 5, 1, 5]


def test_a_tick_hides_one_label_and_only_this_all_others(
    qtbot: QtBot, window: MainWindow, volume: tuple[str, str]
) -> None:
    opened(qtbot, window, volume)
    panel = window.parts.labels
    window.labels_dock.raise_()
    index = panel.table.model().index(0, 0)
    box = panel.table.visualRect(index)
    QTest.mouseClick(
        panel.table.viewport(), Qt.MouseButton.LeftButton, pos=box.topLeft() + QPoint(10, box.height() // 2)
    )
    assert [label.visible for label in window.store.labels] == [False, True]
    panel.table.selectRow(0)
    panel.only_button.click()
    assert [label.visible for label in window.store.labels] == [True, False]
    panel.all_button.click()
    assert all(label.visible for label in window.store.labels)
    panel.none_button.click()
    assert not any(label.visible for label in window.store.labels)


def test_opacity_is_that_of_the_selected_label(qtbot: QtBot, window: MainWindow, volume: tuple[str, str]) -> None:
    opened(qtbot, window, volume)
    panel = window.parts.labels
    panel.table.selectRow(1)
    panel.opacity.setValue(80)
    assert [label.opacity for label in window.store.labels] == [0.35, 0.8]


def test_the_label_under_the_pointer_is_named(qtbot: QtBot, window: MainWindow, volume: tuple[str, str]) -> None:
    opened(qtbot, window, volume)
    window.labels.go_to(5)
    assert "reference 5 (Label 5)" in window.parts.status.hover.text()


def test_the_pixels_of_a_label_have_its_colour(qtbot: QtBot, window: MainWindow, volume: tuple[str, str]) -> None:
    opened(qtbot, window, volume)
    window.store.set_volume(layout=1)
    window.labels.go_to(5)
    window.parts.labels.table.selectRow(1)
    window.parts.labels.opacity.setValue(100)
    view = window.parts.view
    where = view.column(view.keys()[0]).grid.seen()[0].view if view.keys() else view._alone.grid.seen()[0].view
    down, across = view._scene.section("acquired").on_screen(view.cross())
    view.set_bare(False)
    point = where.grab().toImage().pixelColor(*map(round, where._lens.to_screen(across, down)))
    assert point.name() == window.store.labels[1].colour.lower()


def test_a_plain_mask_has_no_list_and_keeps_its_outline(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    image, mask = np.random.default_rng(0).integers(0, 99, SHAPE).astype(np.int16), np.zeros(SHAPE, np.uint8)
    mask[2, 4:8, 4:8] = 1
    opened(qtbot, window, save(tmp_path, image, mask, np.eye(4) * (2, 2, 2, 1)))
    assert window.store.labels == ()
    assert "one mask" in window.parts.labels.empty.text()


def test_a_reference_on_another_grid_is_offered_for_resampling(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    image, labels = np.random.default_rng(0).integers(0, 99, SHAPE).astype(np.int16), np.zeros(SHAPE, np.uint8)
    labels[2, 4:8, 4:8] = 2
    aside = np.eye(4) * (2, 2, 2, 1)
    aside[0, 3] = 6.0
    opened(qtbot, window, save(tmp_path, image, labels, aside))
    case, banner = window.store.case, window.parts.banner
    assert case is not None
    assert case.reference is not None
    assert case.reference.placed == "shown"
    assert banner.isVisible()
    assert banner.lay_button.isVisible()
    banner.resample_button.click()
    qtbot.waitUntil(lambda: window.store.case is not case and window.queue.idle)
    assert window.store.case is not None
    assert window.store.case.reference is not None
    assert window.store.case.reference.placed == "resampled"
    assert not banner.isVisible()


def test_an_image_opens_without_a_reference_that_cannot_be_used(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    np.save(tmp_path / "scan.npy", np.random.default_rng(0).random((5, 6, 7)))
    np.save(tmp_path / "scan_mask.npy", np.ones((4, 4, 4), np.uint8))
    window.open([str(tmp_path / "scan.npy"), str(tmp_path / "scan_mask.npy")])
    qtbot.waitUntil(lambda: window.store.case is not None and window.queue.idle)
    assert window.store.case is not None
    assert window.store.case.reference is None
    assert "4 x 4 x 4" in window.parts.banner.text.text()


# ---- colours ---------------------------------------------------------------------------------------------------------


def test_a_structure_has_one_colour_in_every_file_and_session(tmp_path: Path) -> None:
    first = LabelColours(Settings(tmp_path / "s.ini")).colours_of([info(1, "Aorta"), info(2, "Liver", "SCT:10200004")])
    later = LabelColours(Settings(tmp_path / "s.ini"))
    again = later.colours_of([info(7, "spleen"), info(9, "aorta "), info(4, "liver", "SCT:10200004")])
    assert (again[9], again[4]) == (first[1], first[2])
    assert again[7] not in first.values()


def test_left_and_right_of_one_code_are_told_apart(tmp_path: Path) -> None:
    colours = LabelColours(Settings(tmp_path / "s.ini"))
    sides = [info(1, "right lung", "SCT:39607008"), info(2, "left lung", "SCT:39607008")]
    assert colours.colours_of(sides)[1] != colours.colours_of(sides)[2]


def test_many_labels_have_different_colours_and_the_palette_comes_first(tmp_path: Path) -> None:
    given = LabelColours(Settings(tmp_path / "s.ini")).colours_of([info(number) for number in range(1, 22)])
    assert list(given.values())[: len(PALETTE)] == list(PALETTE)
    assert len(set(given.values())) == 21


def test_the_colours_of_a_file_are_a_choice(tmp_path: Path) -> None:
    colours, labels = (
        LabelColours(Settings(tmp_path / "s.ini")),
        [info(1, "aorta", colour=(255, 0, 0)), info(2, "vein")],
    )
    own = colours.colours_of(labels)
    assert own[1] == PALETTE[0]
    colours.of_file = True
    assert LabelColours(Settings(tmp_path / "s.ini")).colours_of(labels) == {1: "#ff0000", 2: own[2]}


# ---- drawing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("numbers", [(1, 4), (2, 100_000), (-5, 3)])
def test_only_visible_labels_are_filled_each_in_its_colour(numbers: tuple[int, int]) -> None:
    low, high = numbers
    plane = np.array([[0, low, high]], dtype=np.int32)
    out = np.zeros(plane.shape, np.uint32)
    labels = (entry(low, "#ff0000", opacity=1.0), entry(high, "#0000ff", opacity=0.5))
    fill_labels(plane, labels, out)
    assert [f"{value:08x}" for value in out[0]] == ["00000000", "ffff0000", "80000080"]
    fill_labels(plane, (entry(low, visible=False), labels[1]), out)
    assert out[0, 1] == 0


def test_each_seen_label_has_an_outline_around_its_own_pixels() -> None:
    plane = np.zeros((10, 12), dtype=np.uint8)
    plane[2:5, 3:7] = 1
    plane[7, 9] = 2
    outlines = label_outlines(plane, (entry(1, "#111111"), entry(2, "#222222"), entry(3, "#333333")))
    boxes = {colour: path.boundingRect().getRect() for colour, path in outlines}
    assert boxes == {"#111111": (2.5, 1.5, 4.0, 3.0), "#222222": (8.5, 6.5, 1.0, 1.0)}


def test_a_mosaic_is_filled_without_outlines() -> None:
    plane = np.arange(40, dtype=np.uint8).reshape(4, 10)
    assert label_outlines(plane, tuple(entry(number) for number in range(1, 40))) == ()
