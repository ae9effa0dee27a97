"""Training runs: the published trees, contradictions between their files, and files made to do harm."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from core import pipeline
from core.records import TrainingRun
from core.runs import list_runs, read_runs
from core.runs import listing as listing_module
from core.runs.files import RunFiles
from core.runs.locating import role_of
from core.runs.names import NamedRun, parse_name
from main import cli
from tests.shared_data import FIXTURES, needs_shared

TREES = [FIXTURES / "evaluation" / name / "experiments" for name in ("soft-seg", "sofl-seg")]
each_tree = pytest.mark.parametrize("tree", TREES, ids=["soft-seg", "sofl-seg"])
CONFIG = {"model": {"arch_name": "nnunet"}, "data": {"name": "xca"}, "trainer": {"max_epochs": 8}}


def record(name: str, **changes: Any) -> dict[str, Any]:
    plain = {"id": name, "model": "nnunet", "dataset": "xca", "tag": None, "status": "completed", "config": CONFIG}
    return plain | {"created_at": "2026-01-02T03:04:05.678901", "final_metrics": {"val/dice": 0.5}} | changes


def make_run(
    tree: Path,
    name: str,
    *,
    model: str = "nnunet",
    dataset: str = "xca",
    summary: dict[str, Any] | None = None,
    checkpoints: tuple[str, ...] = ("best.ckpt", "last.ckpt"),
    config: dict[str, Any] | None = CONFIG,
) -> Path:
    folder = tree / model / dataset / name
    folder.mkdir(parents=True)
    for file in checkpoints:
        (folder / "checkpoints" / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / "checkpoints" / file).write_bytes(b"x" * 10)
    if summary is not None:
        (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    if config is not None:
        (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return folder


def track(tree: Path, *records: dict[str, Any]) -> None:
    tree.mkdir(parents=True, exist_ok=True)
    text = json.dumps({item["id"]: item for item in records}, indent=2)
    (tree / "experiments.json").write_text(text, encoding="utf-8")


def only(folder: Path) -> TrainingRun:
    (run,) = read_runs(folder)
    return run


def codes(run: TrainingRun) -> list[str]:
    return [finding.code for finding in run.findings]


# ---- the published trees --------------------------------------------------------------------------------------------


@needs_shared
@each_tree
def test_a_published_tree_is_read_as_its_tracker_and_summaries_have_it(tree: Path) -> None:
    records = json.loads((tree / "experiments.json").read_text(encoding="utf-8"))
    runs = {run.id: run for run in read_runs(tree)}
    assert runs.keys() == records.keys()
    for name, kept in records.items():
        run = runs[name]
        assert (run.model, run.dataset, run.tag) == (kept["model"], kept["dataset"], kept["tag"])
        assert (run.created, run.status, run.error) == (kept["created_at"], kept["status"], kept.get("error"))
        metrics = kept["final_metrics"]
        assert run.metric == (None if metrics is None else metrics["val/dice"])
        assert run.metric_name == ("" if metrics is None else "val/dice")
        assert (run.metric_from.startswith("best.ckpt: recorded for its model weights")) == (metrics is not None)
        assert [Path(item.path).relative_to(run.path).as_posix() for item in run.checkpoints] == (
            [] if metrics is None else ["checkpoints/best.ckpt"]
        )
        assert codes(run) == []


@needs_shared
@each_tree
def test_the_run_that_the_evaluation_takes_is_the_one_it_took(tree: Path) -> None:
    """Of the runs of nnunet and xca; the runner's own result is in expected.json."""
    expected = json.loads((tree.parent / "expected.json").read_text(encoding="utf-8"))
    group = [run for run in read_runs(tree) if run.model == "nnunet"]
    picked = [run.id for run in group if any(item.picked for item in run.checkpoints)]
    assert picked == [expected["tagged_run_selected"]]
    assert sorted(run.id for run in group) == expected["run_dirs"]


@needs_shared
@each_tree
def test_each_part_of_a_tree_gives_the_same_runs(tree: Path) -> None:
    whole = {run.path: run for run in read_runs(tree)}
    for folder in (tree / "nnunet", tree / "nnunet" / "xca", tree.parent):
        part = read_runs(folder)
        assert part
        assert all(whole[run.path] == run for run in part)
    for path, run in whole.items():
        assert only(Path(path)) == run
        if run.checkpoints:
            assert only(Path(path) / "checkpoints") == run


