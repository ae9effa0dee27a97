"""Fills the tab of three dimensions while somebody looks at it, and links its crosshair with that of the slices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.controllers.export import cut
from app.jobs import Job, JobQueue, Work
from app.panels.volume_3d import ShownSurface, Volume3DPanel
from app.store import Store
from core import pipeline
from core.progress import Report
from core.records import Array, Case, Prediction, Space, Surface, Texture

if TYPE_CHECKING:
    from app.canvas.columns import ColumnsView

NO_CASE = "Open a volume to see it in three dimensions."
ONE_SLICE = "3D needs a volume: {name} is a single picture."
WORKING = "Making the surfaces\N{HORIZONTAL ELLIPSIS}"
REFERENCE = "reference"
TICK_MS = 150
RESULT_OPACITY, OTHER_OPACITY, REFERENCE_OPACITY = 1.0, 0.6, 0.35
"""Of the first result, and of what may lie around it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Wanted:
    """A surface to be made: of a mask, or of a prediction cut at a threshold. `source` is what it is made of."""

    key: str
    name: str
    colour: str
    opacity: float
    source: Prediction | Array
    threshold: float | None = None

    def mask(self) -> Array:
        """Bool (slices, rows, columns)."""
        if isinstance(self.source, Prediction):
            return cut(self.source, self.threshold).mask
        held: Array = self.source != 0
        return held

    def same(self, other: _Wanted | None) -> bool:
        return other is not None and self.source is other.source and self.threshold == other.threshold


