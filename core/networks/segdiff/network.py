"""One-path U-Nets: segdiff sums what it makes of state and image, berdiff stacks the two (flow 4, diffusion 4.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.networks.blocks import ResnetBlock, attention, down_level, time_mlp, up_stage
from core.networks.segdiff.config import SegDiffConfig

GROWTH = 32
RESIDUAL = 0.2
SLOPE = 0.2


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees everything before it; a fifth of what comes out is added to x."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for number in range(4):
            self.add_module(f"conv{number + 1}", nn.Conv2d(channels + number * GROWTH, GROWTH, 3, padding=1))
        self.conv5 = nn.Conv2d(channels + 4 * GROWTH, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        seen = [x]
        for number in range(4):
            convolution = self.get_submodule(f"conv{number + 1}")
            seen.append(F.leaky_relu(convolution(torch.cat(seen, dim=1)), SLOPE))
        out: Tensor = self.conv5(torch.cat(seen, dim=1)) * RESIDUAL + x
        return out


class ResidualDenseBlocks(nn.Module):
    """Three dense blocks in a row (RRDB), and a residual around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.RDB1, self.RDB2, self.RDB3 = (DenseBlock(channels) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.RDB3(self.RDB2(self.RDB1(x))) * RESIDUAL + x
        return out


def image_network(channels_in: int, channels: int) -> nn.Sequential:
    """image (B, C, H, W) -> (B, d, H, W). Does not depend on time or state."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, padding=1),
        nn.Sequential(*(ResidualDenseBlocks(channels) for _ in range(3))),
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.LeakyReLU(SLOPE),
    )


class OnePathUNet(nn.Module):
    """(state (B, K, H, W), t, image (B, 1, H, W)) -> (B, K, H, W): velocity, logits or the clean mask."""

    def __init__(self, config: SegDiffConfig) -> None:
        super().__init__()
        widths, full = config.widths, config.full_attention
        base, deepest, time = widths[0], widths[-1], 4 * widths[0]
        self.sigmoid = config.sigmoid
        self.summed = config.stem == "sum"
        if self.summed:
            self.F_model = nn.Conv2d(config.state_channels, base, 3, padding=1)
            self.G_model = image_network(config.in_channels, base)
        else:
            self.init_conv = nn.Conv2d(config.state_channels + config.in_channels, base, 7, padding=3)
        self.time_mlp = time_mlp(base, config.time_scale)
        self.downs = nn.ModuleList(down_level(widths, full, level) for level in range(len(full)))
        self.mid_block1 = ResnetBlock(deepest, deepest, time)
        self.mid_attn = attention(deepest, full=True)
        self.mid_block2 = ResnetBlock(deepest, deepest, time)
        self.ups = nn.ModuleList(up_stage(widths, full, stage) for stage in range(len(full)))
        self.final_res_block = ResnetBlock(2 * base, base, time)
        self.final_conv = nn.Conv2d(base, config.out_channels, 1)

    def forward(self, x: Tensor, t: Tensor, image: Tensor) -> Tensor:
        time = self.time_mlp(t)  # (B, 4d)
        x = self._stem(x, image)
        first = x
        x, skips = self._encode(x, time)
        x = self.mid_block2(self.mid_attn(self.mid_block1(x, time)), time)
        for parts in self.ups:
            block1, block2, attend, up = cast(Iterable[nn.Module], parts)
            x = block1(torch.cat((x, skips.pop()), dim=1), time)
            x = block2(torch.cat((x, skips.pop()), dim=1), time)
            x = up(attend(x))
        out: Tensor = self.final_conv(self.final_res_block(torch.cat((x, first), dim=1), time))
        return torch.sigmoid(out) if self.sigmoid else out

    def _stem(self, x: Tensor, image: Tensor) -> Tensor:
        out: Tensor
        out = self.F_model(x) + self.G_model(image) if self.summed else self.init_conv(torch.cat((x, image), dim=1))
        return out

    def _encode(self, x: Tensor, time: Tensor) -> tuple[Tensor, list[Tensor]]:
        skips: list[Tensor] = []
        for level in self.downs:
            block1, block2, attend, down = cast(Iterable[nn.Module], level)
            x = block1(x, time)
            skips.append(x)
            x = attend(block2(x, time))
            skips.append(x)
            x = down(x)
        return x, skips


class _Holder(nn.Module):
    """Gives the keys the prefix that they have in the producers' files."""

    def __init__(self, config: SegDiffConfig) -> None:
        super().__init__()
        self.base_unet = OnePathUNet(config)


class SegDiffFlow(nn.Module):
    """network(x, t, image, condition=None) -> velocity or logits (B, 1, H, W); t (B,) in [0, 1], no FiLM."""

    def __init__(self, config: SegDiffConfig) -> None:
        super().__init__()
        self.config = config
        self.unet = _Holder(config)

    @property
    def divisor(self) -> int:
        return self.config.divisor

    def forward(self, x: Tensor, t: Tensor, image: Tensor, condition: None = None) -> Tensor:
        out: Tensor = self.unet.base_unet(x, t, image)
        return out