@needs_shared
def test_without_its_tracker_a_run_is_read_from_config_and_name(tmp_path: Path) -> None:
    tree = Path(shutil.copytree(TREES[0], tmp_path / "experiments"))
    before = {run.id: run for run in read_runs(tree)}
    (tree / "experiments.json").unlink()
    for run in read_runs(tree):
        old = before[run.id]
        assert (run.model, run.dataset, run.tag) == (old.model, old.dataset, old.tag)
        assert old.created is not None
        assert run.created == time.strftime("%Y-%m-%dT%H:%M:%S", time.strptime(run.id[-15:], "%Y%m%d_%H%M%S"))
        assert run.status == ("completed" if old.status == "completed" else "unknown")
        assert run.metric == old.metric


@needs_shared
def test_the_checkpoint_itself_is_asked_only_where_runs_are_few(tmp_path: Path) -> None:
    """Its score is the better one to judge it by; the summary tells of the last validation."""
    source = TREES[1] / "nnunet" / "xca" / "nnunet_xca_tagged_20261123_025656"
    folder = tmp_path / "experiments" / "nnunet" / "xca" / "nnunet_xca_tagged_20261123_025656"
    shutil.copytree(source, folder)
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    summary["final_metrics"]["val/dice"] = 0.25
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    run = only(tmp_path)
    assert run.metric == pytest.approx(0.6431353688240051)
    assert run.metric_from.startswith("best.ckpt")
    assert "last validation of the run had 0.25" in run.metric_from
    for second in range(4):
        make_run(tmp_path / "experiments", f"nnunet_xca_20250101_00000{second}")
    listed = next(run for run in read_runs(tmp_path) if run.path == str(folder))
    assert (listed.metric, listed.metric_from[:13]) == (0.25, "summary.json:")


# ---- picking --------------------------------------------------------------------------------------------------------


def test_neither_status_nor_date_decides_what_is_picked(tmp_path: Path) -> None:
    """A tagged run stands behind all others, a run of another prefix does not count, the newest has no best.ckpt."""
    tree = tmp_path / "experiments"
    for name in ("nnunet_xca_20250101_000000", "nnunet_xca_abc_20240101_000000", "unet_xca_zzz_20260101_000000"):
        make_run(tree, name)
    make_run(tree, "nnunet_xca_zzz_20260101_000000", checkpoints=("last.ckpt",))
    track(tree, record("nnunet_xca_abc_20240101_000000", status="failed", error="stopped"))
    picked = {item.path for run in read_runs(tree) for item in run.checkpoints if item.picked}
    assert picked == {str(tree / "nnunet/xca/nnunet_xca_abc_20240101_000000/checkpoints/best.ckpt")}


def test_a_single_run_knows_of_its_siblings(tmp_path: Path) -> None:
    old = make_run(tmp_path, "nnunet_xca_20250101_000000")
    assert only(old).checkpoints[0].picked
    new = make_run(tmp_path, "nnunet_xca_20250102_000000")
    assert not any(item.picked for item in only(old).checkpoints)
    assert [item.picked for item in only(new).checkpoints] == [True, False]


# ---- names and roles ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("e/medsegdiff_flow/my_set/medsegdiff_flow_my_set_a_b_20260206_120000", ("medsegdiff_flow", "my_set", "a_b")),
        ("e/medsegdiff_flow/my_set/medsegdiff_flow_my_set_20260206_120000", ("medsegdiff_flow", "my_set", None)),
        ("copied/medsegdiff_flow_octa500_6m_cfm_20260206_120000", ("medsegdiff_flow", "octa500_6m", "cfm")),
        ("copied/nnunet_mine_20260206_120000", ("nnunet", "mine", None)),
        ("copied/a_b_c_20260206_120000", (None, None, None)),
        ("experiments/nnunet/mine/third_try_again_20260206_120000", ("nnunet", "mine", None)),
    ],
)
def test_the_name_of_a_run_is_split_only_where_the_seam_is_known(folder: str, expected: tuple[str | None, ...]) -> None:
    assert parse_name(Path("/", folder)) == NamedRun(*expected, created="2026-02-06T12:00:00")


def test_eight_digits_need_not_be_a_date() -> None:
    assert parse_name(Path("/x/nnunet_xca_20261399_250000")).created is None


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("checkpoints/best.ckpt", "best"),
        ("checkpoints/best-v1.ckpt", "best"),
        ("checkpoints/last.ckpt", "last"),
        ("checkpoints/best-swa.ckpt", "swa"),
        ("checkpoints/swa_model.pt", "swa"),
        ("checkpoints/SWA/best.ckpt", "swa"),
        ("checkpoints/epoch=3-step=100.ckpt", "other"),
        ("checkpoints/swan.pth", "other"),
    ],
)
def test_the_role_of_a_checkpoint_is_in_its_name(name: str, role: str) -> None:
    assert role_of(Path("/runs/nnunet_swa") / name, Path("/runs/nnunet_swa")) == role


