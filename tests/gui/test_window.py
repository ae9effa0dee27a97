"""The window as a person uses it: drop, look, compare, change, cancel. The pipeline is a stand-in, Qt is real."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QGuiApplication, QImage
from pytestqt.qtbot import QtBot

from app.window import MainWindow
from core.errors import ConditionMissing
from core.records import CasePaths, FolderContents
from tests.gui import fakes
from tests.gui.dropping import beside, drop, drop_mime
from tests.gui.standins import FakePipeline


def states(window: MainWindow) -> list[str]:
    return [window.store.run_state(column).state for column in window.store.columns]


def keys(window: MainWindow) -> tuple[str, ...]:
    """Of the columns of the view, from left to right."""
    return window.parts.view.keys()


def shown(window: MainWindow) -> list[str]:
    return [window.parts.view.column(key).state for key in keys(window)]


def settle(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: window.queue.idle)
    qtbot.wait(150)  # the panels show many changes at once, a moment later


def open_pair(qtbot: QtBot, window: MainWindow, *more: str) -> None:
    drop(window.parts.view, ["/data/best.ckpt", "/data/01.png", "/data/01.mask", *more])
    settle(qtbot, window)


def test_a_checkpoint_and_an_image_run_by_themselves(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    open_pair(qtbot, window)
    assert states(window) == shown(window) == ["result"]
    assert [run[:2] for run in verbs.runs] == [("best.ckpt", "01.png")]
    assert "best.ckpt" in window.parts.passport.title.text()
    assert "Dice 0.5" in window.parts.view.column("column 1").header.summary.text()


@pytest.mark.parametrize("part", ["view", "library", "passport", "measurements", "steps", "bar", "status"])
def test_files_may_be_dropped_anywhere(qtbot: QtBot, window: MainWindow, part: str) -> None:
    assert drop(getattr(window.parts, part), ["/data/best.ckpt"])
    qtbot.waitUntil(lambda: "/data/best.ckpt" in window.store.checkpoints)
    settle(qtbot, window)


def test_a_number_field_takes_no_file_for_text(qtbot: QtBot, window: MainWindow) -> None:
    before = window.parts.bar.spin.text()
    assert drop(window.parts.bar.spin, ["/data/best.ckpt"])
    settle(qtbot, window)
    assert window.parts.bar.spin.text() == before
    assert "/data/best.ckpt" in window.store.checkpoints


def test_what_is_no_file_is_not_taken(window: MainWindow) -> None:
    text, web = QMimeData(), QMimeData()
    text.setText("best.ckpt")
    web.setUrls([QUrl("https://example.org/best.ckpt")])
    assert not drop_mime(window.parts.passport, text)
    assert not drop_mime(window.parts.passport, web)


def test_a_second_checkpoint_dropped_on_the_view_opens_a_column(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    drop(window.parts.view, ["/data/other.ckpt"], beside(window.parts.view))
    settle(qtbot, window)
    assert shown(window) == ["result", "result"]
    colours = {column.colour for column in window.store.columns.values()}
    assert len(colours) == 2
    assert window.parts.measurements.model.columnCount() == 3


def test_a_second_checkpoint_dropped_in_the_library_is_only_listed(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    drop(window.parts.library.checkpoints, ["/data/other.ckpt"])
    settle(qtbot, window)
    assert len(window.store.columns) == 1
    window.parts.library.checkpoints.show_requested.emit("/data/other.ckpt")
    settle(qtbot, window)
    assert shown(window) == ["result", "result"]


def test_every_dropped_file_says_what_it_was_taken_for(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window, "/data/notes.docx")
    said = "\n".join(window.parts.library.messages.texts())
    assert "best.ckpt: taken for a checkpoint" in said
    assert "01.png: taken for an image" in said
    assert "01.mask: taken for a mask" in said
    assert "notes.docx is not a file that Flowglass knows." in said
    assert window.parts.banner.isVisible()
    assert window.parts.banner.remedy.text() == "Drop a checkpoint or an image."


def test_a_refused_checkpoint_says_why_in_the_column_and_the_passport(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window, "/data/refused <b>.ckpt")
    column = window.parts.view.column("column 2")
    assert column.state == "error"
    assert "12 keys have no place." in column.message.text()
    assert "Ask for it." in column.message.text()
    assert "12 keys have no place." in window.parts.passport.findings.texts()
    assert window.parts.passport.title.text().endswith("refused <b>.ckpt")
    assert window.store.active_column == "column 1"
    assert shown(window)[0] == "result"


def test_the_column_of_a_refused_checkpoint_makes_room(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window, "/data/refused.ckpt")
    drop(window.parts.view, ["/data/other.ckpt"], beside(window.parts.view))
    settle(qtbot, window)
    names = [window.store.title(column.checkpoint) for column in window.store.columns.values()]
    assert names == ["best.ckpt", "other.ckpt"]
    assert "/data/refused.ckpt" in window.store.checkpoints


def test_an_unreadable_image_shows_no_older_result(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    drop(window.parts.view, ["/data/broken.png"])
    settle(qtbot, window)
    column = window.parts.view.column("column 1")
    assert column.state == "error"
    assert column.prediction is None
    assert "broken.png: it ends too early." in column.message.text()


def test_cancel_is_shown_at_once_and_another_run_can_start(
    qtbot: QtBot, window: MainWindow, verbs: FakePipeline
) -> None:
    verbs.hold = True
    drop(window.parts.view, ["/data/best.ckpt", "/data/01.png"])
    qtbot.waitUntil(lambda: shown(window) == ["running"])
    window.parts.view.column("column 1").header.cancel_button.click()
    assert shown(window) == ["cancelled"]
    settle(qtbot, window)
    assert shown(window) == ["cancelled"]
    verbs.hold = False
    window.actions_by_id["run.again"].trigger()
    settle(qtbot, window)
    assert shown(window) == ["result"]


def test_a_result_of_an_older_request_is_filed_but_not_drawn(
    qtbot: QtBot, window: MainWindow, verbs: FakePipeline
) -> None:
    """The seed changes while a run is on its last call: its result comes all the same, and is not the one wanted."""
    open_pair(qtbot, window)
    first = window.store.run_key("column 1")
    late = fakes.prediction(shift=50.0)
    verbs.hold = True
    window.parts.run.seed.setValue(7)
    window.parts.run.run_button.click()
    assert first is not None
    qtbot.waitUntil(lambda: shown(window) == ["running"])
    window.runs._on_ended("column 1", first, late)
    assert window.store.outcomes.outcome(first) is late
    assert shown(window) == ["running"]
    verbs.gate.set()
    settle(qtbot, window)
    prediction = window.parts.view.column("column 1").prediction
    assert prediction is not None
    assert prediction.settings.seed == 7


def test_going_back_to_known_settings_or_cases_runs_nothing_again(
    qtbot: QtBot, window: MainWindow, verbs: FakePipeline
) -> None:
    open_pair(qtbot, window)
    drop(window.parts.view, ["/data/02.png"])
    settle(qtbot, window)
    assert len(verbs.runs) == 2
    window.step_case(-1)
    settle(qtbot, window)
    assert window.store.active_case == "/data/01.png"
    assert shown(window) == ["result"]
    assert len(verbs.runs) == 2


def test_a_missing_condition_offers_a_run_without_film(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    verbs.film_error = ConditionMissing("best.ckpt: no profile of 01.png. Drop the profile cache.")
    open_pair(qtbot, window)
    assert shown(window) == ["error"]
    assert window.parts.banner.action_button.isVisible()
    window.parts.banner.action_button.click()
    settle(qtbot, window)
    assert verbs.runs[-1][2].film.mode == "off"
    assert shown(window) == ["result"]
    assert not window.parts.banner.isVisible()


def test_a_profile_cache_is_used_by_the_columns(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    open_pair(qtbot, window)
    drop(window.parts.view, ["/data/profiles.tar"])
    settle(qtbot, window)
    assert [options["profiles"] for _, options in verbs.loads] == [None, "/data/profiles.tar"]


def test_the_threshold_acts_at_once_and_the_numbers_follow(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    window.parts.bar.slider.setValue(250)
    column = window.parts.view.column("column 1")
    assert column.cut() == 0.25
    assert any("0.25" in text for text in column.header.badge_texts())
    qtbot.waitUntil(lambda: "Dice 0.250" in column.header.summary.text())
    window.parts.bar.own_button.click()
    assert window.store.columns["column 1"].threshold is None
    settle(qtbot, window)
    assert "Dice 0.500" in column.header.summary.text()


def test_numbers_of_the_old_threshold_do_not_stand_beside_the_new_one(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    window.parts.bar.slider.setValue(250)
    assert "Dice" not in window.parts.view.column("column 1").header.summary.text()
    settle(qtbot, window)


def test_scrubbing_the_steps_changes_all_columns(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window, "/data/other.ckpt")
    window.parts.steps.choose(1)
    times = [window.parts.view.column(key).shown_t() for key in keys(window)]
    assert times == [pytest.approx(0.4), pytest.approx(0.4)]
    window.actions_by_id["view.final"].trigger()
    assert window.parts.view.column("column 1").shown_t() is None


def test_a_folder_opens_its_cases_and_checkpoints(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    cases = tuple(CasePaths(name=f"{n}.png", image=f"/set/{n}.png", reference=f"/set/{n}.mask") for n in range(30))
    checkpoints = tuple(f"/set/{n}.ckpt" for n in range(6))
    verbs.folders["/set"] = FolderContents(path="/set", cases=cases, checkpoints=checkpoints)
    drop(window.parts.view, ["/set"])
    settle(qtbot, window)
    assert window.parts.library.case_list.rowCount() == 30
    assert window.parts.library.checkpoint_list.rowCount() == 6
    assert shown(window) == ["result"] * 4
    assert {run[1] for run in verbs.runs} == {"0.png"}


def test_checkpoints_of_one_name_are_told_apart(qtbot: QtBot, window: MainWindow) -> None:
    drop(window.parts.view, ["/run 1/best.ckpt", "/run 2/best.ckpt"])
    settle(qtbot, window)
    titles = [window.parts.view.column(key).header.title.toolTip() for key in keys(window)]
    assert "run 1/best.ckpt" in titles[0]
    assert "run 2/best.ckpt" in titles[1]


def test_a_mask_dropped_later_becomes_the_reference(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    drop(window.parts.view, ["/data/best.ckpt", "/data/01.png"])
    settle(qtbot, window)
    assert "the case has no reference mask" in window.parts.measurements.reasons.text()
    drop(window.parts.view, ["/data/01.mask"])
    settle(qtbot, window)
    assert window.store.case is not None
    assert window.store.case.reference is not None
    assert len(verbs.runs) == 1
    assert "Dice 0.500" in window.parts.view.column("column 1").header.summary.text()


def test_removing_a_checkpoint_takes_its_column_and_results_along(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    key = window.store.run_key("column 1")
    window.parts.library.checkpoints.remove_requested.emit("/data/best.ckpt")
    assert keys(window) == ()
    assert key is not None
    assert window.store.outcomes.outcome(key) is None
    settle(qtbot, window)
    assert window.parts.passport.title.text() == "No checkpoint"


def test_removing_the_shown_case_shows_no_image(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    window.parts.library.cases.remove_requested.emit("/data/01.png")
    settle(qtbot, window)
    assert window.parts.view.case() is None
    assert shown(window) == ["empty"]


def test_a_file_dropped_again_is_read_and_run_again(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    open_pair(qtbot, window)
    drop(window.parts.view, ["/data/best.ckpt"])
    settle(qtbot, window)
    assert len(verbs.runs) == 2
    drop(window.parts.view, ["/data/01.png"])
    settle(qtbot, window)
    assert len(verbs.runs) == 3
    assert len(verbs.loads) == 2
    assert shown(window) == ["result"]


def test_a_checkpoint_that_changed_on_disk_is_loaded_again(
    qtbot: QtBot, window: MainWindow, verbs: FakePipeline
) -> None:
    open_pair(qtbot, window)
    window.runs.rerun("column 1")
    settle(qtbot, window)
    assert len(verbs.loads) == 1
    verbs.stamps["/data/best.ckpt"] = (1, 1)
    window.runs.rerun("column 1")
    settle(qtbot, window)
    assert len(verbs.loads) == 2


def test_a_result_for_a_closed_column_is_not_drawn(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    verbs.hold = True
    drop(window.parts.view, ["/data/best.ckpt", "/data/01.png"])
    qtbot.waitUntil(lambda: shown(window) == ["running"])
    window.parts.view.column("column 1").header.close_button.click()
    verbs.gate.set()
    settle(qtbot, window)
    assert keys(window) == ()


def test_the_picture_of_the_view_is_written_at_its_scale(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    open_pair(qtbot, window)
    for scale in (1, 2, 4):
        path = tmp_path / f"view {scale}.png"
        window.save_picture(str(path), scale)
        settle(qtbot, window)
        assert QImage(str(path)).size() == window.parts.view.size() * scale
    assert QImage(str(tmp_path / "view 1.png")).text("Description") == "best.ckpt: as trained"
    window.store.set_threshold("column 1", 0.25)
    window.save_picture(str(tmp_path / "moved.png"))
    settle(qtbot, window)
    assert (
        QImage(str(tmp_path / "moved.png")).text("Description").startswith("best.ckpt: not as trained: threshold 0.25")
    )
    window.save_picture(str(tmp_path / "missing" / "view.png"))
    settle(qtbot, window)
    assert "could not be written" in window.store.notes[-1].text


def test_the_picture_goes_to_the_clipboard(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    QGuiApplication.clipboard().clear()
    window.actions_by_id["file.copy-picture"].trigger()
    assert QGuiApplication.clipboard().image().size() == window.parts.view.size() * 2


def test_a_run_is_copied_as_the_command_that_repeats_it(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    window.store.set_threshold("column 1", 0.25)
    window.parts.run.device.setCurrentIndex(window.parts.run.device.findData("cpu"))
    window.parts.run.run_button.click()
    settle(qtbot, window)
    window.actions_by_id["run.copy-command"].trigger()
    command = QGuiApplication.clipboard().text()
    assert command == "flowglass predict /data/best.ckpt /data/01.png --threshold 0.25 --device cpu"


def test_the_result_is_saved_with_the_threshold_that_is_shown(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    open_pair(qtbot, window)
    window.store.set_threshold("column 1", 0.25)
    window.exports.save_prediction("column 1", str(tmp_path))
    settle(qtbot, window)
    assert (tmp_path / "01_best.txt").read_text(encoding="utf-8") == "0.25"


def test_results_of_two_runs_do_not_overwrite_each_other(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    """Producers call every run's file best.ckpt: the names of what is saved must still differ."""
    open_pair(qtbot, window, "/data/run 2/best.ckpt")
    for column in keys(window):
        window.exports.save_prediction(column, str(tmp_path))
    settle(qtbot, window)
    assert sorted(path.name for path in tmp_path.glob("*.txt")) == ["01_data_best.txt", "01_run 2_best.txt"]


