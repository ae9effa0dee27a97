"""DSCNet (spec 3.2). H and W must be multiples of 8, and at least 16."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.networks.dscnet.config import DscnetConfig
from core.networks.wrapped import SupervisedNetwork, Wrapped

Direction = Literal["x", "y"]
DOWN, UP = (0, 2, 4, 6), (12, 14, 16)
"""Numbers in the names of the stages: stage 2 is conv20, conv2x, conv2y and conv3."""


class ConvUnit(nn.Module):
    """3x3 convolution, GroupNorm with four channels to a group, ReLU."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.gn = nn.GroupNorm(channels_out // 4, channels_out)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.gn(self.conv(x)))


class SnakeUnit(nn.Module):
    """A line of K taps that follows learned offsets: along columns and bending in rows (`x`), or the other way (`y`).

    Both convolutions are in the files, so also here; the one of the other direction is never used.
    """

    def __init__(self, channels_in: int, channels_out: int, taps: int, direction: Direction) -> None:
        super().__init__()
        self.taps, self.direction = taps, direction
        self.offset_conv = nn.Conv2d(channels_in, 2 * taps, 3, padding=1)
        self.gn_offset = nn.GroupNorm(taps, 2 * taps)
        self.gn = nn.GroupNorm(channels_out // 4, channels_out)
        self.dsc_conv_x = nn.Conv2d(channels_in, channels_out, (taps, 1), stride=(taps, 1))
        self.dsc_conv_y = nn.Conv2d(channels_in, channels_out, (1, taps), stride=(1, taps))

    def forward(self, x: Tensor) -> Tensor:
        offsets = torch.tanh(self.gn_offset(self.offset_conv(x)))  # (B, 2K, H, W)
        if self.direction == "x":
            return F.relu(self.gn(self.dsc_conv_x(self._along_columns(x, offsets[:, : self.taps]))))
        return F.relu(self.gn(self.dsc_conv_y(self._along_rows(x, offsets[:, self.taps :]))))

    def _along_columns(self, x: Tensor, offsets: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H*K, W): tap k of pixel (r, q) lies in row r*K + k."""
        rows, columns, steps = self._lattice(x)
        row = (rows + _path(offsets)).transpose(1, 2)  # (B, H, K, W)
        column = (columns + steps).transpose(1, 2).expand_as(row)
        return _sample(x, row.flatten(1, 2), column.flatten(1, 2))

    def _along_rows(self, x: Tensor, offsets: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W*K): tap k of pixel (r, q) lies in column q*K + k."""
        rows, columns, steps = self._lattice(x)
        column = (columns + _path(offsets)).permute(0, 2, 3, 1)  # (B, H, W, K)
        row = (rows + steps).permute(0, 2, 3, 1).expand_as(column)
        return _sample(x, row.flatten(2), column.flatten(2))

    def _lattice(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Rows (1, 1, H, 1), columns (1, 1, 1, W), and how far each tap lies from the pixel (1, K, 1, 1)."""
        height, width = x.shape[-2:]
        rows = torch.arange(height, dtype=x.dtype, device=x.device).reshape(1, 1, -1, 1)
        columns = torch.arange(width, dtype=x.dtype, device=x.device).reshape(1, 1, 1, -1)
        half = self.taps // 2
        steps = torch.arange(-half, half + 1, dtype=x.dtype, device=x.device).reshape(1, -1, 1, 1)
        return rows, columns, steps


def _path(offsets: Tensor) -> Tensor:
    """Offsets of single taps (B, K, H, W) -> where each tap is: sums from the middle tap, which stays, outwards."""
    taps = offsets.unbind(1)
    middle = len(taps) // 2
    path = [torch.zeros_like(taps[0])] * len(taps)
    for reach in range(1, middle + 1):
        path[middle + reach] = path[middle + reach - 1] + taps[middle + reach]
        path[middle - reach] = path[middle - reach + 1] + taps[middle - reach]
    return torch.stack(path, dim=1)


def _sample(x: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """x (B, C, H, W) between its pixels at `row`, `column`, both (B, h, w); beyond the border, the border."""
    height, width = x.shape[-2:]
    grid = torch.stack((_normalised(column, width), _normalised(row, height)), dim=-1)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=True)


def _normalised(position: Tensor, side: int) -> Tensor:
    """Pixel positions 0 to side - 1 as -1 to 1."""
    return -1.0 + position.clamp(0, side - 1) * (2.0 / (side - 1))


class Dscnet(nn.Module):
    """image (B, C, H, W) -> logits (B, classes, H, W)."""

    def __init__(self, config: DscnetConfig) -> None:
        super().__init__()
        w0, w1, w2, w3 = config.widths
        widths_in = (config.in_channels, w0, w1, w2, w3 + w2, w2 + w1, w1 + w0)
        widths_out = (w0, w1, w2, w3, w2, w1, w0)
        for stage, channels_in, channels_out in zip(DOWN + UP, widths_in, widths_out, strict=True):
            self._add_stage(stage, channels_in, channels_out, config.kernel_size)
        self.out_conv = nn.Conv2d(w0, config.classes, 1)

    def _add_stage(self, stage: int, channels_in: int, channels_out: int, taps: int) -> None:
        self.add_module(f"conv{stage}0", ConvUnit(channels_in, channels_out))
        self.add_module(f"conv{stage}x", SnakeUnit(channels_in, channels_out, taps, "x"))
        self.add_module(f"conv{stage}y", SnakeUnit(channels_in, channels_out, taps, "y"))
        self.add_module(f"conv{stage + 1}", ConvUnit(3 * channels_out, channels_out))

    def forward(self, image: Tensor) -> Tensor:
        skips = [self._stage(DOWN[0], image)]
        for stage in DOWN[1:]:
            skips.append(self._stage(stage, F.max_pool2d(skips[-1], 2)))
        x = skips.pop()
        for stage in UP:
            doubled = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
            x = self._stage(stage, torch.cat((doubled, skips.pop()), dim=1))
        logits: Tensor = self.out_conv(x)
        return logits

    def _stage(self, stage: int, x: Tensor) -> Tensor:
        views = [self.get_submodule(f"conv{stage}{kind}")(x) for kind in "0xy"]
        out: Tensor = self.get_submodule(f"conv{stage + 1}")(torch.cat(views, dim=1))
        return out


def build_dscnet(config: DscnetConfig) -> SupervisedNetwork:
    # The producers wrap this network once more than the others.
    return SupervisedNetwork(Wrapped(Wrapped(Dscnet(config))))
