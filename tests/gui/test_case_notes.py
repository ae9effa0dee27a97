"""What is wrong with the files of a case is said over its pictures, and over those of no other case."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.settings import Settings
from app.window import MainWindow

SHAPE = (6, 20, 24)


def save(path: Path, values: np.ndarray, step: float = 2) -> str:
    nibabel.save(nibabel.Nifti1Image(values.T, np.diag([step, step, step, 1.0])), path)
    return str(path)


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 999, SHAPE).astype(np.int16)


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> MainWindow:
    made = MainWindow(Settings(tmp_path / "settings.ini"))
    qtbot.addWidget(made)
    made.resize(1300, 800)
    made.show()
    return made


def show(qtbot: QtBot, window: MainWindow, image: str, reference: str | None = None) -> None:
    window.opening.open_image(image, reference)
    qtbot.waitUntil(lambda: window.store.cases[image].state == "ready" and window.queue.idle)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    """A volume, and a mask that is drawn on a finer grid."""
    finer = np.kron(np.ones(SHAPE, np.uint8), np.ones((2, 2, 2), np.uint8))
    finer[:4] = 0
    return save(tmp_path / "scan.nii", noise()), save(tmp_path / "drawn.nii", finer, step=1)


def test_the_warning_of_a_case_leaves_with_it_and_comes_back(
    qtbot: QtBot, window: MainWindow, pair: tuple[str, str], tmp_path: Path
) -> None:
    banner, other = window.parts.banner, save(tmp_path / "other.nii", noise(1))
    show(qtbot, window, other)
    assert not banner.isVisible()
    show(qtbot, window, *pair)
    assert banner.isVisible()
    assert banner.resample_button.isVisible()
    window.opening.show_case(other)
    assert not banner.isVisible()
    window.opening.show_case(pair[0])
    assert "not measured" in banner.text.text()
    assert banner.resample_button.isVisible()


def test_a_reference_that_was_resampled_is_not_called_unmeasured_any_more(
    qtbot: QtBot, window: MainWindow, pair: tuple[str, str]
) -> None:
    show(qtbot, window, *pair)
    window.parts.banner.resample_button.click()
    qtbot.waitUntil(lambda: window.store.case.reference.placed == "resampled" and window.queue.idle)  # type: ignore[union-attr]
    assert not window.parts.banner.isVisible()
    window.store.activate_case(None)
    window.opening.show_case(pair[0])
    assert not window.parts.banner.isVisible()


def test_a_case_that_is_read_in_the_background_says_nothing_over_another(
    qtbot: QtBot, window: MainWindow, pair: tuple[str, str], tmp_path: Path
) -> None:
    other = save(tmp_path / "other.nii", noise(1))
    show(qtbot, window, other)
    window.opening.open_image(*pair)
    window.store.activate_case(other)
    qtbot.waitUntil(lambda: window.store.cases[pair[0]].state == "ready" and window.queue.idle)
    assert not window.parts.banner.isVisible()
    assert any("not measured" in note.text for note in window.store.notes)


def test_a_mask_that_marks_nothing_is_announced(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    image = save(tmp_path / "scan.nii", noise())
    show(qtbot, window, image, save(tmp_path / "empty.nii", np.zeros(SHAPE, np.uint8)))
    assert "marks nothing" in window.parts.banner.text.text()


def test_a_mask_that_lies_nowhere_near_says_so_first(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    image, far = save(tmp_path / "scan.nii", noise()), np.diag([2.0, 2, 2, 1])
    far[:3, 3] = 5_000
    path = tmp_path / "far.nii"
    nibabel.save(nibabel.Nifti1Image(np.ones(SHAPE, np.uint8).T, far), path)
    show(qtbot, window, image, str(path))
    assert "do not overlap" in window.parts.banner.text.text()
    assert not window.parts.banner.resample_button.isVisible()


@pytest.mark.parametrize(("change", "words"), [("none", "without orientation"), ("sheared", "right angles")])
def test_a_volume_without_a_sound_place_says_so_over_its_pictures(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, change: str, words: str
) -> None:
    affine = np.diag([2.0, 2, 2, 1])
    affine[0, 1] = 0.5
    path = tmp_path / "scan.nii"
    made = nibabel.Nifti1Image(noise().T, affine)
    made.set_qform(None, 0)
    made.set_sform(affine, 0 if change == "none" else 1)
    nibabel.save(made, path)
    show(qtbot, window, str(path))
    assert words in window.parts.banner.text.text()
