"""From dropped paths to cases and checkpoints: identify by content, pair images with masks, inspect, read, scan."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Literal

from PySide6.QtCore import QObject, QTimer, Signal

from app.controllers.case_notes import notes_of
from app.item_models.run_words import main_checkpoint
from app.items import DropPlace, Note, OtherGrid
from app.jobs import Failure, Job, JobQueue
from app.store import Store
from core import pipeline
from core.errors import FlowglassError
from core.progress import Progress, Report
from core.records import Case, CasePaths, CheckpointReport, FolderContents, Intake, Series

Target = Literal["view", "library"]
NOWHERE = DropPlace()
MAX_COLUMNS = 4  # more than that is too narrow to compare; the others wait in the library
TURN = 6  # checkpoints that are taken in before the window draws again

TAKEN_FOR = {
    "checkpoint": "a checkpoint",
    "image": "an image",
    "labels": "a mask",
    "profiles": "a profile cache",
    "folder": "a folder",
    "unknown": "nothing that Flowglass can open",
}


class OpenController(QObject):
    """Opens what was dropped. `target` is where: on the view a checkpoint gets a column, in the library a line."""

    choice_needed = Signal(object, object)  # cases, and the DICOM series that they are made of: which to open?
    opened = Signal(object)  # path of something that was taken in: for the recent files

    def __init__(self, store: Store, queue: JobQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._queue = queue
        self._replacing: dict[str, str] = {}  # column by the checkpoint that it waits for

    def open(self, paths: Sequence[str], target: Target = "view", place: DropPlace = NOWHERE) -> None:
        """Take in dropped paths; returns at once. `place`: where among the columns they were dropped."""
        absolute = tuple(dict.fromkeys(os.path.abspath(path) for path in paths))
        job = Job(lambda report: _identify_all(absolute, report), f"Looking at {len(absolute)} files")
        job.succeeded.connect(lambda intakes: self._take_in(intakes, target, place))
        self._fail_with_note(job, absolute[0] if absolute else "")
        self._queue.start(job)

    def open_image(self, path: str, reference: str | None = None) -> None:
        """Open `path` as an image whatever it looks like, and show it."""
        self._list_cases([_case_paths(path, reference)])

    def open_reference(self, path: str) -> None:
        """Take `path` as the reference of the case that is shown."""
        item = self._store.cases.get(self._store.active_case or "")
        if item is None:
            text = f"{PurePath(path).name} looks like a mask, and no image is open that it could belong to."
            remedy = "Drop its image together with it, or open it as an image (right-click this line)."
            self._store.note(Note(severity="warning", text=text, path=path, remedy=remedy))
            return
        paths = CasePaths(name=item.paths.name, image=item.id, reference=path, sample=item.paths.sample)
        frame = item.case.image.frame if item.case is not None else 0
        self._read_reference(paths, "show", frame)

    def place_reference(self, case: str, other_grid: OtherGrid) -> None:
        """What to do with the reference of a case that lies on another grid than the image: a person's decision."""
        item = self._store.cases.get(case)
        if item is not None and item.case is not None:
            found = item.case.reference
            reference = item.paths.reference or (found.path if found else None)
            self._read_reference(replace(item.paths, reference=reference), other_grid, item.case.image.frame)

    def _read_reference(self, paths: CasePaths, other_grid: OtherGrid, frame: int) -> None:
        name = PurePath(paths.reference or paths.image).name
        job = Job(lambda report: read_case(paths, frame, other_grid), f"Reading {name}")
        job.succeeded.connect(lambda case: self._on_reference_read(paths, case, other_grid))
        self._fail_with_note(job, paths.reference or paths.image)
        self._queue.start(job, slot="reference")

    def open_mask_column(self, path: str, place: int | None = None) -> None:
        """Somebody's segmentation as a column beside the others."""
        self._drop_refused_columns()
        self._store.add_labels_column("mask", os.path.abspath(path), place)

    def show_case(self, case: str) -> None:
        """Make a listed case the one that is looked at; its files are read if they are not in memory."""
        self._store.activate_case(case)
        if self._store.cases[case].state == "failed":
            self._read(case)
        else:
            self.read_listed(case)

    def read_listed(self, case: str) -> None:
        """Read the files of a case that is only listed."""
        if self._store.cases[case].state == "listed":
            self._read(case)

    def _read(self, case: str) -> None:
        item = self._store.cases[case]
        self._store.set_case_loading(case)
        job = Job(lambda report: read_as_far_as_possible(item.paths, item.other_grid), f"Reading {item.name}")
        job.succeeded.connect(lambda found: self._on_case_read(item.id, item.revision, *found))
        job.failed.connect(lambda failure: self._on_case_failed(item.id, failure))
        self._queue.start(job)

    def show_checkpoint(self, checkpoint: str) -> None:
        """Activate the column of a checkpoint, or open one for it."""
        for column in self._store.columns.values():
            if column.checkpoint == checkpoint:
                return self._store.activate_column(column.key)
        self._drop_refused_columns()
        self._store.add_column(checkpoint)
        return None

    def open_checkpoint(self, path: str, *, anew: bool = False) -> None:
        """Open a checkpoint of a listed run: it joins the library and gets a column, a second one if `anew`."""
        unknown = path not in self._store.checkpoints
        if unknown:
            self._store.add_checkpoint(path)
            self.opened.emit(path)
        if anew:
            self._drop_refused_columns()
            self._store.add_column(path)
        else:
            self.show_checkpoint(path)
        if unknown:
            self._inspect(path)

    def hash_checkpoint(self, checkpoint: str) -> None:
        """Compute the SHA-256 of a checkpoint in the background; its report is completed with it."""
        job = Job(lambda report: pipeline.sha256(checkpoint, report), f"Hashing {PurePath(checkpoint).name}")
        job.progressed.connect(lambda progress: self._store.set_hashing(checkpoint, progress))
        job.succeeded.connect(lambda digest: self._on_hashed(checkpoint, digest))
        job.ended.connect(lambda: self._store.set_hashing(checkpoint, None))
        self._fail_with_note(job, checkpoint)
        self._store.set_hashing(checkpoint, Progress(done=0, total=0, stage="hash"))
        self._queue.start(job, slot=f"hash {checkpoint}")

    # ---- what the jobs found -----------------------------------------------------------------------------------------

    def _take_in(self, intakes: Sequence[Intake], target: Target, place: DropPlace = NOWHERE) -> None:
        for intake in intakes:
            self._store.note(_note_of(intake))
            if intake.kind != "unknown":
                self.opened.emit(intake.path)
        checkpoints = [intake.path for intake in intakes if intake.kind == "checkpoint"]
        if checkpoints and place.column in self._store.columns:
            self._replace(place.column, checkpoints[0])
            checkpoints = checkpoints[1:]
            place = DropPlace(index=None if place.index is None else place.index + 1)
        self._open_checkpoints(checkpoints, target, place.index)
        for intake in intakes:
            if intake.kind == "folder":
                self._scan(intake.path, target)
            elif intake.kind == "profiles":
                self._store.use_profiles(intake.path)
        self._open_images(intakes, place)

    def _open_images(self, intakes: Sequence[Intake], place: DropPlace) -> None:
        """A mask that belongs to no image of this drop is the reference of the case, or a column where it was dropped
        between the columns."""
        images = [intake.path for intake in intakes if intake.kind == "image"]
        masks = [intake.path for intake in intakes if intake.kind == "labels"]
        pairs, left_over = pipeline.pair(images, masks)
        if len(images) > 1:
            self._sort_images(images, pairs)
        else:
            self._list_cases([_case_paths(path, pairs.get(path)) for path in images])
        for path in left_over:
            if place.column is None and place.index is not None:
                self.open_mask_column(path, place.index)
            else:
                self.open_reference(path)

    def _sort_images(self, images: Sequence[str], pairs: Mapping[str, str]) -> None:
        """Several files may be slices of one DICOM series: one case, not many."""
        job = Job(lambda report: pipeline.sort_files(images, report), f"Sorting {len(images)} files")
        job.succeeded.connect(lambda found: self._on_sorted(*found, pairs))
        self._fail_with_note(job, images[0])
        self._queue.start(job)

    def _on_sorted(self, cases: Sequence[CasePaths], series: Sequence[Series], pairs: Mapping[str, str]) -> None:
        self._offer([replace(case, reference=case.reference or pairs.get(case.image)) for case in cases], series)

    def _offer(self, cases: Sequence[CasePaths], series: Sequence[Series]) -> None:
        """List the cases; of several DICOM series a person chooses."""
        self._list_cases([case for case in cases if not series or not case.series])
        if series:
            self.choice_needed.emit([case for case in cases if case.series], series)

    def open_series(self, cases: Sequence[CasePaths], chosen: Sequence[str]) -> None:
        """The cases of the chosen series, by their UIDs."""
        self._list_cases([case for case in cases if case.series in chosen])

    def _list_cases(self, cases: Sequence[CasePaths]) -> None:
        for paths in cases:
            self._store.add_case(paths)
        if cases:
            self.show_case(cases[0].image)

    def _replace(self, column: str, path: str) -> None:
        """Another checkpoint for a column, once it is known to be usable: a refused one takes nothing away."""
        self._store.add_checkpoint(path)
        self._replacing[path] = column
        self._inspect(path)

    def _open_checkpoints(self, paths: Sequence[str], target: Target, place: int | None = None) -> None:
        """A few at a time: each makes a line, a column and a job, and a folder may hold hundreds."""
        now, later = paths[:TURN], paths[TURN:]
        for path in now:
            self._store.add_checkpoint(path)
            if target == "view" or not self._store.columns:
                place = self._give_column(path, place)
            self._inspect(path)
        if later:
            QTimer.singleShot(0, self, lambda: self._open_checkpoints(later, target, place))
        elif now:
            self._store.select_checkpoint(now[-1])  # once: the library scrolls to it

    def _give_column(self, checkpoint: str, place: int | None) -> int | None:
        """A column for a checkpoint that has none yet, while there is room. Returns the place of the next one."""
        self._drop_refused_columns()
        columns = self._store.columns.values()
        if checkpoint in {column.checkpoint for column in columns}:
            return place
        if len(columns) < MAX_COLUMNS:
            self._store.add_column(checkpoint, place=place)
            return None if place is None else place + 1
        if place is not None:  # it was aimed at the columns
            text = f"{PurePath(checkpoint).name} waits in the library: the view has {MAX_COLUMNS} columns already."
            remedy = "Drop it on one of them to replace it, or close one."
            self._store.note(Note(severity="note", text=text, path=checkpoint, remedy=remedy))
        return place

    def _drop_refused_columns(self) -> None:
        """A column that only says why its file was refused makes room for the next one; the library keeps saying it."""
        for column in list(self._store.columns.values()):
            item = self._store.checkpoints.get(column.checkpoint)
            if item is not None and item.refused:
                self._store.remove_column(column.key)

    def _inspect(self, path: str) -> None:
        revision = self._store.checkpoints[path].revision
        job = Job(lambda report: pipeline.inspect(path), f"Inspecting {PurePath(path).name}")
        job.succeeded.connect(lambda found: self._on_inspected(path, revision, found))
        self._fail_with_note(job, path)
        self._queue.start(job)

    def _on_inspected(self, path: str, revision: int, report: CheckpointReport) -> None:
        item = self._store.checkpoints.get(path)
        if item is None or item.revision != revision:
            return
        self._store.set_report(path, report)
        column = self._replacing.pop(path, None)
        if column in self._store.columns and report.status != "refused":
            self._store.replace_checkpoint(column, path)
        if report.status == "refused":
            first = next((finding for finding in report.findings if finding.severity == "error"), None)
            text = first.message if first else f"{item.name} was refused."
            self._store.note(Note(severity="error", text=text, path=path, remedy=first.remedy if first else ""))
            self._look_elsewhere(path)

    def _look_elsewhere(self, refused: str) -> None:
        """The steps and the run settings stay with a column that has some; the passport shows the refusal."""
        active = self._store.columns.get(self._store.active_column or "")
        others = [column.key for column in self._store.columns.values() if column.checkpoint != refused]
        if active is not None and active.checkpoint == refused and others:
            self._store.activate_column(others[-1])
            self._store.select_checkpoint(refused)

    def _on_hashed(self, checkpoint: str, digest: str) -> None:
        item = self._store.checkpoints.get(checkpoint)
        if item is not None and item.report is not None:
            self._store.set_report(checkpoint, _with_hash(item.report, digest))

    def _scan(self, folder: str, target: Target) -> None:
        job = Job(lambda report: pipeline.scan(folder, report), f"Looking into {PurePath(folder).name}")
        job.succeeded.connect(lambda contents: self._on_scanned(contents, target))
        self._fail_with_note(job, folder)
        self._queue.start(job)

    def _on_scanned(self, contents: FolderContents, target: Target) -> None:
        self._store.note(Note(severity="note", text=_summary(contents), path=contents.path))
        for finding in contents.findings:
            note = Note(severity=finding.severity, text=finding.message, path=contents.path, remedy=finding.remedy)
            self._store.note(note)
        self._store.list_training_runs(contents.runs)
        self._open_checkpoints(_to_open(contents), target)
        self._offer(contents.cases, contents.series)

    def _on_case_read(self, case: str, revision: int, content: Case, problem: Failure | None) -> None:
        item = self._store.cases.get(case)
        if item is None or item.revision != revision:
            return
        self._store.set_case(case, content)
        if problem is not None:  # the image is shown without its reference
            self._store.note(Note(severity="error", text=problem.message, path=case, remedy=problem.remedy))
        self._note_findings(case, content)
        found = content.reference.path if content.reference else None
        if found is not None and item.paths.reference is None:
            text = f"{item.name}: {found} was found beside it and taken as its reference"
            self._store.note(Note(severity="note", text=text, path=found))

    def _on_case_failed(self, case: str, failure: Failure) -> None:
        self._store.set_case_failed(case, failure)
        self._store.note(Note(severity="error", text=failure.message, path=case, remedy=failure.remedy))

    def _on_reference_read(self, paths: CasePaths, content: Case, other_grid: OtherGrid) -> None:
        if paths.image in self._store.cases:
            self._store.set_case_reference(paths, content, other_grid)
            self._note_findings(paths.image, replace(content, image=replace(content.image, findings=())))

    def _note_findings(self, case: str, content: Case) -> None:
        for note in notes_of(case, content):
            self._store.note(note)

    def _fail_with_note(self, job: Job, path: str) -> None:
        job.failed.connect(
            lambda failure: self._store.note(
                Note(severity="error", text=failure.message, path=path, remedy=failure.remedy)
            )
        )


