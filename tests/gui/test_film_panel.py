"""The FiLM panel: what the network was told, what it made of it, how it is applied, and what each part does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox, QPushButton, QTextEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.controllers.film_effects import variants
from app.item_models.measurements import TITLES, value_text
from app.panels.banner import Banner
from app.panels.film import FilmPanel
from app.panels.film_plots import FilmPlots
from app.panels.film_remedies import FilmRemedies
from app.settings import Settings
from app.window import MainWindow
from core import pipeline
from core.errors import ConditionMissing, ModelRefused
from core.progress import Progress, Report
from core.records import (
    AnswerField,
    Array,
    Condition,
    FilmReport,
    FilmSettings,
    Image,
    Measurement,
    Prediction,
    RunSettings,
    StageModulation,
    frozen_array,
)
from tests.builders import DFM, FILM_CONFIG, write_checkpoint
from tests.builders import FILM as FILM_DIALECT
from tests.conditioning.tiny_model import ANSWERS, PROMPTS, WIDTH, save_tiny_model
from tests.gui import fakes
from tests.gui.conftest import check_nothing_runs
from tests.gui.dropping import beside, drop
from tests.gui.standins import FakePipeline, FakeSegmenter

NAME = "Qwen/Qwen2.5-VL-3B-Instruct"
WINDOWS = 3
FILM = FilmReport(
    heads=2,
    stages=(0, 1),
    stages_from="metadata",
    channels=(4, 2),
    point="A",
    condition="text",
    cond_dim=5,
    vlm=NAME,
    layer_norm=True,
    hidden=16,
    feature_width=10,
)
BREAKS = AnswerField(name="breaks", levels=("none", "few", "many"), probabilities=(0.1, 0.2, 0.7), chosen="many")
UNREAD = AnswerField(name="cause", levels=("low dose", "motion"), probabilities=(0.5, 0.5), chosen=None)


def conditions() -> tuple[Condition, ...]:
    rows = np.arange(WINDOWS * 5, dtype=np.float32).reshape(WINDOWS, 5)
    return tuple(
        Condition(
            window=window,
            vector=frozen_array(rows[window]),
            origin="cache",
            source="profiles.tar",
            prompts=("What is <b>wrong</b>?",),
            answers=(f"answer {window}",),
            fields=(BREAKS, UNREAD) if window == 0 else (),
        )
        for window in range(WINDOWS)
    )


def modulation(stages: tuple[int, ...] | None) -> tuple[StageModulation, ...]:
    on = FILM.stages if stages is None else stages

    def rows(channels: int, start: float) -> Array:
        return frozen_array(start + 0.1 * np.arange(WINDOWS * channels).reshape(WINDOWS, channels), np.float32)

    return tuple(
        StageModulation(stage=stage, gamma=rows(width, 1), beta=rows(width, 0), active=stage in on)
        for stage, width in zip(FILM.stages, FILM.channels, strict=True)
    )


@pytest.fixture
def film(verbs: FakePipeline, monkeypatch: pytest.MonkeyPatch) -> FakePipeline:
    """`film.ckpt` has FiLM heads; its runs are told something unless FiLM is off, and a weaker FiLM marks less."""
    verbs.reports["film.ckpt"] = replace(fakes.report("film.ckpt"), film=FILM)

    def segment(segmenter: FakeSegmenter, image: Image, settings: RunSettings, report: Report) -> Prediction:
        made = FakePipeline.segment(verbs, segmenter, image, settings, report)
        wished = settings.film
        if segmenter.report.film is None or wished.mode == "off":
            return made
        told = conditions()
        probability = frozen_array(made.probability * wished.strength)
        return replace(
            made,
            condition=frozen_array(np.stack([item.vector for item in told])),
            conditions=told,
            modulation=modulation(wished.stages),
            probability=probability,
            mask=frozen_array(probability > 0.5),
        )

    monkeypatch.setattr(pipeline, "segment", segment)
    return verbs


def settle(qtbot: QtBot, window: MainWindow) -> FilmPanel:
    """Wait for all jobs, and for the panels, which show many changes at once a moment later."""
    qtbot.waitUntil(lambda: window.queue.idle)
    qtbot.wait(150)
    qtbot.waitUntil(lambda: window.queue.idle)
    return window.parts.film


def open_film(qtbot: QtBot, window: MainWindow, *, reference: bool = True) -> FilmPanel:
    paths = ["/data/film.ckpt", "/data/01.png", *(["/data/01.mask"] if reference else [])]
    drop(window.parts.view, paths)
    panel = settle(qtbot, window)
    window.show_film()
    return panel


def settings_of(window: MainWindow) -> FilmSettings:
    return window.store.columns[window.store.active_column or ""].settings.film


def cell(panel: FilmPanel, title: str, column: int) -> str:
    model = panel.effects.model
    rows = [model.index(row, 0).data() for row in range(model.rowCount())]
    return str(model.index([row.removeprefix("\u25b6 ") for row in rows].index(title), column).data())


# ---- how it is applied ---------------------------------------------------------------------------------------------


def test_a_checkpoint_without_film_says_so_in_one_line(qtbot: QtBot, window: MainWindow, film: FakePipeline) -> None:
    panel = open_film(qtbot, window)
    assert panel.currentWidget() is panel.content
    drop(window.parts.view, ["/data/plain.ckpt"], beside(window.parts.view))
    settle(qtbot, window)
    assert panel.currentWidget() is panel.message
    assert panel.message.text() == "plain.ckpt has no FiLM heads: nothing but the image decides its result."
    assert not panel.effects.model.rowCount()
    assert panel.told.windows.isHidden()
    assert all(plot.isHidden() for plot in panel.plots.plots)


def test_edits_reach_the_run_when_run_is_pressed(qtbot: QtBot, window: MainWindow, film: FakePipeline) -> None:
    panel = open_film(qtbot, window)
    runs = len(film.runs)
    panel.controls.stages[0].setChecked(False)
    panel.controls.strength.setValue(0.25)
    assert panel.controls.slider.value() == 25
    settle(qtbot, window)
    assert len(film.runs) == runs
    panel.controls.run_button.click()
    settle(qtbot, window)
    wished = FilmSettings(strength=0.25, stages=(1,))
    assert film.runs[-1][2].film == settings_of(window) == wished
    assert [plot.title.isEnabled() for plot in panel.plots.plots] == [False, True]
    panel.controls.trained_button.click()
    settle(qtbot, window)
    assert settings_of(window) == FilmSettings()
    assert panel.controls.stages[0].isChecked()


def test_both_panels_show_the_settings_of_the_column(qtbot: QtBot, window: MainWindow, film: FakePipeline) -> None:
    panel, run = open_film(qtbot, window), window.parts.run
    panel.controls.strength.setValue(0.5)
    panel.controls.mode.setCurrentIndex(panel.controls.mode.findData("shuffle"))
    panel.controls.run_button.click()
    settle(qtbot, window)
    assert run.film.currentData() == "shuffle"
    run.film.setCurrentIndex(run.film.findData("on"))
    run.run_button.click()
    settle(qtbot, window)
    assert panel.controls.mode.currentData() == "on"
    assert settings_of(window) == FilmSettings(mode="on", strength=0.5)


def test_a_slider_runs_when_it_is_let_go_if_that_is_wanted(
    qtbot: QtBot, window: MainWindow, film: FakePipeline
) -> None:
    controls = open_film(qtbot, window).controls
    controls.at_once.setChecked(True)
    controls.slider.setSliderDown(True)
    for position in (80, 60, 40):
        controls.slider.setValue(position)
    assert settings_of(window).strength == 1
    controls.slider.setSliderDown(False)
    assert settings_of(window).strength == 0.4
    settle(qtbot, window)


def test_more_than_one_can_be_typed_and_is_named(qtbot: QtBot, window: MainWindow, film: FakePipeline) -> None:
    controls = open_film(qtbot, window).controls
    controls.strength.setValue(1.5)
    assert controls.strength_note.text() == "1.5: stronger than trained"
    assert controls.settings().strength == 1.5
    controls.strength.setValue(3)
    assert controls.settings().strength == 2
    controls.strength.setValue(0)
    assert "identity" in controls.strength_note.text()


def test_a_strength_from_elsewhere_is_neither_cut_nor_rounded(
    qtbot: QtBot, window: MainWindow, film: FakePipeline
) -> None:
    controls = open_film(qtbot, window).controls
    for strength in (3.0, 0.123456):
        controls.show_settings(FILM, FilmSettings(strength=strength))
        assert controls.settings().strength == strength


def test_edits_stay_while_a_run_goes_on(qtbot: QtBot, window: MainWindow, film: FakePipeline) -> None:
    panel = open_film(qtbot, window)
    panel.controls.strength.setValue(0.7)
    window.run_active()
    settle(qtbot, window)
    assert panel.controls.settings().strength == 0.7


# ---- what it was told ----------------------------------------------------------------------------------------------


def test_each_window_says_what_it_was_told(qtbot: QtBot, window: MainWindow, film: FakePipeline) -> None:
    told = open_film(qtbot, window).told
    assert told.windows.count.text() == f"of {WINDOWS}"
    assert {"From the cache profiles.tar", "What is <b>wrong</b>?", "answer 0"} <= set(told.texts())
    assert told.fields.texts() == [("breaks", "many", "70 %"), ("cause", "could not be read", "")]
    assert "Condition: 5 numbers, norm 5.48" in told.texts()
    told.windows.spin.setValue(3)
    assert "answer 2" in told.texts()
    assert "answer 0" not in told.texts()
    assert not told.fields.texts()
    assert "Condition: 5 numbers, norm 27" in told.texts()
    assert told.windows.shared.isHidden()


def test_a_click_in_the_strip_chooses_a_window(qtbot: QtBot, window: MainWindow, film: FakePipeline) -> None:
    panel = open_film(qtbot, window)
    strip = panel.told.windows.strip
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=QPoint(strip.width() // 2, 5))
    assert panel.told.window == strip.chosen == 1
    assert panel.plots.plots[0].gamma.shown() == pytest.approx([1.4, 1.5, 1.6, 1.7])


def test_plots_show_gain_and_offset_of_the_window_and_the_range(
    qtbot: QtBot, window: MainWindow, film: FakePipeline
) -> None:
    plots = open_film(qtbot, window).plots.plots
    assert [plot.title.text() for plot in plots] == ["Stage 0 · 4 channels", "Stage 1 · 2 channels"]
    assert plots[0].gamma.shown() == pytest.approx([1.0, 1.1, 1.2, 1.3])
    assert plots[1].beta.shown() == pytest.approx([0.0, 0.1])
    plots[0].gamma.channel_hovered.emit(2)
    assert plots[0].values.text() == "Channel 2: γ 1.200 (1.200 to 2.000), β 0.200 (0.200 to 1.000)"


def test_the_mouse_over_a_plot_asks_for_the_channel_under_it(
    qtbot: QtBot, window: MainWindow, film: FakePipeline
) -> None:
    plot = open_film(qtbot, window).plots.plots[0]
    view, port = plot.beta.getPlotItem().vb, plot.beta.viewport()
    where = QPointF(plot.beta.mapFromScene(view.mapViewToScene(QPointF(3, 0))))
    none = Qt.MouseButton.NoButton
    move = QMouseEvent(
        QEvent.Type.MouseMove, where, port.mapToGlobal(where), none, none, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(port, move)
    assert plot.values.text().startswith("Channel 3: γ 1.300")
    assert plot.beta.channel_at(0) is None  # left of the axis
    QApplication.sendEvent(port, QEvent(QEvent.Type.Leave))
    assert "Channel" not in plot.values.text()


def test_a_run_without_film_was_told_nothing(qtbot: QtBot, window: MainWindow, film: FakePipeline) -> None:
    panel = open_film(qtbot, window)
    window.runs.run_without_film("column 1")
    settle(qtbot, window)
    assert "This run was made with FiLM off: the network was told nothing." in panel.told.texts()
    assert "answer 0" not in panel.told.texts()
    assert all(plot.isHidden() for plot in panel.plots.plots)


def test_nothing_of_an_older_run_stays_while_another_one_fails(
    qtbot: QtBot, window: MainWindow, film: FakePipeline
) -> None:
    panel = open_film(qtbot, window)
    film.film_error = ConditionMissing("film.ckpt: nothing to be conditioned on.")
    window.run_active()
    settle(qtbot, window)
    assert panel.status.text() == "There is no result."
    assert panel.details.text() == "film.ckpt: nothing to be conditioned on."
    assert "answer 0" not in panel.told.texts()
    assert panel.remedies.isVisibleTo(panel)
    panel.remedies.without_film_button.click()
    settle(qtbot, window)
    assert settings_of(window).mode == "off"
    assert not panel.remedies.isVisibleTo(panel)


def test_many_stages_are_shown_one_at_a_time(qtbot: QtBot) -> None:
    plots = FilmPlots()
    qtbot.addWidget(plots)
    one = modulation(None)[0]
    several = tuple(replace(one, stage=stage, gamma=frozen_array(one.gamma + stage)) for stage in range(5))
    run = replace(fakes.prediction(), condition=np.ones((WINDOWS, 5), np.float32), modulation=several)
    plots.show_modulation(run, pipeline.film_summary(run), 0)
    assert len(plots.plots) == 1
    plots.choice.setCurrentIndex(3)
    assert plots.plots[0].gamma.shown() == pytest.approx([4.0, 4.1, 4.2, 4.3])


# ---- other words ---------------------------------------------------------------------------------------------------


def test_words_are_embedded_when_the_model_is_at_hand(qtbot: QtBot, window: MainWindow, film: FakePipeline) -> None:
    film.models[NAME] = Path("/models/qwen")
    editor = open_film(qtbot, window).told.editor
    assert editor.box.toPlainText() == "answer 0"
    assert not editor.run_button.isEnabled()  # nothing was changed
    editor.box.setPlainText("The catheter <i>lies</i> over the vessel")
    editor.run_button.click()
    settle(qtbot, window)
    assert film.runs[-1][2].film.text == "The catheter <i>lies</i> over the vessel"
    assert editor.back_button.isEnabled()
    editor.back_button.click()
    settle(qtbot, window)
    assert settings_of(window).text is None
    assert editor.box.toPlainText() == "answer 0"


def test_without_the_model_words_are_not_taken_and_it_says_why(
    qtbot: QtBot, window: MainWindow, film: FakePipeline
) -> None:
    editor = open_film(qtbot, window).told.editor
    assert not editor.box.isEnabled()
    editor.box.setPlainText("other words")
    assert not editor.run_button.isEnabled()
    assert editor.reason.text() == f"Embedding words needs {NAME}, which is not on this machine."
    assert editor.remedies.download_button.isVisibleTo(editor)


@pytest.mark.parametrize(("condition", "words"), [("image", "image's feature"), ("logits", "not on a sentence")])
def test_where_words_could_never_do_there_is_no_box(
    qtbot: QtBot, window: MainWindow, film: FakePipeline, condition: str, words: str
) -> None:
    film.models[NAME] = Path("/models/qwen")
    film.reports["film.ckpt"] = replace(fakes.report(), film=replace(FILM, condition=condition))
    editor = open_film(qtbot, window).told.editor
    assert words in editor.reason.text()
    assert editor.box.isHidden()
    assert not editor.run_button.isVisibleTo(editor)


# ---- the model -----------------------------------------------------------------------------------------------------


def without_a_condition(qtbot: QtBot, window: MainWindow, film: FakePipeline) -> None:
    film.film_error = ConditionMissing("film.ckpt: nothing to be conditioned on.")
    open_film(qtbot, window)


def test_a_narrow_banner_has_room_for_every_remedy(qtbot: QtBot, qapp: QApplication) -> None:
    host, banner, pictures = QWidget(), Banner(), QTextEdit()
    column = QVBoxLayout(host)
    column.addWidget(banner)
    column.addWidget(pictures, 1)
    qtbot.addWidget(host)
    pictures.setMinimumHeight(200)
    host.resize(300, 260)  # less than both would like
    host.show()
    banner.offer_without_film("column 1", "best.ckpt", NAME, why="A model that is refused says why at length. " * 4)
    qapp.processEvents()
    buttons = banner.remedies.findChildren(QPushButton)
    assert [button.text() for button in buttons if button.isVisible()] == [button.text() for button in buttons]
    for button in buttons:
        assert banner.rect().contains(button.mapTo(banner, button.rect().bottomRight()))
        assert banner.remedies.rect().contains(button.geometry())


def test_a_remedy_that_is_not_offered_leaves_no_gap(qtbot: QtBot) -> None:
    remedies = FilmRemedies(without_film=False)
    qtbot.addWidget(remedies)
    remedies.show_model(NAME)
    remedies.resize(200, 100)
    remedies.show()
    assert not remedies.without_film_button.isVisible()
    assert [button.x() for button in (remedies.folder_button, remedies.download_button)] == [0, 0]


def test_a_download_asks_first(qtbot: QtBot, window: MainWindow, film: FakePipeline) -> None:
    without_a_condition(qtbot, window, film)
    banner = window.parts.banner
    assert banner.isVisible()
    assert NAME in banner.remedies.download_button.toolTip()
    assert banner.action_button.text() == "Run with FiLM off (labelled)"
    banner.remedies.download_button.click()
    assert not film.fetched
    question = window.findChild(QMessageBox)
    assert NAME in question.text()
    assert "several gigabytes" in question.informativeText()
    question.button(QMessageBox.StandardButton.Cancel).click()
    settle(qtbot, window)
    assert not film.fetched


def test_a_downloaded_model_is_used_at_once(qtbot: QtBot, window: MainWindow, film: FakePipeline) -> None:
    without_a_condition(qtbot, window, film)
    window.parts.banner.remedies.download_button.click()
    film.film_error = None
    question = window.findChild(QMessageBox)
    next(button for button in question.buttons() if button.text() == "Download").click()
    settle(qtbot, window)
    assert film.fetched == [NAME]
    assert film.loads[-1][1]["vlm"] == NAME
    assert window.store.run_state("column 1").state == "result"
    assert not window.parts.banner.isVisible()
    assert window.parts.film.told.editor.box.isEnabled()


def test_a_download_shows_how_far_it_is_and_can_be_cancelled(
    qtbot: QtBot, window: MainWindow, film: FakePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(name: str, report: Report) -> Path:
        while not film.gate.wait(0.002):
            report(Progress(done=20_000_000, total=7_000_000_000, stage="downloading"))
        return Path("/models") / name

    without_a_condition(qtbot, window, film)
    monkeypatch.setattr(pipeline, "fetch_vlm", fetch)
    window.models.download("column 1")
    panel = window.parts.film
    qtbot.waitUntil(lambda: panel.download.bar.text() == "Downloading Qwen2.5-VL-3B-Instruct, MB  20 / 7000")
    assert window.actions_by_id["run.cancel"].isEnabled()
    panel.download.cancel_button.click()
    settle(qtbot, window)
    assert not panel.download.isVisibleTo(panel)
    assert window.store.columns["column 1"].options.vlm == "auto"


def choose(monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *arguments: folder)


def test_a_chosen_folder_is_used_if_a_model_lies_there(
    qtbot: QtBot, window: MainWindow, film: FakePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_a_condition(qtbot, window, film)
    loads = len(film.loads)
    choose(monkeypatch, "/models/empty")
    window.parts.banner.remedies.folder_button.click()
    settle(qtbot, window)
    assert "there is no vision-language model in this folder" in window.parts.banner.text.text()
    assert len(film.loads) == loads
    film.models["/models/own"], film.film_error = Path("/models/own"), None
    choose(monkeypatch, "/models/own")
    window.parts.film.remedies.folder_button.click()
    settle(qtbot, window)
    assert film.loads[-1][1]["vlm"] == "/models/own"
    window.store.add_column("/data/film.ckpt")
    settle(qtbot, window)
    assert [column.options.vlm for column in window.store.columns.values()] == ["/models/own"] * 2


def test_a_model_that_is_refused_is_said_and_film_off_offered(
    qtbot: QtBot, window: MainWindow, film: FakePipeline
) -> None:
    film.film_error = ModelRefused("/models/own: its weights are pickle files.")
    panel = open_film(qtbot, window)
    assert window.parts.banner.text.text() == panel.details.text() == "/models/own: its weights are pickle files."
    window.parts.banner.action_button.click()
    settle(qtbot, window)
    assert settings_of(window).mode == "off"


@pytest.mark.parametrize("name", ["a/..", "/etc/model", "\\\\server\\share", "~/model", "a/b/c"])
def test_a_file_does_not_send_us_looking_at_folders(
    qtbot: QtBot, window: MainWindow, film: FakePipeline, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(pipeline, "find_vlm", asked.append)
    film.reports["film.ckpt"] = replace(fakes.report(), film=replace(FILM, vlm=name))
    without_a_condition(qtbot, window, film)
    assert not asked
    assert not window.parts.banner.remedies.download_button.isVisible()
    assert window.parts.banner.remedies.folder_button.isVisible()


# ---- what each part does -------------------------------------------------------------------------------------------


def test_measuring_fills_the_table_and_marks_what_is_now(qtbot: QtBot, window: MainWindow, film: FakePipeline) -> None:
    panel = open_film(qtbot, window)
    assert cell(panel, "FiLM off", 1) == ""
    panel.effects.measure_button.click()
    settle(qtbot, window)
    (run,) = [window.store.run_state(column).prediction for column in window.store.columns]
    assert run is not None
    half = replace(run, probability=run.probability * 0.5, mask=run.probability * 0.5 > 0.5)
    change = pipeline.difference(run, half)
    assert change.pixels == np.count_nonzero(run.mask)  # the fake marks nothing at half the strength
    assert cell(panel, "Strength 0.5", 2) == f"{change.pixels:,}"
    assert cell(panel, "Strength 0.5", 3) == f"{change.mean_change:.4f}"
    assert (cell(panel, "As run now", 2), cell(panel, "FiLM off", 2)) == ("0", "0")
    marked = [panel.effects.model.variant(row).now for row in range(panel.effects.model.rowCount())]  # type: ignore[union-attr]
    assert marked == [True, True, False, False, False, False, False]
    assert all(settings.keep == "last" for _, _, settings in film.runs[1:])
    assert not panel.effects.bar.isVisibleTo(panel)


def test_a_copied_table_has_every_measure(qtbot: QtBot, window: MainWindow, film: FakePipeline) -> None:
    panel = open_film(qtbot, window)
    panel.effects.measure_button.click()
    settle(qtbot, window)
    panel.effects.copy_button.click()
    head, first, *_ = [line.split("\t") for line in QApplication.clipboard().text().splitlines()]
    assert head[:4] == ["Run", "Dice", "Pixels", "Mean |\u0394p|"]
    measured = window.store.measurement("column 1")
    assert isinstance(measured, Measurement)
    others = [value for value in measured.values if value.name != "dice"]
    assert others
    assert head[4:] == [*(TITLES[value.name] for value in others), "Not as trained"]
    assert first[4:-1] == [value_text(value) for value in others]
    assert first[-1] == "\N{EN DASH}"


def test_no_number_of_the_table_is_cut(qtbot: QtBot, window: MainWindow, film: FakePipeline) -> None:
    """However long the name of a line is: the scroll bar of the table is off."""
    window.resize(900, 600)
    panel = open_film(qtbot, window)
    shown = window.store.columns["column 1"]
    window.store.change_column("column 1", settings=replace(shown.settings, film=FilmSettings(text="words")))
    settle(qtbot, window)
    table = panel.effects.table
    assert table.model().index(table.model().rowCount() - 1, 0).data() == "The model's own answer"
    header = table.horizontalHeader()
    assert header.length() <= table.viewport().width()
    assert header.sectionSize(3) >= header.sectionSizeHint(3)


def test_measuring_can_be_cancelled_and_what_is_done_stays(
    qtbot: QtBot, window: MainWindow, film: FakePipeline
) -> None:
    panel = open_film(qtbot, window)
    film.hold = True
    film.began.clear()
    panel.effects.measure_button.click()
    qtbot.waitUntil(lambda: film.began.is_set() and panel.effects.bar.text().startswith("FiLM off"))
    panel.effects.cancel_button.click()
    settle(qtbot, window)
    assert cell(panel, "As run now", 2) == "0"
    assert cell(panel, "FiLM off", 2) == ""
    assert panel.effects.measure_button.isVisibleTo(panel)


def test_other_settings_stop_the_measuring(qtbot: QtBot, window: MainWindow, film: FakePipeline) -> None:
    panel = open_film(qtbot, window)
    film.hold = True
    film.began.clear()
    panel.effects.measure_button.click()
    qtbot.waitUntil(film.began.is_set)
    window.runs.run_without_film("column 1")
    film.hold = False
    settle(qtbot, window)
    assert not window.effects.busy
    assert "shuffle" not in [settings.film.mode for _, _, settings in film.runs]
    assert cell(panel, "Shuffled", 2) == ""


def test_a_variant_that_fails_says_why_and_the_others_go_on(
    qtbot: QtBot, window: MainWindow, film: FakePipeline
) -> None:
    panel = open_film(qtbot, window)
    film.film_error = ConditionMissing("nothing to be conditioned on.")
    panel.effects.measure_button.click()
    settle(qtbot, window)
    assert cell(panel, "Shuffled", 1) == "failed"
    assert cell(panel, "FiLM off", 2) == "0"
    tips = [panel.effects.model.index(3, 0).data(Qt.ItemDataRole.ToolTipRole)]
    assert "nothing to be conditioned on." in tips[0]


def test_another_reference_clears_the_numbers(qtbot: QtBot, window: MainWindow, film: FakePipeline) -> None:
    panel = open_film(qtbot, window, reference=False)
    panel.effects.measure_button.click()
    settle(qtbot, window)
    assert cell(panel, "As run now", 1) == "–"
    drop(window.parts.view, ["/data/01.mask"])
    settle(qtbot, window)
    assert cell(panel, "As run now", 1) == ""


def test_a_line_opens_in_a_new_column(qtbot: QtBot, window: MainWindow, film: FakePipeline) -> None:
    panel = open_film(qtbot, window)
    window.store.set_threshold("column 1", 0.3)
    assert not panel.effects.open_button.isEnabled()
    panel.effects.table.selectRow(5)
    panel.effects.open_button.click()
    settle(qtbot, window)
    column = window.store.columns["column 2"]
    assert column.settings.film == FilmSettings(stages=(1,))
    assert column.threshold == 0.3
    assert window.store.run_state("column 2").state == "result"


TRAINED = FilmSettings()


@pytest.mark.parametrize(
    ("now", "ran", "title", "wish"),
    [
        (TRAINED, True, "FiLM off", FilmSettings(mode="off")),
        (TRAINED, True, "Stage 1 off", FilmSettings(stages=(0,))),
        (FilmSettings(stages=(1,)), True, "Stage 1 off", FilmSettings(stages=())),
        (FilmSettings(strength=0.2), True, "As trained", TRAINED),
        (FilmSettings(mode="off"), False, "Strength 0.5", FilmSettings(mode="on", strength=0.5)),
        (TRAINED, False, "Stage 0 off", FilmSettings(mode="on", stages=(1,))),  # the protocol had FiLM off
        (FilmSettings(mode="shuffle"), True, "Strength 0.5", FilmSettings(mode="on", strength=0.5)),
        (FilmSettings(text="words"), True, "The model's own answer", TRAINED),
        (FilmSettings(text="words"), True, "Shuffled", FilmSettings(mode="shuffle", text="words")),
    ],
)
def test_each_line_changes_one_thing(now: FilmSettings, ran: bool, title: str, wish: FilmSettings) -> None:
    lines = {item.title: item for item in variants(RunSettings(seed=7, film=now), FILM, ran_with_film=ran)}
    assert lines[title].settings == RunSettings(seed=7, film=wish)
    assert lines["As run now"].now
    assert lines[title].now is (wish == now)


# ---- with the demo's own checkpoint --------------------------------------------------------------------------------

DEMO = Path(__file__).resolve().parents[2] / "resources" / "demo"
DEMO_CKPT = next((DEMO / "experiments" / "medsegdiff_flow_vlm_film").rglob("best.ckpt"))
DEMO_CASE = DEMO / "xca" / "test" / "image" / "0003.png"
Run = Callable[[FilmSettings], Prediction]


@pytest.fixture(scope="module")
def direct() -> Run:
    """The same run without a window."""
    segmenter, case = pipeline.load(DEMO_CKPT, vlm="none"), pipeline.open_case(DEMO_CASE)
    return lambda film: pipeline.segment(segmenter, case.image, RunSettings(film=film))


@pytest.fixture
def real(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    """A window with nothing faked, and the demo's FiLM checkpoint on one of its cases."""
    shown = MainWindow(Settings(tmp_path / "settings.ini"))
    qtbot.addWidget(shown)
    shown.resize(1280, 800)
    shown.show()
    qtbot.waitExposed(shown)
    shown.open([str(DEMO_CKPT), str(DEMO_CASE)])
    finish(qtbot, shown)
    shown.show_film()
    yield shown
    qtbot.waitUntil(lambda: shown.queue.idle, timeout=20_000)
    check_nothing_runs(shown.queue)


