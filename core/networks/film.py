"""FiLM heads: a condition vector becomes a gain and an offset for the channels of a decoder stage (spec section 6)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.networks.medsegdiff.config import FilmConfig

Modulation = dict[int, tuple[Tensor, Tensor]]
"""Stage -> (gamma, beta), each (B, C, 1, 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmControl:
    """`strength` 0 = identity, 1 = as trained; `stages` None = every stage with a head."""

    strength: float = 1.0
    stages: tuple[int, ...] | None = None


AS_TRAINED = FilmControl()


class FilmHead(nn.Module):
    """condition (B, cond_dim) -> gamma, beta, each (B, C, 1, 1); gamma is 1 plus what the head says."""

    def __init__(self, cond_dim: int, hidden: int, channels: int, *, layer_norm: bool) -> None:
        super().__init__()
        self.ln = nn.LayerNorm(cond_dim) if layer_norm else None
        self.mlp = nn.Sequential(nn.Linear(cond_dim, hidden), nn.ReLU(), nn.Linear(hidden, 2 * channels))

    def forward(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        z = condition if self.ln is None else self.ln(condition)
        gain, offset = self.mlp(z)[:, :, None, None].chunk(2, dim=1)
        return 1 + gain, offset


class FilmHeads(nn.ModuleList):
    """One head per trained stage, in ascending stage order."""

    def __init__(self, config: FilmConfig) -> None:
        super().__init__(
            FilmHead(config.cond_dim, config.hidden, channels, layer_norm=config.layer_norm)
            for channels in config.channels
        )
        self.stages = config.stages

    def modulation(self, condition: Tensor, control: FilmControl = AS_TRAINED) -> Modulation:
        """Gamma and beta of every active stage for `condition` (B, cond_dim)."""
        active = self.stages if control.stages is None else control.stages
        condition = condition.reshape(-1, condition.shape[-1])  # one condition (cond_dim,) serves the whole batch
        pairs = {stage: head(condition) for stage, head in zip(self.stages, self, strict=True) if stage in active}
        if control.strength == 1.0:
            return pairs  # exactly as trained: no rounding by a multiplication with one
        return {stage: (1 + (g - 1) * control.strength, b * control.strength) for stage, (g, b) in pairs.items()}


def apply_film(x: Tensor, pair: tuple[Tensor, Tensor] | None, gate: Tensor | None) -> Tensor:
    """gamma * x + beta; with `gate` (B, 1, H, W) in [0, 1] only as far as the gate is open (spec section 8)."""
    if pair is None:
        return x
    gamma, beta = pair
    modulated = gamma * x + beta
    if gate is None:
        return modulated
    return x + F.interpolate(gate, size=x.shape[-2:], mode="nearest") * (modulated - x)


class ImageToCondition(nn.Module):
    """Image feature (B, V) -> condition (B, cond_dim)."""

    def __init__(self, feature_width: int, cond_dim: int) -> None:
        super().__init__()
        self.proj = nn.Linear(feature_width, cond_dim)
        self.ln = nn.LayerNorm(cond_dim)

    def forward(self, feature: Tensor) -> Tensor:
        out: Tensor = self.ln(self.proj(feature))
        return out


class TextToCondition(nn.Module):
    """Text embedding or logits feature (B, E) -> condition (B, cond_dim)."""

    def __init__(self, feature_width: int, hidden: int, cond_dim: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(feature_width, hidden), nn.ReLU(), nn.Linear(hidden, cond_dim))

    def forward(self, feature: Tensor) -> Tensor:
        out: Tensor = self.mlp(feature)
        return out


class Conditioner(nn.Module):
    """The trained projection from a vision-language feature to the condition vector (spec section 7).

    `image_to_cond` is always in the file; `text_to_cond` only for text and logits conditioning, and then it is the one
    used.
    """

    def __init__(self, image_width: int, cond_dim: int, text: tuple[int, int] | None = None) -> None:
        super().__init__()
        self.image_to_cond = ImageToCondition(image_width, cond_dim)
        self.text_to_cond = None if text is None else TextToCondition(text[0], text[1], cond_dim)

    def forward(self, feature: Tensor) -> Tensor:
        """feature (B, V or E), any float type -> condition (B, cond_dim) float32."""
        feature = feature.to(torch.float32)
        out: Tensor = self.image_to_cond(feature) if self.text_to_cond is None else self.text_to_cond(feature)
        return out
