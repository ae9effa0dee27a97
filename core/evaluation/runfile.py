"""The one SQLite file of an evaluation: what is to do, who does it, and what came out. Safe for several processes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import FlowglassError
from core.evaluation.records import EvaluationPlan, MeasuredValue, TaskResult
from core.records import MetricValue, to_plain

NAME = "run.sqlite"
VERSION = 1
BUSY_MS = 120_000
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE tasks (
    checkpoint INTEGER NOT NULL, "case" INTEGER NOT NULL, status TEXT NOT NULL DEFAULT 'pending', owner TEXT,
    reason TEXT NOT NULL DEFAULT '', seconds REAL, calls INTEGER,
    PRIMARY KEY (checkpoint, "case"),
    CHECK (status IN ('pending', 'claimed', 'done', 'failed'))
) WITHOUT ROWID;
CREATE TABLE measured (
    checkpoint INTEGER NOT NULL, "case" INTEGER NOT NULL, definitions TEXT NOT NULL, label INTEGER NOT NULL,
    position INTEGER NOT NULL, metric TEXT NOT NULL, value REAL, reason TEXT NOT NULL DEFAULT '', about TEXT NOT NULL,
    PRIMARY KEY (checkpoint, "case", definitions, label, metric)
) WITHOUT ROWID;
"""


class RunRefused(FlowglassError):
    """A run folder that belongs to another evaluation, or is damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Indices into the plan's checkpoints and cases."""

    checkpoint: int
    case: int


class RunFile:
    """Open one with `create_or_resume`, or with `open_existing` in the processes that only work.

    Every change is one transaction, so a process that is killed leaves either all of a case or nothing. The journal
    is SQLite's default (not WAL), which also works on the network disks that several nodes share.
    """

    def __init__(self, path: Path, plan: EvaluationPlan) -> None:
        self.path, self.plan = path, plan
        self._connection = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None)
        try:
            self._connection.execute("PRAGMA synchronous = FULL")
        except sqlite3.DatabaseError as error:
            self.close()
            raise _unusable(path, error) from error

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> RunFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its start, so that what was read in it is still true."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    # ---- opening -----------------------------------------------------------------------------------------------------

    @classmethod
    def create_or_resume(cls, folder: Path, plan: EvaluationPlan, hashes: Sequence[str], *, retry: bool) -> RunFile:
        """A new run file, or the one that is there if it is of the very same evaluation; else RunRefused.

        Tasks that a killed process had claimed are free again, and with `retry` those that failed.
        """
        folder.mkdir(parents=True, exist_ok=True)
        run = cls(folder / NAME, plan)
        try:
            with run._changing() as connection:
                _check_or_make(connection, identity(plan, hashes), run.path)
                states = ("claimed", "failed") if retry else ("claimed",)
                marks = ", ".join("?" * len(states))
                connection.execute(
                    f"UPDATE tasks SET status = 'pending', owner = NULL, reason = '' WHERE status IN ({marks})", states
                )
                connection.executemany(
                    'INSERT OR IGNORE INTO tasks (checkpoint, "case") VALUES (?, ?)',
                    [(c, k) for c in range(len(plan.checkpoints)) for k in range(len(plan.data.cases))],
                )
        except sqlite3.DatabaseError as error:
            run.close()
            raise _unusable(run.path, error) from error
        except BaseException:
            run.close()
            raise
        return run

    @classmethod
    def open_existing(cls, folder: Path, plan: EvaluationPlan) -> RunFile:
        return cls(folder / NAME, plan)

    # ---- tasks -------------------------------------------------------------------------------------------------------

    def claim(self, owner: str, checkpoint: int) -> Task | None:
        """The next free case of a checkpoint, which now belongs to `owner`; None when there is none left."""
        with self._changing() as connection:
            row = connection.execute(
                'SELECT "case" FROM tasks WHERE checkpoint = ? AND status = \'pending\' ORDER BY "case" LIMIT 1',
                (checkpoint,),
            ).fetchone()
            if row is None:
                return None
            connection.execute(
                "UPDATE tasks SET status = 'claimed', owner = ? WHERE checkpoint = ? AND \"case\" = ?",
                (owner, checkpoint, row[0]),
            )
        return Task(checkpoint=checkpoint, case=row[0])

    def release(self, owner: str, task: Task) -> None:
        """Give a claimed task back undone."""
        with self._changing() as connection:
            connection.execute(
                "UPDATE tasks SET status = 'pending', owner = NULL "
                "WHERE checkpoint = ? AND \"case\" = ? AND status = 'claimed' AND owner = ?",
                (task.checkpoint, task.case, owner),
            )

    def finish(self, owner: str, task: Task, result: TaskResult) -> bool:
        """Record a result. False, and nothing recorded, when the task does not belong to `owner` any more."""
        with self._changing() as connection:
            changed = connection.execute(
                "UPDATE tasks SET status = ?, reason = ?, seconds = ?, calls = ? "
                "WHERE checkpoint = ? AND \"case\" = ? AND status = 'claimed' AND owner = ?",
                (result.status, result.reason, result.seconds, result.calls, task.checkpoint, task.case, owner),
            ).rowcount
            if changed:
                connection.executemany(
                    "INSERT INTO measured VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [_row(task, position, value) for position, value in enumerate(result.values)],
                )
        return bool(changed)

    # ---- what is there -----------------------------------------------------------------------------------------------

    def counts(self) -> dict[str, int]:
        """How many tasks are pending, claimed, done and failed."""
        rows = self._connection.execute("SELECT status, count(*) FROM tasks GROUP BY status")
        return {"pending": 0, "claimed": 0, "done": 0, "failed": 0} | dict(rows)

    def results(self) -> Iterator[tuple[Task, TaskResult]]:
        """What is done or failed, by checkpoint and case: the order in which processes finished leaves no trace."""
        rows = self._connection.execute(
            'SELECT checkpoint, "case", status, reason, seconds, calls FROM tasks '
            "WHERE status IN ('done', 'failed') ORDER BY checkpoint, \"case\""
        ).fetchall()
        for checkpoint, case, status, reason, seconds, calls in rows:
            task = Task(checkpoint=checkpoint, case=case)
            yield (
                task,
                TaskResult(
                    checkpoint=self.plan.checkpoints[checkpoint],
                    case=self.plan.data.cases[case].name,
                    status=status,
                    reason=reason,
                    seconds=seconds or 0.0,
                    calls=calls or 0,
                    values=self._values(task),
                ),
            )

    def _values(self, task: Task) -> tuple[MeasuredValue, ...]:
        rows = self._connection.execute(
            "SELECT definitions, label, metric, value, reason, about FROM measured "
            'WHERE checkpoint = ? AND "case" = ? ORDER BY position',
            (task.checkpoint, task.case),
        )
        return tuple(_value(*row) for row in rows)

    def note(self, key: str, value: Any) -> None:
        """Remember something about the run, once: versions, machine, when it began."""
        with self._changing() as connection:
            connection.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (key, json.dumps(to_plain(value))))

    def noted(self, key: str) -> Any:
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])


