"""Jobs: progress, cancellation, failures as text, one model thread, and nothing that outlives its queue."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable

import pytest
import shiboken6
from PySide6.QtCore import QObject, QThread
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.jobs import Failure, Job, JobQueue
from core.errors import CheckpointRefused, ConditionMissing
from core.progress import Progress, Report
from core.records import Finding

WAIT_S = 5.0


class Gate:
    """Work that says when it began and goes on until opened or cancelled."""

    def __init__(self) -> None:
        self.began, self.open = threading.Event(), threading.Event()

    def __call__(self, report: Report) -> str:
        self.began.set()
        while not self.open.wait(0.005):
            report(Progress(done=0, total=1))
        return "done"


def results_of(job: Job) -> list[object]:
    seen: list[object] = []
    job.succeeded.connect(seen.append)
    job.failed.connect(seen.append)
    return seen


def test_a_cancelled_job_stops_at_its_next_report(qapp: QApplication) -> None:
    seen: list[int] = []

    def work(report: Report) -> None:
        for done in range(100):
            if done == 3:
                job.cancel()
            report(Progress(done=done, total=100))
            seen.append(done)

    job = Job(work)
    results, ends = results_of(job), []
    job.ended.connect(lambda: ends.append(True))
    job.run()
    assert seen == [0, 1, 2]
    assert results == []
    assert ends == [True]


def test_a_job_cancelled_before_it_runs_never_starts(qapp: QApplication) -> None:
    began = []
    job = Job(lambda report: began.append(True))
    job.cancel()
    job.run()
    assert began == []
    assert job.over


def test_results_arrive_on_the_gui_thread(qtbot: QtBot, jobs: JobQueue) -> None:
    threads: dict[str, QThread] = {}

    class Receiver(QObject):
        def take(self, value: object) -> None:
            threads["slot"] = QThread.currentThread()

    def work(report: Report) -> int:
        threads["work"] = QThread.currentThread()
        return 2**40  # `Signal(int)` would wrap it

    job, receiver = Job(work), Receiver()
    job.succeeded.connect(receiver.take)
    with qtbot.waitSignal(job.succeeded, timeout=5000) as blocker:
        jobs.start(job)
    qtbot.waitUntil(lambda: jobs.idle)
    assert blocker.args == [2**40]
    assert threads["slot"] is QApplication.instance().thread()
    assert threads["work"] is not threads["slot"]


def test_the_model_lane_is_one_thread_in_order(qtbot: QtBot, jobs: JobQueue) -> None:
    order: list[int] = []
    threads: set[int] = set()

    def numbered(number: int) -> Callable[[Report], None]:
        def work(report: Report) -> None:
            order.append(number)
            threads.add(threading.get_ident())

        return work

    for number in range(6):
        jobs.start(Job(numbered(number)), lane="model")
    qtbot.waitUntil(lambda: jobs.idle)
    assert order == list(range(6))
    assert len(threads) == 1


def test_files_are_read_while_the_model_runs(qtbot: QtBot, jobs: JobQueue) -> None:
    gate = Gate()
    jobs.start(Job(gate), lane="model")
    assert gate.began.wait(WAIT_S)
    reading = Job(lambda report: "read")
    with qtbot.waitSignal(reading.succeeded, timeout=5000):
        jobs.start(reading)
    gate.open.set()
    qtbot.waitUntil(lambda: jobs.idle)


def test_the_newest_request_of_a_slot_cancels_the_older(qtbot: QtBot, jobs: JobQueue) -> None:
    gate = Gate()
    older, newer = Job(gate), Job(lambda report: "new")
    old_results, new_results = results_of(older), results_of(newer)
    jobs.start(older, lane="model", slot="column 1")
    assert gate.began.wait(WAIT_S)
    jobs.start(newer, lane="model", slot="column 1")
    assert older.cancelled
    qtbot.waitUntil(lambda: jobs.idle)
    assert old_results == []
    assert new_results == ["new"]


def test_another_slot_is_left_alone(qtbot: QtBot, jobs: JobQueue) -> None:
    gate = Gate()
    first = jobs.start(Job(gate), lane="model", slot="column 1")
    jobs.start(Job(lambda report: None), lane="model", slot="column 2")
    assert not first.cancelled
    gate.open.set()
    qtbot.waitUntil(lambda: jobs.idle)


def test_no_result_is_lost_among_many_quick_jobs(qtbot: QtBot, jobs: JobQueue) -> None:
    """A job that is over when another one ends must not be dropped while its own result is still on its way."""
    seen: list[int] = []
    for number in range(300):
        job = Job(lambda report, number=number: number)
        job.succeeded.connect(lambda result: seen.append(result))
        jobs.start(job, lane="model" if number % 3 else "files")
    del job
    qtbot.waitUntil(lambda: jobs.idle)
    assert sorted(seen) == list(range(300))


def test_shutdown_cancels_waits_and_lets_nothing_start(qtbot: QtBot) -> None:
    queue, gate = JobQueue(), Gate()
    running = queue.start(Job(gate), lane="model")
    waiting = queue.start(Job(lambda report: "never"), lane="model")
    late_results = results_of(waiting)
    assert gate.began.wait(WAIT_S)
    assert queue.shutdown(5_000)
    assert running.over
    assert waiting.over
    late = queue.start(Job(lambda report: "too late"))
    late_results += results_of(late)
    qtbot.waitUntil(lambda: queue.idle)
    assert late_results == []


def test_shutdown_says_when_a_job_does_not_stop(qtbot: QtBot) -> None:
    queue, began, stubborn = JobQueue(), threading.Event(), threading.Event()
    queue.start(Job(lambda report: (began.set(), stubborn.wait(WAIT_S))), lane="model")
    assert began.wait(WAIT_S)
    assert not queue.shutdown(50)
    stubborn.set()
    assert queue.shutdown(5_000)
    qtbot.waitUntil(lambda: queue.idle)


def test_an_ended_job_and_what_it_captured_are_freed(qtbot: QtBot, jobs: JobQueue) -> None:
    class Big:
        pass

    big = Big()
    job = Job(lambda report, held=big: held)
    job_ref, big_ref = weakref.ref(job), weakref.ref(big)
    jobs.start(job)
    qtbot.waitUntil(lambda: jobs.idle)
    del job, big

    def freed() -> bool:
        gc.collect()
        return job_ref() is None and big_ref() is None

    qtbot.waitUntil(freed)


def test_a_refused_checkpoint_fails_with_reasons_and_remedies() -> None:
    findings = [
        Finding(severity="error", code="a", message="a.ckpt: it is a picture.", remedy="Choose the checkpoint."),
        Finding(severity="note", code="b", message="unimportant"),
    ]
    failure = Failure.of(CheckpointRefused(findings))
    assert failure.kind == "CheckpointRefused"
    assert failure.message == "a.ckpt: it is a picture."
    assert failure.remedy == "Choose the checkpoint."
    assert "unimportant" not in failure.text()


def test_an_expected_error_keeps_its_own_words() -> None:
    failure = Failure.of(ConditionMissing("no profile for 0001.png. Make one, or run with FiLM off."))
    assert failure == Failure(
        kind="ConditionMissing", message="no profile for 0001.png. Make one, or run with FiLM off."
    )


def test_an_unexpected_error_is_reported_as_such(
    qtbot: QtBot, jobs: JobQueue, caplog: pytest.LogCaptureFixture
) -> None:
    def work(report: Report) -> None:
        raise IndexError("list index out of range")

    job = Job(work)
    with qtbot.waitSignal(job.failed, timeout=5000) as blocker:
        jobs.start(job)
    qtbot.waitUntil(lambda: jobs.idle)
    (failure,) = blocker.args
    assert isinstance(failure, Failure)
    assert "did not expect: IndexError: list index out of range" in failure.message
    assert "in work" in failure.details
    assert "a job failed" in caplog.text


def test_a_job_that_ends_after_its_queue_is_gone_disturbs_nobody(qtbot: QtBot) -> None:
    queue, gate = JobQueue(), Gate()
    job = queue.start(Job(gate, "late"))
    assert gate.began.wait(WAIT_S)
    assert queue.shutdown(5_000)
    shiboken6.delete(queue)
    with qtbot.captureExceptions() as errors:
        QApplication.processEvents()  # brings what the job said at its end
    assert errors == []
    assert job.over
