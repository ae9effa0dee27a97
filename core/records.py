"""The frozen records that cross layers and threads: numpy arrays and plain values only.

Arrays are (slices, rows, columns); a 2D image is one slice. Every array in a record is read-only and owns its memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.comparison_records import *  # noqa: F403 (they are listed there, and belong to this module's records)
from core.comparison_records import Member as Member

Array = np.ndarray[Any, np.dtype[Any]]
Severity = Literal["error", "warning", "note"]
Protocol = Literal["as-trained", "as-evaluated"]
Solver = Literal["euler", "midpoint", "heun", "dopri5"]
FilmMode = Literal["auto", "on", "off", "shuffle"]
Axis = Literal["time", "noise", "none"]
Direction = Literal["higher", "lower", "zero", "none"]
AnimatedQuantity = Literal["mask", "state", "estimate", "probability"]
NO_VALUE = "\N{EN DASH}"


def frozen_array(array: Array, dtype: Any = None) -> Array:
    """A read-only copy of `array` that owns its memory, C-contiguous, optionally converted to `dtype`."""
    copy = np.array(array, dtype=dtype, order="C", copy=True)
    copy.setflags(write=False)
    return copy


# ---- checkpoints ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a person should know. `code` is stable (`film.stages-inferred`); `remedy` says what to do."""

    severity: Severity
    code: str
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """`field` of the report has `value` because of `why` (the hyper-parameter, key or shape that says so)."""

    field: str
    value: Any
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmReport:
    """The FiLM heads of a checkpoint: one per stage, stage 0 = lowest resolution."""

    heads: int
    stages: tuple[int, ...]
    stages_from: Literal["metadata", "hparams", "weights", "user"]
    channels: tuple[int, ...]
    point: Literal["A", "B"]
    """Where a stage is modulated: A before the second skip, B before attention; `point_from` says who decided."""
    condition: Literal["image", "text", "logits"]
    cond_dim: int
    vlm: str | None
    layer_norm: bool
    hidden: int
    feature_width: int
    input_mode: Literal["raw", "overlay", "mask_only"] = "raw"
    overlay_alpha: float = 0.5
    pred_threshold: float = 0.5
    batch_strategy: Literal["per_sample", "first", "random"] = "first"
    warmup_epochs: int = 0
    prompts: tuple[str, ...] = ()
    cache_dir: str = "cache/vlm_profiles"
    embedding_dtype: str = "float16"
    point_from: Literal["file", "user"] = "file"
    stage_choices: tuple[tuple[int, ...], ...] = ()
    """Every stage list that the widths allow; more than one = ambiguous."""
    dropped_keys: int = 0
    """How many keys a loader without FiLM would have dropped, and `dropped_parameters`, how many numbers they hold."""
    dropped_parameters: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JunctionGateReport:
    """Settings of the junction gate (spec section 8)."""

    enabled: bool
    source: str = "pred"
    threshold: float = 0.5
    degree_threshold: int = 3
    radius_px: int = 8
    gate_value: float = 0.0
    warmup_epochs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsReport:
    """Weight sets the file carries (`model`, `swa`, `ema`), the one used, and why; `evaluated` is the one that the
    producer's own evaluation takes."""

    available: tuple[str, ...]
    used: str
    why: str = ""
    evaluated: str = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedMetric:
    """A score that the training run left in the file, as recorded (`val/dice`; the producers' own definition).

    `value` is that of the weights that were measured: `measured_with` names the set (`model`, `ema`, `swa`). `here`
    False = those weights are not in this file, so nobody can check the number with it; `why` says so.
    """

    name: str
    value: float
    measured_with: str
    here: bool
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointReport:
    """What a checkpoint is, before any weight is read. `status` is `ok`, `ambiguous` or `refused`.

    `mode` belongs to flows; `sampler` is `dopri5`, `euler`, `heun` (flows), `gaussian`, `bernoulli`, `cold` (diffusion)
    or None (supervised: one network call). `value_range` and `threshold` are those of the result that is cut.
    `film`, `junction_gate`, `network` (the sizes the network is built with) are None or {} when they do not apply or
    the file was refused.
    """

    status: Literal["ok", "ambiguous", "refused"]
    path: str
    container: str | None = None
    size_bytes: int = 0
    sha256: str | None = None
    """Computed on demand (it reads the whole file); None until then."""
    producer: str | None = None
    family: Literal["flow", "diffusion", "supervised"] | None = None
    module_class: str | None = None
    arch: str | None = None
    mode: Literal["cfm_continuous", "dfm_binary"] | None = None
    sampler: str | None = None
    timesteps: int | None = None
    dfm_eps: float | None = None
    v_activation: Literal["none", "tanh", "clamp"] | None = None
    v_clamp_value: float | None = None
    num_ensemble: int = 1
    sliding_window: bool = True
    image_size: int | None = None
    in_channels: int | None = None
    state_channels: int | None = None
    out_channels: int | None = None
    used_output_channel: int | None = None
    value_range: tuple[float, float] | None = None
    threshold: float | None = None
    normalisation: str | None = None
    film: FilmReport | None = None
    junction_gate: JunctionGateReport | None = None
    weights: WeightsReport | None = None
    parameters: int | None = None
    epoch: int | None = None
    global_step: int | None = None
    data_name: str | None = None
    metrics: tuple[ReportedMetric, ...] = ()
    network: Mapping[str, Any] = field(default_factory=dict)
    hyper_parameters: Mapping[str, Any] = field(default_factory=dict)
    """As plain JSON values and text; classes of the training code appear as text."""
    evidence: tuple[Evidence, ...] = ()
    findings: tuple[Finding, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The JSON of `flowglass inspect FILE --json`: plain values only."""
        plain = to_plain(self)
        assert isinstance(plain, dict)
        return plain


# ---- images ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Image:
    """One image. `voxels`: (slices, rows, columns), intensities after the file's own scaling, as a person would see
    them: integers where the file holds integers (also after a whole-numbered scaling), else float32.

    `affine`: (4, 4) float64, voxel index (slice, row, column) to RAS millimetres; None when the file does not say, or
    when what it says cannot be trusted: then the image is shown without geometry. `spacing_mm`: along each axis; None
    when unknown or irregular; of a single slice the first number is its thickness, 1 where nobody says. `colour`:
    (rows, columns, 3) uint8 for display only, when the file is a colour picture. `frame` of `frames`: of a film, a
    time series or several components per voxel, one is read. `files`: the DICOM files of the slices, along their
    stack. `window`: centre and width that the file recommends, in the units of `voxels`; `unit`: of these, `HU`.
    `modality`: DICOM's two or more letters (`CT`, `XA`).
    """

    voxels: Array
    name: str
    path: str | None = None
    affine: Array | None = None
    spacing_mm: tuple[float, float, float] | None = None
    colour: Array | None = None
    findings: tuple[Finding, ...] = ()
    frame: int = 0
    frames: int = 1
    files: tuple[str, ...] = ()
    window: tuple[float, float] | None = None
    unit: str = ""
    modality: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """A DICOM series found in a folder. `images`: how many slices or frames. `files` along the stack, as far as known.

    `thumbnail`: (rows, columns) uint8, at most 128 x 128, of the middle; None when it cannot be decoded. `reference`:
    a DICOM segmentation among the files that says it was drawn on this series.
    """

    uid: str
    description: str
    modality: str
    images: int
    rows: int
    columns: int
    files: tuple[str, ...]
    thumbnail: Array | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelMap:
    """Integer labels (slices, rows, columns) on the grid described as for `Image`; 0 is background.

    Where the file says so, by label: `names`, `colours` (red, green, blue; 0..255), `codes` (`SCT:10200004`).
    """

    labels: Array
    name: str
    path: str | None = None
    affine: Array | None = None
    spacing_mm: tuple[float, float, float] | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    colours: Mapping[int, tuple[int, int, int]] = field(default_factory=dict)
    codes: Mapping[int, str] = field(default_factory=dict)
    frame: int = 0
    frames: int = 1
    placed: Literal["as-stored", "shown", "resampled"] = "as-stored"
    """`shown`: brought onto the image's grid for the eye alone, and not to be measured; `resampled`: by a person's
    choice, to be measured too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelInfo:
    """One label of a map. `name`, `code`, `colour` as the file has them, or empty. `centre`: a voxel (slice, row,
    column) of it, in the slice that holds most of it."""

    number: int
    voxels: int
    centre: tuple[int, int, int]
    name: str = ""
    code: str = ""
    colour: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """An image and, if there is one, its reference mask. `name` is shown; `sample` is the producers' cache name."""

    name: str
    image: Image
    reference: LabelMap | None = None
    sample: str | None = None

    @property
    def measured_reference(self) -> LabelMap | None:
        """The reference, unless it was only brought onto the image for the eye."""
        return None if self.reference is None or self.reference.placed == "shown" else self.reference


# ---- runs -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmSettings:
    """`auto` follows the protocol; `on`, `off`, `shuffle` override it and are labelled. `strength` 0 = identity, 1 = as
    trained; `stages` None = all trained stages; `unit`: each window has its own condition (as the producers' test), or
    the whole image has one (as their validation). `text`: embed this instead of the language model's own answer (text
    conditions only; needs the model)."""

    mode: FilmMode = "auto"
    strength: float = 1.0
    stages: tuple[int, ...] | None = None
    unit: Literal["window", "image"] = "window"
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """Everything that decides a prediction, apart from checkpoint and image.

    `steps` None = the checkpoint's own number; `samples` None = its `num_ensemble`. `keep`: `auto` (all steps, or 64
    evenly spaced ones of a longer run), `all`, `last`, or a tuple of t in [0, 1] (floats) or step numbers (ints).
    `threshold` None = the checkpoint's own, in its value range. `value_range` None = the checkpoint's own; else the
    other reading of a file whose writer cannot be told, cut in the middle of that range unless `threshold` says
    otherwise. `slice_axis`: the array axis of a volume along which a 2D network is run, plane by plane.
    `keep_members`: also keep each sample by itself, in `Prediction.members`; the result is the same.
    `solver` None = the checkpoint's own; another is for flows: any for a continuous one, `euler` or `heun` for a
    discrete one. Solvers of fixed steps take one between two grid points, so a continuous flow takes `steps` - 1;
    `dopri5` chooses its own, and more grid points only show more of the way.
    `first_sample`: the number of the first sample: `samples=1, first_sample=3` is the fourth one alone.
    """

    seed: int = 0
    steps: int | None = None
    samples: int | None = None
    keep: Literal["auto", "all", "last"] | tuple[float, ...] | tuple[int, ...] = "auto"
    weights: str = "auto"
    film: FilmSettings = FilmSettings()
    precision: Literal["float32"] = "float32"
    protocol: Protocol = "as-trained"
    threshold: float | None = None
    value_range: tuple[float, float] | None = None
    slice_axis: Literal["slices", "rows", "columns"] = "slices"
    keep_members: bool = False
    first_sample: int = 0
    solver: Solver | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """One point of the trajectory, (slices, rows, columns) float32, of the channel that becomes the mask.

    `state` is x_t as the network saw it (`Prediction.state_range`), `estimate` the clean mask as believed there, in the
    result's value range, `probability` the estimate mapped to [0, 1]. `index` counts grid points from 0, the first that
    is computed; `t` runs from 0 (noise) to 1 (mask): flow time, or for diffusion the share of steps done. Diffusion
    also has `timestep` (T-1 down to 0) and `noise_level` in [0, 1] of `state`. A supervised network has one step,
    t = 1, whose `state` is the foreground logit minus the background logit. `calls`: network calls so far.
    """

    index: int
    t: float
    state: Array
    estimate: Array
    probability: Array
    calls: int = 0
    timestep: int | None = None
    noise_level: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerField:
    """One thing that a prompt asked about, decoded: `name` (`breaks`), `chosen` of `levels` in words, and the
    probability of each level (same order). `chosen` None = the answer could not be read."""

    name: str
    levels: tuple[str, ...]
    probabilities: tuple[float, ...]
    chosen: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Condition:
    """What the FiLM heads were told about one window, and by whom.

    `vector`: (cond_dim,) float32. `origin`: `cache` (a stored profile), `model` (computed just now), `text` (a person's
    words, embedded by the model), `given` (an array handed over). `source`: the cache or the model, by name. `prompts`
    and `answers` belong together, one answer per prompt; empty where nothing was asked or the cache holds no words.
    """

    window: int
    vector: Array
    origin: Literal["cache", "model", "text", "given"]
    source: str = ""
    prompts: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    fields: tuple[AnswerField, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StageModulation:
    """Gain and offset of one decoder stage as trained (strength 1): `gamma`, `beta` (windows, channels) float32.

    `active` False = the run left this stage out.
    """

    stage: int
    gamma: Array
    beta: Array
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One way in which a prediction is not what the checkpoint was trained to make (`film.off`: "FiLM off")."""

    code: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """What a segmenter made of an image. Arrays (slices, rows, columns).

    `score`: float32, the merged result in the checkpoint's own range (`value_range`); `mask` = score > `threshold`.
    `probability`: float32 in [0, 1], the score mapped from that range and clipped. `spread`: standard deviation of the
    probability over samples, None for one sample. `provenance`: enough to compute it again.
    """

    score: Array
    probability: Array
    mask: Array
    threshold: float
    value_range: tuple[float, float]
    steps: tuple[Step, ...]
    settings: RunSettings
    deviations: tuple[Deviation, ...] = ()
    spread: Array | None = None
    members: tuple[Member, ...] = ()
    """The samples by themselves, where `settings.keep_members` asked for them."""
    seconds: float = 0.0
    calls: int = 0
    device: str = "cpu"
    condition: Array | None = None
    """(windows, cond_dim) float32: what the FiLM heads were told; None without FiLM."""
    conditions: tuple[Condition, ...] = ()
    modulation: tuple[StageModulation, ...] = ()
    state_range: tuple[float, float] = (0.0, 1.0)
    """For showing `Step.state`: most of its values lie inside. Supervised: logits, symmetric around 0."""
    axis: Axis = "time"
    """What the steps run along: flow time, falling noise level, or nothing (one step)."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What a dropped path was taken for, and why. `unknown` carries the findings that say so."""

    path: str
    kind: Literal["checkpoint", "image", "labels", "profiles", "folder", "unknown"]
    why: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePaths:
    """Files of one case found in a folder. `sample` is the producers' name for it (`test/image/0000.png`).

    `files`: of one DICOM series among several in its folder, which `series` names; `image` is then the first of them.
    """

    name: str
    image: str
    reference: str | None = None
    sample: str | None = None
    files: tuple[str, ...] = ()
    series: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCheckpoint:
    """A checkpoint of a training run. `role`: `best`, `last`, `swa` or `other`, by name and folder.

    `picked`: the producer's evaluation takes this one of all runs of its model and data set (evaluation 1.1).
    """

    path: str
    role: Literal["best", "last", "swa", "other"]
    size_bytes: int = 0
    picked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRun:
    """One run folder of an experiments tree, as its own files tell it; None where they are silent.

    `status`: `completed`, `failed`, `running` (also left behind by a killed process) or `unknown`. `metric`: the best
    validation score that is recorded (`metric_name`, usually `val/dice`), and `metric_from` which file says so and of
    which moment it is (best checkpoint, last validation). `created`: ISO time.
    """

    path: str
    id: str
    model: str | None = None
    dataset: str | None = None
    tag: str | None = None
    created: str | None = None
    status: Literal["completed", "failed", "running", "unknown"] = "unknown"
    error: str | None = None
    metric: float | None = None
    metric_name: str = ""
    metric_from: str = ""
    checkpoints: tuple[RunCheckpoint, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderContents:
    """What a folder holds; `findings` name what was left out. The checkpoints of `runs` are in `checkpoints` too, and
    each of `series`, the DICOM series of folders that hold several, is one of `cases`."""

    path: str
    cases: tuple[CasePaths, ...] = ()
    checkpoints: tuple[str, ...] = ()
    runs: tuple[TrainingRun, ...] = ()
    findings: tuple[Finding, ...] = ()
    series: tuple[Series, ...] = ()


# ---- measurements ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricValue:
    """`value` None means it does not exist; `reason` then says why.

    `unit`: `mm`, `mm²`, `mm³`, `px` (pixels, or voxels of a volume), `count`, or empty for a ratio. `direction`: is it
    better `higher`, `lower`, nearer to `zero`, or `none` of these. `definitions`: whose (`standard`, `soft-seg`,
    `sofl-seg`); `note`: how those differ from the standard ones. `label`: of a label map; None = all foreground
    together. `roi`: only pixels inside a region of interest were counted.
    """

    name: str
    value: float | None
    reason: str = ""
    higher_is_better: bool = True
    definition: str = ""
    unit: str = ""
    direction: Direction = "higher"
    source: str = ""
    definitions: str = "standard"
    note: str = ""
    label: int | None = None
    roi: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Metric values of one prediction against one reference; those of several labels stand one after the other."""

    values: tuple[MetricValue, ...]
    definitions: str = "standard"

    def of_label(self, label: int | None) -> Measurement:
        """The values of one label alone; None = of all foreground together."""
        return replace(self, values=tuple(value for value in self.values if value.label == label))

    def __getitem__(self, name: str) -> MetricValue:
        for value in self.values:
            if value.name == name:
                return value
        raise KeyError(name)


def to_plain(value: Any) -> Any:
    """Records, tuples, mappings, paths and numpy scalars as JSON values; arrays as nested lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: to_plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return to_plain(value.tolist())
    return str(value) if isinstance(value, Path) else value


# ---- what FiLM did -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How far a second prediction is from a first one of the same image, each cut at its own threshold.

    `appeared`: voxels that only the second marks, `vanished`: only the first; `pixels` is both together, `share` what
    part of all voxels that is. `mean_change`, `largest_change`: of the absolute change of the probability.
    """

    pixels: int
    appeared: int
    vanished: int
    share: float
    mean_change: float
    largest_change: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StageRange:
    """Over all windows, the lowest and highest gain and offset of each channel of a stage, (channels,) float32.

    `gamma_limits`, `beta_limits`: over all channels too, with the identity (gamma 1, beta 0) inside.
    """

    stage: int
    gamma_low: Array
    gamma_high: Array
    beta_low: Array
    beta_high: Array
    gamma_limits: tuple[float, float]
    beta_limits: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FilmSummary:
    """What the FiLM heads were told, in figures: `norms` of each window's condition (Euclidean), of `size` numbers.

    `shared`: there are several windows, and all were told the same. `windows` 0 = the run was made without FiLM.
    """

    windows: int
    size: int
    norms: tuple[float, ...]
    shared: bool
    ranges: tuple[StageRange, ...]


# ---- figures -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FigureColumn:
    """One prediction in a figure, under the name and in the colour (`#rrggbb`) that it has everywhere."""

    name: str
    colour: str
    prediction: Prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimationOptions:
    """How a scrub from noise to mask is drawn.

    `fps`: steps per second; the final result stays for `hold_seconds`. `scale`: screen pixels per pixel of the image.
    `window`: intensities drawn black and white, None = all of them. `cross`: the voxel (slice, row, column) through
    which `view` is cut, None = where the masks are largest. `opacity` of the masks, 0 to 1.
    """

    fps: float = 10.0
    hold_seconds: float = 1.5
    scale: float = 2.0
    quantity: AnimatedQuantity = "mask"
    view: Literal["axial", "coronal", "sagittal", "acquired"] = "acquired"
    convention: Literal["radiological", "neurological"] = "radiological"
    cross: tuple[int, int, int] | None = None
    window: tuple[float, float] | None = None
    inverted: bool = False
    opacity: float = 0.45
    reference_colour: str = "#F0E442"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimationFile:
    """What was written: pictures in the file, how long they last, and what a person should know of them."""

    path: str
    frames: int
    seconds: float
    width: int
    height: int
    findings: tuple[Finding, ...] = ()


# ---- three dimensions ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Space:
    """The space in which a volume is drawn. `matrix`: (4, 4) float64, voxel (slice, row, column) to x, y, z in `unit`.

    With geometry these are RAS millimetres. `letters`: what lies at the low and the high end of each axis. `low`,
    `high`: the corners of the box around the volume. `true_to_scale` False: nobody says how far voxels are apart.
    """

    matrix: Array
    letters: tuple[tuple[str, str], tuple[str, str], tuple[str, str]]
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    unit: Literal["mm", "voxels"]
    true_to_scale: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surface:
    """The boundary of a mask as triangles, in the `Space` of the image: `vertices`, `normals` (N, 3) float32, `faces`
    (M, 3) uint32. `every`: of how many voxels along each axis one was made to keep the number of triangles down; it is
    in the mask where any of those is.
    """

    vertices: Array
    faces: Array
    normals: Array
    every: int = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Texture:
    """An image for drawing through: `levels` (slices, rows, columns) uint8 through the window, each the highest of
    `every` voxels along each axis; `matrix`: (4, 4), from these voxels' corners to the `Space` of the image."""

    levels: Array
    matrix: Array
    every: int = 1
