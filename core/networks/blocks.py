"""Building blocks shared by the MedSegDiff and SegDiff networks (spec section 2). Keys are the producers' keys."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HEADS = 4
HEAD_DIM = 32
HIDDEN = HEADS * HEAD_DIM
GROUPS = 8


class ChannelNorm(nn.Module):
    """LayerNorm over channels at each pixel: x (B, C, H, W) -> same, biased variance."""

    def __init__(self, channels: int, *, bias: bool = False) -> None:
        super().__init__()
        self.g = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.b = nn.Parameter(torch.zeros(1, channels, 1, 1)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        eps = 1e-5 if x.dtype == torch.float32 else 1e-3
        variance, mean = torch.var_mean(x, dim=1, correction=0, keepdim=True)
        y = (x - mean) * torch.rsqrt(variance + eps) * self.g
        return y if self.b is None else y + self.b


class SinusoidalTime(nn.Module):
    """t, (B,) -> (B, width): all sines, then all cosines, of `scale` t times falling frequencies."""

    def __init__(self, width: int, scale: float) -> None:
        super().__init__()
        self.frequencies = width // 2
        self.scale = scale

    def forward(self, t: Tensor) -> Tensor:
        rate = math.log(10000) / (self.frequencies - 1)
        frequencies = torch.exp(torch.arange(self.frequencies, device=t.device) * -rate)
        angles = (t.reshape(-1) * self.scale)[:, None] * frequencies[None, :]  # (B, width/2), one row for a single t
        return torch.cat((angles.sin(), angles.cos()), dim=-1)


def time_mlp(width: int, scale: float) -> nn.Sequential:
    """(B,) time -> (B, 4 width) embedding; `scale`: 1000 for flow time in [0, 1], 1 for step numbers of diffusion."""
    linear = (nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, 4 * width))
    return nn.Sequential(SinusoidalTime(width, scale), *linear)


class ConvNorm(nn.Module):
    """3x3 convolution, GroupNorm, optional scale and shift, SiLU."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm = nn.GroupNorm(GROUPS, channels_out)

    def forward(self, x: Tensor, scale_shift: tuple[Tensor, Tensor] | None = None) -> Tensor:
        x = self.norm(self.proj(x))
        if scale_shift is not None:
            scale, shift = scale_shift
            x = x * (scale + 1) + shift
        return F.silu(x)


class ResnetBlock(nn.Module):
    """Two ConvNorms and a residual; `time_width` None = not conditioned on time."""

    def __init__(self, channels_in: int, channels_out: int, time_width: int | None = None) -> None:
        super().__init__()
        self.mlp = None if time_width is None else nn.Sequential(nn.SiLU(), nn.Linear(time_width, 2 * channels_out))
        self.block1 = ConvNorm(channels_in, channels_out)
        self.block2 = ConvNorm(channels_out, channels_out)
        self.res_conv = nn.Conv2d(channels_in, channels_out, 1) if channels_in != channels_out else nn.Identity()

    def forward(self, x: Tensor, time: Tensor | None = None) -> Tensor:
        scale_shift = None
        if self.mlp is not None and time is not None:
            scale, shift = self.mlp(time)[:, :, None, None].chunk(2, dim=1)  # each (B, C, 1, 1)
            scale_shift = (scale, shift)
        h: Tensor = self.block2(self.block1(x, scale_shift))
        out: Tensor = h + self.res_conv(x)
        return out


class Residual(nn.Module):
    """x + fn(x, ...): the first argument is the one that is added."""

    def __init__(self, fn: nn.Module) -> None:
        super().__init__()
        self.fn = fn

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        out: Tensor = x + self.fn(x, *others)
        return out


def split_heads(x: Tensor) -> Tensor:
    """(B, 128, H, W) -> (B, heads, H*W, head_dim)."""
    batch = x.shape[0]
    return x.reshape(batch, HEADS, HEAD_DIM, -1).transpose(2, 3)


def merge_heads(x: Tensor, height: int, width: int) -> Tensor:
    """(B, heads, H*W, head_dim) -> (B, 128, H, W)."""
    return x.transpose(2, 3).reshape(x.shape[0], HIDDEN, height, width)


class LinearAttention(nn.Module):
    """Attention whose cost is linear in pixels: keys are summarised into one 32x32 context per head."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pre_norm = ChannelNorm(channels)
        self.to_qkv = nn.Conv2d(channels, 3 * HIDDEN, 1, bias=False)
        self.to_out = nn.Sequential(nn.Conv2d(HIDDEN, channels, 1), ChannelNorm(channels))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (split_heads(part) for part in self.to_qkv(self.pre_norm(x)).chunk(3, dim=1))
        q = q.softmax(dim=-1) * HEAD_DIM**-0.5
        k = k.softmax(dim=-2)
        context = k.transpose(2, 3) @ v  # (B, heads, 32, 32)
        out: Tensor = self.to_out(merge_heads(q @ context, *x.shape[-2:]))
        return out


class Attention(nn.Module):
    """Full attention over all pixels; cost is quadratic in pixels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pre_norm = ChannelNorm(channels)
        self.to_qkv = nn.Conv2d(channels, 3 * HIDDEN, 1, bias=False)
        self.to_out = nn.Conv2d(HIDDEN, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (split_heads(part) for part in self.to_qkv(self.pre_norm(x)).chunk(3, dim=1))
        attended = F.scaled_dot_product_attention(q, k, v, scale=HEAD_DIM**-0.5)
        out: Tensor = self.to_out(merge_heads(attended, *x.shape[-2:]))
        return out


def downsample(channels_in: int, channels_out: int, *, last: bool) -> nn.Module:
    """Halve the resolution, or keep it at the last level."""
    if last:
        return nn.Conv2d(channels_in, channels_out, 3, padding=1)
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 4, stride=2, padding=1))


def upsample(channels_in: int, channels_out: int, *, last: bool) -> nn.Module:
    """Double the resolution (nearest, then a convolution), or keep it at the last stage."""
    if last:
        return nn.Conv2d(channels_in, channels_out, 3, padding=1)
    convolution = nn.Conv2d(channels_in, channels_out, 3, padding=1)
    return nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"), convolution)


def attention(channels: int, full: bool) -> Residual:
    return Residual(Attention(channels) if full else LinearAttention(channels))


def down_level(widths: Sequence[int], full_attention: Sequence[bool], level: int) -> nn.ModuleList:
    """Two timed blocks, attention and the way down, of level `level` of a U-Net with widths D_0..D_L."""
    width, out, time = widths[level], widths[level + 1], 4 * widths[0]
    return nn.ModuleList(
        (
            ResnetBlock(width, width, time),
            ResnetBlock(width, width, time),
            attention(width, full_attention[level]),
            downsample(width, out, last=level == len(full_attention) - 1),
        )
    )


def up_stage(widths: Sequence[int], full_attention: Sequence[bool], stage: int) -> nn.ModuleList:
    """The decoder stage that mirrors level L - 1 - `stage`; each of its blocks takes one skip."""
    level = len(full_attention) - 1 - stage
    width, skip, time = widths[level + 1], widths[level], 4 * widths[0]
    return nn.ModuleList(
        (
            ResnetBlock(width + skip, width, time),
            ResnetBlock(width + skip, width, time),
            attention(width, full_attention[level]),
            upsample(width, skip, last=level == 0),
        )
    )
