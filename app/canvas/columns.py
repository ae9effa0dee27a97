"""The centre of the window: one column for each checkpoint, all looking at one case through one camera."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QImage,
    QKeyEvent,
)
from PySide6.QtWidgets import QWidget

from app.canvas.camera import Camera
from app.canvas.column import shows_step, step_t
from app.canvas.column_row import ColumnRow
from app.canvas.frame import QUANTITIES, Quantity
from app.canvas.scene import HoverInfo, OverlayStyle, reference_plane
from app.canvas.slice_view import SliceView
from app.canvas.window_level import WindowPreset, dragged, presets
from app.theme import DARK, Theme
from core.records import Case, Prediction


class ColumnsView(ColumnRow):
    """Columns linked in pan, zoom, slice, window and t. It announces wishes and shows records."""

    window_level_changed = Signal(float, float)  # low, high
    hovered = Signal(object)  # HoverInfo | None
    slice_changed = Signal(int)
    files_dropped = Signal(object, object)  # tuple of paths, key | None

    def __init__(self, theme: Theme = DARK, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._presets: tuple[WindowPreset, ...] = ()
        self._under: tuple[int, int] | None = None
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _listen_to(self, view: SliceView) -> None:
        view.camera_requested.connect(self._on_camera)
        view.window_drag_requested.connect(self._on_window_drag)
        view.slice_requested.connect(lambda step: self.set_slice(self._scene.index + step))
        view.hovered_at.connect(self._on_hovered)

    def _update(self, **changes: object) -> None:
        super()._update(**changes)
        if changes.keys() & {"index", "t"}:
            self._hover_again()

    # ---- the case ----

    def set_case(self, case: Case | None) -> None:
        """Show another case in all columns. Results of the one before are dropped; the view is fitted again."""
        same_image = case is not None and self._scene.case is not None and case.image is self._scene.case.image
        if same_image:  # a reference came or went: results and view stay
            self._update(case=case)
            return
        for column in self._columns.values():
            column.set_state("empty", "", "")
        self._presets, self._under = presets(case.image) if case is not None else (), None
        start = self._presets[0] if self._presets else WindowPreset(name="", low=0.0, high=1.0)
        slices = case.image.voxels.shape[0] if case is not None else 0
        self._update(case=case, index=slices // 2, low=start.low, high=start.high, t=None, camera=Camera())
        self._arrange()
        self.slice_changed.emit(self._scene.index)
        self.hovered.emit(None)

    def case(self) -> Case | None:
        return self._scene.case

    def set_slice(self, index: int) -> None:
        """Show slice `index`; beyond the ends, the nearest."""
        inside = min(max(index, 0), max(self._scene.slices - 1, 0))
        if inside != self._scene.index:
            self._update(index=inside)
            self.slice_changed.emit(inside)

    # ---- how it is shown ----

    def set_step(self, index: int | None) -> None:
        """The kept step of the active column at `index`, None = the final result. Others show their nearest in t.

        A step that the active column shows already moves nothing: another column's steps are counted from now on, and
        what was seen in the others stays.
        """
        active = self._columns.get(self._active) if self._active is not None else None
        prediction = active.prediction if active else None
        wanted = step_t(prediction, index)
        if wanted is None or self._scene.t is None or not shows_step(prediction, index, self._scene.t):
            self._update(t=wanted)

    def set_quantity(self, name: str) -> None:
        """`mask`, `state`, `estimate` or `probability`."""
        if name not in QUANTITIES:
            raise ValueError(f"unknown quantity {name!r}; one of {', '.join(QUANTITIES)}")
        known: Quantity = name
        self._update(quantity=known)

    def set_overlay_style(
        self, fill: bool, outline: bool, opacity: float, visible: bool, reference_visible: bool
    ) -> None:
        style = OverlayStyle(
            fill=fill,
            outline=outline,
            opacity=float(np.clip(opacity, 0.0, 1.0)),
            visible=visible,
            reference_visible=reference_visible,
        )
        self._update(style=style)

    def overlay_style(self) -> OverlayStyle:
        return self._scene.style

    def set_window_level(self, low: float, high: float) -> None:
        """Intensities drawn black and white, for all columns."""
        if (low, high) != (self._scene.low, self._scene.high):
            self._update(low=low, high=high)
            self.window_level_changed.emit(low, high)

    def window_level(self) -> tuple[float, float]:
        return self._scene.low, self._scene.high

    def presets(self) -> tuple[WindowPreset, ...]:
        """Windows that suit the image; empty without one."""
        return self._presets

    def set_bare(self, bare: bool) -> None:
        """The image alone, while it lasts."""
        if bare != self._scene.bare:
            self._update(bare=bare)

    def reset_view(self) -> None:
        """The whole picture, its first window, all columns."""
        self._maximised = None
        self._arrange()
        self._update(camera=Camera())
        if self._scene.case is not None:
            first = self.presets()[0]
            self.set_window_level(first.low, first.high)

    def camera(self) -> Camera:
        return self._scene.camera

    def grab_view(self, scale: int) -> QImage:
        """The columns with their heads, drawn anew at `scale` times the size in which they are seen."""
        for column in self._every_column():
            column.view.finish()
        image = QImage(self.size() * scale, QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(scale)
        image.fill(self._theme.background)
        self.render(image)
        return image

    # ---- hands and keys ----

    def _on_camera(self, camera: Camera) -> None:
        self._update(camera=camera)

    def _on_window_drag(self, dx: float, dy: float) -> None:
        if self._scene.case is not None:
            full = self.presets()[0]
            low, high = dragged(self._scene.low, self._scene.high, full.high - full.low, dx, dy)
            self.set_window_level(low, high)

    def _on_hovered(self, where: tuple[int, int] | None) -> None:
        self._under = where
        self.hovered.emit(None if where is None else self.info_at(*where))

    def _hover_again(self) -> None:
        """The pointer rests, but what lies under it is another slice, step or result."""
        if self._under is not None:
            self._on_hovered(self._under)

    def set_state(self, key: str, state: str, message: str = "", remedy: str = "") -> None:
        super().set_state(key, state, message, remedy)
        self._hover_again()

    def set_prediction(self, key: str, prediction: Prediction | None) -> None:
        super().set_prediction(key, prediction)
        self._hover_again()

    def info_at(self, row: int, column: int) -> HoverInfo | None:
        """What is known about a voxel of the slice that is shown; None without a case."""
        case = self._scene.case
        if case is None:
            return None
        known = {key: shown.probability_at(row, column) for key, shown in self._columns.items()}
        labels = reference_plane(case, self._scene.index)
        return HoverInfo(
            slice=self._scene.index,
            row=row,
            column=column,
            value=float(case.image.voxels[self._scene.index, row, column]),
            probability={key: value for key, value in known.items() if value is not None},
            reference=None if labels is None else int(labels[row, column]),
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self.set_bare(True)
        elif event.key() == Qt.Key.Key_R and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self.reset_view()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():  # a held key repeats as release and press
                self.set_bare(False)
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.set_bare(False)  # the release will go elsewhere
        super().focusOutEvent(event)

    # ---- drops ----

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            self.hint.set_theme(self._theme, inviting=True)
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.hint.set_theme(self._theme)

    def dropEvent(self, event: QDropEvent) -> None:
        self.hint.set_theme(self._theme)
        paths = tuple(url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile())
        if paths:
            event.acceptProposedAction()
            self.files_dropped.emit(paths, self._key_at(event))

    def _key_at(self, event: QDropEvent) -> str | None:
        where = event.position().toPoint()
        for key, column in self._columns.items():
            if column.isVisible() and column.rect().contains(column.mapFrom(self, where)):
                return key
        return None
