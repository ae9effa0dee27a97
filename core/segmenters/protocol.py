"""Which protocol does what: FiLM on or off, the gate, and how a run differs from what was trained."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import SettingsRefused
from core.records import CheckpointReport, Deviation, RunSettings, Solver

EVALUATORS_EPOCH = 0
"""The producers' evaluators load weights without trainer state, so their epoch counter stays here."""

MOST_SAMPLES = 1 << 20
"""Numbers of samples stay below this, so that the mask pass (numbered so) has draws of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run will do. `solver`: of a flow, else the report's `sampler` or "". `film`: heads are applied; `gated`:
    the junction gate works; `shared`: one window's condition serves all windows, as in the producer's evaluation."""

    steps: int
    samples: int
    solver: str
    film: bool
    gated: bool
    shared: bool
    threshold: float
    deviations: tuple[Deviation, ...]


def plan_run(report: CheckpointReport, settings: RunSettings, *, condition_given: bool) -> Plan:
    """Turn settings into a plan; raises `SettingsRefused` where the checkpoint cannot follow them."""
    _check(report, settings)
    steps = settings.steps or report.timesteps or 1
    samples = settings.samples or report.num_ensemble
    film = _film_on(report, settings, condition_given)
    return Plan(
        steps=steps,
        samples=samples,
        solver=settings.solver or report.sampler or "",
        film=film,
        gated=film and _gate_on(report, settings),
        shared=_shares_condition(report, settings),
        threshold=_threshold(report, settings),
        deviations=tuple(_deviations(report, settings, film, condition_given)),
    )


def _threshold(report: CheckpointReport, settings: RunSettings) -> float:
    if settings.threshold is not None:
        return settings.threshold
    if settings.value_range is not None:
        return sum(settings.value_range) / 2
    assert report.threshold is not None, "a report that loads has a threshold"
    return report.threshold


def _check(report: CheckpointReport, settings: RunSettings) -> None:
    _check_steps(report, settings.steps)
    if settings.samples is not None and not 1 <= settings.samples <= 10_000:
        raise SettingsRefused(f"Samples must be between 1 and 10000, not {settings.samples}.")
    _check_solver(report, settings.solver)
    last = settings.first_sample + (settings.samples or report.num_ensemble)
    if settings.first_sample < 0 or last > MOST_SAMPLES:
        raise SettingsRefused(f"Samples are numbered from 0 to {MOST_SAMPLES - 1}, not from {settings.first_sample}.")
    if not 0 <= settings.film.strength <= 4:
        raise SettingsRefused(f"FiLM strength must lie between 0 and 4, not {settings.film.strength}.")
    used = "model" if report.weights is None else report.weights.used
    if settings.weights not in ("auto", used):
        wished = settings.weights
        raise SettingsRefused(
            f"This segmenter was loaded with the {used} weights. Load it again with {wished} weights."
        )
    _check_range(report, settings)
    _check_film(report, settings)


def _check_steps(report: CheckpointReport, steps: int | None) -> None:
    if steps is None:
        return
    if report.family != "flow":
        only = report.timesteps or 1
        what = f"always runs all {only} steps of its schedule" if report.family == "diffusion" else "has no steps"
        if steps != only:
            raise SettingsRefused(f"This checkpoint {what}, so their number cannot be {steps}. Leave the steps out.")
    least = 2 if report.mode == "cfm_continuous" else 1
    if not least <= steps <= 100_000:
        raise SettingsRefused(f"Steps must be between {least} and 100000 for this checkpoint, not {steps}.")


def solvers_of(report: CheckpointReport) -> tuple[Solver, ...]:
    """The solvers that a checkpoint can be run with; none where it has no differential equation to solve."""
    if report.family != "flow":
        return ()
    return ("euler", "heun") if report.mode == "dfm_binary" else ("euler", "midpoint", "heun", "dopri5")


def _check_solver(report: CheckpointReport, solver: str | None) -> None:
    known = solvers_of(report)
    if solver is None or solver in known:
        return
    if not known:
        raise SettingsRefused("This checkpoint solves no differential equation. Leave the solver out.")
    raise SettingsRefused(f"This checkpoint runs with {', '.join(known)}, not with {solver}.")


def _check_range(report: CheckpointReport, settings: RunSettings) -> None:
    if settings.value_range is None:
        return
    low, high = settings.value_range
    if report.mode != "cfm_continuous":
        raise SettingsRefused(
            "This checkpoint gives probabilities: its value range is [0, 1] and cannot be overridden."
        )
    if not low < high:
        raise SettingsRefused(f"A value range goes from low to high, not from {low:g} to {high:g}.")


