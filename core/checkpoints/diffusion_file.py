"""What is special about a diffusion checkpoint: who wrote it, its sampler, its schedule (diffusion spec)."""

from __future__ import annotations

from core.checkpoints.cross_check import describe_window
from core.checkpoints.dossier import Dossier
from core.checkpoints.hyper_parameters import Settings
from core.networks import NetworkConfig
from core.networks.diffusion.config import DenoiserConfig

SAMPLERS = {"medsegdiff": "gaussian", "segdiff": "gaussian", "berdiff": "bernoulli", "colddiff": "cold"}
SOFL_TRACES = ("loss_type", "conditioning_fmap_size")


def describe_diffusion(dossier: Dossier, settings: Settings, network: NetworkConfig) -> None:
    """Producer, sampler, steps, range and threshold into the dossier."""
    assert isinstance(network, DenoiserConfig), "the registry holds nothing else in this family"
    arch = str(dossier.fields["arch"])
    dossier.know("producer", *_producer(arch, settings))
    dossier.know("module_class", "DiffusionModel", "keys diffusion_model.*")
    dossier.know("sampler", SAMPLERS[arch], f"{arch} is sampled so in both code bases")
    steps = network.timesteps
    dossier.know("timesteps", steps, f"length of diffusion_model.betas: all {steps} steps are always run")
    dossier.know("value_range", (0.0, 1.0), "the sampler's result is mapped to [0, 1]")
    dossier.know("threshold", 0.5, "mask where the result is above 0.5, in both code bases")
    dossier.know("used_output_channel", 0, "the network has one output")
    dossier.know("normalisation", "per-image min-max to [-1, 1]", "both code bases scale each whole image so")
    dossier.know("num_ensemble", settings.integer("num_ensemble", 1, 10_000, 1), settings.said("num_ensemble", 1))
    dossier.know("sliding_window", True, "DiffusionModel always predicts with a sliding window")
    describe_window(dossier, settings, "image_size", network.divisor)
    _quirks(dossier, arch)


def _producer(arch: str, settings: Settings) -> tuple[str, str]:
    """Diffusion spec 1.2. No trace of sofl-seg means soft-seg: the two classes have no other difference."""
    if arch == "colddiff":
        return "sofl-seg", "only sofl-seg has colddiff"
    traces = [key for key in SOFL_TRACES if key in settings]
    if len(traces) == len(SOFL_TRACES):
        return "sofl-seg", "only sofl-seg's DiffusionModel has loss_type and conditioning_fmap_size"
    return "soft-seg", "sofl-seg's DiffusionModel would have loss_type and conditioning_fmap_size"


def _quirks(dossier: Dossier, arch: str) -> None:
    if arch == "colddiff" and dossier.fields["num_ensemble"] > 1:
        dossier.note(
            "ensemble.identical",
            f"colddiff is deterministic, so its {dossier.fields['num_ensemble']} samples are all the same.",
            "Choose 1 sample to save time: the result does not change.",
        )
    if arch != "colddiff":
        dossier.note(
            "sampler.unseeded",
            "The producer's evaluation sets no random seed, so its numbers differ from run to run.",
            "Nothing to do: runs here have a seed. Take several samples to see how far results spread.",
        )
