"""A checkpoint report in the words a person reads: the key facts, one line each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from core.records import NO_VALUE, CheckpointReport, FilmReport

MODES = {"cfm_continuous": "continuous flow (cfm)", "dfm_binary": "discrete flow, binary (dfm)"}
STAGES_FROM = {
    "metadata": "as the file's metadata says",
    "hparams": "as the hyper-parameters say",
    "weights": "derived from the widths of the weights",
    "user": "chosen by you",
}


class Fact(NamedTuple):
    """One line of the passport; `why` is shown as its tooltip."""

    label: str
    value: str
    why: str = ""


def key_facts(report: CheckpointReport) -> tuple[Fact, ...]:
    """What the checkpoint is. What the file does not say is a dash, what does not apply is left out."""
    why = {item.field: item.why for item in report.evidence}
    facts = [*_origin(report), *_network(report), *_run(report), *_film(report.film), *_training(report)]
    return tuple(Fact(label, value or NO_VALUE, reason or why.get(_field(label), "")) for label, value, reason in facts)


def _field(label: str) -> str:
    """The field of the report that a label stands for, as in `Evidence.field`."""
    return {"Class": "module_class", "Architecture": "arch", "Window": "image_size"}.get(label, label.lower())


def _origin(report: CheckpointReport) -> Iterator[Fact]:
    yield Fact("Producer", report.producer or "")
    yield Fact("Class", report.module_class or "")
    yield Fact("Architecture", report.arch or "")
    yield Fact("Family", report.family or "")


def _network(report: CheckpointReport) -> Iterator[Fact]:
    channels = [report.in_channels, report.state_channels, report.out_channels]
    if any(number is not None for number in channels):
        image, state, out = (NO_VALUE if number is None else str(number) for number in channels)
        used = "" if report.used_output_channel is None else f", channel {report.used_output_channel} used"
        yield Fact("Channels", f"image {image}, state {state}, output {out}{used}")
    yield Fact("Parameters", "" if report.parameters is None else f"{report.parameters:,}")


def _run(report: CheckpointReport) -> Iterator[Fact]:
    if report.mode is not None:
        yield Fact("Mode", MODES.get(report.mode, report.mode))
    if report.sampler is not None or report.timesteps is not None:
        steps = "" if report.timesteps is None else f"{report.timesteps} steps"
        yield Fact("Sampler", ", ".join(filter(None, [report.sampler or "", steps])))
    yield Fact("Window", _window(report))
    if report.value_range is not None:
        low, high = report.value_range
        yield Fact("Value range", f"{low:g} to {high:g}")
    yield Fact("Threshold", "" if report.threshold is None else f"{report.threshold:g}")
    if report.normalisation:
        yield Fact("Normalisation", report.normalisation)
    if report.num_ensemble > 1:
        yield Fact("Samples", f"mean of {report.num_ensemble}")
    gate = report.junction_gate
    if gate is not None:
        on = f"on, radius {gate.radius_px} px, value {gate.gate_value:g}"
        yield Fact("Junction gate", on if gate.enabled else "off")


def _window(report: CheckpointReport) -> str:
    if report.image_size is None:
        return ""
    size = f"{report.image_size} x {report.image_size}"
    return f"{size}, sliding" if report.sliding_window else size


def _film(film: FilmReport | None) -> Iterator[Fact]:
    if film is None:
        return
    stages = ", ".join(map(str, film.stages)) or NO_VALUE
    yield Fact("FiLM heads", f"{film.heads} at stages {stages} ({STAGES_FROM[film.stages_from]})")
    yield Fact("FiLM point", f"{film.point}, widths {', '.join(map(str, film.channels))}")
    condition = f"{film.condition}, {film.cond_dim} numbers" + (f", from {film.vlm}" if film.vlm else "")
    yield Fact("FiLM condition", condition)
    if film.dropped_keys:
        keys, numbers = film.dropped_keys, film.dropped_parameters
        yield Fact("Without FiLM", f"a loader that ignores the heads drops {keys:,} keys with {numbers:,} parameters")


def _training(report: CheckpointReport) -> Iterator[Fact]:
    weights = report.weights
    if weights is not None:
        offered = ", ".join(weights.available)
        others = f" (on offer: {offered})" if len(weights.available) > 1 else ""
        yield Fact("Weights", f"{weights.used}{others}", weights.why)
        if weights.why:
            yield Fact("Why these", weights.why)
    if report.epoch is not None or report.global_step is not None:
        step = "" if report.global_step is None else f"step {report.global_step:,}"
        epoch = "" if report.epoch is None else f"epoch {report.epoch}"
        yield Fact("Trained to", ", ".join(filter(None, [epoch, step])))
    if report.data_name:
        yield Fact("Trained on", report.data_name)
    yield Fact("Container", report.container or "")
    yield Fact("Size", size_text(report.size_bytes))


def size_text(size: int) -> str:
    """`1536` -> `1.5 KB`."""
    amount = float(size)
    for unit in ("bytes", "KB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} GB"
