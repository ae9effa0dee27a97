"""The topology lens on a volume of files, with the real measures: millimetres, slices, planes."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.settings import Settings
from app.window import MainWindow
from core.records import Array
from tests.gui.test_topology import inside, listed, shown

SHAPE = (15, 31, 50)
SPACING = (2.0, 0.5, 0.5)


def tube() -> Array:
    """A vessel of 3 x 3 voxels from column 5 to 44, in the slices 6 to 8; the same mirrored."""
    mask = np.zeros(SHAPE, np.uint8)
    mask[6:9, 14:17, 5:45] = 1
    return mask


def save(path: Path, voxels: Array) -> str:
    nibabel.save(nibabel.Nifti1Image(voxels.T, np.diag([*SPACING[::-1], 1.0])), path)
    return str(path)


@pytest.fixture
def volume(qtbot: QtBot, tmp_path: Path) -> MainWindow:
    """A mask with a gap of 6 voxels (3 mm) at columns 22 to 27, beside a reference without."""
    mask = tube()
    mask[:, :, 22:28] = 0
    noise = np.random.default_rng(0).integers(0, 99, SHAPE).astype(np.int16)
    files = [save(tmp_path / "scan.nii", noise), save(tmp_path / "scan_seg.nii", tube())]
    window = MainWindow(Settings(tmp_path / "settings.ini"))
    qtbot.addWidget(window)
    window.resize(1300, 800)
    window.show()
    window.open(files)
    qtbot.waitUntil(lambda: window.store.case is not None and window.queue.idle, timeout=20_000)
    window.opening.open_mask_column(save(tmp_path / "mine.nii", mask))
    qtbot.waitUntil(lambda: window.store.run_state("column 1").state == "result", timeout=20_000)
    return window


def test_n_turns_to_the_slice_of_the_gap(qtbot: QtBot, volume: MainWindow) -> None:
    view = volume.parts.view
    view.set_cross((0, 0, 0))
    report = shown(qtbot, volume)
    assert (report.unit, report.items[0].length) == ("mm", pytest.approx(3.0))
    assert listed(volume) == ["Break"]
    pane = view.column("column 1").grid.seen()[0]
    assert pane.view.marks.rings == ()  # not in this slice
    volume.step_item(1)
    assert inside(view.cross(), report.items[0])
    assert view.cross()[0] == 7
    assert 22 <= view.cross()[2] < 28
    assert [(ring.label, ring.chosen) for ring in pane.view.marks.rings] == [("Break 3.0 mm", True)]
    table = volume.parts.topology.table.model()
    assert table.index(0, 3).data() == f"8, 15, {view.cross()[2]}"


def test_all_planes_look_closely_at_the_gap(qtbot: QtBot, volume: MainWindow) -> None:
    volume.store.set_volume(layout=4)
    shown(qtbot, volume)
    volume.step_item(1)
    for pane in volume.parts.view.column("column 1").grid.seen():
        (ring,) = pane.view.marks.rings
        lens = pane.view.lens()
        x, y = lens.to_screen(*ring.place)
        assert abs(x - lens.width / 2) < lens.width / 4
        assert abs(y - lens.height / 2) < lens.height / 4


def test_tunnels_are_counted_and_not_listed(qtbot: QtBot, volume: MainWindow) -> None:
    shown(qtbot, volume)
    panel = volume.parts.topology
    assert not panel.kinds["lost-loop"].isVisible()
    assert "Tunnels (Betti 1): 0 in the result, 0 in the reference." in panel.facts.text()
    assert "26-connected" in panel.facts.text()
