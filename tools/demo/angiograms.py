"""Synthetic X-ray coronary angiograms with exact references. Everything is drawn from one numpy generator.

What is drawn follows how such a frame comes about: a bright field of uneven thickness (lungs, spine, ribs, diaphragm,
collimator), a catheter, a tree of contrast-filled arteries that darkens it, at times a bright ghost of another tree
(what a shifted mask leaves behind in subtraction angiography), blur, and noise. No patient's image went into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

Floats = NDArray[np.float32]
Field = NDArray[np.floating[Any]]
Rng = np.random.Generator
Artery = tuple[NDArray[np.float64], float, float]
"""Where it begins (row, column), its direction in radians, its calibre in pixels."""
OVERSAMPLING = 4
# A vessel is a cylinder: the ray through its middle is the longest. Nested strokes of falling width make that profile.
STROKES = ((1.0, 0.45), (0.85, 0.65), (0.65, 0.85), (0.4, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Angiogram:
    """`image` (H, W) uint8, vessels dark; `hard` (H, W) bool; `soft` (H, W) float32 in [0, 1]: hard with soft edges."""

    image: NDArray[np.uint8]
    hard: NDArray[np.bool_]
    soft: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Ranges (low, high) a picture is drawn from: widths and blur in pixels, contrast and noise relative to the field.

    `ghost`, `catheter`, `collimator`: how often there is one.
    """

    root_width: tuple[float, float] = (3.5, 9.5)
    least_width: tuple[float, float] = (1.5, 2.2)
    contrast: tuple[float, float] = (0.2, 0.75)
    noise: tuple[float, float] = (0.008, 0.05)
    blur: tuple[float, float] = (0.3, 1.0)
    ghost: float = 0.35
    catheter: float = 0.5
    collimator: float = 0.3


TRAINING_LOOK = Look()
# The demo cases lie well inside what the networks were trained on, as a test set lies inside its own modality.
DEMO_LOOK = Look(
    root_width=(6.0, 7.5), least_width=(2.0, 2.2), contrast=(0.5, 0.65), noise=(0.015, 0.025), blur=(0.4, 0.6)
)


@dataclass(frozen=True, slots=True)
class Stroke:
    start: tuple[float, float]
    end: tuple[float, float]
    width: float


def draw_angiogram(
    rng: Rng, shape: tuple[int, int], look: Look = TRAINING_LOOK, *, ghost: bool | None = None
) -> Angiogram:
    """One frame of `shape` (rows, columns). `ghost` None = by chance."""
    tree = grow_tree(rng, shape, look)
    log_field = -rng.uniform(*look.contrast) * _absorption(tree, shape)
    if rng.random() < look.ghost if ghost is None else ghost:
        log_field += rng.uniform(0.15, 0.5) * _absorption(grow_tree(rng, shape, look), shape)
    if rng.random() < look.catheter:
        log_field -= rng.uniform(0.1, 0.3) * _catheter(rng, shape)
    field = draw_field(rng, shape, look) * np.exp(log_field)
    field = gaussian_filter(field, rng.uniform(*look.blur))
    field += rng.uniform(*look.noise) * _grain(rng, shape)
    hard = _cover(tree, shape, 1.0) > 0.5
    return Angiogram(image=_to_grey(field), hard=hard, soft=gaussian_filter(hard.astype(np.float32), 1.0))


def grow_tree(rng: Rng, shape: tuple[int, int], look: Look) -> list[Stroke]:
    """Arteries from one origin near the border inwards: they bend, taper, and give off thinner branches."""
    height, width = shape
    corner = rng.uniform(0.0, 0.35, 2) * (height, width)
    corner = np.where(rng.random(2) < 0.5, corner, (height, width) - corner)
    towards = np.arctan2(*((height / 2, width / 2) - corner)) + rng.normal(0, 0.25)
    root, least = rng.uniform(*look.root_width), rng.uniform(*look.least_width)
    count = int(rng.integers(2, 4))
    spread = np.linspace(-0.75, 0.75, count) + rng.normal(0, 0.15, count)
    pending = [(corner, towards + turn, root * rng.uniform(0.75, 1.0)) for turn in spread]
    strokes: list[Stroke] = []
    while pending and len(strokes) < 500:
        strokes += _follow(rng, pending.pop(0), least, shape, pending)
    return strokes


def _follow(rng: Rng, artery: Artery, least: float, shape: tuple[int, int], pending: list[Artery]) -> list[Stroke]:
    """One artery until it leaves the frame or gets too thin; branches are put on `pending`."""
    at, angle, calibre = artery
    strokes, bend, since_branch, step = [], rng.normal(0, 0.02), 0.0, 3.0
    taper, wobble = rng.uniform(0.972, 0.988), rng.uniform(0.02, 0.09)
    while calibre > least and -6 < at[0] < shape[0] + 6 and -6 < at[1] < shape[1] + 6:
        bend = 0.85 * bend + rng.normal(0, wobble)
        angle += bend
        end = at + step * np.array((np.sin(angle), np.cos(angle)))
        strokes.append(Stroke((at[0], at[1]), (end[0], end[1]), calibre))
        at, calibre, since_branch = end, calibre * taper, since_branch + step
        if since_branch > 9 and rng.random() < 0.16:
            side = rng.choice((-1, 1)) * rng.uniform(0.5, 1.1)
            pending.append((at, angle + side, calibre * rng.uniform(0.55, 0.85)))
            calibre, since_branch = calibre * 0.94, 0.0
    return strokes


