"""Models and panels: every fact has its line, trees are built as they are opened, dashes have reasons, text is text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.actions import COMMANDS, shortcut_lines
from app.item_models.facts import key_facts, size_text
from app.item_models.measurements import MeasuredColumn, MeasurementTable, outcome_column
from app.item_models.tree import BATCH, ValueTree
from app.items import CheckpointItem, LoadOptions
from app.keymap import Keymap
from app.panels.film_choice import FilmChoice
from app.panels.passport import PassportPanel
from app.recent import menu_text
from app.settings import RECENT_KEPT, Settings
from core.pipeline import pair
from core.records import NO_VALUE, Evidence, FilmReport, Finding, Measurement, MetricValue
from tests.gui import fakes

FILM = FilmReport(
    heads=2,
    stages=(0, 1),
    stages_from="weights",
    channels=(64, 64),
    point="A",
    condition="image",
    cond_dim=2048,
    vlm="Qwen2-VL",
    layer_norm=True,
    hidden=256,
    feature_width=8,
    stage_choices=((0, 1), (1, 2)),
    dropped_keys=12,
    dropped_parameters=3456789,
)


def facts(**changes: Any) -> dict[str, str]:
    return {fact.label: fact.value for fact in key_facts(replace(fakes.report(), **changes))}


def test_the_facts_of_a_plain_flow_model() -> None:
    found = facts(timesteps=25, sampler="euler", image_size=256, epoch=3, global_step=12000, size_bytes=1_500_000)
    assert found["Class"] == "FlowModel"
    assert found["Sampler"] == "euler, 25 steps"
    assert found["Window"] == "256 x 256, sliding"
    assert found["Parameters"] == "1,234,567"
    assert found["Weights"] == "ema (on offer: model, ema)"
    assert found["Why these"] == "the producer tests with it"
    assert found["Trained to"] == "epoch 3, step 12,000"
    assert found["Size"] == "1.5 MB"


def test_what_the_file_does_not_say_is_a_dash() -> None:
    assert facts(producer=None, parameters=None)["Producer"] == NO_VALUE
    assert "FiLM heads" not in facts()


def test_film_says_what_a_loader_without_it_drops() -> None:
    found = facts(film=FILM)
    assert found["FiLM heads"] == "2 at stages 0, 1 (derived from the widths of the weights)"
    assert found["Without FiLM"] == "a loader that ignores the heads drops 12 keys with 3,456,789 parameters"


@pytest.mark.parametrize(("size", "text"), [(999, "999 bytes"), (1000, "1.0 KB"), (5 * 10**9, "5.0 GB")])
def test_sizes(size: int, text: str) -> None:
    assert size_text(size) == text


def test_a_tree_fetches_as_it_is_opened(qtbot: QtBot) -> None:
    model = ValueTree()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.set_value({"lr": 0.001, "many": list(range(1000)), "empty": {}, "deep": {"a": {"b": None}}})
    model.fetchMore(QModelIndex())
    assert model.rowCount() == 4
    many = model.index(1, 0)
    assert model.data(model.index(1, 1)) == "1,000 entries"
    while model.rowCount(many) < 1000 and model.canFetchMore(many):
        before = model.rowCount(many)
        model.fetchMore(many)
        assert model.rowCount(many) - before <= BATCH
    assert model.rowCount(many) == 1000
    assert model.data(model.index(999, 1, many)) == "999"
    assert not model.hasChildren(model.index(2, 0))


def test_a_measure_that_does_not_exist_is_a_dash_with_its_reason(qtbot: QtBot) -> None:
    values = (
        MetricValue(name="dice", value=0.91234, definition="2TP / (2TP + FP + FN)."),
        MetricValue(name="cldice", value=None, reason="the reference is empty"),
        MetricValue(name="betti_0_error", value=12.0),
    )
    model = MeasurementTable()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.set_columns(
        [
            MeasuredColumn(title="a.ckpt", colour="#56B4E9", measurement=Measurement(values=values)),
            MeasuredColumn(title="b.ckpt", colour="#E69F00", reason="not run yet"),
        ]
    )
    cells = [[model.data(model.index(row, column)) for column in range(3)] for row in range(3)]
    assert cells == [
        ["Dice", "0.912", NO_VALUE],
        ["clDice", NO_VALUE, NO_VALUE],
        ["Betti-0 error", "12", NO_VALUE],
    ]
    assert "the reference is empty" in model.data(model.index(1, 1), Qt.ItemDataRole.ToolTipRole)
    assert "2TP / (2TP + FP + FN)." in model.data(model.index(0, 0), Qt.ItemDataRole.ToolTipRole)
    assert model.reasons() == ("b.ckpt: not run yet", "a.ckpt, clDice: the reference is empty")
    assert model.text().splitlines()[1] == f"Dice\t0.912\t{NO_VALUE}"


def test_the_passport_shows_markup_as_it_is(qtbot: QtBot) -> None:
    panel = PassportPanel()
    qtbot.addWidget(panel)
    evil = "<img src='file:///etc/passwd'><b>bold</b>"
    findings = (
        Finding(severity="note", code="n", message="a note"),
        Finding(severity="error", code="e", message=f"an error {evil}", remedy=f"a remedy {evil}"),
    )
    report = replace(
        fakes.report(), findings=findings, producer=evil, evidence=(Evidence(field="arch", value=evil, why=evil),)
    )
    panel.show_item(CheckpointItem(id=f"/data/{evil}.ckpt", report=report), LoadOptions())
    assert panel.findings.texts() == ["Error", f"an error {evil}", f"a remedy {evil}", "Note", "a note"]
    assert evil in panel.facts.texts()
    assert panel.evidence.data(panel.evidence.index(0, 1)) == evil
    assert "<img" not in panel.evidence.data(panel.evidence.index(0, 1), Qt.ItemDataRole.ToolTipRole)


def test_a_passport_with_a_warning_is_not_green(qtbot: QtBot) -> None:
    """As that of a file without the weights that its producer evaluated."""
    panel = PassportPanel()
    qtbot.addWidget(panel)
    panel.show_item(CheckpointItem(id="/data/a.ckpt", report=replace(fakes.report(), findings=())))
    assert (panel.status.property("severity"), "as it was trained" in panel.status.text()) == ("ok", True)
    for severity, shown in (("note", "ok"), ("warning", "warning")):
        finding = Finding(severity=severity, code="weights.ema-missing", message="It has no EMA weights.")  # type: ignore[arg-type]
        panel.show_item(CheckpointItem(id="/data/a.ckpt", report=replace(fakes.report(), findings=(finding,))))
        assert panel.status.property("severity") == shown
    assert "read the warnings" in panel.status.text()


def test_film_stages_can_be_chosen_and_the_choice_is_announced(qtbot: QtBot) -> None:
    choice = FilmChoice()
    qtbot.addWidget(choice)
    choice.show_film(FILM, LoadOptions(device="cpu"))
    assert choice.note.isVisibleTo(choice)
    assert [choice.stages.itemText(row) for row in range(3)] == ["As found: 0, 1", "0, 1", "1, 2"]
    with qtbot.waitSignal(choice.options_requested) as announced:
        choice.stages.activated.emit(choice.stages.findText("1, 2"))
        choice.stages.setCurrentIndex(2)
        choice.stages.activated.emit(2)
    assert announced.args == [LoadOptions(device="cpu", film_stages=(1, 2))]
    choice.show_film(FILM, LoadOptions(film_stages=(1, 2)))
    assert choice.stages.currentIndex() == 2


def test_masks_find_their_images() -> None:
    assert pair(["/a/x.png"], ["/b/anything.png"]) == ({"/a/x.png": "/b/anything.png"}, [])
    images, masks = ["/a/1_image.png", "/a/2.png", "/a/3.png"], ["/a/2_mask.png", "/a/1_mask.png", "/a/9_mask.png"]
    found, left = pair(images, masks)
    assert found == {"/a/1_image.png": "/a/1_mask.png", "/a/2.png": "/a/2_mask.png"}
    assert left == ["/a/9_mask.png"]
    assert pair(["/a/1.png", "/b/1.png"], ["/c/1_gt.png"]) == ({}, ["/c/1_gt.png"])


def test_settings_are_remembered_and_forgive_nonsense(tmp_path: Path) -> None:
    path = tmp_path / "settings.ini"
    settings = Settings(path)
    for number in range(RECENT_KEPT + 3):
        settings.add_recent_file(f"/데이터/{number}.ckpt")
    settings.add_recent_file("/데이터/5.ckpt")
    settings.theme = "dark"
    settings.sync()
    again = Settings(path)
    assert again.recent_files[0] == "/데이터/5.ckpt"
    assert len(again.recent_files) == len(set(again.recent_files)) == RECENT_KEPT
    assert again.theme == "dark"
    path.write_text("[view]\ntheme=purple\n[recent]\nfiles=one.ckpt\n", encoding="utf-8")
    odd = Settings(path)
    assert odd.theme == "system"
    assert odd.recent_files == ["one.ckpt"]
    assert odd.layout()[0].isEmpty()


def test_commands_are_unique_and_have_no_clashing_shortcuts(tmp_path: Path) -> None:
    ids = [command.id for command in COMMANDS]
    keys = [command.shortcut for command in COMMANDS if command.shortcut]
    assert len(set(ids)) == len(ids)
    assert len(set(keys)) == len(keys)
    lines = shortcut_lines(Keymap(COMMANDS, Settings(tmp_path / "settings.ini")))
    assert ("Ctrl+O", "Open files") in lines


def test_a_recent_file_is_no_mnemonic() -> None:
    assert menu_text("/data/R&D.ckpt") == "/data/R&&D.ckpt"
    assert menu_text("/x" * 100).startswith("\N{HORIZONTAL ELLIPSIS}")


@pytest.mark.parametrize(
    ("title", "head"),
    [
        ("best.ckpt", "best.ckpt"),
        ("run 2/best.ckpt", "run 2"),
        ("medsegdiff_flow_xca_dfm", "\N{HORIZONTAL ELLIPSIS}low_xca_dfm"),
    ],
)
def test_the_head_of_a_column_of_numbers_is_what_tells_it_from_others(
    qapp: QApplication, title: str, head: str
) -> None:
    table = MeasurementTable()
    table.set_columns([MeasuredColumn(title=title, colour="#000000")])
    assert table.headerData(1, Qt.Orientation.Horizontal) == head


def test_a_copied_table_says_which_columns_are_not_as_trained() -> None:
    table = MeasurementTable()
    numbers = Measurement(values=(MetricValue(name="dice", value=0.5),))
    table.set_columns(
        [
            outcome_column("one", "#000000", numbers, "", ["FiLM off", "threshold 0.3, trained 0.5"]),
            outcome_column("two", "#ffffff", numbers, ""),
            outcome_column("three", "#888888", None, "not run yet", ["FiLM off"]),
        ]
    )
    assert table.text().splitlines()[-1].split("\t") == [
        "Not as trained",
        "FiLM off; threshold 0.3, trained 0.5",
        NO_VALUE,
        NO_VALUE,
    ]
    table.set_columns([outcome_column("two", "#ffffff", numbers, "")])
    assert "Not as trained" not in table.text()
