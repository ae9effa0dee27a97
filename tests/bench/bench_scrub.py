"""How smoothly four linked columns scrub through the steps of their runs: `bench_scrub.py [quantity]`.

Opens a window with a 512 x 512 picture with a reference and four columns with runs of 50 steps (masks of vessels that
grow out of noise, filled and outlined), moves the slider of the steps panel from step to step and back, and prints the
50th and 95th percentile of the time from the move to the painted frame of all four, and of the processor time of that;
first through steps that were not seen before, then through steps whose outlines are known. Target: 16 ms at the 95th
percentile. Takes the screen that `QT_QPA_PLATFORM` names. Other work on the machine lengthens the first number, not
the second.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SIDE, STEPS, COLUMNS, TURNS = 512, 50, 4, 3
COLOURS = ("#56B4E9", "#E69F00", "#CC79A7", "#009E73")


def main(quantities: list[str]) -> None:
    sys.path.insert(0, str(ROOT))
    from PySide6.QtWidgets import QApplication

    from app.settings import Settings
    from app.window import MainWindow

    application = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        window = MainWindow(Settings(Path(folder) / "settings.ini"))
        window.resize(1600, 1000)
        window.show()
        fill(window)
        application.processEvents()
        for quantity in quantities:
            window.store.set_quantity(quantity)
            for seen in ("first time", "again"):
                measure(application, window, f"{quantity}, {seen}")
        window.close()


def fill(window: object) -> None:
    """A case and four results, as controllers hand them to view and steps panel."""
    from core.records import Case, Image, LabelMap

    truth = vessels(0)
    picture = (120 + 60 * np.cos(np.arange(SIDE) / 40) - 70 * truth).astype(np.float32)[None]
    reference = LabelMap(labels=truth[None].astype(np.int16), name="reference.png")
    view, steps = window.parts.view, window.parts.steps
    view.set_case(Case(name="bench", image=Image(voxels=picture, name="bench.png"), reference=reference))
    entries = []
    for number, colour in enumerate(COLOURS[:COLUMNS]):
        key, made = f"bench {number}", prediction(vessels(7 * number), number)
        view.add_column(key, f"checkpoint {number}", colour)
        view.set_prediction(key, made)
        entries.append((key, f"checkpoint {number}", colour, made))
    accompany(view, [made for *_, made in entries])
    steps.show()
    steps.set_predictions(entries, "bench 0")
    steps.set_curves({entry[0]: tuple(np.linspace(0.1, 0.9, STEPS)) for entry in entries})


def accompany(view: object, results: list[object]) -> None:
    """What the controller of maps hands to the view: the other results, and the ends of scales."""
    from app.canvas.moment import Company, Computed, Peer

    peers = tuple(Peer(title=f"checkpoint {number}", prediction=made) for number, made in enumerate(results))
    for number, key in enumerate(view.columns()):
        view.set_company(key, Company(peers=peers, other=peers[(number + 1) % len(peers)]))
        for name, low in (("change", -1.0), ("velocity", 0.0)):
            view.set_map(key, name, Computed(limits=(low, 10.0)))


def vessels(shift: int) -> object:
    y, x = np.mgrid[:SIDE, :SIDE]
    waves = [np.abs(y - 512 * part - 40 * np.sin((x + shift) / (30 + 60 * part))) < 3 for part in (0.2, 0.45, 0.8)]
    return np.logical_or.reduce([*waves, np.abs(x - 256 - 90 * np.cos((y + shift) / 80)) < 4])


def prediction(truth: object, seed: int) -> object:
    from core.records import Prediction, RunSettings, Step

    noise = np.random.default_rng(seed).normal(0, 1, truth.shape)
    steps = []
    for index in range(STEPS):
        t = (index + 1) / STEPS
        state = (1 - t) * noise + t * (2.0 * truth - 1)
        estimate = (2.0 * truth - 1) * min(1.0, 0.4 + t) + 0.45 * (1 - t) * noise
        arrays = [np.ascontiguousarray(part, np.float32)[None] for part in (state, estimate, (estimate + 1) / 2)]
        state, estimate, probability = arrays
        kept = Step(index=index, t=t, state=state, estimate=estimate, probability=np.clip(probability, 0, 1))
        steps.append(kept)
    last = steps[-1]
    return Prediction(
        score=last.estimate,
        probability=last.probability,
        mask=last.estimate > 0,
        threshold=0.0,
        value_range=(-1.0, 1.0),
        state_range=(-1.0, 1.0),
        steps=tuple(steps),
        settings=RunSettings(),
    )


def measure(application: object, window: object, title: str) -> None:
    from PySide6.QtCore import QEvent, QObject

    class Painted(QObject):
        """The views that were painted since the last move."""

        def __init__(self) -> None:
            super().__init__()
            self.seen: set[int] = set()

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint:
                self.seen.add(id(watched))
            return False

    view, slider, painted = window.parts.view, window.parts.steps.slider, Painted()
    ports = [view.column(key).view.viewport() for key in view.columns()]
    for port in ports:
        port.installEventFilter(painted)
    slider.setValue(0)
    for _ in range(40):
        application.processEvents()
    walls, works = [], []
    there = range(1, STEPS)
    for value in [*there, *reversed(there)] * TURNS if title.endswith("again") else there:
        painted.seen.clear()
        start, work = time.perf_counter(), time.process_time()
        slider.setValue(value)
        while len(painted.seen) < len(ports) and time.perf_counter() < start + 1:
            application.processEvents()
        walls.append(1000 * (time.perf_counter() - start))
        works.append(1000 * (time.process_time() - work))
    for port in ports:
        port.removeEventFilter(painted)
    (wall, high), (cpu, cpu_high) = np.percentile(walls, (50, 95)), np.percentile(works, (50, 95))
    size = ports[0].size()
    print(
        f"{title}: move to paint {wall:.1f} ms in the middle, {high:.1f} ms at the 95th percentile; processor time"
        f" {cpu:.1f} and {cpu_high:.1f} ms ({len(ports)} views of {size.width()} x {size.height()})"
    )


if __name__ == "__main__":
    main(sys.argv[1:] or ["mask", "probability", "state"])
