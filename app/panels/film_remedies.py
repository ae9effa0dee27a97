"""What can be done when a FiLM checkpoint has nothing to be conditioned on; nothing of it happens by itself."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from app.panels.widgets.flow_layout import FlowLayout
from app.panels.widgets.text import plain_tooltip, printable

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
WITHOUT_FILM = "Run with FiLM off (labelled)"
CHOOSE_FOLDER = f"Choose the model's folder{ELLIPSIS}"
MOST_LETTERS = 36


class FilmRemedies(QWidget):
    """Up to three buttons. The download is offered only where the file names its model; it asks first."""

    without_film_requested, folder_requested, download_requested = Signal(), Signal(), Signal()

    def __init__(self, *, without_film: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.folder_button, self.download_button = QPushButton(CHOOSE_FOLDER), QPushButton()
        self.without_film_button = QPushButton(WITHOUT_FILM)
        buttons = FlowLayout(self, spacing=6)
        wishes = (self.folder_requested, self.download_requested, self.without_film_requested)
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
        return self.folder_button, self.download_button, self.without_film_button

    def show_model(self, name: str | None) -> None:
        """The model that could be downloaded; None = the file names none."""
        self.download_button.setText(f"Download {_short(name or '')}{ELLIPSIS}")
        self.download_button.setToolTip(plain_tooltip(f"{name}: several gigabytes. You are asked first."))
        self.download_button.setVisible(bool(name))


def _short(name: str) -> str:
    """A name from a file, on a button: `&` would underline a letter, and a long one would push the others out."""
    text = printable(name).replace("&", "&&")
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}{ELLIPSIS}"
