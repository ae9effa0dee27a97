"""Scores in a file: read as recorded, and tied to the weights that earned them."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, EMAWeightAveraging, StochasticWeightAveraging

from core.checkpoints.inventory import build_inventory
from core.checkpoints.reader import open_checkpoint
from core.checkpoints.reported_metrics import read_metrics
from core.records import Finding, ReportedMetric, to_plain
from tests.checkpoints.lightning_runs import Tiny, train
from tests.checkpoints.synthetic import contents, tensor
from tests.shared_data import FIXTURES, needs_shared

KEY = "ModelCheckpoint{'monitor': 'val/dice', 'mode': 'max', 'every_n_train_steps': 0, 'every_n_epochs': 1}"
STOPPING = "EarlyStopping{'monitor': 'val/dice', 'mode': 'max'}"
NET = {"diffusion_model.betas": (5,)}
Read = tuple[tuple[ReportedMetric, ...], list[str]]


def read(path: Path, **how: Any) -> tuple[tuple[ReportedMetric, ...], tuple[Finding, ...]]:
    file = open_checkpoint(path)
    return read_metrics(file, build_inventory(file), **({"family": "supervised"} | how))


def of(states: Any, name: str = "best.ckpt", shapes: Any = None, top: Any = None, **how: Any) -> Read:
    file = contents(shapes or NET, {}, path=Path("nowhere") / name, callbacks=states, **(top or {}))
    metrics, findings = read_metrics(file, build_inventory(file), **({"family": "supervised"} | how))
    assert all(finding.remedy and finding.message.endswith(".") for finding in findings)
    return metrics, [finding.code for finding in findings]


def saved(score: Any = 0.75, path: str = "/home/someone/run/best.ckpt", **more: Any) -> dict[str, Any]:
    state = {"monitor": "val/dice", "best_model_score": score, "best_model_path": path, "current_score": score}
    return {KEY: state | {"best_k_models": {path: score}} | more}


# ---- files of Lightning 2.6.6 ----------------------------------------------------------------------------------------


def test_the_best_file_holds_the_weights_of_its_score(tmp_path: Path) -> None:
    train(tmp_path, Tiny([0.5, 0.75, 0.25]))
    (metric,), findings = read(tmp_path / "best.ckpt")
    assert (metric.name, metric.value, metric.measured_with, metric.here) == ("val/dice", 0.75, "model", True)
    assert findings == ()


def test_early_stopping_dates_the_score_whatever_the_file_is_called(tmp_path: Path) -> None:
    model = Tiny([0.5, 0.75, 0.25])
    trainer = train(tmp_path, model, EarlyStopping("val/dice", mode="max", patience=9))
    trainer.save_checkpoint(tmp_path / "later.ckpt")
    shutil.copy(tmp_path / "best.ckpt", tmp_path / "renamed.ckpt")
    shutil.move(tmp_path / "later.ckpt", tmp_path / "best.ckpt")
    (renamed,), _ = read(tmp_path / "renamed.ckpt")
    (later,), findings = read(tmp_path / "best.ckpt")
    assert (renamed.here, later.here) == (True, False)
    assert "waited 1 validation " in later.why
    assert [finding.code for finding in findings] == ["metrics.other-file"]


def test_every_kept_file_has_its_own_score_and_the_best_of_the_run(tmp_path: Path) -> None:
    train(tmp_path, Tiny([0.5, 0.75, 0.25]), save_top_k=-1)
    metrics, findings = read(tmp_path / "best-v2.ckpt")
    assert [(metric.value, metric.here) for metric in metrics] == [(0.75, False), (0.25, True)]
    assert [finding.code for finding in findings] == ["metrics.other-file"]
    assert "best-v1.ckpt" in findings[0].message


def test_lightnings_average_is_what_was_measured(tmp_path: Path) -> None:
    train(tmp_path, Tiny([0.5]), EMAWeightAveraging(decay=0.5), epochs=1)
    (metric,), findings = read(tmp_path / "best.ckpt", used="ema")
    assert (metric.measured_with, metric.here, findings) == ("ema", True, ())
    (metric,), (finding,) = read(tmp_path / "best.ckpt", used="model")
    assert finding.code == "metrics.other-weights"


def test_an_average_that_nobody_validated_is_said_to_be_so(tmp_path: Path) -> None:
    train(tmp_path, Tiny([0.5, 0.6, 0.7]), StochasticWeightAveraging(0.1, swa_epoch_start=2))
    (metric,), (finding,) = read(tmp_path / "best.ckpt")
    assert (metric.measured_with, metric.here) == ("model", True)
    assert finding.code == "metrics.average-unmeasured"


@pytest.mark.parametrize(("batch_norm", "measured"), [(False, False), (True, True)])
def test_an_average_copied_into_the_model_was_measured_only_if_a_validation_followed(
    tmp_path: Path, batch_norm: bool, measured: bool
) -> None:
    stopping = EarlyStopping("val/dice", mode="max", patience=9)
    swa = StochasticWeightAveraging(0.1, swa_epoch_start=2)
    trainer = train(tmp_path, Tiny([0.1, 0.2, 0.3, 0.4], batch_norm=batch_norm), swa, stopping)
    if not batch_norm:  # the copying comes after the last validation
        trainer.save_checkpoint(tmp_path / "best.ckpt")
    (metric,), findings = read(tmp_path / "best.ckpt")
    assert metric.here is measured
    assert ("metrics.other-file" in [finding.code for finding in findings]) is not measured


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_said_and_left_out(tmp_path: Path, value: float) -> None:
    train(tmp_path, Tiny([value]), EarlyStopping("val/dice", mode="max", check_finite=False), epochs=1)
    metrics, findings = read(tmp_path / "best.ckpt")
    assert metrics == ()
    assert {finding.code for finding in findings} == {"metrics.no-number"}
    json.dumps(to_plain(findings), allow_nan=False)


def test_one_number_of_a_large_tensor_is_read_and_no_more(tmp_path: Path) -> None:
    state = {KEY: {"monitor": "val/dice", "best_model_score": torch.rand(1000), "best_model_path": "best.ckpt"}}
    torch.save({"state_dict": {"w": torch.zeros(2)}, "callbacks": state}, tmp_path / "best.ckpt")
    metrics, findings = read(tmp_path / "best.ckpt")
    assert (metrics, [finding.code for finding in findings]) == ((), ["metrics.no-number"])
    state[KEY]["best_model_score"] = torch.arange(1000.0)[7]
    torch.save({"state_dict": {"w": torch.zeros(2)}, "callbacks": state}, tmp_path / "best.ckpt")
    assert read(tmp_path / "best.ckpt")[0][0].value == 7


# ---- states by hand --------------------------------------------------------------------------------------------------


def test_a_score_of_another_file_names_it_without_its_folder() -> None:
    for path in ("/home/someone/run/best.ckpt", "C:\\Users\\someone\\best.ckpt"):
        (metric,), found = of(saved(path=path), name="last.ckpt")
        assert (metric.here, found) == (False, ["metrics.other-file"])
        assert "best.ckpt" in metric.why
        assert "someone" not in metric.why


@pytest.mark.parametrize(
    ("recorded", "here"),
    [("epoch=3-step=9.ckpt", True), ("epoch=2-step=9.ckpt", False), ("a-epoch=03.ckpt", True), ("step=8.ckpt", False)],
)
def test_counts_in_the_recorded_name_beat_the_name(recorded: str, here: bool) -> None:
    (metric,), _ = of(saved(path=recorded), name="renamed.ckpt")  # epoch 3, step 9
    (kept,), _ = of(saved(path=recorded), name=recorded)
    assert (metric.here, kept.here) == (here, here)


def test_another_direction_of_early_stopping_dates_nothing() -> None:
    stopping = {STOPPING.replace("max", "min"): {"wait_count": 0, "best_score": 0.75}}
    assert not of(saved() | stopping, name="last.ckpt")[0][0].here
    assert of(saved() | {STOPPING: {"wait_count": 0, "best_score": 0.75}}, name="last.ckpt")[0][0].here


def test_early_stopping_alone_has_a_score_once_there_was_a_validation() -> None:
    assert of({STOPPING: {"wait_count": 0, "best_score": -math.inf}}) == ((), [])
    (metric,), found = of({STOPPING: {"wait_count": 2, "best_score": 0.5}})
    assert (metric.name, metric.value, metric.here, found) == ("val/dice", 0.5, False, ["metrics.other-file"])


def test_ema_scores_without_the_ema_copy_are_a_warning() -> None:
    (metric,), found = of(saved(), family="diffusion", use_ema=True)
    assert (metric.measured_with, metric.here, found) == ("ema", False, ["metrics.weights-missing"])
    assert "not in this file" in metric.why
    (metric,), found = of(saved(), family="diffusion", use_ema=False)
    assert (metric.measured_with, metric.here, found) == ("model", True, [])


def test_ema_scores_with_the_ema_copy_belong_to_it() -> None:
    shapes = NET | {"ema_model.betas": (5,)}
    (metric,), found = of(saved(), shapes=shapes, family="diffusion", use_ema=True, used="ema")
    assert (metric.measured_with, metric.here, found) == ("ema", True, [])
    _, found = of(saved(), shapes=shapes, family="diffusion", use_ema=True, used="model")
    assert found == ["metrics.other-weights"]


def test_a_score_that_cannot_be_read_is_said() -> None:
    assert of(saved(tensor(()))) == ((), ["metrics.no-number"])


def test_numbers_among_the_settings_are_no_scores() -> None:
    file = contents(NET, {"val/dice": 0.9, "best_model_score": 0.9, "best_score": 1.0})
    assert read_metrics(file, build_inventory(file), family="supervised") == ((), ())


@pytest.mark.parametrize(
    "odd",
    [
        *(None, 3, [], {"x": 1}, {3: {"best_model_score": 1}}, {KEY: {}}, {KEY: None}, saved(None), saved("text")),
        {STOPPING: {"wait_count": True, "best_score": 1.0}},
        {KEY: {"best_model_score": {}, "best_model_path": 3}},
    ],
    ids=str,
)
def test_odd_states_give_no_score(odd: Any) -> None:
    assert of(odd)[0] == ()


def test_many_callbacks_are_not_all_read() -> None:
    many = {KEY + str(number): {"monitor": "a", "best_model_score": float(number)} for number in range(100)}
    assert len(of(many)[0]) == 32


# ---- genuine files ---------------------------------------------------------------------------------------------------


@needs_shared
def test_genuine_files_give_the_score_that_the_run_logged() -> None:
    """Their last epoch was their best, so the tracker's final metrics are those of best.ckpt. MONAI's tensors."""
    paths = sorted((FIXTURES / "evaluation").glob("*/experiments/**/best.ckpt"))
    assert len(paths) == 6
    for path in paths:
        logged = json.loads((path.parent.parent / "summary.json").read_text())["final_metrics"]["val/dice"]
        (metric,), findings = read(path)
        assert (metric.name, metric.measured_with, metric.here) == ("val/dice", "model", True)
        assert metric.value == pytest.approx(logged, abs=1e-7)
        assert not {finding.code for finding in findings} - {"metrics.average-unmeasured"}