def test_the_hash_is_computed_on_demand(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    assert window.parts.passport.hash_button.isVisibleTo(window.parts.passport)
    window.parts.passport.hash_button.click()
    settle(qtbot, window)
    assert "abababab" in window.parts.passport.hash_label.text()
    assert not window.parts.passport.hash_button.isVisibleTo(window.parts.passport)


def test_light_and_dark_are_remembered(window: MainWindow) -> None:
    window.actions_by_id["view.theme-dark"].trigger()
    assert window.theme.name == "dark"
    assert window.settings.theme == "dark"
    window.actions_by_id["view.theme-light"].trigger()
    assert window.palette().window().color().name() == window.theme.background


def test_the_value_under_the_pointer_is_in_the_status_bar(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    window.parts.view.hovered.emit(window.parts.view.info_at(10, 20))
    assert "Row 10, column 20" in window.parts.status.hover.text()
    assert "best.ckpt: p = 0." in window.parts.status.hover.text()


def test_recent_files_remember_what_was_opened(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window, "/data/notes.docx")
    assert set(window.settings.recent_files) == {"/data/best.ckpt", "/data/01.png", "/data/01.mask"}
    window._recent._fill()
    assert window._recent.actions()[0].text() == window.settings.recent_files[0]


def test_closing_the_window_cancels_and_waits(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    verbs.hold = True
    drop(window.parts.view, ["/data/best.ckpt", "/data/01.png"])
    qtbot.waitUntil(lambda: verbs.began.is_set())
    window.close()
    assert all(job.over for job in window.queue.jobs)


def test_space_shows_the_bare_image_after_a_drop(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    qtbot.keyPress(window.parts.view, Qt.Key.Key_Space)
    assert window.parts.view._scene.bare
    qtbot.keyRelease(window.parts.view, Qt.Key.Key_Space)
    assert not window.parts.view._scene.bare


def test_overlay_boxes_act_on_the_view(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    window.parts.bar.fill.setChecked(False)
    window.parts.bar.opacity.setValue(80)
    window.actions_by_id["view.reference"].trigger()
    style = window.parts.view.overlay_style()
    assert (style.fill, style.opacity, style.reference_visible) == (False, 0.8, False)


def test_the_drop_point_decides_between_library_and_view(qtbot: QtBot, window: MainWindow) -> None:
    open_pair(qtbot, window)
    drop(window, ["/data/two.ckpt"], QPoint(window.width() - 40, 300))
    settle(qtbot, window)
    assert len(window.store.columns) == 2
