"""The run file: a case belongs to one process at a time, and what is recorded is all of a case or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from core.evaluation.records import EvaluationPlan
from core.evaluation.runfile import NAME, RunFile, RunRefused, Task
from core.records import RunSettings
from tests.evaluation.building import dice_result, make_plan, producers_tree

HASHES = ["aa"]


@pytest.fixture
def plan(tmp_path: Path) -> EvaluationPlan:
    return make_plan(producers_tree(tmp_path / "data", 4), tmp_path / "best.ckpt")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def run(folder: Path, plan: EvaluationPlan) -> Iterator[RunFile]:
    with RunFile.create_or_resume(folder, plan, HASHES, retry=False) as opened:
        yield opened


def claims(folder: Path, plan: EvaluationPlan, owner: str) -> list[int]:
    with RunFile.open_existing(folder, plan) as own:
        found = []
        while (task := own.claim(owner, 0)) is not None:
            found.append(task.case)
        return found


def test_each_case_is_claimed_by_exactly_one_of_several(run: RunFile, folder: Path, plan: EvaluationPlan) -> None:
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda number: claims(folder, plan, f"process {number}"), range(4)))
    assert sorted(case for part in parts for case in part) == [0, 1, 2, 3]
    assert run.counts() == {"pending": 0, "claimed": 4, "done": 0, "failed": 0}


def test_a_result_is_recorded_once_and_only_by_its_owner(run: RunFile, plan: EvaluationPlan) -> None:
    task = run.claim("me", 0)
    assert task == Task(checkpoint=0, case=0)
    assert not run.finish("stranger", task, dice_result(plan, 0, 0.1))
    assert list(run.results()) == []
    assert run.finish("me", task, dice_result(plan, 0, 0.9))
    assert not run.finish("me", task, dice_result(plan, 0, 0.2))
    ((_, result),) = run.results()
    assert result.values[0].metric.value == 0.9


def test_a_value_comes_back_with_all_that_is_known_of_it(run: RunFile, plan: EvaluationPlan) -> None:
    task = run.claim("me", 0)
    assert task is not None
    given = dice_result(plan, 0, None)
    given = replace(
        given,
        values=(
            replace(given.values[0], metric=replace(given.values[0].metric, unit="mm", direction="lower", note="n")),
        ),
    )
    run.finish("me", task, given)
    ((_, result),) = run.results()
    assert result.values == given.values


def test_what_is_given_back_is_free_again_but_not_by_a_stranger(run: RunFile) -> None:
    task = run.claim("me", 0)
    assert task is not None
    run.release("stranger", task)
    assert run.counts()["claimed"] == 1
    run.release("me", task)
    assert run.counts()["claimed"] == 0
    assert run.claim("other", 0) == task


def test_resuming_frees_what_a_killed_process_held_and_keeps_what_is_done(
    run: RunFile, folder: Path, plan: EvaluationPlan
) -> None:
    first, second = run.claim("killed", 0), run.claim("killed", 0)
    assert first is not None
    assert second is not None
    run.finish("killed", first, dice_result(plan, 0, 0.5))
    with RunFile.create_or_resume(folder, plan, HASHES, retry=False) as again:
        assert again.counts() == {"pending": 3, "claimed": 0, "done": 1, "failed": 0}
        assert not again.finish("killed", second, dice_result(plan, 1, 0.5))


def test_what_failed_is_run_again_only_when_asked(run: RunFile, folder: Path, plan: EvaluationPlan) -> None:
    task = run.claim("me", 0)
    assert task is not None
    run.finish("me", task, replace(dice_result(plan, 0, None), status="failed", reason="no", values=()))
    with RunFile.create_or_resume(folder, plan, HASHES, retry=False) as again:
        assert again.counts()["failed"] == 1
    with RunFile.create_or_resume(folder, plan, HASHES, retry=True) as again:
        assert again.counts() == {"pending": 4, "claimed": 0, "done": 0, "failed": 0}


def test_another_evaluation_is_refused_and_what_differs_is_named(
    run: RunFile, folder: Path, plan: EvaluationPlan
) -> None:
    others = {
        "settings": (replace(plan, settings=RunSettings(steps=3)), HASHES),
        "checkpoints": (plan, ["bb"]),
        "data": (replace(plan, data=replace(plan.data, cases=plan.data.cases[:2])), HASHES),
        "definitions": (replace(plan, definitions=("soft-seg",)), HASHES),
    }
    for name, (other, hashes) in others.items():
        with pytest.raises(RunRefused, match=f"it differs in {name}\\."):
            RunFile.create_or_resume(folder, other, hashes, retry=False)


def test_the_same_checkpoint_at_another_place_is_the_same_evaluation(
    run: RunFile, folder: Path, plan: EvaluationPlan
) -> None:
    moved = replace(plan, checkpoints=("/elsewhere/best.ckpt",))
    with RunFile.create_or_resume(folder, moved, HASHES, retry=False) as again:
        assert again.counts()["pending"] == 4


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to look at" * 40, b"SQLite format 3\0"])
def test_a_damaged_file_is_refused_and_left_as_it_is(folder: Path, plan: EvaluationPlan, content: bytes) -> None:
    folder.mkdir()
    (folder / NAME).write_bytes(content)
    with pytest.raises(RunRefused, match="cannot be used"):
        RunFile.create_or_resume(folder, plan, HASHES, retry=False)
    assert (folder / NAME).read_bytes() == content
