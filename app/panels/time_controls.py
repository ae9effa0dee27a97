"""Time: which frame of a film or moment of a series is shown, and playing through frames or slices. Groups of the view
bar."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QSlider, QSpinBox, QToolButton

from app.panels.widgets.group import group_of
from app.panels.widgets.text import PlainLabel, plain_tooltip

FASTEST = 60


class TimeControls(QObject):
    """Everything here acts at once. Frames are counted from 1 on the screen, from 0 everywhere else."""

    frame_requested = Signal(int)
    fps_changed = Signal(int)
    play_requested = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.play = QToolButton()
        self.play.setFixedWidth(56)  # `Play` and `Pause` in one place
        self.play.clicked.connect(lambda: self.play_requested.emit())
        self.fps = QSpinBox(minimum=1, maximum=FASTEST, suffix=" fps")
        self.fps.setAccessibleName("Frames per second")
        self.fps.setToolTip(plain_tooltip("How many frames or slices are shown in a second"))
        self.fps.valueChanged.connect(self.fps_changed)
        self.slider, self.words = QSlider(Qt.Orientation.Horizontal), PlainLabel()
        self.slider.setFixedWidth(110)
        self.slider.setAccessibleName("Frame")
        self.slider.valueChanged.connect(self._on_slider)
        self._time_group = group_of(PlainLabel("Frame", role="muted"), self.slider, self.words)
        self._play_group = group_of(self.play, self.fps)
        self.groups = self._time_group, self._play_group  # the bar breaks between them
        self.show_playing(False)
        self.show_frames(0, 1, slices=1)

    def show_frames(self, frame: int, frames: int, *, slices: int) -> None:
        """What is shown; nothing to choose where there is one frame, nothing to play with one slice as well."""
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, frames - 1)
            self.slider.setValue(frame)
        self.words.setMinimumWidth(self.words.fontMetrics().horizontalAdvance(_words(frames - 1, frames)))
        self._say(frame)
        self._time_group.setVisible(frames > 1)
        self._play_group.setVisible(frames > 1 or slices > 1)

    def show_playing(self, playing: bool) -> None:
        self.play.setText("Pause" if playing else "Play")
        self.play.setToolTip(plain_tooltip("Stop here" if playing else "Go through the frames or slices by itself"))

    def show_fps(self, fps: int) -> None:
        with QSignalBlocker(self.fps):
            self.fps.setValue(fps)

    def _on_slider(self, frame: int) -> None:
        self._say(frame)
        self.frame_requested.emit(frame)

    def _say(self, frame: int) -> None:
        self.words.setText(_words(frame, self.slider.maximum() + 1))


def _words(frame: int, frames: int) -> str:
    return f"{frame + 1} of {frames}"