def test_all_kinds_of_checkpoints_are_listed_best_first(tmp_path: Path) -> None:
    files = (
        "last.ckpt",
        "best-v1.ckpt",
        "best.ckpt",
        "a.pt",
        "b.pth",
        "c.safetensors",
        "swa/average.ckpt",
        "notes.txt",
        "d.bin",
    )
    run = only(make_run(tmp_path, "nnunet_xca_20250101_000000", checkpoints=files))
    found = [(Path(item.path).name, item.role, item.size_bytes) for item in run.checkpoints]
    names = ["best.ckpt", "best-v1.ckpt", "last.ckpt", "average.ckpt", "a.pt", "b.pth", "c.safetensors"]
    assert found == list(zip(names, ["best", "best", "last", "swa", "other", "other", "other"], [10] * 7, strict=True))


def test_checkpoints_alone_make_a_run(tmp_path: Path) -> None:
    run = only(make_run(tmp_path, "mine", config=None))
    assert (run.id, run.status, run.metric, len(run.checkpoints)) == ("mine", "unknown", None, 2)


def test_a_config_or_summary_of_something_else_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("server: here\n")
    (tmp_path / "summary.json").write_text('{"foreground_mean": {"Dice": 0.9}}')
    (tmp_path / "weights.pth").write_bytes(b"x")
    assert read_runs(tmp_path) == ()


def test_pretrained_weights_of_a_project_are_not_a_runs(tmp_path: Path) -> None:
    """The project has a config.yaml of its own, and its runs lie below it."""
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    (tmp_path / "pretrained").mkdir()
    (tmp_path / "pretrained" / "resnet.pth").write_bytes(b"x")
    make_run(tmp_path / "experiments", "nnunet_xca_20250101_000000")
    assert {run.id: len(run.checkpoints) for run in read_runs(tmp_path)} == {
        tmp_path.name: 0,
        "nnunet_xca_20250101_000000": 2,
    }


# ---- status and contradictions --------------------------------------------------------------------------------------

RUN = "nnunet_xca_20250101_000000"


def test_a_summary_overrides_what_the_tracker_last_wrote(tmp_path: Path) -> None:
    summary = {"experiment_id": RUN, "status": "completed", "final_metrics": {"val/dice": 0.75}}
    make_run(tmp_path, RUN, summary=summary)
    track(tmp_path, record(RUN, status="failed", error="CUDA out of memory"))
    run = only(tmp_path)
    assert (run.status, run.error, run.metric) == ("completed", None, 0.75)
    assert codes(run) == ["run.status-disagrees", "run.metric-disagrees"]
    assert "CUDA out of memory" in run.findings[0].message
    assert "0.75" in run.findings[1].message
    assert "0.5" in run.findings[1].message


def test_running_stays_and_says_that_it_may_be_for_ever(tmp_path: Path) -> None:
    make_run(tmp_path, RUN)
    track(tmp_path, record(RUN, status="running", final_metrics=None))
    run = only(tmp_path)
    assert (run.status, codes(run)) == ("running", ["run.running"])
    assert "killed" in run.findings[0].message


def test_a_run_in_the_wrong_folder_and_anothers_summary_are_told(tmp_path: Path) -> None:
    summary = {"experiment_id": "another", "status": "completed", "best_checkpoint": "x/checkpoints/epoch9.ckpt"}
    make_run(tmp_path, RUN, summary=summary)
    track(tmp_path, record(RUN, dataset="rossa", final_metrics=None))
    run = only(tmp_path)
    assert (run.dataset, run.metric) == ("rossa", None)
    assert codes(run) == ["run.name-disagrees", "run.other-summary", "run.checkpoint-missing"]


def test_records_without_a_folder_are_counted(tmp_path: Path) -> None:
    make_run(tmp_path, RUN)
    track(tmp_path, record(RUN), record("gone_1"), record("gone_2"))
    (finding,) = list_runs(tmp_path).findings
    assert finding.code == "runs.folder-missing"
    assert "2 runs" in finding.message
    assert "gone_1" in finding.message


@pytest.mark.parametrize("score", [True, "0.5", None, [], 10**400])
def test_a_score_that_is_no_number_does_not_exist(tmp_path: Path, score: object) -> None:
    make_run(tmp_path, RUN, summary={"experiment_id": RUN, "final_metrics": {"val/dice": score}})
    run = only(tmp_path)
    assert (run.metric, run.metric_name) == (None, "")


# ---- harm -----------------------------------------------------------------------------------------------------------