def _cover(strokes: list[Stroke], shape: tuple[int, int], fraction: float, *, weighted: bool = False) -> Floats:
    """How much of each pixel the strokes cover, 0 to 1, drawn at `fraction` of their width.

    `weighted`: wide vessels hold more contrast agent, so a stroke counts (width / 8) ** 0.5 at most 1.
    """
    canvas = Image.new("L", (shape[1] * OVERSAMPLING, shape[0] * OVERSAMPLING))
    pen = ImageDraw.Draw(canvas)
    for stroke in sorted(strokes, key=lambda stroke: stroke.width):
        value = round(255 * min(1.0, (stroke.width / 8) ** 0.5)) if weighted else 255
        y0, x0, y1, x1 = (OVERSAMPLING * side for side in (*stroke.start, *stroke.end))
        radius = OVERSAMPLING * fraction * stroke.width / 2
        pen.line((x0, y0, x1, y1), fill=value, width=max(1, round(2 * radius)))
        pen.ellipse((x1 - radius, y1 - radius, x1 + radius, y1 + radius), fill=value)
    return np.asarray(canvas.reduce(OVERSAMPLING), dtype=np.float32) / np.float32(255)


def _absorption(strokes: list[Stroke], shape: tuple[int, int]) -> Field:
    """How far the rays go through contrast agent, 0 to 1."""
    layers = [value * _cover(strokes, shape, fraction, weighted=True) for fraction, value in STROKES]
    return np.max(layers, axis=0)


def _catheter(rng: Rng, shape: tuple[int, int]) -> Field:
    """A smooth tube of even width with darker walls, from one border inwards. No vessel, so not in the reference."""
    at, angle = np.array((-4.0, rng.uniform(0.1, 0.9) * shape[1])), rng.uniform(0.9, 2.2)
    bend, width = rng.normal(0, 0.03), rng.uniform(2.5, 4.5)
    strokes = []
    for _ in range(int(rng.integers(8, 30))):
        end = at + 3.0 * np.array((np.sin(angle), np.cos(angle)))
        strokes.append(Stroke((at[0], at[1]), (end[0], end[1]), width))
        at, angle = end, angle + bend
    return _cover(strokes, shape, 1.0) - 0.6 * _cover(strokes, shape, 0.5)


def draw_field(rng: Rng, shape: tuple[int, int], look: Look) -> Field:
    """The bright field without vessels, around 1."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    log_field = np.zeros(shape, np.float32)
    for scale, strength in ((40, 0.25), (18, 0.10), (7, 0.04)):
        log_field += rng.uniform(0.3, 1.0) * strength * _clouds(rng, shape, scale)
    log_field -= _ribs(rng, rows, columns) + _diaphragm(rng, rows, columns)
    field = np.exp(log_field)
    if rng.random() < look.collimator:
        field *= _collimator(rng, rows, columns)
    return field


def _clouds(rng: Rng, shape: tuple[int, int], scale: float) -> Field:
    """Smooth noise of one length scale in pixels, standard deviation 1."""
    noise = gaussian_filter(rng.standard_normal(shape).astype(np.float32), scale, mode="reflect")
    return (noise - noise.mean()) / (noise.std() + 1e-9)


def _ribs(rng: Rng, rows: Field, columns: Field) -> Field:
    """Wide faint parallel bands with soft edges."""
    angle, period = rng.uniform(-0.6, 0.6), rng.uniform(30, 60)
    along = rows * np.cos(angle) + columns * np.sin(angle) + 12 * np.sin(columns / rng.uniform(40, 90))
    band = 1 / (1 + np.exp(-rng.uniform(3, 8) * (np.sin(2 * np.pi * along / period + rng.uniform(0, 6)) - 0.3)))
    return rng.uniform(0.0, 0.12) * band


def _diaphragm(rng: Rng, rows: Field, columns: Field) -> Field:
    """A dark dome that rises from one corner, with an edge a few pixels wide."""
    height, width = rows.shape
    centre = np.array((height * rng.uniform(1.1, 1.6), width * rng.uniform(0.0, 1.0)))
    distance = np.hypot(rows - centre[0], columns - centre[1])
    radius = height * rng.uniform(0.3, 0.9)
    return rng.uniform(0.0, 0.4) / (1 + np.exp((distance - radius) / rng.uniform(1.0, 4.0)))


def _collimator(rng: Rng, rows: Field, columns: Field) -> Field:
    """A round field of view: almost black outside."""
    height, width = rows.shape
    centre = np.array((height, width)) * rng.uniform(0.3, 0.7, 2)
    distance = np.hypot(rows - centre[0], columns - centre[1])
    radius = rng.uniform(0.42, 0.75) * np.hypot(height, width)
    return 0.15 + 0.85 / (1 + np.exp((distance - radius) / 1.5))


def _grain(rng: Rng, shape: tuple[int, int]) -> Field:
    """Noise of standard deviation 1, correlated over up to a pixel as a detector's is."""
    noise = gaussian_filter(rng.standard_normal(shape).astype(np.float32), rng.uniform(0.0, 0.9))
    return noise / (noise.std() + 1e-9)


def _to_grey(field: Field) -> NDArray[np.uint8]:
    low, high = float(field.min()), float(field.max())
    return np.round(255 * (field - low) / (high - low)).astype(np.uint8)
