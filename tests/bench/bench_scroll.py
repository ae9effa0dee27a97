"""How long a large volume takes to open, what memory it costs, and how smoothly it scrolls: `bench_scroll.py [slices]`.

Writes a 512 x 512 x 1000 16-bit NIfTI and a map of 12 labels for it to a temporary folder and opens the volume in the
window, in a fresh process, as a dropped file. Prints the seconds until its first picture is painted, the extra memory
against its size, and the 95th percentile of the time from a turn of the wheel to the painted frame, first with a mask
filled and outlined over it, then with the labels of a reference as well.
Targets: 3 s, 2.2 times its size, 16 ms. Takes the screen that `QT_QPA_PLATFORM` names.

On a machine with other work the clock counts that work too: the processor time of this process (of its window thread,
for the wheel) is printed beside it, and how many other processes wanted a processor in the last minute.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SIDE, SLICES, TURNS = 512, 1000, 200
MAKE = """
import sys
import nibabel, numpy as np
path, labels, side, slices = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
y, x = np.mgrid[:side, :side]
plane = (1200 * np.cos(x / 40) * np.sin(y / 30) + 300 * np.random.default_rng(0).normal(size=(side, side)))
volume = np.empty((side, side, slices), np.int16, order="F")
for index in range(slices):
    volume[..., index] = np.roll(plane, index, axis=0)
affine = np.diag([-0.7, -0.7, 0.6, 1.0])
nibabel.save(nibabel.Nifti1Image(volume, affine), path)
near = np.hypot(y % 128 - 64, x % 170 - 85) < 40
plane = (near * (1 + x // 171 + 3 * (y // 128))).astype(np.uint8)
volume = np.empty((side, side, slices), np.uint8, order="F")
for index in range(slices):
    volume[..., index] = np.roll(plane, index, axis=1)
nibabel.save(nibabel.Nifti1Image(volume, affine), labels)
"""


def main(slices: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / "large.nii"), str(Path(folder) / "organs.nii")]
        subprocess.run([sys.executable, "-c", MAKE, *paths, str(SIDE), str(slices)], check=True)
        subprocess.run([sys.executable, __file__, "--open", *paths], check=True, cwd=ROOT)


def look(path: str, labels: str) -> None:
    """The measurements, in this process."""
    sys.path.insert(0, str(ROOT))
    from PySide6.QtWidgets import QApplication

    from app.settings import Settings
    from app.window import MainWindow

    application = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        window = MainWindow(Settings(Path(folder) / "settings.ini"))
        window.resize(1440, 900)
        window.show()
        application.processEvents()
        measure_opening(application, window, path)
        view = window.parts.view
        view.add_column("bench", "vessels", "#E69F00")
        view.set_prediction("bench", vessels(view.case().image.voxels.shape))
        measure_views(application, window, "a mask")
        measure_labels(application, window, labels)
        measure_views(application, window, f"a mask and {len(window.store.labels)} labels")
        window.close()


def measure_views(application: object, window: object, overlay: str) -> None:
    for layout, plane in ((1, "acquired"), (1, "coronal"), (1, "sagittal"), (4, "acquired")):
        window.store.set_volume(layout=layout, view=plane)
        column = window.parts.view.column("bench")
        measure_scrolling(application, column, f"{layout} view(s), {plane}, under {overlay}")
    print(f"  others that wanted a processor: {max(os.getloadavg()[0] - 1, 0):.1f} of {os.cpu_count()}")


def measure_opening(application: object, window: object, path: str) -> None:
    before, size = memory("VmRSS"), Path(path).stat().st_size
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak counts from now on
    start, busy = time.perf_counter(), time.process_time()
    window.open([path])
    while window.parts.view.case() is None:
        application.processEvents()
    window.parts.view.repaint()
    application.processEvents()
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    while not window.queue.idle:
        application.processEvents()
    kind = window.store.case.image.voxels.dtype
    print(f"{size / 1e6:.0f} MB, {kind}: open in {seconds:.2f} s ({busy:.2f} s of processor time)")
    for name, now in (("at most", memory("VmHWM")), ("then", memory("VmRSS"))):
        print(f"  memory {name}: {(now - before) / 1e6:.0f} MB, {(now - before) / size:.2f} times its size")


def measure_labels(application: object, window: object, path: str) -> None:
    before, size = memory("VmRSS"), Path(path).stat().st_size
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    window.opening.open_reference(path)
    while not (window.queue.idle and window.store.labels):
        application.processEvents()
    most = memory("VmHWM") - before
    print(f"{size / 1e6:.0f} MB of labels: memory at most {most / 1e6:.0f} MB, {most / size:.2f} times their size")


def measure_scrolling(application: object, column: object, title: str) -> None:
    """Turn the wheel over the last of the views: its picture and, with several, those lines that it moves."""
    from PySide6.QtCore import QEvent, QObject

    class Painted(QObject):
        count = 0

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            self.count += event.type() == QEvent.Type.Paint
            return False

    application.processEvents()
    port, painted, times, busy = column.grid.seen()[-1].view.viewport(), Painted(), [], []
    port.installEventFilter(painted)
    for turn in range(TURNS):
        seen, start, worked = painted.count, time.perf_counter(), time.thread_time()
        application.sendEvent(port, wheel(port, 1 if turn < TURNS // 2 else -1))
        while painted.count == seen:
            application.processEvents()
        times.append(1000 * (time.perf_counter() - start))
        busy.append(1000 * (time.thread_time() - worked))
    port.removeEventFilter(painted)
    middle, high = np.percentile(times, (50, 95))
    alone = "{:.1f} and {:.1f}".format(*np.percentile(busy, (50, 95)))
    print(f"{title}: wheel to paint {middle:.1f} ms, 95th percentile {high:.1f} ms (processor time {alone} ms)")


def wheel(port: object, notches: int) -> object:
    from PySide6.QtCore import QPoint, QPointF, Qt
    from PySide6.QtGui import QWheelEvent

    where = QPointF(port.rect().center())
    keys, buttons, phase = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
    return QWheelEvent(where, where, QPoint(), QPoint(0, 120 * notches), buttons, keys, phase, False)


def vessels(shape: tuple[int, int, int]) -> object:
    """A prediction with a mask of a few thin vessels, another in each slice; its other arrays repeat one slice."""
    from core.records import Prediction, RunSettings

    y, x = np.mgrid[: shape[1], : shape[2]]
    plane = (np.abs(np.sin(x / 37) * 60 + y % 128 - 64) < 3) | (np.hypot(x - 250, y - 260) < 40)
    mask = np.empty(shape, bool)
    for index in range(shape[0]):
        mask[index] = np.roll(plane, index, axis=1)
    mask.setflags(write=False)
    values = np.broadcast_to(plane.astype(np.float32), shape)
    settings = RunSettings()
    return Prediction(
        score=values, probability=values, mask=mask, threshold=0.5, value_range=(0, 1), steps=(), settings=settings
    )


def memory(name: str) -> int:
    """Bytes of this process, as the kernel counts them (Linux)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--open"]:
        look(*sys.argv[2:4])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else SLICES)
