"""An evaluation in this process: its tables, a case that fails, cancelling and going on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from core import pipeline
from core.errors import CheckpointRefused, FlowglassError
from core.evaluation.datasets import find_data_set
from core.evaluation.records import EvaluationPlan, EvaluationSummary, LaunchOptions, TaskResult
from core.evaluation.runfile import RunFile, RunRefused
from core.evaluation.working import Worker
from core.images import read_case
from core.progress import Cancelled, Progress, Report, silent
from core.records import RunSettings
from core.segmenters import Segmenter
from main import cli
from tests.builders import DFM, write_checkpoint
from tests.evaluation.building import SHAPE, make_plan, producers_tree, save
from tests.evaluation.running import rows, tables

HERE = LaunchOptions(accelerator="cpu", devices="1")
CORRUPT = 2


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return producers_tree(tmp_path_factory.mktemp("data"), 6, corrupt=[CORRUPT])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("files") / "tiny.ckpt", DFM)


@pytest.fixture(scope="module")
def plan(data: Path, checkpoint: Path) -> EvaluationPlan:
    return make_plan(data, checkpoint, definitions=("standard", "soft-seg", "sofl-seg"))


@pytest.fixture(scope="module")
def finished(plan: EvaluationPlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an uninterrupted evaluation."""
    folder = tmp_path_factory.mktemp("whole")
    run(plan, folder)
    return folder


def run(plan: EvaluationPlan, folder: Path, report: Report = silent) -> EvaluationSummary:
    summary = pipeline.evaluate(plan, folder, HERE, report)
    assert summary is not None
    return summary


