"""One view of a column: a section of the image with this column's result over it, and the words that belong there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtGui import QPainterPath

from app.canvas.camera import floor_half_up
from app.canvas.contour import corners
from app.canvas.frame import Beside, Frame, LiveStep, frame_of, live_frame, nearest_step
from app.canvas.items import MOST_LINES, outline_path
from app.canvas.label_layer import fill_labels, label_outlines
from app.canvas.layers import ResultLayers
from app.canvas.markers import Ring, rings_of
from app.canvas.marks import Marks
from app.canvas.moment import ALONE, Company
from app.canvas.quantities import Classes, Computed, Scale
from app.canvas.scene import Scene, Voxel, comparable_labels, picture_of, plane_geometry, reference_labels
from app.canvas.slice_view import SliceView
from app.items import VIEW_NAMES, Marker, View
from app.theme import Theme
from core.records import Array, Prediction

if TYPE_CHECKING:
    from core.pipeline import Section

_PATHS_KEPT = 256
_MANY_CORNERS, _REST_MS = 3_000, 50
"""An outline with more corners is drawn when its step was looked at for so long."""
_DOT = " \N{MIDDLE DOT} "
_OBLIQUE_FROM = 1.0
"""Degrees from which a slanted volume is called so; rounding in files stays far below."""
_ACROSS = ("As acquired", "Across the rows", "Across the columns")
_NOTES = {"no": "No spacing: square pixels", "uneven": "Uneven or sheared: not to scale"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shown:
    """What a column lays over the image: a finished prediction, or the live step of a run, or nothing but `words`.

    `threshold` of a live step, `cut` of a prediction; None = the checkpoint's own. `maps` of a prediction, on its grid:
    what was computed of it in the background, by name.
    """

    colour: str
    prediction: Prediction | None = None
    live: LiveStep | None = None
    cut: float | None = None
    threshold: float | None = None
    words: str = ""
    maps: Mapping[str, Array | Computed] = field(default_factory=dict)
    company: Company = ALONE

    def probability(self, t: float | None) -> Array | None:
        """Of all slices, at the step that is shown at `t`; None where there is nothing to show."""
        if self.prediction is None:
            return None if self.live is None else self.live.step.probability
        step = None if t is None else nearest_step(self.prediction, t)
        return self.prediction.probability if step is None else step.probability

    def frame(self, scene: Scene, section: Section) -> Frame:
        """What is seen of it in a section; nothing of a result on another grid."""
        if self.prediction is not None and self.prediction.mask.shape == section.shape:
            assert scene.case is not None
            beside = Beside(reference=comparable_labels(scene.case), maps=self.maps, company=self.company)
            return frame_of(self.prediction, scene.t, scene.quantity, self.cut, section, beside)
        if self.live is not None and self.live.step.estimate.shape == section.shape:
            return live_frame(self.live, scene.quantity, self.threshold, section)
        return Frame(caption=self.words)


class Pane:
    """Draws a `Scene` as one of its views; what did not change is not drawn again."""

    def __init__(self, colour: str, theme: Theme) -> None:
        self.view = SliceView(colour, theme.reference)
        self.name: View = "acquired"
        self.row: str | None = None  # the case, where it is not the active one
        self.frame, self.caption = Frame(caption=""), ""
        self.mask_seen = self.map_seen = self.reference_seen = False
        self._scene = Scene()
        self._section: Section | None = None
        self._shown: Shown | None = None
        self._beside: Shown | None = None
        self.other_frame: Frame | None = None
        self.other_caption = ""
        self._recent: list[Shown] = []
        self._drawn: tuple[object, ...] = ()
        self._pointed: tuple[Marker, ...] = ()
        self._rings: tuple[Ring, ...] = ()
        self._paths: dict[tuple[object, ...], QPainterPath | None] = {}
        self._rest, self._at_rest = QTimer(self.view, interval=_REST_MS, singleShot=True), False
        self._rest.timeout.connect(self._draw_late)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        self.view.set_canvas_colours(theme.canvas_background, theme.canvas_text)
        self.view.reference_item.set_colour(theme.reference)

    def clear(self) -> None:
        """Nothing left of a case."""
        self._rest.stop()
        self._section, self._drawn, self.caption = None, (), ""
        self._shown = self._beside = self.other_frame = None
        self._recent, self.other_caption = [], ""
        self._scene, self.frame = Scene(), Frame(caption="")
        self.mask_seen = self.map_seen = self.reference_seen = False
        self.view.clear()

    def draw(self, scene: Scene, name: View, shown: Shown, beside: Shown | None = None) -> None:
        """Show the view `name` of the case of `scene`; right of the divider of the view, if it has one, `beside`."""
        assert scene.case is not None
        section, before = scene.section(name), self._scene
        moved = not section.same_place(self._section)
        same = shown is self._shown and beside is self._beside
        if scene.case is not before.case or not same:
            self._forget(scene, shown, beside)
        stale = moved or not same or not scene.same_result(before)
        self._scene, self._section, self._shown, self._beside, self.name = scene, section, shown, beside, name
        self.view.set_volume(scene.is_volume)
        self.view.look(plane_geometry(section), scene.camera(name))
        self._draw_image(scene, section, moved)
        if stale:
            self._draw_results(scene, section, shown, beside)
        self._point_out(scene, section, moved)
        self.view.show_marks(replace(self._marks(scene, section), rings=() if scene.bare else self._rings))

    def _point_out(self, scene: Scene, section: Section, moved: bool) -> None:
        """Rings are worked out once for a slice: most of what is drawn anew are steps."""
        if moved or scene.markers is not self._pointed:
            self._pointed, self._rings = scene.markers, rings_of(scene.markers, section)

    def _forget(self, scene: Scene, shown: Shown, beside: Shown | None) -> None:
        """Outlines are kept as long as case, result and threshold stay: those of the two results seen last, which may
        take turns, and of no other."""
        self._recent = [shown, *(other for other in (beside, *self._recent) if other not in (None, shown))][:2]
        if scene.case is not self._scene.case:
            self._paths.clear()
        known = (None, *self._recent)
        self._paths = {key: path for key, path in self._paths.items() if key[0] in known}

    def _draw_image(self, scene: Scene, section: Section, moved: bool) -> None:
        assert scene.case is not None
        wanted = (scene.case.image, scene.low, scene.high, scene.inverted)
        same = bool(self._drawn) and self._drawn[0] is wanted[0] and self._drawn[1:] == wanted[1:]
        if moved or not same:
            self._drawn = wanted
            self.view.show_image(picture_of(scene.case.image, section), scene.low, scene.high, inverted=scene.inverted)

    def _draw_results(self, scene: Scene, section: Section, shown: Shown, beside: Shown | None) -> None:
        self.frame = in_one_piece(shown.frame(scene, section))
        self.caption, self.mask_seen, self.map_seen = self._lay(self.view.own, self.frame, scene, section, shown)
        if beside is None:
            self.view.other.hide()
            self.other_frame, self.other_caption = None, ""
        else:
            self.other_frame = in_one_piece(beside.frame(scene, section))
            self.other_caption, *_ = self._lay(self.view.other, self.other_frame, scene, section, beside)
        self.reference_seen = self._draw_reference(scene, section)

    def _lay(
        self, layers: ResultLayers, frame: Frame, scene: Scene, section: Section, shown: Shown
    ) -> tuple[str, bool, bool]:
        """One result into its layers. Returns its caption, and whether a mask and values are seen."""
        style, hidden = scene.style, scene.bare or not scene.style.visible
        layers.show_map(None if hidden else frame.values, frame.scale)
        lined = frame.mask is not None and style.outline and not hidden
        late = lined and frame.mask is not None and self._is_late(frame.t, frame.mask, section, shown)
        wanted = lined and not late and frame.mask is not None
        path = self._outline(frame.t, frame.mask, section, shown) if wanted else None
        noisy = lined and path is None
        filled = frame.fill and (style.fill or noisy) and not hidden  # a mask without its outline is at least filled
        layers.show_outline(path, shown.colour)
        layers.show_mask(frame.mask if filled else None, shown.colour, style.opacity)
        caption = f"{frame.caption}{_DOT}too noisy for an outline" if noisy and not late else frame.caption
        return caption, filled or path is not None, not hidden

    def _draw_reference(self, scene: Scene, section: Section) -> bool:
        assert scene.case is not None
        shown = scene.style.reference_visible and not scene.bare and (self.frame.lined or not scene.style.visible)
        labels = reference_labels(scene.case) if shown else None
        if labels is None or scene.labels:
            self.view.show_outline(self.view.reference_item, None)
        if labels is None or not scene.labels:
            self.view.show_labels(None, None, ())
        if labels is None:
            return False
        if scene.labels:
            return self._draw_labels(labels, scene, section)
        key = (None, "reference", section.cut, section.first, section.last)
        path = self._kept(key, lambda: section.union(labels, lambda some: some > 0))
        self.view.show_outline(self.view.reference_item, path)
        return path is not None

    def _draw_labels(self, labels: Array, scene: Scene, section: Section) -> bool:
        """Fill and outline of each label; through a slab the highest number that any slice has."""
        entries = scene.labels
        plane = np.ascontiguousarray(replace(section, projection="max").picture(labels))
        outlines = label_outlines(plane, entries) if scene.style.outline else ()
        fill = partial(fill_labels, labels=entries) if scene.style.fill or not outlines else None
        self.view.show_labels(plane, None if fill is None else lambda some, out: fill(some, out=out), outlines)
        return any(entry.visible for entry in entries)

    def _is_late(self, t: float | None, mask: Array, section: Section, shown: Shown) -> bool:
        """Whether an outline waits until the step rests: one of many lines takes longer than a step that is only passed
        may. Until then the mask is filled."""
        if self._at_rest or shown.live is not None or self._key(t, section, shown) in self._paths:
            return False
        late = _MANY_CORNERS < corners(mask) <= MOST_LINES
        if late:
            self._rest.start()
        return late

    def _key(self, t: float | None, section: Section, shown: Shown) -> tuple[object, ...]:
        return shown, t, section.cut, section.first, section.last

    def finish(self) -> None:
        """Complete what waits for a rest, for a picture of the view."""
        if self._rest.isActive():
            self._rest.stop()
            self._draw_late()
        self.view.finish()

    def _draw_late(self) -> None:
        if self._section is not None and self._shown is not None:
            self._at_rest = True
            self._draw_results(self._scene, self._section, self._shown, self._beside)
            self._at_rest = False

    def _outline(self, t: float | None, mask: Array, section: Section, shown: Shown) -> QPainterPath | None:
        """The outline of `mask`, kept for the next time this step is shown; a running step is never kept."""
        if shown.live is not None:
            return outline_path(mask)
        return self._kept(self._key(t, section, shown), lambda: mask)

    def _kept(self, key: tuple[object, ...], mask: Callable[[], Array]) -> QPainterPath | None:
        if key not in self._paths:
            if len(self._paths) >= _PATHS_KEPT:
                self._paths.clear()
            self._paths[key] = outline_path(mask())
        return self._paths[key]

    # ---- what lies under a place of the picture ----

    def voxel_at(self, place: tuple[float, float]) -> Voxel | None:
        """The voxel shown at (row, column) of the picture; outside, the nearest. None before anything was drawn."""
        return None if self._section is None else self._section.voxel_at(*place)

    def values_in(self, rows: tuple[float, float], columns: tuple[float, float]) -> Array | None:
        """What is drawn of the image between two rows and two columns of the picture; None before that."""
        section, case = self._section, self._scene.case
        if section is None or case is None:
            return None
        picture, sides = picture_of(case.image, section), []
        for (start, end), length in zip((rows, columns), picture.shape, strict=False):
            low, high = floor_half_up(min(start, end)), floor_half_up(max(start, end))
            sides.append(slice(max(low, 0), min(max(high, 0), length - 1) + 1))
        return picture[tuple(sides)]

    # ---- words ----

    def slice_words(self) -> str:
        """`slice 3 of 20`; empty before anything was drawn."""
        section = self._section
        return "" if section is None else f"slice {section.index + 1} of {section.slices}"

    def _marks(self, scene: Scene, section: Section) -> Marks:
        edges, known = section.cut.edges, section.cut.name is not None
        letters = (edges.left, edges.right, edges.top, edges.bottom)
        assert scene.case is not None
        convention = (scene.volume.convention.capitalize(),) if known else ()
        inverted = ("Inverted",) if scene.inverted else ()
        if scene.captioned:
            inverted = (self._own_caption(), *inverted)
        if not scene.is_volume:
            return Marks(edges=letters, above=inverted, below=convention, across_mm=section.across_mm)
        if not scene.worded:
            convention = ()
        down, across = section.on_screen(scene.cross)
        return Marks(
            edges=letters,
            above=(self._title(section), *inverted, *self._notes(scene, section)) if scene.worded else (),
            below=(self._place(section, tile=scene.is_lightbox), *convention),
            cross=(across, down) if scene.crossed and not scene.bare else None,
            across_mm=section.across_mm if scene.worded else None,
        )

    def _own_caption(self) -> str:
        """What this view shows, with the ends of its colours: a row has no legend of its own."""
        scale = self.frame.scale if self.map_seen else None
        ends = f"{scale.low:g} to {scale.high:g}" if isinstance(scale, Scale) else ""
        if isinstance(scale, Classes):  # how many comes before when: a row is narrow
            title, _, where = self.caption.partition(_DOT)
            counts = ", ".join(kind.words for kind in scale.kinds if kind.words)
            return _DOT.join(filter(None, (self._scene.row_title, title, counts, where)))
        return _DOT.join(filter(None, (self._scene.row_title, self.caption, ends)))

    def _place(self, section: Section, *, tile: bool) -> str:
        """`Slice 81/181 · S 12.0 mm`; in a tile there is only room for the numbers."""
        words = f"{'' if tile else 'Slice '}{section.index + 1}/{section.slices}"
        return f"{words}{_DOT}{section.place}" if section.place else words

    def _title(self, section: Section) -> str:
        title = plane_name(self.name, section)
        if section.oblique_degrees >= _OBLIQUE_FROM:
            title = f"{title}{_DOT}oblique {section.oblique_degrees:.0f}\N{DEGREE SIGN}"
        return title

    def _notes(self, scene: Scene, section: Section) -> list[str]:
        """What one must know to read the picture right."""
        notes = [] if section.cut.name is not None else ["Orientation unknown: as stored"]
        if section.scaled in _NOTES:
            notes.append(_NOTES[section.scaled])
        if section.thick:
            notes.append(slab_words(section))
            if self.mask_seen or self.reference_seen:
                notes.append("Masks: union of slices")
            if self.frame.values is not None and self.map_seen:
                notes.append("Values: middle slice")
        return notes


def in_one_piece(frame: Frame) -> Frame:
    """The same with a mask that lies in one piece of memory: a plane across the rows of a large volume is one cache
    line for each voxel, and both the fill and the outline read all of them."""
    return frame if frame.mask is None else replace(frame, mask=np.ascontiguousarray(frame.mask))


def plane_name(view: View, section: Section) -> str:
    """`Axial`, `As acquired (axial)`; of an array axis where nobody knows how the patient lies."""
    if section.cut.name is None:
        return _ACROSS[section.cut.axis] if view != "axial" else "Slice by slice"
    return f"{VIEW_NAMES[view]} ({section.cut.name})" if view == "acquired" else VIEW_NAMES[view]


def slab_words(section: Section) -> str:
    """`Max, 10 slices, 12.0 mm`; of fewer slices at the ends of the volume."""
    size = "" if section.thickness_mm is None else f", {section.thickness_mm:.1f} mm"
    return f"{section.projection.capitalize()}, {section.last - section.first + 1} slices{size}"
