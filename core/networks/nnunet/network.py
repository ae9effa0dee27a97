"""The producers' nnunet (spec 3.3). Any window of at least 2**stages pixels; its statistics normalise it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.networks.nnunet.config import NnunetConfig
from core.networks.wrapped import SupervisedNetwork, Wrapped


class DoubleConv(nn.Module):
    """Twice convolution, instance normalisation, LeakyReLU: (B, a, H, W) -> (B, b, H, W)."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, padding=1),
            nn.InstanceNorm2d(channels_out, affine=True),
            nn.LeakyReLU(0.01),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
            nn.InstanceNorm2d(channels_out, affine=True),
            nn.LeakyReLU(0.01),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.block(x)
        return out


class Down(nn.Module):
    """Half the resolution, rounded down."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = DoubleConv(channels_in, channels_out)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(F.max_pool2d(x, 2))
        return out


class Up(nn.Module):
    """Twice the resolution, padded with zeros to that of the skip, joined with it."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(channels_in, channels_out, 2, stride=2)
        self.conv = DoubleConv(2 * channels_out, channels_out)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = self.up(x)
        rows, columns = (wanted - given for wanted, given in zip(skip.shape[-2:], x.shape[-2:], strict=True))
        x = F.pad(x, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))
        out: Tensor = self.conv(torch.cat((skip, x), dim=1))
        return out


class OutConv(nn.Module):
    """1x1 convolution to the classes."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return out


class Nnunet(nn.Module):
    """image (B, C, H, W) -> logits (B, classes, H, W)."""

    def __init__(self, config: NnunetConfig) -> None:
        super().__init__()
        steps = list(pairwise(config.widths))
        self.inc = DoubleConv(config.in_channels, config.widths[0])
        self.down_blocks = nn.ModuleList(Down(high, low) for high, low in steps)
        self.up_blocks = nn.ModuleList(Up(low, high) for high, low in reversed(steps))
        self.outc = OutConv(config.widths[0], config.classes)

    def forward(self, image: Tensor) -> Tensor:
        skips = [self.inc(image)]
        for down in self.down_blocks:
            skips.append(down(skips[-1]))
        x = skips.pop()
        for up in cast(Iterable[Up], self.up_blocks):
            x = up(x, skips.pop())
        logits: Tensor = self.outc(x)
        return logits


def build_nnunet(config: NnunetConfig) -> SupervisedNetwork:
    return SupervisedNetwork(Wrapped(Nnunet(config)))