def finish(qtbot: QtBot, window: MainWindow) -> Prediction | None:
    """What the active column shows when everything has ended."""
    qtbot.waitUntil(lambda: not window.queue.idle, timeout=5_000)
    qtbot.waitUntil(lambda: window.queue.idle, timeout=200_000)
    qtbot.wait(200)
    column = window.store.active_column
    return window.store.run_state(column).prediction if column else None


def test_the_demo_says_where_its_condition_comes_from_and_what_became_of_it(
    qtbot: QtBot, real: MainWindow, direct: Run
) -> None:
    panel, truth = real.parts.film, direct(FilmSettings())
    assert truth.condition is not None
    assert panel.status.text() == "FiLM is as it was trained in this run."
    assert "From the cache vlm_profiles.tar" in panel.told.texts()
    assert any("was asked nothing" in text for text in panel.told.texts())
    assert panel.told.windows.count.text() == f"of {len(truth.condition)}"
    panel.told.windows.spin.setValue(2)
    for plot, stage in zip(panel.plots.plots, truth.modulation, strict=True):
        assert plot.gamma.shown() == pytest.approx(stage.gamma[1])
        assert plot.beta.shown() == pytest.approx(stage.beta[1])
    assert len(panel.plots.plots) == len(truth.modulation) == 2