def _identify_all(paths: Sequence[str], report: Report) -> tuple[Intake, ...]:
    found = []
    for done, path in enumerate(paths):
        report(Progress(done=done, total=len(paths), stage="identify"))
        found.append(pipeline.identify(path))
    return tuple(found)


def read_case(paths: CasePaths, frame: int = 0, other_grid: OtherGrid = "show") -> Case:
    """The case, with the reference that lies beside the image when none was given."""
    reference = paths.reference or (None if paths.files else pipeline.reference_of(paths.image))
    return pipeline.open_case(
        paths.image, reference, paths.sample, frame=frame, other_grid=other_grid, files=paths.files
    )


def read_as_far_as_possible(paths: CasePaths, other_grid: OtherGrid) -> tuple[Case, Failure | None]:
    """The case; without its reference, and why, when only that cannot be used."""
    try:
        return read_case(paths, other_grid=other_grid), None
    except FlowglassError as error:
        # raises when it is the image that cannot be read
        alone = pipeline.open_case(paths.image, None, paths.sample, files=paths.files)
        return alone, Failure.of(error)


def _case_paths(image: str, reference: str | None) -> CasePaths:
    return CasePaths(name=PurePath(image).name, image=image, reference=reference)


def _summary(contents: FolderContents) -> str:
    """`experiments: 200 training runs, 0 cases and 351 checkpoints`, and what is not opened by itself."""
    runs = f"{_counted(len(contents.runs), 'training run')}, " if contents.runs else ""
    found = f"{_counted(len(contents.cases), 'case')} and {_counted(len(contents.checkpoints), 'checkpoint')}"
    wait = "\nThe runs are listed in the library: double click one to open it." if _only_listed(contents) else ""
    return f"{PurePath(contents.path).name}: {runs}{found}{wait}"


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'s' * (count != 1)}"


