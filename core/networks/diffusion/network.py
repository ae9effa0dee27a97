"""A denoiser as the producers' `DiffusionModel` holds it: the U-Net, and beside it the tables of the noise schedule."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from core.networks.diffusion.config import DenoiserConfig
from core.networks.medsegdiff.config import MedSegDiffConfig
from core.networks.medsegdiff.network import BaseUNet
from core.networks.segdiff.network import OnePathUNet
from core.sampling.schedule import cosine_tables


class Process(nn.Module):
    """`model`, and the schedule as buffers of length T. Files bring their own values; new ones are the cosine ones."""

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        for name, table in cosine_tables(config.timesteps, alphas=config.alphas).items():
            self.register_buffer(name, torch.from_numpy(table))
        unet = config.unet
        self.model = BaseUNet(unet) if isinstance(unet, MedSegDiffConfig) else OnePathUNet(unet)

    @property
    def tables(self) -> dict[str, Tensor]:
        """Name -> (T,) float32, as the file stores them."""
        return dict(self.named_buffers(recurse=False))


class Denoiser(nn.Module):
    """network(x, t, image, condition=None) -> the clean mask (B, 1, H, W), in [-1, 1], for berdiff in (0, 1).

    x (B, 1, H, W); t (B,) whole step numbers 0..T-1; image (B, 1, H, W) in [-1, 1]. Sides are multiples of `divisor`.
    """

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        self.config = config
        self.diffusion_model = Process(config)

    @property
    def divisor(self) -> int:
        return self.config.divisor

    def forward(self, x: Tensor, t: Tensor, image: Tensor, condition: None = None) -> Tensor:
        out: Tensor = self.diffusion_model.model(x, t, image)
        return out
