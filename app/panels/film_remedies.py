"""What can be done when a FiLM checkpoint has nothing to be conditioned on; nothing of it happens by itself."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from app.panels.widgets.flow_layout import FlowLayout
from app.panels.widgets.progress import PlainProgressBar
from app.panels.widgets.text import plain_tooltip, printable
from core.progress import Progress

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
WITHOUT_FILM = "Run with FiLM off (labelled)"
CHOOSE_FOLDER = f"Choose the model's folder{ELLIPSIS}"
MOST_LETTERS = 28
MEGABYTE = 10**6


class FilmRemedies(QWidget):
    """Up to three buttons. The download is offered only where the file names its model; it asks first."""

    without_film_requested, folder_requested, download_requested = Signal(), Signal(), Signal()

    def __init__(self, *, without_film: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.folder_button, self.download_button = QPushButton(CHOOSE_FOLDER), QPushButton()
        self.without_film_button = QPushButton(WITHOUT_FILM)
        buttons = FlowLayout(self, spacing=6)
        wishes = (self.without_film_requested, self.folder_requested, self.download_requested)
        for button, wish in zip(self._buttons(), wishes, strict=True):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _=False, wish=wish: wish.emit())
            buttons.addWidget(button)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.without_film_button.setVisible(without_film)
        self.show_model(None)

    def _buttons(self) -> tuple[QPushButton, QPushButton, QPushButton]:
        return self.without_film_button, self.folder_button, self.download_button  # the first is seen in any window

    def show_model(self, name: str | None) -> None:
        """The model that could be downloaded; None = the file names none."""
        self.download_button.setText(f"Download {_short(name or '')}{ELLIPSIS}")
        self.download_button.setToolTip(plain_tooltip(f"{name}: several gigabytes. You are asked first."))
        self.download_button.setVisible(bool(name))


class DownloadBar(QWidget):
    """How far a download is, in megabytes, and a button that stops it."""

    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar, self.cancel_button = PlainProgressBar(), QPushButton("Cancel")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel_button)
        self.cancel_button.clicked.connect(lambda: self.cancel_requested.emit())
        self.show_download("", None)

    def show_download(self, name: str, progress: Progress | None) -> None:
        """`name` empty: nothing is downloaded. Of `progress`, in bytes, the total may not be known yet."""
        self.setVisible(bool(name))
        done, total = (progress.done // MEGABYTE, progress.total // MEGABYTE) if progress else (0, 0)
        self.bar.show_progress(done, total, f"Downloading {_short(name)}, MB")


def _short(name: str) -> str:
    """The model without its owner, for a button; a `&` would underline a letter. The question names all of it."""
    text = printable(name.rpartition("/")[2]).replace("&", "&&")
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}{ELLIPSIS}"
