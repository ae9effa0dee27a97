"""A checkpoint report in the words a person reads: the key facts, one line each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from core.records import NO_VALUE, CheckpointReport, FilmReport, ReportedMetric, WeightsReport

MODES = {"cfm_continuous": "continuous flow (cfm)", "dfm_binary": "discrete flow, binary (dfm)"}
SAMPLERS = {
    "gaussian": "Gaussian: new normal noise after every step",
    "bernoulli": "Bernoulli: states of 0 and 1, drawn anew after every step",
    "cold": "cold, deterministic: the mask is uncovered from the image itself",
}
SETS = {
    "model": "the weights as trained",
    "ema": "exponential moving average of the weights",
    "swa": "average of the weights of late epochs (SWA)",
}
WARNING_SIGN = "\N{WARNING SIGN}"
STAGES_FROM = {
    "metadata": "as the file's metadata says",
    "hparams": "as the hyper-parameters say",
    "weights": "derived from the widths of the weights",
    "user": "chosen by you",
}


class Fact(NamedTuple):
    """One line of the passport; `why` is shown as its tooltip. `severity`: `warning` where it cannot be relied on."""

    label: str
    value: str
    why: str = ""
    severity: str = ""


def key_facts(report: CheckpointReport) -> tuple[Fact, ...]:
    """What the checkpoint is. What the file does not say is a dash, what does not apply is left out."""
    why = {item.field: item.why for item in report.evidence}
    facts = [*_origin(report), *_network(report), *_run(report), *_film(report.film), *_training(report)]
    return tuple(
        fact._replace(value=fact.value or NO_VALUE, why=fact.why or why.get(_field(fact.label), "")) for fact in facts
    )


def _field(label: str) -> str:
    """The field of the report that a label stands for, as in `Evidence.field`."""
    fields = {"Class": "module_class", "Architecture": "arch", "Window": "image_size", "Schedule": "timesteps"}
    return fields.get(label, label.lower())


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
        held = "" if report.family == "supervised" else f", state {state}"
        yield Fact("Channels", f"image {image}{held}, output {out}{used}")
    yield Fact("Parameters", "" if report.parameters is None else f"{report.parameters:,}")


def _run(report: CheckpointReport) -> Iterator[Fact]:
    if report.mode is not None:
        yield Fact("Mode", MODES.get(report.mode, report.mode))
    yield from _sampling(report)
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


def _sampling(report: CheckpointReport) -> Iterator[Fact]:
    if report.family == "supervised":
        yield Fact("Sampler", "none: one network call, no steps")
    elif report.family == "diffusion":
        yield Fact("Sampler", SAMPLERS.get(report.sampler or "", report.sampler or ""))
        yield Fact("Schedule", "" if report.timesteps is None else f"{report.timesteps:,} steps, all of them run")
    elif report.sampler is not None or report.timesteps is not None:
        steps = "" if report.timesteps is None else f"{report.timesteps} steps"
        yield Fact("Sampler", ", ".join(filter(None, [report.sampler or "", steps])))


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
    if report.weights is not None:
        yield from _weights(report.weights)
    yield from map(_score, report.metrics)
    if report.epoch is not None or report.global_step is not None:
        step = "" if report.global_step is None else f"step {report.global_step:,}"
        epoch = "" if report.epoch is None else f"epoch {report.epoch}"
        yield Fact("Trained to", ", ".join(filter(None, [epoch, step])))
    if report.data_name:
        yield Fact("Trained on", report.data_name)
    yield Fact("Container", report.container or "")
    yield Fact("Size", size_text(report.size_bytes))


def _weights(weights: WeightsReport) -> Iterator[Fact]:
    """The set that is used, and for more than one what each of them is."""
    several = len(weights.available) > 1
    offered = f" (on offer: {', '.join(weights.available)})" if several else ""
    yield Fact("Weights", f"{weights.used}{offered}", weights.why)
    for name in weights.available if several else ():
        notes = ["used"] * (name == weights.used) + ["as evaluated"] * (name == weights.evaluated)
        yield Fact(name, ", ".join(filter(None, [SETS.get(name, ""), " and ".join(notes)])))
    if weights.why:
        yield Fact("Why these", weights.why)


def _score(metric: ReportedMetric) -> Fact:
    """A number that the training run left behind. Without the weights that earned it, nobody can check it."""
    value = f"{metric.name} {metric.value:.4g}, measured with the {metric.measured_with} weights"
    if metric.here:
        return Fact("Recorded score", value, metric.why)
    reason = metric.why or "those weights are not in this file"
    return Fact(
        "Recorded score",
        f"{WARNING_SIGN} {value}. It cannot be checked with this file: {reason}.",
        metric.why,
        "warning",
    )


def size_text(size: int) -> str:
    """`1536` -> `1.5 KB`."""
    amount = float(size)
    for unit in ("bytes", "KB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} GB"
