"""Small records for tests of the window: a picture with vessels, and a prediction that grows out of noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.records import (
    Array,
    Case,
    CheckpointReport,
    Deviation,
    Finding,
    Image,
    LabelMap,
    Prediction,
    Protocol,
    RunSettings,
    Step,
    WeightsReport,
    frozen_array,
)


def vessels(rows: int = 96, columns: int = 128, shift: float = 0.0) -> Array:
    """A (rows, columns) bool mask of two crossing vessels, different for each `shift` (voxels)."""
    y, x = np.mgrid[:rows, :columns].astype(np.float64)
    first = np.abs(y - rows / 2 - rows / 4 * np.sin((x + shift) / columns * 6)) < 3
    second = np.abs(x - columns / 2 - columns / 5 * np.cos((y + shift) / rows * 4)) < 2
    mask: Array = first | second
    return mask


def image(
    rows: int = 96, columns: int = 128, slices: int = 1, spacing_mm: tuple[float, float, float] | None = None
) -> Image:
    """Grey 40..200 with dark vessels, every slice a little different."""
    y, x = np.mgrid[:rows, :columns]
    base = 120 + 60 * np.cos(x / columns * 5) * np.sin(y / rows * 4)
    voxels = np.stack([base - 70 * vessels(rows, columns, shift=float(index)) for index in range(slices)])
    return Image(voxels=frozen_array(voxels, np.float32), name="angiogram 12.png", spacing_mm=spacing_mm)


def case(rows: int = 96, columns: int = 128, slices: int = 1, *, reference: bool = True) -> Case:
    """A case of `image` with the vessels as reference (label 1)."""
    picture = image(rows, columns, slices)
    labels = np.stack([vessels(rows, columns, shift=float(index)) for index in range(slices)]).astype(np.int16)
    known = LabelMap(labels=frozen_array(labels), name="reference.png") if reference else None
    return Case(name="angiogram 12", image=picture, reference=known)


def step(index: int, t: float, truth: Array, value_range: tuple[float, float], seed: int = 0) -> Step:
    """Noise at t = 0, `truth` (slices, rows, columns) bool at t = 1; the state leaves `value_range` at first."""
    low, high = value_range
    noise = np.random.default_rng(seed + index).normal((low + high) / 2, (high - low) / 2, truth.shape)
    clean = low + (high - low) * truth
    estimate = t * clean + (1 - t) * (0.6 * clean + 0.4 * noise)
    state = (1 - t) * noise + t * clean
    probability = np.clip((estimate - low) / (high - low), 0, 1)
    arrays = {"state": state, "estimate": estimate, "probability": probability}
    return Step(index=index, t=t, calls=index + 1, **{name: frozen_array(a, np.float32) for name, a in arrays.items()})


def prediction(
    shape: tuple[int, int, int] = (1, 96, 128),
    steps: int = 5,
    *,
    value_range: tuple[float, float] = (0.0, 1.0),
    shift: float = 2.0,
    protocol: Protocol = "as-trained",
    deviations: tuple[Deviation, ...] = (),
) -> Prediction:
    """A finished run: `steps` kept steps at t = 1/steps .. 1, whose result is `vessels(shift=shift)` in every slice."""
    low, high = value_range
    truth = np.stack([vessels(shape[1], shape[2], shift)] * shape[0])
    kept = tuple(step(index, (index + 1) / steps, truth, value_range) for index in range(steps))
    score = frozen_array(low + (high - low) * np.where(truth, 0.9, 0.1), np.float32)
    return Prediction(
        score=score,
        probability=frozen_array((score - low) / (high - low), np.float32),
        mask=frozen_array(truth),
        threshold=(low + high) / 2,
        value_range=value_range,
        state_range=value_range,
        steps=kept,
        settings=RunSettings(protocol=protocol),
        deviations=deviations,
        seconds=1.5,
        calls=steps,
    )


def diffusion(
    shape: tuple[int, int, int] = (1, 96, 128), timesteps: int = 50, keep: int = 64, shift: float = 2.0
) -> Prediction:
    """A Gaussian diffusion run of all its `timesteps`, `keep` of them kept: noise falls from 1 to almost 0."""
    low, high = state_range = (-1.0, 1.0)
    truth = np.stack([vessels(shape[1], shape[2], shift)] * shape[0])
    kept = []
    for index in sorted({round(k * (timesteps - 1) / (keep - 1)) for k in range(keep)}):
        t, timestep = index / (timesteps - 1), timesteps - 1 - index
        made = step(index, t, truth, (0.0, 1.0))
        noise_level = float(np.sin((timestep + 1) / timesteps * np.pi / 2))
        state = frozen_array(low + (high - low) * made.state, np.float32)
        kept.append(replace(made, state=state, timestep=timestep, noise_level=noise_level))
    plain = prediction(shape, steps=1, shift=shift)
    return replace(plain, steps=tuple(kept), calls=timesteps, axis="noise", state_range=state_range)


def supervised(shape: tuple[int, int, int] = (1, 96, 128), shift: float = 2.0) -> Prediction:
    """One network call: its only step holds the difference of the two logits."""
    plain = prediction(shape, steps=1, shift=shift)
    margin = frozen_array(np.log(plain.score / (1 - plain.score)), np.float32)
    only = replace(plain.steps[0], state=margin, estimate=plain.score, probability=plain.probability)
    return replace(plain, steps=(only,), axis="none", state_range=(-10.0, 10.0))


def report(name: str = "best.ckpt", *, refused: bool = False) -> CheckpointReport:
    """What inspecting a checkpoint gives: a plain flow model, or a refusal."""
    if refused:
        finding = Finding(
            severity="error", code="keys.left-over", message="12 keys have no place.", remedy="Ask for it."
        )
        return CheckpointReport(status="refused", path=f"/data/{name}", findings=(finding,))
    return CheckpointReport(
        status="ok",
        path=f"/data/{name}",
        container="lightning",
        producer="sofl-seg",
        family="flow",
        module_class="FlowModel",
        arch="medsegdiff_flow",
        mode="cfm_continuous",
        value_range=(0.0, 1.0),
        threshold=0.5,
        weights=WeightsReport(available=("model", "ema"), used="ema", why="the producer tests with it"),
        parameters=1234567,
    )
