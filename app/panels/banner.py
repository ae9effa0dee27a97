"""A line over the pictures for what must not be missed: a file that could not be opened, and what to do about it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.items import Note
from app.panels.film_remedies import WITHOUT_FILM, FilmRemedies
from app.panels.passport import set_severity
from app.panels.passport_parts import BreakingLabel

__all__ = ["WITHOUT_FILM", "Banner"]


class Banner(QFrame):
    """Shows one note until it is closed or another one comes. Plain text. Wishes carry the column's key."""

    place_requested = Signal(object, object)  # case, what to do with a reference on another grid
    without_film_requested, model_folder_requested, model_download_requested = (
        Signal(object),
        Signal(object),
        Signal(object),
    )

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.text, self.remedy = BreakingLabel(wrap=True), BreakingLabel(role="muted", wrap=True)
        for label in (self.text, self.remedy):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.remedies = FilmRemedies()
        self.resample_button = QPushButton("Resample onto the image")
        self.lay_button = QPushButton("Lay voxel on voxel")
        self.note: Note | None = None
        self._case = ""
        self.action_button = self.remedies.without_film_button
        self._column = ""
        self.close_button = QToolButton(text="\N{MULTIPLICATION SIGN}", autoRaise=True)
        self.close_button.setAccessibleName("Close the message")
        self._lay_out()
        self._connect()
        self.hide()

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.text)
        words.addWidget(self.remedy)
        words.addWidget(self.remedies)
        self._places, places = QWidget(), QHBoxLayout()
        places.setContentsMargins(0, 0, 0, 0)
        for button in (self.resample_button, self.lay_button):
            places.addWidget(button)
        places.addStretch(1)
        self._places.setLayout(places)
        words.addWidget(self._places)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 6, 6)
        row.addLayout(words, 1)
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def _connect(self) -> None:
        self.close_button.clicked.connect(self.hide)
        self.resample_button.clicked.connect(lambda: self._place("resample"))
        self.lay_button.clicked.connect(lambda: self._place("voxels"))
        self.remedies.without_film_requested.connect(lambda: self.without_film_requested.emit(self._column))
        self.remedies.folder_requested.connect(lambda: self.model_folder_requested.emit(self._column))
        self.remedies.download_requested.connect(lambda: self.model_download_requested.emit(self._column))

    def offer_places(self, case: str, note: Note, *, voxels: bool) -> None:
        """A reference lies on another grid than the image of `case`; `voxels`: their shapes are equal."""
        self.show_note(note)
        self._case = case
        self.lay_button.setVisible(voxels)
        self._places.show()
        self._claim_height()

    def _place(self, other_grid: str) -> None:
        self.hide()
        self.place_requested.emit(self._case, other_grid)

    def offer_without_film(self, column: str, title: str, model: str | None = None, why: str = "") -> None:
        """A FiLM checkpoint has nothing to be conditioned on: running it without is a choice, never the default.

        `model`: the vision-language model that the checkpoint names; `why`: what is wrong with the one at hand.
        """
        text = why or f"{title} has no condition for this image"
        self.show_note(Note(severity="warning", text=text, remedy="Drop its profile cache here, or:"))
        self._column = column
        self.remedies.show_model(model)
        self.remedies.show()
        self._claim_height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._claim_height()

    def _claim_height(self) -> None:
        """Room for every line of words and buttons at this width: the pictures below would take it."""
        layout = self.layout()
        if layout is not None:
            self.setMinimumHeight(layout.totalHeightForWidth(self.width()))

    def withdraw(self, column: str) -> None:
        """The offer for a column does not stand any more."""
        if self._column == column:
            self._column = ""
            self.hide()

    def hideEvent(self, event: QHideEvent) -> None:
        """Closed, or withdrawn: it says nothing any more. A hidden window hides its banner too, and that one stays."""
        super().hideEvent(event)
        if self.isHidden():
            self.note = None

    def show_note(self, note: Note) -> None:
        self._column, self.note = "", note
        self.remedies.hide()
        self._places.hide()
        self.text.setText(note.text)
        for part in (self, self.text):
            set_severity(part, note.severity)
        self.remedy.setText(note.remedy)
        self.remedy.setVisible(bool(note.remedy))
        self.show()
        self._claim_height()
