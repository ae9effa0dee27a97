"""Real processes: killed at any moment, or two at once; the tables are those of one that ran undisturbed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from core import pipeline
from core.evaluation.records import LaunchOptions
from tests.builders import DFM, write_checkpoint
from tests.evaluation.building import make_plan, producers_tree
from tests.evaluation.running import command, finish, start, tables

KILLS = 20
CASES = 20


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One case in twenty is corrupt."""
    return producers_tree(tmp_path_factory.mktemp("data"), CASES, corrupt=[3])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("files") / "tiny.ckpt", DFM)


@pytest.fixture(scope="module")
def undisturbed(data: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed")
    summary = pipeline.evaluate(make_plan(data, checkpoint), folder, LaunchOptions(accelerator="cpu", devices="1"))
    assert summary is not None
    assert (summary.done, summary.failed, summary.pending) == (CASES - 1, 1, 0)
    return tables(folder)


def test_killed_at_random_moments_and_continued_the_tables_are_the_same(
    data: Path, checkpoint: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "killed"
    words = [checkpoint, data, folder, KILLS, 1]
    code, said = finish(start([sys.executable, "-m", "tests.evaluation.killing", *map(str, words)]))
    assert code == 0, said
    ends = [line.split() for line in said.splitlines() if line.startswith(("killed", "ended"))]
    counts = [int(count) for _, count in ends]
    assert len(ends) == KILLS
    assert counts[-1] > 0, said
    assert sum(how == "killed" for how, _ in ends) >= 3, said
    assert counts == sorted(counts), "what was recorded was lost"
    assert tables(folder) == undisturbed


def test_two_processes_share_the_work_and_give_the_same_tables(
    data: Path, checkpoint: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    code, said = finish(start(command(checkpoint, data, tmp_path / "two", devices=2)))
    assert code == 1, said
    assert "19 done, 1 failed, 0 still to do" in said
    assert "2 processes" in said
    assert tables(tmp_path / "two") == undisturbed