def _check_film(report: CheckpointReport, settings: RunSettings) -> None:
    film, wished = report.film, settings.film
    if film is None:
        if wished.text is not None:
            raise SettingsRefused("This checkpoint has no FiLM heads, so it can be told nothing. Leave the text out.")
        if wished.mode in ("on", "shuffle") or wished.stages is not None:
            raise SettingsRefused("This checkpoint has no FiLM heads, so FiLM cannot be switched on. Use auto or off.")
        return
    if wished.stages is not None and not set(wished.stages) <= set(film.stages):
        raise SettingsRefused(f"FiLM stages {list(wished.stages)} are not among the trained ones {list(film.stages)}.")


def _epoch(report: CheckpointReport, settings: RunSettings) -> int:
    if settings.protocol == "as-evaluated":
        return EVALUATORS_EPOCH
    # A file without an epoch (weights only) says nothing of a warm-up: it is taken as over.
    return 1 << 30 if report.epoch is None else report.epoch


def _film_on(report: CheckpointReport, settings: RunSettings, condition_given: bool) -> bool:
    film, mode = report.film, settings.film.mode
    if film is None or mode == "off":
        return False
    if mode in ("on", "shuffle"):
        return True
    if settings.protocol == "as-trained" and condition_given:
        return True  # whoever hands over a condition wants it used; if training had FiLM off, a label says so
    return _epoch(report, settings) >= film.warmup_epochs


def _gate_on(report: CheckpointReport, settings: RunSettings) -> bool:
    gate = report.junction_gate
    if gate is None or not gate.enabled or gate.source != "pred":
        return False
    return _epoch(report, settings) >= gate.warmup_epochs


def _shares_condition(report: CheckpointReport, settings: RunSettings) -> bool:
    film = report.film
    return settings.protocol == "as-evaluated" and film is not None and film.batch_strategy != "per_sample"


def _deviations(report: CheckpointReport, settings: RunSettings, film: bool, condition_given: bool) -> list[Deviation]:
    found: list[Deviation] = []
    if settings.protocol == "as-evaluated":
        found.append(Deviation(code="protocol.as-evaluated", label=f"as {report.producer}'s evaluation ran it"))
    found += _film_deviations(report, settings, film, condition_given)
    if settings.steps not in (None, report.timesteps):
        found.append(Deviation(code="steps", label=f"{settings.steps} steps instead of {report.timesteps}"))
    if settings.solver not in (None, report.sampler):
        found.append(Deviation(code="solver", label=f"{settings.solver} solver instead of {report.sampler}"))
    if settings.samples not in (None, report.num_ensemble):
        found.append(Deviation(code="samples", label=f"{settings.samples} samples instead of {report.num_ensemble}"))
    if settings.value_range not in (None, report.value_range):
        low, high = settings.value_range
        found.append(Deviation(code="range", label=f"values read as {low:g} to {high:g}"))
    if settings.threshold not in (None, report.threshold):
        label = f"threshold {settings.threshold:g}, trained {report.threshold:g}"
        found.append(Deviation(code="threshold", label=label))
    if report.weights is not None and report.weights.used != report.weights.evaluated:
        found.append(
            Deviation(code="weights", label=f"{report.weights.used} weights, evaluated: {report.weights.evaluated}")
        )
    return found


def _film_deviations(
    report: CheckpointReport, settings: RunSettings, film: bool, condition_given: bool
) -> list[Deviation]:
    heads, wished = report.film, settings.film
    if heads is None:
        return []
    trained = (report.epoch is None) or report.epoch >= heads.warmup_epochs
    stages = wished.stages is not None and set(wished.stages) != set(heads.stages)
    whole = wished.unit == "image" and settings.protocol == "as-trained"
    differences = (
        (not film and trained, "film.off", "FiLM off"),
        (film and not trained, "film.on", "FiLM on, trained with it off so far"),
        (film and wished.mode == "shuffle", "film.shuffle", "FiLM shuffled"),
        (film and wished.strength != 1, "film.strength", f"FiLM strength {wished.strength:g}"),
        (film and stages, "film.stages", f"FiLM stages {list(wished.stages or ())} only"),
        (film and condition_given, "film.condition", "condition given by hand"),
        (film and wished.text is not None and not condition_given, "film.text", "told other words by hand"),
        (film and whole and not condition_given, "film.unit", "one condition for the whole image"),
        (heads.point_from == "user", "film.point-user", f"FiLM point {heads.point} chosen by hand"),
        (heads.stages_from == "user", "film.stages-user", "FiLM stages chosen by hand"),
    )
    return [Deviation(code=code, label=label) for differs, code, label in differences if differs]