def flowglass(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def test_a_corrupt_image_fails_alone_with_its_reason(plan: EvaluationPlan, tmp_path: Path) -> None:
    heard: list[TaskResult] = []
    summary = pipeline.evaluate(plan, tmp_path, HERE, listen=heard.append)
    assert summary is not None
    assert (summary.done, summary.failed, summary.pending) == (5, 1, 0)
    assert [result.case for result in heard] == [f"{number:04d}.png" for number in range(6)]
    (failure,) = summary.failures
    assert failure.case == "0002.png"
    assert "0002.png" in failure.reason
    assert [row["case"] for row in rows(tmp_path / "failures.csv")] == ["0002.png"]


def test_the_numbers_are_those_of_the_pipeline(plan: EvaluationPlan, finished: Path) -> None:
    found = {(row["case"], row["definitions"], row["metric"]): row["value"] for row in rows(finished / "metrics.csv")}
    segmenter = pipeline.load(plan.checkpoints[0], device="cpu")
    opened = read_case(plan.data.cases[0].paths)
    assert opened.reference is not None
    prediction = pipeline.segment(segmenter, opened.image, plan.settings)
    for definitions in plan.definitions:
        measured = pipeline.measure(prediction, opened.reference, definitions=definitions)
        for value in measured.values:
            wanted = "" if value.value is None else repr(float(value.value))
            assert found["0000.png", definitions, value.name] == wanted, value.name


def test_metrics_say_unit_and_direction_or_why_there_is_no_value(finished: Path) -> None:
    table = rows(finished / "metrics.csv")
    units = {row["metric"]: (row["unit"], row["direction"]) for row in table if row["definitions"] == "standard"}
    assert units["dice"] == ("", "higher")
    assert units["hd95"] == ("px", "lower")
    assert all(bool(row["value"]) != bool(row["reason"]) for row in table)


def test_the_summary_counts_what_is_defined_and_what_failed(finished: Path) -> None:
    dice = [float(row["value"]) for row in rows(finished / "metrics.csv") if _is_dice(row)]
    (row,) = [row for row in rows(finished / "summary.csv") if _is_dice(row)]
    assert (row["n"], row["undefined"], row["failed"]) == ("5", "0", "1")
    assert float(row["mean"]) == pytest.approx(np.mean(dice))
    assert float(row["ci_low"]) <= float(row["mean"]) <= float(row["ci_high"])


def _is_dice(row: dict[str, str]) -> bool:
    return row["metric"] == "dice" and row["definitions"] == "standard"


def test_run_json_says_what_was_run(plan: EvaluationPlan, finished: Path) -> None:
    about = json.loads((finished / "run.json").read_text())
    assert about["checkpoints"][0]["sha256"] == pipeline.sha256(plan.checkpoints[0])
    assert about["plan"]["settings"]["steps"] == 2
    assert about["counts"] == {"pending": 0, "claimed": 0, "done": 5, "failed": 1}
    assert about["environment"]["device"] == "cpu"
    assert about["environment"]["versions"]["torch"]


@pytest.mark.parametrize("after", [1, 4, 9])
def test_cancelling_and_going_on_gives_the_same_bytes(
    plan: EvaluationPlan, finished: Path, tmp_path: Path, after: int
) -> None:
    calls = 0

    def cancel(progress: Progress) -> None:
        nonlocal calls
        calls += progress.stage.endswith(".png")
        if calls > after:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(plan, tmp_path, cancel)
    run(plan, tmp_path)
    assert tables(tmp_path) == tables(finished)


def test_a_finished_run_is_not_run_again(plan: EvaluationPlan, finished: Path) -> None:
    before, heard = tables(finished), list[TaskResult]()
    pipeline.evaluate(plan, finished, HERE, listen=heard.append)
    assert heard == []
    assert tables(finished) == before


def test_a_repaired_image_is_run_when_failed_ones_are_asked_for(
    data: Path, plan: EvaluationPlan, finished: Path, tmp_path: Path
) -> None:
    mended = tmp_path / "mended.png"
    save(mended, np.zeros(SHAPE, np.uint8))
    run(plan, tmp_path / "run")
    broken = Path(plan.data.cases[CORRUPT].paths.image)
    kept = broken.read_bytes()
    try:
        broken.write_bytes(mended.read_bytes())
        summary = pipeline.evaluate(plan, tmp_path / "run", replace(HERE, retry_failed=True))
    finally:
        broken.write_bytes(kept)
    assert summary is not None
    assert (summary.done, summary.failed) == (6, 0)


def test_a_folder_in_use_is_refused(plan: EvaluationPlan, tmp_path: Path) -> None:
    refused: list[str] = []

    def again(result: TaskResult) -> None:
        with pytest.raises(RunRefused) as raised:
            run(plan, tmp_path)
        refused.append(str(raised.value))

    assert pipeline.evaluate(plan, tmp_path, HERE, listen=again) is not None
    assert len(refused) == 6
    assert "another evaluation is writing here" in refused[0]


def test_a_network_that_cannot_be_loaded_fails_no_case(plan: EvaluationPlan, tmp_path: Path) -> None:
    def load(number: int) -> Segmenter:
        raise FlowglassError("no memory for the network")

    with RunFile.create_or_resume(tmp_path, plan, ["aa"], retry=False) as opened:
        worker = Worker(run=opened, plan=plan, folder=tmp_path, load=load, report=silent, listen=lambda result: None)
        with pytest.raises(FlowglassError, match="no memory"):
            worker.work()
        assert opened.counts() == {"pending": 6, "claimed": 0, "done": 0, "failed": 0}


def test_a_region_is_measured_inside_only_and_not_in_the_producers_definitions(
    data: Path, checkpoint: Path, tmp_path: Path
) -> None:
    for number in range(6):
        left = np.zeros(SHAPE, np.uint8)
        left[:, :10] = 255
        save(tmp_path / "fov" / f"{number:04d}.png", left)
    found = find_data_set(data, regions=tmp_path / "fov")
    plan = EvaluationPlan(checkpoints=(str(checkpoint),), data=found, settings=RunSettings(steps=2, keep="last"))
    run(plan, tmp_path / "run")
    opened = read_case(found.cases[0].paths)
    assert opened.reference is not None
    prediction = pipeline.segment(pipeline.load(checkpoint, device="cpu"), opened.image, plan.settings)
    wanted = pipeline.measure(prediction.mask[:, :, :10], opened.reference.labels[:, :, :10])["accuracy"].value
    (row, *_) = [row for row in rows(tmp_path / "run" / "metrics.csv") if row["metric"] == "accuracy"]
    assert float(row["value"]) == wanted
    with pytest.raises(RunRefused, match="soft-seg measure the whole image"):
        run(replace(plan, definitions=("standard", "soft-seg")), tmp_path / "other")


def test_a_reference_on_another_grid_fails_its_case_with_the_readers_words(checkpoint: Path, tmp_path: Path) -> None:
    for folder, shift in (("images", 0), ("labels", 5)):
        (tmp_path / "data" / folder).mkdir(parents=True)
        affine = np.diag([1.0, 1.0, 1.0, 1.0])
        affine[0, 3] = shift
        voxels = nib.Nifti1Image(np.ones((20, 20, 1), np.uint8), affine)
        nib.save(voxels, tmp_path / "data" / folder / "a.nii.gz")
    summary = run(make_plan(tmp_path / "data", checkpoint), tmp_path / "run")
    assert summary.failed == 1
    assert "Resample" in summary.failures[0].reason


def test_a_film_is_not_measured_by_its_first_frame(checkpoint: Path, tmp_path: Path) -> None:
    for folder in ("images", "labels"):
        (tmp_path / "data" / folder).mkdir(parents=True)
        film = nib.Nifti1Image(np.ones((20, 20, 1, 3), np.uint8), np.eye(4))
        nib.save(film, tmp_path / "data" / folder / "a.nii.gz")
    summary = run(make_plan(tmp_path / "data", checkpoint), tmp_path / "run")
    assert summary.failed == 1
    assert "has 3 frames" in summary.failures[0].reason


def test_a_checkpoint_that_is_refused_ends_it_before_it_begins(data: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.ckpt").write_bytes(b"nothing")
    with pytest.raises(CheckpointRefused):
        run(make_plan(data, tmp_path / "broken.ckpt"), tmp_path / "run")


def test_two_checkpoints_stand_one_after_the_other_and_equal_names_are_numbered(
    data: Path, checkpoint: Path, tmp_path: Path
) -> None:
    second = write_checkpoint(tmp_path / "tiny.ckpt", DFM, change={})
    run(make_plan(data, checkpoint, second), tmp_path / "run")
    names = list(dict.fromkeys(row["checkpoint"] for row in rows(tmp_path / "run" / "metrics.csv")))
    assert names == ["tiny", "tiny_2"]


def test_the_command_line_lists_what_failed_and_ends_with_1(data: Path, checkpoint: Path, tmp_path: Path) -> None:
    words = ("evaluate", checkpoint, "--data", data, "--steps", 2, "--accelerator", "cpu", "--devices", 1)
    told = flowglass(*words, "-o", tmp_path / "run", "--save-predictions")
    assert told.exit_code == 1, told.output
    assert "5 done, 1 failed, 0 still to do" in told.output
    assert "failed 0002.png" in told.output
    masks = sorted(path.name for path in (tmp_path / "run" / "predictions" / "tiny").glob("*_mask.png"))
    assert masks == [f"{number:04d}_mask.png" for number in (0, 1, 3, 4, 5)]
    assert flowglass(*words, "-o", tmp_path / "run").exit_code == 2  # without the predictions it is another plan


def test_the_command_line_refuses_data_that_is_none(checkpoint: Path, tmp_path: Path) -> None:
    refused = flowglass("evaluate", checkpoint, "--data", tmp_path, "-o", tmp_path / "run")
    assert refused.exit_code == 2
    assert "no image with a reference" in refused.stderr


def test_only_the_first_cases_keep_their_steps(data: Path, checkpoint: Path, tmp_path: Path) -> None:
    given = ("--save-intermediate", "--intermediate-steps", "0,2", "--intermediate-max-samples", 2)
    words = ("evaluate", checkpoint, "--data", data, "--steps", 2, "--accelerator", "cpu", "--devices", 1)
    assert flowglass(*words, "-o", tmp_path / "run", *given).exit_code == 1
    folders = sorted(path.name for path in (tmp_path / "run" / "predictions" / "tiny").glob("*_steps"))
    assert folders == ["0000_steps", "0001_steps"]
