"""Parts of the passport: findings with their remedies, and the grid of key facts."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QVBoxLayout, QWidget

from app.item_models.facts import Fact
from app.panels.widgets.text import PlainLabel, plain_tooltip
from core.records import Finding

ORDER = {"error": 0, "warning": 1, "note": 2}
TITLES = {"error": "Error", "warning": "Warning", "note": "Note"}
SELECTABLE = Qt.TextInteractionFlag.TextSelectableByMouse


class FindingList(QWidget):
    """Errors first, then warnings, then notes; each says what to do."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)

    def set_findings(self, findings: Sequence[Finding]) -> None:
        _clear(self._column)
        for finding in sorted(findings, key=lambda item: ORDER[item.severity]):
            self._column.addWidget(_finding_card(finding))
        self.setVisible(bool(findings))

    def texts(self) -> list[str]:
        """Everything the list says, for tests and for the clipboard."""
        return [label.text() for label in self.findChildren(PlainLabel)]


def _finding_card(finding: Finding) -> QFrame:
    card = QFrame()
    card.setObjectName("card")
    card.setProperty("severity", finding.severity)
    column = QVBoxLayout(card)
    column.setContentsMargins(8, 6, 8, 6)
    column.setSpacing(2)
    head = PlainLabel(TITLES[finding.severity])
    head.setProperty("severity", finding.severity)
    head.setToolTip(plain_tooltip(finding.code))
    column.addWidget(head)
    for text, role in ((finding.message, ""), (finding.remedy, "muted")):
        if text:
            label = BreakingLabel(text, role=role, wrap=True)
            label.setTextInteractionFlags(SELECTABLE)
            column.addWidget(label)
    return card


class FactGrid(QWidget):
    """Label and value, line by line; the tooltip of a value says why."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)

    def set_facts(self, facts: Sequence[Fact]) -> None:
        _clear(self._grid)
        for row, fact in enumerate(facts):
            label, value = PlainLabel(fact.label, role="muted"), BreakingLabel(fact.value, wrap=True)
            value.setTextInteractionFlags(SELECTABLE)
            value.setToolTip(plain_tooltip(fact.why))
            value.setProperty("severity", fact.severity)
            self._grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(value, row, 1)
        self.setVisible(bool(facts))

    def texts(self) -> list[str]:
        return [label.text() for label in self.findChildren(PlainLabel)]


class BreakingLabel(PlainLabel):
    """A wrapping label that never asks for the width of its longest word: a path or a key is broken instead."""

    def setText(self, text: str) -> None:  # noqa: N802
        super().setText(text)
        self.setMinimumWidth(1)


def _clear(layout: QVBoxLayout | QGridLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.setParent(None)
            widget.deleteLater()
