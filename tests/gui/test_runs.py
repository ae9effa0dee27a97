"""Training runs in the library: listed at once, in any order, filtered, and opened one by one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from app.item_models.run_words import main_checkpoint, status_sign
from app.item_models.runs import ORDERS, RunRole, RunTree
from app.panels.runs import RunsPanel
from app.store import Store
from app.theme import DARK, LIGHT
from app.window import MainWindow
from core.pipeline import scan
from core.records import Finding, FolderContents, RunCheckpoint, TrainingRun
from tests.gui.dropping import drop, drop_mime
from tests.gui.heartbeat import Heartbeat
from tests.gui.standins import FakePipeline
from tests.shared_data import FIXTURES, needs_shared
from tests.test_runs import make_run, record, track

LIMIT_MS = 100


def run(number: int, *, files: tuple[str, ...] = ("best.ckpt", "last.ckpt"), **facts: object) -> TrainingRun:
    path = f"/exp/nnunet/xca/nnunet_xca_2026010{number}_000000"
    roles = {"best.ckpt": "best", "last.ckpt": "last"}
    found = tuple(
        RunCheckpoint(path=f"{path}/checkpoints/{file}", role=roles.get(file, "other"), size_bytes=1500)  # type: ignore[arg-type]
        for file in files
    )
    usual: dict[str, object] = {
        "model": "nnunet",
        "dataset": "xca",
        "created": f"2026-01-0{number}T00:00:00",
        "status": "completed",
        "metric": number / 10,
        "metric_name": "val/dice",
        "metric_from": "summary.json: value of the last validation, not of best.ckpt",
    }
    return TrainingRun(path=path, id=Path(path).name, checkpoints=found, **(usual | facts))  # type: ignore[arg-type]


def contents(*runs: TrainingRun, more: tuple[str, ...] = ()) -> FolderContents:
    files = tuple(item.path for one in runs for item in one.checkpoints)
    return FolderContents(path="/exp", checkpoints=(*files, *more), runs=runs)


def settle(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: window.queue.idle)


def drop_folder(qtbot: QtBot, window: MainWindow, verbs: FakePipeline, found: FolderContents) -> RunsPanel:
    verbs.folders["/exp"] = found
    drop(window.parts.view, ["/exp"])
    settle(qtbot, window)
    return window.parts.library.runs


def titles(tree: RunTree) -> list[str]:
    return [Path(tree.index(row, 0).data(RunRole.RUN)).name for row in range(tree.rowCount())]


@pytest.fixture
def panel(qtbot: QtBot) -> RunsPanel:
    panel = RunsPanel(Store(), LIGHT)
    qtbot.addWidget(panel)
    return panel


def fill(panel: RunsPanel, *runs: TrainingRun) -> RunTree:
    panel._store.list_training_runs(runs)
    return panel.tree


# ---- opening --------------------------------------------------------------------------------------------------------


def test_of_one_run_only_the_best_checkpoint_opens(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    panel = drop_folder(qtbot, window, verbs, contents(run(1)))
    best = run(1).checkpoints[0].path
    assert [column.checkpoint for column in window.store.columns.values()] == [best]
    assert list(window.store.checkpoints) == [best]
    assert panel.isVisible()
    assert panel.tree.rowCount(panel.tree.index(0, 0)) == 2


def test_a_few_runs_open_one_column_each(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    runs = [run(number) for number in range(1, 5)]
    drop_folder(qtbot, window, verbs, contents(*runs))
    assert [column.checkpoint for column in window.store.columns.values()] == [main_checkpoint(one) for one in runs]


def test_many_runs_are_only_listed_and_loose_checkpoints_still_open(
    qtbot: QtBot, window: MainWindow, verbs: FakePipeline
) -> None:
    runs = [run(number) for number in range(1, 7)]
    panel = drop_folder(qtbot, window, verbs, contents(*runs, more=("/exp/loose.ckpt",)))
    assert list(window.store.checkpoints) == ["/exp/loose.ckpt"]
    assert panel.tree.rowCount() == 6
    said = "\n".join(window.parts.library.messages.texts())
    assert "6 training runs, 0 cases and 13 checkpoints" in said
    assert "double click one to open it" in said


def test_the_section_is_only_there_when_there_are_runs(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    assert not window.parts.library.runs.isVisible()
    panel = drop_folder(qtbot, window, verbs, contents(run(1)))
    assert panel.isVisible()
    panel.view.remove_requested.emit(run(1).path)
    assert not panel.isVisible()
    assert main_checkpoint(run(1)) in window.store.checkpoints, "what was opened stays"


def test_double_click_enter_and_menu_open_a_checkpoint(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    panel = drop_folder(qtbot, window, verbs, contents(*(run(number) for number in range(1, 7))))
    view, tree = panel.view, panel.tree
    first = tree.index(0, 0)
    view.setExpanded(first, True)
    last = tree.index(1, 0, first)
    at = view.visualRect(last).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    qtbot.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    settle(qtbot, window)
    view.setCurrentIndex(tree.index(1, 0))
    qtbot.keyClick(view, Qt.Key.Key_Return)
    settle(qtbot, window)
    opened = [column.checkpoint for column in window.store.columns.values()]
    assert opened == [run(6).checkpoints[1].path, run(5).checkpoints[0].path]
    assert window.store.checkpoints[opened[0]].report is not None
    view.menu_for(last).actions()[1].trigger()
    settle(qtbot, window)
    assert [column.checkpoint for column in window.store.columns.values()] == [*opened, opened[0]]
    view.menu_for(last).actions()[0].trigger()
    assert len(window.store.columns) == 3, "it has a column: that becomes the active one"


def test_a_double_click_on_a_run_opens_its_best_checkpoint_and_no_branch(
    qtbot: QtBot, window: MainWindow, verbs: FakePipeline
) -> None:
    panel = drop_folder(qtbot, window, verbs, contents(*(run(number) for number in range(1, 7))))
    at = panel.view.visualRect(panel.tree.index(1, 0)).center()
    qtbot.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    qtbot.mouseDClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    settle(qtbot, window)
    assert [column.checkpoint for column in window.store.columns.values()] == [run(5).checkpoints[0].path]
    assert not panel.view.isExpanded(panel.tree.index(1, 0))


def test_a_row_is_dragged_as_its_file(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    panel = drop_folder(qtbot, window, verbs, contents(*(run(number) for number in range(1, 7))))
    mime = panel.tree.mimeData([panel.tree.index(2, 0)])
    assert drop_mime(window.parts.view, mime)
    settle(qtbot, window)
    assert [column.checkpoint for column in window.store.columns.values()] == [run(4).checkpoints[0].path]


def test_delete_and_copy(qtbot: QtBot, window: MainWindow, verbs: FakePipeline) -> None:
    panel = drop_folder(qtbot, window, verbs, contents(*(run(number) for number in range(1, 7))))
    actions = {action.text(): action for action in panel.view.menu_for(panel.tree.index(0, 0)).actions()}
    actions["Copy path"].trigger()
    assert QGuiApplication.clipboard().text() == run(6).path
    panel.view.setCurrentIndex(panel.tree.index(0, 0))
    panel.view.setFocus()
    qtbot.keyClick(panel.view, Qt.Key.Key_Delete)
    assert run(6).path not in window.store.training_runs
    assert panel.title() == "Training runs (5)"


# ---- what rows say --------------------------------------------------------------------------------------------------


def test_a_row_says_score_data_set_day_and_status(panel: RunsPanel) -> None:
    picked = run(3, tag="\uc2e4\ud5d8")
    one = RunCheckpoint(path=picked.checkpoints[0].path, role="best", size_bytes=1500, picked=True)
    index = fill(panel, run(3, tag="\uc2e4\ud5d8", files=())).index(0, 0)
    assert index.data(RunRole.PICKED) is False
    fill(panel, TrainingRun(**{**_fields(picked), "checkpoints": (one,)}))
    index = panel.tree.index(0, 0)
    assert index.data() == "nnunet \N{MIDDLE DOT} \uc2e4\ud5d8"
    assert index.data(RunRole.SCORE) == "0.3000"
    details = index.data(RunRole.DETAILS).split(" \N{MIDDLE DOT} ")
    assert (details[0], details[2]) == ("xca", "completed")
    assert "2026" in details[1] or "26" in details[1]
    assert index.data(RunRole.PICKED) is True
    tooltip = index.data(Qt.ItemDataRole.ToolTipRole)
    assert "val/dice 0.3 (summary.json: value of the last validation, not of best.ckpt)" in tooltip
    assert "evaluation takes this checkpoint" in tooltip
    child = panel.tree.index(0, 0, index)
    assert (child.data(), child.data(RunRole.DETAILS), child.data(RunRole.PICKED)) == ("best.ckpt", "1.5 KB", True)


def _fields(one: TrainingRun) -> dict[str, object]:
    return {name: getattr(one, name) for name in TrainingRun.__dataclass_fields__}


def test_a_failed_run_without_checkpoint_is_grey_and_says_why(panel: RunsPanel) -> None:
    failed = run(1, status="failed", error="CUDA <b>out</b> of memory", metric=None, files=())
    index = fill(panel, failed).index(0, 0)
    assert index.data(RunRole.DETAILS).startswith("failed \N{MIDDLE DOT} no checkpoint")
    assert index.data(RunRole.DIM) is True
    assert index.data(RunRole.CHECKPOINT) is None
    assert "CUDA &lt;b&gt;out&lt;/b&gt; of memory" in index.data(Qt.ItemDataRole.ToolTipRole)
    assert not panel.tree.flags(index) & Qt.ItemFlag.ItemIsDragEnabled
    opened: list[object] = []
    panel.view.open_requested.connect(opened.append)
    panel.view.activated.emit(index)
    assert opened == []


def test_each_status_has_a_word_and_a_sign_of_its_own(panel: RunsPanel) -> None:
    statuses = ("completed", "failed", "running", "unknown")
    tree = fill(panel, *(run(number + 1, status=status) for number, status in enumerate(statuses)))
    panel.order.setCurrentText("Name")
    words = [tree.index(row, 0).data(RunRole.DETAILS).split(" \N{MIDDLE DOT} ")[2] for row in range(4)]
    assert words == ["completed", "failed", "running", "no status"]
    assert len({status_sign(run(1, status=status), LIGHT)[0] for status in statuses}) == 4


def test_contradictions_are_counted_in_the_row_and_told_in_the_tooltip(panel: RunsPanel) -> None:
    warned = Finding(severity="warning", code="run.status-disagrees", message="Two files disagree.", remedy="")
    told = Finding(severity="note", code="run.running", message="Only a note.", remedy="")
    index = fill(panel, run(1, findings=(warned, told))).index(0, 0)
    assert index.data(RunRole.DETAILS).endswith("1 warning")
    assert "Two files disagree." in index.data(Qt.ItemDataRole.ToolTipRole)
    assert "Only a note." in index.data(Qt.ItemDataRole.ToolTipRole)


def test_names_from_strangers_are_shown_as_text(panel: RunsPanel) -> None:
    index = fill(panel, run(1, model="a\u202eb", tag="<img src=x>")).index(0, 0)
    assert index.data() == "a\\u202eb \N{MIDDLE DOT} <img src=x>"
    assert "&lt;img" in index.data(Qt.ItemDataRole.ToolTipRole)


# ---- order and filter -----------------------------------------------------------------------------------------------


def test_orders(panel: RunsPanel) -> None:
    tree = fill(panel, run(2, metric=0.9, dataset="xca"), run(1, metric=None, dataset=None),
                run(3, metric=0.1, dataset="ROSSA"), run(4, created=None, metric=0.5))  # fmt: skip
    found = {}
    for order in ORDERS:
        panel.order.setCurrentText(order)
        found[order] = [int(name[-8]) for name in titles(tree)]
    assert found == {
        "Newest": [3, 2, 1, 4],
        "Best score": [2, 4, 3, 1],
        "Data set": [3, 2, 4, 1],
        "Name": [1, 2, 3, 4],
    }


def test_the_filter_takes_words_in_any_order_and_hangul_in_pieces(panel: RunsPanel) -> None:
    tree = fill(panel, run(1, tag="\uc2e4\ud5d8", status="failed"), run(2, tag="\uc2e4\ud5d8"), run(3))
    panel.filter.setText("FAILED \u1109\u1175\u11af")  # the first syllable as macOS stores it
    assert [name[-8] for name in titles(tree)] == ["1"]
    assert panel.title() == "Training runs (1 of 3)"
    panel.filter.setText("nothing like it")
    assert tree.rowCount() == 0
    assert not panel.isHidden(), "else the filter could not be lifted"
    panel.filter.clear()
    assert tree.rowCount() == 3


def test_open_branches_and_the_current_run_survive_order_and_filter(panel: RunsPanel) -> None:
    tree = fill(panel, run(1), run(2), run(3))
    panel.view.setExpanded(tree.index_of(run(2).path), True)
    panel.view.setCurrentIndex(tree.index_of(run(3).path))
    panel.filter.setText("2026010 x")
    panel.filter.clear()
    panel.order.setCurrentText("Name")
    assert [panel.view.isExpanded(tree.index(row, 0)) for row in range(3)] == [False, True, False]
    assert panel.view.currentIndex().data(RunRole.RUN) == run(3).path


def test_a_folder_read_again_changes_its_rows(panel: RunsPanel) -> None:
    tree = fill(panel, run(1, status="running", metric=None))
    fill(panel, run(1))
    assert tree.rowCount() == 1
    assert tree.index(0, 0).data(RunRole.SCORE) == "0.1000"


def test_the_tree_keeps_the_rules_of_qt(panel: RunsPanel) -> None:
    tester = QAbstractItemModelTester(panel.tree, QAbstractItemModelTester.FailureReportingMode.Fatal)
    tree = fill(panel, run(1), run(2), run(3, files=()))
    panel.order.setCurrentText("Best score")
    panel.filter.setText("xca")
    panel._store.remove_training_run(run(2).path)
    child = tree.index(1, 0, tree.index_of(run(1).path))
    assert tree.parent(child) == tree.index_of(run(1).path)
    assert tree.parent(tree.parent(child)) == QModelIndex()
    assert tester.model() is tree


# ---- how it looks ---------------------------------------------------------------------------------------------------


def test_rows_are_drawn_in_both_themes(qtbot: QtBot, panel: RunsPanel) -> None:
    fill(panel, run(1), run(2, files=(), metric=None, status="failed"))
    panel.resize(240, 200)
    panel.show()
    qtbot.waitExposed(panel)
    panel.view.setExpanded(panel.tree.index_of(run(1).path), True)
    where = panel.view.visualRect(panel.tree.index_of(run(1).path)).adjusted(40, 0, -10, 0)
    drawn = []
    for theme in (LIGHT, DARK):
        panel.set_theme(theme)
        image = panel.view.viewport().grab(where).toImage()
        drawn.append(
            {image.pixelColor(QPoint(x, y)).name() for x in range(image.width()) for y in range(image.height())}
        )
    assert drawn[0] != drawn[1]
    assert LIGHT.text in drawn[0]
    assert DARK.text in drawn[1]


# ---- time -----------------------------------------------------------------------------------------------------------


@pytest.mark.timeout(120)
def test_200_runs_are_listed_in_a_second_without_a_pause(
    qtbot: QtBot, window: MainWindow, verbs: FakePipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core import pipeline

    monkeypatch.setattr(pipeline, "scan", scan)  # the real one: files, threads and all
    tree = tmp_path / "experiments"
    records = []
    for number in range(200):
        name = f"nnunet_xca_20250101_{number // 60:04d}{number % 60:02d}"
        make_run(tree, name, summary={"experiment_id": name, "final_metrics": {"val/dice": number / 200}})
        records.append(record(name))
    track(tree, *records)
    drop(window.parts.view, ["/data/best.ckpt"])  # fonts and styles are loaded by this
    settle(qtbot, window)
    rounds = [list_and_sort(qtbot, window, tree) for _ in range(3)]
    assert min(seconds for seconds, _ in rounds) < 1, rounds
    assert min(pause for _, pause in rounds) < LIMIT_MS, rounds
    assert len(window.store.columns) == 1


def list_and_sort(qtbot: QtBot, window: MainWindow, tree: Path) -> tuple[float, float]:
    """Seconds until the runs are listed, and the longest pause (ms) in that and in every order and filter.

    The best of a few rounds counts: other programs may hold the processor, and what blocks the window does so always.
    """
    window.store.training_runs.clear()
    window.store.training_runs_removed.emit(())
    panel = window.parts.library.runs
    with Heartbeat() as beat:
        start = time.perf_counter()
        window.open([str(tree)])
        qtbot.waitUntil(lambda: panel.tree.rowCount() == 200)
        seconds = time.perf_counter() - start
        settle(qtbot, window)
        for order in ORDERS:
            panel.order.setCurrentText(order)
            qtbot.wait(20)
        for text in ("n", "nnunet", "nnunet completed", ""):
            panel.filter.setText(text)
            qtbot.wait(20)
    return seconds, beat.longest_ms


@needs_shared
def test_a_published_tree_in_the_library(
    qtbot: QtBot, window: MainWindow, verbs: FakePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core import pipeline

    monkeypatch.setattr(pipeline, "scan", scan)
    window.open([str(FIXTURES / "evaluation" / "sofl-seg" / "experiments")])
    panel = window.parts.library.runs
    qtbot.waitUntil(lambda: panel.tree.rowCount() == 4)
    settle(qtbot, window)
    panel.order.setCurrentText("Best score")
    rows = [panel.tree.index(row, 0) for row in range(4)]
    assert [row.data() for row in rows] == ["colddiff", "nnunet \N{MIDDLE DOT} tagged", "nnunet", "nnunet"]
    assert [row.data(RunRole.PICKED) for row in rows] == [True, True, False, False]
    assert [row.data(RunRole.DIM) for row in rows] == [False, False, False, True]
    assert len(window.store.columns) == 3