@needs_shared
@pytest.mark.parametrize("name", ["python_object.yaml", "billion_laughs.yaml", "wrong_types.yaml"])
def test_a_hostile_config_is_a_finding_and_loses_no_run(tmp_path: Path, name: str) -> None:
    (source,) = FIXTURES.joinpath("hostile").rglob(name)
    folder = make_run(tmp_path, RUN, config=None)
    shutil.copy(source, folder / "config.yaml")
    run = only(tmp_path)
    assert codes(run) == ["run.config-unreadable"]
    assert (run.model, run.dataset, len(run.checkpoints)) == ("nnunet", "xca", 2)


@needs_shared
def test_a_hostile_summary_or_tracker_is_a_finding_and_loses_no_run(tmp_path: Path) -> None:
    (source,) = FIXTURES.joinpath("hostile").rglob("deep.session.json")
    folder = make_run(tmp_path, RUN)
    shutil.copy(source, folder / "summary.json")
    shutil.copy(source, tmp_path / "experiments.json")
    listing = list_runs(tmp_path)
    assert [finding.code for finding in listing.findings] == ["run.json-unreadable"]
    (run,) = listing.runs
    assert set(codes(run)) == {"run.json-unreadable"}
    assert {finding.message.split(":")[0] for finding in run.findings} == {"experiments.json", "summary.json"}
    assert (run.model, run.status) == ("nnunet", "unknown")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.yaml", b"a: 1\n" + b"#" * (1 << 20)),
        ("config.yaml", b""),
        ("config.yaml", b"\xff\xfe\x00"),
        ("config.yaml", b"- model\n- data\n"),
        ("summary.json", b'{"status": "completed", "final_metrics": {"val/dice": NaN}}'),
        ("summary.json", b"[]"),
        ("summary.json", b'{"a": ' + b"1" * 5_000 + b"}"),
    ],
)
def test_a_broken_file_is_a_finding(tmp_path: Path, name: str, content: bytes) -> None:
    folder = make_run(tmp_path, RUN)
    (folder / name).write_bytes(content)
    run = only(tmp_path)
    assert [code.rpartition("-")[2] for code in codes(run)] == ["unreadable"]
    assert run.findings[0].message.startswith(name)


def test_records_of_the_wrong_shape_are_not_believed(tmp_path: Path) -> None:
    make_run(tmp_path, RUN, config=None, summary={"experiment_id": 3, "final_metrics": [1], "best_checkpoint": {}})
    make_run(tmp_path, "nnunet_xca_20250102_000000", config=None)
    wrong = {"model": ["x"], "dataset": 7, "tag": {}, "status": "won", "error": 1, "created_at": "yesterday"}
    track(tmp_path, record(RUN, **wrong, final_metrics="0.5", best_checkpoint=[]))
    first, _ = read_runs(tmp_path)
    assert (first.model, first.dataset, first.tag, first.status, first.error) == (
        "nnunet",
        "xca",
        None,
        "unknown",
        None,
    )
    assert (first.created, first.metric) == ("2025-01-01T00:00:00", None)


