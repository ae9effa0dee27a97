"""Cine: goes through the frames of a film, or the slices of a volume, at an even pace until somebody clicks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer

from app.controllers.frames import FrameController
from app.store import Store

if TYPE_CHECKING:
    from app.canvas.columns import ColumnsView

USUAL_FPS = 15


class CineController(QObject):
    """Plays frames where there are some, else slices of the view that was clicked last. While it plays, nothing is run:
    predictions of frames that were run before are shown as the frames pass."""

    def __init__(self, store: Store, view: ColumnsView, frames: FrameController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._view, self._frames = store, view, frames
        self._timer = QTimer(self, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)
        self.set_fps(USUAL_FPS)
        view.clicked.connect(self.stop)
        store.case_activated.connect(lambda _: self.stop())

    @property
    def fps(self) -> int:
        return self._fps

    def set_fps(self, fps: int) -> None:
        """Frames or slices per second."""
        self._fps = fps
        self._timer.setInterval(round(1000 / fps))

    def toggle(self) -> None:
        if self._store.playing:
            self.stop()
        elif self._has_frames() or self._view.is_volume():
            self._store.set_playing(True)
            self._timer.start()

    def stop(self) -> None:
        self._timer.stop()
        self._store.set_playing(False)

    def tick(self) -> None:
        """One on. A frame that is still being read is waited for: none is skipped."""
        if self._has_frames():
            if self._frames.wanted is None:
                self._frames.step(1, around=True)
        elif self._view.is_volume():
            self._view.turn(1, around=True)
        else:
            self.stop()

    def _has_frames(self) -> bool:
        case = self._store.case
        return case is not None and case.image.frames > 1