def _unusable(path: Path, error: sqlite3.DatabaseError) -> RunRefused:
    return RunRefused(f"{path}: this run file cannot be used ({error}). Choose another output folder, or delete it.")


def identity(plan: EvaluationPlan, hashes: Sequence[str]) -> dict[str, Any]:
    """What must be the same for a run to be resumed: the plan, and the content of the checkpoints, not their places."""
    plain = to_plain(plan)
    assert isinstance(plain, dict)
    plain["checkpoints"] = [
        {"name": Path(path).name, "sha256": sha256} for path, sha256 in zip(plan.checkpoints, hashes, strict=True)
    ]
    del plain["data"]["findings"]
    return {"version": VERSION, **plain}


def _check_or_make(connection: sqlite3.Connection, wanted: dict[str, Any], path: Path) -> None:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO meta VALUES ('identity', ?)", (json.dumps(wanted),))
        return
    row = connection.execute("SELECT value FROM meta WHERE key = 'identity'").fetchone()
    known = json.loads(row[0]) if row else {}
    wanted = json.loads(json.dumps(wanted))
    if known == wanted:
        return
    differing = sorted(key for key in {*known, *wanted} if known.get(key) != wanted.get(key))
    raise RunRefused(
        f"{path.parent} holds another evaluation: it differs in {', '.join(differing)}. Choose another output folder, "
        "or give the same checkpoints, data and settings to continue it."
    )


def _row(task: Task, position: int, value: MeasuredValue) -> tuple[Any, ...]:
    about = to_plain(value.metric)
    assert isinstance(about, dict)
    known = {key: item for key, item in about.items() if key not in ("name", "value", "reason")}
    metric = value.metric
    keys = (task.checkpoint, task.case, value.definitions, value.label, position, metric.name)
    return (*keys, metric.value, metric.reason, json.dumps(known, sort_keys=True))


def _value(definitions: str, label: int, metric: str, value: float | None, reason: str, about: str) -> MeasuredValue:
    known = json.loads(about)
    return MeasuredValue(
        definitions=definitions, label=label, metric=MetricValue(name=metric, value=value, reason=reason, **known)
    )
