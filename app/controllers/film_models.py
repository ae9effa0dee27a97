"""A checkpoint's vision-language model: whether it is on this machine, a folder for it, or, if asked, a download."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.items import Column, Note
from app.jobs import Failure, Job, JobQueue
from app.store import Store
from core import pipeline
from core.progress import Progress
from core.records import FilmReport

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
"""A checkpoint may name a model on the hub, and only that: a file must not send us looking at folders."""
LOOKING = "Looking for {name} on this machine."
NOT_HERE = "Embedding words needs {name}, which is not on this machine."
UNNAMED = "Embedding words needs the language model, and the file does not name it."
DOWNLOAD = "download a model"
FORBIDDEN = "This column is set to use no language model."


class ModelController(QObject):
    """Looks in the background, downloads only when told to. A model that was found is used by all columns that need it.

    `looked`: something about a model, or its download, is known now.
    """

    looked = Signal(object)  # name or folder

    def __init__(self, store: Store, queue: JobQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._queue = store, queue
        self._here: dict[str, bool | None] = {}
        self._chosen: dict[str | None, str] = {}
        self._download: tuple[str, Progress | None] | None = None
        for signal in (store.column_added, store.column_activated):
            signal.connect(self._on_column)
        store.checkpoint_changed.connect(self._on_checkpoint)

    # ---- what is known -----------------------------------------------------------------------------------------------

    def to_download(self, column: str) -> str | None:
        """The model that the checkpoint names, unless it is here already; None when it names none."""
        name = self._named(column)
        return None if name is None or self._here.get(name) else name

    def missing(self, column: str) -> str:
        """Why nothing can be embedded for a column, in words; empty when its model is at hand."""
        source = self._source(column)
        if source is None:
            return FORBIDDEN if self._store.columns[column].options.vlm == "none" else UNNAMED
        here = self._here.get(source)
        return "" if here else (LOOKING if here is None else NOT_HERE).format(name=source)

    @property
    def busy(self) -> bool:
        """Something is being downloaded."""
        return self._download is not None

    def downloading(self) -> tuple[str, Progress | None]:
        """What is being downloaded (empty: nothing), and how far."""
        return self._download or ("", None)

    # ---- what people ask for -----------------------------------------------------------------------------------------

    def use_folder(self, column: str, folder: str) -> None:
        """A person chose a folder: it is used if a model lies there."""
        film = self._film(column)
        if film is None:
            return
        job = Job(lambda report: pipeline.find_vlm(folder), "Looking for the model")
        job.succeeded.connect(lambda found: self._on_chosen(film.vlm, folder, found))
        job.failed.connect(self._note)
        self._queue.start(job)

    def download(self, column: str) -> None:
        """A person said yes to several gigabytes."""
        name = self.to_download(column)
        if name is None or self.busy:
            return
        job = Job(lambda report: pipeline.fetch_vlm(name, report), f"Downloading {name}")
        job.progressed.connect(lambda progress: self._on_download((name, progress)))
        job.succeeded.connect(lambda _: self._use(name, name))
        job.failed.connect(self._note)
        job.ended.connect(lambda: self._on_download(None))
        self._on_download((name, None))
        self._queue.start(job, slot=DOWNLOAD)

    def cancel(self) -> None:
        """Stop a download after the file that is under way; what is complete stays in the hub's cache."""
        self._queue.cancel_slot(DOWNLOAD)

    def _on_download(self, state: tuple[str, Progress | None] | None) -> None:
        self._download = state
        self.looked.emit(state[0] if state else "")

    def _on_chosen(self, name: str | None, folder: str, found: Path | None) -> None:
        if found is not None:
            self._use(name, folder)
            return
        text = f"{folder}: there is no vision-language model in this folder."
        remedy = "Choose the folder that holds its config.json and its .safetensors files."
        self._store.note(Note(severity="error", text=text, path=folder, remedy=remedy))

    def _use(self, name: str | None, source: str) -> None:
        """Every column whose checkpoint was trained with this model has it now, those to come too."""
        self._here[source] = True
        self._chosen[name] = source
        for column in list(self._store.columns):
            self._hand_over(column, anew=True)
        self.looked.emit(source)

    def _note(self, failure: Failure) -> None:
        self._store.note(Note(severity="error", text=failure.message, remedy=failure.remedy))

    # ---- columns -----------------------------------------------------------------------------------------------------

    def _on_checkpoint(self, checkpoint: str) -> None:
        for column in list(self._store.columns.values()):
            if column.checkpoint == checkpoint:
                self._on_column(column.key)

    def _on_column(self, column: str | None) -> None:
        if column in self._store.columns:
            self._hand_over(column, anew=False)
            self._look(column)

    def _hand_over(self, column: str, *, anew: bool) -> None:
        film, shown = self._film(column), self._store.columns[column]
        source = self._chosen.get(film.vlm) if film else None
        if source is not None and shown.options.vlm != source and (anew or shown.options.vlm == "auto"):
            self._store.change_column(column, options=replace(shown.options, vlm=source))

    def _look(self, column: str) -> None:
        """Ask once whether a model is here."""
        source = self._source(column)
        if source is None or source in self._here:
            return
        self._here[source] = None
        job = Job(lambda report: pipeline.find_vlm(source), "Looking for the language model")
        job.succeeded.connect(lambda found: self._on_looked(source, found is not None))
        job.failed.connect(lambda _: self._on_looked(source, False))
        self._queue.start(job)

    def _on_looked(self, source: str, here: bool) -> None:
        self._here[source] = here
        self.looked.emit(source)

    def _source(self, column: str) -> str | None:
        """Where a column's model comes from: what a person chose, else what the checkpoint names."""
        chosen = self._store.columns[column].options.vlm
        if self._film(column) is None or chosen == "none":
            return None
        return self._named(column) if chosen == "auto" else chosen

    def _named(self, column: str) -> str | None:
        film = self._film(column)
        return film.vlm if film and film.vlm and HUB_NAME.fullmatch(film.vlm) and ".." not in film.vlm else None

    def _film(self, column: str) -> FilmReport | None:
        shown: Column | None = self._store.columns.get(column)
        item = self._store.checkpoints.get(shown.checkpoint) if shown else None
        return item.report.film if item and item.report else None