def _only_listed(contents: FolderContents) -> bool:
    return len(contents.runs) > MAX_COLUMNS


def _to_open(contents: FolderContents) -> list[str]:
    """Checkpoints of no run, and one of each run: a few runs were dropped to be seen, many to be chosen from."""
    of_runs = {checkpoint.path for run in contents.runs for checkpoint in run.checkpoints}
    chosen = [] if _only_listed(contents) else [main_checkpoint(run) for run in contents.runs]
    return [*(path for path in contents.checkpoints if path not in of_runs), *filter(None, chosen)]


def _with_hash(report: CheckpointReport, digest: str) -> CheckpointReport:
    return replace(report, sha256=digest)


def _note_of(intake: Intake) -> Note:
    """`a.png: taken for an image. It starts with the PNG signature.`"""
    name, remedies = Path(intake.path).name, dict.fromkeys(finding.remedy for finding in intake.findings)
    why = f" ({intake.why})" if intake.why else ""
    text = f"{name}: taken for {TAKEN_FOR[intake.kind]}{why}"
    severity = "error" if intake.kind == "unknown" else "ok"
    if intake.kind == "unknown" and intake.findings:
        text = "\n".join(finding.message for finding in intake.findings)
    return Note(severity=severity, text=text, path=intake.path, remedy="\n".join(filter(None, remedies)))
