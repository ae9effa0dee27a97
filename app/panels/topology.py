"""The topology lens: how a vessel tree is broken, bridged, cut short or made up, as a list to go through."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.item_models.topology import (
    KIND,
    LENGTH,
    MEANINGS,
    NAMES,
    TopologySieve,
    TopologyTable,
    summary_lines,
    table_text,
)
from app.panels.passport import set_severity
from app.panels.passport_parts import BreakingLabel
from app.panels.widgets.chips import ColourChip
from app.panels.widgets.flow_layout import FlowLayout
from app.panels.widgets.progress import PlainProgressBar
from app.panels.widgets.text import ElidedLabel, PlainLabel, plain_tooltip
from core.progress import Progress
from core.records import TopologyItem, TopologyKind, TopologyReport

FAULTLESS = "Nothing is wrong with how the result hangs together."
FILTERED = "No item is listed: choose other kinds, or a smaller length."
TABLE_HEIGHT = 150
LONGEST = 1e6


class TopologyPanel(QStackedWidget):
    """A sentence where there is nothing to list; else counts that filter, the list, and what else is known."""

    item_requested = Signal(object)  # TopologyItem
    step_requested = Signal(int)
    listed = Signal()  # other items pass the filters, or they are to be marked or not
    compute_requested, cancel_requested, resample_requested = Signal(), Signal(), Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._report: TopologyReport | None = None
        self._about = ""
        self.model = TopologyTable(self)
        self.sieve, self.table = TopologySieve(self.model, self), QTableView()
        self._make_widgets()
        self._set_up_table()
        self._lay_out()
        self._connect()
        self.show_message("")

    def _make_widgets(self) -> None:
        self.message = BreakingLabel(wrap=True)
        self.message.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.compute_button, self.resample_button = QPushButton("Compute"), QPushButton("Resample the reference")
        self.bar, self.cancel_button = PlainProgressBar(), QPushButton("Cancel")
        self.chip, self.title, self.about = ColourChip("#000000"), ElidedLabel(role="heading"), BreakingLabel(wrap=True)
        self.about.setProperty("role", "muted")
        self.kinds = {kind: QPushButton(several, checkable=True) for kind, (_, several) in NAMES.items()}
        for kind, button in self.kinds.items():
            button.setChecked(True)
            button.setToolTip(plain_tooltip(f"{MEANINGS[kind]} Click to list or leave out."))
        self.least, self.marks = QDoubleSpinBox(decimals=1, maximum=LONGEST), QCheckBox("Mark all")
        self.least.setAccessibleName("List items from this length")
        self.marks.setToolTip("Mark all that is listed on the pictures, or only the one that was chosen")
        self.marks.setChecked(True)
        self.previous_button, self.next_button = QPushButton("Previous"), QPushButton("Next")
        self.copy_button = QPushButton("Copy table")
        self.remark, self.facts = PlainLabel(role="muted", wrap=True), BreakingLabel(wrap=True)
        self.facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def _set_up_table(self) -> None:
        table = self.table
        table.setModel(self.sieve)
        table.setSortingEnabled(True)
        table.sortByColumn(LENGTH, Qt.SortOrder.DescendingOrder)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setAlternatingRowColors(True)
        table.setMinimumHeight(TABLE_HEIGHT)
        table.setAccessibleName("What is wrong with how the result hangs together")
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(24)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(KIND, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(44)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def _lay_out(self) -> None:
        self._waiting, waiting = QWidget(), QVBoxLayout()
        working, choices = QHBoxLayout(), QHBoxLayout()
        working.addWidget(self.bar, 1)
        working.addWidget(self.cancel_button)
        for button in (self.compute_button, self.resample_button):
            choices.addWidget(button)
        choices.addStretch(1)
        waiting.addWidget(self.message)
        waiting.addLayout(working)
        waiting.addLayout(choices)
        waiting.addStretch(1)
        waiting.setContentsMargins(10, 10, 10, 10)
        self._waiting.setLayout(waiting)
        content = QScrollArea()
        content.setWidget(self._made_list())
        content.setWidgetResizable(True)
        content.setFrameShape(QScrollArea.Shape.NoFrame)
        content.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.addWidget(self._waiting)
        self.addWidget(content)

    def _made_list(self) -> QWidget:
        inside, lines, head, length = QWidget(), QVBoxLayout(), QHBoxLayout(), QHBoxLayout()
        counts, hands = QWidget(), QWidget()
        kinds, steps = FlowLayout(counts, spacing=4), FlowLayout(hands, spacing=6)
        head.addWidget(self.chip)
        head.addWidget(self.title, 1)
        for button in self.kinds.values():
            kinds.addWidget(button)
        length.addWidget(PlainLabel("From length", role="muted"))
        length.addWidget(self.least)
        length.addStretch(1)
        length.addWidget(self.marks)
        for button in (self.previous_button, self.next_button, self.copy_button):
            steps.addWidget(button)
        lines.addLayout(head)
        lines.addWidget(self.about)
        lines.addWidget(counts)
        lines.addLayout(length)
        lines.addWidget(self.remark)
        lines.addWidget(self.table, 1)
        lines.addWidget(hands)
        lines.addWidget(self.facts)
        lines.setContentsMargins(8, 6, 8, 8)
        inside.setLayout(lines)
        return inside

    def _connect(self) -> None:
        for button in self.kinds.values():
            button.toggled.connect(lambda _: self._sift())
        self.least.valueChanged.connect(lambda _: self._sift())
        self.marks.toggled.connect(lambda _: self.listed.emit())
        self.sieve.layoutChanged.connect(lambda *_: self.listed.emit())  # sorted otherwise
        self.table.doubleClicked.connect(lambda index: self.item_requested.emit(self._item_at(index)))
        self.table.activated.connect(lambda index: self.item_requested.emit(self._item_at(index)))
        self.previous_button.clicked.connect(lambda: self.step_requested.emit(-1))
        self.next_button.clicked.connect(lambda: self.step_requested.emit(1))
        self.copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text()))
        self.compute_button.clicked.connect(self.compute_requested)
        self.cancel_button.clicked.connect(self.cancel_requested)
        self.resample_button.clicked.connect(self.resample_requested)

    def is_seen(self) -> bool:
        """Behind the tab of another dock it is not: Qt moves it out of the window there, and calls it visible all the
        same."""
        place = QRect(self.mapTo(self.window(), QPoint()), self.size())
        return self.isVisible() and place.intersects(self.window().rect())

    # ---- what is shown -----------------------------------------------------------------------------------------------

    def show_message(
        self, words: str, severity: str = "note", *, compute: bool = False, resample: bool = False
    ) -> None:
        """Why there is no list; with a button that makes one."""
        self._leave_list()
        self.message.setText(words)
        set_severity(self.message, severity)
        self.compute_button.setVisible(compute)
        self.resample_button.setVisible(resample)
        for part in (self.bar, self.cancel_button):
            part.hide()

    def show_work(self, words: str, progress: Progress | None = None) -> None:
        """It is being computed."""
        if self._report is not None or not self.bar.isVisibleTo(self):
            self.show_message(words)
            self.bar.show()
            self.cancel_button.show()
        done, total, stage = (0, 0, "") if progress is None else (progress.done, progress.total, progress.stage)
        self.bar.show_progress(done, total, stage)

    def show_report(self, report: TopologyReport, title: str, colour: str, about: str) -> None:
        """The list of a result; `about` says what was held against what."""
        if report is not self._report:
            self._report = report
            if self.least.suffix() not in ("", f" {report.unit}"):
                self.least.setValue(0.0)  # five pixels are not five millimetres
            self.model.set_report(report)
            self.facts.setText("\n".join(summary_lines(report)))
            self.least.setSuffix(f" {report.unit}")
            for kind, button in self.kinds.items():
                several = NAMES[kind][1]
                unknown = bool(report.loops_reason) and kind.endswith("loop")
                button.setText(several if unknown else f"{several} {report.count(kind)}")
                button.setEnabled(report.count(kind) > 0)
                button.setVisible(not unknown)
        self.chip.set_colour(colour)
        self.title.setText(title)
        self.about.setText(about)
        self._about = f"{title}. {about}"
        self.setCurrentIndex(1)
        self._show_remark()

    def _leave_list(self) -> None:
        self._report = None
        self.model.set_report(None)
        self.setCurrentIndex(0)

    def choose(self, item: TopologyItem | None) -> None:
        """Mark the row of an item and bring it in sight."""
        row = self.model.row_of(item)
        place = self.sieve.mapFromSource(self.model.index(row, 0)) if row >= 0 else QModelIndex()
        if not place.isValid():
            self.table.clearSelection()
            return
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.table.selectionModel().setCurrentIndex(place, flags)
        self.table.scrollTo(place)

    def items(self) -> tuple[TopologyItem, ...]:
        """Those that are listed, in the order of the list."""
        return self.sieve.items()

    def text(self) -> str:
        """The list with its counts, for the clipboard."""
        return "" if self._report is None else table_text(self._about, self._report, self.items(), self.model)

    def chosen_kinds(self) -> Sequence[TopologyKind]:
        return [kind for kind, button in self.kinds.items() if button.isChecked()]

    def set_marked(self, marked: bool) -> None:
        self.marks.setChecked(marked)

    def _sift(self) -> None:
        self.sieve.set_wanted(self.chosen_kinds(), self.least.value())
        self._show_remark()
        self.listed.emit()

    def _show_remark(self) -> None:
        report = self._report
        some = self.sieve.rowCount() > 0
        words = "" if some or report is None else FILTERED if report.items else FAULTLESS
        self.remark.setText(words)
        self.remark.setVisible(bool(words))
        for button in (self.previous_button, self.next_button):
            button.setEnabled(some)

    def _item_at(self, index: QModelIndex) -> TopologyItem:
        return self.model.item(self.sieve.mapToSource(index).row())
