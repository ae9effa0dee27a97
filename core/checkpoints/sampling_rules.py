"""How the producer samples and decides: mode, solver, steps, value range, threshold, from hyper-parameters alone."""

from __future__ import annotations

from core.checkpoints.dossier import Dossier
from core.checkpoints.fingerprints import Clues, Writer, find_writers
from core.checkpoints.fingerprints.ambiguous import CODE, MESSAGE, REMEDY
from core.checkpoints.hyper_parameters import Settings, show

ACTIVATIONS = ("none", "tanh", "clamp")


def describe_writer(dossier: Dossier, clues: Clues) -> Writer | None:
    """Producer and class into the dossier; None, with an error, when the traces contradict each other."""
    writers = find_writers(clues)
    if len(writers) > 1:
        reasons = "; ".join(f"{writer.producer} {writer.module_class}: {writer.why}" for writer in writers)
        dossier.error(
            "producer.contradicts", f"The file bears traces of two writers that never wrote together. {reasons}."
        )
        return None
    writer = writers[0]
    dossier.know("producer", writer.producer, writer.why)
    dossier.know("module_class", writer.module_class, writer.why_class)
    if writer.ambiguous:
        dossier.ambiguous = True
        dossier.warning(CODE, MESSAGE, REMEDY)
    return writer


def describe_sampling(dossier: Dossier, settings: Settings, writer: Writer) -> None:
    """Mode, sampler, steps, range, threshold and ensemble into the dossier."""
    mode = _mode(dossier, settings, writer)
    if mode is None:
        return
    _solver(dossier, settings, mode)
    _steps(dossier, settings, mode)
    value_range, threshold = writer.rules[mode]
    dossier.know("value_range", value_range, writer.why_rule)
    dossier.know("threshold", threshold, writer.why_rule)
    dossier.know("normalisation", "per-image min-max to [-1, 1]", "both code bases scale each whole image so")
    _velocity(dossier, settings, writer)
    dossier.know("num_ensemble", settings.integer("num_ensemble", 1, 10_000, 1), settings.said("num_ensemble", 1))
    _window(dossier, settings, writer)


def _mode(dossier: Dossier, settings: Settings, writer: Writer) -> str | None:
    if len(writer.rules) == 1:
        dossier.know("mode", "cfm_continuous", "the writer knew continuous flow only (no hyper-parameter mode)")
        return "cfm_continuous"
    mode = settings.values.get("mode")
    if isinstance(mode, str) and mode in writer.rules:
        dossier.know("mode", mode, f"hyper-parameter mode is {mode}")
        return mode
    stored = f"is {show(mode)}" if "mode" in settings else "is missing"
    dossier.error(
        "hparams.mode",
        f"Hyper-parameter mode {stored}, so nobody can tell whether the network's output is a velocity "
        "(cfm_continuous) "
        "or logits (dfm_binary).",
    )
    return None


def _solver(dossier: Dossier, settings: Settings, mode: str) -> None:
    if mode == "cfm_continuous":
        dossier.know("sampler", "dopri5", "continuous flow is solved by dopri5 with atol = rtol = 1e-4")
        return
    for key in ("dfm_sampler", "dfm_eps"):
        if not settings.has(key):
            message = f"Hyper-parameter {key} is missing; the producer's default is assumed."
            dossier.note("hparams.assumed", message, "Compare with the config.yaml of the run if you have it.")
    sampler = settings.choice("dfm_sampler", ("euler", "heun"), "euler")
    dossier.know("sampler", sampler, settings.said("dfm_sampler", "euler"))
    dossier.know("dfm_eps", settings.number("dfm_eps", 1e-12, 0.1, 1e-6), settings.said("dfm_eps", 1e-6))


def _steps(dossier: Dossier, settings: Settings, mode: str) -> None:
    if not settings.has("timesteps"):
        dossier.error("hparams.timesteps", "Hyper-parameter timesteps is missing, so the number of steps is unknown.")
        return
    # A grid of one point would report the noise that the solver starts from.
    least = 2 if mode == "cfm_continuous" else 1
    dossier.know("timesteps", settings.integer("timesteps", least, 100_000, least), settings.said("timesteps", None))


def _velocity(dossier: Dossier, settings: Settings, writer: Writer) -> None:
    if writer.producer == "sofl-seg":
        return
    if writer.module_class == "FlowSoft2HardModel":
        dossier.know("v_activation", "none", "FlowSoft2HardModel passes the velocity on as it is")
        return
    activation = settings.choice("v_activation", ACTIVATIONS, "none")
    dossier.know("v_activation", activation, settings.said("v_activation", "none"))
    bound = settings.number("v_clamp_value", 1e-6, 1e6, 1.0)
    dossier.know("v_clamp_value", bound, settings.said("v_clamp_value", 1.0))


def _window(dossier: Dossier, settings: Settings, writer: Writer) -> None:
    if writer.producer == "sofl-seg":
        sliding = settings.flag("use_sliding_infer", True)
        dossier.know("sliding_window", sliding, settings.said("use_sliding_infer", True))
    else:
        dossier.know("sliding_window", True, "soft-seg always evaluates with a sliding window")
