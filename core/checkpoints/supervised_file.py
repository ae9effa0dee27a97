"""What is special about a supervised checkpoint: logits of two classes, no sampler (diffusion spec 1 to 3)."""

from __future__ import annotations

from typing import Any

from core.checkpoints.cross_check import describe_window
from core.checkpoints.dossier import FROM_TRAINING, Dossier
from core.checkpoints.hyper_parameters import Settings
from core.networks import NetworkConfig

DEFAULT_WINDOW = 224
EITHER = "soft-seg or sofl-seg"


def describe_supervised(dossier: Dossier, settings: Settings, network: NetworkConfig, data_module: Any) -> None:
    """Class, window, range and threshold into the dossier. `data_module`: its stored hyper-parameters, if there."""
    both = "SupervisedModel files of the two code bases are the same, and both predict the same"
    dossier.know("producer", EITHER, both)
    dossier.know("module_class", "SupervisedModel", "keys model.model.*")
    dossier.know("value_range", (0.0, 1.0), "softmax of the two logits")
    dossier.know("threshold", 0.5, "the larger of two logits wins, ties are background: probability above 0.5")
    dossier.know("used_output_channel", 1, "channel 1 is the foreground")
    dossier.know("normalisation", "per-image min-max to [-1, 1]", "both code bases scale each whole image so")
    dossier.know("sliding_window", True, "SupervisedModel always predicts with a sliding window")
    describe_window(dossier, settings, "img_size", network.divisor, DEFAULT_WINDOW)
    _small_window(dossier, network)
    _other_crop(dossier, data_module)


def _small_window(dossier: Dossier, network: NetworkConfig) -> None:
    smallest = getattr(network, "smallest_window", None)
    size = dossier.fields.get("image_size")
    if smallest and size and size < smallest:
        dossier.error(
            "network.sizes",
            f"The file describes a network that cannot be run: its window of {size} pixels is smaller than {smallest}.",
            FROM_TRAINING,
        )


def _other_crop(dossier: Dossier, data_module: Any) -> None:
    """Both code bases train on crops of one size and predict in windows of another (diffusion spec 7.1)."""
    crop = data_module.get("crop_size") if isinstance(data_module, dict) else None
    window = dossier.fields.get("image_size")
    if isinstance(crop, int) and window and crop != window:
        dossier.note(
            "window.other-than-crop",
            f"It was trained on crops of {crop} pixels, but the producer predicts in windows of {window} (img_size).",
            f"Nothing to do: windows of {window} are used, as in the producer's evaluation.",
        )
