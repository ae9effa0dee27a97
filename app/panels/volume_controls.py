"""How a volume is looked at: plane, number of views, which side is left, and slabs. Groups of the view bar."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QSpinBox

from app.items import (
    CONVENTIONS,
    LAYOUT_NAMES,
    LAYOUTS,
    PROJECTION_NAMES,
    PROJECTIONS,
    VIEW_NAMES,
    VIEWS,
    View,
    VolumeView,
)
from app.panels.widgets.group import group_of
from app.panels.widgets.text import PlainLabel, plain_tooltip

THICKEST = 500


class VolumeControls(QObject):
    """Everything here acts at once, and wishes for fields of `VolumeView`. Hidden while a single picture is shown."""

    changed = Signal(object)  # dict of VolumeView fields

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._spacing_mm: float | None = None
        self._tiled = False
        self.layout_box = _box("Number of views", "How many views each column has", LAYOUT_NAMES.values())
        self.view_box = _box("Plane", "The plane of a single view", VIEW_NAMES.values())
        self.convention_box = _box(
            "Left and right",
            "Radiological: the patient's right is on the left. Neurological: the patient's right is on the right",
            [name.capitalize() for name in CONVENTIONS],
        )
        self.projection_box = _box("Slab", "What a thick slab shows of the image", PROJECTION_NAMES.values())
        self.thickness = QSpinBox(minimum=2, maximum=THICKEST, suffix=" slices")
        self.thickness.setAccessibleName("Thickness of the slab")
        self.size = PlainLabel(role="muted")
        slab = (PlainLabel("Slab", role="muted"), self.projection_box, self.thickness, self.size)
        self.every = QSpinBox(minimum=0, maximum=THICKEST, prefix="every ", specialValueText="whole volume")
        self.every.setAccessibleName("Slices from tile to tile of the lightbox")
        self.every.setToolTip(plain_tooltip("Every which slice the lightbox shows; at 0 the whole volume"))
        planes = (self.layout_box, self.view_box, self.every)
        self.groups = group_of(*planes), group_of(self.convention_box), group_of(*slab)  # the bar breaks between them
        self._connect()
        self.show_volume(VolumeView())
        self.set_visible(False)

    def set_visible(self, visible: bool) -> None:
        for group in self.groups:
            group.setVisible(visible)

    def _connect(self) -> None:
        self.layout_box.activated.connect(lambda at: self.changed.emit({"layout": LAYOUTS[at]}))
        self.view_box.activated.connect(lambda at: self.changed.emit(self._with_view(VIEWS[at])))
        self.convention_box.activated.connect(lambda at: self.changed.emit({"convention": CONVENTIONS[at]}))
        self.projection_box.activated.connect(lambda at: self.changed.emit({"projection": PROJECTIONS[at]}))
        self.thickness.valueChanged.connect(lambda slices: self.changed.emit({"thickness": slices}))

        self.every.valueChanged.connect(lambda slices: self.changed.emit({"every": slices}))

    def _with_view(self, view: View) -> dict[str, object]:
        """Another plane: of the lightbox if there is one, else of the only view."""
        return {"view": view} if self._tiled else {"view": view, "layout": 1}

    def show_volume(self, look: VolumeView) -> None:
        """What is in force."""
        self.layout_box.setCurrentIndex(LAYOUTS.index(look.layout))
        self.view_box.setCurrentIndex(VIEWS.index(look.view))
        self.convention_box.setCurrentIndex(CONVENTIONS.index(look.convention))
        self.projection_box.setCurrentIndex(PROJECTIONS.index(look.projection))
        self._tiled = look.layout == "lightbox"
        with QSignalBlocker(self.thickness), QSignalBlocker(self.every):
            self.thickness.setValue(look.thickness)
            self.every.setValue(look.every)
        self.view_box.setVisible(look.layout in (1, "lightbox"))
        self.every.setVisible(self._tiled)
        for part in (self.thickness, self.size):
            part.setVisible(look.projection != "off")
        self._show_size()

    def show_names(self, names: Sequence[str]) -> None:
        """What the planes are called: those of the body, or of the array where nobody knows how the patient lies."""
        for at, name in enumerate(names):
            self.view_box.setItemText(at, name)

    def show_spacing(self, spacing_mm: float | None) -> None:
        """Millimetres between the slices of the plane that is looked at; None when unknown."""
        self._spacing_mm = spacing_mm
        self._show_size()

    def _show_size(self) -> None:
        known = self._spacing_mm
        self.size.setText("" if known is None else f"{known * self.thickness.value():.1f} mm")


def _box(name: str, tip: str, texts: object) -> QComboBox:
    box = QComboBox()
    box.addItems(list(texts))  # type: ignore[call-overload]
    box.setAccessibleName(name)
    box.setToolTip(plain_tooltip(tip))
    return box
