"""What is odd about where an image lies is said in the window and by the command line, and no scale bar stands then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from typer.testing import CliRunner

from app.canvas.pane import Pane
from app.canvas.scale import bar_of
from app.settings import Settings
from app.window import MainWindow
from main import cli
from tests.builders import DFM, write_checkpoint
from tests.gui.conftest import check_nothing_runs
from tests.gui.dropping import drop
from tests.images.test_dicom import pixels as slice_pixels
from tests.images.test_dicom import save

VOXELS = np.arange(6 * 7 * 5).reshape(6, 7, 5).astype(np.int16)
STRAIGHT = np.diag([-2.0, -1.0, 3.0, 1.0])
TILT = np.deg2rad(20)
TURNED = np.block(
    [
        [np.array([[1, 0, 0], [0, np.cos(TILT), -np.sin(TILT)], [0, np.sin(TILT), np.cos(TILT)]]), np.zeros((3, 1))],
        [np.zeros((1, 3)), np.ones((1, 1))],
    ]
)
SHEARED = np.array([[2.0, 0.6, 0, 0], [0, 1, 0, 0], [0, 0, 3, 0], [0, 0, 0, 1]])
UNPLACED = "Orientation unknown: as stored"
SQUARE, NOT_TO_SCALE = "No spacing: square pixels", "Uneven or sheared: not to scale"


def nifti(sform: Any = None, qform: Any = None, codes: tuple[int, int] = (1, 1)) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        image = nibabel.Nifti1Image(VOXELS, None)
        if qform is not None:
            image.set_qform(qform, codes[1])
        if sform is not None:
            image.header["sform_code"] = codes[0]
            for row, name in zip(np.asarray(sform), ("srow_x", "srow_y", "srow_z"), strict=False):
                image.header[name] = row
        raw = image.header.binaryblock + bytes(4) + VOXELS.tobytes(order="F")
        header = nibabel.Nifti1Header(raw[:348], check=False)
        header["magic"], header["vox_offset"] = b"n+1", 352
        path = folder / "image.nii"
        path.write_bytes(header.binaryblock + raw[348:])
        return path

    return make


def series(heights: list[float], lean: float = 0.0) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "series").mkdir()
        for number, height in enumerate(heights):
            place = {"ImagePositionPatient": [10, 20 + lean * height, height], "InstanceNumber": number + 1}
            save(folder / "series" / f"{number:02d}.dcm", slice_pixels(number), **place)
        return folder / "series"

    return make


def nrrd(directions: str, endianness: str = "little") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        head = "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 6 7 5\n"
        head += f"space directions: {directions}\nspace origin: (0,0,0)\nencoding: raw\nendian: {endianness}\n\n"
        path = folder / "image.nrrd"
        path.write_bytes(head.encode() + VOXELS.tobytes(order="F"))
        return path

    return make


Make = Callable[[Path], Path]
NAN = STRAIGHT.copy()
NAN[1, 1] = np.nan
ODD: dict[str, tuple[Make, str | None, tuple[str, ...]]] = {
    "sform": (nifti(STRAIGHT), None, ()),
    "qform": (nifti(qform=STRAIGHT), None, ()),
    "sform and qform apart": (
        nifti(STRAIGHT + np.array([[0, 0, 0, 9.0]] + [[0, 0, 0, 0]] * 3), STRAIGHT),
        "image.sform-qform",
        (),
    ),
    "sform and qform mirrored": (
        nifti(np.diag([2.0, -1, 3, 1]), STRAIGHT),
        "image.orientation-contradicts",
        (UNPLACED, SQUARE),
    ),
    "neither form": (nifti(), "image.orientation-unknown", (UNPLACED,)),
    "NaN in the sform": (nifti(NAN), "image.no-geometry", (UNPLACED, SQUARE)),
    "singular sform": (nifti(np.diag([2.0, 0, 3, 1])), "image.no-geometry", (UNPLACED, SQUARE)),
    "shear": (nifti(SHEARED), "image.shear", (NOT_TO_SCALE,)),
    "oblique": (nifti(TURNED @ STRAIGHT), None, ()),
    "NaN in an NRRD": (nrrd("(nan,0,0) (0,1,0) (0,0,1)"), "image.no-geometry", (UNPLACED, SQUARE)),
    "singular NRRD": (nrrd("(1,0,0) (1,0,0) (0,0,1)"), "image.no-geometry", (UNPLACED, SQUARE)),
    "gantry tilt": (series([0, 2, 4, 6], lean=0.3), "image.shear", (NOT_TO_SCALE,)),
    "missing slice": (series([0, 2, 4, 8, 10]), "dicom.missing-slices", (UNPLACED, SQUARE)),
    "duplicate slice": (series([0, 2, 4, 4, 6]), "dicom.duplicate-slices", (UNPLACED, SQUARE)),
    "uneven slices": (series([0, 2, 4.5, 6.2]), "dicom.uneven-spacing", (UNPLACED, SQUARE)),
}
REGULAR = {"sform", "qform", "sform and qform apart", "oblique", "neither form"}
"""Their voxels have a size, wherever they lie."""


@pytest.fixture
def real(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    window = MainWindow(Settings(tmp_path / "settings.ini"))
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    qtbot.waitExposed(window)
    yield window
    qtbot.waitUntil(lambda: window.queue.idle, timeout=20_000)
    check_nothing_runs(window.queue)


def panes(window: MainWindow) -> list[Pane]:
    return [pane for grid in window.parts.view._grids() for pane in grid.seen()]


@pytest.mark.parametrize("name", ODD)
def test_odd_geometry_is_seen_in_the_window(qtbot: QtBot, real: MainWindow, tmp_path: Path, name: str) -> None:
    make, code, words = ODD[name]
    assert drop(real.parts.view, [make(tmp_path)])
    qtbot.waitUntil(lambda: real.parts.view.case() is not None, timeout=20_000)
    qtbot.waitUntil(lambda: real.queue.idle, timeout=20_000)
    real.store.set_volume(layout=4)
    qtbot.waitUntil(lambda: min(pane.view.lens().width for pane in panes(real)) > 200)
    (said,) = [note for note in real.store.notes if note.code == code] if code else [None]
    if said is not None:
        assert real.parts.banner.isVisible()
        assert real.parts.banner.text.text() == said.text
    else:
        assert not real.parts.banner.isVisible()
    for pane in panes(real):
        assert all(line in pane.view.marks.above for line in words)
        assert (pane.view.scale_bar() is not None) == (name in REGULAR)
        if name == "oblique":
            assert "oblique 20\N{DEGREE SIGN}" in pane.view.marks.above[0]


def test_the_command_line_says_the_same(tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / "one.ckpt", DFM)
    images = []
    for number, (make, _, _) in enumerate(ODD.values()):
        folder = tmp_path / f"{number:02d}_made"
        folder.mkdir()
        path = make(folder)
        images.append(path.rename(tmp_path / f"{number:02d}{''.join(path.suffixes)}"))
    words = ["predict", str(checkpoint), *map(str, images), "-o", str(tmp_path / "out"), "--steps", "1", "--json"]
    outcome = CliRunner().invoke(cli, words)
    assert outcome.exit_code == 0, outcome.output
    results = json.loads(outcome.stdout)["results"]
    for result, (_, code, _) in zip(results, ODD.values(), strict=True):
        found = [finding["code"] for finding in result["findings"] if finding["severity"] != "note"]
        assert found == ([code] if code else []), result["case"]


def test_a_scale_bar_is_round_and_as_long_as_it_says() -> None:
    for mm_per_pixel in (0.0007, 0.013, 0.2, 0.77, 1.0, 3.3, 40.0):
        for width in (100, 300, 1500):
            bar = bar_of(mm_per_pixel, width)
            assert bar is not None
            assert bar.pixels * mm_per_pixel == pytest.approx(bar.mm)
            assert 0.35 * min(160, 0.28 * width) <= bar.pixels <= min(160, 0.28 * width) + 1e-9
            assert f"{bar.mm:.0e}"[0] in "125"
    assert bar_of(0.001, 300).words == "50 \N{MICRO SIGN}m"  # type: ignore[union-attr]
    assert bar_of(1.0, 300).words == "50 mm"  # type: ignore[union-attr]
    for impossible in (0.0, -1.0, float("nan"), float("inf")):
        assert bar_of(impossible, 300) is None
    assert bar_of(1.0, 60) is None


def test_the_scale_bar_follows_the_zoom(qtbot: QtBot, real: MainWindow, tmp_path: Path) -> None:
    drop(real.parts.view, [nifti(STRAIGHT)(tmp_path)])
    qtbot.waitUntil(lambda: real.parts.view.case() is not None, timeout=20_000)
    view = panes(real)[0].view
    for _ in range(3):
        bar, lens = view.scale_bar(), view.lens()
        assert bar is not None
        assert bar.pixels / lens.zoom * 2.0 == pytest.approx(bar.mm)  # columns are 2 mm apart
        view.camera_requested.emit(lens.zoomed(0.5, 10.0, 10.0))
