"""The only code that starts threads: a `Job` is one piece of work, the `JobQueue` runs and keeps it."""

from __future__ import annotations

import itertools
import logging
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from PySide6.QtCore import QObject, QThreadPool, QTimer, Signal

from core.errors import CheckpointRefused, FlowglassError
from core.progress import Cancelled, Progress, Report

Lane = Literal["model", "files"]
Work = Callable[[Report], Any]
FILE_THREADS = 2
STACK_BYTES = 64 * 1024 * 1024  # room for deep but legal recursion in C code; only touched pages cost memory
SHUTDOWN_MS = 30_000
RETIRE_MS = 20

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong, as text only: a kept exception would keep its traceback, and that the tensors in its frames.

    `kind` is the class of the error (`ConditionMissing`), `remedy` what to do, `details` the
    traceback for a bug report.
    """

    kind: str
    message: str
    remedy: str = ""
    details: str = ""

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """The failure that `error` means to a person."""
        kind = type(error).__name__
        if isinstance(error, CheckpointRefused):
            return cls._refused(kind, error)
        if isinstance(error, FlowglassError):
            return cls(kind=kind, message=str(error))
        text = "".join(traceback.format_exception(error))
        log.error("a job failed\n%s", text)
        message = f"Something went wrong that Flowglass did not expect: {kind}: {error}"
        return cls(kind=kind, message=message, remedy="Please report this, with the details below.", details=text)

    @classmethod
    def _refused(cls, kind: str, error: CheckpointRefused) -> Failure:
        causes = [finding for finding in error.findings if finding.severity == "error"]
        message = "\n".join(finding.message for finding in causes) or str(error)
        remedies = dict.fromkeys(finding.remedy for finding in causes if finding.remedy)
        return cls(kind=kind, message=message, remedy="\n".join(remedies))

    def text(self) -> str:
        """Message and remedy, one under the other."""
        return f"{self.message}\n{self.remedy}".strip()


class Job(QObject):
    """One piece of work with progress and a cancel token. Made on the GUI thread and lives there.

    `work(report)` is called on a pool thread. It captures frozen records and never touches a widget. Its result comes
    with `succeeded`, its error with `failed` (a `Failure`), `ended` comes last and always; a cancelled job only ends.
    """

    progressed, succeeded, failed, ended = Signal(object), Signal(object), Signal(object), Signal()

    def __init__(self, work: Work, title: str = "") -> None:
        super().__init__()
        self.title = title
        self._work: Work | None = work
        self._stop = threading.Event()
        self._over = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop at its next report; it never starts if it has not yet. Callable from any thread."""
        self._stop.set()

    @property
    def cancelled(self) -> bool:
        return self._stop.is_set()

    @property
    def over(self) -> bool:
        """The work is done, failed or cancelled; its last signal is sent or about to be."""
        return self._over.is_set()

    def run(self) -> None:
        """Do the work; a pool thread calls this, and a test may."""
        work, self._work = self._work, None  # whatever the work captured is freed when it is done
        try:
            if work is not None and not self._stop.is_set():
                self.succeeded.emit(work(self._report))
        except Cancelled:
            pass
        except Exception as error:  # the one broad catch in the program
            self.failed.emit(Failure.of(error))
        finally:
            del work
            self._over.set()
            self.ended.emit()

    def _report(self, progress: Progress) -> None:
        if self._stop.is_set():
            raise Cancelled
        self.progressed.emit(progress)


class JobQueue(QObject):
    """Runs jobs: those of the `model` lane one after another on one thread, those of `files` on a few others.

    A `slot` names what a job is for (a column, a threshold): a newer job in the same slot cancels the older one.
    `changed` says that a job (its value) started or ended.
    """

    changed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pools = {"model": _pool(1), "files": _pool(FILE_THREADS)}
        self._kept: list[_Kept] = []
        self._retired: list[_Kept] = []
        self._numbers = itertools.count()
        self._open = True

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Jobs that have not ended, oldest first."""
        return tuple(kept.job for kept in self._kept)

    @property
    def idle(self) -> bool:
        return not self._kept

    def start(self, job: Job, lane: Lane = "files", slot: str = "") -> Job:
        """Queue `job`. After `shutdown` nothing starts any more: the job is cancelled instead, and still ends."""
        if slot:
            self.cancel_slot(slot)
        if not self._open:
            job.cancel()
        kept = _Kept(job=job, slot=slot, number=next(self._numbers))
        self._kept.append(kept)
        # By number: with the job itself in the slot there would be a circle that is never collected.
        job.ended.connect(partial(self._on_ended, kept.number))
        self._pools[lane].start(_runner(kept))
        self.changed.emit(job)
        return job

    def cancel_slot(self, slot: str) -> None:
        """Cancel what runs or waits for this slot."""
        for kept in self._kept:
            if kept.slot == slot:
                kept.job.cancel()

    def cancel_all(self) -> None:
        for job in self.jobs:
            job.cancel()

    def shutdown(self, timeout_ms: int = SHUTDOWN_MS) -> bool:
        """Cancel everything and wait until the threads are through; False if one was not within `timeout_ms`."""
        self._open = False
        self.cancel_all()
        waited = [pool.waitForDone(timeout_ms) for pool in self._pools.values()]
        return all(waited)

    def _on_ended(self, number: int) -> None:
        """Only the job whose own `ended` arrived: of another that is over too, the result may still be on its way."""
        ended = [kept for kept in self._kept if kept.number == number]
        self._kept = [kept for kept in self._kept if kept.number != number]
        self._retired += ended
        self._let_go()
        if self._open:  # after that nobody listens any more, and Qt's half of this object may be gone
            for kept in ended:
                self.changed.emit(kept.job)

    def _let_go(self) -> None:
        """Drop ended jobs, but only once their thread has: a QObject must not be destroyed off the GUI thread."""
        self._retired = [kept for kept in self._retired if not kept.released.is_set()]
        if self._retired:
            QTimer.singleShot(RETIRE_MS, self._let_go)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Kept:
    """A job in the queue; `released` is set when its thread holds it no longer."""

    job: Job
    slot: str
    number: int
    released: threading.Event = field(default_factory=threading.Event)


def _pool(threads: int) -> QThreadPool:
    pool = QThreadPool()
    pool.setMaxThreadCount(threads)
    pool.setExpiryTimeout(-1)  # keep the thread: what a library sets up per thread is set up once
    pool.setStackSize(STACK_BYTES)
    return pool


def _runner(kept: _Kept) -> Callable[[], None]:
    """What the pool calls: it holds the job no longer than the job runs, and says when it let go."""
    held, released = [kept.job], kept.released

    def run() -> None:
        held.pop().run()
        released.set()

    return run
