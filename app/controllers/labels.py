"""The labels of the reference: listed in the background, coloured by the registry, shown or hidden one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.items import LabelEntry
from app.jobs import Job, JobQueue
from app.label_colours import LabelColours, key_of
from app.store import Store
from core import pipeline
from core.records import LabelInfo, LabelMap

if TYPE_CHECKING:
    from app.canvas.columns import ColumnsView
    from app.panels.labels import LabelsPanel


class LabelController(QObject):
    """Fills the panel and the store for a reference with classes; a plain mask has no list and stays an outline."""

    def __init__(
        self,
        store: Store,
        queue: JobQueue,
        panel: LabelsPanel,
        view: ColumnsView,
        colours: LabelColours,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store, self._queue, self._panel, self._view = store, queue, panel, view
        self._colours = colours
        self._listed: LabelMap | None = None
        self._found: tuple[LabelInfo, ...] = ()
        self._looks: dict[str, tuple[bool, float]] = {}  # by key: a structure that was hidden stays so in the next case
        store.case_activated.connect(lambda _: self._look())
        store.case_changed.connect(lambda case: self._look() if case == store.active_case else None)
        store.labels_changed.connect(panel.show_labels)
        store.labels_changed.connect(view.set_labels)
        store.label_chosen.connect(panel.choose)
        panel.visibility_requested.connect(self._on_visibility)
        panel.opacity_requested.connect(self._on_opacity)
        panel.colour_chosen.connect(self._on_colour)
        panel.file_colours_requested.connect(self._on_file_colours)
        panel.go_requested.connect(self.go_to)

    def _look(self) -> None:
        case = self._store.case
        reference = None if case is None else case.reference
        if reference is self._listed:
            return
        self._listed, self._found = reference, ()
        self._store.choose_label(None)
        self._store.set_labels(())
        self._panel.show_reference(reference)
        if reference is None:
            return
        job = Job(lambda report: pipeline.list_labels(reference, report), f"Labels of {PurePath(reference.name).name}")
        job.succeeded.connect(lambda found: self._on_listed(reference, found))
        self._queue.start(job, slot="labels")

    def _on_listed(self, reference: LabelMap, found: Sequence[LabelInfo]) -> None:
        if reference is not self._listed or not has_classes(found):
            return
        self._found = tuple(found)
        self._panel.show_file_colours(any(label.colour for label in found), self._colours.of_file)
        self._colour()

    def _colour(self) -> None:
        colours = self._colours.colours_of(self._found)
        self._store.set_labels([self._entry(label, colours[label.number]) for label in self._found])

    def _entry(self, label: LabelInfo, colour: str) -> LabelEntry:
        entry = LabelEntry(
            number=label.number,
            key=key_of(label),
            name=label.name or f"Label {label.number}",
            code=label.code,
            colour=colour,
            voxels=label.voxels,
            centre=label.centre,
        )
        visible, opacity = self._looks.get(entry.key, (entry.visible, entry.opacity))
        return replace(entry, visible=visible, opacity=opacity)

    # ---- what a person does ------------------------------------------------------------------------------------------

    def _on_visibility(self, shown: dict[int, bool]) -> None:
        self._change(lambda entry: replace(entry, visible=shown.get(entry.number, entry.visible)))

    def _on_opacity(self, numbers: frozenset[int], opacity: float) -> None:
        self._change(lambda entry: replace(entry, opacity=opacity) if entry.number in numbers else entry)

    def _on_colour(self, number: int, colour: str) -> None:
        self._change(lambda entry: replace(entry, colour=colour) if entry.number == number else entry)
        for entry in self._store.labels:
            if entry.number == number:
                self._colours.choose(entry.key, colour)

    def _on_file_colours(self, wanted: bool) -> None:
        self._colours.of_file = wanted
        self._colour()

    def _change(self, change: Callable[[LabelEntry], LabelEntry]) -> None:
        entries = [change(entry) for entry in self._store.labels]
        self._looks |= {entry.key: (entry.visible, entry.opacity) for entry in entries}
        self._store.set_labels(entries)

    def go_to(self, number: int) -> None:
        """Move the crosshair to where most of a label is."""
        for entry in self._store.labels:
            if entry.number == number:
                self._store.choose_label(number)
                self._view.set_cross(entry.centre)

    def step(self, by: int) -> None:
        """The next label (`by` 1) or the one before (-1), round and round; hidden ones are passed over."""
        numbers = [entry.number for entry in self._store.labels if entry.visible]
        if numbers:
            now = self._store.chosen_label
            place = numbers.index(now) + by if now in numbers else (0 if by > 0 else -1)
            self.go_to(numbers[place % len(numbers)])


def has_classes(labels: Sequence[LabelInfo]) -> bool:
    """More than a plain mask: several labels, or one with a name."""
    return len(labels) > 1 or any(label.name or label.code for label in labels)
