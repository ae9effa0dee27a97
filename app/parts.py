"""The widgets of the window, made once and handed to those who keep them in line with the store."""

from __future__ import annotations

from dataclasses import dataclass

import numpy.ma  # noqa: F401  numpy imports it at its first percentile (35 ms), which is when an image is first shown

from app.canvas.columns import ColumnsView
from app.panels.banner import Banner
from app.panels.concordance import ConcordancePanel
from app.panels.dial import DialPanel
from app.panels.film import FilmPanel
from app.panels.labels import LabelsPanel
from app.panels.library import LibraryPanel
from app.panels.measurements import MeasurementsPanel
from app.panels.passport import PassportPanel
from app.panels.run import RunPanel
from app.panels.steps import StepsPanel
from app.panels.topology import TopologyPanel
from app.panels.uncertainty import UncertaintyPanel
from app.panels.view_bar import ViewBar
from app.panels.volume_3d import Volume3DPanel
from app.status import StatusLine
from app.store import Store
from app.theme import Theme


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """One of each."""

    view: ColumnsView
    steps: StepsPanel
    bar: ViewBar
    banner: Banner
    library: LibraryPanel
    passport: PassportPanel
    measurements: MeasurementsPanel
    concordance: ConcordancePanel
    run: RunPanel
    film: FilmPanel
    labels: LabelsPanel
    volume_3d: Volume3DPanel
    uncertainty: UncertaintyPanel
    dial: DialPanel
    topology: TopologyPanel
    status: StatusLine

    def set_theme(self, theme: Theme) -> None:
        """Those that name colours themselves; the style sheet does the rest."""
        for part in (self.view, self.steps, self.library, self.film, self.dial):
            part.set_theme(theme)


def make_parts(store: Store, theme: Theme) -> Parts:
    parts = Parts(
        view=ColumnsView(theme),
        steps=StepsPanel(theme),
        bar=ViewBar(),
        banner=Banner(),
        library=LibraryPanel(store, theme),
        passport=PassportPanel(),
        measurements=MeasurementsPanel(),
        concordance=ConcordancePanel(),
        run=RunPanel(),
        film=FilmPanel(),
        labels=LabelsPanel(),
        volume_3d=Volume3DPanel(),
        uncertainty=UncertaintyPanel(),
        dial=DialPanel(theme),
        topology=TopologyPanel(),
        status=StatusLine(),
    )
    parts.film.set_theme(theme)
    return parts
