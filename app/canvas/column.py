"""One column: the picture of one checkpoint's result, its head, its legend, and the message when there is no result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QStackedWidget, QVBoxLayout

from app.canvas.divider import Divider
from app.canvas.frame import LiveStep, nearest_step
from app.canvas.header import ColumnHeader
from app.canvas.legend import Footer
from app.canvas.messages import MessagePage
from app.canvas.moment import ALONE, Company, Computed
from app.canvas.pane import Pane, Shown
from app.canvas.pane_grid import Cell, PaneGrid
from app.canvas.scene import Scene, Voxel
from app.canvas.slice_view import SliceView
from app.items import CaseRow, View
from app.panels.widgets.chips import BadgeKind
from app.theme import Theme
from core import pipeline
from core.records import Array, Deviation, Prediction

ColumnState = Literal["empty", "waiting", "running", "result", "error", "cancelled"]
STATES: tuple[ColumnState, ...] = ("empty", "waiting", "running", "result", "error", "cancelled")
BadgeSpec = tuple[str, BadgeKind, str]
_DOT = " \N{MIDDLE DOT} "
LEAST_HEIGHT = 24
"""Of the picture where there is little room: what is not as trained must be read even then."""
_CAPTIONS = {"empty": "No result", "waiting": "Waiting", "running": "Running", "cancelled": "Cancelled, no result"}


class Column(QFrame):
    """Shows a `Scene` with this column's result over it: a result in state `result`, a step while `running`."""

    close_requested = Signal()
    cancel_requested = Signal()
    restated = Signal()  # what it has to show, or what its head says, is another
    divider_moved = Signal(float)

    def __init__(self, title: str, colour: str, theme: Theme, *, closable: bool = True) -> None:
        super().__init__()
        self.setObjectName("column")
        self._theme, self.colour, self._title = theme, colour, title
        self.state: ColumnState = "empty"
        self._said = ("", "", "")
        self.prediction: Prediction | None = None
        self._live: LiveStep | None = None
        self._threshold: float | None = None
        self._maps: dict[str, Array | Computed] = {}
        self._company = ALONE
        self._deviations: tuple[Deviation, ...] = ()
        self._scene, self._closable, self._active = Scene(), closable, False
        self._alone: View | None = None
        self._kind = self._summary = ""
        self._badges: tuple[BadgeSpec, ...] = ()
        self._guest: Column | None = None
        self._case_rows: tuple[CaseRow, ...] = ()
        self._row_shown: tuple[Shown, ...] = ()
        self._divider_at: float | None = None
        self._shown = Shown(colour=colour, words=_CAPTIONS["empty"] if closable else "Image")
        self.header = ColumnHeader(title, colour, theme, closable=closable)
        self.grid = PaneGrid(colour, theme)
        self.message = MessagePage(theme)
        self.footer = Footer(colour, theme)
        self._set_up()
        self.set_theme(theme)

    def _set_up(self) -> None:
        self.pages = QStackedWidget()
        self.pages.addWidget(self.grid)
        self.pages.addWidget(self.message)
        self.pages.setMinimumHeight(LEAST_HEIGHT)  # or the message, shown or not, would take the room of the labels
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.header)
        whole.addWidget(self.pages, 1)
        whole.addWidget(self.footer)
        self.grid.divider_moved.connect(self.divider_moved)
        self.header.close_requested.connect(self.close_requested)
        self.header.cancel_requested.connect(self.cancel_requested)

    @property
    def title(self) -> str:
        return self._title

    @property
    def view(self) -> SliceView:
        """The first of the views, and the only one of a single picture."""
        return self.grid.panes[0].view

    # ---- what it has ----

    def set_state(self, state: ColumnState, message: str, remedy: str) -> None:
        """Enter a state. Whatever was computed before is dropped, except in `result`."""
        said = (state, message, remedy)
        if said == self._said and state != "result" and self.prediction is None and self._live is None:
            return  # said twice
        self.state, self._said = state, said
        if state != "result":
            self.prediction, self._live = None, None
            self._maps = {}
            self.set_summary("")
        self.header.show_progress(
            0 if state in ("waiting", "running") else None, 0, message or _CAPTIONS.get(state, "")
        )
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
        self.set_summary("")
        self.prediction, self._live = prediction, None
        self._maps = {}
        self.set_state("result", "", "")
        self._check_size()

    def set_company(self, company: Company) -> None:
        """The results of other columns, for quantities that hold this one against them."""
        if company is not self._company:
            self._company = company
            self._draw_result()

    def map_of(self, name: str) -> Array | Computed | None:
        """What was handed to `set_map` for the prediction that is shown."""
        return self._maps.get(name)

    def set_map(self, name: str, values: Array | Computed | None) -> None:
        """What was computed of the prediction that is shown, on its grid; it goes with the prediction."""
        kept = {known: array for known, array in self._maps.items() if known != name}
        self._maps = kept if values is None else {**kept, name: values}
        self._draw_result()

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
        self.header.set_owner(title)
        self._draw_result()

    def set_kind(self, text: str) -> None:
        """What it is, in a few words."""
        self._kind = text
        self._dress()

    def set_summary(self, text: str) -> None:
        """Its numbers, in a few words; they go away with the result that they belong to."""
        self._summary = text
        self._dress()

    # ---- another column's result in its place ----

    def show_guest(self, guest: Column | None, divider_at: float | None = None) -> None:
        """Show another column's result: right of a divider at this part of the width, or for None in the place of its
        own, and then the head and the colours are the guest's too. No guest: its own result again."""
        if (guest, divider_at) == (self._guest, self._divider_at):
            return
        if guest is not self._guest:
            for old, connect in ((self._guest, False), (guest, True)):
                if old is not None:
                    (old.restated.connect if connect else old.restated.disconnect)(self._on_guest_restated)
        self._guest, self._divider_at = guest, divider_at
        self._dress()
        self._draw_views()

    def _on_guest_restated(self) -> None:
        self._dress()
        self._draw_views()

    def _is_swiped(self) -> bool:
        return self._guest is not None and self._divider_at is not None

    def _seen(self) -> Column:
        """Whose result is seen here; of two beside one another, its own."""
        return self if self._guest is None or self._is_swiped() else self._guest

    def _dress(self) -> None:
        """Head, colours and page are those of the column whose result is seen."""
        seen, guest = self._seen(), self._guest
        kind = self._kind if seen is self else f"in the place of {self._title}"
        self.header.keep_height(seen is not self)
        self.header.dress(seen._title, seen.colour, kind, seen._summary, self._all_badges())
        self.header.set_beside((guest.colour, guest._title, guest._summary) if guest and self._is_swiped() else None)
        self.footer.set_colour(seen.colour)
        divider = None
        if guest is not None and self._divider_at is not None:
            own, other = (self.colour, self._title), (guest.colour, guest._title)
            divider = Divider(at=self._divider_at, left=own, right=other)
        self.grid.set_divider(divider)
        state, message, remedy = seen._said
        if state == "error":
            self.message.explain(f"No result for {seen._title}", message or "The reason is not known.", remedy)
        self.pages.setCurrentWidget(self.message if state == "error" else self.grid)
        self.footer.setVisible(state != "error")
        self._paint_frame()
        if self._guest is None:
            self.restated.emit()

    def _all_badges(self) -> tuple[BadgeSpec, ...]:
        """The badges of what is seen; of two results beside one another, those of both."""
        if self._guest is None or not self._is_swiped():
            return self._seen()._badges
        loud = [(f"right: {text}", kind, tip) for text, kind, tip in self._guest._badges if kind == "loud"]
        return (*self._badges, *loud)

    def probability_at(self, voxel: Voxel) -> float | None:
        """Probability of the step that is shown; None where nothing is shown."""
        everywhere = self._shown.probability(self._scene.t)
        return None if everywhere is None or self._scene.case is None else float(everywhere[voxel])

    def shown_t(self) -> float | None:
        """t of the step that is shown; None for the final result or none."""
        return self.grid.panes[0].frame.t

    def cut(self) -> float | None:
        """The threshold in force when it is not the prediction's own, else None."""
        own = self.prediction.threshold if self.prediction is not None else None
        return None if self._threshold == own else self._threshold

    # ---- drawing ----

    def draw(self, scene: Scene) -> None:
        """Show `scene`; what did not change is not drawn again."""
        self._scene = scene
        if scene.case is None:
            self.grid.clear()
            self._describe()
            return
        self._check_size()
        self._draw_views()

    def set_alone(self, view: View | None) -> None:
        """Only this view, or all of the layout."""
        if view != self._alone:
            self._alone = view
            self._draw_views()

    def views(self) -> tuple[View, ...]:
        """Those that are shown, in reading order."""
        views = self._scene.views() if self._scene.case is not None else ()
        return (self._alone,) if self._alone is not None and self._alone in views else views

    def _check_size(self) -> None:
        """A result on another grid than the image is never drawn over it."""
        case = self._scene.case
        if case is None or self.prediction is None or self.prediction.mask.shape == case.image.voxels.shape:
            return
        sizes = [" x ".join(map(str, array.shape)) for array in (self.prediction.mask, case.image.voxels)]
        reason = f"The result has {sizes[0]} voxels, the image {sizes[1]} (slices x rows x columns)."
        self.set_state("error", reason, "Run the checkpoint on the image that is shown.")

    def _draw_result(self) -> None:
        """What lies over the image is another thing now."""
        self._shown = Shown(
            colour=self.colour,
            prediction=self.prediction if self.state == "result" else None,
            live=self._live if self.state == "running" else None,
            cut=self.cut(),
            threshold=self._threshold,
            words=_CAPTIONS.get(self.state, "") if self._closable else "Image",
            maps=self._maps,
            company=self._company,
        )
        self._row_shown = tuple(map(self._shown_of, self._case_rows))
        self._dress()
        self._draw_views()

    def _draw_views(self) -> None:
        if self._scene.case is not None:
            beside = self._guest._shown if self._guest is not None and self._is_swiped() else None
            cells = self._cells(beside)
            if cells:
                self.grid.draw_rows(cells)
            else:
                self.grid.draw(self._pointed_scene(), self.views(), self._seen()._shown, beside)
            self._describe()

    def _pointed_scene(self) -> Scene:
        """The scene with the markers of whoever is seen: places in a result are not pointed out over another's."""
        markers = self._seen()._scene.markers
        return self._scene if markers is self._scene.markers else replace(self._scene, markers=markers)

    def set_case_rows(self, rows: tuple[CaseRow, ...]) -> None:
        """The cases that are seen at once, for rows that are cases; the active one is drawn as ever."""
        if len(rows) == len(self._case_rows) and all(map(CaseRow.same, rows, self._case_rows)):
            return
        self._case_rows = rows
        self._draw_result()
        self.restated.emit()

    def _cells(self, beside: Shown | None) -> list[Cell]:
        """The rows below one another: quantities of one case or several cases; none where rows are planes."""
        scene, seen = self._pointed_scene(), self._seen()
        if scene.rows.mode == "quantities":
            return [Cell(scene=row, shown=seen._shown, beside=beside) for row in scene.row_scenes()]
        if scene.rows.mode != "cases" or not any(row.active for row in seen._case_rows):
            return []
        cells = []
        for number, row in enumerate(seen._case_rows):
            title = f"\N{BLACK RIGHT-POINTING SMALL TRIANGLE} {row.title}" if row.active else row.title
            if row.active:
                here = replace(scene, captioned=True, row_title=title)
                cells.append(Cell(scene=here, shown=seen._shown, beside=beside))
                continue
            there = self._guest._row_shown[number:] if beside is not None and self._guest is not None else ()
            other = there[0] if there else None
            cells.append(
                Cell(scene=_elsewhere(scene, row, title), shown=seen._row_shown[number], beside=other, row=row.id)
            )
        return cells

    def _shown_of(self, row: CaseRow) -> Shown:
        return Shown(colour=self.colour, prediction=row.prediction, cut=self._threshold, words=row.words)

    def _describe(self) -> None:
        """Words and legend of the first view; the number of the slice where there is only one."""
        scene, seen = self._scene, self.grid.seen()
        first = seen[0]
        words = self._words(first)
        if scene.is_volume and len(seen) == 1:
            words = f"{words} \N{MIDDLE DOT} {first.slice_words()}"
        reference = any(pane.reference_seen for pane in seen)
        scale = first.frame.scale if first.map_seen and scene.rows.mode == "planes" else None  # rows say theirs
        mask = any(pane.mask_seen for pane in seen)
        self.footer.describe(words, scale, mask=mask, reference=reference and not scene.labels)

    def _words(self, first: Pane) -> str:
        """What the first view shows, and whose it is where that is not the column's own."""
        if self._scene.bare and self._seen().state == "result":
            return "Image only"
        if self._guest is None:
            return first.caption
        if not self._is_swiped():
            return f"{self._guest._title}{_DOT}{first.caption}"
        own, other = first.caption, first.other_caption
        return own if own == other else f"{own} | {other}"

    # ---- the head ----

    def _show_badges(self) -> None:
        badges: list[BadgeSpec] = []
        if self.prediction is not None and not pipeline.from_labels(self.prediction):
            protocol = self.prediction.settings.protocol
            kind: BadgeKind = "quiet" if protocol == "as-trained" else "loud"
            badges.append((protocol, kind, f"Protocol: {protocol}"))
        own = self.prediction.deviations if self.prediction is not None else ()
        for deviation in dict.fromkeys((*own, *self._deviations)):
            badges.append((deviation.label, "loud", f"Not as trained: {deviation.label} ({deviation.code})"))
        badges += self._threshold_badge()
        self._badges = tuple(badges)
        self._dress()

    def _threshold_badge(self) -> Sequence[BadgeSpec]:
        if self.prediction is None or self.cut() is None:
            return []
        text = f"cut at {self.cut():.3g}, trained {self.prediction.threshold:.3g}"
        return [(text, "loud", "The mask is drawn with another threshold than the checkpoint's own.")]

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        below = self.footer.height() if not self.footer.isHidden() else 0
        self.header.set_room(self.height() - LEAST_HEIGHT - below)

    def set_active(self, active: bool) -> None:
        self._active = active
        self._paint_frame()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for part in (self.header, self.footer, self.message, self.grid):
            part.set_theme(theme)
        self._paint_frame()

    def _paint_frame(self) -> None:
        """The active column carries its colour along its top edge."""
        edge = self._seen().colour if self._active and self._closable else self._theme.border
        sheet = (
            f"#column {{ background: {self._theme.surface}; border: 1px solid {self._theme.border};"
            f" border-top: 3px solid {edge}; }}"
        )
        if sheet != self.styleSheet():  # Qt styles everything in the column again
            self.setStyleSheet(sheet)


def _elsewhere(scene: Scene, row: CaseRow, title: str) -> Scene:
    """Another case seen as far as possible as the active one: at the same place and zoom where it is as large."""
    low, high = row.window
    whole = {"case": row.case, "low": low, "high": high, "labels": (), "markers": (), "tile": None, "crossed": False}
    here = replace(scene, captioned=True, row_title=title, **whole)  # type: ignore[arg-type]
    if row.case is None or scene.case is None or row.case.image.voxels.shape == scene.case.image.voxels.shape:
        return here
    slices, rows, columns = row.case.image.voxels.shape
    return replace(here, cross=(slices // 2, rows // 2, columns // 2), cameras={})


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