class Volume3DController(QObject):
    """Surfaces are made in a job, and only anew for what has changed."""

    def __init__(
        self, store: Store, queue: JobQueue, panel: Volume3DPanel, view: ColumnsView, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._queue, self._panel, self._view = store, queue, panel, view
        self._made: dict[str, tuple[_Wanted, Surface]] = {}
        self._case: Case | None = None
        self._space: Space | None = None
        self._texture: tuple[Case, tuple[float, float]] | None = None
        self._job: Job | None = None
        self._soon = QTimer(self, interval=TICK_MS, singleShot=True)
        self._soon.timeout.connect(self.refresh)
        self.reference_colour = "#F0E442"
        changes = (store.case_activated, store.case_changed, store.run_changed, store.threshold_changed)
        for signal in (*changes, store.column_removed, store.column_changed):
            signal.connect(lambda _: self._soon.start())
        panel.opened.connect(self.refresh)
        panel.texture_requested.connect(lambda _: self._show_texture())
        panel.pick_requested.connect(self._on_pick)
        view.cross_changed.connect(lambda _: self._show_cross())
        view.window_level_changed.connect(lambda low, high: self._soon.start())

    def refresh(self) -> None:
        """Show what there is now; nothing is made for a tab that nobody looks at."""
        if not self._panel.looked_at:
            return
        case, problem = self._store.case, self._panel.problem()
        if problem:
            self._panel.show_message(problem)
        elif case is None:
            self._forget(NO_CASE)
        elif case.image.voxels.shape[0] == 1:
            self._forget(ONE_SLICE.format(name=case.name))
        else:
            self._start(case)

    def _forget(self, message: str) -> None:
        self._queue.cancel_slot("3d")
        self._job, self._case, self._texture, self._made = None, None, None, {}
        self._panel.show_texture(None)
        self._panel.show_message(message)

    # ---- surfaces ----------------------------------------------------------------------------------------------------

    def _wanted(self, case: Case) -> list[_Wanted]:
        """Of each column with a result, and of the reference where it lies on the image's grid."""
        wanted = []
        for item in self._store.columns.values():
            prediction = self._store.run_state(item.key).prediction if item.kind != "reference" else None
            if prediction is not None and prediction.mask.shape == case.image.voxels.shape:
                name = self._store.column_title(item.key)
                wanted.append(
                    _Wanted(
                        key=item.key,
                        name=name,
                        colour=item.colour,
                        opacity=OTHER_OPACITY if wanted else RESULT_OPACITY,
                        source=prediction,
                        threshold=item.threshold,
                    )
                )
        reference = case.reference
        if reference is not None and reference.labels.shape == case.image.voxels.shape:
            opacity = REFERENCE_OPACITY if wanted else RESULT_OPACITY
            wanted.append(
                _Wanted(
                    key=REFERENCE,
                    name=f"reference: {reference.name}",
                    colour=self.reference_colour,
                    opacity=opacity,
                    source=reference.labels,
                )
            )
        return wanted

    def _start(self, case: Case) -> None:
        wanted = self._wanted(case)
        if self._case is None or self._case.image is not case.image:
            self._made, self._texture = {}, None
            self._panel.show_texture(None)
            self._panel.show_message(WORKING)
        self._case = case
        kept = {item.key: pair for item in wanted if (pair := self._made.get(item.key)) and item.same(pair[0])}
        job = Job(_work(case, wanted, {key: surface for key, (_, surface) in kept.items()}), "Making surfaces")
        self._job = job
        job.succeeded.connect(lambda made: self._on_made(job, case, wanted, made))
        job.failed.connect(lambda failure: self._job is job and self._panel.show_message(failure.text()))
        self._queue.start(job, slot="3d")

    def _on_made(self, job: Job, case: Case, wanted: list[_Wanted], made: tuple[Space, dict[str, Surface]]) -> None:
        if self._job is not job:
            return
        self._space, surfaces = made
        self._made = {item.key: (item, surfaces[item.key]) for item in wanted}
        shown = {
            item.key: ShownSurface(name=item.name, colour=item.colour, opacity=item.opacity, surface=surfaces[item.key])
            for item in wanted
        }
        self._panel.show_scene(self._space, shown, facts(self._space, shown))
        self._show_cross()
        self._show_texture()

    # ---- the image behind --------------------------------------------------------------------------------------------

    def _show_texture(self) -> None:
        """Made when it is asked for, and again when the window is another."""
        case, window = self._case, self._view.window_level()
        if case is None or not self._panel.image_box.isChecked():
            self._texture = None
            self._panel.show_texture(None)
            return
        if self._texture is not None and self._texture[0] is case and self._texture[1] == window:
            return
        self._texture = case, window
        job = Job(lambda report: pipeline.texture(case.image, window, report), "Making the picture for 3D")
        job.succeeded.connect(lambda texture: self._on_texture(case, window, texture))
        self._queue.start(job, slot="3d-image")

    def _on_texture(self, case: Case, window: tuple[float, float], texture: Texture) -> None:
        if self._texture is not None and self._texture[0] is case and self._texture[1] == window:
            self._panel.show_texture(texture)

    # ---- the crosshair -----------------------------------------------------------------------------------------------

    def _show_cross(self) -> None:
        if self._space is not None and self._case is not None:
            self._panel.show_cross(pipeline.point_of(self._space, self._view.cross()))

    def _on_pick(self, origin: object, direction: object, tolerance: float) -> None:
        """What can be seen can be picked."""
        seen = [pair[1] for key, pair in self._made.items() if self._panel.opacities.get(key, 1.0) > 0]
        job = Job(lambda report: pipeline.pick(seen, origin, direction, tolerance))  # type: ignore[arg-type]
        job.succeeded.connect(self._on_picked)
        self._queue.start(job, slot="3d-pick")

    def _on_picked(self, point: tuple[float, float, float] | None) -> None:
        if point is not None and self._space is not None and self._case is not None:
            self._view.set_cross(pipeline.voxel_at(self._space, point, self._case.image.voxels.shape))


def _work(case: Case, wanted: list[_Wanted], kept: dict[str, Surface]) -> Work:
    """What the job does: space and surfaces by key, those that are known already as they are."""

    def make(report: Report) -> tuple[Space, dict[str, Surface]]:
        surfaces = {
            item.key: kept.get(item.key) or pipeline.surface(item.mask(), case.image, report) for item in wanted
        }
        return pipeline.space_of(case.image), surfaces

    return make


def facts(space: Space, shown: dict[str, ShownSurface]) -> str:
    """What a person should know of what is drawn."""
    lines = []
    for item in shown.values():
        count, every = len(item.surface.faces), item.surface.every
        if not count:
            lines.append(f"{item.name}: empty, there is no surface")
        elif every > 1:
            lines.append(f"{item.name}: {count:,} triangles, coarser than the mask: blocks of {every} voxels")
        else:
            lines.append(f"{item.name}: {count:,} triangles")
    if not shown:
        lines.append("No result and no reference: there is no surface")
    if not space.true_to_scale:
        lines.append("Nobody says how far voxels are apart: not to scale")
    return "\n".join(lines)
