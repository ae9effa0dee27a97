"""The tab of three dimensions: surfaces of the masks, the image behind them, or why there is nothing to see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSlider,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.panels.volume_3d_gl import gl_problem
from app.panels.widgets.text import ElidedLabel, PlainLabel, plain_tooltip
from core.records import Space, Surface, Texture

if TYPE_CHECKING:
    from app.panels.volume_3d_view import View3D

HELP = "Left button: turn; with Ctrl: move. Wheel: nearer. Click on a surface: the crosshair goes there."
SWATCH_PX, SLIDER_PX = 12, 90


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShownSurface:
    """A surface with its name, colour and first opacity (0 to 1)."""

    name: str
    colour: str
    opacity: float
    surface: Surface


class Volume3DPanel(QWidget):
    """Makes its view when it is first needed. `opened`: somebody looks at it now, and wants to see something."""

    opened = Signal()
    pick_requested = Signal(object, object, float)  # origin, direction, tolerance as a tangent
    texture_requested = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view: View3D | None = None
        self.looked_at = False
        self._problem: str | None = None
        self._surfaces: dict[str, ShownSurface] = {}
        self.opacities: dict[str, float] = {}
        self.message, self.facts = PlainLabel(role="muted", wrap=True), PlainLabel(role="muted", wrap=True)
        self.image_box, self.reset = QCheckBox("Image, maximum intensity"), QPushButton("Reset view")
        self.rows = QGridLayout()
        self.pages, self._content, self._below = QStackedWidget(), QWidget(), QWidget()
        self._lay_out()
        self.image_box.toggled.connect(self.texture_requested)
        self.reset.clicked.connect(lambda: self.view is not None and self.view.reset_view())
        self.show_message("Open a volume to see it in three dimensions.")

    def _lay_out(self) -> None:
        page, content, outer = QWidget(), QVBoxLayout(self._content), QVBoxLayout(self)
        middle = QVBoxLayout(page)
        middle.addWidget(self.message)
        middle.addStretch(1)
        controls = QHBoxLayout()
        controls.addWidget(self.image_box, 1)
        controls.addWidget(self.reset)
        content.setContentsMargins(0, 0, 0, 0)
        self.rows.setColumnStretch(1, 2)
        self.rows.setColumnStretch(2, 1)
        below = QVBoxLayout(self._below)
        below.setContentsMargins(0, 0, 0, 0)
        for part in (self.rows, controls):
            below.addLayout(part)
        below.addWidget(self.facts)
        below.addStretch(1)
        scroll = QScrollArea()  # a low dock keeps its view
        scroll.setWidget(self._below)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        content.addWidget(scroll, 1)
        self.pages.addWidget(page)
        self.pages.addWidget(self._content)
        outer.setContentsMargins(6, 6, 6, 6)
        outer.addWidget(self.pages)

    # ---- being looked at ---------------------------------------------------------------------------------------------

    def set_looked_at(self, looked_at: bool) -> None:
        """Whether the tab is the one in front: Qt calls those behind it visible too."""
        if looked_at != self.looked_at:
            self.looked_at = looked_at
            if looked_at:
                self.opened.emit()

    def problem(self) -> str:
        """Why nothing can be drawn here, in words; looked for once."""
        if self._problem is None:
            self._problem = gl_problem()
        return self._problem

    def shows_view(self) -> bool:
        return self.pages.currentWidget() is self._content

    # ---- what is shown -----------------------------------------------------------------------------------------------

    def show_message(self, text: str) -> None:
        """Words instead of the view."""
        self.message.setText(text)
        self.pages.setCurrentIndex(0)

    def show_scene(self, space: Space, surfaces: Mapping[str, ShownSurface], facts: str) -> None:
        """Surfaces by key in a space, and what there is to know of them. Opacities stay as a person left them."""
        view = self._made_view()
        self._surfaces = dict(surfaces)
        for key, item in surfaces.items():
            self.opacities.setdefault(key, item.opacity)
        view.set_space(space)
        view.set_surfaces({key: (item.surface, item.colour, self.opacities[key]) for key, item in surfaces.items()})
        self._fill_rows()
        self.facts.setText(facts)
        self.pages.setCurrentWidget(self._content)

    def show_texture(self, texture: Texture | None) -> None:
        if self.view is not None:
            self.view.set_texture(texture)

    def show_cross(self, point: tuple[float, float, float]) -> None:
        if self.view is not None:
            self.view.set_cross(point)

    def _made_view(self) -> View3D:
        """Only here OpenGL is touched, after `problem` found none."""
        if self.view is None:
            from app.panels.volume_3d_view import View3D

            self.view = View3D()
            self.view.pick_requested.connect(self.pick_requested)
            layout = self._content.layout()
            assert isinstance(layout, QVBoxLayout)
            self.view.setToolTip(plain_tooltip(HELP))
            layout.insertWidget(0, self.view, 3)
        return self.view

    def _fill_rows(self) -> None:
        """Colour, name and opacity of each surface."""
        while (item := self.rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for row, (key, item) in enumerate(self._surfaces.items()):
            swatch, slider = QWidget(), QSlider(Qt.Orientation.Horizontal)
            swatch.setFixedSize(SWATCH_PX, SWATCH_PX)
            swatch.setStyleSheet(f"background: {item.colour}; border-radius: 2px;")
            slider.setRange(0, 100)
            slider.setMinimumWidth(SLIDER_PX // 2)
            slider.setMaximumWidth(SLIDER_PX)
            slider.setValue(round(100 * self.opacities[key]))
            slider.setAccessibleName(f"Opacity of {item.name}")
            slider.valueChanged.connect(lambda value, key=key: self._set_opacity(key, value / 100))
            for column, widget in enumerate((swatch, ElidedLabel(item.name), slider)):
                self.rows.addWidget(widget, row, column)

    def _set_opacity(self, key: str, opacity: float) -> None:
        self.opacities[key] = opacity
        if self.view is not None and key in self._surfaces:
            self.view.set_look(key, self._surfaces[key].colour, opacity)
