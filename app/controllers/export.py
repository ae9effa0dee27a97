"""Out of the window: pictures of the view, masks and probabilities as files, and the command that repeats a run."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication, QImage

from app.deviations import picture_text
from app.items import LoadOptions, Note
from app.jobs import Job, JobQueue
from app.store import Store
from core import pipeline
from core.errors import FlowglassError
from core.records import Prediction


class ExportController(QObject):
    """Writes files in the background and notes what was written, or why not."""

    def __init__(self, store: Store, queue: JobQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._queue = queue

    def save_picture(self, picture: QImage, path: str) -> None:
        """Write a picture of the view as PNG, with what is not as trained in its header too."""
        picture = self._described(picture)
        job = Job(lambda report: write_png(picture, path), f"Writing {Path(path).name}")
        job.succeeded.connect(lambda written: self._note(f"{Path(path).name}: {written}", path))
        self._start(job, path)

    def copy_picture(self, picture: QImage) -> None:
        QGuiApplication.clipboard().setImage(self._described(picture))
        self._note(f"Copied a picture of the view, {picture.width()} x {picture.height()} pixels")

    def save_prediction(self, column: str, folder: str, *, steps: bool = False, file_format: str = "auto") -> None:
        """Write mask, probability and run record of what a column shows, cut at its threshold."""
        case, prediction = self._store.case, self._store.run_state(column).prediction
        if case is None or prediction is None:
            return
        item = self._store.columns[column]
        # The title, not the file's name: several runs have a best.ckpt, and one must not overwrite another's mask.
        name, threshold = _file_name(self._store.column_title(column)), item.threshold
        stem = f"{pipeline.stem_of(case.name)}{pipeline.frame_suffix(case.image)}_{name}"
        job = Job(
            lambda report: pipeline.save(
                cut(prediction, threshold), case.image, folder, stem, steps=steps, file_format=file_format
            ),
            f"Writing {stem}",
        )
        job.succeeded.connect(lambda files: self._note(f"Wrote {', '.join(file.name for file in files)}", folder))
        self._start(job, folder)

    def copy_command(self, column: str) -> str:
        """The command line that repeats the run of a column; it is also on the clipboard."""
        key = self._store.run_key(column)
        if key is None or key.kind != "checkpoint":  # labels are no run
            return ""
        settings = replace(key.settings, threshold=self._store.columns[column].threshold)
        paths = self._store.cases[key.case].paths
        image = str(Path(key.case).parent) if paths.series else key.case
        command = pipeline.as_command(key.checkpoint, image, settings)
        series = ["--series", paths.series] if paths.series else []
        frame = ["--frame", str(key.frame + 1)] if key.frame else []
        command = " ".join([command, *series, *frame, *option_words(key.options)])
        QGuiApplication.clipboard().setText(command)
        self._note(f"Copied: {command}")
        return command

    def _described(self, picture: QImage) -> QImage:
        text = picture_text(self._store)
        if text:
            picture.setText("Description", text)
        return picture

    def _start(self, job: Job, path: str) -> None:
        job.failed.connect(
            lambda failure: self._store.note(
                Note(severity="error", text=failure.message, path=path, remedy=failure.remedy)
            )
        )
        self._queue.start(job)

    def _note(self, text: str, path: str = "") -> None:
        self._store.note(Note(severity="ok", text=text, path=path))


def option_words(options: LoadOptions) -> list[str]:
    """What a person chose for loading, as options of `flowglass predict`: without them it would be another run."""
    words = [] if options.device == "auto" else ["--device", options.device]
    if options.film_stages is not None:
        words += ["--film-stages", ",".join(map(str, options.film_stages))]
    if options.film_point is not None:
        words += ["--film-point", options.film_point]
    if options.profiles is not None:
        words += ["--profiles", options.profiles]
    if options.vlm != "auto":
        words += ["--vlm", options.vlm]
    return [shlex.quote(word) for word in words]


def _file_name(title: str) -> str:
    """The title of a column as part of a file name: `run 3/last.ckpt` -> `run 3_last`."""
    return "_".join(part for part in title.removesuffix(".ckpt").replace("\\", "/").split("/") if part)


def cut(prediction: Prediction, threshold: float | None) -> Prediction:
    """The prediction at the threshold of its column; None = as it is."""
    return prediction if threshold is None else pipeline.rethreshold(prediction, threshold)


def write_png(picture: QImage, path: str) -> str:
    """Write `picture`; returns its size in words. Raises FlowglassError when the system refuses."""
    if not picture.save(path, "PNG"):
        what = f"{Path(path).name}: the picture could not be written."
        raise FlowglassError(f"{what} Check that the folder exists and may be written to.")
    return f"picture of {picture.width()} x {picture.height()} pixels"