def test_strength_0_gives_the_mask_of_film_off_and_says_so_on_the_view(
    qtbot: QtBot, real: MainWindow, direct: Run
) -> None:
    panel, off = real.parts.film, direct(FilmSettings(mode="off"))
    panel.controls.slider.setValue(0)
    panel.controls.run_button.click()
    shown = finish(qtbot, real)
    assert shown is not None
    assert np.array_equal(shown.mask, off.mask)
    assert not np.array_equal(shown.mask, direct(FilmSettings()).mask)
    (key,) = real.store.columns
    assert "FiLM strength 0" in real.parts.view.column(key).header.badge_texts()
    assert panel.status.text() == "Not as trained: FiLM strength 0."


def test_the_numbers_of_the_table_are_those_of_the_pipeline(qtbot: QtBot, real: MainWindow, direct: Run) -> None:
    panel, truth = real.parts.film, direct(FilmSettings())
    case = real.store.case
    assert case is not None
    assert case.reference is not None
    panel.effects.measure_button.click()
    finish(qtbot, real)
    wishes = {
        "As run now": FilmSettings(),
        "FiLM off": FilmSettings(mode="off"),
        "Shuffled": FilmSettings(mode="shuffle"),
        "Strength 0.5": FilmSettings(strength=0.5),
        "Stage 1 off": FilmSettings(stages=(2,)),
        "Stage 2 off": FilmSettings(stages=(1,)),
    }
    changed = set()
    for title, wish in wishes.items():
        variant = direct(wish)
        change, dice = pipeline.difference(truth, variant), pipeline.measure(variant, case.reference)["dice"]
        assert cell(panel, title, 1) == f"{dice.value:.3f}"
        assert cell(panel, title, 2) == f"{change.pixels:,}"
        assert cell(panel, title, 3) == f"{change.mean_change:.4f}"
        changed.add(change.pixels)
    assert len(changed) == len(wishes)  # each part does something else
    copied = {row.split("\t")[0]: row.split("\t")[-1] for row in panel.effects.model.text().splitlines()}
    assert copied["FiLM off"] == "FiLM off"
    assert copied["Strength 0.5"] == "FiLM strength 0.5"


