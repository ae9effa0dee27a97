"""Where the published evaluation does something else than training did, one sentence each (spec 6, 7.1, 8)."""

from __future__ import annotations

from core.checkpoints.dossier import Dossier
from core.checkpoints.hyper_parameters import Settings
from core.records import FilmReport, JunctionGateReport

DIFFERS = "protocol.as-evaluated-differs"
SEE_BOTH = "Choose the protocol as-evaluated to see what was published."


def describe_gate(dossier: Dossier, settings: Settings) -> JunctionGateReport | None:
    """The junction gate of FlowModelVLMFiLM; None when the file has no settings for it."""
    if not settings.has("junction_gating_config"):
        return None
    stored = settings.section("junction_gating_config")
    gate = JunctionGateReport(
        enabled=stored.flag("enabled", False),
        source=stored.choice("source", ("pred", "gt"), "pred"),
        threshold=stored.number("threshold", 0.0, 1.0, 0.5),
        degree_threshold=stored.integer("degree_threshold", 0, 9, 3),
        radius_px=stored.integer("radius_px", 0, 4096, 8),
        gate_value=stored.number("gate_value_in_junction", 0.0, 1.0, 0.0),
        warmup_epochs=stored.integer("warmup_epochs", 0, 1_000_000, 0),
    )
    dossier.know("junction_gate", gate, "hyper-parameter junction_gating_config")
    if gate.enabled and gate.source == "gt":
        message = (
            "The junction gate takes its junctions from a reference mask, which inference never has: it stays open."
        )
        dossier.note("gate.never-closes", message, "Nothing to do: the producer's own test ran without it too.")
    return gate


def describe_protocols(dossier: Dossier, film: FilmReport, gate: JunctionGateReport | None, epoch: int | None) -> None:
    """Findings on warm-up, shared conditions and validation, for a checkpoint with FiLM saved in `epoch`."""
    film_on = _warm_up(dossier, film, epoch)
    if film_on and gate is not None and gate.enabled and gate.source == "pred":
        _gate_warm_up(dossier, gate, epoch)
    if film_on and film.batch_strategy != "per_sample":
        _shared_condition(dossier, film, evaluated=film.warmup_epochs == 0)
    if dossier.fields.get("module_class") == "FlowModelVLMFiLM" and dossier.fields.get("mode") == "dfm_binary":
        _validation(dossier)


def _warm_up(dossier: Dossier, film: FilmReport, epoch: int | None) -> bool:
    """Whether FiLM was on when the checkpoint was saved."""
    if film.warmup_epochs == 0:
        return True
    if epoch is None:
        dossier.warning(
            "film.epoch-unknown",
            f"The file does not say in which epoch it was saved, so whether the FiLM warm-up of {film.warmup_epochs} "
            "epochs was over is unknown. It is taken as over.",
            "Switch FiLM off to see the other reading.",
        )
    elif epoch < film.warmup_epochs:
        dossier.warning(
            "film.warmup-not-over",
            f"This checkpoint was saved in epoch {epoch}, before the FiLM warm-up of {film.warmup_epochs} epochs was "
            "over: its FiLM heads are untrained, and it is run with FiLM off, as it was trained so far.",
            "Switch FiLM on to see what the heads do.",
        )
        return False
    dossier.note(
        DIFFERS,
        f"The published evaluation ran this checkpoint with FiLM off: it counts epochs from 0, so the warm-up of "
        f"{film.warmup_epochs} epochs was never over.",
        SEE_BOTH,
    )
    return True


def _gate_warm_up(dossier: Dossier, gate: JunctionGateReport, epoch: int | None) -> None:
    if gate.warmup_epochs == 0:
        return
    if epoch is not None and epoch < gate.warmup_epochs:
        dossier.warning(
            "gate.warmup-not-over",
            f"This checkpoint was saved in epoch {epoch}, before the junction gate's warm-up of {gate.warmup_epochs} "
            "epochs was over: it is run with the gate open, as it was trained so far.",
            "Take a later checkpoint of this run to see the gate work.",
        )
        return
    dossier.note(
        DIFFERS,
        "The published evaluation ran this checkpoint without its junction gate: it counts epochs from 0, so the "
        f"gate's warm-up of {gate.warmup_epochs} epochs was never over.",
        SEE_BOTH,
    )


def _shared_condition(dossier: Dossier, film: FilmReport, *, evaluated: bool) -> None:
    if not evaluated:  # FiLM was off in the published evaluation: nothing was shared
        return
    dossier.note(
        DIFFERS,
        "The published evaluation took the condition of the first window of the first image for every window and "
        f"image (batch_strategy {film.batch_strategy}); as-trained computes it for each window.",
        SEE_BOTH,
    )


def _validation(dossier: Dossier) -> None:
    dossier.note(
        "protocol.validation-differs",
        "During training, validation computed one condition from the whole image, and the test step one for each "
        "window, so validation scores of this checkpoint do not describe its test predictions.",
        "To see what validation saw, set the FiLM condition to the whole image in the Run panel, or --film-unit image.",
    )
