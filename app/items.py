"""What the store holds: cases, checkpoints, columns, and the keys under which results are filed. Frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Literal

from app.jobs import Failure
from core.progress import Progress
from core.records import Case, CasePaths, CheckpointReport, Difference, Measurement, Prediction, RunSettings, Severity

CaseState = Literal["listed", "loading", "ready", "failed"]
ColumnKind = Literal["checkpoint", "reference", "mask"]
ColumnState = Literal["empty", "waiting", "running", "result", "error", "cancelled"]
Quantity = str  # a name of the table in app.canvas.quantities
View = Literal["axial", "coronal", "sagittal", "acquired"]
Layout = Literal[1, 2, 4, "lightbox"]
Convention = Literal["radiological", "neurological"]
Projection = Literal["off", "max", "min", "mean"]
OtherGrid = Literal["show", "resample", "voxels"]
Link = Literal["camera", "slice", "window", "step"]
RowMode = Literal["planes", "quantities", "cases"]
ROW_MODES: tuple[RowMode, ...] = ("planes", "quantities", "cases")
ROW_NAMES = {"planes": "Planes", "quantities": "Quantities", "cases": "Cases"}
CASE_ROWS = 3
MOST_ROWS = 4
CompareMode = Literal["off", "swipe", "blink"]
COMPARES: tuple[CompareMode, ...] = ("off", "swipe", "blink")
COMPARE_NAMES = {"off": "Side by side", "swipe": "Swipe", "blink": "Blink"}
SLOWEST, FASTEST = 0.5, 6.0
"""Changes per second while two columns blink: six are three flashes, the most that WCAG 2.2 allows (2.3.1)."""
LINKS: tuple[Link, ...] = ("camera", "slice", "window", "step")
LINK_NAMES: dict[Link, str] = {"camera": "Pan and zoom", "slice": "Slice", "window": "Window", "step": "Step"}
VIEWS: tuple[View, ...] = ("axial", "coronal", "sagittal", "acquired")
LAYOUTS: tuple[Layout, ...] = (1, 2, 4, "lightbox")
CONVENTIONS: tuple[Convention, ...] = ("radiological", "neurological")
PROJECTIONS: tuple[Projection, ...] = ("off", "max", "min", "mean")
LAYOUT_NAMES: dict[Layout, str] = {1: "1 view", 2: "2 views", 4: "4 views", "lightbox": "Lightbox"}
VIEW_NAMES = {"axial": "Axial", "coronal": "Coronal", "sagittal": "Sagittal", "acquired": "As acquired"}
PROJECTION_NAMES = {"off": "Off", "max": "Maximum", "min": "Minimum", "mean": "Mean"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseItem:
    """A case in the library. `id` is the path of its image; `revision` counts how often its files were read, and
    `reference_revision` how often it got another reference."""

    id: str
    paths: CasePaths
    state: CaseState = "listed"
    case: Case | None = None
    failure: Failure | None = None
    revision: int = 0
    other_grid: OtherGrid = "show"
    """What was decided about a reference that lies on another grid than the image."""
    reference_revision: int = 0

    @property
    def name(self) -> str:
        return self.paths.name


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointItem:
    """A checkpoint in the library. `id` is its path; `report` is None while it is being inspected."""

    id: str
    report: CheckpointReport | None = None
    hashing: Progress | None = None
    revision: int = 0

    @property
    def name(self) -> str:
        return PurePath(self.id).name

    @property
    def refused(self) -> bool:
        return self.report is not None and self.report.status == "refused"

    @property
    def usable(self) -> bool:
        return self.report is not None and self.report.status != "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """How a checkpoint is loaded, apart from `RunSettings`: the device, and what a person overrides or adds.

    `profiles`: a profile cache to look in before those beside the checkpoint. `vlm`: the vision-language model that
    makes conditions which no cache holds: `auto`, `none`, a folder, or a name in the hub's cache.
    """

    device: str = "auto"
    film_stages: tuple[int, ...] | None = None
    film_point: str | None = None
    profiles: str | None = None
    vlm: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One checkpoint with one set of settings, beside others; or the case's reference, or an imported mask.

    `checkpoint` is empty for those; `source`: the file of a mask. `threshold` None = the checkpoint's own.
    """

    key: str
    checkpoint: str
    colour: str
    kind: ColumnKind = "checkpoint"
    source: str = ""
    settings: RunSettings = field(default_factory=RunSettings)
    options: LoadOptions = LoadOptions()
    threshold: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DropPlace:
    """Where files were dropped on the columns: on `column`, or between two of them, before the one at `index`.

    Without either it was not on the columns at all.
    """

    column: str | None = None
    index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKey:
    """Everything that decides a prediction. Two runs with the same key give the same result on one device.

    Labels in the place of a prediction have no checkpoint: `kind` and `source` say which, and `reference_revision`
    which reference of the case.
    `frame`: of a film or a time series, the one that was run on.
    """

    case: str
    case_revision: int
    checkpoint: str
    checkpoint_revision: int
    settings: RunSettings
    options: LoadOptions
    kind: ColumnKind = "checkpoint"
    source: str = ""
    reference_revision: int = 0
    frame: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureKey:
    """A measurement belongs to a run, cut at a threshold (None = the checkpoint's own)."""

    run: RunKey
    threshold: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunState:
    """What a column shows. `failure` comes with `error`, `progress` with `running`, `prediction` with `result`."""

    state: ColumnState
    failure: Failure | None = None
    progress: Progress | None = None
    prediction: Prediction | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayStyle:
    """How a mask lies over the image."""

    fill: bool = True
    outline: bool = True
    opacity: float = 0.4
    visible: bool = True
    reference_visible: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeView:
    """How a volume is looked at. `view` is the plane of a single view; `layout` the number of views in each column, or
    `lightbox`: many slices of `view`.

    `thickness`: slices that a `projection` looks through. `every`: slices from tile to tile of a lightbox, 0 = as many
    as it takes to show all of the volume.
    """

    view: View = "acquired"
    layout: Layout = 1
    convention: Convention = "radiological"
    projection: Projection = "off"
    thickness: int = 10
    every: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelEntry:
    """A label of the reference as it is shown. `key`: what it is known by in other files (its code, name or number).

    `centre`: a voxel (slice, row, column) to look at it; `opacity` of its fill, 0 to 1.
    """

    number: int
    key: str
    name: str
    code: str
    colour: str
    voxels: int
    centre: tuple[int, int, int]
    visible: bool = True
    opacity: float = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """A place that is pointed out on the pictures: `position` (slice, row, column), and the `box` around it (first,
    past the last) along each axis. `chosen`: it is the one that is looked at."""

    position: tuple[int, int, int]
    box: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    label: str = ""
    chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How the active column is held against another. `other`: the key of one that a person chose, else None.

    `per_second`: how often the two change places while they blink.
    """

    mode: CompareMode = "off"
    other: str | None = None
    per_second: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What lies below one another in each column: the planes of a volume (as its layout says), several quantities of
    one plane at once, or several cases. `quantities`: by name, in the order of the rows."""

    mode: RowMode = "planes"
    quantities: tuple[Quantity, ...] = ("mask", "probability", "state")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CaseRow:
    """One case of several in a column: what the column came to on it, or in `words` why there is nothing yet.

    `case` None: its files are not read yet. `window`: the intensities drawn black and white.
    """

    id: str
    title: str
    case: Case | None
    prediction: Prediction | None
    words: str
    active: bool
    window: tuple[float, float]

    def same(self, other: CaseRow) -> bool:
        """Whether nothing has to be drawn again."""
        mine, theirs = (self.case, self.prediction), (other.case, other.prediction)
        told = (self.id, self.title, self.words, self.active, self.window)
        same = told == (other.id, other.title, other.words, other.active, other.window)
        return same and all(one is another for one, another in zip(mine, theirs, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A line for the person: what a dropped file was taken for, or what went wrong with it. `path` may be empty."""

    severity: Severity | Literal["ok"]
    text: str
    path: str = ""
    remedy: str = ""
    lines: tuple[str, ...] = field(default=())
    code: str = ""
    """Of the finding that it tells, `labels.other-grid`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmVariant:
    """One line of the table of what each part of FiLM does: settings that differ in one thing from those of a run.

    `now`: they are those of the run.
    """

    title: str
    settings: RunSettings
    now: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmEffect:
    """What a variant came to beside the run as it is now. `measurement` None: there is no reference. `failure`: why
    there is nothing else. `labels`: in what the variant is not as trained."""

    difference: Difference | None = None
    measurement: Measurement | None = None
    failure: Failure | None = None
    labels: tuple[str, ...] = ()