def test_with_a_genuine_model_its_answer_is_shown_and_other_words_change_the_run(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tiny model of the genuine kind, chosen by its folder: nothing is faked, nothing is fetched."""
    pytest.importorskip("transformers")
    checkpoint = text_checkpoint(tmp_path)
    model = save_tiny_model(tmp_path / "models" / "Qwen2.5-VL-3B-Instruct", ANSWERS)
    image = tmp_path / "image.png"
    Pillow.fromarray(np.random.default_rng(3).integers(0, 255, (20, 24), dtype=np.uint8)).save(image)
    window = MainWindow(Settings(tmp_path / "settings.ini"))
    qtbot.addWidget(window)
    window.open([str(checkpoint), str(image)])
    finish(qtbot, window)
    assert window.store.run_state("column 1").state == "error"
    choose(monkeypatch, str(model))
    window.parts.banner.remedies.folder_button.click()
    first = finish(qtbot, window)
    told = window.parts.film.told
    assert first is not None
    assert f"Computed now by {first.conditions[0].source}" in told.texts()
    assert {PROMPTS[0], first.conditions[0].answers[0]} <= set(told.texts())
    told.editor.box.setPlainText("the catheter lies over the vessel")
    told.editor.run_button.click()
    second = finish(qtbot, window)
    assert second is not None
    assert not np.array_equal(first.condition, second.condition)  # type: ignore[arg-type]
    assert "the catheter lies over the vessel" in told.texts()
    assert told.windows.shared.text() == f"All {len(second.conditions)} windows share one condition."
    assert window.parts.film.status.text() == "Not as trained: told other words by hand."
    check_nothing_runs(window.queue)


def text_checkpoint(folder: Path) -> Path:
    """A small checkpoint whose condition is a sentence of the tiny model."""
    torch.manual_seed(2)
    prefix = "vlm_film_conditioner."
    sizes = {"image_to_cond.proj.weight": (12, WIDTH), "text_to_cond.mlp.0.weight": (16, WIDTH)}
    sizes |= {"text_to_cond.mlp.0.bias": (16,), "text_to_cond.mlp.2.weight": (12, 16), "text_to_cond.mlp.2.bias": (12,)}
    config = FILM_CONFIG | {"use_text_prompt_cond": True, "prompt_template": PROMPTS[0]}
    return write_checkpoint(
        folder / "words.ckpt",
        DFM | FILM_DIALECT | {"vlm_film_config": config},
        film=True,
        change={prefix + key: torch.randn(*size) for key, size in sizes.items()},
    )
