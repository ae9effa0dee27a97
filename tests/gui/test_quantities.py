"""The table of quantities: an entry is all that a new one needs, and it says in words what it lacks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app.canvas.columns import ColumnsView
from app.canvas.quantities import TABLE, Classes, Entry, Kind, Moment, Painted
from app.panels.steps import StepsPanel
from tests.gui import fakes
from tests.gui.test_canvas_pixels import pixels

KINDS = (Kind(colour=""), Kind(colour="#ff0000", words="Missed"), Kind(colour="#00ff00", words="Added"))


def _paint(moment: Moment) -> Painted:
    return Painted(values=moment.plane(moment.maps["made-up"]), scale=Classes(kinds=KINDS), words="3 pixels")


def _lacking(moment: Moment) -> str:
    if moment.reference is None:
        return "needs a reference"
    return "" if "made-up" in moment.maps else "being computed"


@pytest.fixture
def errors() -> Iterator[Entry]:
    """A quantity of classes that needs a reference and a map computed in the background."""
    entry = Entry(name="made-up", title="Made up", tip="Where it is wrong", paint=_paint, lacking=_lacking)
    TABLE[entry.name] = entry
    yield entry
    del TABLE[entry.name]


@pytest.fixture
def columns(qtbot: QtBot, errors: Entry) -> ColumnsView:
    view = ColumnsView()
    qtbot.addWidget(view)
    view.resize(500, 420)
    view.show()
    view.add_column("a", "best.ckpt", "#56B4E9")
    return view


def test_an_entry_says_what_it_lacks_until_it_is_there(columns: ColumnsView) -> None:
    columns.set_case(fakes.case(reference=False))
    columns.set_prediction("a", fakes.prediction())
    columns.set_quantity("made-up")
    caption = columns.column("a").footer.caption
    assert caption.text() == "Made up \N{MIDDLE DOT} needs a reference"
    columns.set_case(fakes.case())
    columns.set_prediction("a", fakes.prediction())
    assert caption.text() == "Made up \N{MIDDLE DOT} being computed"
    columns.set_map("a", "made-up", np.zeros((1, 96, 128), np.uint8))
    assert caption.text() == "Made up \N{MIDDLE DOT} final result \N{MIDDLE DOT} 3 pixels"
    assert columns.column("a").footer.classes.words() == ("Missed", "Added")


def test_classes_are_drawn_in_their_colours_over_the_image(columns: ColumnsView) -> None:
    columns.set_case(fakes.case(reference=True))
    columns.set_overlay_style(fill=True, outline=True, opacity=1.0, visible=True, reference_visible=False)
    columns.set_prediction("a", fakes.prediction())
    columns.set_quantity("made-up")
    bare = pixels(columns.grab_view(1))
    found = np.zeros((1, 96, 128), np.uint8)
    found[0, 40:56, 56:72] = 1
    found[0, 0, 0] = 7  # a class that has no colour
    columns.set_map("a", "made-up", found)
    drawn = pixels(columns.grab_view(1))
    changed = np.any(drawn != bare, axis=-1)
    red = QColor("#ff0000")
    assert changed.any()
    in_picture = drawn[:300][changed[:300]]
    assert np.unique(in_picture, axis=0).tolist() == [[red.red(), red.green(), red.blue()]]


def test_a_map_goes_with_its_prediction(columns: ColumnsView) -> None:
    columns.set_case(fakes.case())
    columns.set_prediction("a", fakes.prediction())
    columns.set_quantity("made-up")
    columns.set_map("a", "made-up", np.ones((1, 96, 128), np.uint8))
    columns.set_prediction("a", fakes.prediction(shift=9.0))
    assert columns.column("a").footer.caption.text() == "Made up \N{MIDDLE DOT} being computed"


def test_an_entry_of_the_table_is_in_the_menu(qtbot: QtBot, errors: Entry) -> None:
    panel = StepsPanel()
    qtbot.addWidget(panel)
    seen: list[str] = []
    panel.quantity_changed.connect(seen.append)
    panel.entries["made-up"].trigger()
    assert seen == ["made-up"]
    assert panel.more.isChecked()
    assert panel.more.text().startswith("Made up")
