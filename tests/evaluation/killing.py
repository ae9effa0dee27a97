"""Run as a script: an evaluation is killed at random moments, again and again, and then left to finish.

`killing.py CHECKPOINT DATA FOLDER TIMES SEED`. Each run is a fork of this process, so that torch is loaded once and not
`TIMES` times. Prints, for each, whether it was killed and how many cases were recorded by then.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import time
from pathlib import Path
from random import Random

from core.evaluation.launching import evaluate
from core.evaluation.records import EvaluationPlan, LaunchOptions
from core.evaluation.runfile import NAME
from tests.evaluation.building import make_plan


def main(checkpoint: Path, data: Path, folder: Path, times: int, seed: int) -> None:
    plan, random = make_plan(data, checkpoint), Random(seed)
    started = time.monotonic()
    assert not killed_after(None, plan, folder.with_name("measured"))
    whole = time.monotonic() - started
    for _ in range(times):
        killed = killed_after(random.uniform(0, whole / 5), plan, folder)
        print("killed" if killed else "ended", recorded(folder), flush=True)
    assert not killed_after(None, plan, folder)


def killed_after(seconds: float | None, plan: EvaluationPlan, folder: Path) -> bool:
    """Whether a run that was given `seconds` (None = all it needs) had to be killed."""
    child = os.fork()
    if child == 0:
        evaluate(plan, folder, LaunchOptions(accelerator="cpu", devices="1"))
        os._exit(0)
    if seconds is not None:
        signal.sigtimedwait([signal.SIGCHLD], seconds)
        os.kill(child, signal.SIGKILL)  # a child that has ended stays, unwaited for, and takes no harm
    _, status = os.waitpid(child, 0)
    signal.sigtimedwait([signal.SIGCHLD], 0)  # its notice, which would end the next wait
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def recorded(folder: Path) -> int:
    """Cases that are done or failed, as the next run will find them; 0 before there is a table."""
    if not (folder / NAME).exists():
        return 0
    connection = sqlite3.connect(folder / NAME)
    try:
        found = connection.execute("SELECT count(*) FROM tasks WHERE status IN ('done', 'failed')").fetchone()
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()
    return int(found[0])


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    main(*map(Path, sys.argv[1:4]), *map(int, sys.argv[4:6]))