def test_names_from_a_file_come_as_safe_short_text(tmp_path: Path) -> None:
    make_run(tmp_path, RUN)
    track(tmp_path, record(RUN, model="a\n\x1b[2Jb\u202ec", tag="x" * 9_000, status="failed", error="e" * 99_999))
    run = only(tmp_path)
    assert run.model is not None
    assert run.model.isprintable()
    assert "\u202e" not in run.model
    assert run.tag is not None
    assert len(run.tag) < 300
    assert run.error is not None
    assert len(run.error) < 3_000


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = make_run(tmp_path / "outside", RUN)
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(outside, target_is_directory=True)
    run = inside / "real"
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints" / "best.ckpt").write_bytes(b"x")
    (run / "checkpoints" / "last.ckpt").symlink_to(outside / "checkpoints" / "last.ckpt")
    for name in ("config.yaml", "summary.json"):
        (run / name).symlink_to(outside / "config.yaml")
    found = only(inside)
    assert (found.id, found.model, found.findings) == ("real", None, ())
    assert [Path(item.path).name for item in found.checkpoints] == ["best.ckpt"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_named_as_a_file_of_a_run_is_not_opened(tmp_path: Path) -> None:
    folder = make_run(tmp_path, RUN, config=None)
    os.mkfifo(folder / "config.yaml")
    os.mkfifo(folder / "summary.json")
    os.mkfifo(tmp_path / "experiments.json")
    assert codes(only(tmp_path)) == []


def test_a_tree_cannot_make_the_reader_work_for_ever(tmp_path: Path) -> None:
    """Settings of the largest size take seconds each: all together they have a budget."""
    files = RunFiles(yaml_bytes=1_000, json_bytes=0)
    (tmp_path / "config.yaml").write_text("a: 1\n#" + "x" * 600)
    (tmp_path / "summary.json").write_text("{}")
    assert files.yaml(tmp_path / "config.yaml") == ({"a": 1}, None)
    value, finding = files.yaml(tmp_path / "config.yaml")
    assert value is None
    assert finding is not None
    assert finding.code == "run.config-not-read"
    _, finding = files.json(tmp_path / "summary.json")
    assert finding is not None
    assert finding.code == "run.json-not-read"


def test_only_so_many_runs_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for second in range(4):
        make_run(tmp_path, f"nnunet_xca_20250101_00000{second}")
    monkeypatch.setattr(listing_module, "MAX_RUNS", 3)
    listing = list_runs(tmp_path)
    assert len(listing.runs) == 3
    assert [finding.code for finding in listing.findings] == ["runs.too-many"]


def test_a_tree_of_200_runs_is_listed_in_a_second(tmp_path: Path) -> None:
    records = []
    for number in range(200):
        name = f"nnunet_xca_20250101_{number // 60:04d}{number % 60:02d}"
        summary = {"experiment_id": name, "status": "completed", "final_metrics": {"val/dice": number / 200}}
        make_run(tmp_path, name, summary=summary)
        records.append(record(name))
    track(tmp_path, *records)
    start = time.perf_counter()
    runs = read_runs(tmp_path)
    assert time.perf_counter() - start < 1
    assert len(runs) == 200


# ---- how they are reached -------------------------------------------------------------------------------------------


def test_a_scanned_folder_has_runs_and_their_checkpoints(tmp_path: Path) -> None:
    make_run(tmp_path, RUN)
    contents = pipeline.scan(tmp_path)
    assert [run.id for run in contents.runs] == [RUN]
    assert {item.path for item in contents.runs[0].checkpoints} == set(contents.checkpoints)


def test_intake_says_that_a_folder_is_a_run_or_holds_some(tmp_path: Path) -> None:
    run = make_run(tmp_path, RUN)
    make_run(tmp_path, "nnunet_xca_20250102_000000")
    said = {folder: pipeline.identify(folder) for folder in (run, run / "checkpoints", tmp_path)}
    assert {intake.kind for intake in said.values()} == {"folder"}
    assert [intake.why for intake in said.values()] == ["a training run"] * 2 + ["it holds 2 training runs"]


@pytest.mark.parametrize("name", ["config.yaml", "summary.json"])
def test_a_file_of_a_run_stands_for_the_run(tmp_path: Path, name: str) -> None:
    run = make_run(tmp_path, RUN, summary={"experiment_id": RUN})
    intake = pipeline.identify(run / name)
    assert (intake.kind, intake.path) == ("folder", str(run))
    assert name in intake.why


def test_a_tracker_file_stands_for_its_tree(tmp_path: Path) -> None:
    make_run(tmp_path, RUN)
    track(tmp_path, record(RUN))
    intake = pipeline.identify(tmp_path / "experiments.json")
    assert (intake.kind, intake.path) == ("folder", str(tmp_path))
    assert "a training run" in intake.why


def test_the_same_names_elsewhere_are_what_they_were(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("server: here\n")
    (tmp_path / "experiments.json").write_text("[]")
    for name in ("config.yaml", "experiments.json"):
        assert pipeline.identify(tmp_path / name).kind == "unknown"


@needs_shared
def test_the_command_line_lists_the_runs_of_a_folder() -> None:
    result = CliRunner().invoke(cli, ["inspect", str(TREES[0])])
    assert result.exit_code == 0
    (line,) = (line for line in result.stdout.splitlines() if "nnunet_xca_tagged_20261123_025656" in line)
    assert line.split()[:7] == [
        "*", "nnunet_xca_tagged_20261123_025656", "xca", "2026-11-23", "completed", "val/dice", "0.6143",
    ]  # fmt: skip
    assert "CUDA out of memory" in result.stdout


@needs_shared
def test_the_command_line_gives_runs_as_json() -> None:
    result = CliRunner().invoke(cli, ["inspect", str(TREES[0]), "--json"])
    answer = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [run["id"] for run in answer["runs"]] == [run.id for run in read_runs(TREES[0])]
    assert answer["runs"][0].keys() == TrainingRun.__dataclass_fields__.keys()


def test_a_folder_without_runs_is_still_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["inspect", str(tmp_path), "--json"])
    assert result.exit_code == 2
    assert json.loads(result.stdout)["status"] == "refused"
