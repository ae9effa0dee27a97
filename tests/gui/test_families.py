"""Flows, diffusion models and supervised networks side by side: one slider, each on its own axis."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QPointF, Qt
from pytestqt.qtbot import QtBot

from app.canvas.axis import MIXED, NOISE, NOTHING, curve_axis
from app.canvas.columns import ColumnsView
from app.canvas.frame import LiveStep, frame_of
from app.item_models.facts import WARNING_SIGN, key_facts
from app.items import Column
from app.jobs import Job, JobQueue
from app.pace import Pace, left_words
from app.panels.live_steps import MOST_KEPT, LiveSteps
from app.panels.run import RunPanel
from app.panels.steps import StepsPanel
from app.theme import LIGHT
from app.window import MainWindow
from core import pipeline
from core.progress import Progress
from core.records import CheckpointReport, Finding, Prediction, ReportedMetric, RunSettings, WeightsReport
from tests.gui import fakes
from tests.gui.dropping import drop
from tests.gui.standins import FakePipeline
from tests.shared_data import FIXTURES

COLOURS = dict(zip("abcd", LIGHT.column_colours, strict=False))
COLD = FIXTURES / "supervised_diffusion" / "colddiff_soflseg_ema" / "case.ckpt"


@pytest.fixture
def panel(qtbot: QtBot) -> StepsPanel:
    made = StepsPanel(LIGHT)
    qtbot.addWidget(made)
    made.resize(900, 190)
    made.show()
    return made


@pytest.fixture
def view(qtbot: QtBot) -> ColumnsView:
    made = ColumnsView(LIGHT)
    qtbot.addWidget(made)
    made.resize(1000, 500)
    made.set_case(fakes.case())
    made.show()
    return made


def entries(**predictions: Prediction) -> list[tuple[str, str, str, Prediction]]:
    return [(key, f"{key}.ckpt", COLOURS[key], prediction) for key, prediction in predictions.items()]


def show(view: ColumnsView, **predictions: Prediction) -> None:
    for key, prediction in predictions.items():
        view.add_column(key, key, COLOURS[key])
        view.set_prediction(key, prediction)
    view.set_active(next(iter(predictions)))


def caption(view: ColumnsView, key: str) -> str:
    return view.column(key).footer.caption.text()


def labels(panel: StepsPanel) -> list[str]:
    return panel.strip._strip.labels


def report(family: str, **changes: Any) -> CheckpointReport:
    """A report of another family than flow."""
    return replace(fakes.report(), family=family, mode=None, sampler=None, **changes)


# ---- the words of the slider -----------------------------------------------------------------------------------------


def test_a_diffusion_step_is_named_by_its_noise_and_its_own_count(panel: StepsPanel) -> None:
    panel.set_predictions(entries(a=fakes.diffusion(timesteps=50)), "a")
    assert panel.where.text() == "final result"
    panel.choose(9)
    assert panel.where.text() == "noise 0.96 · t = 40 of 50"


def test_noise_falls_to_the_right(panel: StepsPanel) -> None:
    prediction = fakes.diffusion(timesteps=50)
    panel.set_predictions(entries(a=prediction), "a")
    shown = [float(label.removeprefix("noise ")) for label in labels(panel)[:-1]]
    assert shown == sorted(shown, reverse=True)
    assert (shown[0], labels(panel)[-1]) == (1.0, "final")
    panel.slider.setValue(0)
    assert panel.where.text() == "noise 1.00 · t = 49 of 50"
    panel.slider.setValue(49)
    assert panel.where.text() == "noise 0.03 · t = 0 of 50"


def test_a_flow_is_named_as_before(panel: StepsPanel) -> None:
    panel.set_predictions(entries(a=fakes.prediction(steps=5)), "a")
    panel.choose(1)
    assert panel.where.text() == "t = 0.400 · 2 of 5"
    assert labels(panel)[:2] == ["0.200", "0.400"]


def test_one_network_call_leaves_nothing_to_scrub(panel: StepsPanel) -> None:
    panel.set_predictions(entries(a=fakes.supervised()), "a")
    heard: list[object] = []
    panel.step_changed.connect(heard.append)
    assert not panel.slider.isEnabled()
    assert panel.where.text() == "one network call: no steps"
    assert labels(panel) == ["result"]
    assert panel._buttons["state"].text() == "Logits"
    for value in (0, 1):  # the keys for steps move the slider, disabled or not
        panel.slider.setValue(value)
    panel.strip.chosen.emit(0)
    panel.curve.place_requested.emit(0.3)
    assert (heard, panel.slider.value()) == ([], 1)


def test_the_slider_comes_back_with_steps(panel: StepsPanel) -> None:
    panel.set_predictions(entries(a=fakes.supervised(), b=fakes.prediction(steps=5)), "a")
    panel.set_active("b")
    assert panel.slider.isEnabled()
    assert panel._buttons["state"].text() == "State"
    panel.slider.setValue(2)
    assert panel.index() == 2


# ---- one slider for all columns --------------------------------------------------------------------------------------


def test_of_a_thousand_steps_the_nearest_kept_one_is_shown(view: ColumnsView) -> None:
    long = fakes.diffusion(timesteps=1000, keep=64)
    assert len(long.steps) == 64
    show(view, a=fakes.prediction(steps=5), b=long, c=fakes.supervised())
    view.set_step(1)
    nearest = min(long.steps, key=lambda step: abs(step.t - 0.4))
    assert caption(view, "a") == "Mask · t = 0.400 · step 1"
    assert caption(view, "b") == f"Mask · noise {nearest.noise_level:.2f} · t = {nearest.timestep} of 1000"
    assert abs((nearest.timestep or 0) - 600) <= 8
    assert caption(view, "c") == "Mask · one network call"


def test_a_supervised_column_shows_its_result_wherever_the_slider_is() -> None:
    prediction = fakes.supervised()
    for t in (None, 0.0, 0.5, 1.0):
        frame = frame_of(prediction, t, "state", None, 0)
        assert np.array_equal(frame.values, prediction.steps[0].state[0])
        assert np.array_equal(frame.mask, prediction.mask[0])
        assert frame.caption == "Logit difference · one network call"


def test_making_another_column_the_active_one_moves_no_picture(
    qtbot: QtBot, window: MainWindow, verbs: FakePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = {"flow.ckpt": fakes.prediction(steps=4), "long.ckpt": fakes.diffusion(timesteps=1000)}
    results["once.ckpt"] = fakes.supervised()

    def segment(segmenter: Any, image: object, settings: object, report: object) -> Prediction:
        return results[Path(segmenter.report.path).name]

    monkeypatch.setattr(pipeline, "segment", segment)
    drop(window.parts.view, [*(f"/data/{name}" for name in results), "/data/01.png"])
    qtbot.waitUntil(lambda: window.queue.idle and len(window.parts.view.keys()) == 3)
    view, steps, keys = window.parts.view, window.parts.steps, window.parts.view.keys()
    qtbot.waitUntil(lambda: len(steps._entries) == 3)
    by_name = {window.store.title(window.store.columns[key].checkpoint): key for key in keys}
    window.store.activate_column(by_name["long.ckpt"])
    steps.choose(20)
    before = [caption(view, key) for key in keys]
    assert sum("noise 0.88" in words for words in before) == 1
    for name in ("once.ckpt", "flow.ckpt", "long.ckpt", "once.ckpt"):
        window.store.activate_column(by_name[name])
        assert [caption(view, key) for key in keys] == before, name
    window.store.activate_column(by_name["flow.ckpt"])
    assert steps.where.text() == "t = 0.250 · 1 of 4"
    steps.choose(3)
    assert "t = 1.000" in caption(view, by_name["flow.ckpt"])
    assert "t = 0 of 1000" in caption(view, by_name["long.ckpt"])


def test_a_new_result_of_the_active_column_is_looked_at_first(panel: StepsPanel) -> None:
    other = fakes.prediction(steps=5)
    panel.set_predictions(entries(a=fakes.diffusion(), b=other), "a")
    panel.choose(10)
    panel.set_predictions(entries(b=other), "a")
    panel.set_predictions(entries(a=fakes.diffusion(), b=other), "a")
    assert panel.index() is None


# ---- quantities ------------------------------------------------------------------------------------------------------


def test_a_gaussian_state_has_its_own_range_and_the_estimate_the_range_of_the_result(view: ColumnsView) -> None:
    show(view, a=fakes.diffusion())
    view.set_step(3)
    view.set_quantity("state")
    assert view.column("a").footer.scale_bar.ends() == ("≤ −1", "≥ 1")
    view.set_quantity("estimate")
    assert view.column("a").footer.scale_bar.ends() == ("≤ 0", "≥ 1")


def test_logits_are_shown_around_zero_with_the_edge_of_the_mask(view: ColumnsView) -> None:
    show(view, a=fakes.supervised())
    view.set_quantity("state")
    assert view.column("a").footer.scale_bar.ends() == ("≤ −10", "≥ 10")
    assert view.column("a").view.outline_item.isVisible()


def test_a_running_state_is_shown_in_the_range_it_will_have(view: ColumnsView) -> None:
    step = fakes.diffusion().steps[9]
    view.add_column("a", "a", COLOURS["a"])
    view.set_state("a", "running")
    view.set_quantity("state")
    live = LiveStep(step=step, value_range=(0.0, 1.0), threshold=0.5, state_range=(-1.0, 1.0), axis="noise")
    view.set_live_step("a", live)
    assert caption(view, "a") == "State · running, noise 0.96 · t = 40 of 50"
    assert view.column("a").footer.scale_bar.ends() == ("≤ −1", "≥ 1")


def test_a_narrow_column_keeps_the_numbers_of_its_caption_whole(view: ColumnsView) -> None:
    show(view, a=fakes.diffusion(timesteps=1000))
    view.set_step(20)
    view.set_quantity("probability")
    label = view.column("a").footer.caption
    where = label.text().removeprefix("Probability · ")
    label.resize(label.fontMetrics().horizontalAdvance(where) + 2, label.height())
    assert label.shown_text() == where
    label.resize(label.fontMetrics().horizontalAdvance(label.text()) + 2, label.height())
    assert label.shown_text() == f"Probability · {where}"


# ---- curves ----------------------------------------------------------------------------------------------------------


def test_curves_of_one_family_have_its_axis_and_mixed_ones_the_common_axis() -> None:
    assert curve_axis([fakes.diffusion(), fakes.diffusion(timesteps=9)]) == NOISE
    assert curve_axis([fakes.supervised()]) == NOTHING
    assert curve_axis([fakes.diffusion(), fakes.prediction()]) == MIXED


def test_the_noise_axis_falls_and_a_press_finds_the_step_of_that_noise(qtbot: QtBot, panel: StepsPanel) -> None:
    prediction = fakes.diffusion(timesteps=50)
    panel.set_predictions(entries(a=prediction), "a")
    panel.set_curves({"a": tuple(step.t for step in prediction.steps)})
    QCoreApplication.processEvents()
    box = panel.curve.plot.getPlotItem().vb
    noisy, clean = (panel.curve.plot.mapFromScene(box.mapViewToScene(QPointF(x, 0.5))) for x in (0.9, 0.1))
    assert noisy.x() < clean.x()
    assert panel.curve.plot.getPlotItem().getAxis("bottom").labelText == "noise level"
    drawn = panel.curve._curves["a"].getData()[0]
    assert list(drawn) == pytest.approx([step.noise_level for step in prediction.steps])
    qtbot.mousePress(panel.curve.plot.viewport(), Qt.MouseButton.LeftButton, pos=noisy)
    assert panel.where.text().startswith("noise 0.9")
    assert panel.curve._marker.value() == pytest.approx(0.9, abs=0.02)


def test_another_family_beside_it_brings_the_common_axis(panel: StepsPanel) -> None:
    diffusion, once = fakes.diffusion(timesteps=10), fakes.supervised()
    panel.set_predictions(entries(a=diffusion, b=once), "a")
    panel.choose(3)
    panel.set_curves({"a": (0.5,) * 10, "b": (0.7,)})
    drawn = {key: list(item.getData()[0]) for key, item in panel.curve._curves.items()}
    assert drawn["a"] == pytest.approx([step.t for step in diffusion.steps])
    assert drawn["b"] == [1.0]
    assert panel.curve._marker.value() == pytest.approx(3 / 9)
    assert panel.curve.axis == MIXED


# ---- while it runs ---------------------------------------------------------------------------------------------------


def test_a_long_run_keeps_few_of_its_steps_and_names_the_newest() -> None:
    steps = LiveSteps()
    truth = np.zeros((1, 4, 4), bool)
    for index in range(1000):
        made = fakes.step(index, index / 999, truth, (0.0, 1.0))
        steps.add(LiveStep(step=replace(made, timestep=999 - index, noise_level=0.25), axis="noise"), 1000)
        assert len(steps.kept) <= MOST_KEPT
    indices = [live.step.index for live in steps.kept]
    assert len(indices) > MOST_KEPT / 3
    assert len(set(np.diff(indices))) == 1, "evenly spaced"
    assert steps.words() == "running, noise 0.25 · t = 0 of 1000"


def test_the_time_left_follows_the_present_pace() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    for done in range(3):
        pace.note(done, 1000)
        now[0] += 4
    assert pace.left_s() == pytest.approx((1000 - 2) * 4 - 4)
    for done in range(3, 40):  # it gets slower: the first steps are forgotten
        pace.note(done, 1000)
        now[0] += 10
    assert pace.left_s() == pytest.approx((1000 - 39) * 10 - 10)
    pace.note(0, 1000)
    assert pace.left_s() is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (4, "a few seconds left"),
        (42, "about 40 s left"),
        (600, "about 10 min left"),
        (6000, "about 1 h 40 min left"),
        (7500, "about 2 h left"),
        (36_400, "about 10 h 10 min left"),
    ],
)
def test_the_time_left_in_words(seconds: float | None, words: str) -> None:
    assert left_words(seconds) == words


def test_a_running_column_says_how_long_it_still_takes(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    def work(report: Any) -> None:
        for done in range(6):
            report(Progress(done=done, total=8, stage="sampling"))
        verbs.gate.wait(10)

    verbs.work = work
    drop(window.parts.view, ["/data/best.ckpt", "/data/01.png"])
    qtbot.waitUntil(lambda: bool(window.parts.view.keys()))
    header = window.parts.view.column(window.parts.view.keys()[0]).header
    qtbot.waitUntil(lambda: "Running, a few seconds left" in header.progress.text())
    qtbot.waitUntil(lambda: "a few seconds left" in window.parts.status.work.text())
    verbs.gate.set()


@pytest.mark.skipif(not COLD.is_file(), reason="the shared fixtures are not on this machine")
def test_a_run_of_a_thousand_steps_stops_before_its_next_network_call(
    qtbot: QtBot, jobs: JobQueue, tmp_path: Path
) -> None:
    import torch

    from core.sampling.schedule import cosine_tables

    stored = torch.load(COLD, weights_only=True)
    tables = {name: torch.from_numpy(table.copy()) for name, table in cosine_tables(1000).items()}
    for prefix in ("diffusion_model.", "ema_model."):
        stored["state_dict"] |= {prefix + name: table for name, table in tables.items()}
    stored["hyper_parameters"]["timesteps"] = 1000
    torch.save(stored, tmp_path / "long.ckpt")
    segmenter, calls, seen = pipeline.load(tmp_path / "long.ckpt"), [], []
    job = Job(lambda report: pipeline.segment(segmenter, fakes.image(48, 64), RunSettings(), report=report))
    job.progressed.connect(seen.append)

    def called(*_: object) -> None:
        calls.append(1)
        if len(calls) == 2:  # in the middle of the first step, which takes a call for every four windows
            job.cancel()

    segmenter.network.register_forward_hook(called)
    with qtbot.waitSignal(job.ended, timeout=60_000):
        jobs.start(job, lane="model")
    assert len(calls) == 2
    assert (seen[-1].done, seen[-1].total) == (0, 1000)
    assert (seen[-1].axis, seen[-1].state_range) == ("noise", (-1.0, 1.0))


# ---- settings and facts ----------------------------------------------------------------------------------------------


def rows(panel: RunPanel) -> set[str]:
    return {field.accessibleName() for field in panel._fields() if panel._form.isRowVisible(field)}


@pytest.mark.parametrize(
    ("family", "sampler", "hidden", "words"),
    [
        ("diffusion", "gaussian", {"Steps"}, "all 1000 steps of its schedule"),
        ("diffusion", "cold", {"Steps", "Seed", "Samples"}, "all 1000 steps of its schedule"),
        ("supervised", None, {"Steps", "Seed", "Samples"}, "none: one network call"),
    ],
)
def test_settings_that_do_not_apply_are_not_offered(
    qtbot: QtBot, family: str, sampler: str | None, hidden: set[str], words: str
) -> None:
    panel = RunPanel()
    qtbot.addWidget(panel)
    column = Column(key="a", checkpoint="a", colour="#000000")
    panel.show_column(column, fakes.report(), None)
    flow = rows(panel)
    assert not panel._form.isRowVisible(panel.schedule)
    steps = 1000 if family == "diffusion" else None
    panel.show_column(column, replace(report(family, timesteps=steps), sampler=sampler), None)
    assert rows(panel) == flow - hidden
    assert panel.schedule.text() == words
    assert panel._form.isRowVisible(panel.schedule)
    assert panel.settings() == column.settings


def test_another_reading_is_offered_for_a_continuous_flow_only(qtbot: QtBot) -> None:
    panel = RunPanel()
    qtbot.addWidget(panel)
    unclear = (Finding(severity="warning", code="producer.ambiguous", message="Two."),)
    column = Column(key="a", checkpoint="a", colour="#000000")
    for mode, offered in (("cfm_continuous", True), ("dfm_binary", False)):
        panel.show_column(column, replace(fakes.report(), mode=mode, findings=unclear), None)
        assert ("Value range" in rows(panel)) is offered


def test_the_weights_that_the_producer_evaluated_are_named(qtbot: QtBot) -> None:
    panel = RunPanel()
    qtbot.addWidget(panel)
    weights = WeightsReport(available=("model", "ema"), used="model", evaluated="ema")
    panel.show_column(Column(key="a", checkpoint="a", colour="#000000"), report("diffusion", weights=weights), None)
    combo = panel.weights
    assert [combo.itemText(i) for i in range(combo.count())] == ["Auto (ema)", "model", "ema (as evaluated)"]


def facts(report: CheckpointReport) -> dict[str, str]:
    return {fact.label: fact.value for fact in key_facts(report)}


def test_the_passport_says_how_a_family_samples() -> None:
    cold = facts(replace(report("diffusion", timesteps=1000), sampler="cold"))
    assert cold["Sampler"].startswith("cold, deterministic")
    assert cold["Schedule"] == "1,000 steps, all of them run"
    once = facts(report("supervised", in_channels=1, out_channels=2))
    assert once["Sampler"] == "none: one network call, no steps"
    assert "state" not in once["Channels"]


def test_the_passport_says_what_each_set_of_weights_is() -> None:
    weights = WeightsReport(available=("model", "ema"), used="model", evaluated="ema")
    found = facts(report("diffusion", weights=weights))
    assert found["model"] == "the weights as trained, used"
    assert found["ema"] == "exponential moving average of the weights, as evaluated"


def test_a_recorded_score_that_nobody_can_check_carries_a_warning() -> None:
    good = ReportedMetric(name="val/dice", value=0.8123, measured_with="ema", here=True)
    bad = replace(good, here=False, why="measured with the ema weights, which are not in this file")
    first, second = (
        next(fact for fact in key_facts(replace(fakes.report(), metrics=(metric,))) if fact.label == "Recorded score")
        for metric in (good, bad)
    )
    assert (first.value, first.severity) == ("val/dice 0.8123, measured with the ema weights", "")
    assert second.value.startswith(f"{WARNING_SIGN} {first.value}. It cannot be checked with this file: ")
    assert second.severity == "warning"


def test_the_axis_to_run_along_is_offered_for_volumes_only(qtbot: QtBot) -> None:
    panel = RunPanel()
    qtbot.addWidget(panel)
    panel.show_column(Column(key="a", checkpoint="a", colour="#000000"), fakes.report(), None)
    for volume in (False, True):
        panel.show_volume(volume)
        assert panel.along.isVisibleTo(panel) is volume
    panel.along.setCurrentIndex(panel.along.findData("columns"))
    assert panel.settings().slice_axis == "columns"
    assert panel.run_button.text() == "Run"  # something was edited
