"""The passport of a checkpoint: what it is and why, findings first. All of its text is shown as plain text."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QTableView,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from app.item_models.facts import key_facts
from app.item_models.tables import TextTable, evidence_rows
from app.item_models.tree import ValueTree
from app.items import CheckpointItem, LoadOptions
from app.panels.film_choice import FilmChoice
from app.panels.passport_parts import FactGrid, FindingList
from app.panels.section import Section
from app.panels.widgets.text import ElidedLabel, PlainLabel
from core.progress import Progress
from core.records import CheckpointReport

STATUS = {
    "ok": ("ok", "Understood, and can be loaded as it was trained"),
    "ambiguous": ("warning", "Can be read in more than one way: see below which reading is taken"),
    "refused": ("error", "Refused: it cannot be loaded faithfully"),
}
WARNED = ("warning", "Understood, and can be loaded: read the warnings before you trust a result")
TABLE_HEIGHT = 240


class PassportPanel(QScrollArea):
    """Shows one `CheckpointItem`; wishes: the hash, and which FiLM stages to take."""

    hash_requested = Signal(object)  # checkpoint id
    options_requested = Signal(object)  # LoadOptions

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._item: CheckpointItem | None = None
        self._shown_report: CheckpointReport | None = None
        self._make_widgets()
        self._lay_out()
        self._show_report(None)
        self.show_item(None)

    def _make_widgets(self) -> None:
        self.title, self.status = ElidedLabel(role="heading"), PlainLabel(wrap=True)
        self.findings, self.facts = FindingList(), FactGrid()
        self.film = FilmChoice()
        self.film.options_requested.connect(self.options_requested)
        self.hash_label = PlainLabel(wrap=True)
        self.hash_label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.hash_button, self.hash_bar = QPushButton("Compute SHA-256"), QProgressBar()
        self.hash_button.clicked.connect(self._on_hash)
        self.evidence, self.hyper_parameters = TextTable(("Field", "Value", "Why")), ValueTree()
        self.evidence_section = Section("Evidence", table_view(self.evidence))
        self.hyper_section = Section("Hyper-parameters", tree_view(self.hyper_parameters))

    def _lay_out(self) -> None:
        self._body = QWidget()
        column = QVBoxLayout(self._body)
        column.setContentsMargins(8, 6, 8, 8)
        column.setSpacing(8)
        parts = (self.title, self.status, self.findings, self.facts, self.film)
        hashes = (self.hash_label, self.hash_button, self.hash_bar)
        for part in (*parts, *hashes, self.evidence_section, self.hyper_section):
            column.addWidget(part)
        column.addStretch(1)
        self.setWidget(self._body)
        self.setMinimumWidth(290)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def show_item(self, item: CheckpointItem | None, options: LoadOptions | None = None) -> None:
        """Show a checkpoint; None empties the panel. `options` are those of its active column, None without one."""
        self._item = item
        report = item.report if item else None
        self.title.setText(item.name if item else "No checkpoint")
        self._show_status(item)
        self.film.show_film(report.film if report else None, options)
        self._show_hash(item)
        if report is not self._shown_report:
            self._shown_report = report
            self._show_report(report)

    def _show_status(self, item: CheckpointItem | None) -> None:
        if item is None:
            severity, text = "note", "Drop a checkpoint on the window to see what it is."
        elif item.report is None:
            severity, text = "note", "Being inspected"
        else:
            warned = any(finding.severity == "warning" for finding in item.report.findings)
            severity, text = WARNED if warned and item.report.status == "ok" else STATUS[item.report.status]
        self.status.setText(text)
        set_severity(self.status, severity)

    def _show_report(self, report: CheckpointReport | None) -> None:
        self.findings.set_findings(report.findings if report else ())
        self.facts.set_facts(key_facts(report) if report and report.status != "refused" else ())
        evidence = evidence_rows(report) if report else []
        self.evidence.set_rows(evidence)
        self.evidence_section.set_title(f"Evidence ({len(evidence)})")
        self.evidence_section.setVisible(bool(evidence))
        self.hyper_parameters.set_value(report.hyper_parameters if report else {})
        self.hyper_section.setVisible(bool(report and report.hyper_parameters))
        self.verticalScrollBar().setValue(0)

    def _on_hash(self) -> None:
        if self._item is not None:
            self.hash_requested.emit(self._item.id)

    def _show_hash(self, item: CheckpointItem | None) -> None:
        known = item.report.sha256 if item and item.report else None
        hashing = item.hashing if item else None
        offered = item is not None and item.report is not None and item.report.container is not None
        self.hash_label.setText(f"SHA-256  {in_groups(known)}" if known else "")
        self.hash_label.setVisible(bool(known))
        self.hash_bar.setVisible(hashing is not None)
        self.hash_button.setVisible(offered and not known and hashing is None)
        if hashing is not None:
            self._show_hashing(hashing)

    def _show_hashing(self, progress: Progress) -> None:
        percent = 100 * progress.done // progress.total if progress.total else 0  # a file may exceed an int of Qt
        self.hash_bar.setRange(0, 100 if progress.total else 0)
        self.hash_bar.setValue(percent)


def in_groups(digest: str) -> str:
    """A digest in groups of eight, so that a label can break it."""
    return " ".join(digest[start : start + 8] for start in range(0, len(digest), 8))


def table_view(model: TextTable) -> QTableView:
    """A read-only view of a table of text whose lines wrap."""
    view = QTableView()
    view.setModel(model)
    view.setFixedHeight(TABLE_HEIGHT)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.verticalHeader().hide()
    view.setShowGrid(False)
    view.setAlternatingRowColors(True)
    view.horizontalHeader().setStretchLastSection(True)
    view.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
    view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    return view


def tree_view(model: ValueTree) -> QTreeView:
    view = QTreeView()
    view.setModel(model)
    view.setFixedHeight(TABLE_HEIGHT)
    view.setUniformRowHeights(True)
    view.setAlternatingRowColors(True)
    view.setColumnWidth(0, 150)
    return view


def set_severity(label: QWidget, severity: str) -> None:
    """Let the style sheet colour a label or a frame by severity."""
    label.setProperty("severity", severity)
    label.style().unpolish(label)
    label.style().polish(label)
