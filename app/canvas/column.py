"""One column: the picture of one checkpoint's result, its head, its legend, and the message when there is no result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import Signal
from PySide6.QtGui import QPainterPath
from PySide6.QtWidgets import QFrame, QStackedWidget, QVBoxLayout

from app.canvas.frame import Frame, LiveStep, frame_of, live_frame, nearest_step
from app.canvas.header import ColumnHeader
from app.canvas.items import outline_path
from app.canvas.legend import Footer
from app.canvas.messages import MessagePage
from app.canvas.scene import Scene, picture_of, plane_geometry, reference_plane
from app.canvas.slice_view import SliceView
from app.panels.widgets.chips import BadgeKind
from app.theme import Theme
from core.records import Array, Deviation, Prediction

ColumnState = Literal["empty", "waiting", "running", "result", "error", "cancelled"]
STATES: tuple[ColumnState, ...] = ("empty", "waiting", "running", "result", "error", "cancelled")
_CAPTIONS = {"empty": "No result", "waiting": "Waiting", "running": "Running", "cancelled": "Cancelled, no result"}
_PATHS_KEPT = 256


class Column(QFrame):
    """Shows a `Scene` with this column's result over it: a result in state `result`, a step while `running`."""

    close_requested = Signal()
    cancel_requested = Signal()

    def __init__(self, title: str, colour: str, theme: Theme, *, closable: bool = True) -> None:
        super().__init__()
        self.setObjectName("column")
        self._theme, self.colour, self._title = theme, colour, title
        self.state: ColumnState = "empty"
        self._said = ("", "", "")
        self.prediction: Prediction | None = None
        self._live: LiveStep | None = None
        self._threshold: float | None = None
        self._deviations: tuple[Deviation, ...] = ()
        self._scene = Scene()
        self._frame = Frame(caption="")
        self._drawn_image: tuple[object, ...] = ()
        self._paths: dict[tuple[object, ...], QPainterPath | None] = {}
        self._reference_of: tuple[object, int] = (None, 0)
        self._reference_path: QPainterPath | None = None
        self.header = ColumnHeader(title, colour, theme, closable=closable)
        self.view = SliceView(colour, theme.reference)
        self.message = MessagePage(theme)
        self.footer = Footer(colour, theme)
        self._closable, self._active = closable, False
        self._set_up()
        self.set_theme(theme)

    def _set_up(self) -> None:
        self.pages = QStackedWidget()
        self.pages.addWidget(self.view)
        self.pages.addWidget(self.message)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.header)
        whole.addWidget(self.pages, 1)
        whole.addWidget(self.footer)
        self.header.close_requested.connect(self.close_requested)
        self.header.cancel_requested.connect(self.cancel_requested)

    # ---- what it has ----

    def set_state(self, state: ColumnState, message: str, remedy: str) -> None:
        """Enter a state. Whatever was computed before is dropped, except in `result`."""
        said = (state, message, remedy)
        if said == self._said and state != "result" and self.prediction is None and self._live is None:
            return  # said twice
        self.state, self._said = state, said
        if state != "result":
            self.prediction, self._live = None, None
            self._paths.clear()
            self.header.set_summary("")
        self.header.show_progress(
            0 if state in ("waiting", "running") else None, 0, message or _CAPTIONS.get(state, "")
        )
        if state == "error":
            self.message.explain(f"No result for {self._title}", message or "The reason is not known.", remedy)
        self.pages.setCurrentWidget(self.message if state == "error" else self.view)
        self.footer.setVisible(state != "error")
        self._show_badges()
        self._draw_result()

    def set_prediction(self, prediction: Prediction | None) -> None:
        """Show a result, or take it away. The summary of the one before goes with it."""
        if prediction is None:
            if self.state == "result":
                self.set_state("empty", "", "")
            return
        if prediction is self.prediction and self.state == "result":
            return  # said twice: its outlines and summary are still true
        self._paths.clear()
        self.header.set_summary("")
        self.prediction, self._live = prediction, None
        self.set_state("result", "", "")
        self._check_size()

    def set_live(self, live: LiveStep) -> None:
        """Show a step of the run; it counts only while the column is running."""
        if self.state == "running":
            self._live = live
            self._draw_result()

    def set_threshold(self, value: float | None) -> None:
        self._threshold = value
        self._show_badges()
        self._draw_result()

    def set_deviations(self, deviations: tuple[Deviation, ...]) -> None:
        self._deviations = deviations
        self._show_badges()

    def set_title(self, title: str, colour: str) -> None:
        if (title, colour) == (self._title, self.colour):
            return
        self._title, self.colour = title, colour
        self.header.set_title(title)
        self.header.chip.set_colour(colour)
        self.footer.set_colour(colour)
        self.view.outline_item.set_colour(colour)
        self._draw_result()

    def probability_at(self, row: int, column: int) -> float | None:
        """Probability of the step that is shown; None where nothing is shown."""
        if self._frame.probability is None:
            return None
        return float(self._frame.probability[row, column])

    def shown_t(self) -> float | None:
        """t of the step that is shown; None for the final result or none."""
        return self._frame.t

    def cut(self) -> float | None:
        """The threshold in force when it is not the prediction's own, else None."""
        own = self.prediction.threshold if self.prediction is not None else None
        return None if self._threshold == own else self._threshold

    # ---- drawing ----

    def draw(self, scene: Scene) -> None:
        """Show `scene`; what did not change is not drawn again."""
        before, self._scene = self._scene, scene
        if scene.case is not None and scene.same_picture(before):
            self.view.look(plane_geometry(scene.case.image), scene.camera)
            return
        if scene.case is None:
            self._drawn_image = ()
            self.view.clear()
            self._describe("")
            return
        self._check_size()
        self.view.look(plane_geometry(scene.case.image), scene.camera)
        self._draw_image()
        self._draw_result()

    def _check_size(self) -> None:
        """A result on another grid than the image is never drawn over it."""
        case = self._scene.case
        if case is None or self.prediction is None or self.prediction.mask.shape == case.image.voxels.shape:
            return
        sizes = [" x ".join(map(str, array.shape)) for array in (self.prediction.mask, case.image.voxels)]
        reason = f"The result has {sizes[0]} voxels, the image {sizes[1]} (slices x rows x columns)."
        self.set_state("error", reason, "Run the checkpoint on the image that is shown.")

    def _draw_image(self) -> None:
        scene = self._scene
        assert scene.case is not None
        wanted = (scene.case.image, scene.index, scene.low, scene.high)
        if self._drawn_image and self._drawn_image[0] is wanted[0] and self._drawn_image[1:] == wanted[1:]:
            return
        self._drawn_image = wanted
        self.view.set_wheel_moves_slices(scene.slices > 1)
        self.view.show_image(picture_of(scene.case.image, scene.index), scene.low, scene.high)

    def _draw_result(self) -> None:
        scene = self._scene
        if scene.case is None:
            return
        self._frame = self._choose()
        frame, style = self._frame, scene.style
        hidden = scene.bare or not style.visible
        self.view.show_map(None if hidden else frame.values, frame.scale)
        lined = frame.mask is not None and style.outline and not hidden
        path = self._path(frame.t, frame.mask) if lined else None
        noisy = lined and path is None
        filled = frame.fill and (style.fill or noisy) and not hidden  # a mask without its outline is at least filled
        self.view.show_outline(self.view.outline_item, path)
        self.view.show_mask(frame.mask if filled else None, self.colour, style.opacity)
        caption = f"{frame.caption} \N{MIDDLE DOT} too noisy for an outline" if noisy else frame.caption
        reference = self._draw_reference()
        self._describe(caption, mask=filled or path is not None, map_shown=not hidden, reference=reference)

    def _draw_reference(self) -> bool:
        scene = self._scene
        assert scene.case is not None
        shown = scene.style.reference_visible and not scene.bare
        labels = reference_plane(scene.case, scene.index) if shown else None
        if labels is None:
            self.view.show_outline(self.view.reference_item, None)
            return False
        what = (scene.case.reference, scene.index)
        if what != self._reference_of:
            self._reference_of, self._reference_path = what, outline_path(labels > 0)
        path = self._reference_path
        self.view.show_outline(self.view.reference_item, path)
        return path is not None

    def _choose(self) -> Frame:
        scene = self._scene
        if self.state == "result" and self.prediction is not None and self._fits(self.prediction.mask):
            return frame_of(self.prediction, scene.t, scene.quantity, self.cut(), scene.index)
        if self.state == "running" and self._live is not None and self._fits(self._live.step.estimate):
            return live_frame(self._live, scene.quantity, self._threshold, scene.index)
        return Frame(caption=_CAPTIONS.get(self.state, "") if self._closable else "Image")

    def _fits(self, array: Array) -> bool:
        return self._scene.case is not None and array.shape == self._scene.case.image.voxels.shape

    def _path(self, t: float | None, mask: Array | None) -> QPainterPath | None:
        """The outline of `mask`, kept for the next time this step is shown; a running step is never kept."""
        assert mask is not None
        if self._live is not None:
            return outline_path(mask)
        key = (t, self._scene.index, self.cut())
        if key not in self._paths:
            if len(self._paths) >= _PATHS_KEPT:
                self._paths.clear()
            self._paths[key] = outline_path(mask)
        return self._paths[key]

    def _describe(self, caption: str, *, mask: bool = False, map_shown: bool = False, reference: bool = False) -> None:
        bare = self._scene.bare and self.state == "result"
        words = "Image only" if bare else caption
        if self._scene.slices > 1:
            words = f"{words} \N{MIDDLE DOT} slice {self._scene.index + 1} of {self._scene.slices}"
        self.footer.describe(words, self._frame.scale if map_shown else None, mask=mask, reference=reference)

    # ---- the head ----

    def _show_badges(self) -> None:
        badges: list[tuple[str, BadgeKind, str]] = []
        if self.prediction is not None:
            protocol = self.prediction.settings.protocol
            kind: BadgeKind = "quiet" if protocol == "as-trained" else "loud"
            badges.append((protocol, kind, f"Protocol: {protocol}"))
        own = self.prediction.deviations if self.prediction is not None else ()
        for deviation in dict.fromkeys((*own, *self._deviations)):
            badges.append((deviation.label, "loud", f"Not as trained: {deviation.label} ({deviation.code})"))
        badges += self._threshold_badge()
        self.header.set_badges(badges)

    def _threshold_badge(self) -> Sequence[tuple[str, BadgeKind, str]]:
        if self.prediction is None or self.cut() is None:
            return []
        text = f"cut at {self.cut():.3g}, trained {self.prediction.threshold:.3g}"
        return [(text, "loud", "The mask is drawn with another threshold than the checkpoint's own.")]

    def set_active(self, active: bool) -> None:
        self._active = active
        self._paint_frame()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.view.set_canvas_colour(theme.canvas_background)
        self.view.reference_item.set_colour(theme.reference)
        for part in (self.header, self.footer, self.message):
            part.set_theme(theme)
        self._paint_frame()

    def _paint_frame(self) -> None:
        """The active column carries its colour along its top edge."""
        edge = self.colour if self._active and self._closable else self._theme.border
        sheet = (
            f"#column {{ background: {self._theme.surface}; border: 1px solid {self._theme.border};"
            f" border-top: 3px solid {edge}; }}"
        )
        if sheet != self.styleSheet():  # Qt styles everything in the column again
            self.setStyleSheet(sheet)


def step_t(prediction: Prediction | None, index: int | None) -> float | None:
    """t of the kept step at `index`; None (the final result) without one."""
    if prediction is None or index is None or not 0 <= index < len(prediction.steps):
        return None
    return float(prediction.steps[index].t)


def shows_step(prediction: Prediction | None, index: int | None, t: float) -> bool:
    """Whether the kept step at `index` is the one that is shown at `t`."""
    if prediction is None or index is None or not 0 <= index < len(prediction.steps):
        return False
    return nearest_step(prediction, t) is prediction.steps[index]


__all__ = ["STATES", "Column", "ColumnState", "nearest_step", "shows_step", "step_t"]
