"""What one must know about the files of a case stands over its pictures, and never over those of another case."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.items import Note
from app.store import Store
from core.records import Case

if TYPE_CHECKING:
    from app.panels.banner import Banner

ORDER = {"note": 0, "warning": 1, "error": 2}
NOWHERE = "image.no-overlap"


def notes_of(case: str, content: Case) -> list[Note]:
    """Of image and reference: where they lie, what is missing. The gravest comes last, as the one that stays in sight;
    among equals, that the two do not meet anywhere, since then there is nothing to be seen of the reference."""
    of_reference = content.reference.findings if content.reference else ()
    found = sorted((*content.image.findings, *of_reference), key=lambda one: (ORDER[one.severity], one.code == NOWHERE))
    return [Note(severity=one.severity, text=one.message, path=case, remedy=one.remedy, code=one.code) for one in found]


class CaseNotes(QObject):
    """Keeps the banner with the case that is looked at. `show` puts a note into it, with its buttons."""

    def __init__(
        self, store: Store, banner: Banner, show: Callable[[Note], None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._banner, self._show = store, banner, show
        store.case_activated.connect(self._on_activated)
        store.case_changed.connect(self._on_changed)

    def elsewhere(self, note: Note) -> bool:
        """Whether a note is about the files of a case that is not looked at."""
        return bool(note.code) and note.path in self._store.cases and note.path != self._store.active_case

    def _on_activated(self, case: str | None) -> None:
        """The banner of the case before goes; what is known of this one comes back, even if it was closed before."""
        if self._banner.note is not None and self._banner.note.path in self._store.cases:
            self._banner.hide()
        notes = self._notes(case)
        if notes and notes[-1].severity != "note":
            self._show(notes[-1])

    def _on_changed(self, case: str) -> None:
        """A reference that has been resampled, or another one, takes what was said of the one before along."""
        told = self._banner.note
        if told is not None and told.code and told.path == case and told not in self._notes(case):
            self._banner.hide()

    def _notes(self, case: str | None) -> list[Note]:
        item = self._store.cases.get(case or "")
        return [] if item is None or item.case is None else notes_of(item.id, item.case)
