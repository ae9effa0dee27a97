"""The status bar: what lies under the pointer, the device, and how far the jobs are."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QStatusBar, QToolButton, QWidget

from app.panels.widgets.progress import set_quietly
from app.panels.widgets.text import ElidedLabel, PlainLabel
from core.progress import Progress
from core.records import NO_VALUE


class Hovered(Protocol):
    """What the canvas says about the voxel under the pointer."""

    @property
    def slice(self) -> int: ...
    @property
    def row(self) -> int: ...
    @property
    def column(self) -> int: ...
    @property
    def value(self) -> float: ...
    @property
    def probability(self) -> Mapping[str, float]: ...
    @property
    def reference(self) -> int | None: ...
    @property
    def world(self) -> tuple[float, float, float] | None: ...
    @property
    def crosshair(self) -> bool: ...


class StatusLine(QStatusBar):
    """Announces the wish to cancel everything that runs."""

    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.setContentsMargins(8, 0, 8, 0)
        self.hover, self.work, self.device = ElidedLabel(), PlainLabel(role="muted"), PlainLabel(role="muted")
        self.bar, self.cancel = QProgressBar(), QToolButton(text="Cancel")
        self.bar.setFixedWidth(140)
        self.bar.setTextVisible(False)
        self.addWidget(self.hover, 1)
        for part in (self.work, self.bar, self.cancel, self.device):
            self.addPermanentWidget(part)
        self.cancel.clicked.connect(lambda: self.cancel_requested.emit())
        self.show_work("", None, cancellable=False)

    def show_hover(
        self,
        info: Hovered | None,
        names: Mapping[str, str],
        slices: int,
        labels: Mapping[int, str] = MappingProxyType({}),
    ) -> None:
        """`labels`: names of the reference's labels, by number."""
        self.hover.setText("" if info is None else hover_text(info, names, slices, labels))

    def show_device(self, device: str) -> None:
        self.device.setText(f"Device: {device}" if device else "")

    def show_work(self, title: str, progress: Progress | None, *, cancellable: bool) -> None:
        """`title` empty: nothing runs."""
        self.work.setText(title)
        self.bar.setVisible(bool(title))
        self.cancel.setVisible(bool(title) and cancellable)
        known = progress is not None and progress.total > 0
        done = 1000 * progress.done // progress.total if progress and known else 0
        set_quietly(self.bar, 1000 if known else 0, done)


def hover_text(
    info: Hovered, names: Mapping[str, str], slices: int, labels: Mapping[int, str] = MappingProxyType({})
) -> str:
    """`Row 12, column 30 · value 134 · reference 1 · best.ckpt: p = 0.87`; in a volume also the slice and where that
    is in the patient (`L 12.0, P 4.5, S 56.0 mm`). A label that has a name is called by it.

    The numbers of several columns stand in the order of the columns: their names would leave no room for them.
    """
    where = f"Row {info.row}, column {info.column}" + (f", slice {info.slice + 1} of {slices}" if slices > 1 else "")
    if info.crosshair:
        where = f"Crosshair: {where[0].lower()}{where[1:]}"
    parts = [where, *([] if info.world is None else [world_text(info.world)]), f"value {info.value:g}"]
    if info.reference is not None:
        parts.append(f"reference {labels.get(info.reference, info.reference)}")
    if info.probability:
        shown = [f"{info.probability[key]:.2f}" if key in info.probability else NO_VALUE for key in names]
        whose = next(iter(names.values()), "") if len(names) == 1 else "columns from the left"
        parts.append(f"{whose}: p = {' | '.join(shown)}")
    return " \N{MIDDLE DOT} ".join(parts)


def world_text(world: tuple[float, float, float]) -> str:
    """`L 12.0, P 4.5, S 56.0 mm`: towards which side of the patient, and how far."""
    ends = zip(("LR", "PA", "IS"), world, strict=True)
    return ", ".join(f"{pair[int(value >= 0)]} {abs(value):.1f}" for pair, value in ends) + " mm"
