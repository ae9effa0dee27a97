"""The steps dial on small checkpoints: what is run, what it costs, and how it is labelled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core import pipeline
from core.errors import SettingsRefused
from core.progress import Cancelled, Progress
from core.records import RunSettings
from core.segmenters import Segmenter
from tests.builders import CFM, DFM, write_checkpoint
from tests.producers import write_file

PICTURE = np.random.default_rng(0).random((16, 16)).astype(np.float32) * 255
REFERENCE = PICTURE[None] > 128


@pytest.fixture
def cfm(tmp_path: Path) -> Segmenter:
    return pipeline.load(write_checkpoint(tmp_path / "cfm.ckpt", CFM), device="cpu")


@pytest.fixture
def dfm(tmp_path: Path) -> Segmenter:
    return pipeline.load(write_checkpoint(tmp_path / "dfm.ckpt", DFM), device="cpu")


def test_the_own_setting_comes_first_and_once(cfm: Segmenter, dfm: Segmenter) -> None:
    found = pipeline.dial_settings(cfm.report, RunSettings(seed=3), steps=(1, 2))
    assert [(one.solver, one.steps) for one in found] == [
        (None, None), ("euler", 2), ("euler", 3), ("midpoint", 2), ("midpoint", 3), ("heun", 2), ("heun", 3),
    ]  # fmt: skip
    assert all((one.seed, one.keep) == (3, "last") for one in found)
    discrete = pipeline.dial_settings(dfm.report, steps=(1, 4), solvers=("euler",))
    assert [(one.solver, one.steps) for one in discrete] == [(None, None), (None, 1)]  # 4 steps of euler are its own


def test_a_dial_runs_each_setting_and_measures_it(cfm: Segmenter) -> None:
    settings = (RunSettings(), *(RunSettings(solver=name, steps=3) for name in ("euler", "midpoint", "heun")))
    points = list(pipeline.run_dial(cfm, PICTURE, settings, REFERENCE))
    assert [point.calls for point in points[1:]] == [2, 4, 4]
    assert points[0].calls > 4
    assert [point.own for point in points] == [True, False, False, False]
    for point in points:
        assert point.measurement is not None
        assert point.measurement["dice"].value == pipeline.measure(point.prediction, REFERENCE)["dice"].value
        assert point.seconds == point.prediction.seconds > 0


def test_another_solver_is_labelled_everywhere(cfm: Segmenter) -> None:
    settings = RunSettings(solver="euler")
    prediction = pipeline.segment(cfm, PICTURE, settings)
    assert [(item.code, item.label) for item in prediction.deviations] == [("solver", "euler solver instead of dopri5")]
    assert (prediction.provenance["sampler"], prediction.provenance["solver"]) == ("dopri5", "euler")
    assert "--solver euler" in pipeline.as_command("a.ckpt", "b.png", settings)


def test_naming_the_own_solver_is_the_same_run(cfm: Segmenter, dfm: Segmenter) -> None:
    for segmenter, name in ((cfm, "dopri5"), (dfm, "euler")):
        named, plain = (pipeline.segment(segmenter, PICTURE, RunSettings(solver=one)) for one in (name, None))
        assert np.array_equal(named.score, plain.score)
        assert named.deviations == ()


def test_many_small_steps_come_to_what_the_own_solver_says(cfm: Segmenter) -> None:
    own = pipeline.segment(cfm, PICTURE)
    fine, coarse = (pipeline.segment(cfm, PICTURE, RunSettings(solver="midpoint", steps=n)) for n in (65, 3))
    far = [float(np.abs(one.score - own.score).max()) for one in (fine, coarse)]
    assert far[0] < far[1]


def test_a_discrete_flow_takes_heun(dfm: Segmenter) -> None:
    prediction = pipeline.segment(dfm, PICTURE, RunSettings(solver="heun"))
    assert prediction.calls == 7  # two for each step but the last, whose estimate is the result
    assert prediction.deviations[0].label == "heun solver instead of euler"
    with pytest.raises(SettingsRefused, match="euler, heun"):
        pipeline.segment(dfm, PICTURE, RunSettings(solver="midpoint"))


@pytest.mark.parametrize("name", ["csnet", "segdiff"])
def test_what_solves_no_equation_has_no_solver(tmp_path: Path, name: str) -> None:
    segmenter = pipeline.load(write_file(tmp_path / "a.ckpt", name), device="cpu")
    assert pipeline.solvers(segmenter.report) == ()
    assert pipeline.dial_settings(segmenter.report) == (RunSettings(keep="last"),)
    with pytest.raises(SettingsRefused, match="no differential equation"):
        pipeline.segment(segmenter, PICTURE, RunSettings(solver="euler"))


def test_a_dial_can_be_stopped(dfm: Segmenter) -> None:
    ran: list[int] = []

    def report(progress: Progress) -> None:
        if ran:
            raise Cancelled

    points = pipeline.run_dial(dfm, PICTURE, (RunSettings(steps=1), RunSettings(steps=2)), report=report)
    ran.append(next(points).calls)
    with pytest.raises(Cancelled):
        next(points)
    assert ran == [1]
